//! A bounded world, all of it: every choice of shortest and longest lags, of when the parent scans, and
//! of one fault whose window begins and ends on the grid of critical offsets – a step's beginning, and
//! a TTL later, a second before and a second after.
//!
//! Pruned without loss: a run is a function of what its fault meets. Two windows between which nothing
//! comes to pass at the target, in the run of one of them, are the same run, and one is played.

use std::{collections::BTreeSet, fmt, time::Duration};

use counterpoint_dns::time::Timestamp;
use counterpoint_simnet::{network::Touch, topology::Stage};

use super::trial::{Failure, direction, judged};
use crate::{
    pool,
    run::{
        direction::Direction,
        faults::addresses,
        plan,
        play::{Played, play_under},
        verdict,
    },
    scenario::{
        Fault, FaultKind, Range, Scenario, Signer, Target, Ttl,
        time::{print_span, seconds},
    },
};

/// One choice of lags and of the parent's phase.
#[derive(Clone, Debug, PartialEq)]
pub struct Weather {
    scenario: Scenario,
    first_scan: Duration,
    name: String,
}

/// One choice of everything.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    weather: String,
    fault: Option<Fault>,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.weather)?;
        let Some(fault) = &self.fault else {
            return f.write_str(", no fault");
        };
        let (from, until) = (
            print_span(fault.from),
            print_span(fault.until.unwrap_or_default()),
        );
        write!(
            f,
            ", {} {} from {from} until {until}",
            fault.target,
            fault.kind.name()
        )
    }
}

/// How far a search has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Choices that were looked at.
    pub choices: u64,
    /// Of them, runs that were played.
    pub played: u64,
    /// Hashes of the histories that came of them.
    pub states: BTreeSet<[u8; 32]>,
}

/// Every weather: each range at its shortest and at its longest, the scan at once or half a turn later.
pub fn weathers(scenario: &Scenario) -> Vec<Weather> {
    let mut all = vec![Weather {
        scenario: scenario.clone(),
        first_scan: Duration::ZERO,
        name: String::new(),
    }];
    let parent: fn(&mut Scenario, usize) -> Option<&mut Range> =
        |s, n| (n == 0).then_some(&mut s.parent.propagation);
    let publication: fn(&mut Scenario, usize) -> Option<&mut Range> =
        |s, n| (n == 0).then_some(&mut s.scanner.publish_delay);
    let signer: fn(&mut Scenario, usize) -> Option<&mut Range> =
        |s, n| s.signers.get_mut(n).map(|signer| &mut signer.propagation);
    for (what, range) in [
        ("parent lag", parent),
        ("publication", publication),
        ("lag", signer),
    ] {
        for index in 0..scenario.signers.len() {
            all = all
                .into_iter()
                .flat_map(|weather| ends_of(weather, what, range, index))
                .collect();
        }
    }
    let half = scenario.scanner.interval / 2;
    let phased = all.into_iter().flat_map(|weather| {
        [Duration::ZERO, half].map(|first_scan| Weather {
            first_scan,
            name: format!("{}scan at {}", weather.name, print_span(first_scan)),
            ..weather.clone()
        })
    });
    phased.collect()
}

/// The weather with a range at either end; as it is, if that is the same.
fn ends_of(
    weather: Weather,
    what: &str,
    range: fn(&mut Scenario, usize) -> Option<&mut Range>,
    index: usize,
) -> Vec<Weather> {
    let mut probe = weather.scenario.clone();
    let Some(Range { low, high }) = range(&mut probe, index).copied() else {
        return vec![weather];
    };
    if low == high {
        return vec![weather];
    }
    let at = |end: Duration| {
        let mut chosen = weather.clone();
        if let Some(range) = range(&mut chosen.scenario, index) {
            *range = Range::exactly(end);
        }
        chosen
            .name
            .push_str(&format!("{what} {} {}, ", index + 1, print_span(end)));
        chosen
    };
    vec![at(low), at(high)]
}

/// Plays every choice; hands what was found to `done` after each weather.
pub fn search(
    weathers: &[Weather],
    threads: usize,
    mut done: impl FnMut(&Tally, Vec<(Choice, Failure)>),
) -> Tally {
    let mut whole = Tally::default();
    pool::in_order(weathers, threads, one, |_, (tally, found)| {
        whole.choices += tally.choices;
        whole.played += tally.played;
        whole.states.extend(tally.states);
        done(&whole, found);
        true
    });
    whole
}

/// A window of a fault: first instant, and first instant after.
type Window = (Timestamp, Timestamp);

/// A run that was played: its window, and when something came to pass at the target.
struct Known {
    window: Option<Window>,
    touches: Vec<Timestamp>,
}

impl Known {
    /// Whether a run with the window `other` is this one: nothing comes to pass where they differ.
    fn is_also(&self, other: Window) -> bool {
        let quiet = |(from, until): Window| {
            let next = self.touches.partition_point(|at| *at < from);
            self.touches.get(next).is_none_or(|at| *at >= until)
        };
        let (from, until) = other;
        match self.window {
            Some((a, b)) if a.max(from) < b.min(until) => {
                quiet((a.min(from), a.max(from))) && quiet((b.min(until), b.max(until)))
            }
            Some(window) => quiet(window) && quiet(other),
            None => quiet(other),
        }
    }
}

