//! Join and leave, as stories.

mod world;

use std::time::Duration;

use counterpoint_controller::{Command, Outcome};
use counterpoint_dns::{name::RecordType, rdata::Rdata};
use world::{DAY, HOUR, World, apex, data, key, server::ds_of, zone};

/// A world in which beta has joined alpha.
fn joined() -> World {
    let mut world = World::new();
    world.start();
    world.pass(3 * HOUR);
    world.join("beta");
    assert!(world.finish(2 * DAY), "{}", world.story());
    assert_eq!(world.outcome().0, Outcome::Done, "{}", world.story());
    world
}

/// What a group of these signers looks like, everywhere.
#[track_caller]
fn assert_group(world: &World, signers: &[&str]) {
    let ksks: Vec<_> = signers
        .iter()
        .map(|s| key(s, "ksk", true).public().clone())
        .collect();
    let zsks: Vec<_> = signers
        .iter()
        .map(|s| key(s, "zsk", false).public().clone())
        .collect();
    assert_eq!(world.parent.ds, ds_of(&ksks), "DS\n{}", world.story());
    let ns = signers
        .iter()
        .flat_map(|s| &world.sites[*s].ns)
        .map(Rdata::name)
        .collect();
    assert_eq!(world.parent.ns, ns, "delegation\n{}", world.story());
    for signer in signers {
        let site = &world.sites[*signer];
        let own = key(signer, "ksk", true).public().clone();
        let keys = data(zsks.iter().chain([&own]));
        assert_eq!(
            site.data(RecordType::DNSKEY),
            keys,
            "DNSKEY of {signer}\n{}",
            world.story()
        );
        assert_eq!(site.data(RecordType::NS), ns, "NS of {signer}");
        assert_eq!(site.data(RecordType::CDS), ds_of(&ksks), "CDS of {signer}");
        assert_eq!(
            site.data(RecordType::CDNSKEY),
            data(&ksks),
            "CDNSKEY of {signer}"
        );
        assert_eq!(site.data(RecordType::CSYNC), [].into(), "CSYNC of {signer}");
    }
}

#[test]
fn beta_joins_alpha_then_alpha_leaves() {
    let mut world = joined();
    assert_group(&world, &["alpha", "beta"]);
    world.leave("alpha", false);
    assert!(world.finish(2 * DAY), "{}", world.story());
    assert_group(&world, &["beta"]);
    assert_eq!(
        world.controller.as_ref().unwrap().members(&zone()),
        ["beta".into()]
    );
    let sent = world.controller.as_ref().unwrap().sent();
    assert!(sent < 500, "a whole migration costs {sent} questions");
}

#[test]
fn replace_is_a_join_and_then_a_leave() {
    let mut world = World::new();
    world.command(Command::Replace {
        zone: zone(),
        from: "alpha".into(),
        to: "beta".into(),
    });
    assert!(world.finish(4 * DAY), "{}", world.story());
    assert_group(&world, &["beta"]);
    let reports = world.controller.as_ref().unwrap().report();
    let names: Vec<&str> = reports
        .iter()
        .map(|report| report.process.as_str())
        .collect();
    assert_eq!(names, ["join", "leave"]);
    for report in &reports {
        let steps: Vec<&str> = report.steps.iter().map(|step| step.name.as_str()).collect();
        let expected: Vec<String> = (1..=9).map(|n| format!("{}/{n}", report.process)).collect();
        assert_eq!(steps, expected);
        assert!(report.steps.iter().all(|step| step.until.is_some()));
        let wrote = |n: usize| report.steps[n - 1].applied_at.is_some();
        assert!(wrote(2) && !wrote(4) && wrote(9), "{report:?}");
    }
    assert!(world.noted("queued", "leave").is_some());
}

#[test]
fn a_third_signer_joins_and_a_first_one_leaves() {
    let mut world = joined();
    world.join("gamma");
    world.leave("alpha", false);
    assert!(world.finish(4 * DAY), "{}", world.story());
    assert_group(&world, &["beta", "gamma"]);
}

#[test]
fn killed_before_any_output_it_ends_all_the_same() {
    let mut reference = World::new();
    reference.command(Command::Replace {
        zone: zone(),
        from: "alpha".into(),
        to: "beta".into(),
    });
    assert!(reference.finish(4 * DAY));
    let outputs = reference.outputs;
    for kill_at in 1..=outputs {
        let mut world = World::new();
        world.kill_at = Some(kill_at);
        world.command(Command::Replace {
            zone: zone(),
            from: "alpha".into(),
            to: "beta".into(),
        });
        if world.controller.as_ref().unwrap().report().len() < 2 {
            // It died before it wrote the request down; whoever asked, asks again.
            let known = world.controller.as_ref().unwrap().report().len();
            let replace = Command::Replace {
                zone: zone(),
                from: "alpha".into(),
                to: "beta".into(),
            };
            match known {
                0 => world.command(replace),
                _ => world.leave("alpha", false),
            }
        }
        assert!(
            world.finish(6 * DAY),
            "killed before output {kill_at}\n{}",
            world.story()
        );
        assert_group(&world, &["beta"]);
        let done = world.controller.as_ref().unwrap().report();
        assert!(
            done.iter().all(|report| report.outcome == Outcome::Done),
            "{kill_at}"
        );
    }
}

