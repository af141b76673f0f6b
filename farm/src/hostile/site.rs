//! The zone of a child of the hostile server: sound, with a rollover that asks to be followed. What is
//! wrong with it comes on top.

use std::{net::IpAddr, time::Duration};

use counterpoint_dns::{
    key::{Algorithm, DIGEST_SHA256, Dnskey, SECURE_ENTRY_POINT, SigningKey, ZONE_KEY},
    name::{Name, RecordType},
    rdata::{Csync, Rdata},
    rrset::SignedRrSet,
    signature::Rrsig,
    stream::octets,
    time::Timestamp,
};

use super::wire::Question;
use crate::{
    child::{ns_and_glue, soa},
    zone::{Denial, Signing, TTL, Zone},
};

/// How far signatures reach back and forward.
const VALIDITY: Duration = Duration::from_secs(14 * 86_400);

/// A child's keys and signed zone.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its name.
    pub name: Name,
    /// The nameserver of its delegation.
    pub host: Name,
    ksk: SigningKey,
    zsk: SigningKey,
    sets: Vec<SignedRrSet>,
}

impl Site {
    /// A child of this name, served under `host`. Ed25519: any octets are nearly a key, and any two
    /// halves nearly a signature.
    pub fn new(name: Name, host: &Name, more: &Extra, now: Timestamp) -> Self {
        let key = |what: &str, flags| {
            let seed = octets(0, &format!("hostile {name} {what}"));
            SigningKey::from_seed(Algorithm::Ed25519, flags, seed)
        };
        let sep = ZONE_KEY | SECURE_ENTRY_POINT;
        let (ksk, new_ksk, zsk) = (key("ksk", sep), key("new ksk", sep), key("zsk", ZONE_KEY));
        let mut zone = Zone::new(name.clone(), TTL);
        zone.add(&name, RecordType::SOA, [soa(&name)]);
        match more.hosts.is_empty() {
            true => zone.add(&name, RecordType::NS, [Rdata::name(host)]),
            false => {
                let sets = ns_and_glue(&name, &more.hosts);
                sets.iter().for_each(|set| zone.add_set(set));
                let csync = Csync {
                    serial: 1,
                    flags: Csync::IMMEDIATE,
                    types: vec![RecordType::NS, RecordType::A],
                };
                zone.add(&name, RecordType::CSYNC, [csync.to_rdata()]);
            }
        }
        if more.hosts.is_empty() {
            let ds = new_ksk.public().ds(&name, DIGEST_SHA256);
            let cds = ds.map(|ds| ds.to_rdata()).into_iter();
            zone.add(&name, RecordType::CDS, cds.chain(more.cds.clone()));
            let cdnskey = new_ksk.public().to_rdata();
            zone.add(&name, RecordType::CDNSKEY, [cdnskey]);
        }
        let alike = keys_of_tag(zsk.public(), more.keys_alike);
        let others = (0..more.keys).map(|at| Rdata::from_octets(junk(at, Junk::Key)));
        let strange = alike.iter().map(Dnskey::to_rdata).chain(others);
        zone.add(&name, RecordType::DNSKEY, strange);
        let sets = zone.signed(&Signing {
            ksks: vec![ksk.clone(), new_ksk.clone()],
            zsks: vec![zsk.clone()],
            inception: now.before(VALIDITY),
            expiration: now + VALIDITY,
            denial: Denial::Nsec,
        });
        let mut site = Self {
            name,
            host: host.clone(),
            ksk,
            zsk,
            sets,
        };
        site.add_signatures(more);
        site
    }

    /// Puts wrong signatures in front of the right ones.
    fn add_signatures(&mut self, more: &Extra) {
        let tag = self.zsk.public().tag();
        for signed in &mut self.sets {
            let Some(right) = signed.signatures.first().cloned() else {
                continue;
            };
            let wrong = (0..more.signatures).map(|at| Rrsig {
                tag,
                signature: match more.signature_octets {
                    0 => junk(at, Junk::Signature).into(),
                    few => junk(at, Junk::Signature)[..few].into(),
                },
                ..right.clone()
            });
            let signatures = wrong.chain(signed.signatures.drain(..)).collect();
            signed.signatures = signatures;
        }
    }

