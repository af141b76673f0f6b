//! CDS and CDNSKEY that are right: what the DS RRset becomes.

use std::{collections::BTreeSet, time::Duration};

use counterpoint_dns::{
    key::DIGEST_SHA256, key::DIGEST_SHA384, name::RecordType, rdata::Rdata, signature::Verifier,
};
use counterpoint_scanner::{Answer, Continuity, Sabotage, Verdict, judge_cds, state::Guard};

use crate::{
    kit::*,
    vector::{cds_only, on, unknown_ds},
};

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

#[test]
fn a_consistent_request_becomes_exactly_the_ds_rrset() {
    // K-02, M-02: the DNSKEY RRsets of the two servers differ.
    let case = Case::rollover();
    let verdict = case.judge_cds();
    assert_eq!((verdict.rule, verdict.reason), ("K-02", "CDS_ACCEPTED"));
    assert_eq!(ds_set(&verdict), [ds("a"), ds("b"), ds("n")].into());
    let change = verdict.change.unwrap();
    let wanted = change.wanted(&child(), RecordType::DS).unwrap();
    assert_eq!(wanted.ttl, 600, "D-04: low for a while");
    assert_eq!(change.changed().count(), 1, "NS is a prerequisite only");
    let guard = &verdict.guards[&case.sites[1].address];
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
    case.policy.ds.digests = [DIGEST_SHA256, DIGEST_SHA384].into();
    let both = |label: &str| [ds(label), ds_with(label, DIGEST_SHA384)];
    let all: BTreeSet<Rdata> = ["a", "b", "n"].into_iter().flat_map(both).collect();
    assert_eq!(ds_set(&case.judge_cds()), all);
    // different digests for the same keys are no difference.
    let case = on(case, 1, |site| site.cds = vec![ds("a"), ds("b"), ds("n")]);
    assert_eq!(ds_set(&case.judge_cds()), all);
    // Where no CDS says which types, it is SHA-256.
    let plain = case.clone().each(|site| site.cds.clear());
    assert_eq!(
        ds_set(&plain.judge_cds()),
        [ds("a"), ds("b"), ds("n")].into()
    );
    // by default only SHA-256 counts, and `n` has none in CDS.
    let mut strict = Case::rollover().each(|site| site.cds = mixed.to_vec());
    strict.policy.ds.digests = [DIGEST_SHA256].into();
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
    case.policy.rollover.continuity = Continuity::OnePath;
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
            ..Guard::default()
        };
        case.state.guards.insert(site.address, guard);
    }
    assert_eq!(case.judge_cds().reason, "CDS_ACCEPTED");
    case.policy.sabotage.insert(Sabotage::StatePerChild);
    assert_eq!(
        case.judge_cds().reason,
        "CDS_REPLAYED",
        "the defect mixes them up"
    );
}
