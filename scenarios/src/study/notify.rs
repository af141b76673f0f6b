//! Parents that scan against parents that take NOTIFY (RFC 9859): how long a migration takes.

use std::time::Duration;

use counterpoint_dns::time::human;

use super::{
    Bench, Study, Table, TableOf,
    table::{ends, median},
};
use crate::{
    pool,
    run::run,
    scenario::{Scenario, Verdict},
};

/// The study.
pub const STUDY: Study = Study {
    name: "notify",
    tables: &[TableOf {
        name: "migration",
        is_cheap: false,
        make: migration,
    }],
};

/// Between scans, seconds.
const INTERVALS: [(&str, u64); 4] = [
    ("10m", 600),
    ("1h", 3_600),
    ("6h", 6 * 3_600),
    ("1d", 24 * 3_600),
];

/// From the parent's verdict to its publication, always the same.
const DELAYS: [(&str, u64); 3] = [("0s", 0), ("30m", 1_800), ("6h", 6 * 3_600)];

/// So many migrations begin at even distances over an interval.
const STARTS: u64 = 5;

/// When the first of them begins, seconds: when the scenario file says.
const BEGIN: u64 = 24 * 3_600;

/// How the parent learns, and what the controller was told about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parent {
    Scans,
    TakesNotify,
    /// The controller is told that a signal which was withdrawn has no effect later than a quarter of
    /// an hour after a publication's delay, however seldom the parent scans.
    TakesNotifyAndSettles,
    IsNotReached,
}

const PARENTS: [(Parent, &str); 4] = [
    (Parent::Scans, "scans only"),
    (Parent::TakesNotify, "NOTIFY"),
    (
        Parent::TakesNotifyAndSettles,
        "NOTIFY, short `parent-settle`",
    ),
    (Parent::IsNotReached, "NOTIFY, all lost"),
];

/// How long a parent that takes NOTIFY needs beside its publication, at most.
const SETTLES: u64 = 15 * 60;

fn migration(bench: &Bench) -> Result<Table, String> {
    let header = DELAYS.map(|(delay, _)| format!("published after {delay}"));
    let header = ["interval", "parent"]
        .map(String::from)
        .into_iter()
        .chain(header);
    let mut table = Table::of(header);
    for (interval, every) in INTERVALS {
        for (parent, words) in PARENTS {
            let mut row = vec![interval.to_owned(), words.to_owned()];
            for (delay, later) in DELAYS {
                let sets = sets(parent, (interval, delay), later);
                let worlds = (0..STARTS).map(|start| {
                    let mut sets = sets.clone();
                    let at = BEGIN + every * start / STARTS;
                    sets.extend((1..=2).map(|event| format!("event.{event}.at={at}s")));
                    bench.scenario(file(parent), &sets)
                });
                let worlds = worlds.collect::<Result<Vec<_>, _>>()?;
                row.push(cell(bench, &worlds)?);
            }
            table.rows.push(row);
        }
    }
    Ok(table)
}

const fn file(parent: Parent) -> &'static str {
    match parent {
        Parent::IsNotReached => "notify/migration-lost.toml",
        _ => "notify/migration.toml",
    }
}

fn sets(parent: Parent, (interval, delay): (&str, &str), later: u64) -> Vec<String> {
    let mut sets = vec![
        format!("scanner.interval={interval}"),
        format!("scanner.publish-delay={delay}"),
        format!("scanner.notify={}", parent != Parent::Scans),
    ];
    if parent == Parent::TakesNotifyAndSettles {
        sets.push(format!("controller.parent-settle={}s", later + SETTLES));
    }
    sets
}

/// The median and the longest of these migrations.
fn cell(bench: &Bench, worlds: &[Scenario]) -> Result<String, String> {
    let (mut took, mut wrong) = (Vec::new(), None);
    pool::in_order(worlds, bench.jobs, run, |scenario, outcome| {
        let begun = scenario.events.first().map(|event| event.at);
        let ended = outcome.processes.iter().map(|process| process.ended);
        let ended = ended.collect::<Option<Vec<_>>>().unwrap_or_default();
        match (begun, ended.into_iter().max()) {
            (Some(begun), Some(ended)) if outcome.verdict == Verdict::Safe => {
                took.push(ended.saturating_sub(begun));
            }
            _ => {
                wrong = Some(format!(
                    "{}: {}, {}",
                    outcome.title,
                    outcome.verdict,
                    ends(&outcome)
                ))
            }
        }
        true
    });
    if let Some(wrong) = wrong {
        return Err(wrong);
    }
    let middle = median(&mut took);
    let longest = took.last().copied().unwrap_or_default();
    Ok(
        match longest.saturating_sub(middle) < Duration::from_secs(300) {
            true => human(middle),
            false => format!("{} (up to {})", human(middle), human(longest)),
        },
    )
}
