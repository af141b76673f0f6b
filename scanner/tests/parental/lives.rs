//! The whole agent over days: first DS RRsets, what other channels do, and TTLs that return.

use std::{collections::BTreeSet, time::Duration};

use counterpoint_dns::{
    name::{Name, RecordType},
    rdata::Rdata,
    resolver,
    rrset::RrSet,
};
use counterpoint_scanner::{Config, gather::Signal, policy::InitialAccept};

use crate::{kit::*, signed_root::SignedRoot, world::*};

const DAY: u64 = 24 * 60;

/// Signatures hold for weeks; scans come every two hours.
fn long(case: Case) -> Case {
    let month = Duration::from_secs(30 * 86_400);
    case.each(|site| site.expiration = NOW + month)
}

fn slow(config: &mut Config) {
    config.interval = Duration::from_secs(2 * 3_600);
}

/// A child without a DS RRset, whose operators vouch for it under a signed root.
fn vouched_for() -> World {
    let case = Case::bootstrap();
    let mut root = SignedRoot::default();
    for signal in Signal::of(&case.delegation()) {
        let owner = signal.name.unwrap();
        root.serve(&owner, RecordType::CDS, &case.sites[0].cds);
        root.serve(&owner, RecordType::CDNSKEY, &case.sites[0].cdnskey);
    }
    let mut world = World::new(case, |config| {
        config.policy.initial.accept = InitialAccept::Rfc9615;
        let roots = vec![primary().ip()];
        config.resolver = Some(resolver::Config::new(roots, SignedRoot::trust_anchor()));
    });
    world.parent.root = Some(root);
    world
}

#[test]
fn a_09_operators_vouch_and_the_child_is_secured_at_once() {
    let mut world = vouched_for();
    world.minutes(3);
    assert_eq!(
        world.said("verdict")[..1],
        ["BOOTSTRAP_ACCEPTED"],
        "{:#?}",
        world.notes
    );
    assert_eq!(world.ds(), ds_of(&["a", "b"]));
    world.minutes(30);
    assert_eq!(world.scanner.reasons()["STATUS_QUO"], 3);
}

#[test]
fn a_06_without_a_chain_of_trust_or_with_one_signal_less_nobody_is_secured() {
    let mut world = vouched_for();
    world.config.resolver.as_mut().unwrap().trust_anchor.clear();
    world.restart();
    world.minutes(3);
    assert_eq!(world.said("verdict"), ["SIGNAL_NOT_SECURE"]);
    let mut world = vouched_for();
    let root = world.parent.root.as_mut().unwrap();
    let beta = name("_dsboot.example.test._signal.ns1.beta.test.");
    root.sets.retain(|set| set.name != beta);
    world.minutes(3);
    assert_eq!(world.said("verdict"), ["SIGNAL_MISSING"]);
    assert!(world.ds().is_empty());
    // it is asked afresh, and not told what the cache remembers.
    let case = Case::bootstrap();
    let root = world.parent.root.as_mut().unwrap();
    root.serve(&beta, RecordType::CDS, &case.sites[0].cds);
    root.serve(&beta, RecordType::CDNSKEY, &case.sites[0].cdnskey);
    world.minutes(13);
    assert_eq!(world.ds(), ds_of(&["a", "b"]));
}

#[test]
fn a_12_names_that_are_too_long_cost_no_question() {
    let mut world = vouched_for();
    let label = "a".repeat(60);
    let host = name(&format!("{label}.{label}.{label}.{label}.test."));
    let ns = (child(), RecordType::NS);
    let set = world.parent.sets.get_mut(&ns).unwrap();
    set.data.insert(Rdata::name(&host));
    let glue = [address("192.0.2.2")];
    let glue = RrSet::new(host.clone(), RecordType::A, 300, glue);
    world.parent.sets.insert((host, RecordType::A), glue);
    world.minutes(3);
    assert_eq!(world.said("verdict"), ["SIGNAL_NAME_TOO_LONG"]);
    let asked: BTreeSet<_> = world
        .parent
        .resolved
        .iter()
        .map(|question| &question.name)
        .collect();
    let dsboot = |name: &&&Name| name.to_string().contains("_dsboot");
    assert_eq!(asked.iter().find(dsboot), None);
}

