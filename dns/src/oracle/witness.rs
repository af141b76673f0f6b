//! How a violation comes about: who fetched what, when, and why that fails.
//!
//! Owns [`Witness`] and [`Reason`]. A witness is a schedule: replayed fetch by fetch it fails. How
//! it is told to people is `prose`.

use super::history::{InstanceId, KeyId};
use crate::time::Timestamp;

/// What was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The DS RRset of the zone, or the proof that there is none.
    Ds,
    /// The DNSKEY RRset.
    Dnskey,
    /// An answer of the zone, such as `www.example.test. A`.
    Answer(String),
    /// The NS RRset, from parent or child.
    Ns,
    /// The address records of the nameserver name that leads to this instance.
    Address(String),
    /// NSEC records that deny this, such as `www.example.test. A`.
    Denial(String),
}

/// One RRset that came into a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Who was asked.
    pub instance: InstanceId,
    /// What it gave.
    pub what: Fetched,
    /// Index of the version in its list of the history.
    pub version: usize,
    /// When it was asked.
    pub at: Timestamp,
    /// First instant at which the instance served this version and was in reach.
    pub served_from: Timestamp,
    /// First instant at which it no longer did.
    pub served_until: Timestamp,
    /// First instant at which this cache no longer holds it.
    pub held_until: Timestamp,
}

/// The fetches that lead to failure, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The DS fetch by which one resolver found `earlier`, a DNSKEY RRset, Secure.
    pub under: Option<Fetch>,
    /// What a cache holds when `later` comes.
    pub earlier: Fetch,
    /// What does not go with it; `None` if `earlier` alone is the failure.
    pub later: Option<Fetch>,
    /// Why they fail.
    pub reason: Reason,
}

/// Why a pair fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The parent's signature on the DS RRset does not hold.
    DsNotSigned,
    /// No key of the DNSKEY RRset matches a usable DS.
    NoKeyMatchesDs,
    /// A key matches a DS, but no such key signed the DNSKEY RRset.
    DnskeyNotSignedByDsKey,
    /// The answer has no signature that verifies.
    AnswerUnsigned,
    /// The answer is signed by these keys, none of which the DNSKEY RRset holds in usable form.
    AnswerSignedByOthers(Vec<KeyId>),
    /// The last fitting signature expired then.
    Expired(Timestamp),
    /// The first fitting signature holds only from then.
    NotYetValid(Timestamp),
    /// A strict validator misses a signature of this algorithm.
    AlgorithmMissing(u8),
    /// The zone must be signed, and a cache holds the proof that it is not.
    NoDs,
    /// No server that the NS RRset leads to answers authoritatively.
    AllLame,
    /// Every server of the delegation serves what the NSEC records deny.
    ServedEverywhere,
}
