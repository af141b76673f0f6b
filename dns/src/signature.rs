//! RRSIGs: made with explicit times, checked as cryptography only.
//!
//! The two questions *did this key make this signature?* and *does it hold now?* are kept apart: the
//! first never changes its answer and is memoised by [`Verifier`], the second is [`Rrsig::covers`].

use std::sync::Arc;

use crate::{
    key::{Dnskey, SigningKey},
    name::{Name, RecordType, canonical_wire, rrsig_labels, split_name},
    rdata::Rdata,
    rrset::RrSet,
    time::Timestamp,
};

/// An RRSIG's fields (RFC 4034 §3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rrsig {
    /// The type that it covers.
    pub covered: RecordType,
    /// Algorithm number.
    pub algorithm: u8,
    /// Labels of the owner name as signed.
    pub labels: u8,
    /// TTL of the RRset in the zone, seconds.
    pub original_ttl: u32,
    /// Last second of validity, 32 bits.
    pub expiration: u32,
    /// First second of validity, 32 bits.
    pub inception: u32,
    /// Tag of the key that made it.
    pub tag: u16,
    /// The zone that signed.
    pub signer: Name,
    /// The signature itself.
    pub signature: Arc<[u8]>,
}

impl Rrsig {
    /// The fields of a signature of `set` by `key`, not yet made.
    pub fn unsigned(
        set: &RrSet,
        key: &Dnskey,
        zone: &Name,
        inception: Timestamp,
        expiration: Timestamp,
    ) -> Self {
        Self {
            covered: set.rtype,
            algorithm: key.algorithm,
            labels: rrsig_labels(&set.name),
            original_ttl: set.ttl,
            expiration: expiration.to_rrsig_seconds(),
            inception: inception.to_rrsig_seconds(),
            tag: key.tag(),
            signer: zone.clone(),
            signature: Arc::from([]),
        }
    }

    /// Signs `set`: the same key, set and times give the same octets.
    pub fn sign(
        set: &RrSet,
        key: &SigningKey,
        zone: &Name,
        inception: Timestamp,
        expiration: Timestamp,
    ) -> Self {
        let mut rrsig = Self::unsigned(set, key.public(), zone, inception, expiration);
        rrsig.signature = key.sign(&set.to_be_signed(&rrsig)).into();
        rrsig
    }

    /// Parses RRSIG data.
    pub fn parse(data: &Rdata) -> Option<Self> {
        Self::read(data.octets())
    }

    /// The same from its octets.
    pub(crate) fn read(octets: &[u8]) -> Option<Self> {
        let (head, rest) = octets.split_at_checked(18)?;
        let (signer, signature) = split_name(rest)?;
        let word = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
        let long = |at: usize| u32::from(word(at)) << 16 | u32::from(word(at + 2));
        Some(Self {
            covered: RecordType::from(word(0)),
            algorithm: head[2],
            labels: head[3],
            original_ttl: long(4),
            expiration: long(8),
            inception: long(12),
            tag: word(16),
            signer,
            signature: signature.into(),
        })
    }

    /// Everything but the signature, as it is signed and as it goes on the wire.
    pub fn fields(&self) -> Vec<u8> {
        // Mostly something follows: the RRset, or the signature.
        let mut octets = Vec::with_capacity(256);
        octets.extend(u16::from(self.covered).to_be_bytes());
        octets.extend([self.algorithm, self.labels]);
        octets.extend(self.original_ttl.to_be_bytes());
        octets.extend(self.expiration.to_be_bytes());
        octets.extend(self.inception.to_be_bytes());
        octets.extend(self.tag.to_be_bytes());
        octets.extend(canonical_wire(&self.signer));
        octets
    }

    /// The record's data.
    pub fn to_rdata(&self) -> Rdata {
        let mut octets = self.fields();
        octets.extend(&*self.signature);
        Rdata::from_octets(octets)
    }

    /// Whether `now` lies between inception and expiration, both included (RFC 4035 §5.3.1).
    pub fn covers(&self, now: Timestamp) -> bool {
        let now_field = now.to_rrsig_seconds();
        let ahead = |later: u32, earlier: u32| later.wrapping_sub(earlier) as i32 >= 0;
        ahead(now_field, self.inception) && ahead(self.expiration, now_field)
    }

    /// Inception and expiration as instants near `now`.
    pub fn validity(&self, now: Timestamp) -> (Timestamp, Timestamp) {
        (
            Timestamp::from_rrsig_seconds(self.inception, now),
            Timestamp::from_rrsig_seconds(self.expiration, now),
        )
    }
}

/// How many memoised answers a [`Verifier`] holds before it starts anew.
const MEMO_ENTRIES_MAX: usize = 1 << 16;
/// The same for the octets of what was signed: whoever publishes large RRsets decides about those.
const MEMO_OCTETS_MAX: usize = 64 << 20;

/// Answers "did this key make this signature over this RRset?", and remembers the last answer about
/// each signature: nearly all of them are only ever asked about with one key and one RRset.
#[derive(Clone, Debug, Default)]
pub struct Verifier {
    // By signature. Never iterated: only the answer to a question asked before is looked up.
    #[allow(clippy::disallowed_types)]
    memo: std::collections::HashMap<Arc<[u8]>, Asked>,
    /// Of everything signed that was put into the memo since it was begun.
    octets: usize,
    verifications: u64,
}

/// What was last asked about a signature.
#[derive(Clone, Debug)]
struct Asked {
    signed: Vec<u8>,
    key: Dnskey,
    is_made: bool,
}

impl Verifier {
    /// Cryptography only: neither the time nor the key's flags are looked at.
    pub fn made_by(&mut self, set: &RrSet, rrsig: &Rrsig, key: &Dnskey) -> bool {
        if rrsig.algorithm != key.algorithm
            || rrsig.tag != key.tag()
            || rrsig.covered != set.rtype
            || rrsig.labels > set.name.num_labels()
        {
            return false;
        }
        let signed = set.to_be_signed(rrsig);
        if let Some(asked) = self.memo.get(&rrsig.signature)
            && asked.signed == signed
            && asked.key == *key
        {
            return asked.is_made;
        }
        self.octets += signed.len();
        if self.memo.len() >= MEMO_ENTRIES_MAX || self.octets > MEMO_OCTETS_MAX {
            self.memo.clear();
            self.octets = signed.len();
        }
        self.verifications += 1;
        let is_made = key.verify(&signed, &rrsig.signature);
        let asked = Asked {
            signed,
            key: key.clone(),
            is_made,
        };
        self.memo.insert(Arc::clone(&rrsig.signature), asked);
        is_made
    }

    /// How many signatures were really verified so far.
    pub fn verifications(&self) -> u64 {
        self.verifications
    }
}