/// What a search keeps of a run.
struct Ran {
    touches: Vec<Touch>,
    state: [u8; 32],
    /// When steps began, and events and faults of the scenario came.
    beginnings: BTreeSet<Duration>,
    failure: Option<Failure>,
}

/// Plays one choice.
fn play_one(weather: &Weather, fault: Option<&Fault>) -> Ran {
    let mut scenario = weather.scenario.clone();
    scenario.faults.extend(fault.cloned());
    let direction = Direction {
        first_scan: Some(weather.first_scan),
        is_noted: true,
        ..direction(&scenario)
    };
    let played = play_under(&scenario, direction);
    Ran {
        touches: played.stage.world.touches().to_vec(),
        state: verdict::state(&played),
        beginnings: beginnings(&scenario, &played),
        failure: judged(&scenario, played).failures.into_iter().next(),
    }
}

/// When something begins: events, and steps of processes.
fn beginnings(scenario: &Scenario, played: &Played) -> BTreeSet<Duration> {
    let reports = played
        .cast
        .controller
        .iter()
        .flat_map(|seated| seated.agent.report());
    let steps = reports
        .flat_map(|report| report.steps)
        .map(|step| step.from - scenario.start);
    let events = scenario.events.iter().map(|event| event.at);
    // Whole seconds: offsets are told to people.
    let whole = |at: Duration| seconds(at.as_secs());
    steps.chain(events).map(whole).collect()
}

/// A TTL, a second less, a second more; of every TTL that the scenario has.
fn offsets(scenario: &Scenario) -> BTreeSet<Duration> {
    let parent = &scenario.parent;
    let own = |s: &Signer| [s.dnskey_ttl, s.ns_ttl, s.default_ttl, s.negative_ttl];
    let all = scenario
        .signers
        .iter()
        .flat_map(own)
        .chain([parent.ds_ttl, parent.ns_ttl]);
    let around = |ttl: Ttl| {
        let ttl = ttl.span();
        [ttl.saturating_sub(seconds(1)), ttl, ttl + seconds(1)]
    };
    all.flat_map(around)
        .filter(|offset| !offset.is_zero())
        .collect()
}

/// Everything that one fault can befall, and how.
fn targets(scenario: &Scenario) -> Vec<(Target, FaultKind)> {
    let mut servers = vec![Target::Parent];
    servers.extend((1..=scenario.parent.servers).map(Target::ParentInstance));
    for signer in &scenario.signers {
        servers.push(Target::Signer(signer.name.clone()));
        let instances = 1..=signer.servers.count() as u32;
        servers.extend(instances.map(|n| Target::Instance(signer.name.clone(), n)));
    }
    let both = [FaultKind::Dead, FaultKind::Stale];
    let faults = servers
        .into_iter()
        .flat_map(|target| both.map(|kind| (target.clone(), kind)));
    let mut all: Vec<(Target, FaultKind)> = faults.collect();
    let scanner = scenario
        .scanner
        .enabled
        .then_some((Target::Scanner, FaultKind::Dead));
    let controller = scenario
        .controller
        .enabled
        .then_some((Target::Controller, FaultKind::Dead));
    all.extend(scanner.into_iter().chain(controller));
    all
}

/// All choices of one weather.
fn one(weather: &Weather) -> (Tally, Vec<(Choice, Failure)>) {
    let mut tally = Tally::default();
    let mut found = Vec::new();
    let mut play = |fault: Option<Fault>, tally: &mut Tally| {
        let mut ran = play_one(weather, fault.as_ref());
        tally.played += 1;
        tally.states.insert(ran.state);
        let weather = weather.name.clone();
        found.extend(
            ran.failure
                .take()
                .map(|failure| (Choice { weather, fault }, failure)),
        );
        ran
    };
    let scenario = &weather.scenario;
    let stage = Stage::new(plan::topology(scenario));
    let base = play(None, &mut tally);
    tally.choices += 1;
    let offsets = offsets(scenario);
    let later = |begin: &Duration| {
        let begin = *begin;
        offsets
            .iter()
            .map(move |offset| begin + *offset)
            .chain([begin])
    };
    let begins: BTreeSet<Duration> = base.beginnings.iter().flat_map(later).collect();
    for (target, kind) in targets(scenario) {
        let hosts = addresses(scenario, &stage.world, &target);
        let at_target = |ran: &Ran| -> Vec<Timestamp> {
            let is_arrival = kind == FaultKind::Stale;
            let here = |t: &&Touch| t.is_arrival == is_arrival && hosts.contains(&t.host);
            ran.touches
                .iter()
                .filter(here)
                .map(|touch| touch.at)
                .collect()
        };
        let mut known = vec![Known {
            window: None,
            touches: at_target(&base),
        }];
        for from in &begins {
            for length in &offsets {
                tally.choices += 1;
                let until = *from + *length;
                let window = (scenario.start + *from, scenario.start + until);
                if known.iter().any(|run| run.is_also(window)) {
                    continue;
                }
                let number = scenario.faults.len() + 1;
                let until = Some(until);
                let fault = Fault {
                    number,
                    from: *from,
                    until,
                    kind,
                    target: target.clone(),
                };
                let ran = play(Some(fault), &mut tally);
                known.push(Known {
                    window: Some(window),
                    touches: at_target(&ran),
                });
            }
        }
    }
    (tally, found)
}
