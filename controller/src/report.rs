//! What became of each request, as data: for reports, scenarios and people. Survives a restart.

use std::fmt;

use counterpoint_dns::{name::Name, time::Timestamp};
use serde::{Deserialize, Serialize};

/// How a process stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Waits for the process before it.
    Queued,
    /// Observes, or writes.
    Running,
    /// A deadline must pass.
    Waiting,
    /// Somebody else must act, and will.
    Watching,
    /// A person must act.
    Blocked,
    /// It cannot be done; nothing was changed.
    Refused,
    /// It is done.
    Done,
}

impl Outcome {
    /// Whether nothing will change any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Refused | Self::Done)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Watching => "watching",
            Self::Blocked => "blocked",
            Self::Refused => "refused",
            Self::Done => "done",
        })
    }
}

/// One step of one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepReport {
    /// Its name: `join/5`.
    pub name: String,
    /// What it comes to, for people.
    pub title: &'static str,
    /// When it began.
    pub from: Timestamp,
    /// When it was done.
    pub until: Option<Timestamp>,
    /// When it first wrote something, if it did.
    pub applied_at: Option<Timestamp>,
}

/// One process of one zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessReport {
    /// The zone.
    pub zone: Name,
    /// `join` or `leave`.
    pub process: String,
    /// Who joins or leaves.
    pub signer: String,
    /// How it stands.
    pub outcome: Outcome,
    /// Why, for people.
    pub reason: String,
    /// When the deadline passes that it waits for.
    pub until: Option<Timestamp>,
    /// Its steps so far, in order.
    pub steps: Vec<StepReport>,
}
