//! First DS RRsets: by authenticated signals, by standing for a while, or never.

use std::time::Duration;

use counterpoint_dns::{
    key::{DIGEST_SHA256, DIGEST_SHA384},
    name::RecordType,
    signature::Verifier,
};
use counterpoint_scanner::{
    Continuity,
    Outcome::{self, Abort, Delay, Noop},
    gather::{Signal, Vouched},
    judge::{INITIAL_RULES, judge_request, sighting, sighting_hold},
    judge_cds,
    policy::InitialAccept,
    state::{Candidate, Sighting},
};

use crate::{kit::*, vector::*};

type Says = (&'static str, &'static str, Outcome);
const NOT_SECURE: Says = ("A-06", "SIGNAL_NOT_SECURE", Abort);
const DIFFERS: Says = ("A-07", "SIGNAL_DIFFERS", Abort);

fn spoil(case: Case, spoil: impl Fn(&mut Signal)) -> Case {
    let mut case = case;
    spoil(&mut case.signals[1]);
    case
}

fn delayed() -> Case {
    let mut case = Case::bootstrap();
    case.signals.clear();
    case.policy.initial.accept = InitialAccept::AfterDelay;
    case
}

/// It has stood for three days and two runs; this is the third.
fn stood() -> Case {
    let mut case = delayed();
    let hours = |hours: u64| NOW.before(Duration::from_secs(3_600 * hours));
    let gathered = case.gathered();
    let verdict = case.judge_cds();
    let Sighting::Seen(fingerprint) = sighting(&gathered, &verdict) else {
        panic!("{}", verdict.text());
    };
    case.state.candidate = Some(Candidate {
        fingerprint,
        first_seen: hours(72),
        last_seen: hours(24),
        counted: hours(24),
        runs: 2,
    });
    case
}

