//! A zone without DS at a parent that wants authenticated signals for the first one (RFC 9615).

mod world;

use std::collections::BTreeSet;

use counterpoint_controller::{Command, Config, Outcome, SignerName};
use counterpoint_dns::{
    name::{Name, RecordType, signalling_name},
    rdata::Rdata,
};
use world::{DAY, HOUR, World, key, name, server::ds_of, zone};

/// The zones of each signer that hold signalling names: alpha has one for each nameserver name.
const SIGNAL_ZONES: [(&str, &[&str]); 2] = [
    ("alpha", &["_signal.ns1.alpha.test.", "alpha.test."]),
    ("beta", &["beta.test."]),
];

/// A world without DS in which these signers declare their zones.
fn without_ds(declare: &[&str]) -> World {
    let zones = |signer: &str| -> BTreeSet<Name> {
        let of = SIGNAL_ZONES.iter().find(|(name, _)| *name == signer);
        let of = of.filter(|_| declare.contains(&signer));
        of.into_iter()
            .flat_map(|(_, zones)| zones.iter())
            .map(|zone| name(zone))
            .collect()
    };
    let mut world = World::with(|config: &mut Config| {
        for (signer, _) in SIGNAL_ZONES {
            let declared = config.signers.get_mut(&SignerName::from(signer));
            declared.unwrap().signal_zones = zones(signer);
        }
    });
    for (signer, _) in SIGNAL_ZONES {
        world
            .sites
            .get_mut(signer)
            .unwrap()
            .zones
            .extend(zones(signer));
    }
    world.parent.ds.clear();
    world.parent.wants_signals = true;
    world
}

/// What stands under the signalling names at a signer.
fn signals(world: &World, signer: &str) -> Vec<(Name, RecordType)> {
    let sets = world.sites[signer].sets.keys();
    sets.filter(|(name, _)| *name != zone()).cloned().collect()
}

fn both() -> BTreeSet<Rdata> {
    let keys = ["alpha", "beta"].map(|signer| key(signer, "ksk", true).public().clone());
    ds_of(&keys)
}

#[track_caller]
fn assert_bootstrapped(world: &World) {
    let done = world.controller.as_ref().unwrap().report();
    assert_eq!(done.len(), 1);
    assert_eq!(world.outcome().0, Outcome::Done, "{}", world.story());
    assert_eq!(world.parent.ds, both(), "{}", world.story());
    for signer in ["alpha", "beta"] {
        assert_eq!(signals(world, signer), [], "{signer}\n{}", world.story());
        assert!(
            world
                .parent
                .ns
                .contains(&Rdata::name(&world.sites[signer].ns[0]))
        );
    }
}

#[test]
fn both_vouch_until_the_parent_has_ds() {
    let mut world = without_ds(&["alpha", "beta"]);
    world.parent.is_asleep = true;
    world.join("beta");
    assert!(!world.finish(HOUR / 2));
    for signer in ["alpha", "beta"] {
        let expected = world.sites[signer].ns.iter().flat_map(|ns| {
            let name = signalling_name(&zone(), ns).unwrap();
            [RecordType::CDS, RecordType::CDNSKEY].map(|rtype| (name.clone(), rtype))
        });
        let there: BTreeSet<_> = signals(&world, signer).into_iter().collect();
        assert_eq!(there, expected.collect(), "{}", world.story());
    }
    let warned = world.noted("warning", "join/1");
    assert!(warned.is_some() && world.story().contains("signalling names vouch for that"));
    world.parent.is_asleep = false;
    assert!(world.finish(2 * DAY), "{}", world.story());
    assert_bootstrapped(&world);
}

#[test]
fn killed_before_any_output_the_signals_go_all_the_same() {
    let mut reference = without_ds(&["alpha", "beta"]);
    reference.join("beta");
    assert!(reference.finish(2 * DAY));
    for kill_at in 1..=reference.outputs {
        let mut world = without_ds(&["alpha", "beta"]);
        world.kill_at = Some(kill_at);
        world.join("beta");
        if world.controller.as_ref().unwrap().report().is_empty() {
            // It died before it wrote the request down.
            world.join("beta");
        }
        assert!(world.finish(4 * DAY), "{kill_at}\n{}", world.story());
        assert_bootstrapped(&world);
    }
}

#[test]
fn a_signal_that_somebody_takes_out_while_the_parent_sleeps_is_put_back() {
    let mut world = without_ds(&["alpha", "beta"]);
    world.parent.is_asleep = true;
    world.join("beta");
    assert!(!world.finish(4 * HOUR));
    let gone = signals(&world, "alpha").remove(0);
    let alpha = world.sites.get_mut("alpha").unwrap();
    alpha.sets.remove(&gone);
    alpha.publish(world.now);
    assert!(!world.finish(4 * HOUR));
    assert!(
        signals(&world, "alpha").contains(&gone),
        "{}",
        world.story()
    );
}

/// At any time before caches can know beta: nothing of it is left, and the parent is as it was.
#[test]
fn cancelled_the_signals_of_both_are_gone() {
    for minutes in 1..12 {
        let mut world = without_ds(&["alpha", "beta"]);
        world.parent.is_asleep = true;
        world.join("beta");
        world.finish(minutes * HOUR / 60);
        world.command(Command::Cancel { zone: zone() });
        assert!(world.finish(2 * DAY), "{minutes}\n{}", world.story());
        let outcome = world.outcome();
        assert_eq!(outcome.0, Outcome::Done, "{minutes}\n{}", world.story());
        assert!(world.parent.ds.is_empty());
        for signer in ["alpha", "beta"] {
            assert_eq!(signals(&world, signer), [], "{minutes}\n{}", world.story());
        }
        let foreign = key("beta", "zsk", false).public().to_rdata();
        assert!(
            !world.sites["alpha"]
                .data(RecordType::DNSKEY)
                .contains(&foreign)
        );
    }
}

#[test]
fn where_somebody_cannot_vouch_it_is_told_and_the_parent_is_waited_for() {
    let mut world = without_ds(&["beta"]);
    world.join("beta");
    assert!(!world.finish(DAY));
    assert!(world.parent.ds.is_empty());
    let told = world.story();
    let why = "alpha declares no signal zone for ns1.alpha.test.";
    assert_eq!(told.matches(why).count(), 1, "{told}");
    assert_eq!(world.outcome().0, Outcome::Watching, "{told}");
    assert!(world.noted("step", "join/4").is_some() && world.noted("step", "join/5").is_none());
}

#[test]
fn a_zone_with_ds_has_no_signals() {
    let mut world = without_ds(&["alpha", "beta"]);
    world.parent.ds = ds_of([key("alpha", "ksk", true).public()]);
    world.join("beta");
    assert!(world.finish(2 * DAY), "{}", world.story());
    assert_bootstrapped(&world);
    assert!(!world.story().contains("_dsboot"), "{}", world.story());
}