    /// Its DS records, as the parent has them.
    pub fn ds(&self) -> String {
        let ds = self.ksk.public().ds(&self.name, DIGEST_SHA256);
        let ds = ds.map(|ds| ds.to_rdata().present(RecordType::DS));
        ds.unwrap_or_default()
    }

    /// The honest answer to a question.
    pub fn answer(&self, question: &Question) -> Vec<u8> {
        let found: Vec<SignedRrSet> = self.of(&question.name, question.rtype);
        if !found.is_empty() {
            return question.answer(&found, &[]);
        }
        let denial = self.of(&self.name, RecordType::SOA).into_iter();
        let denial = denial.chain(self.of(&self.name, RecordType::NSEC));
        question.answer(&[], &Vec::from_iter(denial))
    }

    fn of(&self, name: &Name, rtype: RecordType) -> Vec<SignedRrSet> {
        let sets = self.sets.iter();
        sets.filter(|signed| signed.set.name == *name && signed.set.rtype == rtype)
            .cloned()
            .collect()
    }
}

/// What a child has beyond what is sound.
#[derive(Clone, Debug, Default)]
pub struct Extra {
    /// Keys of any tag.
    pub keys: u32,
    /// Keys with the tag of its zone signing key.
    pub keys_alike: u32,
    /// Wrong signatures on each RRset, with that tag.
    pub signatures: u32,
    /// Their length, if it is not the right one.
    pub signature_octets: usize,
    /// CDS records besides the right one.
    pub cds: Vec<Rdata>,
    /// Nameservers that a CSYNC asks for; then it has no CDS.
    pub hosts: Vec<(Name, Vec<IpAddr>)>,
}

impl Extra {
    /// So many CDS records, each for another key.
    pub fn cds(count: u32) -> Self {
        let cds = (0..count).map(|at| Rdata::from_octets(junk(at, Junk::Cds)));
        Self {
            cds: cds.collect(),
            ..Self::default()
        }
    }

    /// So many nameservers within `child`, each with an address of its own on loopback.
    pub fn hosts(child: &Name, count: u8) -> Self {
        let host = |at: u8| {
            let name = child.prepend_label(format!("ns{at}"));
            let address = IpAddr::from([127, 77, 0, at]);
            (name.unwrap_or_else(|_| child.clone()), vec![address])
        };
        Self {
            hosts: (1..=count).map(host).collect(),
            ..Self::default()
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Junk {
    Key,
    Signature,
    Cds,
}

/// Octets that pass for one of these, different for each number.
fn junk(number: u32, what: Junk) -> Vec<u8> {
    let noise = |part: u8| -> [u8; 32] { octets(number.into(), &format!("junk {what:?} {part}")) };
    match what {
        Junk::Key => [&[1, 0, 3, 15][..], &noise(0)].concat(),
        Junk::Cds => [&noise(1)[..2], &[15, 2], &noise(0)].concat(),
        Junk::Signature => {
            let mut second = noise(1);
            // Below the order of the group, so that it is looked at (RFC 8032 §5.1.7).
            second[31] &= 0x0f;
            [noise(0), second].concat()
        }
    }
}

/// Keys like `key` with the same tag: the tag is a sum of pairs (RFC 4034, appendix B), so that one
/// pair makes up for the others.
fn keys_of_tag(key: &Dnskey, count: u32) -> Vec<Dnskey> {
    let alike = |number: u32| {
        let mut public = junk(number, Junk::Key).split_off(4);
        let mut made = |pair: u16| {
            public[..2].copy_from_slice(&pair.to_be_bytes());
            Dnskey {
                public: public.as_slice().into(),
                ..key.clone()
            }
        };
        let missing = key.tag().wrapping_sub(made(0).tag());
        // What is carried over may be one more or less.
        let pairs = [0, 1, u16::MAX].map(|carried| missing.wrapping_add(carried));
        let mut keys = pairs.into_iter().map(&mut made);
        keys.find(|made| made.tag() == key.tag())
    };
    (0..count).filter_map(alike).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_share_a_tag_and_are_different() {
        let key = SigningKey::from_seed(Algorithm::Ed25519, ZONE_KEY, [1; 32]);
        let mut keys = keys_of_tag(key.public(), 20);
        assert!(keys.iter().all(|other| other.tag() == key.public().tag()));
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 20);
    }
}
