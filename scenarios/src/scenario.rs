//! A scenario as plain data: everything defaulted, every name checked.
//!
//! Owns what a scenario file can say, and says nothing of how it is read ([`crate::load`]), judged
//! for sense (`lint`) or run. A field that files may leave out and that depends on others
//! is an `Option` here, with a method that computes it.

pub mod dynamic;
pub mod event;
pub mod fault;
pub mod judge;
pub mod language;
pub mod parent;
mod print;
pub mod resolver;
pub(crate) mod setting;
pub mod signer;
pub mod time;
pub mod zone;

use std::time::Duration;

use counterpoint_dns::{
    name::{Name, parse_name},
    time::Timestamp,
};

pub use self::{
    dynamic::{By, Dynamic},
    event::{CdsType, CsyncFlags, Digest, Event, KeyKind, Keys, Notified, What},
    fault::{Fault, FaultKind, Rate, Rcode, Target},
    judge::{
        Expect, ExpectedViolation, Judge, ParentState, Profile, Property, Quantifier, Verdict,
    },
    parent::{
        Algorithm, Bootstrap, CdsAfter, Continuity, Controller, ControllerSabotage, Denial,
        KskRoll, LONGEST_DEFAULT, Parent, Scanner, ScannerSabotage,
    },
    resolver::{
        Digests, GiveUp, NsView, Prefetch, Question, Resolver, ResolverProfile, Selection, Skew,
        Strictness, Validation,
    },
    setting::Setting,
    signer::{Group, Hsm, Interface, KeyLayout, NamesIn, Nsec3, Quirk, Servers, Signer},
    time::{Range, Safety, Ttl},
    zone::{Data, Model, Record, SoaTimers, WrittenName, Zone, rrsets},
};

/// The start of a run that names none: 2026-01-01T00:00:00Z.
pub const DEFAULT_START: Timestamp = Timestamp::from_seconds(1_767_225_600);

setting::settings! {
    /// What stands at the top of a file, outside any table.
    pub(crate) struct Head {
        /// One line for reports.
        title "title": String = String::new(),
        /// Provenance.
        source "source": String = String::new(),
        /// Seed.
        seed "seed": u64 = 1,
        /// The first instant.
        start "start": Timestamp = DEFAULT_START,
        /// How long.
        duration "duration": Option<Duration> = None,
    }
}

/// A scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// One line, shown in reports.
    pub title: String,
    /// Provenance: RFC, issue, incident.
    pub source: String,
    /// What all chance is drawn from.
    pub seed: u64,
    /// The first instant.
    pub start: Timestamp,
    /// How long; none: until every process ended and every hold window closed, at most 60 days.
    pub duration: Option<Duration>,
    /// The delegating zone.
    pub parent: Parent,
    /// The parental agent.
    pub scanner: Scanner,
    /// The multi-signer controller.
    pub controller: Controller,
    /// The signers.
    pub signers: Vec<Signer>,
    /// Groups of signers that zones share.
    pub groups: Vec<Group>,
    /// The zones.
    pub zones: Vec<Zone>,
    /// Who decides the verdict.
    pub judge: Judge,
    /// Concrete resolvers.
    pub resolvers: Vec<Resolver>,
    /// What happens, in the order of the file.
    pub events: Vec<Event>,
    /// What breaks.
    pub faults: Vec<Fault>,
    /// What should come out.
    pub expect: Expect,
}

impl Default for Scenario {
    fn default() -> Self {
        let head = Head::default();
        Self {
            title: head.title,
            source: head.source,
            seed: head.seed,
            start: head.start,
            duration: head.duration,
            parent: Parent::default(),
            scanner: Scanner::default(),
            controller: Controller::default(),
            signers: Vec::new(),
            groups: Vec::new(),
            zones: Vec::new(),
            judge: Judge::default(),
            resolvers: Resolver::usual(),
            events: Vec::new(),
            faults: Vec::new(),
            expect: Expect::default(),
        }
    }
}

impl Scenario {
    /// The signer of this name.
    pub fn signer(&self, name: &str) -> Option<&Signer> {
        self.signers.iter().find(|signer| signer.name == name)
    }

    /// The group of this name.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// The zone of this name.
    pub fn zone(&self, name: &Name) -> Option<&Zone> {
        self.zones.iter().find(|zone| zone.name == *name)
    }

    /// The zone, if there is one only.
    pub fn only_zone(&self) -> Option<&Zone> {
        match self.zones.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// How long the controller thinks that the parent takes: as said, else the scanner's interval
    /// plus its longest publication delay.
    pub fn parent_settle(&self) -> Duration {
        self.controller
            .parent_settle
            .unwrap_or(self.scanner.interval + self.scanner.publish_delay.high)
    }

    /// The names of a signer's servers for a zone, in the order of their numbers.
    pub fn server_names(&self, signer: &Signer, zone: &Name) -> Vec<Name> {
        signer.server_names(&self.parent.zone, zone)
    }

    /// The names of the parent's servers: `ns1.nic.test.` and so on.
    pub fn parent_server_names(&self) -> Vec<Name> {
        let zone = &self.parent.zone;
        let name = |number| match zone.is_root() {
            true => format!("ns{number}.nic."),
            false => format!("ns{number}.nic.{}", zone),
        };
        (1..=self.parent.servers)
            .filter_map(|number| parse_name(&name(number)).ok())
            .collect()
    }

    /// Events in the order in which they happen; those of one instant in the order of the file.
    pub fn events_by_time(&self) -> Vec<&Event> {
        let mut events: Vec<&Event> = self.events.iter().collect();
        events.sort_by_key(|event| event.at);
        events
    }
}
