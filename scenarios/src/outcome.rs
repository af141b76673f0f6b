//! What came out of a run: plain data that carries everything that reports and JSON need.

mod json;
mod text;

use std::{collections::BTreeMap, fmt, time::Duration};

use counterpoint_dns::{
    name::Name,
    oracle::{self, history::History},
    time::Timestamp,
};
use counterpoint_reports::run::Resolver;

pub use self::text::Style;
use crate::scenario::{Property, Quantifier, Verdict};

/// Everything that is known after a run. Instants are offsets from the start.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The file that it came from, as reports call it.
    pub scenario: String,
    /// The scenario's title.
    pub title: String,
    /// The seed that was used.
    pub seed: u64,
    /// The first instant.
    pub start: Timestamp,
    /// How long the run was, in virtual time.
    pub virtual_time: Duration,
    /// What the oracle says under the profiles and the quantifier of the judge.
    pub verdict: Verdict,
    /// What was expected and did not come; filled by [`crate::expectations::unmet`].
    pub unmet: Vec<Unmet>,
    /// All violations, those that do not decide the verdict included.
    pub violations: Vec<Violation>,
    /// The processes of the controller.
    pub processes: Vec<Process>,
    /// How often the scanner gave each reason code.
    pub reasons: BTreeMap<String, u64>,
    /// Steps (`join/5`), faults (`fault/dead`) and profiles that were reached.
    pub reached: Vec<String>,
    /// For every zone, whose nameservers the parent's NS RRset names at the end, sorted.
    pub delegated_to: BTreeMap<Name, Vec<String>>,
    /// Whether rdata or TTL of a DS, NS or glue RRset of the parent changed.
    pub parent_changed: bool,
    /// Outages that faults caused and that count as no violation, in prose.
    pub outages: Vec<String>,
    /// What a person should know beside, in prose.
    pub warnings: Vec<String>,
    /// What concrete resolvers saw, in prose.
    pub notes: Vec<String>,
    /// How each concrete resolver fared.
    pub resolvers: Vec<Resolver>,
    /// What the oracle read: who served what, by zone.
    pub histories: BTreeMap<Name, History>,
    /// The event log, one line an event.
    pub event_log: Vec<String>,
    /// A failure of this software, not of the scenario: exit code 3.
    pub internal_error: Option<String>,
}

/// One expectation that was not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    /// Which: the key in `[expect]`.
    pub expectation: &'static str,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
}

/// As `verdict: expected safe, found unsafe`.
impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            expectation,
            expected,
            found,
        } = self;
        write!(f, "{expectation}: expected {expected}, found {found}")
    }
}

/// One violation of one property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What is violated.
    pub property: Property,
    /// For which validators, as reports call the profile.
    pub profile: String,
    /// For which caches.
    pub quantifier: Quantifier,
    /// In which zone.
    pub zone: Name,
    /// First unsafe instant.
    pub from: Duration,
    /// First safe instant after; none: it lasts beyond the run.
    pub until: Option<Duration>,
    /// How it comes about, in prose: servers, key tags, fetch times.
    pub witness: String,
    /// The same as the oracle found it, for its own properties.
    pub proof: Option<Box<oracle::Violation>>,
    /// How much too early the change was, where that can be said.
    pub margin: Option<Duration>,
    /// How much longer the consequences may last, where it is remembered that an answer was bogus.
    pub tail: Option<Duration>,
    /// Whether it decides the verdict: its property, its profile and its quantifier are the judge's.
    pub decides: bool,
}

/// One process of the controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// In which zone.
    pub zone: Name,
    /// What, as `join beta`.
    pub process: String,
    /// How it ended.
    pub outcome: ProcessOutcome,
    /// When it ended; none: not by the end of the run.
    pub ended: Option<Duration>,
    /// Its steps, in order.
    pub steps: Vec<Step>,
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProcessOutcome {
    /// It did what it was asked.
    Done,
    /// Refused at its prerequisites: why.
    Refused(String),
    /// A person must act: why.
    Blocked(String),
    /// Not done by the end of the run: why, if known.
    Unfinished(String),
    /// Run back on request.
    Cancelled,
}

impl ProcessOutcome {
    /// In one word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused(_) => "refused",
            Self::Blocked(_) => "blocked",
            Self::Unfinished(_) => "unfinished",
            Self::Cancelled => "cancelled",
        }
    }

    /// Why, where there is something to say.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Refused(why) | Self::Blocked(why) | Self::Unfinished(why) if !why.is_empty() => {
                Some(why)
            }
            _ => None,
        }
    }
}

/// As `blocked: the parent does not act`.
impl fmt::Display for ProcessOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        self.why().map_or(Ok(()), |why| write!(f, ": {why}"))
    }
}

/// One step of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it comes to, for people.
    pub title: &'static str,
    /// What, as `join/5 wait for DS and DNSKEY`.
    pub name: String,
    /// When it began.
    pub from: Duration,
    /// When it was done; none: not by the end of the run.
    pub until: Option<Duration>,
    /// How much earlier it could have been done.
    pub slack: Option<Duration>,
}

impl Outcome {
    /// An outcome of nothing yet: safe, and nothing happened.
    pub fn of(scenario: &crate::scenario::Scenario) -> Self {
        Self {
            scenario: String::new(),
            title: scenario.title.clone(),
            seed: scenario.seed,
            start: scenario.start,
            virtual_time: Duration::ZERO,
            verdict: Verdict::Safe,
            unmet: Vec::new(),
            violations: Vec::new(),
            processes: Vec::new(),
            reasons: BTreeMap::new(),
            reached: Vec::new(),
            delegated_to: BTreeMap::new(),
            parent_changed: false,
            outages: Vec::new(),
            warnings: Vec::new(),
            notes: Vec::new(),
            resolvers: Vec::new(),
            histories: BTreeMap::new(),
            event_log: Vec::new(),
            internal_error: None,
        }
    }

    /// Whether everything came as expected.
    pub fn as_expected(&self) -> bool {
        self.unmet.is_empty() && self.internal_error.is_none()
    }

    /// SHA-256 of the event log, every line ended by a newline, in hexadecimal.
    pub fn event_log_sha256(&self) -> String {
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        for line in &self.event_log {
            context.update(line.as_bytes());
            context.update(b"\n");
        }
        let digest = context.finish();
        digest
            .as_ref()
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect()
    }
}
