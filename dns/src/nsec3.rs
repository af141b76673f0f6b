//! NSEC3 records (RFC 5155): the view of one, the hash under which it hides a name, and how the hash is
//! spelt. What such records prove is for [`crate::validate`].

use data_encoding::BASE32HEX_NOPAD;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::{
    name::{Name, RecordType, canonical_wire},
    rdata::{Rdata, parse_type_bitmap, type_bitmap},
};

/// SHA-1, the only hash there is (RFC 5155 §11).
pub const SHA1: u8 = 1;

/// The octets of a SHA-1 hash.
pub const HASH_OCTETS: usize = 20;

/// More iterations than these are not computed: validators take such zones for insecure
/// (RFC 9276 §3.2), and an outsider chooses the number.
pub const ITERATIONS_MAX: u16 = 100;

/// An NSEC3 record's fields (RFC 5155 §3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nsec3 {
    /// Hash algorithm; only [`SHA1`] is known.
    pub algorithm: u8,
    /// Flag bits: [`Nsec3::OPT_OUT`], others unknown.
    pub flags: u8,
    /// Additional times that the hash is computed.
    pub iterations: u16,
    /// Appended to what is hashed.
    pub salt: Vec<u8>,
    /// The next hash in the zone's order.
    pub next: Vec<u8>,
    /// The types at the name whose hash owns the record.
    pub types: Vec<RecordType>,
}

impl Nsec3 {
    /// Unsigned delegations may lie in the span (RFC 5155 §3.1.2.1).
    pub const OPT_OUT: u8 = 0x01;

    /// Parses NSEC3 data.
    pub fn parse(data: &Rdata) -> Option<Self> {
        let (head, rest) = data.octets().split_at_checked(4)?;
        let (salt, rest) = counted(rest)?;
        let (next, bitmap) = counted(rest)?;
        Some(Self {
            algorithm: head[0],
            flags: head[1],
            iterations: u16::from_be_bytes([head[2], head[3]]),
            salt: salt.into(),
            next: next.into(),
            types: parse_type_bitmap(bitmap)?,
        })
    }

    /// Whether unsigned delegations may lie in the span.
    pub fn is_opt_out(&self) -> bool {
        self.flags & Self::OPT_OUT != 0
    }

    /// Whether `hash` lies in the gap after `owner`, the hash that owns this record (RFC 5155 §8.3). The last
    /// record of a zone points back to the first.
    pub fn covers(&self, owner: &[u8], hash: &[u8]) -> bool {
        let next = self.next.as_slice();
        match owner < next {
            true => owner < hash && hash < next,
            false => owner < hash || hash < next,
        }
    }

    /// Whether its hash is known and does not cost too much (RFC 9276 §3.2).
    pub fn is_usable(&self) -> bool {
        self.algorithm == SHA1 && self.iterations <= ITERATIONS_MAX
    }

    /// The record's data. Salt and hash are at most 255 octets long.
    pub fn to_rdata(&self) -> Rdata {
        let mut octets = vec![self.algorithm, self.flags];
        octets.extend(self.iterations.to_be_bytes());
        for field in [&self.salt, &self.next] {
            octets.push(field.len() as u8);
            octets.extend(field);
        }
        octets.extend(type_bitmap(&self.types));
        Rdata::from_octets(octets)
    }

    /// The owner under which `name` of `zone` would have its record in the same chain; none if the
    /// hash is unknown or costs too much.
    pub fn owner(&self, name: &Name, zone: &Name) -> Option<Name> {
        let hash = self
            .is_usable()
            .then(|| hash(name, self.iterations, &self.salt))?;
        zone.prepend_label(label_of(&hash)).ok()
    }
}

/// The hash of a name (RFC 5155 §5), by SHA-1.
pub fn hash(name: &Name, iterations: u16, salt: &[u8]) -> Vec<u8> {
    let mut octets = canonical_wire(name);
    for _ in 0..=iterations {
        octets.extend(salt);
        octets = digest(&SHA1_FOR_LEGACY_USE_ONLY, &octets).as_ref().to_vec();
    }
    octets
}

/// The label that spells a hash: Base32 with the extended hex alphabet (RFC 4648 §7), lower case.
pub fn label_of(hash: &[u8]) -> String {
    BASE32HEX_NOPAD.encode(hash).to_ascii_lowercase()
}

/// The hash that the owner of an NSEC3 record of `zone` spells.
pub fn hash_in(owner: &Name, zone: &Name) -> Option<Vec<u8>> {
    if owner.base_name() != *zone {
        return None;
    }
    let label = owner.iter().next()?.to_ascii_uppercase();
    let hash = BASE32HEX_NOPAD.decode(&label).ok()?;
    (hash.len() == HASH_OCTETS).then_some(hash)
}

/// A field with its length in front, and what follows.
fn counted(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = octets.split_first()?;
    rest.split_at_checked(usize::from(*length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::parse_name;

    /// RFC 5155, appendix A.
    #[test]
    fn hashes_and_their_spelling_are_those_of_the_example_zone() {
        let zone = parse_name("example.").unwrap();
        let nsec3 = Nsec3 {
            algorithm: SHA1,
            flags: Nsec3::OPT_OUT,
            iterations: 12,
            salt: vec![0xaa, 0xbb, 0xcc, 0xdd],
            next: vec![0; HASH_OCTETS],
            types: vec![RecordType::SOA],
        };
        assert_eq!(Nsec3::parse(&nsec3.to_rdata()).as_ref(), Some(&nsec3));
        for (text, label) in [
            ("example.", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"),
            ("a.example.", "35mthgpgcu1qg68fab165klnsnk3dpvl"),
            ("AI.example.", "gjeqe526plbf1g8mklp59enfd789njgi"),
            ("*.w.example.", "r53bq7cc2uvmubfu5ocmm6pers9tk9en"),
            ("x.y.w.example.", "2vptu5timamqttgl4luu9kg21e0aor3s"),
        ] {
            let name = parse_name(text).unwrap();
            let owner = nsec3.owner(&name, &zone).unwrap();
            assert_eq!(owner.to_string(), format!("{label}.example."));
            let spelt = hash_in(&owner, &zone);
            assert_eq!(spelt, Some(hash(&name, nsec3.iterations, &nsec3.salt)));
        }
        let dear = Nsec3 {
            iterations: ITERATIONS_MAX + 1,
            ..nsec3
        };
        assert_eq!(dear.owner(&zone, &zone), None);
    }

    #[test]
    fn an_owner_that_spells_no_hash_of_the_zone_has_none() {
        let zone = parse_name("example.").unwrap();
        let label = "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom";
        for (owner, expected) in [
            (format!("{label}.example."), true),
            (format!("{}.example.", label.to_uppercase()), true),
            (format!("{label}.other."), false),
            (format!("{label}.a.example."), false),
            (format!("{}.example.", &label[1..]), false),
            (format!("w{}.example.", &label[1..]), false),
            (format!("{label}aa.example."), false),
            ("example.".into(), false),
        ] {
            let spelt = hash_in(&parse_name(&owner).unwrap(), &zone);
            assert_eq!(spelt.is_some(), expected, "{owner}");
        }
    }
}
