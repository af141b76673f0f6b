//! Validation (RFC 4035 §5) as functions of data and `now`: who signed this, and does it chain?
//!
//! Owns the two links of a chain: a DNSKEY RRset under a DS RRset, and an RRset under a DNSKEY RRset;
//! [`denial`] is what NSEC and NSEC3 records prove once they are authentic, [`shared`] a memo for
//! several agents.
//! Knows neither caches nor servers; what to do about a failure is for its callers.

pub mod denial;
pub mod nsec3;
pub mod shared;

use std::{collections::BTreeSet, fmt};

use crate::{
    key::{DIGEST_SHA256, DIGEST_SHA384, Dnskey, VERIFIABLE},
    name::{Name, RecordType},
    rdata::Ds,
    rrset::SignedRrSet,
    signature::{Rrsig, Verifier},
    time::Timestamp,
};

/// Which algorithms and digests count, and whether every algorithm of the DS RRset must sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Algorithm numbers that count as supported.
    pub algorithms: BTreeSet<u8>,
    /// Digest types that count as supported.
    pub digests: BTreeSet<u8>,
    /// Demand a valid signature for every supported algorithm of the DS RRset, as RFC 6840 §5.11
    /// tells validators not to and some do.
    pub every_ds_algorithm: bool,
}

impl Default for Policy {
    /// RFC 6840 §5.11: one valid path is enough.
    fn default() -> Self {
        Self {
            algorithms: VERIFIABLE.into(),
            digests: [DIGEST_SHA256, DIGEST_SHA384].into(),
            every_ds_algorithm: false,
        }
    }
}

impl Policy {
    /// The DS records that this validator can use. None of them: the delegation is insecure for it.
    pub fn usable<'a>(&'a self, ds: &'a [Ds]) -> impl Iterator<Item = &'a Ds> {
        ds.iter().filter(|ds| {
            self.algorithms.contains(&ds.algorithm) && self.digests.contains(&ds.digest_type)
        })
    }
}

/// Why a link does not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Broken {
    /// No signature at all.
    Unsigned,
    /// No DS matches any key of the DNSKEY RRset.
    NoKeyForDs,
    /// Signatures are there, but none by a key that may sign: these are the tags that did.
    NoSuchKey(Vec<u16>),
    /// A key that may sign has the right tag, but did not make the signature.
    BadSignature(u16),
    /// It would hold at another time: this signature has expired, or is not valid yet.
    OutOfTime(u16),
    /// One algorithm of the DS RRset does not sign.
    AlgorithmMissing(u8),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned => f.write_str("it carries no signature"),
            Self::NoKeyForDs => f.write_str("no DS matches any key of the DNSKEY RRset"),
            Self::NoSuchKey(tags) => {
                write!(
                    f,
                    "it is signed by key tags {tags:?}, none of which may sign here"
                )
            }
            Self::BadSignature(tag) => write!(f, "the signature by key tag {tag} is not right"),
            Self::OutOfTime(tag) => {
                write!(
                    f,
                    "the signature by key tag {tag} has expired or is not valid yet"
                )
            }
            Self::AlgorithmMissing(algorithm) => {
                write!(
                    f,
                    "algorithm {algorithm} of the DS RRset has no valid signature"
                )
            }
        }
    }
}

impl std::error::Error for Broken {}

/// The keys of an RRset of DNSKEY or CDNSKEY records; records that are no keys are left out.
pub fn keys_of(signed: &SignedRrSet) -> Vec<Dnskey> {
    signed.set.data.iter().filter_map(Dnskey::parse).collect()
}

/// The DS records of an RRset of DS or CDS records; records that are none are left out.
pub fn ds_of(signed: &SignedRrSet) -> Vec<Ds> {
    signed.set.data.iter().filter_map(Ds::parse).collect()
}

/// The first signature of `zone` on `signed` that one of `keys` made and that holds at `now`
/// (RFC 4035 §5.3). Keys that may not sign zone data are passed over.
pub fn by_keys<'a>(
    zone: &Name,
    keys: &[Dnskey],
    signed: &'a SignedRrSet,
    now: Timestamp,
    verifier: &mut Verifier,
) -> Result<&'a Rrsig, Broken> {
    if signed.signatures.is_empty() {
        return Err(Broken::Unsigned);
    }
    let mut why = None;
    for rrsig in &signed.signatures {
        if rrsig.signer != *zone || !zone.zone_of(&signed.set.name) {
            continue;
        }
        for key in keys.iter().filter(|key| key.is_usable()) {
            if key.algorithm != rrsig.algorithm || key.tag() != rrsig.tag {
                continue;
            }
            if !verifier.made_by(&signed.set, rrsig, key) {
                why = why.or(Some(Broken::BadSignature(rrsig.tag)));
            } else if !rrsig.covers(now) {
                why = Some(Broken::OutOfTime(rrsig.tag));
            } else {
                return Ok(rrsig);
            }
        }
    }
    let tags = || signed.signatures.iter().map(|rrsig| rrsig.tag).collect();
    Err(why.unwrap_or_else(|| Broken::NoSuchKey(tags())))
}

/// Authenticates a DNSKEY RRset by a DS RRset of which at least one record is usable
/// (RFC 4035 §5.2): returns the keys, which may from now on sign the zone's data.
pub fn dnskey_by_ds(
    zone: &Name,
    ds: &[Ds],
    dnskey: &SignedRrSet,
    policy: &Policy,
    now: Timestamp,
    verifier: &mut Verifier,
) -> Result<Vec<Dnskey>, Broken> {
    debug_assert_eq!(dnskey.set.rtype, RecordType::DNSKEY, "a DNSKEY RRset");
    let keys = keys_of(dnskey);
    let anchored: Vec<Dnskey> = keys
        .iter()
        .filter(|key| policy.usable(ds).any(|ds| key.matches(zone, ds)))
        .cloned()
        .collect();
    if anchored.is_empty() {
        return Err(Broken::NoKeyForDs);
    }
    if !policy.every_ds_algorithm {
        by_keys(zone, &anchored, dnskey, now, verifier)?;
        return Ok(keys);
    }
    let algorithms: BTreeSet<u8> = policy.usable(ds).map(|ds| ds.algorithm).collect();
    by_algorithms(zone, &anchored, &algorithms, dnskey, now, verifier)?;
    Ok(keys)
}

/// Demands a signature as [`by_keys`] does by a key of each of `algorithms`, for validators that are
/// strict where RFC 6840 §5.11 says not to be.
pub fn by_algorithms(
    zone: &Name,
    keys: &[Dnskey],
    algorithms: &BTreeSet<u8>,
    signed: &SignedRrSet,
    now: Timestamp,
    verifier: &mut Verifier,
) -> Result<(), Broken> {
    for algorithm in algorithms {
        let of_it: Vec<Dnskey> = keys
            .iter()
            .filter(|key| key.algorithm == *algorithm)
            .cloned()
            .collect();
        by_keys(zone, &of_it, signed, now, verifier)
            .map_err(|_| Broken::AlgorithmMissing(*algorithm))?;
    }
    Ok(())
}
