//! What NSEC records prove, and above all what they do not (RFC 4035 §5.4, RFC 6840 §4).

mod authority;

use authority::{story::*, zone::*, *};
use counterpoint_dns::{
    name::RecordType,
    rdata::{Nsec, Rdata},
    rrset::{RrSet, SignedRrSet},
    signature::{Rrsig, Verifier},
    validate::denial::{Denial, Unproven, authenticated},
};

const ZONE: &str = "example.test.";

/// The NSEC record that says so, signed over as many labels as `signed_as` has.
fn nsec(owner: &str, next: &str, types: &[RecordType]) -> SignedRrSet {
    let data = Nsec {
        next: name(next),
        types: types.to_vec(),
    };
    let set = RrSet::new(name(owner), RecordType::NSEC, 300, [data.to_rdata()]);
    let rrsig = Rrsig::sign(&set, &Signer::new("a").zsk, &name(ZONE), at(-60), at(60));
    SignedRrSet {
        set,
        signatures: vec![rrsig],
    }
}

fn prove(records: &[SignedRrSet]) -> Result<Denial, Unproven> {
    let keys = [Signer::new("a").zsk.public().clone()];
    authenticated(&name(ZONE), &keys, records, START, &mut Verifier::default())
}

const A: RecordType = RecordType::A;
const NS: RecordType = RecordType::NS;
const SOA: RecordType = RecordType::SOA;
const DS: RecordType = RecordType::DS;
const TXT: RecordType = RecordType::TXT;

#[test]
fn no_data_needs_the_bit_and_the_alias_bit_clear() {
    let proof = prove(&[nsec("www.example.test.", "x.example.test.", &[A])]).unwrap();
    assert_eq!(proof.until(), at(60));
    assert_eq!(proof.no_data(&ask("www.example.test.", TXT)), Ok(()));
    let exists = Err(Unproven::Exists(name("www.example.test."), A));
    assert_eq!(proof.no_data(&ask("www.example.test.", A)), exists);
    let alias = [nsec(
        "www.example.test.",
        "x.example.test.",
        &[RecordType::CNAME],
    )];
    let exists = Err(Unproven::Exists(
        name("www.example.test."),
        RecordType::CNAME,
    ));
    assert_eq!(
        prove(&alias)
            .unwrap()
            .no_data(&ask("www.example.test.", TXT)),
        exists
    );
    let missing = Err(Unproven::NotCovered(name("y.example.test.")));
    assert_eq!(proof.no_data(&ask("y.example.test.", A)), missing);
}

#[test]
fn no_name_needs_the_wildcard_denied_too() {
    let gap = nsec("m.example.test.", "p.example.test.", &[A]);
    let apex = nsec(ZONE, "b.example.test.", &[SOA, NS]);
    let both = prove(&[gap.clone(), apex]).unwrap();
    assert_eq!(both.no_name(&name("no.example.test.")), Ok(()));
    assert_eq!(both.no_name(&name("deep.no.example.test.")), Ok(()));
    let possible = Err(Unproven::WildcardPossible(name("*.example.test.")));
    assert_eq!(
        prove(&[gap]).unwrap().no_name(&name("no.example.test.")),
        possible
    );
    assert!(
        both.no_name(&name("m.example.test.")).is_err(),
        "it is there"
    );
    assert!(
        both.no_name(&name("p.example.test.")).is_err(),
        "the end is there too"
    );
    assert!(
        both.no_name(&name("z.example.test.")).is_err(),
        "beyond the gap"
    );
}

#[test]
fn the_last_record_reaches_to_the_end_of_the_zone_only() {
    let apex = nsec(ZONE, "b.example.test.", &[SOA, NS]);
    let last = nsec("m.example.test.", ZONE, &[A]);
    let proof = prove(&[apex.clone(), last]).unwrap();
    assert_eq!(proof.no_name(&name("z.example.test.")), Ok(()));
    assert!(proof.no_name(&name("c.example.test.")).is_err());
    let outside = nsec("m.example.test.", "test.", &[A]);
    assert_eq!(
        prove(&[outside]),
        Err(Unproven::Malformed(name("m.example.test.")))
    );
}

#[test]
fn an_empty_non_terminal_has_no_data_but_is_there() {
    let proof = prove(&[
        nsec(ZONE, "x.ent.example.test.", &[SOA, NS]),
        nsec("x.ent.example.test.", ZONE, &[A]),
    ])
    .unwrap();
    assert_eq!(proof.no_data(&ask("ent.example.test.", A)), Ok(()));
    assert!(proof.no_name(&name("ent.example.test.")).is_err());
    assert!(proof.no_ds(&name("ent.example.test.")).is_err());
}

#[test]
fn the_parents_record_at_a_cut_denies_ds_and_nothing_else() {
    // RFC 6840 §4.1: neither other types there nor names below.
    let proof = prove(&[nsec("sub.example.test.", "t.example.test.", &[NS])]).unwrap();
    assert_eq!(proof.no_ds(&name("sub.example.test.")), Ok(()));
    assert_eq!(proof.no_data(&ask("sub.example.test.", DS)), Ok(()));
    let wrong = || Err(Unproven::WrongSide(name("sub.example.test.")));
    assert_eq!(proof.no_data(&ask("sub.example.test.", A)), wrong());
    assert!(proof.no_name(&name("www.sub.example.test.")).is_err());
    assert!(proof.no_data(&ask("www.sub.example.test.", A)).is_err());
    let dname = prove(&[nsec(
        "sub.example.test.",
        "t.example.test.",
        &[RecordType::DNAME],
    )]);
    assert!(
        dname
            .unwrap()
            .no_name(&name("www.sub.example.test."))
            .is_err()
    );
}

