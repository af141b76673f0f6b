//! A zone as its signer keeps it: signed as a whole (RFC 4035 §2), written as a zone file.
//!
//! Owns the denial chains, NSEC and NSEC3 (RFC 5155, with the parameters of RFC 9276). Data are
//! written as octets (RFC 3597 §5): no server can read them otherwise than they were signed.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use counterpoint_dns::{
    key::{Dnskey, SigningKey},
    name::{Name, RecordType},
    nsec3::{self, Nsec3},
    rdata::{Nsec, Rdata},
    rrset::{RrSet, SignedRrSet},
    signature::Rrsig,
    time::Timestamp,
};

/// TTL of everything that names no other, seconds.
pub const TTL: u32 = 3_600;

/// How absence is proven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Denial {
    /// NSEC.
    #[default]
    Nsec,
    /// NSEC3: SHA-1, no extra iterations, no salt, no opt-out.
    Nsec3,
}

/// Who signs, and for when.
#[derive(Clone, Debug)]
pub struct Signing {
    /// Sign DNSKEY, CDS and CDNSKEY.
    pub ksks: Vec<SigningKey>,
    /// Sign the rest.
    pub zsks: Vec<SigningKey>,
    /// First instant of every signature.
    pub inception: Timestamp,
    /// Last instant of every signature.
    pub expiration: Timestamp,
    /// How absence is proven.
    pub denial: Denial,
}

/// The records of a zone.
#[derive(Clone, Debug)]
pub struct Zone {
    apex: Name,
    ttl: u32,
    names: BTreeMap<Name, BTreeMap<RecordType, RrSet>>,
}

impl Zone {
    /// A zone without records, all of which are to have this TTL in seconds.
    pub fn new(apex: Name, ttl: u32) -> Self {
        Self {
            apex,
            ttl,
            names: BTreeMap::new(),
        }
    }

    /// Adds records.
    pub fn add(&mut self, name: &Name, rtype: RecordType, data: impl IntoIterator<Item = Rdata>) {
        let sets = self.names.entry(name.clone()).or_default();
        sets.entry(rtype)
            .or_insert_with(|| RrSet::new(name.clone(), rtype, self.ttl, []))
            .data
            .extend(data);
    }

    /// Adds an RRset.
    pub fn add_set(&mut self, set: &RrSet) {
        self.add(&set.name, set.rtype, set.data.iter().cloned());
    }

    /// The RRset of this name and type.
    pub fn get(&self, name: &Name, rtype: RecordType) -> Option<&RrSet> {
        self.names.get(name)?.get(&rtype)
    }

    /// Without signatures.
    pub fn unsigned(&self) -> Vec<SignedRrSet> {
        let sets = self.names.values().flat_map(BTreeMap::values);
        sets.map(|set| SignedRrSet {
            set: set.clone(),
            signatures: Vec::new(),
        })
        .collect()
    }

    /// With DNSKEY RRset, denial chain and signatures.
    pub fn signed(&self, signing: &Signing) -> Vec<SignedRrSet> {
        let mut zone = self.clone();
        let keys = signing.ksks.iter().chain(&signing.zsks);
        let keys = keys.map(SigningKey::public);
        let apex = &self.apex;
        zone.add(apex, RecordType::DNSKEY, keys.map(Dnskey::to_rdata));
        match signing.denial {
            Denial::Nsec => zone.chain_nsec(),
            Denial::Nsec3 => zone.chain_nsec3(),
        }
        let names = zone.names.iter();
        names
            .flat_map(|(name, sets)| {
                let side = zone.side(name);
                sets.values().map(move |set| (side, set))
            })
            .map(|(side, set)| SignedRrSet {
                signatures: match side.signs(set.rtype) {
                    true => sign(apex, set, signing),
                    false => Vec::new(),
                },
                set: set.clone(),
            })
            .collect()
    }

    /// On which side of a zone cut a name is.
    fn side(&self, name: &Name) -> Side {
        let mut above = name.clone();
        while above != self.apex && !above.is_root() {
            let has_ns = self
                .names
                .get(&above)
                .is_some_and(|sets| sets.contains_key(&RecordType::NS));
            if has_ns {
                return match above == *name {
                    true => Side::Cut,
                    false => Side::Below,
                };
            }
            above = above.base_name();
        }
        Side::Own
    }

    /// The types at each name that has any which are the zone's to deny.
    fn denied(&self) -> BTreeMap<Name, BTreeSet<RecordType>> {
        let names = self.names.iter();
        names
            .filter_map(|(name, sets)| {
                let side = self.side(name);
                let mut types: BTreeSet<RecordType> = sets.keys().copied().collect();
                if types.iter().any(|rtype| side.signs(*rtype)) {
                    types.insert(RecordType::RRSIG);
                }
                (side != Side::Below).then(|| (name.clone(), types))
            })
            .collect()
    }

    fn chain_nsec(&mut self) {
        let denied = self.denied();
        let mut nexts = denied.keys().skip(1).cloned().chain([self.apex.clone()]);
        for (name, types) in &denied {
            let Some(next) = nexts.next() else {
                return;
            };
            let own = [RecordType::NSEC, RecordType::RRSIG];
            let types = types.iter().copied().chain(own).collect();
            let data = Nsec { next, types }.to_rdata();
            self.add(name, RecordType::NSEC, [data]);
        }
    }

