//! A second opinion: canonical form, signatures, key tags and DS digests agree with the `domain` crate.
//!
//! RRsets come as the octets of a message, mixed case, duplicates and unequal TTLs included, and both
//! sides read them for themselves. `domain` leaves the removal of duplicates (RFC 4034 §6.3) to its
//! callers, so they are removed here, by its own canonical comparison, before it composes. One
//! difference is known and kept out: its comparison of NSEC data compares a record's type bitmap with
//! itself (version 0.12.3), so two NSEC records with the same next name count as equal. No name has
//! two NSEC records, so samples have one.

use counterpoint_dns::{
    key::{Algorithm, DIGEST_SHA256, DIGEST_SHA384, Dnskey, SigningKey, ZONE_KEY},
    message::{Question, Reply},
    name::{Name, RecordType, split_name},
    rdata::{Rdata, type_bitmap},
    rrset::RrSet,
    signature::{Rrsig, Verifier},
    time::Timestamp,
};
use domain::{
    base::{
        self as theirs, CanonicalOrd as _, ParsedName, Rtype, ToName as _, Ttl,
        iana::{DigestAlgorithm, SecurityAlgorithm},
    },
    crypto::sign::{GenerateParams, KeyPair, SignRaw as _, generate},
    dnssec::validator::base::{DnskeyExt as _, RrsigExt as _},
    rdata::AllRecordData,
};
use proptest::{collection::vec, prelude::*, sample::select};

type TheirName = theirs::Name<Vec<u8>>;
type TheirRecord<'a> =
    theirs::Record<ParsedName<&'a [u8]>, AllRecordData<&'a [u8], ParsedName<&'a [u8]>>>;

/// An uncompressed name of mixed case, as octets.
fn name_octets() -> impl Strategy<Value = Vec<u8>> {
    let label = vec(select(b"aAbBzZ09-_".to_vec()), 1..5);
    vec(label, 0..4).prop_map(|labels| {
        let mut octets = Vec::new();
        for label in labels {
            octets.push(label.len() as u8);
            octets.extend(label);
        }
        octets.push(0);
        octets
    })
}

fn octets(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), length)
}

fn bitmap() -> impl Strategy<Value = Vec<u8>> {
    vec(
        prop_oneof![1_u16..100, 250_u16..260, 32768_u16..32770],
        1..6,
    )
    .prop_map(|numbers| {
        let types: Vec<RecordType> = numbers.into_iter().map(RecordType::from).collect();
        type_bitmap(&types)
    })
}

/// Data of one type, as octets.
fn data(rtype: RecordType) -> BoxedStrategy<Vec<u8>> {
    let join = |parts: (Vec<u8>, Vec<u8>)| [parts.0, parts.1].concat();
    match rtype {
        RecordType::NS | RecordType::CNAME | RecordType::PTR => name_octets().boxed(),
        RecordType::MX => (octets(2..3), name_octets()).prop_map(join).boxed(),
        RecordType::SRV => (octets(6..7), name_octets()).prop_map(join).boxed(),
        RecordType::SOA => (name_octets(), name_octets(), octets(20..21))
            .prop_map(|(mname, rname, numbers)| [mname, rname, numbers].concat())
            .boxed(),
        RecordType::TXT => vec(octets(0..9), 1..4)
            .prop_map(|texts| {
                let text = |text: Vec<u8>| [vec![text.len() as u8], text].concat();
                texts.into_iter().flat_map(text).collect()
            })
            .boxed(),
        RecordType::A => octets(4..5).boxed(),
        RecordType::AAAA => octets(16..17).boxed(),
        RecordType::DS => (
            octets(2..3),
            select(vec![8_u8, 13, 15]),
            select(vec![1_u8, 2, 4]),
        )
            .prop_flat_map(|(tag, algorithm, digest)| {
                let length = [0, 20, 32, 0, 48][usize::from(digest)];
                let head = [tag, vec![algorithm, digest]].concat();
                (Just(head), octets(length..length + 1))
            })
            .prop_map(join)
            .boxed(),
        RecordType::DNSKEY => (any::<u8>(), select(vec![13_u8, 15]), octets(32..66))
            .prop_map(|(flags, algorithm, key)| [vec![1, flags & 0x81, 3, algorithm], key].concat())
            .boxed(),
        RecordType::CSYNC => (octets(4..5), 0_u8..4, bitmap())
            .prop_map(|(serial, flags, bitmap)| [serial, vec![0, flags], bitmap].concat())
            .boxed(),
        RecordType::NSEC => (name_octets(), bitmap()).prop_map(join).boxed(),
        other => unreachable!("no strategy for {other}"),
    }
}

