//! What NSEC3 records prove, and above all what they do not (RFC 5155 §8).

mod authority;

use std::collections::BTreeMap;

use authority::{story::*, *};
use counterpoint_dns::{
    name::{Name, RecordType},
    nsec3::{ITERATIONS_MAX, Nsec3, hash, label_of},
    rrset::{RrSet, SignedRrSet},
    signature::{Rrsig, Verifier},
    validate::denial::{Denial, Unproven, authenticated},
};

const ZONE: &str = "example.test.";
const SALT: [u8; 4] = [0xaa, 0xbb, 0xcc, 0xdd];
const A: RecordType = RecordType::A;
const DS: RecordType = RecordType::DS;
const NS: RecordType = RecordType::NS;
const SOA: RecordType = RecordType::SOA;
const TXT: RecordType = RecordType::TXT;

/// What is in the zone: an empty non-terminal, a wildcard, delegations without and with DS.
fn contents() -> BTreeMap<Name, Vec<RecordType>> {
    [
        (ZONE, vec![SOA, NS]),
        ("www.example.test.", vec![A]),
        ("ent.example.test.", vec![]),
        ("a.ent.example.test.", vec![A]),
        ("w.example.test.", vec![]),
        ("*.w.example.test.", vec![TXT]),
        ("unsigned.example.test.", vec![NS]),
        ("signed.example.test.", vec![NS, DS]),
        ("alias.example.test.", vec![RecordType::CNAME]),
    ]
    .map(|(text, types)| (name(text), types))
    .into()
}

/// The chain of these names, signed.
fn chain(names: &BTreeMap<Name, Vec<RecordType>>, flags: u8, iterations: u16) -> Vec<SignedRrSet> {
    let hashed: BTreeMap<Vec<u8>, &Vec<RecordType>> = names
        .iter()
        .map(|(name, types)| (hash(name, iterations, &SALT), types))
        .collect();
    let next = hashed.keys().cycle().skip(1);
    let record = |((owner, types), next): ((&Vec<u8>, &&Vec<RecordType>), &Vec<u8>)| {
        let nsec3 = Nsec3 {
            algorithm: 1,
            flags,
            iterations,
            salt: SALT.into(),
            next: next.clone(),
            types: types.to_vec(),
        };
        let owner = name(&format!("{}.{ZONE}", label_of(owner)));
        signed(RrSet::new(
            owner,
            RecordType::NSEC3,
            300,
            [nsec3.to_rdata()],
        ))
    };
    hashed.iter().zip(next).map(record).collect()
}

fn signed(set: RrSet) -> SignedRrSet {
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

/// Whether some proof says that there is no such RRset.
fn is_denied(denial: &Denial, name: &Name, rtype: RecordType) -> bool {
    let question = counterpoint_dns::message::Question::new(name.clone(), rtype);
    denial.no_data(&question).is_ok() || denial.no_name(name).is_ok()
}

#[test]
fn the_chain_denies_what_is_not_there_and_nothing_else() {
    let denial = prove(&chain(&contents(), 0, 3)).unwrap();
    for (text, rtype, expected) in [
        ("www.example.test.", A, false),
        ("www.example.test.", TXT, true),
        ("nope.example.test.", A, true),
        ("b.a.ent.example.test.", A, true),
        ("ent.example.test.", A, true),
        // Made from the wildcard, or proven not to be.
        ("x.w.example.test.", TXT, false),
        ("x.w.example.test.", A, true),
        // An alias, and the far side of a cut.
        ("alias.example.test.", A, false),
        ("unsigned.example.test.", A, false),
        ("x.unsigned.example.test.", A, false),
        ("unsigned.example.test.", DS, true),
        ("signed.example.test.", DS, false),
    ] {
        assert_eq!(
            is_denied(&denial, &name(text), rtype),
            expected,
            "{text} {rtype}"
        );
    }
    assert_eq!(denial.no_ds(&name("unsigned.example.test.")), Ok(()));
    assert!(denial.no_ds(&name("signed.example.test.")).is_err());
    assert!(denial.no_ds(&name("www.example.test.")).is_err());
    assert!(denial.no_ds(&name("nope.example.test.")).is_err());
    assert_eq!(denial.expansion(&name("x.w.example.test."), 3), Ok(()));
    assert!(denial.expansion(&name("a.ent.example.test."), 3).is_err());
}

/// Any three of a zone's own records: a proof that they give never denies what is there.
#[test]
fn no_choice_of_a_zones_own_records_denies_what_is_there() {
    let records = chain(&contents(), 0, 0);
    let mut proofs = 0;
    for i in 0..records.len() {
        for j in i..records.len() {
            for k in j..records.len() {
                let chosen = [&records[i], &records[j], &records[k]].map(Clone::clone);
                let denial = prove(&chosen).unwrap();
                for (owner, types) in contents() {
                    for rtype in types {
                        assert!(!is_denied(&denial, &owner, rtype), "{owner} {rtype}");
                    }
                }
                proofs += usize::from(is_denied(&denial, &name("nope.example.test."), A));
            }
        }
    }
    assert!(proofs > 0, "some choice denies what is not there");
}

#[test]
fn an_opted_out_span_denies_no_name_but_every_ds() {
    let mut names = contents();
    names.remove(&name("unsigned.example.test."));
    let denial = prove(&chain(&names, Nsec3::OPT_OUT, 0)).unwrap();
    let unsigned = name("unsigned.example.test.");
    assert_eq!(
        denial.no_name(&unsigned),
        Err(Unproven::OptOut(unsigned.clone()))
    );
    assert_eq!(denial.no_ds(&unsigned), Ok(()));
    let question = counterpoint_dns::message::Question::new(unsigned.clone(), DS);
    assert_eq!(denial.no_data(&question), Ok(()));
    let without = prove(&chain(&names, 0, 0)).unwrap();
    assert!(without.no_ds(&unsigned).is_err());
}

#[test]
fn what_cannot_be_computed_or_read_proves_nothing() {
    let too_many = ITERATIONS_MAX + 1;
    let proven = prove(&chain(&contents(), 0, too_many));
    assert_eq!(proven, Err(Unproven::Iterations(too_many)));
    // Flags that nobody knows: passed over, and then nothing is left.
    assert_eq!(prove(&chain(&contents(), 2, 0)), Err(Unproven::NoProof));
    let mut mixed = chain(&contents(), 0, 0);
    mixed.extend(chain(&contents(), 0, 1));
    assert!(matches!(prove(&mixed), Err(Unproven::Malformed(_))));
    let mut unsigned = chain(&contents(), 0, 0);
    unsigned[0].signatures.clear();
    assert!(matches!(prove(&unsigned), Err(Unproven::Unauthentic(..))));
    let mut records = chain(&contents(), 0, 0);
    let below = name(&format!("x.{}", records[0].set.name));
    let data = records[0].set.data.clone();
    records[0] = signed(RrSet::new(below, RecordType::NSEC3, 300, data));
    assert!(matches!(prove(&records), Err(Unproven::Malformed(_))));
}