    fn chain_nsec3(&mut self) {
        let apex = self.apex.clone();
        let parameters = Rdata::from_octets([1, 0, 0, 0, 0]);
        self.add(&apex, RecordType::NSEC3PARAM, [parameters]);
        let mut denied = self.denied();
        // Names that have no records, only descendants (RFC 5155 §7.1).
        for name in denied.keys().cloned().collect::<Vec<_>>() {
            let mut above = name;
            while above != apex && !above.is_root() {
                above = above.base_name();
                denied.entry(above.clone()).or_default();
            }
        }
        let hashed: BTreeMap<Vec<u8>, (Name, Vec<RecordType>)> = denied
            .into_iter()
            .map(|(name, types)| (nsec3::hash(&name, 0, &[]), (name, Vec::from_iter(types))))
            .collect();
        let mut nexts = hashed.keys().cycle().skip(1).cloned();
        for (name, types) in hashed.values().cloned() {
            let Some(next) = nexts.next() else {
                return;
            };
            let nsec3 = Nsec3 {
                algorithm: 1,
                flags: 0,
                iterations: 0,
                salt: Vec::new(),
                next,
                types,
            };
            // 32 letters in front of a name of ours always fit.
            if let Some(owner) = nsec3.owner(&name, &apex) {
                self.add(&owner, RecordType::NSEC3, [nsec3.to_rdata()]);
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Own,
    Cut,
    Below,
}

impl Side {
    /// RFC 4035 §2.2.
    fn signs(self, rtype: RecordType) -> bool {
        match self {
            Self::Own => true,
            Self::Cut => matches!(rtype, RecordType::DS | RecordType::NSEC),
            Self::Below => false,
        }
    }
}

fn sign(apex: &Name, set: &RrSet, signing: &Signing) -> Vec<Rrsig> {
    let keys = match set.rtype {
        RecordType::DNSKEY | RecordType::CDS | RecordType::CDNSKEY => &signing.ksks,
        _ => &signing.zsks,
    };
    keys.iter()
        .map(|key| Rrsig::sign(set, key, apex, signing.inception, signing.expiration))
        .collect()
}

/// Writes RRsets with their signatures as a zone file, the SOA first.
pub fn write(sets: &[SignedRrSet], to: &mut impl io::Write) -> io::Result<()> {
    let is_soa = |signed: &&SignedRrSet| signed.set.rtype == RecordType::SOA;
    let rest = sets.iter().filter(|signed| !is_soa(signed));
    for SignedRrSet { set, signatures } in sets.iter().filter(is_soa).chain(rest) {
        let (name, ttl) = (&set.name, set.ttl);
        for data in &set.data {
            let (rtype, text) = (set.rtype, text(data));
            writeln!(to, "{name} {ttl} IN TYPE{} {text}", u16::from(rtype))?;
        }
        for rrsig in signatures {
            let text = text(&rrsig.to_rdata());
            writeln!(to, "{name} {ttl} IN RRSIG {text}")?;
        }
    }
    Ok(())
}

fn text(data: &Rdata) -> String {
    format!("\\# {} {data:?}", data.octets().len())
}

/// The name of this label below `parent`.
pub fn below(parent: &Name, label: &str) -> io::Result<Name> {
    let bad = |error| io::Error::other(format!("`{label}` below {parent}: {error}"));
    parent.prepend_label(label).map_err(bad)
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpoint_dns::{
        key::{Algorithm, SECURE_ENTRY_POINT, ZONE_KEY},
        name::parse_name,
        signature::Verifier,
        validate::by_keys,
    };

    fn signing(denial: Denial) -> Signing {
        let key =
            |flags, seed| SigningKey::from_seed(Algorithm::EcdsaP256Sha256, flags, [seed; 32]);
        Signing {
            ksks: vec![key(ZONE_KEY | SECURE_ENTRY_POINT, 1)],
            zsks: vec![key(ZONE_KEY, 2)],
            inception: Timestamp::from_seconds(1_000),
            expiration: Timestamp::from_seconds(2_000),
            denial,
        }
    }

    #[test]
    fn what_is_the_zones_own_is_signed_and_nothing_else() {
        let name = |text| parse_name(text).unwrap();
        let mut zone = Zone::new(name("farm."), TTL);
        let host = Rdata::name(&name("ns.c.farm."));
        let address = Rdata::address([127, 0, 0, 1].into());
        zone.add(&name("farm."), RecordType::NS, [host.clone()]);
        zone.add(&name("c.farm."), RecordType::NS, [host]);
        zone.add(&name("ns.c.farm."), RecordType::A, [address]);
        for (denial, chain) in [
            (Denial::Nsec, RecordType::NSEC),
            (Denial::Nsec3, RecordType::NSEC3),
        ] {
            let signing = signing(denial);
            let keys = [&signing.ksks[0], &signing.zsks[0]].map(|key| key.public().clone());
            let mut verifier = Verifier::default();
            let sets = zone.signed(&signing);
            for signed in &sets {
                let SignedRrSet { set, signatures } = signed;
                let is_theirs = set.name != name("farm.")
                    && matches!(set.rtype, RecordType::NS | RecordType::A);
                assert_eq!(signatures.is_empty(), is_theirs, "{set}");
                let now = Timestamp::from_seconds(1_500);
                let valid = by_keys(&name("farm."), &keys, signed, now, &mut verifier);
                assert_eq!(valid.is_err(), is_theirs, "{set}");
            }
            let chained = sets.iter().filter(|signed| signed.set.rtype == chain);
            assert_eq!(chained.count(), 2, "the apex and the cut");
        }
    }
}
