//! What resolvers pay for several signers: queries and latency for one resolution, before, during and after
//! a migration, and where ZSKs were never exchanged (draft-huque-dnsop-multi-provider-dnssec-02 §4).

use std::time::Duration;

use counterpoint_dns::time::Timestamp;

use super::{Bench, Study, Table, TableOf, table::percent};
use crate::{
    run::{
        direction::Direction,
        play::{self, Timed},
    },
    scenario::Scenario,
};

/// The study.
pub const STUDY: Study = Study {
    name: "round-trips",
    tables: &[
        TableOf {
            name: "migration",
            is_cheap: true,
            make: migration,
        },
        TableOf {
            name: "unexchanged",
            is_cheap: true,
            make: unexchanged,
        },
    ],
};

fn migration(bench: &Bench) -> Result<Table, String> {
    let scenario = bench.scenario("round-trips/migration.toml", &[])?;
    let played = play_timed(&scenario);
    let controller = played.cast.controller.as_ref();
    let reports = controller.map(|seated| seated.agent.report());
    let reports = reports.unwrap_or_default();
    let steps = || reports.iter().flat_map(|report| &report.steps);
    let begun = steps().map(|step| step.from).min();
    let ended = steps().filter_map(|step| step.until).max();
    let (Some(begun), Some(ended)) = (begun, ended) else {
        return Err("there was no migration".into());
    };
    // What was fetched on the first way down is not what a resolution costs.
    let warm = scenario.start + Duration::from_secs(3_600);
    let phases = [
        ("before", warm, begun),
        ("during", begun, ended),
        ("after", ended, played.end),
    ];
    Ok(table(&scenario, &played.timed, &phases))
}

fn unexchanged(bench: &Bench) -> Result<Table, String> {
    let scenario = bench.scenario("round-trips/unexchanged.toml", &[])?;
    let played = play_timed(&scenario);
    let named = scenario.events.iter().map(|event| event.at).max();
    let named = scenario.start + named.unwrap_or_default();
    let warm = scenario.start + Duration::from_secs(3_600);
    let phases = [
        ("one signer", warm, named),
        ("two, keys not exchanged", named, played.end),
    ];
    Ok(table(&scenario, &played.timed, &phases))
}

fn play_timed(scenario: &Scenario) -> play::Played {
    let direction = Direction {
        is_timed: true,
        ..Direction::default()
    };
    play::play_under(scenario, direction)
}

/// A row for each resolver, and a cell for each phase.
fn table(scenario: &Scenario, timed: &[Timed], phases: &[(&str, Timestamp, Timestamp)]) -> Table {
    let names = phases.iter().map(|(name, ..)| *name);
    let mut table = Table::of(["resolver"].into_iter().chain(names));
    for (number, resolver) in scenario.resolvers.iter().enumerate() {
        let own: Vec<&Timed> = timed.iter().filter(|one| one.resolver == number).collect();
        let mut row = vec![resolver.name.clone()];
        row.extend(
            phases
                .iter()
                .map(|(_, from, until)| cell(&own, *from, *until)),
        );
        table.rows.push(row);
    }
    table
}

/// Queries and mean latency of a resolution; the share that found no answer, or found one elsewhere.
fn cell(all: &[&Timed], from: Timestamp, until: Timestamp) -> String {
    let within = |one: &&&Timed| from <= one.asked && one.asked < until;
    let these: Vec<&&Timed> = all.iter().filter(within).collect();
    let before = all
        .iter()
        .filter(|one| one.asked < from)
        .map(|one| one.sent);
    let before = before.max().unwrap_or_default();
    let Some(sent) = these.iter().map(|one| one.sent).max() else {
        return "–".into();
    };
    let count = these.len() as f64;
    let latency: Duration = these.iter().map(|one| one.took).sum();
    let mut text = format!(
        "{:.2} queries, {:.1} ms",
        (sent - before) as f64 / count,
        latency.as_secs_f64() * 1_000.0 / count
    );
    let share = |n: usize| n as f64 / count;
    let failed = these.iter().filter(|one| !one.is_answered).count();
    let masked = these.iter().filter(|one| one.is_masked).count();
    if masked > 0 {
        text.push_str(&format!(", {} from another server", percent(share(masked))));
    }
    if failed > 0 {
        text.push_str(&format!(", {} SERVFAIL", percent(share(failed))));
    }
    text
}
