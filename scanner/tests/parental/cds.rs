//! The rules for CDS and CDNSKEY: for each, a request that only this rule stops.

use std::{collections::BTreeSet, time::Duration};

use counterpoint_dns::{
    key::{DIGEST_SHA256, DIGEST_SHA384},
    name::RecordType,
    rdata::{Ds, Rdata},
    signature::Verifier,
};
use counterpoint_scanner::{
    Answer, Continuity, Outcome, Sabotage, Verdict, judge_cds, state::Guard,
};

use crate::kit::*;

/// One wrong thing.
pub struct Vector {
    pub what: &'static str,
    pub rule: &'static str,
    pub reason: &'static str,
    pub outcome: Outcome,
    pub case: Case,
    /// Rules that stop it as well: they are muted for the proof that this one does.
    pub also: &'static [&'static str],
    /// The defect with which it is accepted.
    pub defect: Option<Sabotage>,
}

pub fn vector(
    (rule, reason, outcome): (&'static str, &'static str, Outcome),
    what: &'static str,
    case: Case,
) -> Vector {
    Vector {
        what,
        rule,
        reason,
        outcome,
        case,
        also: &[],
        defect: None,
    }
}

impl Vector {
    pub fn with(mut self, defect: Sabotage) -> Self {
        self.defect = Some(defect);
        self
    }

    pub fn stopped_by(mut self, also: &'static [&'static str]) -> Self {
        self.also = also;
        self
    }

    /// Refused by this rule; accepted without it; accepted with the defect.
    pub fn check(&self, judge: fn(&Case) -> Verdict) {
        let verdict = judge(&self.case);
        let got = (verdict.rule, verdict.reason, verdict.outcome);
        let expected = (self.rule, self.reason, self.outcome);
        assert_eq!(got, expected, "{}: {}", self.what, verdict.text());
        assert_eq!(verdict.change, None, "{}", self.what);
        assert!(!verdict.evidence.is_empty(), "{}", self.what);

        let mut without = self.case.clone();
        without.policy.muted = self.also.iter().copied().chain([self.reason]).collect();
        let verdict = judge(&without);
        let text = verdict.text();
        let what = self.what;
        assert_eq!(
            verdict.outcome,
            Outcome::Accept,
            "without the rule: {what}: {text}"
        );
        assert!(verdict.change.is_some());

        if let Some(defect) = self.defect {
            let mut spoiled = self.case.clone();
            spoiled.policy.sabotage.insert(defect);
            let verdict = judge(&spoiled);
            let text = verdict.text();
            assert_eq!(
                verdict.outcome,
                Outcome::Accept,
                "{defect:?}: {what}: {text}"
            );
        }
    }
}

pub fn on(mut case: Case, at: usize, spoil: impl FnOnce(&mut Site)) -> Case {
    spoil(&mut case.sites[at]);
    case
}

fn cds_only(case: Case, data: &[Rdata]) -> Case {
    case.each(|site| {
        site.cds = data.to_vec();
        site.cdnskey.clear();
    })
}

fn ds_set(verdict: &Verdict) -> BTreeSet<Rdata> {
    let change = verdict
        .change
        .as_ref()
        .unwrap_or_else(|| panic!("{}", verdict.text()));
    change
        .wanted(&child(), RecordType::DS)
        .unwrap()
        .data
        .clone()
}

fn unknown_ds(tag: u8, digest_type: u8) -> Rdata {
    let length = if digest_type == DIGEST_SHA384 { 48 } else { 32 };
    let ds = Ds {
        tag: tag.into(),
        algorithm: 15,
        digest_type,
        digest: vec![tag; length],
    };
    ds.to_rdata()
}

const BOGUS: (&str, &str, Outcome) = ("K-10", "CDS_BOGUS", Outcome::Ignore);
const MALFORMED: (&str, &str, Outcome) = ("B-09", "MALFORMED_DELETE", Outcome::Ignore);
const MISMATCH: (&str, &str, Outcome) = ("X-09", "CDS_CDNSKEY_MISMATCH", Outcome::Abort);
const INCONSISTENT: (&str, &str, Outcome) = ("X-08", "CDS_INCONSISTENT", Outcome::Abort);
const DELETE_INCONSISTENT: (&str, &str, Outcome) = ("X-10", "DELETE_INCONSISTENT", Outcome::Abort);
const CONTINUITY: (&str, &str, Outcome) = ("K-05", "CONTINUITY", Outcome::Ignore);
const SIGNER: (&str, &str, Outcome) = ("K-04", "SIGNER_NOT_IN_DS", Outcome::Ignore);

