//! What whoever directs a run decides beside the scenario: how long it goes on, and what explorers
//! choose that no file says.

use std::time::Duration;

use counterpoint_simnet::net::Net;

use crate::scenario::LONGEST_DEFAULT;

/// How a scenario is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direction {
    /// The longest run of a scenario that names no duration.
    pub longest: Duration,
    /// Until every hold window has closed; else it ends when nobody acts any more: no violation
    /// begins after that, for nothing new is served (`docs/oracle.md`, "finitely many instants").
    pub until_forgotten: bool,
    /// When the first scan begins; none: drawn from the seed.
    pub first_scan: Option<Duration>,
    /// An agent that is stopped in mid-work and restored from its records.
    pub cut: Option<Cut>,
    /// Whether the world notes every message and arrival.
    pub is_noted: bool,
    /// Whether the controller keeps an audit log.
    pub is_audited: bool,
    /// Whether it is noted what each resolution took.
    pub is_timed: bool,
    /// Whether resolvers believe everything, for want of a trust anchor: a defect to be noticed.
    pub is_gullible: bool,
    /// Where every server is.
    pub net: Net,
}

impl Default for Direction {
    fn default() -> Self {
        Self {
            longest: LONGEST_DEFAULT,
            until_forgotten: true,
            first_scan: None,
            cut: None,
            is_noted: false,
            is_audited: false,
            is_timed: false,
            is_gullible: false,
            net: Net::default(),
        }
    }
}

/// Where an agent is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Which.
    pub who: Who,
    /// After so many of its outputs were carried out.
    pub after: u64,
}

/// An agent that keeps records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// The multi-signer controller.
    Controller,
    /// The parental agent.
    Scanner,
}
