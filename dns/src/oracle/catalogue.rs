//! What one version of a zone says there is and is not, and what its records prove absent.
//!
//! Owns [`Catalogue`] and the proofs: NSEC by RFC 4035 §5.4, NSEC3 by RFC 5155 §8 as far as caches may use it
//! (RFC 8198 §5.4: no span in which unsigned delegations may lie). Refuses to know times and servers.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use crate::{
    name::{Name, RecordType},
    nsec3::{self, Nsec3},
    rdata::{Nsec, Rdata},
    validate::denial::is_opaque,
};

/// What an instance says there is, and the records by which it denies the rest; in canonical order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// Names and types that are served with data.
    pub served: Vec<(Name, RecordType)>,
    /// Owners and data of NSEC records.
    pub nsec: Vec<(Name, Rdata)>,
    /// Owners and data of NSEC3 records.
    pub nsec3: Vec<(Name, Rdata)>,
}

/// A catalogue to look things up in.
pub(super) struct Read {
    zone: Name,
    served: BTreeSet<(Name, RecordType)>,
    nsec: BTreeMap<Name, Nsec>,
    chains: BTreeMap<Parameters, Chain>,
}

/// Iterations and salt (RFC 5155 §3.1).
type Parameters = (u16, Vec<u8>);

/// The NSEC3 records of one set of parameters, by the hash that owns them.
type Chain = BTreeMap<Vec<u8>, Nsec3>;

impl Read {
    pub fn of(zone: &Name, catalogue: &Catalogue) -> Self {
        let nsec = catalogue.nsec.iter();
        let parsed = nsec.filter_map(|(owner, data)| Some((owner.clone(), Nsec::parse(data)?)));
        let mut chains: BTreeMap<Parameters, Chain> = BTreeMap::new();
        for (owner, data) in &catalogue.nsec3 {
            let record = Nsec3::parse(data).filter(Nsec3::is_usable);
            if let Some((hash, record)) = nsec3::hash_in(owner, zone).zip(record) {
                let of = (record.iterations, record.salt.clone());
                chains.entry(of).or_default().insert(hash, record);
            }
        }
        Self {
            zone: zone.clone(),
            served: catalogue.served.iter().cloned().collect(),
            nsec: parsed.collect(),
            chains,
        }
    }

    /// What is served with data.
    pub fn served(&self) -> &BTreeSet<(Name, RecordType)> {
        &self.served
    }

    pub fn serves(&self, name: &Name, rtype: RecordType) -> bool {
        self.served.contains(&(name.clone(), rtype))
    }

    /// Whether its records prove that `name` has no RRset of this type.
    pub fn denies(&self, name: &Name, rtype: RecordType) -> bool {
        let mut chains = self.chains.iter();
        self.denies_by_nsec(name, rtype)
            || chains.any(|(of, chain)| self.denies_by_nsec3(of, chain, name, rtype))
    }

    /// RFC 4035 §5.4.
    fn denies_by_nsec(&self, name: &Name, rtype: RecordType) -> bool {
        let Some((owner, nsec)) = self.nsec.range(..=name).next_back() else {
            return false;
        };
        if owner == name {
            return lacks(&nsec.types, rtype);
        }
        if !self.covers(name) {
            return false;
        }
        if owner.zone_of(name) && is_opaque(&nsec.types) {
            return false;
        }
        // An empty non-terminal has no types.
        if name.zone_of(&nsec.next) {
            return true;
        }
        let mut encloser = name.base_name();
        while encloser != self.zone && !encloser.zone_of(owner) && !encloser.zone_of(&nsec.next) {
            encloser = encloser.base_name();
        }
        let Ok(wildcard) = encloser.prepend_label("*") else {
            return false;
        };
        match self.nsec.get(&wildcard) {
            Some(nsec) => lacks(&nsec.types, rtype),
            None => self.covers(&wildcard),
        }
    }

    /// RFC 5155 §8.4 to §8.7: at the name; or at its closest encloser, before the next closer name, and at or
    /// before the wildcard.
    fn denies_by_nsec3(
        &self,
        (iterations, salt): &Parameters,
        chain: &Chain,
        name: &Name,
        rtype: RecordType,
    ) -> bool {
        let hash = |name: &Name| nsec3::hash(name, *iterations, salt);
        if let Some(record) = chain.get(&hash(name)) {
            return lacks(&record.types, rtype);
        }
        let mut next_closer = name.clone();
        let encloser = loop {
            if next_closer == self.zone || next_closer.is_root() {
                return false;
            }
            let above = next_closer.base_name();
            match chain.get(&hash(&above)) {
                Some(record) if is_opaque(&record.types) => return false,
                Some(_) => break above,
                None => next_closer = above,
            }
        };
        let Ok(wildcard) = encloser.prepend_label("*") else {
            return false;
        };
        let wildcard = hash(&wildcard);
        covers_hash(chain, &hash(&next_closer))
            && match chain.get(&wildcard) {
                Some(record) => lacks(&record.types, rtype),
                None => covers_hash(chain, &wildcard),
            }
    }

    /// Whether a record stands for a gap in which `name` is.
    fn covers(&self, name: &Name) -> bool {
        let before = self.nsec.range(..=name).next_back();
        before.is_some_and(|(owner, nsec)| {
            owner != name && (nsec.next == self.zone || *name < nsec.next)
        })
    }
}