fn vectors() -> Vec<Vector> {
    use Sabotage::*;
    let rollover = Case::rollover;
    let mut all = Vec::new();
    let mut silent = rollover().each(|site| site.dead = true);
    silent.policy.deletion = true;
    all.push(
        vector(
            ("X-02", "NO_RESPONSE", Outcome::Abort),
            "nobody answers",
            silent,
        )
        .stopped_by(&["NOTHING_REQUESTED", "SERVER_SILENT"]),
    );
    all.push(vector(
        ("K-03", "CDS_NOT_AT_APEX", Outcome::Ignore),
        "CDS at www",
        rollover().each(|site| site.cds_owner = name("www.example.test.")),
    ));
    all.push(
        vector(
            ("K-01", "NOTHING_REQUESTED", Outcome::Noop),
            "no CDS, no CDNSKEY",
            Case::quiet(),
        )
        .with(AbsentMeansDelete),
    );
    for (what, cds) in [
        ("a tag", vec![Rdata::from_octets([48, 57, 0, 0, 0])]),
        ("a digest type", vec![Rdata::from_octets([0, 0, 0, 2, 0])]),
        ("a digest of one", vec![Rdata::from_octets([0, 0, 0, 0, 1])]),
        (
            "a longer digest",
            vec![Rdata::from_octets([0, 0, 0, 0, 0, 0])],
        ),
        ("no digest", vec![Rdata::from_octets([0, 0, 0, 0])]),
        (
            "two of them",
            vec![delete_cds(), Rdata::from_octets([0, 0, 0, 0, 1])],
        ),
        ("beside a real record", vec![delete_cds(), ds("a")]),
    ] {
        let case = cds_only(rollover(), &cds);
        all.push(vector(MALFORMED, what, case).with(DeleteAnyShape));
    }
    let odd = Rdata::from_octets([1, 0, 3, 0, 0]);
    let odd = Case::deletion().each(|site| site.cdnskey = vec![odd.clone()]);
    all.push(vector(MALFORMED, "flags in the CDNSKEY", odd).with(DeleteAnyShape));
    let short = [ds("a"), ds("b"), ds("n"), Rdata::from_octets([1, 2])];
    all.push(vector(
        ("X-11", "CDS_UNREADABLE", Outcome::Abort),
        "a record of two octets",
        cds_only(rollover(), &short),
    ));
    // one deletes, the other asks for nothing, or for something else.
    let one = on(Case::quiet(), 0, |site| site.cds = vec![delete_cds()]);
    all.push(
        vector(DELETE_INCONSISTENT, "delete here, nothing there", one)
            .with(NoConsistency)
            .stopped_by(&["CDS_INCONSISTENT"]),
    );
    let other = on(rollover(), 0, |site| {
        site.cds = vec![delete_cds()];
        site.cdnskey = vec![delete_cdnskey()];
    });
    all.push(
        vector(DELETE_INCONSISTENT, "delete here, keys there", other)
            .with(NoConsistency)
            .stopped_by(&["CDS_INCONSISTENT"]),
    );
    // X-09, K-07.
    let fewer = rollover().each(|site| site.cdnskey.truncate(2));
    all.push(vector(MISMATCH, "a key in CDS only", fewer).with(NoConsistency));
    let fewer = rollover().each(|site| site.cds = vec![ds("a"), ds("n")]);
    all.push(vector(MISMATCH, "a key in CDNSKEY only", fewer).stopped_by(&["CONTINUITY"]));
    let omitted = on(rollover(), 1, |site| site.cdnskey.clear());
    all.push(
        vector(MISMATCH, "CDNSKEY at one server only", omitted)
            .with(NoConsistency)
            .stopped_by(&["CDS_INCONSISTENT"]),
    );
    // X-08, M-04.
    let lagging = on(rollover(), 1, |site| {
        site.cds = vec![ds("a"), ds("b")];
        site.cdnskey = vec![dnskey("a"), dnskey("b")];
    });
    all.push(vector(INCONSISTENT, "one server lags", lagging).with(NoConsistency));
    let own_only = on(rollover(), 1, |site| {
        site.cds = vec![ds("b")];
        site.cdnskey = vec![dnskey("b")];
    });
    all.push(
        vector(
            INCONSISTENT,
            "M-04: one signer publishes its own only",
            own_only,
        )
        .with(NoConsistency),
    );
    let nothing = on(rollover(), 1, |site| {
        site.cds.clear();
        site.cdnskey.clear();
    });
    all.push(vector(INCONSISTENT, "one server has none", nothing).with(NoConsistency));
    // K-10, K-04, B-10.
    let expired = on(rollover(), 1, |site| {
        site.expiration = NOW.before(Duration::from_secs(60));
    });
    all.push(
        vector(BOGUS, "expired at one server", expired).stopped_by(&[
            "SIGNER_NOT_IN_DS",
            "CONTINUITY",
            "PAIR_BROKEN",
        ]),
    );
    let unsigned = on(Case::deletion(), 0, |site| {
        site.unsigned = vec![RecordType::CDS];
    });
    all.push(vector(BOGUS, "B-10: unsigned delete", unsigned).stopped_by(&["SIGNER_NOT_IN_DS"]));
    let zsk = on(rollover(), 1, |site| site.cds_signers = vec!["bz"]);
    all.push(vector(SIGNER, "signed by a ZSK", zsk).with(AnySignature));
    let standby = on(rollover(), 0, |site| site.cds_signers = vec!["n"]);
    all.push(vector(SIGNER, "signed by the key that is to come", standby).with(AnySignature));
    let zsk = Case::deletion().each(|site| site.cds_signers = vec![site.zsk]);
    all.push(vector(SIGNER, "B-10: delete signed by ZSKs", zsk).with(AnySignature));
    // K-09.
    let mut replayed = rollover();
    let site = &replayed.sites[0];
    let newer = Guard {
        cds: Some(site.inception.to_rrsig_seconds() + 1),
        ..Guard::default()
    };
    replayed.guards.insert(site.address, newer);
    all.push(
        vector(
            ("K-09", "CDS_REPLAYED", Outcome::Ignore),
            "older than accepted",
            replayed,
        )
        .with(NoReplayGuard),
    );
    // X-11, K-15.
    let sha1 = cds_only(rollover(), &[ds("a"), ds("b"), unknown_ds(7, 1)]);
    all.push(vector(
        ("X-11", "KEY_NOT_REPRESENTABLE", Outcome::Abort),
        "a key by SHA-1 only",
        sha1,
    ));
    let mut unequal = cds_only(
        rollover(),
        &[
            ds("a"),
            ds("b"),
            unknown_ds(7, DIGEST_SHA384),
            unknown_ds(8, DIGEST_SHA256),
        ],
    );
    unequal.policy.digests = [DIGEST_SHA256, DIGEST_SHA384].into();
    all.push(vector(
        ("K-15", "DIGESTS_UNEQUAL", Outcome::Abort),
        "no digest type for all",
        unequal,
    ));
    let mut kept = Case::deletion();
    kept.policy.deletion = false;
    all.push(vector(
        ("B-01", "DELETE_REFUSED", Outcome::Refuse),
        "policy keeps DS",
        kept,
    ));
    // K-05, M-06, M-01.
    let mut absent = rollover();
    absent.request(&["x"]);
    all.push(vector(CONTINUITY, "M-06: only a key that is nowhere", absent).with(NoContinuity));
    let mut partial = rollover();
    partial.request(&["a", "n"]);
    all.push(vector(CONTINUITY, "the keys of one signer only", partial).with(NoContinuity));
    let mut algorithm = rollover().each(|site| site.dnskeys.push("p"));
    algorithm.request(&["a", "b", "p"]);
    all.push(
        vector(
            CONTINUITY,
            "D-02: an algorithm that does not sign",
            algorithm,
        )
        .with(NoContinuity),
    );
    let foreign = on(rollover(), 0, |site| {
        site.dnskeys.retain(|label| *label != "bz")
    });
    all.push(
        vector(
            ("M-01", "PAIR_BROKEN", Outcome::Abort),
            "a foreign ZSK is missing",
            foreign,
        )
        .with(NoContinuity),
    );
    all.push(vector(
        ("X-03", "SERVER_SILENT", Outcome::Delay),
        "one server is silent",
        on(rollover(), 1, |site| site.dead = true),
    ));
    all
}

