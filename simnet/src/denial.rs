//! How a zone denies what it does not have, before anybody signs that: chains of NSEC (RFC 4035 §2.3) and
//! of NSEC3 (RFC 5155 §7.1). Compact denial (RFC 9824) has no chain: its records are made when somebody
//! asks, by [`crate::answer`].

use std::collections::{BTreeMap, BTreeSet};

use counterpoint_dns::{
    name::{Name, RecordType},
    nsec3::{Nsec3, SHA1, hash, hash_in, label_of},
    rdata::{Nsec, Rdata},
    rrset::RrSet,
};

use crate::contents::Contents;

/// How a zone denies what it does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Denial {
    /// A chain of names.
    #[default]
    Nsec,
    /// A chain of hashed names.
    Nsec3(Hashing),
    /// An answer made for the question alone, signed at once (RFC 9824).
    Compact,
}

/// The parameters of a chain of hashed names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hashing {
    /// Additional times that the hash is computed.
    pub iterations: u16,
    /// Appended to what is hashed; at most 255 octets.
    pub salt: Vec<u8>,
    /// Delegations without DS have no record of their own (RFC 5155 §6).
    pub opt_out: bool,
}

impl Hashing {
    /// The parameters that the NSEC3PARAM RRset of a zone names (RFC 5155 §4).
    pub fn of(set: &RrSet) -> Option<Self> {
        let octets = set.data.first()?.octets();
        let [_, _, high, low, length, salt @ ..] = octets else {
            return None;
        };
        Some(Self {
            iterations: u16::from_be_bytes([*high, *low]),
            salt: salt.get(..usize::from(*length))?.to_vec(),
            opt_out: false,
        })
    }

    /// The owner of the record that would speak about `name`.
    pub(crate) fn owner(&self, name: &Name, zone: &Name) -> Name {
        let label = label_of(&hash(name, self.iterations, &self.salt));
        zone.prepend_label(label).unwrap_or_else(|_| zone.clone())
    }

    /// The NSEC3PARAM RRset: flags are zero there (RFC 5155 §4.1.2).
    fn parameters(&self, zone: &Name) -> RrSet {
        let mut octets = vec![SHA1, 0];
        octets.extend(self.iterations.to_be_bytes());
        octets.push(self.salt.len() as u8);
        octets.extend(&self.salt);
        let data = [Rdata::from_octets(octets)];
        RrSet::new(zone.clone(), RecordType::NSEC3PARAM, 0, data)
    }
}

/// What a chain says of one name.
struct Shown {
    types: Vec<RecordType>,
    is_signed: bool,
}

impl Denial {
    /// The RRsets that the method adds to a zone, all with the TTL of negative answers (RFC 9077).
    pub fn chain(&self, contents: &Contents, zone: &Name, ttl: u32) -> Vec<RrSet> {
        match self {
            Self::Nsec => nsec_chain(contents, zone, ttl),
            Self::Nsec3(hashing) => nsec3_chain(hashing, contents, zone, ttl),
            Self::Compact => Vec::new(),
        }
    }
}

/// The names that the zone speaks about, not those of glue. SOA and DNSKEY count as present at the apex.
fn names(contents: &Contents, zone: &Name) -> BTreeMap<Name, Shown> {
    let mut apex: BTreeSet<RecordType> = BTreeSet::from([RecordType::SOA, RecordType::DNSKEY]);
    let mut shown = BTreeMap::new();
    for (name, types) in contents.names() {
        if name == zone {
            apex.extend(types.keys());
            continue;
        }
        let at_cut = [RecordType::NS, RecordType::DS];
        let types: Vec<RecordType> = match contents.cut_above(name) {
            None => types.keys().copied().collect(),
            Some(cut) if cut == name => {
                let here = types.keys().filter(|rtype| at_cut.contains(rtype));
                here.copied().collect()
            }
            Some(_) => continue,
        };
        let is_signed = contents.cut_above(name).is_none() || types.contains(&RecordType::DS);
        shown.insert(name.clone(), Shown { types, is_signed });
    }
    let apex = Shown {
        types: apex.into_iter().collect(),
        is_signed: true,
    };
    shown.insert(zone.clone(), apex);
    shown
}

/// One NSEC for each name that the zone speaks about (RFC 4035 §2.3).
fn nsec_chain(contents: &Contents, zone: &Name, ttl: u32) -> Vec<RrSet> {
    let names = names(contents, zone);
    let next = names.keys().skip(1).chain(names.keys().take(1));
    let nsec = |((name, shown), next): ((&Name, &Shown), &Name)| {
        let mut types = shown.types.clone();
        types.extend([RecordType::NSEC, RecordType::RRSIG]);
        let next = next.clone();
        let data = Nsec { next, types }.to_rdata();
        RrSet::new(name.clone(), RecordType::NSEC, ttl, [data])
    };
    names.iter().zip(next).map(nsec).collect()
}

/// One NSEC3 for each hash, of empty non-terminals too, and NSEC3PARAM (RFC 5155 §7.1).
fn nsec3_chain(hashing: &Hashing, contents: &Contents, zone: &Name, ttl: u32) -> Vec<RrSet> {
    let mut all = names(contents, zone);
    if let Some(apex) = all.get_mut(zone) {
        apex.types.push(RecordType::NSEC3PARAM);
    }
    if hashing.opt_out {
        all.retain(|_, shown| shown.is_signed);
    }
    let above: Vec<Name> = all
        .keys()
        .flat_map(|name| {
            let labels = zone.iter().count() + 1..name.iter().count();
            labels.map(|count| name.trim_to(count))
        })
        .collect();
    for name in above {
        all.entry(name).or_insert(Shown {
            types: Vec::new(),
            is_signed: false,
        });
    }
    let hashed: BTreeMap<Name, Shown> = all
        .into_iter()
        .map(|(name, shown)| (hashing.owner(&name, zone), shown))
        .collect();
    let next = hashed.keys().skip(1).chain(hashed.keys().take(1));
    let nsec3 = |((owner, shown), next): ((&Name, &Shown), &Name)| {
        let mut types = shown.types.clone();
        types.extend(shown.is_signed.then_some(RecordType::RRSIG));
        let data = Nsec3 {
            algorithm: SHA1,
            flags: if hashing.opt_out { Nsec3::OPT_OUT } else { 0 },
            iterations: hashing.iterations,
            salt: hashing.salt.clone(),
            next: hash_in(next, zone).unwrap_or_default(),
            types,
        };
        RrSet::new(owner.clone(), RecordType::NSEC3, ttl, [data.to_rdata()])
    };
    let chain = hashed.iter().zip(next).map(nsec3);
    chain.chain([hashing.parameters(zone)]).collect()
}
