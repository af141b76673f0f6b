//! The guard refuses every sabotage that it can see coming, and no step of the correct tables.

mod world;

use std::time::Duration;

use counterpoint_controller::{Command, Config, Sabotage};
use world::{DAY, HOUR, World, zone};

/// A migration with long TTLs at one side, so that every wait binds somewhere.
fn migration(sabotage: Option<Sabotage>, prepare: impl FnOnce(&mut World)) -> World {
    let mut world = World::with(|config: &mut Config| {
        config.sabotage.extend(sabotage);
        config.parent.max_ttl = 12 * HOUR;
        for signer in config.signers.values_mut() {
            signer.max_ttl = 6 * HOUR;
        }
    });
    prepare(&mut world);
    world.start();
    world.pass(20 * HOUR);
    world.command(Command::Replace {
        zone: zone(),
        from: "alpha".into(),
        to: "beta".into(),
    });
    world.finish(12 * DAY);
    world
}

fn refusals(world: &World) -> Vec<String> {
    let notes = world.notes.iter().filter(|(_, note)| note.kind == "guard");
    notes
        .map(|(_, note)| format!("{}: {}", note.subject, note.text))
        .collect()
}

/// DS and delegation are kept for long.
fn long_at_parent(world: &mut World) {
    world.parent.ds_ttl = 12 * 3_600;
    world.parent.ns_ttl = 12 * 3_600;
}

/// DNSKEY RRsets are kept for long.
fn long_keys(world: &mut World) {
    use counterpoint_dns::name::RecordType;
    let now = world.now.before(DAY);
    for site in world.sites.values_mut() {
        let set = world::apex(RecordType::DNSKEY, 6 * 3_600, site.data(RecordType::DNSKEY));
        site.put(set);
        site.publish(now);
    }
}

/// One key for everything.
fn csk(world: &mut World) {
    let now = world.now.before(DAY);
    for site in world.sites.values_mut() {
        site.zsks = site.ksks.clone();
        site.publish_keys();
        site.publish(now);
    }
}

#[test]
fn nothing_of_the_correct_tables_is_refused() {
    for prepare in [|_: &mut World| {}, long_at_parent, long_keys, csk] {
        let world = migration(None, prepare);
        assert_eq!(refusals(&world), Vec::<String>::new(), "{}", world.story());
        assert!(world.noted("done", "leave").is_some(), "{}", world.story());
    }
}

/// A defect, the world in which it matters, and the step that the guard refuses.
type Refused = (Sabotage, fn(&mut World), &'static str);

#[test]
fn every_cut_wait_and_every_early_step_is_refused() {
    let plain: fn(&mut World) = |_| {};
    let cases: &[Refused] = &[
        (Sabotage::SkipDnskeyWait, long_keys, "join/"),
        (Sabotage::SkipDsWait, long_at_parent, "join/6"),
        (Sabotage::SkipNsWait, plain, "leave/"),
        (Sabotage::SkipDataWait, plain, "leave/8"),
        (Sabotage::SkipLeaverDnskeyWait, long_keys, "leave/7"),
        (Sabotage::NsBeforeDs, plain, "join/6"),
        (Sabotage::DropForeignZskEarly, plain, "leave/8"),
        (Sabotage::DropDsEarly, plain, "leave/7"),
        (Sabotage::MixedDigests, plain, "join/3"),
        (Sabotage::CskNotExported, csk, "join/6"),
    ];
    for (sabotage, prepare, step) in cases {
        let world = migration(Some(*sabotage), prepare);
        let refusals = refusals(&world);
        let first = refusals.first().unwrap_or_else(|| {
            panic!("{sabotage} passes the guard\n{}", world.story());
        });
        assert!(first.starts_with(step), "{sabotage}: {first}");
        assert!(
            first.contains("example.test. "),
            "{sabotage}: a witness: {first}"
        );
    }
}

#[test]
fn a_ttl_that_was_lowered_in_mid_process_is_remembered_by_the_guard_too() {
    for sabotage in [Sabotage::NewTtlInsteadOfOld, Sabotage::LastVersionOnly] {
        let mut world = World::with(|config| {
            config.sabotage.insert(sabotage);
            config.parent.max_ttl = HOUR;
        });
        world.parent.ds_ttl = 12 * 3_600;
        world.parent.is_asleep = true;
        world.start();
        world.pass(20 * HOUR);
        world.join("beta");
        world.pass(HOUR);
        world.parent.ds_ttl = 60;
        world.pass(2 * HOUR);
        world.parent.is_asleep = false;
        world.finish(3 * DAY);
        let refusals = refusals(&world);
        assert!(
            refusals.iter().any(|text| text.starts_with("join/6")),
            "{}",
            world.story()
        );
    }
}

#[test]
fn an_unknown_instance_that_is_taken_for_right_is_not_right_for_the_guard() {
    let mut world = World::with(|config| {
        config.sabotage.insert(Sabotage::UnknownIsEqual);
    });
    world.start();
    world.pass(20 * HOUR);
    world.sites.get_mut("alpha").unwrap().lag = 30 * DAY;
    world.parent.is_lazy = true;
    world.join("beta");
    world.pass(Duration::from_millis(30));
    let second = world.sites["alpha"].addresses[1];
    world.silent.insert(second);
    world.finish(3 * DAY);
    assert!(!refusals(&world).is_empty(), "{}", world.story());
}

#[test]
fn a_deadline_forgotten_in_a_restart_is_refused() {
    let mut world = World::with(|config| {
        config.sabotage.insert(Sabotage::ForgetDeadlineOnRestart);
    });
    world.start();
    world.pass(20 * HOUR);
    world.join("beta");
    while world.noted("wait", "join/5").is_none() {
        world.pass(Duration::from_secs(60));
    }
    world.start();
    world.finish(3 * DAY);
    assert!(!refusals(&world).is_empty(), "{}", world.story());
}

#[test]
fn without_the_guard_the_same_sabotage_goes_through() {
    let mut world = World::with(|config| {
        config.sabotage.insert(Sabotage::NsBeforeDs);
        config.guard = false;
    });
    world.join("beta");
    assert!(world.finish(3 * DAY), "{}", world.story());
    assert!(refusals(&world).is_empty());
    assert!(
        world.noted("step", "join/6") < world.noted("step", "join/3"),
        "{}",
        world.story()
    );
}