#[test]
fn every_rule_stops_what_nothing_else_stops() {
    for vector in vectors() {
        vector.check(Case::judge_cds);
    }
}

#[test]
fn every_rule_of_the_tables_has_its_vector() {
    use counterpoint_scanner::judge::{CHAIN_RULES, REQUEST_RULES};
    let tested: BTreeSet<&str> = vectors().iter().map(|vector| vector.reason).collect();
    for rule in REQUEST_RULES.iter().chain(&CHAIN_RULES) {
        // Status quo has a test of its own: without the rule there still is nothing to change.
        assert!(
            tested.contains(rule.reason) || rule.id == "K-11",
            "{}",
            rule.reason
        );
    }
}

#[test]
fn a_consistent_request_becomes_exactly_the_ds_rrset() {
    // K-02, M-02: the DNSKEY RRsets of the two servers differ.
    let case = Case::rollover();
    let verdict = case.judge_cds();
    assert_eq!((verdict.rule, verdict.reason), ("K-02", "CDS_ACCEPTED"));
    assert_eq!(ds_set(&verdict), [ds("a"), ds("b"), ds("n")].into());
    let change = verdict.change.unwrap();
    let wanted = change.wanted(&child(), RecordType::DS).unwrap();
    assert_eq!(wanted.ttl, 7200, "the TTL that the RRset has now");
    assert_eq!(change.changed().count(), 1, "NS is a prerequisite only");
    let guard = verdict.guards[&case.sites[1].address];
    let inception = Some(case.sites[1].inception.to_rrsig_seconds());
    assert_eq!((guard.cds, guard.cdnskey), (inception, inception));
    // The same with fewer keys than there are now.
    let mut case = Case::rollover();
    case.ds.push(ds("n"));
    case.request(&["a", "b"]);
    assert_eq!(ds_set(&case.judge_cds()), [ds("a"), ds("b")].into());
}

