//! The rules for CSYNC: for each, a request that only this rule stops.

use std::collections::BTreeSet;

use counterpoint_dns::{
    name::{Name, RecordType},
    rdata::{Csync, Rdata},
    signature::Verifier,
};
use counterpoint_scanner::{
    Answer,
    Outcome::{self, Abort, Delay, Ignore, Noop, Oob, Refuse},
    Policy,
    Sabotage::{self, NoConsistency, NoContinuity, NoReplayGuard},
    Verdict,
    judge::CSYNC_RULES,
    judge_csync,
    state::Guard,
};

use crate::{kit::*, vector::*};

pub fn within() -> Name {
    name("ns1.example.test.")
}

pub fn flags(case: Case, flags: u16) -> Case {
    case.each(|site| site.csync[0].flags = flags)
}

pub fn types(case: Case, types: &[RecordType]) -> Case {
    case.each(|site| site.csync[0].types = types.to_vec())
}

/// Both servers lose the name's records of this type, and prove it.
pub fn lose(case: Case, rtype: RecordType) -> Case {
    case.each(|site| {
        site.data.remove(&(within(), rtype));
    })
}

pub fn wanted(verdict: &Verdict, owner: &Name, rtype: RecordType) -> Option<BTreeSet<Rdata>> {
    let change = verdict
        .change
        .as_ref()
        .unwrap_or_else(|| panic!("{}", verdict.text()));
    change.wanted(owner, rtype).map(|set| set.data.clone())
}

pub fn guarded(mut case: Case, serial: u32) -> Case {
    for site in &case.sites {
        let guard = Guard {
            csync: Some(serial),
            ..Guard::default()
        };
        case.state.guards.insert(site.address, guard);
    }
    case
}

type Says = (&'static str, &'static str, Outcome);
const UNREADABLE: Says = ("C-02", "CSYNC_UNREADABLE", Abort);
const INCONSISTENT: Says = ("X-13", "CSYNC_INCONSISTENT", Abort);
const NOT_SECURE: Says = ("C-02", "CSYNC_NOT_SECURE", Abort);
const DATA: Says = ("X-15", "CSYNC_DATA_INCONSISTENT", Abort);
const GLUE: Says = ("C-20", "CSYNC_GLUE_LOST", Abort);
const NOT_READY: Says = ("X-17", "NEW_SERVER_NOT_READY", Abort);
const PAIR: Says = ("M-01", "PAIR_BROKEN", Abort);

