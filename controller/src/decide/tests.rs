//! Decisions by the table: what is seen on one side, what follows on the other.

use std::collections::BTreeSet;

use counterpoint_dns::{key::SigningKey, rdata::Rdata};

use super::{bench::*, *};
use crate::{
    config::{Config, Model},
    keys::Keys,
    process::{Kind, WaitFor},
    sabotage::Sabotage,
    targets::Want,
};

#[track_caller]
fn assert_watch(decision: Decision, part: &str) {
    match decision {
        Decision::Watch { what, .. } if what.contains(part) => {}
        other => panic!("expected to watch for {part}, found {other:?}"),
    }
}

#[track_caller]
fn assert_blocked(decision: Decision, whom: &str, part: &str) {
    match decision {
        Decision::Blocked { by, why, .. } if by.contains(whom) && why.contains(part) => {}
        other => panic!("expected to be blocked by {whom} for {part}, found {other:?}"),
    }
}

const KEYS: Goal = Goal::Publish(What::ForeignKeys, Who::After);

#[test]
fn keys_are_imported_by_name_and_own_keys_are_left_alone() {
    let bench = Bench::new(Kind::Join);
    let Decision::Apply(changes) = bench.decide(KEYS) else {
        panic!("{:?}", bench.decide(KEYS));
    };
    let wanted: Vec<_> = changes
        .iter()
        .map(|change| change.wanted.data.clone())
        .collect();
    assert_eq!(
        wanted,
        [with_foreign("alpha", "beta"), with_foreign("beta", "alpha")]
    );
    assert_eq!(
        changes[0].seen.data,
        own_keys("alpha"),
        "the prerequisite is what was seen"
    );
}

#[test]
fn published_everywhere_means_every_instance() {
    let mut bench = Bench::new(Kind::Join);
    bench.pass(HOUR);
    assert_watch(bench.decide(KEYS), "what alpha has of DNSKEY");
    bench.show_all("beta", Item::Dnskey, with_foreign("beta", "alpha"), &[]);
    bench.show("alpha", 0, &Item::Dnskey, with_foreign("alpha", "beta"));
    assert_watch(bench.decide(KEYS), "ns2.alpha.test.");
    bench.silence("alpha", 1, &Item::Dnskey);
    assert_watch(bench.decide(KEYS), "no answer");
    bench.show("alpha", 1, &Item::Dnskey, own_keys("alpha"));
    assert_watch(
        bench.decide(KEYS),
        "ns2.alpha.test./192.0.2.11 to show the new DNSKEY",
    );
    bench.show("alpha", 1, &Item::Dnskey, with_foreign("alpha", "beta"));
    assert_eq!(bench.decide(KEYS), Decision::Advance);
}

#[test]
fn unknown_is_equal_only_by_sabotage() {
    let mut bench = Bench::new(Kind::Join);
    bench.pass(HOUR);
    bench.show_all("beta", Item::Dnskey, with_foreign("beta", "alpha"), &[]);
    bench.show("alpha", 0, &Item::Dnskey, with_foreign("alpha", "beta"));
    bench.silence("alpha", 1, &Item::Dnskey);
    assert_watch(bench.decide(KEYS), "no answer");
    bench.config.sabotage.insert(Sabotage::UnknownIsEqual);
    assert_eq!(bench.decide(KEYS), Decision::Advance);
}

#[test]
fn a_write_is_tried_again_refused_or_given_up() {
    let mut bench = Bench::new(Kind::Join);
    bench.wrote("alpha", Item::Dnskey, 1, Written::Unmet);
    assert!(matches!(bench.decide(KEYS), Decision::Apply(_)));
    bench.wrote("alpha", Item::Dnskey, 2, Written::Silent);
    assert!(matches!(bench.decide(KEYS), Decision::Apply(_)));
    bench.wrote(
        "alpha",
        Item::Dnskey,
        1,
        Written::Refused("it answers Refused".into()),
    );
    assert_blocked(bench.decide(KEYS), "alpha", "the update of DNSKEY fails");
    bench.wrote("alpha", Item::Dnskey, 3, Written::Accepted);
    assert_blocked(bench.decide(KEYS), "alpha", "does not publish");
    bench.wrote("alpha", Item::Dnskey, 10, Written::Unmet);
    assert_blocked(bench.decide(KEYS), "alpha", "changed meanwhile");
}