#[test]
fn b_05_what_stands_for_three_days_is_believed_and_a_restart_forgets_nothing() {
    let mut world = World::new(long(Case::bootstrap()), |config| {
        slow(config);
        config.policy.initial.accept = InitialAccept::AfterDelay;
    });
    world.minutes(2 * DAY);
    assert_eq!(world.said("verdict")[0], "HOLD_DOWN");
    world.restart();
    world.minutes(3 * DAY - 10);
    assert!(world.ds().is_empty());
    world.minutes(3 * DAY + 130);
    assert_eq!(world.ds(), ds_of(&["a", "b"]));
    // On the second day something else stands there for an hour: three days more.
    let mut world = World::new(long(Case::bootstrap()), |config| {
        slow(config);
        config.policy.initial.accept = InitialAccept::AfterDelay;
    });
    world.minutes(DAY + 60);
    let before = world.sites.clone();
    for site in &mut world.sites {
        site.cds = vec![ds("a"), ds("b"), ds("x")];
        site.cdnskey = vec![dnskey("a"), dnskey("b"), dnskey("x")];
    }
    world.minutes(DAY + 125);
    world.sites = before;
    world.minutes(4 * DAY - 10);
    assert!(world.ds().is_empty());
    world.minutes(5 * DAY);
    assert_eq!(world.ds(), ds_of(&["a", "b"]));
}

#[test]
fn d_17_d_18_d_20_what_another_channel_removed_stays_away_until_a_ds_returns() {
    let mut world = World::new(long(Case::quiet()), |config| {
        slow(config);
        config.policy.initial.accept = InitialAccept::AfterDelay;
    });
    world.minutes(1);
    // Removed by hand; the child's CDS, left over, asks for it again, under serial after serial.
    let key = (child(), RecordType::DS);
    let removed = world.parent.sets.remove(&key).unwrap();
    for site in &mut world.sites {
        site.cds = vec![ds("a"), ds("b")];
        site.cdnskey = vec![dnskey("a"), dnskey("b")];
    }
    for day in 1..=6 {
        world.minutes(day * DAY);
        for site in &mut world.sites {
            site.serial += 1;
            site.serial_after += 1;
        }
    }
    assert!(world.ds().is_empty());
    assert_eq!(world.said("verdict").last(), Some(&"SUSPENDED"));
    world.restart();
    world.minutes(7 * DAY);
    assert!(world.ds().is_empty(), "it survives a restart");
    // Set by hand: automation goes on.
    world.parent.sets.insert(key, removed);
    for site in &mut world.sites {
        site.cds = vec![ds("a"), ds("b"), ds("n")];
        site.cdnskey = vec![dnskey("a"), dnskey("b"), dnskey("n")];
    }
    world.minutes(8 * DAY);
    assert_eq!(world.ds(), ds_of(&["a", "b", "n"]));
}

#[test]
fn d_17_what_the_child_had_removed_itself_may_come_back() {
    let mut world = World::new(long(Case::deletion()), |config| {
        slow(config);
        config.policy.initial.accept = InitialAccept::AfterDelay;
    });
    world.minutes(DAY);
    assert!(world.ds().is_empty());
    for site in &mut world.sites {
        site.cds = vec![ds("a"), ds("b")];
        site.cdnskey = vec![dnskey("a"), dnskey("b")];
    }
    world.minutes(5 * DAY);
    assert_eq!(world.ds(), ds_of(&["a", "b"]));
}

#[test]
fn d_04_the_ttl_is_low_after_a_change_and_returns_two_days_later() {
    let mut world = World::new(long(Case::rollover()), |config| {
        slow(config);
        config.policy.ds.ttl_after_change = Duration::from_secs(600);
    });
    let ttl = |world: &World| {
        world
            .parent
            .set(&child(), RecordType::DS)
            .map(|set| set.ttl)
    };
    assert_eq!(ttl(&world), Some(7_200), "D-05: not lowered first");
    world.minutes(5);
    assert_eq!(
        (world.ds(), ttl(&world)),
        (ds_of(&["a", "b", "n"]), Some(600))
    );
    world.minutes(2 * DAY - 10);
    assert_eq!(ttl(&world), Some(600));
    world.restart();
    world.minutes(2 * DAY + 130);
    assert_eq!(
        (world.ds(), ttl(&world)),
        (ds_of(&["a", "b", "n"]), Some(7_200))
    );
    let updates = world.parent.updates.len();
    world.minutes(4 * DAY);
    assert_eq!(world.parent.updates.len(), updates, "once");
}
