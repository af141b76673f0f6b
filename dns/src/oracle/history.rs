//! What the oracle reads: who published which version of what, from when until when.
//!
//! Owns the vocabulary *instance, version, hold window*. Knows neither servers nor signature
//! bytes: whoever writes a history (the simulated world, the controller's or the scanner's
//! observations) has already decided which key matches which DS and which key made which RRSIG.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{
    catalogue::Catalogue,
    intervals::{Interval, Intervals},
};
use crate::time::Timestamp;

/// A server address of one zone's history: an index into [`History::instances`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId(pub u32);

/// A key of the zone or of its parent: an index into [`History::keys`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub u32);

/// On which side of the zone cut an instance stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// It serves the delegating zone: DS and the delegation's NS. Always reachable.
    Parent,
    /// It serves the zone itself; reachable only while some cached NS RRset names it.
    Child,
}

/// One server address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// What reports call it: `alpha/ns1`, `parent/2`.
    pub name: String,
    /// Parent or child.
    pub side: Side,
}

/// One DNSKEY, reduced to what validation depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// What reports call it: `alpha zsk-1 (12345)`.
    pub label: String,
    /// DNSSEC algorithm number.
    pub algorithm: u8,
    /// A zone key (RFC 4034 §2.1.1: flag bit 7, protocol 3) that is not revoked (RFC 5011).
    pub usable: bool,
}

/// One DS record, already matched against the keys of the zone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ds {
    /// The key that it digests, if it is the digest of any known key.
    pub key: Option<KeyId>,
    /// DNSSEC algorithm number that the DS names.
    pub algorithm: u8,
    /// Digest type number.
    pub digest_type: u8,
}

/// One RRSIG that verifies: which key made it and when it holds (both ends included, RFC 4035 §5.3.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature {
    /// The key that made it.
    pub key: KeyId,
    /// First second of validity.
    pub inception: Timestamp,
    /// Last second of validity.
    pub expiration: Timestamp,
}

/// One instance served this content during `[from, until)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version<C> {
    /// Who served it.
    pub instance: InstanceId,
    /// First instant at which it was served; [`Timestamp::MIN`] for "ever since".
    pub from: Timestamp,
    /// First instant at which it was no longer served; [`Timestamp::MAX`] for "still".
    pub until: Timestamp,
    /// TTL as served.
    pub ttl: Duration,
    /// The RRSIGs served with it.
    pub signatures: Vec<Signature>,
    /// What was served.
    pub content: C,
}

/// An answer of the zone, negative ones included, as far as caches and validators care: its
/// signatures and TTL stand in the [`Version`]. Answers with the same signatures and served by the
/// same instance collapse into one version with the longest of their TTLs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// An example for reports: `www.example.test. A`.
    pub example: String,
}

/// What the address records of a nameserver name lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The name, as NS versions name it.
    pub of: InstanceId,
    /// The instances that answer, or answered, at these addresses.
    pub leads_to: Vec<InstanceId>,
}

/// An instance did, or did not do, something during `[from, until)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Which instance.
    pub instance: InstanceId,
    /// First instant.
    pub from: Timestamp,
    /// First instant after.
    pub until: Timestamp,
}

/// Everything that the caches of the world could have learned of one zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The zone, as `example.test.`.
    pub zone: String,
    /// Every server address of parent and zone.
    pub instances: Vec<Instance>,
    /// Every key.
    pub keys: Vec<Key>,
    /// DS versions at parent instances; an empty list is the authenticated "no DS".
    pub ds: Vec<Version<Vec<Ds>>>,
    /// DNSKEY versions at child instances.
    pub dnskey: Vec<Version<Vec<KeyId>>>,
    /// All other answers at child instances.
    pub answers: Vec<Version<Answer>>,
    /// NS versions at parent instances (the delegation) and child instances (the apex). A name is told by
    /// the instance that it leads to.
    pub ns: Vec<Version<Vec<InstanceId>>>,
    /// Address records of names inside the zone, at parent instances (glue) and child instances. A name
    /// of which there are none here leads to its instance always.
    pub addresses: Vec<Version<Address>>,
    /// What child instances say there is and is not; the TTL is that of their denials.
    pub catalogues: Vec<Version<Arc<Catalogue>>>,
    /// When a child instance did not answer authoritatively for the zone (lame: REFUSED, no such zone).
    pub lame: Vec<Span>,
    /// When an instance was out of order by an injected fault: it answers nobody.
    pub outages: Vec<Span>,
    /// When the zone must be signed: from the first instant, until the second.
    pub must_be_secure: Option<(Timestamp, Timestamp)>,
}

impl History {
    /// The names whose addresses have to be found.
    pub(super) fn wandering(&self) -> BTreeSet<InstanceId> {
        let addresses = self.addresses.iter();
        addresses.map(|version| version.content.of).collect()
    }

    /// The instants of these spans, a set for each instance.
    pub(super) fn by_instance(&self, spans: &[Span]) -> Vec<Intervals> {
        let mut sets: Vec<Vec<Interval>> = vec![Vec::new(); self.instances.len()];
        for span in spans {
            if let Some(set) = sets.get_mut(span.instance.0 as usize) {
                set.push(Interval::new(span.from, span.until));
            }
        }
        sets.into_iter().map(Intervals::from_iter).collect()
    }
}
