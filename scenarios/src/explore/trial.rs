//! One run, twice judged: under faults no cache may fail; and when the faults have stopped, every
//! process ends within its computed bound, or says why it does not.
//!
//! Owns what a failure is ([`Class`]). Two failures of one class break the same link of the chain for
//! the same validators.

mod safety;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use counterpoint_controller as controller;
use counterpoint_dns::oracle::{self, Reason};
use serde::{Deserialize, Serialize};

use super::bound;
use crate::{
    run::{
        direction::Direction,
        play::{Played, play_under},
        verdict,
    },
    scenario::{Property, Scenario, time::print_span},
};

/// What kind of failure.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Class {
    /// The requirement: a property of the oracle, `done-within`, or `internal`.
    pub property: String,
    /// For which caches; `-` where that is no question.
    pub quantifier: String,
    /// For which validators.
    pub profile: String,
    /// The link that breaks: why the witness fails, or the step at which a process is stuck.
    pub link: String,
}

impl Class {
    fn new(property: &str, quantifier: &str, profile: &str, link: impl Into<String>) -> Self {
        Self {
            property: property.into(),
            quantifier: quantifier.into(),
            profile: profile.into(),
            link: link.into(),
        }
    }

    fn of(violation: &oracle::Violation) -> Self {
        Self::new(
            &violation.property.to_string(),
            &violation.quantifier.to_string(),
            &violation.profile,
            link(&violation.witness.reason),
        )
    }

    /// Whether this software failed, not the zone.
    pub fn is_internal(&self) -> bool {
        self.property == INTERNAL
    }

    /// Whether a cache could fail.
    pub fn is_unsafe(&self) -> bool {
        Property::from_name(&self.property).is_some_and(Property::decides)
    }
}

const INTERNAL: &str = "internal";

/// As `secure for liberal, any-cache: no key matches the DS`.
impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.quantifier.as_str() {
            "-" => write!(f, "{}: {}", self.property, self.link),
            _ => write!(
                f,
                "{} for {}, {}: {}",
                self.property, self.profile, self.quantifier, self.link
            ),
        }
    }
}

/// The link that breaks, without keys and times.
fn link(reason: &Reason) -> &'static str {
    match reason {
        Reason::DsNotSigned => "the DS RRset is not signed",
        Reason::NoKeyMatchesDs => "no key matches the DS",
        Reason::DnskeyNotSignedByDsKey => "the DNSKEY RRset is not signed by a key of the DS",
        Reason::AnswerUnsigned => "an answer is not signed",
        Reason::AnswerSignedByOthers(_) => {
            "an answer is signed by keys that the DNSKEY RRset lacks"
        }
        Reason::Expired(_) => "a signature has expired",
        Reason::NotYetValid(_) => "a signature is not valid yet",
        Reason::AlgorithmMissing(_) => "an algorithm is missing",
        Reason::NoDs => "there is no DS",
        Reason::AllLame => "all servers are lame",
        Reason::ServedEverywhere => "what is there is denied",
    }
}

/// What came of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// Every failure, the worst first; none: the run is good.
    pub failures: Vec<Failure>,
    /// How many processes ended how, as `join done`.
    pub ends: BTreeMap<String, u64>,
    /// Steps, faults, events, profiles and reason codes that were reached.
    pub reached: BTreeSet<String>,
    /// Requests that were answered.
    pub exchanges: u64,
    /// Events of the world.
    pub events: u64,
    /// Virtual seconds.
    pub seconds: u64,
}

/// One failure, told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its kind.
    pub class: Class,
    /// How it comes about, in prose.
    pub story: String,
}

impl Trial {
    /// The worst failure.
    pub fn worst(&self) -> Option<&Class> {
        self.failures.first().map(|failure| &failure.class)
    }

    /// How many processes ended: done, refused or blocked with a reason.
    pub fn ended(&self) -> u64 {
        self.ends.values().sum()
    }

    /// How many processes of `kind` (all, if empty) are done.
    pub fn done(&self) -> u64 {
        let done = self.ends.iter().filter(|(end, _)| end.ends_with(" done"));
        done.map(|(_, count)| count).sum()
    }
}

/// Plays `scenario` and judges it; a panic is a failure of this software.
pub fn attempt(scenario: &Scenario) -> Trial {
    attempt_with(scenario, |scenario| {
        play_under(scenario, direction(scenario))
    })
}

/// How a scenario is tried: until nobody acts any more, and no longer than its bound.
pub fn direction(scenario: &Scenario) -> Direction {
    Direction {
        longest: bound::ended_by(scenario),
        until_forgotten: false,
        ..Direction::default()
    }
}

