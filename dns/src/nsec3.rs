//! NSEC3 records (RFC 5155): the view of one, and the hash under which it hides a name.

use data_encoding::BASE32HEX_NOPAD;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::{
    name::{Name, RecordType, canonical_wire},
    rdata::{Rdata, parse_type_bitmap, type_bitmap},
};

/// SHA-1, the only hash there is (RFC 5155 §11).
const SHA1: u8 = 1;
/// More iterations than this are not worked through: validators take such zones for insecure
/// (RFC 9276 §3.2), and an outsider chooses the number.
pub const ITERATIONS_MAX: u16 = 100;

/// An NSEC3 record's fields (RFC 5155 §3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nsec3 {
    /// Hash algorithm.
    pub algorithm: u8,
    /// Flags; bit 0 is opt-out.
    pub flags: u8,
    /// How often the hash is hashed again.
    pub iterations: u16,
    /// The salt.
    pub salt: Vec<u8>,
    /// The next hash in order.
    pub next: Vec<u8>,
    /// The types at the owner.
    pub types: Vec<RecordType>,
}

impl Nsec3 {
    /// Parses NSEC3 data.
    pub fn parse(data: &Rdata) -> Option<Self> {
        let [algorithm, flags, high, low, salt_length, rest @ ..] = data.octets() else {
            return None;
        };
        let (salt, rest) = rest.split_at_checked(usize::from(*salt_length))?;
        let (next_length, rest) = rest.split_first()?;
        let (next, bitmap) = rest.split_at_checked(usize::from(*next_length))?;
        Some(Self {
            algorithm: *algorithm,
            flags: *flags,
            iterations: u16::from_be_bytes([*high, *low]),
            salt: salt.to_vec(),
            next: next.to_vec(),
            types: parse_type_bitmap(bitmap)?,
        })
    }

    /// The record's data.
    pub fn to_rdata(&self) -> Rdata {
        let mut octets = vec![self.algorithm, self.flags];
        octets.extend(self.iterations.to_be_bytes());
        // Salt and hash are at most 255 octets long in every zone that there is.
        octets.push(self.salt.len() as u8);
        octets.extend(&self.salt);
        octets.push(self.next.len() as u8);
        octets.extend(&self.next);
        octets.extend(type_bitmap(&self.types));
        Rdata::from_octets(octets)
    }

    /// The owner under which `name` of `zone` would have its record in the same chain; none if the
    /// hash is unknown or costs too much.
    pub fn owner(&self, name: &Name, zone: &Name) -> Option<Name> {
        let known = self.algorithm == SHA1 && self.iterations <= ITERATIONS_MAX;
        let hash = known.then(|| hash(name, self.iterations, &self.salt))?;
        let label = BASE32HEX_NOPAD.encode(&hash).to_ascii_lowercase();
        zone.prepend_label(label).ok()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::parse_name;

    /// RFC 5155, appendix A.
    #[test]
    fn hashes_are_those_of_the_example_zone() {
        let zone = parse_name("example.").unwrap();
        let nsec3 = Nsec3 {
            algorithm: 1,
            flags: 1,
            iterations: 12,
            salt: vec![0xaa, 0xbb, 0xcc, 0xdd],
            next: vec![0; 20],
            types: vec![RecordType::SOA],
        };
        assert_eq!(Nsec3::parse(&nsec3.to_rdata()).as_ref(), Some(&nsec3));
        for (name, label) in [
            ("example.", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"),
            ("*.w.example.", "r53bq7cc2uvmubfu5ocmm6pers9tk9en"),
        ] {
            let owner = nsec3.owner(&parse_name(name).unwrap(), &zone).unwrap();
            assert_eq!(owner.to_string(), format!("{label}.example."));
        }
        let dear = Nsec3 {
            iterations: ITERATIONS_MAX + 1,
            ..nsec3
        };
        assert_eq!(dear.owner(&zone, &zone), None);
    }
}
