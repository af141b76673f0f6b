//! RRsets: sets of record data under one name and type, with one TTL (RFC 2181 §5).

use std::{collections::BTreeSet, fmt};

use crate::{
    name::{Name, RecordType, canonical_wire},
    rdata::Rdata,
    signature::Rrsig,
};

/// How many octets of an RR are neither its owner nor its data: type, class, TTL and length.
const RR_FIXED: usize = 10;

/// An RRset. Class is always IN. The data are a set in canonical order (RFC 4034 §6.3), duplicates gone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RrSet {
    /// Owner name.
    pub name: Name,
    /// Type.
    pub rtype: RecordType,
    /// TTL, seconds.
    pub ttl: u32,
    /// The data, in canonical order.
    pub data: BTreeSet<Rdata>,
}

impl RrSet {
    /// An RRset of these data.
    pub fn new(
        name: Name,
        rtype: RecordType,
        ttl: u32,
        data: impl IntoIterator<Item = Rdata>,
    ) -> Self {
        Self {
            name,
            rtype,
            ttl,
            data: data.into_iter().collect(),
        }
    }

    /// What a signature by `rrsig`'s fields covers: its own fields, then the RRs in canonical form
    /// and order, with the original TTL (RFC 4034 §3.1.8.1) and, for an answer synthesised from a
    /// wildcard, the wildcard's name (RFC 4035 §5.3.2).
    pub fn to_be_signed(&self, rrsig: &Rrsig) -> Vec<u8> {
        let mut octets = rrsig.fields();
        let owner = if self.name.num_labels() > rrsig.labels {
            canonical_wire(
                &self
                    .name
                    .trim_to(usize::from(rrsig.labels))
                    .into_wildcard_child(),
            )
        } else {
            canonical_wire(&self.name)
        };
        let lengths = self.data.iter().map(|data| data.octets().len());
        octets.reserve(lengths.map(|length| owner.len() + RR_FIXED + length).sum());
        for data in &self.data {
            octets.extend(&owner);
            octets.extend(u16::from(self.rtype).to_be_bytes());
            octets.extend(1_u16.to_be_bytes());
            octets.extend(rrsig.original_ttl.to_be_bytes());
            // An RRset's data came out of 16-bit lengths.
            octets.extend((data.octets().len() as u16).to_be_bytes());
            octets.extend(data.octets());
        }
        octets
    }
}

trait WildcardChild {
    fn into_wildcard_child(self) -> Name;
}

impl WildcardChild for Name {
    /// `*.` in front of the name; the name itself where that would be too long to exist.
    fn into_wildcard_child(self) -> Name {
        self.prepend_label("*").unwrap_or(self)
    }
}

impl fmt::Display for RrSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, data) in self.data.iter().enumerate() {
            let lead = if index > 0 { "\n" } else { "" };
            let text = data.present(self.rtype);
            write!(
                f,
                "{lead}{} {} IN {} {text}",
                self.name, self.ttl, self.rtype
            )?;
        }
        Ok(())
    }
}

/// An RRset with the signatures that came along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRrSet {
    /// The RRset.
    pub set: RrSet,
    /// Its RRSIGs, in the order in which they came.
    pub signatures: Vec<Rrsig>,
}