#[test]
fn the_last_signer_cannot_leave_and_strangers_cannot_join() {
    let mut world = World::new();
    world.leave("alpha", false);
    assert!(world.finish(DAY));
    assert_eq!(world.outcome().0, Outcome::Refused);
    assert!(
        world.outcome().1.contains("last signer"),
        "{}",
        world.outcome().1
    );
    world.join("nobody");
    world.join("alpha");
    world.leave("beta", false);
    assert!(world.finish(DAY));
    let reports = world.controller.as_ref().unwrap().report();
    assert!(
        reports
            .iter()
            .all(|report| report.outcome == Outcome::Refused),
        "{reports:?}"
    );
    assert_eq!(world.sites["alpha"].updates, 0);
}

#[test]
fn a_replace_whose_join_is_refused_leaves_nobody() {
    let mut world = World::new();
    world.command(Command::Replace {
        zone: zone(),
        from: "alpha".into(),
        to: "nobody".into(),
    });
    assert!(world.finish(DAY));
    assert_eq!(world.outcome().0, Outcome::Refused);
    assert_eq!(world.sites["alpha"].updates, 0);
}

/// Runs until the process is blocked, and says why.
fn blocked(world: &mut World) -> String {
    assert!(!world.finish(DAY), "{}", world.story());
    let (outcome, why) = world.outcome();
    assert_eq!(outcome, Outcome::Blocked, "{}", world.story());
    why
}

#[test]
fn another_algorithm_blocks_before_anything_is_written() {
    use counterpoint_dns::key::{Algorithm, SigningKey};
    let mut world = World::new();
    let p256 = |flags, seed| SigningKey::from_seed(Algorithm::EcdsaP256Sha256, flags, [seed; 32]);
    let beta = world.sites.get_mut("beta").unwrap();
    beta.ksks = vec![p256(257, 1)];
    beta.zsks = vec![p256(256, 2)];
    beta.publish_keys();
    let now = world.now;
    world.sites.get_mut("beta").unwrap().publish(now);
    world.pass(HOUR);
    world.join("beta");
    let why = blocked(&mut world);
    assert!(
        why.contains("algorithms {13}") && why.contains("roll beta"),
        "{why}"
    );
    assert_eq!(world.sites["alpha"].updates, 0);
}

#[test]
fn a_signer_that_drops_what_it_accepts_blocks_with_the_record_to_add_by_hand() {
    let mut world = World::new();
    world
        .sites
        .get_mut("beta")
        .unwrap()
        .drops
        .insert(RecordType::DNSKEY);
    world.join("beta");
    let why = blocked(&mut world);
    assert!(
        why.contains("by beta: it accepted 3 updates of DNSKEY"),
        "{why}"
    );
    // Somebody helps: the process goes on by itself.
    world.sites.get_mut("beta").unwrap().drops.clear();
    assert!(world.finish(2 * DAY), "{}", world.story());
    assert_group(&world, &["alpha", "beta"]);
}

#[test]
fn a_leaver_that_refuses_csync_blocks() {
    let mut world = joined();
    world
        .sites
        .get_mut("beta")
        .unwrap()
        .refuses
        .insert(RecordType::CSYNC);
    world.leave("beta", false);
    let why = blocked(&mut world);
    assert!(
        why.contains("by beta: the update of CSYNC fails: it answers"),
        "{why}"
    );
    assert!(why.contains("bring about by hand"), "{why}");
}

#[test]
fn a_newcomer_that_is_late_is_watched_and_one_that_never_comes_blocks() {
    let mut world = World::new();
    world.sites.get_mut("beta").unwrap().serving = false;
    world.join("beta");
    world.pass(Duration::from_secs(300));
    assert_eq!(world.outcome().0, Outcome::Watching, "{}", world.story());
    world.pass(2 * HOUR);
    assert_eq!(world.outcome().0, Outcome::Blocked, "{}", world.story());
    world.sites.get_mut("beta").unwrap().serving = true;
    assert!(world.finish(2 * DAY), "{}", world.story());
    assert_group(&world, &["alpha", "beta"]);
}

