//! What a scanner is told: where, how often, and by which policy.
//!
//! Plain data. Owns the names of the deliberate defects; decides nothing itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    str::FromStr,
    time::Duration,
};

use counterpoint_dns::{name::Name, resolver, time::Timestamp, tsig::TsigKey};

use crate::{policy::Policy, registry::Facts};

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
    /// How far it asks where a verdict needs no more.
    pub depth: Depth,
    /// What a verdict depends on, and how politely servers are asked.
    pub policy: Policy,
    /// Whether the policy's brakes hold back what waits to be published; a plan is held back by who makes it.
    pub brakes: bool,
    /// What the registry's own data say, by child; of others, what [`Facts::default`] says.
    pub facts: BTreeMap<Name, Facts>,
    /// The resolver that finds nameserver addresses; without one, glue and `addresses` must do.
    pub resolver: Option<resolver::Config>,
    /// Addresses of nameservers that the resolver need not find.
    pub addresses: BTreeMap<Name, BTreeSet<IpAddr>>,
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
            depth: Depth::Signals,
            policy: Policy::default(),
            brakes: false,
            facts: BTreeMap::new(),
            resolver: None,
            addresses: BTreeMap::new(),
        }
    }
}

/// How far children are asked that may well ask for nothing. The verdicts are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// One server first, and all of them where there is something to judge.
    Glance,
    /// Every server for its signals, and for its keys where something is requested: for reports.
    Signals,
    /// Every server for both: to explain a child.
    Everything,
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
    /// Takes CDS for DS as it is: no digest type is left out, and none is computed.
    CopiesCds,
}

impl Sabotage {
    /// All of them, with their names in scenario files.
    pub const ALL: [(Self, &'static str); 12] = [
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
        (Self::CopiesCds, "copies-cds"),
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
