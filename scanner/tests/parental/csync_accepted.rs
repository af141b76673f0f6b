//! CSYNC that is right: what the delegation becomes, and what is left alone.

use counterpoint_dns::{
    name::RecordType,
    rdata::{Csync, Rdata},
    rrset::{RrSet, SignedRrSet},
    signature::{Rrsig, Verifier},
};
use counterpoint_scanner::{Answer, Policy, Sabotage, judge_csync, state::Guard};

use crate::{csync_refused::*, kit::*, vector::on};

#[test]
fn a_consistent_csync_becomes_exactly_the_delegation() {
    // C-13, C-17.
    let case = Case::synchronisation();
    let verdict = case.judge_csync();
    assert_eq!((verdict.rule, verdict.reason), ("C-13", "CSYNC_ACCEPTED"));
    let ns = wanted(&verdict, &child(), RecordType::NS).unwrap();
    assert_eq!(ns, case.sites[0].ns.iter().map(Rdata::name).collect());
    let glue = wanted(&verdict, &within(), RecordType::A).unwrap();
    assert_eq!(glue, [address("192.0.2.3")].into());
    assert_eq!(
        wanted(&verdict, &within(), RecordType::AAAA).unwrap().len(),
        1
    );
    let change = verdict.change.unwrap();
    assert_eq!(change.changed().count(), 3, "DS is a prerequisite only");
    assert_eq!(change.wanted(&child(), RecordType::NS).unwrap().ttl, 7200);
    assert_eq!(verdict.guards.len(), 2);
}

