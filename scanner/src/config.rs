//! What the operator of the parent decides: where, how often, and how strictly.
//!
//! Plain data. Owns the defaults and the names of the deliberate defects; decides nothing itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    str::FromStr,
    time::Duration,
};

use counterpoint_dns::{
    key::DIGEST_SHA256, name::Name, resolver, time::Timestamp, tsig::TsigKey, validate,
};

/// Everything that a scanner is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// The delegating zone.
    pub parent: Name,
    /// Its primary: gives the zone (AXFR), takes the updates.
    pub parent_primary: SocketAddr,
    /// Signs transfers and updates, if the primary wants that.
    pub tsig: Option<TsigKey>,
    /// When the first scan starts; at once, if that time has passed.
    pub first_scan: Timestamp,
    /// From the start of one scan to the start of the next.
    pub interval: Duration,
    /// From a verdict to the update at the parent: each is drawn from this range.
    pub publish_delay: RangeInclusive<Duration>,
    /// Whether CDS and CDNSKEY are looked for.
    pub cds: bool,
    /// Whether CSYNC is looked for.
    pub csync: bool,
    /// Whether the DS RRset may be removed on request (RFC 8078 §4).
    pub deletion: bool,
    /// How much of a new DS RRset must work (K-05).
    pub continuity: Continuity,
    /// Digest types that may go into a DS RRset.
    pub digests: BTreeSet<u8>,
    /// The smallest NS RRset that the parent accepts (C-15).
    pub ns_min: usize,
    /// TTL of glue under a name that has none of that type now, seconds.
    pub glue_ttl: u32,
    /// Waits before each further attempt at a silent server, until the scan goes on without it.
    pub retry: Vec<Duration>,
    /// Whether every server is asked even where one says that nothing is new: for reports.
    pub thorough: bool,
    /// The resolver that finds nameserver addresses; without one, glue and `addresses` must do.
    pub resolver: Option<resolver::Config>,
    /// Addresses of nameservers that the resolver need not find.
    pub addresses: BTreeMap<Name, BTreeSet<IpAddr>>,
    /// Deliberate defects.
    pub sabotage: BTreeSet<Sabotage>,
}

impl Config {
    /// The defaults for this parent: a scan every ten minutes from `first_scan` on.
    pub fn new(parent: Name, parent_primary: SocketAddr, first_scan: Timestamp) -> Self {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        Self {
            parent,
            parent_primary,
            tsig: None,
            first_scan,
            interval: minutes(10),
            publish_delay: Duration::ZERO..=minutes(5),
            cds: true,
            csync: true,
            deletion: true,
            continuity: Continuity::Strict,
            digests: [DIGEST_SHA256].into(),
            ns_min: 1,
            glue_ttl: 3_600,
            retry: [5, 10, 20, 40].map(minutes).into(),
            thorough: true,
            resolver: None,
            addresses: BTreeMap::new(),
            sabotage: BTreeSet::new(),
        }
    }

    /// The part that judging depends on.
    pub fn policy(&self) -> Policy {
        Policy {
            continuity: self.continuity,
            deletion: self.deletion,
            digests: self.digests.clone(),
            ns_min: self.ns_min,
            glue_ttl: self.glue_ttl,
            validation: validate::Policy::default(),
            sabotage: self.sabotage.clone(),
            muted: BTreeSet::new(),
        }
    }
}

/// What a verdict depends on besides the answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How much of a new DS RRset must work.
    pub continuity: Continuity,
    /// Whether the DS RRset may be removed on request.
    pub deletion: bool,
    /// Digest types that may go into a DS RRset.
    pub digests: BTreeSet<u8>,
    /// The smallest NS RRset that the parent accepts.
    pub ns_min: usize,
    /// TTL of glue where there was none, seconds.
    pub glue_ttl: u32,
    /// Algorithms and digests that signatures are checked with.
    pub validation: validate::Policy,
    /// Deliberate defects.
    pub sabotage: BTreeSet<Sabotage>,
    /// Reason codes of rules that are passed over, to ask what would happen without them. A
    /// scanner's own policy passes over none.
    pub muted: BTreeSet<&'static str>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            continuity: Continuity::Strict,
            deletion: true,
            digests: [DIGEST_SHA256].into(),
            ns_min: 1,
            glue_ttl: 3_600,
            validation: validate::Policy::default(),
            sabotage: BTreeSet::new(),
            muted: BTreeSet::new(),
        }
    }
}

impl Policy {
    /// Whether this defect is switched on.
    pub fn has(&self, defect: Sabotage) -> bool {
        self.sabotage.contains(&defect)
    }
}

/// How much of a new DS RRset must work at every server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Continuity {
    /// Every algorithm of the new DS RRset signs the DNSKEY RRset (RFC 6840 §5.11, for zones).
    #[default]
    Strict,
    /// One valid path is enough (RFC 10026 §4.2.1).
    OnePath,
}

impl FromStr for Continuity {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        match text {
            "strict" => Ok(Self::Strict),
            "one-path" => Ok(Self::OnePath),
            _ => Err(Unknown {
                text: text.into(),
                known: vec!["strict", "one-path"],
            }),
        }
    }
}

/// A deliberate defect, which a run must catch. Each is switched at exactly one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sabotage {
    /// Asks the addresses of the first nameserver name only.
    FirstNsOnly,
    /// Compares nothing between servers or between CDS and CDNSKEY.
    NoConsistency,
    /// Takes a signature by any key of the zone.
    AnySignature,
    /// Takes the absence of CDS and CDNSKEY as a request to remove the DS RRset.
    AbsentMeansDelete,
    /// Takes anything with algorithm 0 as a request to remove the DS RRset.
    DeleteAnyShape,
    /// Does not compare the SOA with the CSYNC's serial.
    IgnoreSoaminimum,
    /// Does not look whether the zone moved while it was read.
    NoSecondSoa,
    /// Does not look at the effect of a change.
    NoContinuity,
    /// Remembers nothing that was accepted before.
    NoReplayGuard,
    /// Remembers it by child, not by server.
    StatePerChild,
    /// Compares names as strings.
    SuffixBailiwick,
}

impl Sabotage {
    /// All of them, with their names in scenario files.
    pub const ALL: [(Self, &'static str); 11] = [
        (Self::FirstNsOnly, "first-ns-only"),
        (Self::NoConsistency, "no-consistency"),
        (Self::AnySignature, "any-signature"),
        (Self::AbsentMeansDelete, "absent-means-delete"),
        (Self::DeleteAnyShape, "delete-any-shape"),
        (Self::IgnoreSoaminimum, "ignore-soaminimum"),
        (Self::NoSecondSoa, "no-second-soa"),
        (Self::NoContinuity, "no-continuity"),
        (Self::NoReplayGuard, "no-replay-guard"),
        (Self::StatePerChild, "state-per-child"),
        (Self::SuffixBailiwick, "suffix-bailiwick"),
    ];
}

impl FromStr for Sabotage {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL
            .into_iter()
            .find_map(|(defect, name)| (name == text).then_some(defect))
            .ok_or_else(|| Unknown {
                text: text.into(),
                known: Self::ALL.map(|(_, name)| name).into(),
            })
    }
}

/// A word that names nothing here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The word as found.
    pub text: String,
    /// The words that would do.
    pub known: Vec<&'static str>,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is none of {}", self.text, self.known.join(", "))
    }
}

impl std::error::Error for Unknown {}
