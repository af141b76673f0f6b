//! What the oracle answers: violations, outages, warnings.
//!
//! Owns the vocabulary of verdicts. Computes nothing.

use std::{fmt, time::Duration};

use super::{
    history::InstanceId,
    intervals::Intervals,
    witness::{Fetch, Witness},
};
use crate::time::Timestamp;

/// Over what "every cache" ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quantifier {
    /// Every combination of what some cache may hold: forwarders, stubs that validate behind
    /// caches, CD=1, persisted caches.
    AnyCache,
    /// One validator with one cache, which judges each RRset once, when it fetches it.
    OneResolver,
}

/// What must hold at every instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Property {
    /// No possible cache gets Bogus.
    Secure,
    /// No possible cache holds the proof of "no DS" while the zone must be signed.
    NeverInsecure,
    /// Every NS RRset in a possible cache leads to a server that answers authoritatively.
    Reachable,
    /// No NSEC record in a possible cache denies what every server of the delegation served when it came.
    NoFalseDenial,
}

/// One way in which a property fails, with its first instant and how it comes about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What is violated.
    pub property: Property,
    /// The name of the profile for which it is.
    pub profile: String,
    /// Over which caches.
    pub quantifier: Quantifier,
    /// The zone.
    pub zone: String,
    /// First unsafe instant.
    pub from: Timestamp,
    /// End of the unsafe stretch that begins then.
    pub until: Timestamp,
    /// Every unsafe instant, this stretch and later ones.
    pub during: Intervals,
    /// How it comes about at `from`.
    pub witness: Witness,
    /// How much later the newer version would have had to begin: until `from + margin` the older
    /// can be held.
    pub margin: Duration,
}

/// No server answered a cache that held this NS RRset, because of injected faults alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// The NS RRset.
    pub ns: Fetch,
    /// First instant without any server.
    pub from: Timestamp,
    /// First instant after.
    pub until: Timestamp,
}

/// A server that an NS RRset leads to does not answer authoritatively; others of it do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The lame server.
    pub instance: InstanceId,
    /// The NS RRset that leads to it.
    pub ns: Fetch,
    /// First instant.
    pub from: Timestamp,
    /// First instant after.
    pub until: Timestamp,
}

/// All that the oracle has to say of one history and one profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// At most one for each property and quantifier, in that order.
    pub violations: Vec<Violation>,
    /// What injected faults did, and nobody else.
    pub outages: Vec<Outage>,
    /// Harmless so far.
    pub warnings: Vec<Warning>,
}

impl Judgement {
    /// Whether nothing is violated.
    pub fn is_safe(&self) -> bool {
        self.violations.is_empty()
    }

    /// The violation of this property and quantifier, if there is one.
    pub fn of(&self, property: Property, quantifier: Quantifier) -> Option<&Violation> {
        self.violations
            .iter()
            .find(|v| v.property == property && v.quantifier == quantifier)
    }
}

impl fmt::Display for Quantifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AnyCache => "any-cache",
            Self::OneResolver => "one-resolver",
        })
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secure => "secure",
            Self::NeverInsecure => "never-insecure",
            Self::Reachable => "reachable",
            Self::NoFalseDenial => "no-false-denial",
        })
    }
}