fn vectors() -> Vec<Vector> {
    let boot = Case::bootstrap;
    let mut all = Vec::new();
    let mut add =
        |says: Says, what, case, also| all.push(vector(says, what, case).stopped_by(also));
    let mut within = boot();
    within.signals.clear();
    within.parent_ns = vec![name("ns1.example.test."), name("ns2.example.test.")];
    add(
        ("A-02", "NO_OUTSIDE_NAMESERVER", Abort),
        "all within",
        within,
        &[],
    );
    add(
        ("A-12", "SIGNAL_NAME_TOO_LONG", Abort),
        "a name that cannot be",
        spoil(boot(), |signal| {
            signal.name = None;
            (signal.cds, signal.cdnskey) = (Vouched::NotAsked, Vouched::NotAsked);
        }),
        &["SIGNAL_NOT_SECURE"],
    );
    add(
        ("A-04", "APEX_UNANSWERED", Abort),
        "one server is silent",
        on(boot(), 1, |site| site.dead = true),
        &["SERVER_SILENT"],
    );
    let mut silent = on(boot(), 1, |site| site.dead = true);
    silent.given_up = true;
    add(
        ("A-04", "APEX_UNANSWERED", Abort),
        "one server was silent for the whole schedule",
        silent,
        &[],
    );
    for (what, odd) in [
        ("not asked", Vouched::NotAsked),
        ("insecure", Vouched::Insecure),
        ("bogus", Vouched::Bogus("a link".into())),
        ("failed", Vouched::Failed("silence".into())),
    ] {
        let case = spoil(boot(), |signal| signal.cdnskey = odd.clone());
        add(NOT_SECURE, what, case, &[]);
    }
    add(
        ("A-06", "SIGNAL_MISSING", Abort),
        "nothing under one name",
        spoil(boot(), |signal| {
            (signal.cds, signal.cdnskey) = (Vouched::Absent, Vouched::Absent);
        }),
        &["SIGNAL_DIFFERS"],
    );
    let other = on(boot(), 0, |site| site.cds = vec![ds("x")])
        .vouched()
        .signals;
    add(
        DIFFERS,
        "another key under one name",
        spoil(boot(), |signal| signal.cds = other[1].cds.clone()),
        &[],
    );
    add(
        DIFFERS,
        "no CDNSKEY under one name",
        spoil(boot(), |signal| signal.cdnskey = Vouched::Absent),
        &[],
    );
    let apex = boot().each(|site| site.cdnskey.clear());
    add(DIFFERS, "no CDNSKEY at the apex", apex, &[]);
    let cut = spoil(boot(), |signal| {
        let (name, Vouched::Present(signed)) = (signal.name.clone(), &mut signal.cds) else {
            panic!("there is one");
        };
        signed.signatures[0].signer = name.unwrap();
    });
    add(
        ("A-08", "SIGNAL_ZONE_CUT", Abort),
        "signed by a zone of its own",
        cut,
        &[],
    );
    // What would be published.
    let obscure = cds_only(boot(), &[ds("a"), ds("b"), unknown_ds(9, DIGEST_SHA384)]).vouched();
    assert_eq!(obscure.judge_cds().reason, "KEY_NOT_REPRESENTABLE");
    let mut unequal = cds_only(
        boot(),
        &[unknown_ds(8, DIGEST_SHA256), unknown_ds(9, DIGEST_SHA384)],
    )
    .vouched();
    unequal.policy.ds.digests = [DIGEST_SHA256, DIGEST_SHA384].into();
    assert_eq!(unequal.judge_cds().reason, "DIGESTS_UNEQUAL");
    let private = cds_only(boot(), &[odd_ds(253)]).vouched();
    add(
        ("D-03", "DS_NOT_VALIDATABLE", Abort),
        "a private algorithm only",
        private,
        &[
            "CDS_BOGUS",
            "WOULD_NOT_VALIDATE",
            "PROVIDER_LACKS_ALGORITHM",
        ],
    );
    let unsigned = on(boot(), 1, |site| site.unsigned = vec![RecordType::CDS]);
    add(
        ("B-14", "CDS_BOGUS", Abort),
        "an unsigned CDS at one server",
        unsigned,
        &[],
    );
    let mut half = boot();
    half.request(&["a"]);
    add(
        ("B-14", "CDS_BOGUS", Abort),
        "a server whose keys it leaves out",
        half.vouched(),
        &["WOULD_NOT_VALIDATE"],
    );
    let mut algorithm = boot().each(|site| site.dnskeys.push("p"));
    algorithm.request(&["a", "b", "p"]);
    add(
        ("B-14", "WOULD_NOT_VALIDATE", Abort),
        "an algorithm that does not sign",
        algorithm.vouched(),
        &[],
    );
    let mut lacking = on(boot(), 0, |site| site.dnskeys.push("p"));
    lacking.policy.rollover.continuity = Continuity::OnePath;
    lacking.request(&["a", "b", "p"]);
    add(
        ("M-03", "PROVIDER_LACKS_ALGORITHM", Abort),
        "no key of an algorithm at one signer",
        lacking.vouched(),
        &[],
    );
    let foreign = on(boot(), 0, |site| {
        site.dnskeys.retain(|label| *label != "bz")
    });
    add(
        ("M-01", "PAIR_BROKEN", Abort),
        "a foreign ZSK is missing",
        foreign,
        &[],
    );
    let mut incomplete = boot().each(|site| {
        site.dnskeys.push("p");
        site.dnskey_signers.push("p");
    });
    incomplete.request(&["a", "b", "p"]);
    add(
        ("T-06", "CACHES_BREAK", Abort),
        "an algorithm that does not sign the data",
        incomplete.vouched(),
        &[],
    );
    let mut silent = stood();
    silent.sites[1].dead = true;
    add(
        ("X-03", "SERVER_SILENT", Delay),
        "one server is silent",
        silent,
        &["HOLD_DOWN"],
    );
    add(
        ("B-05", "HOLD_DOWN", Delay),
        "the first sight",
        delayed(),
        &[],
    );
    let mut seen = boot();
    seen.policy.initial.vantage_points = 2;
    add(
        ("B-13", "VANTAGE_POINTS", Delay),
        "seen from one place",
        seen,
        &[],
    );
    all
}

#[test]
fn every_rule_stops_what_nothing_else_stops() {
    for vector in vectors() {
        vector.check(Case::judge_cds);
    }
}

#[test]
fn every_rule_of_the_table_has_its_vector() {
    let vectors = vectors();
    for rule in &INITIAL_RULES {
        let tested = vectors
            .iter()
            .any(|vector| (vector.rule, vector.reason) == (rule.id, rule.reason));
        // A-01 guards a door that `judge_cds` does not open. Without X-11 or K-15 there is no DS RRset
        // to publish; they are above.
        assert!(
            tested || ["A-01", "K-15", "X-11"].contains(&rule.id),
            "{}",
            rule.reason
        );
    }
}

#[test]
fn a_09_d_16_what_is_vouched_for_is_accepted_at_once() {
    let verdict = Case::bootstrap().judge_cds();
    assert_eq!(
        (verdict.rule, verdict.reason),
        ("A-09", "BOOTSTRAP_ACCEPTED"),
        "{}",
        verdict.text()
    );
    let change = verdict.change.unwrap();
    let wanted = change.wanted(&child(), RecordType::DS).unwrap();
    assert_eq!(wanted.data, [ds("a"), ds("b")].into());
    assert_eq!(wanted.ttl, 600, "D-04");
    // Some nameservers within the child need no signal.
    let mut mixed = Case::bootstrap();
    mixed.parent_ns.push(name("ns1.example.test."));
    assert_eq!(mixed.judge_cds().reason, "BOOTSTRAP_ACCEPTED");
    // A zone that no DS RRset anchors yet may sign its CDS by any of its keys (RFC 9615 §4.2).
    let zsk = Case::bootstrap().each(|site| site.cds_signers = vec![site.zsk]);
    assert_eq!(zsk.judge_cds().reason, "BOOTSTRAP_ACCEPTED");
}