/// The same with another way to play it.
pub fn attempt_with(scenario: &Scenario, play: impl Fn(&Scenario) -> Played) -> Trial {
    catch_unwind(AssertUnwindSafe(|| judged(scenario, play(scenario)))).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or_else(|| {
            panic
                .downcast_ref::<&str>()
                .map(|words| (*words).to_owned())
        });
        let story = words.unwrap_or_else(|| "no reason given".into());
        let class = Class::new(INTERNAL, "-", "-", "panicked");
        Trial {
            failures: vec![Failure { class, story }],
            ..Trial::default()
        }
    })
}

/// Judges a played scenario.
pub fn judged(scenario: &Scenario, played: Played) -> Trial {
    let world = &played.stage.world;
    let counts = world.counts();
    let mut trial = Trial {
        exchanges: counts.exchanges,
        events: counts.events,
        seconds: (played.end - scenario.start).as_secs(),
        ..Trial::default()
    };
    safety::caches(scenario, &played, &mut trial);
    processes(scenario, &played, &mut trial);
    safety::parent(scenario, &played, &mut trial);
    // Where answers get lost, the scanner does not hear of an update that was made.
    if scenario.faults.is_empty() && verdict::changed_unaccounted(scenario, &played) {
        let class = Class::new("parent-untouched", "-", "-", "the parent changed by itself");
        trial.failures.push(Failure {
            class,
            story: "the scanner did not account for it".into(),
        });
    }
    if let Some(believed) = world.believed.first() {
        let class = Class::new(
            Property::NoForgery.name(),
            "-",
            "-",
            "somebody believes a forger",
        );
        trial.failures.push(Failure {
            class,
            story: format!("forged data were believed, at {believed}"),
        });
    }
    if let Some(why) = &played.internal_error {
        let class = Class::new(INTERNAL, "-", "-", "no end");
        trial.failures.push(Failure {
            class,
            story: why.clone(),
        });
    }
    trial.reached.extend(played.reached);
    if let Some(seated) = &played.cast.scanner {
        let codes = seated.agent.reasons().into_keys();
        trial
            .reached
            .extend(codes.map(|code| format!("reason/{code}")));
    }
    let quirks = scenario
        .signers
        .iter()
        .filter(|signer| is_in(scenario, &signer.name));
    let quirks = quirks.flat_map(|signer| &signer.quirks);
    trial
        .reached
        .extend(quirks.map(|quirk| format!("quirk/{quirk}")));
    let profiles = scenario.judge.profiles.iter();
    trial
        .reached
        .extend(profiles.map(|profile| format!("profile/{}", profile.name())));
    trial
}

/// Whether this signer serves a zone, or is asked to.
fn is_in(scenario: &Scenario, signer: &str) -> bool {
    let mut zones = scenario.zones.iter();
    let mut events = scenario.events.iter();
    zones.any(|zone| zone.signers.iter().any(|name| name == signer))
        || events.any(|event| event.what.signers().iter().any(|(_, name)| *name == signer))
}

/// Whether every process has ended.
fn processes(scenario: &Scenario, played: &Played, trial: &mut Trial) {
    let Some(seated) = &played.cast.controller else {
        return;
    };
    let can_end = scenario.scanner.enabled && scenario.scanner.cds && scenario.scanner.csync;
    let reports = seated.agent.report();
    for report in &reports {
        use controller::Outcome::{Blocked, Done, Queued, Refused};
        let (kind, outcome) = (&report.process, report.outcome);
        let has_reason = !report.reason.is_empty();
        if outcome == Done || (matches!(outcome, Refused | Blocked) && has_reason) {
            *trial.ends.entry(format!("{kind} {outcome}")).or_default() += 1;
            trial.reached.insert(format!("end/{kind} {outcome}"));
            continue;
        }
        // Behind one that a person must act on, all others wait, and say so.
        let mut before = reports.iter().filter(|other| other.zone == report.zone);
        let is_behind = before.any(|other| other.outcome == Blocked);
        if outcome == Queued && is_behind && has_reason {
            trial.reached.insert(format!("end/{kind} queued"));
            continue;
        }
        // A run that names its end, or has no parent that acts, promises nothing.
        if !can_end || scenario.duration.is_some() {
            continue;
        }
        let step = report
            .steps
            .last()
            .map_or(kind.as_str(), |step| step.name.as_str());
        let by = print_span(bound::ended_by(scenario));
        let story = format!(
            "{kind} {} of {} is {outcome} at {step} after {by}, when it should have ended: {}",
            report.signer, report.zone, report.reason
        );
        let class = Class::new(
            Property::DoneWithin.name(),
            "-",
            "-",
            format!("stuck at {step}"),
        );
        trial.failures.push(Failure { class, story });
    }
}
