//! A group of many zones: what happens to all of them at the same time ends safe for each. Here a few;
//! `--example many_joins` plays a thousand.

use std::path::Path;

use counterpoint_dns::name::parse_name;
use counterpoint_scenarios::{
    outcome::ProcessOutcome,
    run::{play::play, run},
    scenario::{ControllerSabotage, Scenario, Verdict, Zone},
};

use counterpoint_simnet::world::Counts;

use crate::read;

const ZONES: usize = 60;

/// Beta is added to the group that many zones belong to.
fn many_joins() -> Scenario {
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/library");
    let mut scenario = read(&library.join("migration-group.toml"));
    let first = scenario.zones[0].clone();
    let named = (0..ZONES).map(|number| Zone {
        name: parse_name(&format!("z{number}.test.")).expect("a name"),
        ..first.clone()
    });
    scenario.zones = named.collect();
    scenario.events.truncate(1);
    scenario
}

#[test]
fn a_signer_joins_many_zones_at_the_same_time() {
    let outcome = run(&many_joins());
    assert_eq!(outcome.verdict, Verdict::Safe, "{:?}", outcome.violations);
    let mut processes = outcome.processes.iter();
    assert!(processes.all(|process| process.outcome == ProcessOutcome::Done));
    assert_eq!(outcome.processes.len(), ZONES);
    let mut delegated = outcome.delegated_to.values();
    assert!(delegated.all(|signers| *signers == ["alpha", "beta"]));
}

/// How much work the world has with so many zones.
fn work(zones: usize) -> Counts {
    let mut scenario = many_joins();
    scenario.zones.truncate(zones);
    play(&scenario).stage.world.counts()
}

#[test]
fn a_zone_costs_the_same_among_many() {
    let (few, many) = (work(ZONES / 4), work(ZONES));
    let kinds: [fn(&Counts) -> u64; 4] = [
        |counts| counts.events,
        |counts| counts.exchanges,
        |counts| counts.signatures,
        // Each is a look at the whole parent zone.
        |counts| counts.transfers,
    ];
    for of in kinds {
        let (few, many) = (of(&few), of(&many));
        assert!(
            many <= 4 * few + few / 4,
            "{few}, then {many} of four times as many zones"
        );
    }
}

#[test]
fn what_harms_one_zone_is_seen_among_many() {
    let mut scenario = many_joins();
    scenario.zones.truncate(12);
    scenario.controller.guard = false;
    scenario.controller.sabotage = [ControllerSabotage::NsBeforeDs].into();
    assert_eq!(run(&scenario).verdict, Verdict::Unsafe);
}