#[test]
fn removing_a_server_and_its_glue() {
    // C-13, C-16: the delegation shrinks to what the child has; glue of the name that goes, goes.
    let mut case = Case::synchronisation();
    case.parent_ns.push(within());
    case.glue = case.sites[0].data.clone();
    case.added.clear();
    let case = case.each(|site| site.ns.truncate(2));
    let verdict = case.judge_csync();
    assert_eq!(wanted(&verdict, &child(), RecordType::NS).unwrap().len(), 2);
    assert!(
        wanted(&verdict, &within(), RecordType::A)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn only_the_types_that_are_listed_are_touched() {
    // C-18: stale AAAA glue stays while only A is synchronised.
    let mut case = types(Case::synchronisation(), &[RecordType::NS, RecordType::A]);
    case.parent_ns.push(within());
    let glue = |rtype, text: &str| ((within(), rtype), vec![address(text)]);
    case.glue = [
        glue(RecordType::A, "192.0.2.99"),
        glue(RecordType::AAAA, "2001:db8::99"),
    ]
    .into();
    let verdict = case.judge_csync();
    let kept = wanted(&verdict, &within(), RecordType::AAAA).unwrap();
    assert_eq!(kept, [address("2001:db8::99")].into());
    let copied = wanted(&verdict, &within(), RecordType::A).unwrap();
    assert_eq!(copied, [address("192.0.2.3")].into());
    // C-21: without the NS bit the parent's own NS RRset says whose addresses those are.
    let mut case = types(case, &[RecordType::A]);
    case.parent_ns.pop();
    let case = case.each(|site| {
        site.ns.pop();
    });
    assert_eq!(case.judge_csync().reason, "CSYNC_STATUS_QUO");
}

#[test]
fn a_type_that_is_proven_empty_empties_its_glue() {
    // C-19.
    let mut case = lose(Case::synchronisation(), RecordType::AAAA);
    case.parent_ns.push(within());
    let glue = |rtype, text: &str| ((within(), rtype), vec![address(text)]);
    case.glue = [
        glue(RecordType::A, "192.0.2.3"),
        glue(RecordType::AAAA, "2001:db8::99"),
    ]
    .into();
    let verdict = case.judge_csync();
    assert!(
        wanted(&verdict, &within(), RecordType::AAAA)
            .unwrap()
            .is_empty()
    );
    assert_eq!(verdict.change.unwrap().changed().count(), 1);
}

#[test]
fn names_outside_are_synchronised_without_their_addresses() {
    // C-22, C-17: by labels. `badexample.test.` ends with the same letters.
    let outside = name("ns1.badexample.test.");
    let case = Case::synchronisation().each(|site| {
        site.ns = vec![
            name("ns1.alpha.test."),
            name("ns1.beta.test."),
            outside.clone(),
        ];
    });
    let verdict = case.judge_csync();
    assert_eq!(wanted(&verdict, &child(), RecordType::NS).unwrap().len(), 3);
    assert_eq!(wanted(&verdict, &outside, RecordType::A), None);
    let mut spoiled = case;
    spoiled.policy.sabotage.insert(Sabotage::SuffixBailiwick);
    assert_eq!(
        spoiled.judge_csync().reason,
        "CSYNC_GLUE_LOST",
        "the defect takes it for its own"
    );
}

#[test]
fn the_serial_means_something_only_with_its_flag() {
    // C-08, C-11.
    let case = flags(Case::synchronisation(), Csync::IMMEDIATE);
    let case = case.each(|site| site.csync[0].serial = 4_000_000);
    assert_eq!(case.judge_csync().reason, "CSYNC_ACCEPTED");
    assert_eq!(
        guarded(case.clone(), 10).judge_csync().reason,
        "CSYNC_ACCEPTED"
    );
    assert_eq!(guarded(case, 11).judge_csync().reason, "CSYNC_REPLAYED");
}

#[test]
fn each_server_counts_its_own_serials() {
    // C-11, X-14: signers number their zones independently.
    let mut case = on(Case::synchronisation(), 1, |site| {
        (site.serial, site.serial_after) = (4_000, 4_000);
        site.csync[0].serial = 4_000;
    });
    for (site, serial) in case.sites.iter().zip([9, 4_000]) {
        let guard = Guard {
            csync: Some(serial),
            ..Guard::default()
        };
        case.state.guards.insert(site.address, guard);
    }
    assert_eq!(case.judge_csync().reason, "CSYNC_ACCEPTED");
    case.policy.sabotage.insert(Sabotage::StatePerChild);
    assert_eq!(
        case.judge_csync().reason,
        "CSYNC_REPLAYED",
        "the defect mixes them up"
    );
}

#[test]
fn a_delegation_is_not_built_on_wildcards() {
    // C-02: the address was signed as `*.example.test.`, and nothing shows that this is all there is.
    let case = Case::synchronisation();
    let mut gathered = case.gathered();
    let from = &case.sites[0];
    let set = RrSet::new(within(), RecordType::A, 300, [address("192.0.2.3")]);
    let mut rrsig = Rrsig::unsigned(
        &set,
        &public("az"),
        &child(),
        from.inception,
        from.expiration,
    );
    rrsig.labels -= 1;
    rrsig.signature = key("az").sign(&set.to_be_signed(&rrsig)).into();
    let sequence = gathered.servers[0].sequence.as_mut().unwrap();
    let wildcard = SignedRrSet {
        set,
        signatures: vec![rrsig],
    };
    let at = (within(), RecordType::A);
    sequence.addresses.insert(at, Answer::Present(wildcard));
    let (policy, verifier) = (Policy::default(), &mut Verifier::default());
    let verdict = judge_csync(&gathered, &policy, NOW, verifier);
    assert_eq!(verdict.reason, "CSYNC_NOT_SECURE");
    assert!(verdict.text().contains("wildcard"), "{}", verdict.text());
}

#[test]
fn glue_that_another_delegation_uses_stays_when_the_name_goes() {
    let mut case = Case::synchronisation();
    case.parent_ns.push(within());
    case.glue = case.sites[0].data.clone();
    case.added.clear();
    let case = case.each(|site| site.ns.truncate(2));
    let mut gathered = case.gathered();
    gathered.delegation.shared.insert(within());
    let (policy, verifier) = (Policy::default(), &mut Verifier::default());
    let verdict = judge_csync(&gathered, &policy, NOW, verifier);
    assert_eq!(verdict.change.unwrap().changed().count(), 1, "NS only");
}