/// Each with whether something is accepted once the rule is gone: where there is nothing left to
/// accept, the rule only names the reason.
fn vectors() -> Vec<(Vector, bool)> {
    use RecordType::{A, AAAA, CDS, MX, NS};
    let sync = Case::synchronisation;
    let mut all = Vec::new();
    let forbidden = vector(
        ("C-23", "CSYNC_FORBIDDEN_TYPE", Ignore),
        "CDS in the bitmap",
        types(sync(), &[NS, A, AAAA, CDS]),
    );
    all.push((forbidden.stopped_by(&["CSYNC_UNKNOWN_TYPE"]), true));
    let delayed = on(sync(), 1, |site| site.csync[0].flags = Csync::SOA_MINIMUM);
    let delayed = vector(INCONSISTENT, "immediate at one only", delayed);
    all.push((delayed.stopped_by(&["CSYNC_NOT_IMMEDIATE"]), true));
    let mut add = |says: Says, what: &'static str, case: Case| {
        all.push((vector(says, what, case), true));
    };
    add(
        ("X-03", "SERVER_SILENT", Delay),
        "one server is silent",
        on(sync(), 1, |site| {
            site.dead = true;
        }),
    );
    add(
        ("C-04", "CSYNC_UNKNOWN_TYPE", Ignore),
        "MX in the bitmap",
        types(sync(), &[NS, A, AAAA, MX]),
    );
    add(
        ("C-05", "CSYNC_UNKNOWN_FLAG", Ignore),
        "a third flag",
        flags(sync(), 0x0103),
    );
    add(
        ("C-06", "CSYNC_NOT_IMMEDIATE", Oob),
        "immediate clear",
        flags(sync(), Csync::SOA_MINIMUM),
    );
    let mut few = sync();
    few.policy.csync.ns_min = 4;
    add(
        ("C-15", "NS_POLICY", Refuse),
        "three of four nameservers",
        few,
    );
    for at in [0, 1] {
        let unsigned = |rtype| on(sync(), at, |site| site.unsigned = vec![rtype]);
        add(
            NOT_SECURE,
            "unsigned CSYNC at one",
            unsigned(RecordType::CSYNC),
        );
        add(NOT_SECURE, "C-03: unsigned NS at one", unsigned(NS));
        add(NOT_SECURE, "C-03: unsigned address at one", unsigned(AAAA));
    }
    let unproven = lose(sync(), AAAA).each(|site| site.unsigned = vec![RecordType::NSEC]);
    add(NOT_SECURE, "C-19: absence without proof", unproven);
    add(
        GLUE,
        "no address of the only name within",
        lose(lose(sync(), AAAA), A),
    );
    add(
        GLUE,
        "no address bits for a new name within",
        types(sync(), &[NS]),
    );
    let two = sync().each(|site| {
        site.ns.push(name("ns2.example.test."));
        site.data.insert((within(), A), vec![address("192.0.2.3")]);
    });
    add(GLUE, "one of two names within has none", two);
    let mut all_vectors: Vec<Vector> = Vec::new();
    let mut with = |says: Says, what, case, defect, also| {
        let vector = vector(says, what, case).with(defect).stopped_by(also);
        all_vectors.push(vector);
    };
    with(
        INCONSISTENT,
        "X-04: CSYNC at one only",
        on(sync(), 1, |site| site.csync.clear()),
        NoConsistency,
        &[],
    );
    with(
        INCONSISTENT,
        "another bitmap at one",
        on(sync(), 1, |site| {
            site.csync[0].types = vec![NS, A];
        }),
        NoConsistency,
        &["CSYNC_DATA_INCONSISTENT"],
    );
    with(
        ("C-09", "CSYNC_SOA_MOVED", Abort),
        "the zone moved under the reading",
        on(sync(), 1, |site| {
            site.serial_after = 11;
        }),
        Sabotage::NoSecondSoa,
        &[],
    );
    with(
        ("C-11", "CSYNC_REPLAYED", Ignore),
        "older than processed",
        guarded(sync(), 10),
        NoReplayGuard,
        &[],
    );
    with(
        ("X-14", "CSYNC_SERIAL_DISAGREES", Abort),
        "one server has not reached its serial",
        on(sync(), 1, |site| {
            site.csync[0].serial = 11;
        }),
        NoConsistency,
        &[],
    );
    with(
        ("C-07", "CSYNC_SOA_BEHIND", Abort),
        "no server has reached its serial",
        sync().each(|site| {
            site.csync[0].serial = 11;
        }),
        Sabotage::IgnoreSoaminimum,
        &[],
    );
    let wrapped = sync().each(|site| {
        site.csync[0].serial = 5;
        site.serial = u32::MAX - 5;
        site.serial_after = site.serial;
    });
    with(
        ("C-07", "CSYNC_SOA_BEHIND", Abort),
        "behind across 2³²",
        wrapped,
        Sabotage::IgnoreSoaminimum,
        &[],
    );
    let drops = on(sync(), 1, |site| {
        site.ns.retain(|host| *host != name("ns1.alpha.test."))
    });
    with(
        DATA,
        "one server drops the other",
        drops,
        NoConsistency,
        &[],
    );
    with(
        DATA,
        "another address at one",
        on(sync(), 1, |site| {
            site.data.insert((within(), A), vec![address("192.0.2.66")]);
        }),
        NoConsistency,
        &[],
    );
    let lame = |spoil: fn(&mut Site)| {
        let mut case = sync();
        spoil(&mut case.added[0]);
        case
    };
    with(
        NOT_READY,
        "the new server is silent",
        lame(|site| site.dead = true),
        NoContinuity,
        &["PAIR_BROKEN"],
    );
    with(
        NOT_READY,
        "the new server has other keys",
        lame(|site| {
            site.dnskeys = vec!["x", "az", "bz"];
            site.dnskey_signers = vec!["x"];
        }),
        NoContinuity,
        &[],
    );
    with(
        PAIR,
        "the new server lacks a ZSK",
        lame(|site| site.dnskeys.retain(|key| *key != "bz")),
        NoContinuity,
        &[],
    );
    all.extend(all_vectors.into_iter().map(|vector| (vector, true)));

    let mut name_only = |says: Says, what: &'static str, case: Case| {
        all.push((vector(says, what, case), false));
    };
    name_only(
        ("X-02", "NO_RESPONSE", Abort),
        "nobody answers",
        sync().each(|site| site.dead = true),
    );
    name_only(("C-26", "CSYNC_ABSENT", Noop), "no CSYNC", Case::quiet());
    name_only(
        ("C-01", "CSYNC_NOT_ALONE", Ignore),
        "two CSYNC records",
        sync().each(|site| {
            let mut other = site.csync[0].clone();
            other.serial = 8;
            site.csync.push(other);
        }),
    );
    name_only(
        ("C-14", "CSYNC_NS_ABSENT", Abort),
        "no NS at the apex",
        sync().each(|site| site.ns.clear()),
    );
    let mut done = sync();
    done.parent_ns.push(within());
    done.glue = done.sites[0].data.clone();
    name_only(("C-13", "CSYNC_STATUS_QUO", Noop), "all done", done);
    all
}

