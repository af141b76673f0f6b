//! What fails is made small, and fails still, for the same reason.

use counterpoint_scenarios::{
    expectations::unmet,
    explore::{
        shrink::{is_legal, shrink},
        story,
        trial::attempt,
    },
    load::load,
    run::run,
    scenario::time::{hours, minutes},
};

use crate::scenario;

/// What an operator does by hand, and a replay of what was before: `alpha` alone is to stay.
const BY_HAND: &str = r#"
title = "by hand"
[parent]
ns-ttl = "1m"
[scanner]
interval = "30m"
sabotage = ["no-replay-guard"]
[controller]
enabled = false
guard = false
[[signer]]
name = "alpha"
servers = 1
ns-ttl = "1m"
[[signer]]
name = "beta"
servers = 1
ns-ttl = "1m"
[[group]]
name = "g"
signers = ["alpha", "beta"]
[[zone]]
name = "example.test."
group = "g"
records = ["www A 192.0.2.1"]
[[event]]
at = "10m"
do = "publish-csync"
[[event]]
at = "1h"
do = "set-ns"
signers = ["alpha"]
[[event]]
at = "1h"
do = "publish-csync"
[[fault]]
from = "2h"
until = "3h"
kind = "latency"
by = "1s"
target = "beta"
[[fault]]
from = "5h"
kind = "replay"
of = "59m"
target = "alpha"
[expect]
signers = ["alpha"]
"#;

#[test]
fn what_leads_to_the_delegation_that_must_be_is_not_taken_away() {
    let scenario = load("by-hand.toml", BY_HAND).unwrap();
    let trial = attempt(&scenario);
    let failure = trial.failures.first().expect("the replay is followed");
    assert_eq!(failure.class.property, "parent-untouched");
    let small = shrink(&scenario, &failure.class, 200).unwrap().scenario;
    assert_eq!(small.events, scenario.events);
    let kinds: Vec<&str> = small.faults.iter().map(|fault| fault.kind.name()).collect();
    assert_eq!(kinds, ["replay"], "the delay had nothing to do with it");
    let mut without = small.clone();
    without.faults.clear();
    assert_eq!(
        attempt(&without).failures,
        [],
        "without the replay all is well"
    );
}

/// No DNSKEY-Wait, and much that has nothing to do with it.
const CROWDED: &str = r#"
title = "crowded"
seed = 77
[parent]
ns-ttl = "3h"
ds-ttl = "1m"
[scanner]
interval = "4m"
publish-delay = "0s..10s"
[controller]
guard = false
sabotage = ["skip-dnskey-wait"]
[[signer]]
name = "alpha"
dnskey-ttl = "5h 17m"
max-ttl = "1d"
ns-ttl = "3h"
[[signer]]
name = "beta"
max-ttl = "1d"
ns-ttl = "3h"
[[signer]]
name = "gamma"
ns-ttl = "3h"
[[zone]]
name = "example.test."
signers = ["alpha"]
records = ["www A 192.0.2.1", "mail 300 AAAA 2001:db8::1"]
[[resolver]]
name = "parent-centric"
query-every = "2h"
[[event]]
at = "1h 7m 13s"
do = "join"
signer = "beta"
[[event]]
at = "1h 9m"
do = "scan-now"
[[event]]
at = "2h 3m"
do = "set-rrset"
records = ["www A 192.0.2.9"]
[[event]]
at = "2d 1h"
do = "join"
signer = "gamma"
[[fault]]
from = "30m 1s"
until = "31m 9s"
kind = "loss"
rate = "10%"
target = "gamma"
"#;

#[test]
fn a_crowded_scenario_becomes_a_page() {
    let crowded = scenario(CROWDED);
    let class = attempt(&crowded).worst().cloned().expect("it fails");
    assert_eq!(class.property, "secure");
    let small = shrink(&crowded, &class, 400).expect("it still fails");
    assert_eq!(small.class, class, "the same class");
    let (scenario, tries) = (&small.scenario, small.tries);
    assert!(
        scenario.signers.len() == 2 && scenario.events.len() == 1,
        "{tries}: {scenario:#?}"
    );
    assert!(
        scenario.faults.is_empty() && scenario.seed == 1,
        "{tries}: {scenario:#?}"
    );
    assert!(
        [minutes(1), hours(1)].contains(&scenario.events[0].at) || scenario.events[0].at.is_zero()
    );
    assert!(is_legal(scenario));

    // As a file it tells its story, and expects what it shows.
    let text = story::to_file(&small, "a test");
    assert!(text.starts_with("# What breaks: secure for"), "{text}");
    assert!(text.contains("beta joins"), "{text}");
    let read = load("small.toml", &text).expect("a legal file");
    assert_eq!(unmet(&read.expect, &run(&read)), []);
    // Without the defect it expects too much.
    let mut sound = read;
    sound.controller.sabotage.clear();
    assert_ne!(unmet(&sound.expect, &run(&sound)), []);
}

#[test]
fn what_does_not_fail_is_not_shrunk() {
    let mut sound = scenario(CROWDED);
    let class = attempt(&sound).worst().cloned().expect("it fails");
    sound.controller.sabotage.clear();
    assert_eq!(attempt(&sound).worst(), None);
    assert_eq!(shrink(&sound, &class, 10), None);
}