#[test]
fn a_prerequisite_that_fails_on_what_was_just_read_is_left_out_for_keys() {
    let unconditional = |tries, last| {
        let mut bench = Bench::new(Kind::Join);
        bench.wrote("alpha", Item::Dnskey, tries, last);
        match bench.decide(KEYS) {
            Decision::Apply(changes) => changes.iter().any(|change| change.is_unconditional),
            other => panic!("{other:?}"),
        }
    };
    assert!(!unconditional(1, Written::Unmet));
    assert!(unconditional(2, Written::Unmet));
    assert!(!unconditional(2, Written::Silent));
}

#[test]
fn the_parent_is_watched_at_every_instance() {
    let goal = Goal::Watch(Parental::Ds);
    let mut bench = Bench::new(Kind::Join);
    assert_watch(
        bench.decide(goal),
        "a.test./192.0.2.1 to serve the requested DS",
    );
    bench.show("parent", 0, &Item::Ds, ds(&["alpha", "beta"]));
    assert_watch(
        bench.decide(goal),
        "b.test./192.0.2.2 to serve the requested DS",
    );
    bench.silence("parent", 1, &Item::Ds);
    assert_watch(bench.decide(goal), "no answer");
    bench.show("parent", 1, &Item::Ds, ds(&["alpha", "beta"]));
    assert_eq!(bench.decide(goal), Decision::Advance);
}

#[test]
fn a_ds_rrset_counts_only_with_the_same_digests_for_every_key() {
    let goal = Goal::Watch(Parental::Ds);
    let mut bench = Bench::new(Kind::Join);
    let zone = name("example.test.");
    let sha384 = |signer: &str| key(signer, true).public().ds(&zone, 4).unwrap().to_rdata();
    let mut uneven = ds(&["alpha"]);
    uneven.insert(sha384("beta"));
    bench.parent(Item::Ds, uneven);
    assert_watch(bench.decide(goal), "to serve the requested DS");
    bench.parent(Item::Ds, [sha384("alpha"), sha384("beta")].into());
    assert_eq!(
        bench.decide(goal),
        Decision::Advance,
        "which digests is the parent's choice"
    );
}

const DS_WAIT: Goal = Goal::Wait(&[WaitFor::Ds]);

#[test]
fn a_wait_asks_nothing_then_looks_again() {
    let mut bench = Bench::new(Kind::Join);
    bench
        .pass(HOUR / 2)
        .parent(Item::Ds, ds(&["alpha", "beta"]));
    let until = bench.now + HOUR;
    bench.pass(HOUR / 2);
    let decision = bench.decide(DS_WAIT);
    assert!(
        matches!(decision, Decision::Wait { until: at, .. } if at == until),
        "{decision:?}"
    );
    bench.pass(HOUR / 2);
    assert_watch(bench.decide(DS_WAIT), "not asked yet");
    bench.parent(Item::Ds, ds(&["alpha", "beta"]));
    assert_eq!(bench.decide(DS_WAIT), Decision::Advance);
    bench.silence("parent", 1, &Item::Ds);
    assert_watch(bench.decide(DS_WAIT), "no answer");
    bench.show("parent", 1, &Item::Ds, ds(&["alpha"]));
    let decision = bench.decide(DS_WAIT);
    assert!(
        matches!(decision, Decision::Return { to: What::Cds, .. }),
        "{decision:?}"
    );
    bench.show("parent", 1, &Item::Ds, ds(&["alpha", "beta"]));
    let decision = bench.decide(DS_WAIT);
    assert!(
        matches!(decision, Decision::Wait { .. }),
        "it starts anew: {decision:?}"
    );
}

#[test]
fn without_a_recheck_only_by_sabotage() {
    let mut bench = Bench::new(Kind::Join);
    bench.parent(Item::Ds, ds(&["alpha", "beta"]));
    bench.pass(2 * HOUR);
    assert_watch(bench.decide(DS_WAIT), "not asked yet");
    bench.config.sabotage.insert(Sabotage::NoRecheckAtDeadline);
    assert_eq!(bench.decide(DS_WAIT), Decision::Advance);
}

