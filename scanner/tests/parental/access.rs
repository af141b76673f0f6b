//! Who may act: registry facts and policies, over requests that are right.

use std::{collections::BTreeSet, time::Duration};

use counterpoint_dns::name::RecordType;
use counterpoint_scanner::{
    Outcome::{self, Delay, Oob, Refuse},
    judge::ACCESS_RULES,
    policy::{InitialAccept, Registrar, RolloverAccept},
    registry::Lock,
    state::{Suspension, TtlRestore},
};

use crate::{kit::*, vector::*};

type Says = (&'static str, &'static str, Outcome);
const OPTED_OUT: Says = ("K-16", "OPTED_OUT", Refuse);
const SERVER_LOCK: Says = ("D-14", "SERVER_LOCK", Refuse);
const AUTOMATES: Says = ("D-19", "REGISTRAR_AUTOMATES", Refuse);
const CANNOT_DISABLE: Says = ("D-19", "REGISTRAR_CANNOT_DISABLE", Refuse);

fn of_registrar(mut case: Case, registrar: Registrar) -> Case {
    case.facts.registrar = Some("r1".into());
    case.policy.registrars.insert("r1".into(), registrar);
    case
}

fn locked(mut case: Case) -> Case {
    case.facts.locks = [Lock::ServerUpdateProhibited, Lock::ClientUpdateProhibited].into();
    case.policy.server_lock_suspends = true;
    case
}

fn opted_out(mut case: Case) -> Case {
    case.facts.opted_out = true;
    case
}

fn vectors() -> Vec<Vector> {
    let mut all = Vec::new();
    let mut add = |says: Says, what, case| all.push(vector(says, what, case));
    for case in [Case::rollover(), Case::bootstrap(), Case::deletion()] {
        add(OPTED_OUT, "the child", opted_out(case.clone()));
        let registrar = Registrar {
            opt_out: true,
            ..Registrar::default()
        };
        add(
            OPTED_OUT,
            "its registrar",
            of_registrar(case.clone(), registrar),
        );
        add(SERVER_LOCK, "the registry's lock", locked(case.clone()));
        let registrar = Registrar {
            automates: true,
            ..Registrar::default()
        };
        add(
            AUTOMATES,
            "the registrar",
            of_registrar(case.clone(), registrar),
        );
        let mut automates = case;
        automates.facts.registrar_automates = true;
        add(AUTOMATES, "the registrar, for this child", automates);
    }
    let mut suspended = Case::bootstrap();
    suspended.state.suspension = Some(Suspension {
        since: NOW,
        why: "removed".into(),
    });
    add(("D-17", "SUSPENDED", Oob), "a CDS left over", suspended);
    let mut never = Case::bootstrap();
    never.policy.initial.accept = InitialAccept::Never;
    add(("B-01", "BOOTSTRAP_NEVER", Refuse), "by policy", never);
    let mut never = Case::rollover();
    never.policy.rollover.accept = RolloverAccept::Never;
    add(("B-01", "ROLLOVER_REFUSED", Refuse), "by policy", never);
    let mut cannot = Case::bootstrap();
    cannot.facts.registrar_can_disable = false;
    add(CANNOT_DISABLE, "the registrar, for this child", cannot);
    let registrar = Registrar {
        cannot_disable: true,
        ..Registrar::default()
    };
    let cannot = of_registrar(Case::bootstrap(), registrar);
    add(CANNOT_DISABLE, "the registrar", cannot);
    let mut recent = Case::bootstrap();
    recent.policy.initial.registration_quiet = Duration::from_secs(86_400);
    recent.facts.changed = Some(NOW.before(Duration::from_secs(3_600)));
    add(
        ("B-04", "REGISTRATION_RECENT", Delay),
        "an hour ago",
        recent,
    );
    all
}

#[test]
fn every_rule_stops_what_nothing_else_stops() {
    for vector in vectors() {
        vector.check(Case::judge_cds);
    }
    for (says, case) in [
        (OPTED_OUT, opted_out(Case::synchronisation())),
        (SERVER_LOCK, locked(Case::synchronisation())),
    ] {
        vector(says, "the same for CSYNC", case).check(Case::judge_csync);
    }
}