#[test]
fn one_type_alone_is_enough_and_a_standby_key_is_welcome() {
    // K-08.
    let wanted: BTreeSet<Rdata> = [ds("a"), ds("b"), ds("n")].into();
    let cds = Case::rollover().each(|site| site.cdnskey.clear());
    let cdnskey = Case::rollover().each(|site| site.cds.clear());
    assert_eq!(ds_set(&cds.judge_cds()), wanted);
    assert_eq!(ds_set(&cdnskey.judge_cds()), wanted);
    // B-03: known by its digest only.
    let standby = cds_only(Case::quiet(), &[ds("a"), ds("b"), unknown_ds(9, 2)]);
    assert_eq!(ds_set(&standby.judge_cds()).len(), 3);
}

#[test]
fn what_is_there_already_changes_nothing() {
    // K-11, X-06.
    let mut case = Case::rollover();
    case.request(&["a", "b"]);
    assert_eq!(case.judge_cds().reason, "STATUS_QUO");
    let computed = case.clone().each(|site| site.cds.clear());
    assert_eq!(computed.judge_cds().reason, "STATUS_QUO");
    let half = on(case, 1, |site| {
        site.cds.clear();
        site.cdnskey.clear();
    });
    assert_eq!(
        half.judge_cds().reason,
        "STATUS_QUO",
        "neither server asks for a change"
    );
}