#[test]
fn a_signal_without_effect_counts_until_it_has_settled() {
    let mut bench = Bench::new(Kind::Join);
    bench.config.parent_settle = 5 * HOUR;
    // Somebody asked for beta alone, and the parent did nothing so far.
    bench.show_all("alpha", Item::Cds, ds(&["beta"]), &[]);
    bench.pass(HOUR / 2);
    bench.show_all("alpha", Item::Cds, ds(&["alpha", "beta"]), &[]);
    let withdrawn = bench.now;
    bench.parent(Item::Ds, ds(&["alpha", "beta"]));
    bench.pass(HOUR / 2);
    let wait = |bench: &Bench| match bench.decide(DS_WAIT) {
        Decision::Wait { until, .. } => until,
        other => panic!("{other:?}"),
    };
    let settled = withdrawn + 5 * HOUR;
    assert_eq!(wait(&bench), settled, "it is looked at as soon as that");
    bench.pass(settled - bench.now + HOUR / 4);
    assert_watch(bench.decide(DS_WAIT), "not asked yet");
    bench.parent(Item::Ds, ds(&["alpha", "beta"]));
    assert_eq!(bench.decide(DS_WAIT), Decision::Settled);
    // What it served between withdrawal and look nobody saw.
    bench.process.ds_settled = Some(bench.now);
    assert_eq!(wait(&bench), bench.now + HOUR, "and counts from the look");
    bench.process.ds_settled = None;
    bench
        .config
        .sabotage
        .insert(Sabotage::IgnoreOutstandingSignal);
    assert_eq!(bench.decide(DS_WAIT), Decision::Advance);
}

#[test]
fn the_leavers_links_outlive_what_caches_hold_of_it() {
    let mut bench = Bench::new(Kind::Leave);
    for signer in ["alpha", "beta"] {
        bench.show_all(signer, Item::Ns, ns(&["alpha", "beta"]), &[]);
    }
    bench.parent(Item::Delegation, ns(&["alpha", "beta"]));
    bench.pass(HOUR / 2);
    for signer in ["alpha", "beta"] {
        bench.show_all(signer, Item::Ns, ns(&["alpha"]), &[]);
    }
    bench
        .pass(HOUR / 2)
        .parent(Item::Delegation, ns(&["alpha"]));
    let gone = bench.now;
    let wait = |bench: &Bench, waits| match bench.decide(Goal::Wait(waits)) {
        Decision::Wait { until, .. } => until,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        wait(&bench, &[WaitFor::Ns]),
        gone + HOUR,
        "from the later of child and parent"
    );
    assert_eq!(
        wait(&bench, &[WaitFor::Ns, WaitFor::LeaverDnskey]),
        gone + 2 * HOUR
    );
    let beta = bench.config.signers.get_mut(&"beta".into()).unwrap();
    beta.max_ttl = 24 * HOUR;
    // Its NS from before the first look may be held for a day, and what it signed for another.
    let first_look = gone.before(HOUR);
    assert_eq!(
        wait(&bench, &[WaitFor::Ns, WaitFor::LeaverData]),
        first_look + 48 * HOUR
    );
    // One instance that names beta again begins it all again.
    bench.show("beta", 1, &Item::Ns, ns(&["beta"]));
    let decision = bench.decide(Goal::Wait(&[WaitFor::Ns]));
    assert!(
        matches!(decision, Decision::Return { to: What::Ns, .. }),
        "{decision:?}"
    );
}