/// Whether a record stands for a gap in which `hash` is, and in which nothing may be unsigned.
fn covers_hash(chain: &Chain, hash: &[u8]) -> bool {
    let before = chain
        .range::<[u8], _>((Bound::Unbounded, Bound::Excluded(hash)))
        .next_back();
    let before = before.or_else(|| chain.last_key_value());
    before.is_some_and(|(owner, record)| record.covers(owner, hash) && !record.is_opt_out())
}

fn lacks(types: &[RecordType], rtype: RecordType) -> bool {
    !types.contains(&rtype) && !types.contains(&RecordType::CNAME)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::parse_name;

    fn name(text: &str) -> Name {
        parse_name(text).unwrap()
    }

    /// NSEC data: the next name, and a bitmap of types below 256.
    fn nsec(next: &str, types: &[RecordType]) -> Rdata {
        let mut octets = crate::name::canonical_wire(&name(next));
        let mut bitmap = [0_u8; 32];
        for rtype in types {
            let number = usize::from(u16::from(*rtype));
            bitmap[number / 8] |= 0x80 >> (number % 8);
        }
        octets.extend([0, 32]);
        octets.extend(bitmap);
        Rdata::from_octets(octets)
    }

    fn read(chain: &[(&str, &str, &[RecordType])]) -> Read {
        let record =
            |(owner, next, types): &(&str, &str, &[RecordType])| (name(owner), nsec(next, types));
        let catalogue = Catalogue {
            nsec: chain.iter().map(record).collect(),
            ..Catalogue::default()
        };
        Read::of(&name("z."), &catalogue)
    }

    /// RFC 4035 §5.4, RFC 4592 §2.2.2: at the name, before it, at the wildcard, at a cut, at the end.
    #[test]
    fn nsec_records_deny_what_they_prove_absent_and_nothing_else() {
        use RecordType::{A, AAAA, MX, NS, SOA, TXT};
        let plain = read(&[
            ("z.", "b.z.", &[SOA, NS]),
            ("b.z.", "cut.z.", &[A]),
            ("cut.z.", "x.ent.z.", &[NS]),
            ("x.ent.z.", "z.", &[A]),
        ]);
        for (what, rtype, denied) in [
            ("b.z.", A, false),
            ("b.z.", AAAA, true),
            ("a.z.", A, true),
            ("c.b.z.", A, true),
            ("www.cut.z.", A, false),
            ("ent.z.", A, true),
            ("y.ent.z.", MX, true),
            ("zz.z.", A, true),
        ] {
            assert_eq!(plain.denies(&name(what), rtype), denied, "{what} {rtype}");
        }
        let wild = read(&[("z.", "*.z.", &[SOA]), ("*.z.", "z.", &[TXT])]);
        assert!(!wild.denies(&name("a.z."), TXT), "made from the wildcard");
        assert!(wild.denies(&name("a.z."), A), "which has no A");
        // Without the record at which the wildcard would be, nothing is proven.
        let open = read(&[("a.z.", "c.z.", &[A])]);
        assert!(!open.denies(&name("b.z."), A));
    }

    const SALT: [u8; 2] = [0xc0, 0xff];

    /// A whole chain over these names, and their types.
    fn hashed(flags: u8, names: &[(&str, &[RecordType])]) -> Read {
        let hashes = names.iter().map(|(owner, types)| {
            let hash = nsec3::hash(&name(owner), 1, &SALT);
            (hash, types.to_vec())
        });
        let hashes = BTreeMap::from_iter(hashes);
        let next = hashes.keys().cycle().skip(1);
        let record = |((hash, types), next): ((&Vec<u8>, &Vec<RecordType>), &Vec<u8>)| {
            let record = Nsec3 {
                algorithm: nsec3::SHA1,
                flags,
                iterations: 1,
                salt: SALT.into(),
                next: next.clone(),
                types: types.clone(),
            };
            let owner = name("z.").prepend_label(nsec3::label_of(hash)).unwrap();
            (owner, record.to_rdata())
        };
        let catalogue = Catalogue {
            nsec3: hashes.iter().zip(next).map(record).collect(),
            ..Catalogue::default()
        };
        Read::of(&name("z."), &catalogue)
    }

    /// The same as by NSEC, and nothing where unsigned delegations may lie.
    #[test]
    fn nsec3_records_deny_what_they_prove_absent_and_nothing_else() {
        use RecordType::{A, AAAA, MX, NS, SOA, TXT};
        let names: [(&str, &[RecordType]); 5] = [
            ("z.", &[SOA, NS]),
            ("b.z.", &[A]),
            ("cut.z.", &[NS]),
            ("ent.z.", &[]),
            ("x.ent.z.", &[A]),
        ];
        let plain = hashed(0, &names);
        let opt_out = hashed(Nsec3::OPT_OUT, &names);
        for (what, rtype, denied, is_inside) in [
            ("b.z.", A, false, false),
            ("b.z.", AAAA, true, false),
            ("a.z.", A, true, true),
            ("c.b.z.", A, true, true),
            ("www.cut.z.", A, false, false),
            ("ent.z.", A, true, false),
            ("y.ent.z.", MX, true, true),
            ("zz.z.", A, true, true),
            ("other.", A, false, false),
        ] {
            let what = &name(what);
            assert_eq!(plain.denies(what, rtype), denied, "{what} {rtype}");
            let still = denied && !is_inside;
            assert_eq!(
                opt_out.denies(what, rtype),
                still,
                "{what} {rtype}, opt-out"
            );
        }
        let wild = hashed(0, &[("z.", &[SOA]), ("*.z.", &[TXT])]);
        assert!(!wild.denies(&name("a.z."), TXT), "made from the wildcard");
        assert!(wild.denies(&name("a.z."), A), "which has no A");
    }
}
