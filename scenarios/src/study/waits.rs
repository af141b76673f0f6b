//! How much each wait of the controller's processes could be cut before the first violation.

use std::time::Duration;

use counterpoint_dns::{oracle::history::History, time::human};

use super::{
    Bench, Study, Table, TableOf,
    table::{median, percent},
};
use crate::{
    pool,
    rehearsal::{STORIES, Story, calm},
    run::{play, resolvers, run, verdict},
    scenario::{
        ControllerSabotage::{self as Cut, *},
        Profile, Scenario, Verdict,
    },
};

/// The study.
pub const STUDY: Study = Study {
    name: "waits",
    tables: &[TableOf {
        name: "waits",
        is_cheap: false,
        make: waits,
    }],
};

/// How many worlds are drawn for each process.
const DRAWS: u64 = 50;

/// How much longer than in the rehearsal the controller has watched when the process begins: longer than
/// any TTL, so that it knows what caches may hold.
const WATCHED: Duration = Duration::from_secs(2 * 86_400);

/// What is waited for between two changes that caches can notice.
struct Wait {
    /// The process, as a story of the rehearsal.
    story: &'static str,
    /// The steps that the wait takes; none: it is part of another wait, and is cut out only.
    steps: &'static [u8],
    name: &'static str,
    /// Whether it protects strict-dnskey validators alone.
    is_for_strict: bool,
    /// The defects that cut it out.
    cuts: &'static [Cut],
}

const fn wait(
    story: &'static str,
    steps: &'static [u8],
    name: &'static str,
    cuts: &'static [Cut],
) -> Wait {
    Wait {
        story,
        steps,
        name,
        is_for_strict: false,
        cuts,
    }
}

const fn strictly(wait: Wait) -> Wait {
    Wait {
        is_for_strict: true,
        ..wait
    }
}

impl Wait {
    /// Whom the wait protects.
    const fn profile(&self) -> Profile {
        match self.is_for_strict {
            true => Profile::StrictDnskey,
            false => Profile::Liberal,
        }
    }
}

/// Each wait, with what follows it.
#[rustfmt::skip]
const WAITS: [Wait; 16] = [
    wait("join",           &[5],    "DS-Wait and DNSKEY-Wait, then NS",              &[SkipDsWait, SkipDnskeyWait]),
    wait("leave",          &[4, 6], "NS-Wait and the leaver's DNSKEY TTL, then DS",  &[SkipNsWait, SkipLeaverDnskeyWait]),
    wait("leave",          &[7, 8], "DS-Wait and data-wait, then the leaver's ZSK",  &[SkipDsWait, SkipDataWait]),
    wait("roll-zsk",       &[4],    "DNSKEY-Wait, then sign with the new",           &[SkipDnskeyWait]),
    wait("roll-zsk",       &[6],    "data-wait, then the old out",                   &[SkipDataWait]),
    wait("roll-ksk",       &[3],    "DNSKEY-Wait, then DS",                          &[SkipDnskeyWait]),
    wait("roll-ksk",       &[6],    "DS-Wait, then the old out",                     &[SkipDsWait]),
    wait("roll-csk",       &[4],    "DNSKEY-Wait, then DS",                          &[SkipDnskeyWait]),
    wait("roll-csk",       &[6],    "DS-Wait, then sign with the new",               &[SkipDsWait]),
    wait("roll-csk",       &[8],    "data-wait, then the old out",                   &[SkipDataWait]),
    strictly(wait("roll-algorithm", &[3], "data-wait, then the new keys",            &[SkipDataWait])),
    wait("roll-algorithm", &[5],    "DNSKEY-Wait, then DS",                          &[SkipDnskeyWait]),
    wait("roll-algorithm", &[7],    "DS-Wait, then the old keys out",                &[SkipDsWait]),
    strictly(wait("roll-algorithm", &[9], "DNSKEY-Wait, then the old signatures out", &[SkipDnskeyWait])),
    wait("go-insecure",    &[4],    "DS-Wait, then unsigned",                        &[SkipDsWait]),
    wait("leave",          &[],     "of the latter, DS-Wait alone",                       &[SkipDsWait]),
];

/// A wait as it was in one world, and how much of it was needed.
#[derive(Clone, Copy, Debug)]
struct Measured {
    whole: Duration,
    needed: Duration,
}

