//! Every process as a story that can be played thousands of times: over drawn TTLs, lags and faults,
//! and with a controller that dies after each of its outputs.
//!
//! Owns the stories and the ranges of the draws. What is safe, the oracle says; the guard is off, so
//! that the tables stand alone.

use std::{collections::BTreeMap, time::Duration};

use counterpoint_dns::{
    name::parse_name,
    stream::{Stream, stream},
};
use rand::RngExt as _;

use crate::{
    outcome::{Outcome, ProcessOutcome},
    pool,
    run::{play, run, run_with_cut},
    scenario::{
        Algorithm, Event, Fault, FaultKind, KeyKind, KeyLayout, KskRoll, Profile, Range, Record,
        Safety, Scenario, Signer, Target, Ttl, Verdict, What, Zone,
    },
};

/// TTLs, seconds.
const TTLS: [u32; 5] = [30, 300, 3_600, 21_600, 86_400];
/// Longest lag of an instance, seconds.
const LAGS: [u64; 4] = [0, 5, 60, 600];
/// Time between the parent's scans, and the longest from its verdict to its publication.
const PARENT_DELAY_MAX: Duration = Duration::from_secs(1_800);
/// When the story begins.
const AT: Duration = Duration::from_secs(2 * HOUR);
const HOUR: u64 = 3_600;
/// A signer that rolls by itself leaves this long between its steps: longer than any wait.
const OWN_PACE: Duration = Duration::from_secs(36 * HOUR);

/// One process, as it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Story {
    /// Its name.
    pub name: &'static str,
    /// Whether beta serves the zone when it begins.
    has_beta: bool,
    /// What happens.
    tell: fn(&mut Scenario, Duration),
}

/// All of them. Those that are cancelled are so after the time that is handed in.
pub const STORIES: [Story; 14] = [
    story("join", false, |s, _| {
        push(s, AT, What::Join { signer: beta() });
    }),
    story("bootstrap", false, |s, _| {
        without_ds(s);
        push(s, AT, What::Join { signer: beta() });
    }),
    story("cancel-bootstrap", false, |s, later| {
        without_ds(s);
        push(s, AT, What::Join { signer: beta() });
        push(s, AT + later, What::Cancel {});
    }),
    story("leave", true, |s, _| push(s, AT, leave(false))),
    story("leave-dead", true, |s, _| {
        // Nobody reaches it any more: to the oracle, a server that a fault silences may still be asked.
        push(s, AT / 2, What::StopServing { signer: beta() });
        push(s, AT, leave(true));
    }),
    story("cancel-join", false, |s, later| {
        push(s, AT, What::Join { signer: beta() });
        push(s, AT + later, What::Cancel {});
    }),
    story("cancel-leave", true, |s, later| {
        push(s, AT, leave(false));
        push(s, AT + later, What::Cancel {});
    }),
    story("roll-zsk", true, |s, _| {
        push(s, AT, What::RollZsk { signer: beta() });
    }),
    story("roll-ksk", true, |s, _| {
        push(s, AT, What::RollKsk { signer: beta() });
    }),
    story("roll-ksk-double", true, |s, _| {
        s.controller.ksk_roll = KskRoll::Double;
        push(s, AT, What::RollKsk { signer: beta() });
    }),
    story("roll-csk", true, |s, _| {
        s.signers.iter_mut().for_each(|signer| {
            if signer.name == beta() {
                signer.keys = KeyLayout::Csk;
            }
        });
        push(s, AT, What::RollCsk { signer: beta() });
    }),
    story("roll-algorithm", true, |s, _| {
        let to = Algorithm::Ecdsap256sha256;
        push(s, AT, What::RollAlgorithm { to });
    }),
    story("own-roll-zsk", true, |s, _| {
        let (signer, label) = (beta(), String::from("zsk-2"));
        push(
            s,
            AT,
            What::NewKey {
                signer,
                kind: KeyKind::Zsk,
                label: label.clone(),
            },
        );
        push(
            s,
            AT + OWN_PACE,
            What::SignWith {
                signer: beta(),
                label,
            },
        );
        let label = String::from("zsk-1");
        push(
            s,
            AT + 2 * OWN_PACE,
            What::DropKey {
                signer: beta(),
                label,
            },
        );
    }),
    story("go-insecure", true, |s, _| push(s, AT, What::GoInsecure {})),
];

