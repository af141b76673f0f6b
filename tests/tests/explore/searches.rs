//! The searches over one file: crashes, the bounded world, sabotage.

use counterpoint_scenarios::{
    explore::{
        crash::{Who, everywhere, outputs},
        exhaustive::{search, weathers},
        sabotage::{Defect, killed_by_drawn, killed_by_file},
    },
    scenario::{ControllerSabotage, Scenario},
};

use crate::scenario;

/// The smallest join, quick to play.
fn small_join(controller: &str) -> Scenario {
    scenario(&format!(
        r#"
title = "a small join"
[parent]
servers = 1
ds-ttl = "10m"
ns-ttl = "10m"
negative-ttl = "10m"
propagation = "0s"
[scanner]
interval = "10m"
publish-delay = "0s"
[controller]
guard = false
{controller}
[[signer]]
name = "alpha"
servers = 1
dnskey-ttl = "10m"
ns-ttl = "10m"
default-ttl = "10m"
negative-ttl = "10m"
max-ttl = "10m"
propagation = "0s"
[[signer]]
name = "beta"
servers = 1
dnskey-ttl = "10m"
ns-ttl = "10m"
default-ttl = "10m"
negative-ttl = "10m"
max-ttl = "10m"
propagation = "0s..30s"
[[zone]]
name = "example.test."
signers = ["alpha"]
[[resolver]]
name = "parent-centric"
query-every = "1d"
[[event]]
at = "1m"
do = "join"
signer = "beta"
"#
    ))
}

/// A crash after every seventh output: all of them take minutes.
#[test]
fn a_crash_after_an_output_loses_nothing() {
    let join = small_join("");
    let all = outputs(&join).expect("it is good without a crash");
    assert!(all.iter().all(|(_, count)| *count > 100), "{all:?}");
    let few: Vec<(Who, u64)> = all
        .iter()
        .map(|(who, count)| (*who, (*count).min(30)))
        .collect();
    let mut failures = Vec::new();
    let played = everywhere(&join, &few, 2, |cut, trial| {
        failures.extend(trial.failures.first().map(|failure| (cut, failure.clone())));
    });
    assert_eq!((played, failures), (60, Vec::new()));
}

#[test]
fn a_bounded_world_is_searched_to_its_end() {
    let join = small_join("");
    let all = weathers(&join);
    assert_eq!(all.len(), 4, "one range has two ends, the scan two phases");
    let mut found = Vec::new();
    let tally = search(&all[..1], 2, |_, failures| found.extend(failures));
    assert_eq!(found, Vec::new());
    assert!(
        tally.choices > 4 * tally.played,
        "most choices are the same run: {} of {}",
        tally.played,
        tally.choices
    );
    assert!(
        tally.states.len() as u64 <= tally.played && tally.states.len() > 10,
        "{}",
        tally.states.len()
    );
    // The search sees what a defect breaks.
    let sabotaged = small_join("sabotage = [\"ns-before-ds\"]");
    search(&weathers(&sabotaged)[..1], 2, |_, failures| {
        found.extend(failures)
    });
    assert!(!found.is_empty(), "a defect is found");
}

#[test]
fn a_defect_is_killed_by_the_library_and_by_a_drawn_scenario() {
    let defect = Defect::Controller(ControllerSabotage::NsBeforeDs);
    let library = [("small.toml".to_owned(), small_join(""))];
    assert_eq!(killed_by_file(defect, &library), Some("small.toml"));
    let kill = killed_by_drawn(defect, 1, 40, 2).expect("killed");
    assert!(
        kill.scenario
            .controller
            .sabotage
            .contains(&ControllerSabotage::NsBeforeDs)
    );
    assert!(kill.class.is_unsafe(), "{}", kill.class);
}