#[test]
fn every_rule_of_the_table_has_its_vector() {
    let tested: BTreeSet<&str> = vectors().iter().map(|vector| vector.reason).collect();
    for rule in &ACCESS_RULES {
        assert!(tested.contains(rule.reason), "{}", rule.reason);
    }
}

#[test]
fn b_01_the_three_policies_are_three() {
    let judge = |case: Case, adjust: fn(&mut Case)| {
        let mut case = case;
        adjust(&mut case);
        case.judge_cds().outcome == Outcome::Accept
    };
    type Adjust = fn(&mut Case);
    let never: [(Adjust, [bool; 3]); 3] = [
        (
            |case| case.policy.initial.accept = InitialAccept::Never,
            [false, true, true],
        ),
        (
            |case| case.policy.rollover.accept = RolloverAccept::Never,
            [true, false, true],
        ),
        (
            |case| case.policy.delete.accept = RolloverAccept::Never,
            [true, true, false],
        ),
    ];
    for (adjust, expected) in never {
        let cases = [Case::bootstrap(), Case::rollover(), Case::deletion()];
        assert_eq!(cases.map(|case| judge(case, adjust)), expected);
    }
}

#[test]
fn d_13_d_14_locks_alone_suspend_nothing() {
    let mut case = locked(Case::rollover());
    case.policy.server_lock_suspends = false;
    assert_eq!(case.judge_cds().reason, "CDS_ACCEPTED");
    case.policy.server_lock_suspends = true;
    case.facts.locks = [Lock::ClientUpdateProhibited].into();
    assert_eq!(case.judge_cds().reason, "CDS_ACCEPTED");
}

#[test]
fn d_04_d_05_the_ttl_returns_later_and_by_a_change_of_its_own() {
    let mut case = Case::quiet();
    let restore = TtlRestore {
        ttl: 86_400,
        not_before: NOW,
    };
    case.state.restore = Some(restore);
    let verdict = case.judge_cds();
    assert_eq!((verdict.rule, verdict.reason), ("D-04", "TTL_RESTORED"));
    let change = verdict.change.unwrap();
    let sets: Vec<_> = change.changed().collect();
    assert_eq!(sets.len(), 1);
    assert_eq!(
        (sets[0].rtype, sets[0].wanted.ttl),
        (RecordType::DS, 86_400)
    );
    assert_eq!(sets[0].seen.as_ref().unwrap().data, sets[0].wanted.data);
    assert_eq!(change.to_string(), "example.test. DS TTL 7200 → 86400");
    // Not before its time; not while something else is asked for; not if it is there already.
    case.state.restore = Some(TtlRestore {
        not_before: NOW + Duration::from_secs(1),
        ..restore
    });
    assert_eq!(case.judge_cds().reason, "NOTHING_REQUESTED");
    let mut busy = Case::rollover();
    busy.state.restore = Some(restore);
    assert_eq!(busy.judge_cds().reason, "CDS_ACCEPTED");
    case.state.restore = Some(TtlRestore {
        ttl: 7_200,
        ..restore
    });
    assert_eq!(case.judge_cds().reason, "NOTHING_REQUESTED");
}

#[test]
fn d_06_what_is_broken_without_a_request_is_reported_only() {
    let mut case = on(Case::quiet(), 1, |site| site.dnskey_signers = vec!["bz"]);
    assert_eq!(case.judge_cds().reason, "NOTHING_REQUESTED");
    case.policy.ds.recheck = true;
    let verdict = case.judge_cds();
    assert_eq!((verdict.rule, verdict.reason), ("D-06", "DS_BROKEN"));
    assert_eq!((verdict.outcome, verdict.change), (Outcome::Noop, None));
    let mut healthy = Case::quiet();
    healthy.policy.ds.recheck = true;
    assert_eq!(healthy.judge_cds().reason, "NOTHING_REQUESTED");
}