const fn story(name: &'static str, has_beta: bool, tell: fn(&mut Scenario, Duration)) -> Story {
    Story {
        name,
        has_beta,
        tell,
    }
}

/// The parent has no DS RRset, and wants authenticated signals for the first one.
fn without_ds(scenario: &mut Scenario) {
    scenario.zones[0].secure = false;
    scenario
        .signers
        .iter_mut()
        .for_each(|signer| signer.signal = true);
}

fn beta() -> String {
    "beta".into()
}

fn leave(dead: bool) -> What {
    What::Leave {
        signer: beta(),
        dead,
    }
}

/// The story over TTLs, lags and faults drawn from `seed`.
pub fn drawn(story: &Story, seed: u64) -> Scenario {
    let mut chance = stream(seed, story.name);
    let mut scenario = base(story, seed);
    scenario.title = format!("{}, draw {seed}", story.name);
    for signer in &mut scenario.signers {
        signer.dnskey_ttl = ttl(&mut chance);
        signer.ns_ttl = ttl(&mut chance);
        signer.default_ttl = ttl(&mut chance);
        signer.negative_ttl = signer.default_ttl;
        signer.propagation = lag(&mut chance);
        let all = [signer.dnskey_ttl, signer.ns_ttl, signer.default_ttl];
        signer.max_ttl = all.into_iter().max().unwrap_or(signer.max_ttl);
    }
    scenario.parent.ds_ttl = ttl(&mut chance);
    scenario.parent.ns_ttl = ttl(&mut chance);
    scenario.parent.propagation = lag(&mut chance);
    let delay = Range::new(Duration::ZERO, PARENT_DELAY_MAX).draw(&mut chance);
    scenario.scanner.interval = PARENT_DELAY_MAX;
    scenario.scanner.publish_delay = Range::new(Duration::ZERO, delay);
    let later = Duration::from_secs(chance.random_range(30..12 * HOUR));
    (story.tell)(&mut scenario, later);
    for _ in 0..chance.random_range(0..=2_u8) {
        let from = AT + Duration::from_secs(chance.random_range(0..24 * HOUR));
        let until = from + Duration::from_secs(chance.random_range(600..6 * HOUR));
        let target = match chance.random_range(0..3_u8) {
            0 => Target::Instance("alpha".into(), 2),
            1 => Target::Instance(beta(), 1),
            _ => Target::ParentInstance(2),
        };
        let kind = match chance.random_range(0..3_u8) {
            0 => FaultKind::Dead,
            1 => FaultKind::Stale,
            _ => {
                let lasting = Duration::from_secs(chance.random_range(60..3 * HOUR));
                push(&mut scenario, from, What::ControllerCrash { lasting });
                continue;
            }
        };
        scenario.faults.push(fault(kind, target, from, Some(until)));
    }
    scenario
}

/// The same without faults and crashes.
pub fn calm(story: &Story, seed: u64) -> Scenario {
    let mut scenario = drawn(story, seed);
    scenario.faults.clear();
    scenario
        .events
        .retain(|event| !event.what.is_of_controller());
    scenario
}

/// The story with short TTLs and nothing drawn.
pub fn plain(story: &Story) -> Scenario {
    let mut scenario = base(story, 1);
    scenario.title = story.name.into();
    let ttl = Ttl::from_seconds(300);
    for signer in &mut scenario.signers {
        signer.dnskey_ttl = ttl;
        signer.ns_ttl = ttl;
        signer.default_ttl = ttl;
        signer.negative_ttl = ttl;
        signer.max_ttl = ttl;
    }
    scenario.parent.ds_ttl = ttl;
    scenario.parent.ns_ttl = ttl;
    (story.tell)(&mut scenario, Duration::from_secs(HOUR / 4));
    scenario
}