const TYPES: [RecordType; 13] = [
    RecordType::NS,
    RecordType::CNAME,
    RecordType::PTR,
    RecordType::MX,
    RecordType::SRV,
    RecordType::SOA,
    RecordType::TXT,
    RecordType::A,
    RecordType::AAAA,
    RecordType::DS,
    RecordType::DNSKEY,
    RecordType::CSYNC,
    RecordType::NSEC,
];

/// The octets of an RRset: owner, type, and TTL and data of each record, duplicates included.
#[derive(Clone, Debug)]
struct Sample {
    owner: Vec<u8>,
    rtype: RecordType,
    records: Vec<(u32, Vec<u8>)>,
}

fn sample() -> impl Strategy<Value = Sample> {
    (name_octets(), select(TYPES.to_vec())).prop_flat_map(|(owner, rtype)| {
        let records = vec((0_u32..100_000, data(rtype)), 1..5);
        (records, any::<bool>()).prop_map(move |(mut records, twice)| {
            if twice {
                let (ttl, data) = records[0].clone();
                records.push((ttl / 2, data));
            }
            if rtype == RecordType::NSEC {
                let first = records[0].1.clone();
                records
                    .iter_mut()
                    .for_each(|record| record.1 = first.clone());
            }
            let owner = owner.clone();
            Sample {
                owner,
                rtype,
                records,
            }
        })
    })
}

impl Sample {
    /// As an answer section.
    fn message(&self) -> Vec<u8> {
        let mut message = vec![0, 7, 0x84, 0, 0, 1, 0, self.records.len() as u8, 0, 0, 0, 0];
        let rtype = u16::from(self.rtype).to_be_bytes();
        message.extend([&self.owner[..], &rtype, &[0, 1]].concat());
        for (ttl, data) in &self.records {
            message.extend([&self.owner[..], &rtype, &[0, 1], &ttl.to_be_bytes()].concat());
            message.extend((data.len() as u16).to_be_bytes());
            message.extend(data);
        }
        message
    }

    fn ours(&self, message: &[u8]) -> RrSet {
        let (owner, _) = split_name(&self.owner).unwrap();
        let reply = Reply::parse(message).unwrap();
        let question = Question::new(owner, self.rtype);
        reply.answer_for(&question).expect("the RRset").set.clone()
    }
}

fn theirs(message: &[u8]) -> Vec<TheirRecord<'_>> {
    let message = theirs::Message::from_slice(message).unwrap();
    let answer = message.answer().unwrap();
    let mut records: Vec<TheirRecord<'_>> = answer
        .limit_to::<AllRecordData<_, _>>()
        .map(|record| record.unwrap())
        .collect();
    records.sort_by(|a, b| a.data().canonical_cmp(b.data()));
    records.dedup_by(|a, b| a.data().canonical_cmp(b.data()).is_eq());
    records
}

fn their_name(name: &Name) -> TheirName {
    theirs::Name::from_octets(counterpoint_dns::name::canonical_wire(name)).unwrap()
}

fn their_rrsig(rrsig: &Rrsig) -> domain::rdata::Rrsig<Vec<u8>, TheirName> {
    domain::rdata::Rrsig::new(
        Rtype::from_int(rrsig.covered.into()),
        SecurityAlgorithm::from_int(rrsig.algorithm),
        rrsig.labels,
        Ttl::from_secs(rrsig.original_ttl),
        rrsig.expiration.into(),
        rrsig.inception.into(),
        rrsig.tag,
        their_name(&rrsig.signer),
        rrsig.signature.to_vec(),
    )
    .unwrap()
}

fn their_key(key: &Dnskey) -> domain::rdata::Dnskey<Vec<u8>> {
    let algorithm = SecurityAlgorithm::from_int(key.algorithm);
    domain::rdata::Dnskey::new(key.flags, key.protocol, algorithm, key.public.to_vec()).unwrap()
}

fn key(seed: [u8; 32], algorithm: usize) -> SigningKey {
    SigningKey::from_seed(Algorithm::ALL[algorithm], ZONE_KEY, seed)
}