#[test]
fn a_leaver_names_itself_no_more_unless_sabotaged() {
    let mut bench = Bench::new(Kind::Leave);
    for signer in ["alpha", "beta"] {
        bench.show_all(signer, Item::Ns, ns(&["alpha", "beta"]), &[]);
    }
    let goal = Goal::Publish(What::Ns, Who::All);
    let at = |bench: &Bench| match bench.decide(goal) {
        Decision::Apply(changes) => {
            assert!(
                changes
                    .iter()
                    .all(|change| change.wanted.data == ns(&["alpha"]))
            );
            changes
                .iter()
                .map(|change| change.signer.to_string())
                .collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(at(&bench), ["alpha", "beta"]);
    bench.config.sabotage.insert(Sabotage::NsAtRemainingOnly);
    assert_eq!(at(&bench), ["alpha"]);
}

#[test]
fn csync_carries_each_signers_own_serial_and_only_if_the_delegation_differs() {
    let goal = Goal::Publish(What::Csync, Who::After);
    let mut bench = Bench::new(Kind::Join);
    for signer in ["alpha", "beta"] {
        bench.show_all(signer, Item::Csync, [].into(), &[]);
    }
    let Decision::Apply(changes) = bench.decide(goal) else {
        panic!("{:?}", bench.decide(goal));
    };
    let csync = [0, 0, 0, 7, 0, 3, 0, 4, 0x60, 0, 0, 8];
    let wanted: BTreeSet<Rdata> = [Rdata::from_octets(csync)].into();
    assert!(changes.len() == 2 && changes.iter().all(|change| change.wanted.data == wanted));
    bench.parent(Item::Delegation, ns(&["alpha", "beta"]));
    assert_eq!(bench.decide(goal), Decision::Advance);
}

#[test]
fn a_dead_leaver_that_answers_is_a_ghost() {
    let goal = Goal::Publish(What::Ns, Who::All);
    let mut bench = Bench::new(Kind::Leave);
    bench.process.dead = true;
    bench.pass(HOUR);
    bench.show_all("alpha", Item::Ns, ns(&["alpha"]), &[]);
    bench.silence("beta", 0, &Item::Ns);
    bench.silence("beta", 1, &Item::Ns);
    assert_eq!(bench.decide(goal), Decision::Advance);
    bench.show("beta", 1, &Item::Ns, ns(&["beta"]));
    assert_blocked(bench.decide(goal), "beta", "said to be dead");
    bench.config.sabotage.insert(Sabotage::DeadLeaverNotProbed);
    assert_eq!(bench.decide(goal), Decision::Advance);
}

#[test]
fn prerequisites_block_with_everything_that_does_not_hold() {
    let goal = Goal::Prerequisites;
    let mut bench = Bench::new(Kind::Join);
    assert_eq!(bench.decide(goal), Decision::Advance);
    bench.show_all("beta", Item::Dnskey, own_keys("beta"), &[]);
    bench.show_all("beta", Item::Ns, ns(&["beta", "gamma"]), &[]);
    let decision = bench.decide(goal);
    assert_blocked(decision.clone(), "beta", "does not validate");
    assert_blocked(decision, "beta", "names ns1.gamma.test.");
    bench.pass(HOUR);
    assert_blocked(bench.decide(goal), "parent", "nobody has seen DS of parent");
}

#[test]
fn keys_that_stand_at_two_signers_and_sign_nowhere_are_nobodys() {
    let mut bench = Bench::new(Kind::Leave);
    bench.keys = Keys::default();
    let stray = key("gamma", false).public().to_rdata();
    for (signer, other) in [("alpha", "beta"), ("beta", "alpha")] {
        let mut keys = with_foreign(signer, other);
        keys.insert(stray.clone());
        bench.show_all(signer, Item::Dnskey, keys, &[key(signer, true)]);
    }
    let signers = ["alpha".into(), "beta".into()].into();
    bench.keys.learn(&bench.log, &bench.places, &signers);
    let owner = |key: &SigningKey| bench.keys.owner(&key.public().to_rdata()).cloned();
    for signer in ["alpha", "beta"] {
        assert_eq!(
            owner(&key(signer, true)),
            Some(signer.into()),
            "the KSK signs DNSKEY there"
        );
        assert_eq!(
            owner(&key(signer, false)),
            Some(signer.into()),
            "the ZSK signs data there"
        );
    }
    assert_blocked(
        bench.decide(Goal::Prerequisites),
        "alpha",
        "nobody is known to own",
    );
    let beta = bench.config.signers.get_mut(&"beta".into()).unwrap();
    beta.own_keys = vec![counterpoint_dns::key::Dnskey::parse(&stray).unwrap()];
    bench.keys.declare(&bench.config, &name("example.test."));
    assert_eq!(bench.decide(Goal::Prerequisites), Decision::Advance);
}

#[test]
fn a_csk_signer_exports_every_key_and_others_their_zsks() {
    let mut bench = Bench::new(Kind::Join);
    let exports = |bench: &Bench, signer: &str| bench.keys.exports(&bench.config, &signer.into());
    let zsk: BTreeSet<Rdata> = [key("alpha", false).public().to_rdata()].into();
    assert_eq!(exports(&bench, "alpha"), zsk);
    bench.config.signers.get_mut(&"alpha".into()).unwrap().csk = Some(true);
    assert_eq!(exports(&bench, "alpha"), own_keys("alpha"));
    bench.config.sabotage.insert(Sabotage::CskNotExported);
    assert_eq!(exports(&bench, "alpha"), zsk);
}

#[test]
fn foreign_keys_that_leave_are_named_one_by_one() {
    let mut bench = Bench::new(Kind::Leave);
    bench.show_all("alpha", Item::Dnskey, with_foreign("alpha", "beta"), &[]);
    let Decision::Apply(changes) = bench.decide(KEYS) else {
        panic!("{:?}", bench.decide(KEYS));
    };
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].wanted.data, own_keys("alpha"));
    let want = Want::Keys {
        present: [].into(),
        absent: own_keys("beta"),
    };
    assert!(want.holds(&own_keys("alpha")));
}