#[test]
fn every_rule_stops_what_nothing_else_stops() {
    for (vector, is_alone) in vectors() {
        if is_alone {
            vector.check(Case::judge_csync);
        } else {
            let verdict = vector.case.judge_csync();
            let got = (verdict.rule, verdict.reason, verdict.outcome);
            assert_eq!(
                got,
                (vector.rule, vector.reason, vector.outcome),
                "{}",
                vector.what
            );
            assert_eq!(verdict.change, None);
        }
    }
    // C-02: a reading that broke off.
    let mut gathered = Case::synchronisation().gathered();
    gathered.servers[0].sequence = None;
    let (policy, verifier) = (Policy::default(), &mut Verifier::default());
    let verdict = judge_csync(&gathered, &policy, NOW, verifier);
    assert_eq!((verdict.rule, verdict.reason, verdict.outcome), UNREADABLE);
    // first it is tried again.
    let mut gathered = Case::synchronisation().gathered();
    let sequence = gathered.servers[0].sequence.as_mut().unwrap();
    sequence.csync = Answer::Unusable("no answer".into());
    let verdict = judge_csync(&gathered, &policy, NOW, verifier);
    assert_eq!(verdict.reason, "SERVER_SILENT");
    gathered.servers[0].given_up = true;
    let verdict = judge_csync(&gathered, &policy, NOW, verifier);
    assert_eq!((verdict.rule, verdict.reason, verdict.outcome), UNREADABLE);
}

#[test]
fn every_rule_of_the_table_has_its_vector() {
    let vectors = vectors();
    let tested: BTreeSet<&str> = vectors.iter().map(|(vector, _)| vector.reason).collect();
    for rule in &CSYNC_RULES {
        assert!(
            tested.contains(rule.reason)
                || rule.reason == UNREADABLE.1
                || crate::csync_policy::TESTED.contains(&rule.reason)
                // The same rules as for CDS, tested with those.
                || ["OPTED_OUT", "SERVER_LOCK"].contains(&rule.reason),
            "{}",
            rule.reason
        );
    }
}