#[test]
fn a_foreign_name_in_ns_blocks() {
    let mut world = World::new();
    let stranger = apex(
        RecordType::NS,
        3_600,
        [Rdata::name(&world::name("ns.stranger.test."))],
    );
    let now = world.now;
    let beta = world.sites.get_mut("beta").unwrap();
    beta.put(stranger);
    beta.publish(now);
    world.pass(HOUR);
    world.join("beta");
    let why = blocked(&mut world);
    assert!(
        why.contains("beta names ns.stranger.test., which nobody is known to bring"),
        "{why}"
    );
}

#[test]
fn a_silent_instance_holds_everything_up_and_is_never_taken_for_right() {
    let mut world = World::new();
    world.start();
    world.pass(2 * HOUR);
    let second = world.sites["beta"].addresses[1];
    world.silent.insert(second);
    world.join("beta");
    world.pass(5 * HOUR);
    assert_eq!(world.sites["alpha"].updates, 0, "{}", world.story());
    world.silent.clear();
    assert!(world.finish(2 * DAY), "{}", world.story());
    assert_group(&world, &["alpha", "beta"]);
}

#[test]
fn a_parent_that_sleeps_is_watched_with_growing_patience() {
    let mut world = World::new();
    world.parent.is_asleep = true;
    world.join("beta");
    world.pass(DAY);
    assert_eq!(world.outcome().0, Outcome::Watching);
    let sent = world.controller.as_ref().unwrap().sent();
    world.pass(10 * DAY);
    let more = world.controller.as_ref().unwrap().sent() - sent;
    assert!(
        more < 10 * 24 * 20,
        "{more} questions in ten days of waiting for a parent"
    );
    world.parent.is_asleep = false;
    assert!(world.finish(2 * DAY), "{}", world.story());
    assert_group(&world, &["alpha", "beta"]);
}

#[test]
fn a_dead_signer_leaves_without_being_written_to() {
    let mut world = joined();
    let updates = world.sites["beta"].updates;
    world.silent.extend(world.sites["beta"].addresses.clone());
    // The parent gives up on a server that is dead.
    world.sites.get_mut("beta").unwrap().serving = false;
    world.leave("beta", true);
    assert!(world.finish(3 * DAY), "{}", world.story());
    assert_eq!(world.outcome().0, Outcome::Done);
    assert_group(&world, &["alpha"]);
    assert_eq!(world.sites["beta"].updates, updates);
}

#[test]
fn a_dead_signer_that_answers_blocks_until_it_is_silent_and_the_wait_begins_anew() {
    let mut world = joined();
    let addresses = world.sites["beta"].addresses.clone();
    world.silent.extend(addresses.clone());
    world.leave("beta", true);
    world.pass(Duration::from_secs(1_800));
    world.silent.clear();
    world.pass(3 * HOUR);
    assert_eq!(world.outcome().0, Outcome::Blocked, "{}", world.story());
    assert!(
        world.outcome().1.contains("said to be dead"),
        "{}",
        world.outcome().1
    );
    world.silent.extend(addresses);
    world.sites.get_mut("beta").unwrap().serving = false;
    let silent_again = world.now;
    assert!(world.finish(3 * DAY), "{}", world.story());
    let released = world.noted("released", "beta").unwrap();
    assert!(released >= silent_again + HOUR, "{}", world.story());
    assert_group(&world, &["alpha"]);
}

#[test]
fn a_leaver_that_dies_goes_on_as_a_dead_one() {
    let mut world = joined();
    world.leave("beta", false);
    world.pass(Duration::from_secs(30));
    world.silent.extend(world.sites["beta"].addresses.clone());
    world.sites.get_mut("beta").unwrap().serving = false;
    world.pass(6 * HOUR);
    assert_eq!(world.outcome().0, Outcome::Watching, "{}", world.story());
    world.leave("beta", true);
    assert!(world.finish(3 * DAY), "{}", world.story());
    assert_eq!(world.controller.as_ref().unwrap().report().len(), 2);
    assert_group(&world, &["alpha"]);
}