#[test]
fn a_15_signals_come_first_and_what_is_bogus_closes_the_other_way() {
    let either = |mut case: Case| {
        case.policy.initial.accept = InitialAccept::Rfc9615ElseAfterDelay;
        case.judge_cds().reason
    };
    assert_eq!(either(Case::bootstrap()), "BOOTSTRAP_ACCEPTED");
    let all = |odd: Vouched| {
        let mut case = Case::bootstrap();
        for signal in &mut case.signals {
            (signal.cds, signal.cdnskey) = (odd.clone(), odd.clone());
        }
        case
    };
    assert_eq!(either(all(Vouched::Absent)), "HOLD_DOWN");
    assert_eq!(either(all(Vouched::Insecure)), "HOLD_DOWN");
    assert_eq!(either(all(Vouched::Bogus("x".into()))), "SIGNAL_NOT_SECURE");
    assert_eq!(
        either(all(Vouched::Failed("x".into()))),
        "SIGNAL_NOT_SECURE"
    );
    let one = spoil(Case::bootstrap(), |signal| {
        (signal.cds, signal.cdnskey) = (Vouched::Absent, Vouched::Absent);
    });
    assert_eq!(either(one), "SIGNAL_MISSING", "somebody vouched");
}

#[test]
fn b_05_what_has_stood_is_accepted_and_any_change_begins_anew() {
    let case = stood();
    let verdict = case.judge_cds();
    let got = (verdict.rule, verdict.reason);
    assert_eq!(got, ("B-05", "BOOTSTRAP_AFTER_DELAY"), "{}", verdict.text());
    let mut changed = stood();
    changed.request(&["a", "b", "n"]);
    assert_eq!(changed.judge_cds().reason, "HOLD_DOWN");
    let seen = |case: &Case| sighting(&case.gathered(), &case.judge_cds());
    assert!(matches!(seen(&changed), Sighting::Seen(_)), "the new one");
    let broken = on(changed, 1, |site| site.cds = vec![ds("b")]);
    assert_eq!(seen(&broken), Sighting::Changed, "no agreement");
    let gone = stood().each(|site| {
        site.cds.clear();
        site.cdnskey.clear();
    });
    assert_eq!(seen(&gone), Sighting::Changed);
    let silent = on(stood(), 1, |site| site.dead = true);
    assert_eq!(seen(&silent), Sighting::Failed);
    let bogus = on(stood(), 1, |site| site.unsigned = vec![RecordType::CDS]);
    assert_eq!(seen(&bogus), Sighting::Failed, "the same, but not sound");
}

#[test]
fn b_05_a_story_of_four_days() {
    // Scans every hour; the second day one of them fails, and it does no harm.
    let mut case = delayed();
    let mut accepted = None;
    for hour in 0..96_u64 {
        let now = NOW + Duration::from_secs(3_600 * hour);
        let mut scanned = case.clone().each(|site| {
            site.expiration = now + Duration::from_secs(86_400);
        });
        scanned.sites[1].dead = hour == 30;
        let gathered = scanned.gathered();
        let verdict = judge_cds(&gathered, &case.policy, now, &mut Verifier::default());
        if verdict.outcome == Outcome::Accept {
            accepted = Some(hour);
            break;
        }
        let hold = sighting_hold(&gathered, &case.policy);
        case.state
            .sighted(&sighting(&gathered, &verdict), &hold, now);
    }
    assert_eq!(accepted, Some(72));
}

#[test]
fn b_11_without_a_ds_there_is_nothing_to_delete() {
    let mut case = Case::deletion();
    case.ds.clear();
    let verdict = case.judge_cds();
    let got = (verdict.rule, verdict.reason, verdict.outcome);
    assert_eq!(got, ("B-11", "DELETE_WITHOUT_DS", Noop));
    // Without the rule it is still nothing: K-11 says so.
    case.policy
        .muted
        .insert("request/B-11/DELETE_WITHOUT_DS".into());
    assert_eq!(case.judge_cds().reason, "STATUS_QUO");
}

#[test]
fn a_01_a_child_with_a_ds_goes_another_way() {
    // Even if somebody vouches for it, the signer must be in the DS RRset.
    let mut case = Case::bootstrap();
    case.ds = vec![ds("x")];
    assert_eq!(case.judge_cds().reason, "CDS_BOGUS");
    assert_eq!(judge_request(&case.gathered(), &case.policy, NOW), None);
}