#[test]
fn digest_types_are_the_same_for_every_key() {
    // K-15: what one key has only by SHA-256 is computed by SHA-384 as well.
    let mixed = [
        ds("a"),
        ds_with("a", DIGEST_SHA384),
        ds("b"),
        ds_with("n", DIGEST_SHA384),
    ];
    let mut case = Case::rollover().each(|site| site.cds = mixed.to_vec());
    case.policy.digests = [DIGEST_SHA256, DIGEST_SHA384].into();
    let both = |label: &str| [ds(label), ds_with(label, DIGEST_SHA384)];
    let all: BTreeSet<Rdata> = ["a", "b", "n"].into_iter().flat_map(both).collect();
    assert_eq!(ds_set(&case.judge_cds()), all);
    // different digests for the same keys are no difference.
    let case = on(case, 1, |site| site.cds = vec![ds("a"), ds("b"), ds("n")]);
    assert_eq!(ds_set(&case.judge_cds()), all);
    // by default only SHA-256 counts, and `n` has none in CDS.
    let mut strict = Case::rollover().each(|site| site.cds = mixed.to_vec());
    strict.policy.digests = [DIGEST_SHA256].into();
    assert_eq!(strict.judge_cds().reason, "CDS_CDNSKEY_MISMATCH");
    // without CDNSKEY nothing contradicts, and `n` is honoured: its digest is computed.
    let computed = strict.each(|site| site.cdnskey.clear());
    let wanted = [ds("a"), ds("b"), ds("n")].into();
    assert_eq!(ds_set(&computed.judge_cds()), wanted);
}

#[test]
fn deletion_has_one_shape_and_removes_everything() {
    // B-08.
    for case in [
        Case::deletion(),
        Case::deletion().each(|site| site.cdnskey.clear()),
        Case::deletion().each(|site| site.cds.clear()),
    ] {
        let verdict = case.judge_cds();
        assert_eq!((verdict.rule, verdict.reason), ("B-08", "DELETE_ACCEPTED"));
        assert_eq!(ds_set(&verdict), BTreeSet::new());
    }
}

#[test]
fn one_path_takes_what_strict_refuses() {
    let mut case = Case::rollover().each(|site| site.dnskeys.push("p"));
    case.request(&["a", "b", "p"]);
    assert_eq!(case.judge_cds().reason, "CONTINUITY");
    case.policy.continuity = Continuity::OnePath;
    assert_eq!(
        ds_set(&case.judge_cds()),
        [ds("a"), ds("b"), ds("p")].into()
    );
}

#[test]
fn a_silent_server_is_left_out_after_the_schedule_never_counted_as_agreement() {
    //
    let mut case = on(Case::rollover(), 1, |site| site.dead = true);
    case.given_up = true;
    assert_eq!(ds_set(&case.judge_cds()).len(), 3);
    // Of a server that says one thing and not the other, the other is waited for, never left out.
    let mut case = Case::rollover();
    let judge = |case: &Case| {
        let mut gathered = case.gathered();
        gathered.servers[1].dnskey = Answer::Unusable("no answer".into());
        judge_cds(&gathered, &case.policy, NOW, &mut Verifier::default()).reason
    };
    assert_eq!(judge(&case), "SERVER_SILENT");
    case.given_up = true;
    assert_eq!(judge(&case), "CDS_BOGUS");
    let nodata = on(Case::rollover(), 1, |site| {
        site.cds.clear();
        site.cdnskey.clear();
    });
    assert_eq!(
        nodata.judge_cds().reason,
        "CDS_INCONSISTENT",
        "NODATA is a response"
    );
}

#[test]
fn an_equal_inception_is_no_replay_and_each_server_has_its_own_state() {
    // K-09: servers date their signatures independently.
    let mut case = Case::rollover();
    case.sites[0].inception = NOW.before(Duration::from_secs(3_600));
    for site in &case.sites {
        let own = Some(site.inception.to_rrsig_seconds());
        let guard = Guard {
            cds: own,
            cdnskey: own,
            csync: None,
        };
        case.guards.insert(site.address, guard);
    }
    assert_eq!(case.judge_cds().reason, "CDS_ACCEPTED");
    case.policy.sabotage.insert(Sabotage::StatePerChild);
    assert_eq!(
        case.judge_cds().reason,
        "CDS_REPLAYED",
        "the defect mixes them up"
    );
}