const FROM: Timestamp = Timestamp::from_seconds(1_767_225_600);
const UNTIL: Timestamp = Timestamp::from_seconds(1_767_225_600 + 86_400);

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn what_is_signed_is_the_same_and_each_verifies_the_others_signature(
        sample in sample(),
        zone in name_octets(),
        seed in any::<[u8; 32]>(),
        algorithm in 0..Algorithm::ALL.len(),
        fewer_labels in 0_u8..3,
    ) {
        let message = sample.message();
        let set = sample.ours(&message);
        let (zone, _) = split_name(&zone).unwrap();
        let key = key(seed, algorithm);
        let mut rrsig = Rrsig::unsigned(&set, key.public(), &zone, FROM, UNTIL);
        // As of a wildcard, for an answer that was made from it.
        rrsig.labels = rrsig.labels.saturating_sub(fewer_labels);
        let ours = set.to_be_signed(&rrsig);
        rrsig.signature = key.sign(&ours).into();

        let mut records = theirs(&message);
        let mut composed = Vec::new();
        their_rrsig(&rrsig).signed_data(&mut composed, &mut records).unwrap();
        prop_assert_eq!(&ours, &composed, "canonical form");
        prop_assert_eq!(records.len(), set.data.len(), "duplicates");

        let verified = their_rrsig(&rrsig).verify_signed_data(&their_key(key.public()), &composed);
        prop_assert!(verified.is_ok(), "ours, to them");
        let mut broken = rrsig.clone();
        broken.original_ttl ^= 1;
        let mut composed = Vec::new();
        their_rrsig(&broken).signed_data(&mut composed, &mut records).unwrap();
        let verified = their_rrsig(&broken).verify_signed_data(&their_key(key.public()), &composed);
        prop_assert!(verified.is_err(), "broken, to them");
        prop_assert!(!Verifier::default().made_by(&set, &broken, key.public()), "broken, to us");
    }

    #[test]
    fn key_tags_and_ds_digests_are_the_same(
        zone in name_octets(),
        seed in any::<[u8; 32]>(),
        flags in any::<u16>(),
        algorithm in 0..Algorithm::ALL.len(),
    ) {
        let (zone, _) = split_name(&zone).unwrap();
        let mut ours = key(seed, algorithm).public().clone();
        ours.flags = flags;
        let theirs = their_key(&ours);
        prop_assert_eq!(ours.tag(), theirs.key_tag());
        for (number, algorithm) in [
            (DIGEST_SHA256, DigestAlgorithm::SHA256),
            (DIGEST_SHA384, DigestAlgorithm::SHA384),
        ] {
            let ds = ours.ds(&zone, number).unwrap();
            let digest = theirs.digest(&their_name(&zone), algorithm).unwrap();
            prop_assert_eq!(&ds.digest[..], digest.as_ref());
            prop_assert!(ours.matches(&zone, &ds));
        }
    }

    #[test]
    fn names_are_in_the_same_canonical_order(a in name_octets(), b in name_octets()) {
        let ours = split_name(&a).unwrap().0.cmp(&split_name(&b).unwrap().0);
        let read = |octets: &[u8]| TheirName::from_octets(octets.to_vec()).unwrap();
        prop_assert_eq!(ours, read(&a).name_cmp(&read(&b)));
    }
}

#[test]
fn their_signatures_verify_here() {
    let samples = [
        (RecordType::NS, b"\x02nS\x04TEST\0".to_vec()),
        (RecordType::A, vec![192, 0, 2, 1]),
    ];
    for params in [GenerateParams::EcdsaP256Sha256, GenerateParams::Ed25519] {
        let (secret, public) = generate(&params, ZONE_KEY).unwrap();
        let pair = KeyPair::from_bytes(&secret, &public).unwrap();
        let ours = Dnskey {
            flags: public.flags(),
            protocol: public.protocol(),
            algorithm: public.algorithm().to_int(),
            public: public.public_key().as_slice().into(),
        };
        for (rtype, data) in samples.clone() {
            let owner = b"\x03WwW\x04tEsT\0".to_vec();
            let sample = Sample {
                owner,
                rtype,
                records: vec![(300, data)],
            };
            let message = sample.message();
            let set = sample.ours(&message);
            let zone = split_name(b"\x04Test\0").unwrap().0;
            let mut rrsig = Rrsig::unsigned(&set, &ours, &zone, FROM, UNTIL);
            let mut composed = Vec::new();
            let mut records = theirs(&message);
            their_rrsig(&rrsig)
                .signed_data(&mut composed, &mut records)
                .unwrap();
            rrsig.signature = pair.sign_raw(&composed).unwrap().as_ref().into();
            assert!(Verifier::default().made_by(&set, &rrsig, &ours));
            let other = Rdata::from_octets(vec![1, 2, 3, 4]);
            let forged = RrSet::new(set.name.clone(), rtype, 300, [other]);
            assert!(!Verifier::default().made_by(&forged, &rrsig, &ours));
        }
    }
}