#[test]
fn tables_begin_with_prerequisites_and_number_their_steps_in_order() {
    let config = Config::new(name("test."));
    for kind in [Kind::Join, Kind::Leave] {
        let table = kind.table(Model::Own, &config);
        assert_eq!(table[0].goal, Goal::Prerequisites);
        assert!(table.is_sorted_by_key(|row| row.step), "{kind:?}");
        assert_eq!(table.last().map(|row| row.step), Some(9));
    }
    for (sabotage, kind, order) in [
        (
            Sabotage::NsBeforeDs,
            Kind::Join,
            [1, 2, 6, 3, 4, 5, 7, 8, 9],
        ),
        (
            Sabotage::DropForeignZskEarly,
            Kind::Leave,
            [1, 2, 3, 8, 4, 5, 6, 7, 9],
        ),
        (
            Sabotage::DropDsEarly,
            Kind::Leave,
            [1, 2, 3, 7, 4, 5, 6, 8, 9],
        ),
    ] {
        let mut config = config.clone();
        config.sabotage.insert(sabotage);
        let mut steps: Vec<u8> = kind
            .table(Model::Own, &config)
            .iter()
            .map(|row| row.step)
            .collect();
        steps.dedup();
        assert_eq!(steps, order, "{sabotage}");
    }
}

#[test]
fn a_key_that_its_signer_has_dropped_is_exported_until_a_roll_has_settled() {
    let mut bench = Bench::new(Kind::Join);
    let signers = ["alpha".into(), "beta".into()].into();
    let ksk: BTreeSet<Rdata> = [key("alpha", true).public().to_rdata()].into();
    bench.show_all("alpha", Item::Dnskey, ksk, &[key("alpha", true)]);
    bench.keys.learn(&bench.log, &bench.places, &signers);
    let zsk = key("alpha", false).public().to_rdata();
    let exports = bench.keys.exports(&bench.config, &"alpha".into());
    assert!(exports.contains(&zsk), "caches hold what it signed");
    let old = [zsk.clone()].into();
    bench.keys.settle(&"alpha".into(), &old, &BTreeSet::new());
    let exports = bench.keys.exports(&bench.config, &"alpha".into());
    assert!(!exports.contains(&zsk));
    assert_eq!(
        bench.keys.owner(&zsk),
        Some(&"alpha".into()),
        "whose it was is remembered"
    );
}

#[test]
fn a_signer_without_any_zsk_is_a_csk_signer_before_it_is_seen_to_sign_data() {
    let mut keys = Keys::default();
    let mut config = Config::new(name("test."));
    let bench = Bench::new(Kind::Join);
    config.signers.clone_from(&bench.config.signers);
    let alpha = config.signers.get_mut(&"alpha".into()).unwrap();
    alpha.own_keys = vec![key("alpha", true).public().clone()];
    keys.declare(&config, &name("example.test."));
    assert!(keys.is_csk(&config, &"alpha".into()));
    let alpha = config.signers.get_mut(&"alpha".into()).unwrap();
    alpha.own_keys = vec![key("alpha", false).public().clone()];
    keys.declare(&config, &name("example.test."));
    assert!(!keys.is_csk(&config, &"alpha".into()));
}

#[test]
fn another_key_with_the_same_tag_blocks() {
    let mut bench = Bench::new(Kind::Join);
    // The tag is a sum of 16-bit words: two words that change places leave it as it is.
    let mut octets = key("alpha", false).public().to_rdata().octets().to_vec();
    octets[4..8].rotate_left(2);
    let mut keys = own_keys("beta");
    keys.insert(Rdata::from_octets(octets));
    bench.show_all("beta", Item::Dnskey, keys, &[key("beta", true)]);
    let signers = ["alpha".into(), "beta".into()].into();
    bench.keys.learn(&bench.log, &bench.places, &signers);
    assert_blocked(bench.decide(Goal::Prerequisites), "beta", "share key tag");
}