#[test]
fn no_ds_needs_the_ns_bit_set_and_the_ds_and_soa_bits_clear() {
    let at_sub = |types: &[RecordType]| {
        let proof = prove(&[nsec("sub.example.test.", "t.example.test.", types)]).unwrap();
        proof.no_ds(&name("sub.example.test."))
    };
    let sub = || name("sub.example.test.");
    assert_eq!(at_sub(&[NS]), Ok(()));
    assert_eq!(at_sub(&[NS, DS]), Err(Unproven::Exists(sub(), DS)));
    assert_eq!(at_sub(&[NS, SOA]), Err(Unproven::WrongSide(sub())));
    assert_eq!(at_sub(&[A]), Err(Unproven::NoDelegation(sub())));
}

#[test]
fn a_wildcard_is_expanded_only_where_nothing_is_closer() {
    let proof = prove(&[nsec("a.w.example.test.", "m.w.example.test.", &[A])]).unwrap();
    assert_eq!(proof.expansion(&name("c.w.example.test."), 3), Ok(()));
    assert_eq!(proof.expansion(&name("x.c.w.example.test."), 3), Ok(()));
    let closer = Err(Unproven::WildcardPossible(name("*.w.example.test.")));
    assert_eq!(proof.expansion(&name("c.w.example.test."), 2), closer);
    assert!(
        proof.expansion(&name("a.w.example.test."), 3).is_err(),
        "it is there itself"
    );
    assert!(
        proof.expansion(&name("z.w.example.test."), 3).is_err(),
        "not covered"
    );
}

#[test]
fn no_data_at_a_wildcard_needs_the_wildcards_own_record() {
    let gap = nsec("a.w.example.test.", "m.w.example.test.", &[A]);
    let wildcard = nsec("*.w.example.test.", "a.w.example.test.", &[A]);
    let proof = prove(&[gap.clone(), wildcard]).unwrap();
    assert_eq!(proof.no_data(&ask("c.w.example.test.", TXT)), Ok(()));
    assert!(proof.no_data(&ask("c.w.example.test.", A)).is_err());
    assert!(
        proof.no_name(&name("c.w.example.test.")).is_err(),
        "the wildcard stands for it"
    );
    assert!(
        prove(&[gap])
            .unwrap()
            .no_data(&ask("c.w.example.test.", TXT))
            .is_err()
    );
}

#[test]
fn records_that_are_not_authentic_prove_nothing() {
    let good = nsec("www.example.test.", "x.example.test.", &[A]);
    assert_eq!(prove(&[]), Err(Unproven::NoProof));
    let mut unsigned = good.clone();
    unsigned.signatures.clear();
    assert!(matches!(
        prove(&[unsigned.clone()]),
        Err(Unproven::Unauthentic(..))
    ));
    assert!(prove(&[good.clone(), unsigned]).is_err(), "one spoils all");
    let mut widened = good.clone();
    let data = Nsec {
        next: name("z.example.test."),
        types: vec![A],
    };
    widened.set.data = [data.to_rdata()].into();
    assert!(matches!(prove(&[widened]), Err(Unproven::Unauthentic(..))));
    let mut two = good.clone();
    two.set.data.insert(Rdata::from_octets([0]));
    two.signatures = vec![Rrsig::sign(
        &two.set,
        &Signer::new("a").zsk,
        &name(ZONE),
        at(-60),
        at(60),
    )];
    assert_eq!(
        prove(&[two]),
        Err(Unproven::Malformed(name("www.example.test.")))
    );
    // One made from a wildcard would deny whatever its new owner precedes.
    let mut expanded = nsec("*.example.test.", "x.example.test.", &[A]);
    expanded.set.name = name("b.example.test.");
    assert_eq!(
        prove(&[expanded]),
        Err(Unproven::Malformed(name("b.example.test.")))
    );
}

/// Every name and type that a signed zone may be asked for, against what is really in it: a proof
/// that the zone's own records give never denies what is there.
#[test]
fn no_choice_of_a_zones_own_records_denies_what_is_there() {
    let zone = Zone::new(ZONE, &["ns.example.test."])
        .with_a("ns.example.test.", ip(1))
        .with_a("www.example.test.", ip(2))
        .with_a("*.wild.example.test.", ip(3))
        .with_a("here.wild.example.test.", ip(4))
        .with_a("deep.er.example.test.", ip(5))
        .with_ns("cut.example.test.", &["ns.example.test."]);
    let served = zone.signed(&Signer::new("a"), START, 1);
    let nsecs: Vec<SignedRrSet> = served
        .sets
        .values()
        .filter(|signed| signed.set.rtype == RecordType::NSEC)
        .cloned()
        .collect();
    let all = prove(&nsecs).unwrap();
    let labels = [
        "ns",
        "www",
        "wild",
        "here.wild",
        "x.wild",
        "deep.er",
        "er",
        "cut",
        "no",
        "a.cut",
    ];
    let mut denied = 0;
    for label in labels {
        let text = format!("{label}.example.test.");
        let is_there = !matches!(label, "no" | "a.cut" | "x.wild");
        let no_name = all.no_name(&name(&text)).is_ok();
        assert_eq!(no_name, label == "no", "{text}");
        for rtype in [A, TXT] {
            let held = zone.sets.contains_key(&(name(&text), rtype));
            let no_data = all.no_data(&ask(&text, rtype)).is_ok();
            denied += usize::from(no_data);
            assert!(!(held && no_data), "{text} {rtype}");
            let expected = match label {
                "no" | "cut" | "a.cut" => false,
                "x.wild" => rtype == TXT,
                _ => is_there && !held,
            };
            assert_eq!(no_data, expected, "{text} {rtype}");
        }
    }
    assert!(denied > 5);
}