#[test]
fn a_key_that_appears_during_the_wait_is_imported_and_waited_for() {
    let mut world = World::new();
    world.start();
    world.pass(3 * HOUR);
    world.join("beta");
    world.pass(Duration::from_secs(1_500));
    assert_eq!(world.outcome().0, Outcome::Waiting, "{}", world.story());
    let now = world.now;
    let alpha = world.sites.get_mut("alpha").unwrap();
    let new = key("alpha", "zsk-2", false).public().to_rdata();
    let mut keys = alpha.data(RecordType::DNSKEY);
    keys.insert(new.clone());
    alpha.put(apex(RecordType::DNSKEY, 3_600, keys));
    alpha.publish(now);
    world.pass(2 * HOUR);
    assert!(
        world.sites["beta"].data(RecordType::DNSKEY).contains(&new),
        "{}",
        world.story()
    );
    let imported = world.noted("repair", "join").expect("at once");
    assert!(imported <= now + HOUR + Duration::from_secs(60));
    world.pass(DAY);
    let reports = world.controller.as_ref().unwrap().report();
    let outcomes: Vec<_> = reports.iter().map(|r| (&*r.process, r.outcome)).collect();
    // Nobody signs with the new key yet: the roll is followed as far as it has come.
    assert_eq!(
        outcomes,
        [("join", Outcome::Done), ("roll-zsk", Outcome::Watching)]
    );
}

#[test]
fn a_dead_signer_that_answers_in_the_middle_of_the_wait_is_noticed() {
    let mut world = joined();
    let addresses = world.sites["beta"].addresses.clone();
    world.silent.extend(addresses.clone());
    world.sites.get_mut("beta").unwrap().serving = false;
    world.leave("beta", true);
    while world.noted("wait", "leave/4").is_none() {
        world.pass(Duration::from_secs(60));
    }
    // It is back for most of an hour, and gone again before the wait would have been over.
    world.pass(Duration::from_secs(300));
    world.silent.clear();
    world.sites.get_mut("beta").unwrap().serving = true;
    world.pass(Duration::from_secs(2_400));
    world.silent.extend(addresses);
    world.sites.get_mut("beta").unwrap().serving = false;
    let gone = world.now;
    assert!(
        world.noted("blocked", "leave/4").is_some(),
        "{}",
        world.story()
    );
    assert!(world.finish(3 * DAY), "{}", world.story());
    assert!(
        world.noted("released", "beta").unwrap() >= gone + HOUR,
        "{}",
        world.story()
    );
}

#[test]
fn a_restart_in_a_wait_asks_no_more_than_the_watch_does() {
    let mut world = World::new();
    world.start();
    world.pass(3 * HOUR);
    world.join("beta");
    while world.noted("wait", "join/5").is_none() {
        world.pass(Duration::from_secs(60));
    }
    world.start();
    world.pass(Duration::from_secs(600));
    // DNSKEY and SOA, once, at two instances of two signers.
    assert!(world.controller.as_ref().unwrap().sent() <= 8);
    assert!(world.finish(2 * DAY));
    assert_group(&world, &["alpha", "beta"]);
}

#[test]
fn in_a_manual_zone_each_change_waits_until_it_is_allowed() {
    let mut world = World::with(|config| config.manual = [zone()].into());
    world.start();
    world.pass(3 * HOUR);
    let before = world.sites["beta"].updates + world.sites["alpha"].updates;
    world.join("beta");
    world.pass(2 * HOUR);
    let (outcome, why) = world.outcome();
    assert_eq!(outcome, Outcome::Blocked, "{}", world.story());
    assert!(
        why.contains("step by step") && why.contains("DNSKEY"),
        "{why}"
    );
    let updates = |world: &World| world.sites["beta"].updates + world.sites["alpha"].updates;
    assert_eq!(updates(&world), before, "{}", world.story());

    // A permission is for one step, and outlives the controller.
    world.command(Command::Step { zone: zone() });
    world.start();
    world.pass(2 * HOUR);
    assert!(
        world.noted("apply", "join/2").is_some(),
        "{}",
        world.story()
    );
    assert!(world.outcome().1.contains("CDS"), "{}", world.outcome().1);
    assert!(
        world.noted("apply", "join/3").is_none(),
        "{}",
        world.story()
    );

    let mut allowed = 0;
    while !world.finish(2 * DAY) {
        assert_eq!(world.outcome().0, Outcome::Blocked, "{}", world.story());
        world.command(Command::Step { zone: zone() });
        allowed += 1;
        assert!(allowed < 20, "{}", world.story());
    }
    assert_eq!(world.outcome().0, Outcome::Done, "{}", world.story());
    assert_group(&world, &["alpha", "beta"]);
    // CDS, NS at beta, NS at all, CSYNC, no CSYNC.
    assert_eq!(allowed, 5, "{}", world.story());
}

#[test]
fn a_step_is_refused_where_nothing_waits_for_it() {
    let mut world = World::new();
    world.start();
    world.command(Command::Step { zone: zone() });
    assert!(world.noted("refused", "step").is_some());
    let mut world = World::with(|config| config.manual = [zone()].into());
    world.start();
    world.pass(3 * HOUR);
    world.command(Command::Step { zone: zone() });
    assert!(world.noted("refused", "step").is_some());
    assert!(world.noted("allowed", "join/2").is_none());
}
