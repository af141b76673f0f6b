//! Nobody believes a forger; and if somebody did, the run would say so.

use counterpoint_scenarios::{
    load::load,
    run::{direction::Direction, play::play_under, run, verdict::outcome},
    scenario::{FaultKind, Property, Scenario, Target},
};

fn library(name: &str) -> Scenario {
    let path = format!(
        "{}/../scenarios/library/{name}.toml",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&path).unwrap();
    load(&path, &text).unwrap()
}

/// Two signers at rest, and lies on the way to a resolver.
fn lied_to() -> Scenario {
    let mut scenario = library("forged-answers");
    scenario.events.clear();
    scenario.zones[0].signers.push("beta".into());
    scenario.faults.truncate(1);
    scenario.faults[0].kind = FaultKind::Forge;
    scenario.faults[0].target = Target::Resolver("parent-centric".into());
    scenario
}

#[test]
fn a_resolver_without_a_trust_anchor_believes_a_forger_and_is_found_out() {
    let scenario = lied_to();
    let believers = |is_gullible| {
        let direction = Direction {
            is_gullible,
            ..Direction::default()
        };
        let played = play_under(&scenario, direction);
        assert!(played.reached.contains("fault/forge"));
        let outcome = outcome(&scenario, played);
        let violations = outcome.violations.iter();
        violations
            .filter(|violation| violation.property == Property::NoForgery)
            .count()
    };
    assert_eq!(believers(false), 0);
    assert!(believers(true) > 0, "the check can fail");
}

#[test]
fn forged_data_are_found_wherever_they_are_published() {
    let scenario = lied_to();
    let mut played = play_under(&scenario, Direction::default());
    assert!(played.stage.world.believed.is_empty());
    // Somebody hands the parent what the forger would like to see there.
    let zone = scenario.zones[0].name.clone();
    let name = zone.prepend_label("forged").unwrap();
    let ns = counterpoint_dns::rdata::Rdata::name(&name);
    let parent = played.stage.world.operator("parent").unwrap();
    let parent_zone = scenario.parent.zone.clone();
    let primary = &mut played.stage.world.operators[parent].primaries;
    let contents = &mut primary.get_mut(&parent_zone).unwrap().contents;
    let rtype = counterpoint_dns::name::RecordType::NS;
    contents.put(counterpoint_dns::rrset::RrSet::new(zone, rtype, 60, [ns]));
    played.stage.publish("parent", &parent_zone);
    let believed: Vec<&String> = played.stage.world.believed.iter().collect();
    assert_eq!(believed, ["parent: example.test. NS"]);
}

#[test]
fn what_nobody_foresaw_is_no_run_as_expected() {
    let scenario = lied_to();
    let mut outcome = run(&scenario);
    let is_met = |outcome: &counterpoint_scenarios::outcome::Outcome| {
        let unmet = counterpoint_scenarios::expectations::unmet(&scenario.expect, outcome);
        unmet
            .iter()
            .all(|unmet| unmet.expected != "nobody believes a forger")
    };
    assert!(is_met(&outcome));
    let direction = Direction {
        is_gullible: true,
        ..Direction::default()
    };
    let fooled =
        counterpoint_scenarios::run::verdict::outcome(&scenario, play_under(&scenario, direction));
    outcome.violations = fooled.violations;
    assert!(!is_met(&outcome));
}