fn base(story: &Story, seed: u64) -> Scenario {
    let mut members = vec![String::from("alpha")];
    members.extend(story.has_beta.then(beta));
    let mut scenario = Scenario {
        seed,
        resolvers: Vec::new(),
        signers: ["alpha", "beta"].map(Signer::named).into(),
        zones: vec![Zone {
            name: parse_name("example.test.").unwrap_or_default(),
            signers: members,
            records: Record::parse("www A 192.0.2.1").into_iter().collect(),
            ..Zone::default()
        }],
        ..Scenario::default()
    };
    scenario.judge.profiles = vec![Profile::Liberal, Profile::StrictDs];
    scenario.controller.guard = false;
    scenario.controller.safety = Safety::Span(Duration::from_secs(1));
    scenario
}

fn ttl(chance: &mut Stream) -> Ttl {
    Ttl::from_seconds(TTLS[chance.random_range(0..TTLS.len())])
}

fn lag(chance: &mut Stream) -> Range {
    let most = LAGS[chance.random_range(0..LAGS.len())];
    Range::new(Duration::ZERO, Duration::from_secs(most))
}

fn fault(kind: FaultKind, target: Target, from: Duration, until: Option<Duration>) -> Fault {
    Fault {
        number: 0,
        from,
        until,
        kind,
        target,
    }
}

fn push(scenario: &mut Scenario, at: Duration, what: What) {
    let number = scenario.events.len() + 1;
    let zone = scenario.zones[0].name.clone();
    scenario.events.push(Event {
        number,
        at,
        zone,
        what,
    });
}

/// What became of many runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many there were.
    pub runs: usize,
    /// Those that went wrong, by number, with what went wrong.
    pub wrong: BTreeMap<u64, String>,
}

/// What is wrong with a run: some cache could have failed, or a process did not end.
fn wrong(outcome: &Outcome) -> Option<String> {
    if let Some(error) = &outcome.internal_error {
        return Some(error.clone());
    }
    if outcome.verdict == Verdict::Unsafe {
        let mut deciding = outcome
            .violations
            .iter()
            .filter(|violation| violation.decides);
        return deciding.next().map(|violation| violation.witness.clone());
    }
    if outcome.processes.is_empty() {
        return Some("no process began".into());
    }
    let mut open = outcome.processes.iter();
    let open = open.find(|process| process.outcome != ProcessOutcome::Done)?;
    Some(format!("{}: {:?}", open.process, open.outcome))
}

/// Plays draws of a story on `jobs` threads.
pub fn play_draws(story: &Story, first_seed: u64, runs: usize, jobs: usize) -> Tally {
    let seeds: Vec<u64> = (first_seed..first_seed + runs as u64).collect();
    play_each(&seeds, jobs, |seed| run(&drawn(story, seed)))
}

/// Plays a story with a controller that dies after its nth output, for every `stride`th of them.
pub fn play_crashes(story: &Story, stride: usize, jobs: usize) -> Tally {
    let scenario = plain(story);
    let played = play::play(&scenario);
    let controller = played.cast.controller.as_ref();
    let outputs = controller.map_or(0, |seated| seated.outputs);
    let points: Vec<u64> = (1..=outputs).step_by(stride.max(1)).collect();
    play_each(&points, jobs, |point| run_with_cut(&scenario, point))
}

fn play_each(numbers: &[u64], jobs: usize, play: impl Fn(u64) -> Outcome + Sync) -> Tally {
    let mut tally = Tally::default();
    let one = |number: &u64| wrong(&play(*number));
    pool::in_order(numbers, jobs, one, |number, why| {
        tally.runs += 1;
        tally.wrong.extend(why.map(|why| (*number, why)));
        true
    });
    tally
}