fn waits(bench: &Bench) -> Result<Table, String> {
    let mut table = Table::of([
        "process",
        "steps",
        "wait",
        "for",
        "median wait",
        "needed: least",
        "median",
        "most",
        "median after two hours",
        "unsafe without",
    ]);
    let seeds: Vec<u64> = (1..=DRAWS).collect();
    for wait in &WAITS {
        let story = STORIES.iter().find(|story| story.name == wait.story);
        let story = story.ok_or_else(|| format!("there is no story `{}`", wait.story))?;
        let (mut wholes, mut shares, mut early) = (Vec::new(), Vec::new(), Vec::new());
        let mut is_unsafe = 0;
        let one = |seed: &u64| {
            let world = world(story, wait, *seed);
            let late = delayed(&world, WATCHED);
            (
                measure(&late, wait),
                measure(&world, wait),
                fails_without(late, wait),
            )
        };
        pool::in_order(&seeds, bench.jobs, one, |_, (late, soon, fails)| {
            wholes.extend(late.map(|one| one.whole));
            shares.extend(late.map(|one| one.share()));
            early.extend(soon.map(|one| one.share()));
            is_unsafe += u64::from(fails);
            true
        });
        if shares.len() + early.len() != 2 * seeds.len() {
            let ended = shares.len() + early.len();
            return Err(format!("{}: {ended} of {} ended", wait.story, 2 * DRAWS));
        }
        shares.sort_unstable_by(f64::total_cmp);
        early.sort_unstable_by(f64::total_cmp);
        let of = |shares: &[f64], index: usize| {
            shares.get(index).copied().map_or_else(String::new, percent)
        };
        let steps: Vec<String> = wait.steps.iter().map(u8::to_string).collect();
        let mut row = vec![
            wait.story.into(),
            steps.join(", "),
            wait.name.into(),
            wait.profile().name(),
            human(median(&mut wholes)),
            of(&shares, 0),
            of(&shares, shares.len() / 2),
            of(&shares, shares.len() - 1),
            of(&early, early.len() / 2),
            percent(is_unsafe as f64 / DRAWS as f64),
        ];
        if wait.steps.is_empty() {
            // Nothing but what happens without it.
            row[4..9].fill_with(|| "–".into());
        }
        table.rows.push(row);
    }
    Ok(table)
}

impl Measured {
    fn share(&self) -> f64 {
        match self.whole.is_zero() {
            true => 0.0,
            false => self.needed.as_secs_f64() / self.whole.as_secs_f64(),
        }
    }
}

fn world(story: &Story, wait: &Wait, seed: u64) -> Scenario {
    let mut scenario = calm(story, seed);
    scenario.judge.profiles = vec![wait.profile()];
    scenario
}

/// The wait in this world; `None` if the process did not end.
fn measure(scenario: &Scenario, wait: &Wait) -> Option<Measured> {
    let played = play::play(scenario);
    let controller = played.cast.controller.as_ref()?;
    let reports = controller.agent.report();
    let report = reports
        .iter()
        .find(|report| report.zone == scenario.zones[0].name)?;
    let history: History = played.stage.world.recorders.get(&report.zone)?.history();
    let profile = resolvers::judged(&wait.profile());
    let slacks = verdict::slacks(&history, &profile, report, played.end);
    let (mut whole, mut slack) = (Duration::ZERO, None);
    for number in wait.steps {
        let name = format!("{}/{number}", wait.story);
        let of_step = |step: &str| step == name || step.starts_with(&format!("{name} "));
        let index = report.steps.iter().position(|step| of_step(&step.name))?;
        let step = &report.steps[index];
        whole += step.until? - step.from;
        slack = slacks[index];
    }
    // Nothing that follows conflicts with anything before: no wait was needed.
    let slack = slack.unwrap_or(whole);
    Some(Measured {
        whole,
        needed: whole.saturating_sub(slack),
    })
}

/// The same, everything so much later.
fn delayed(world: &Scenario, by: Duration) -> Scenario {
    let mut delayed = world.clone();
    delayed.events.iter_mut().for_each(|event| event.at += by);
    delayed
}

/// Whether some cache can fail in this world without the wait.
fn fails_without(mut world: Scenario, wait: &Wait) -> bool {
    world.controller.sabotage = wait.cuts.to_vec();
    run(&world).verdict == Verdict::Unsafe
}
