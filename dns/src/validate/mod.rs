//! Validation (RFC 4035 §5) as functions of data and `now`: who signed this, and does it chain?
//!
//! Owns the two links of a chain: a DNSKEY RRset under a DS RRset, and an RRset under a DNSKEY RRset;
//! [`denial`] is what NSEC and NSEC3 records prove once they are authentic, [`shared`] a memo for
//! several agents.
//! Knows neither caches nor servers; what to do about a failure is for its callers.

pub mod denial;
pub mod nsec3;
pub mod shared;
mod tolerance;

use std::{collections::BTreeSet, fmt};

pub use self::tolerance::{Leeway, Tolerance};

use crate::{
    key::{DIGEST_SHA256, DIGEST_SHA384, Dnskey, VERIFIABLE},
    name::{Name, RecordType},
    rdata::Ds,
    rrset::SignedRrSet,
    signature::{Rrsig, Verifier},
    time::Timestamp,
};

/// Which of several supported digests in a DS RRset count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DigestChoice {
    /// Any supported one.
    Any,
    /// SHA-1 is ignored where a supported SHA-2 digest stands beside it (RFC 4509 §3).
    NoSha1BesideSha2,
    /// Only the strongest supported digest of the whole RRset counts.
    StrongestOnly,
}

/// How strong a digest type is: SHA-1, GOST, SHA-256, SHA-384, then whatever was registered later.
pub fn digest_strength(digest_type: u8) -> u8 {
    match digest_type {
        1 => 0,
        3 => 1,
        2 => 2,
        other => other.max(3),
    }
}

/// Which algorithms and digests count, which algorithms must all sign, and how exact signatures must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Algorithm numbers that count as supported.
    pub algorithms: BTreeSet<u8>,
    /// Digest types that count as supported.
    pub digests: BTreeSet<u8>,
    /// Demand a valid signature for every supported algorithm of the DS RRset, as RFC 6840 §5.11
    /// tells validators not to and some do.
    pub every_ds_algorithm: bool,
    /// Demand a valid signature for every supported algorithm of the DNSKEY RRset (RFC 4035 §2.2,
    /// read as a rule for validators).
    pub every_dnskey_algorithm: bool,
    /// Which of the supported digests of a DS RRset count.
    pub digest_choice: DigestChoice,
    /// How far signatures may be off.
    pub tolerance: Tolerance,
}

impl Default for Policy {
    /// RFC 6840 §5.11: one valid path is enough.
    fn default() -> Self {
        Self {
            algorithms: VERIFIABLE.into(),
            digests: [DIGEST_SHA256, DIGEST_SHA384].into(),
            every_ds_algorithm: false,
            every_dnskey_algorithm: false,
            digest_choice: DigestChoice::Any,
            tolerance: Tolerance::default(),
        }
    }
}

impl Policy {
    /// The DS records that this validator can use. None of them: the delegation is insecure for it.
    pub fn usable<'a>(&'a self, ds: &'a [Ds]) -> impl Iterator<Item = &'a Ds> {
        let supported = |ds: &&Ds| {
            self.algorithms.contains(&ds.algorithm) && self.digests.contains(&ds.digest_type)
        };
        let strengths = || {
            let supported = ds.iter().filter(supported);
            supported.map(|ds| digest_strength(ds.digest_type))
        };
        let least = match self.digest_choice {
            DigestChoice::Any => 0,
            DigestChoice::NoSha1BesideSha2 => {
                let sha2 = digest_strength(DIGEST_SHA256);
                strengths().max().unwrap_or_default().min(sha2)
            }
            DigestChoice::StrongestOnly => strengths().max().unwrap_or_default(),
        };
        ds.iter()
            .filter(supported)
            .filter(move |ds| digest_strength(ds.digest_type) >= least)
    }

    /// The supported algorithms of keys that may sign.
    pub fn algorithms_of(&self, keys: &[Dnskey]) -> BTreeSet<u8> {
        let usable = keys.iter().filter(|key| key.is_usable());
        let algorithms = usable.map(|key| key.algorithm);
        algorithms
            .filter(|algorithm| self.algorithms.contains(algorithm))
            .collect()
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
    /// One algorithm of those that must does not sign.
    AlgorithmMissing(u8),
    /// More signatures of this key tag were wrong than are tried.
    TooManyBad(u16),
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
                    "algorithm {algorithm} has to sign and has no valid signature"
                )
            }
            Self::TooManyBad(tag) => {
                write!(f, "too many signatures of key tag {tag} are not right")
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
    by_keys_within(&Tolerance::default(), zone, keys, signed, now, verifier)
}

/// The same for a validator that is less exact, or gives up sooner.
pub fn by_keys_within<'a>(
    tolerance: &Tolerance,
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
    let mut bad = 0;
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
                bad += 1;
                if tolerance.bad_signatures_max.is_some_and(|max| bad > max) {
                    return Err(Broken::TooManyBad(rrsig.tag));
                }
            } else if !tolerance.covers(rrsig, now) {
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
    let tolerance = &policy.tolerance;
    by_keys_within(tolerance, zone, &anchored, dnskey, now, verifier)?;
    if policy.every_ds_algorithm {
        let algorithms: BTreeSet<u8> = policy.usable(ds).map(|ds| ds.algorithm).collect();
        by_algorithms(policy, zone, &anchored, &algorithms, dnskey, now, verifier)?;
    }
    if policy.every_dnskey_algorithm {
        let algorithms = policy.algorithms_of(&keys);
        by_algorithms(policy, zone, &keys, &algorithms, dnskey, now, verifier)?;
    }
    Ok(keys)
}

/// Demands a signature as [`by_keys`] does by a key of each of `algorithms`, for validators that are
/// strict where RFC 6840 §5.11 says not to be.
pub fn by_algorithms(
    policy: &Policy,
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
        by_keys_within(&policy.tolerance, zone, &of_it, signed, now, verifier)
            .map_err(|_| Broken::AlgorithmMissing(*algorithm))?;
    }
    Ok(())
}
