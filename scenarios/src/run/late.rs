//! `done-within`: processes that have not ended by the bound that follows from the scenario, counted from
//! when nothing is broken any more.

use std::time::Duration;

use counterpoint_controller::{self as controller, Outcome};
use counterpoint_dns::time::{Timestamp, human};

use crate::{
    explore::bound,
    outcome::Violation,
    scenario::{Property, Quantifier, Scenario},
};

/// A violation for each process that took too long; reported only. A parent that acts on nothing promises
/// nothing, nor does a run that is over before the bound.
pub fn late(
    scenario: &Scenario,
    reports: &[controller::ProcessReport],
    end: Timestamp,
) -> Vec<Violation> {
    let scanner = &scenario.scanner;
    let within = bound::ended_by(scenario);
    let by = scenario.start + within;
    if !(scanner.enabled && scanner.cds && scanner.csync) || end < by {
        return Vec::new();
    }
    let is_late = |report: &&controller::ProcessReport| {
        let last = report.steps.last().and_then(|step| step.until);
        let ended = report.outcome.is_final() || report.outcome == Outcome::Blocked;
        // Behind one that a person must act on, all others wait.
        let mut others = reports.iter().filter(|other| other.zone == report.zone);
        let is_behind = report.outcome == Outcome::Queued
            && others.any(|other| other.outcome == Outcome::Blocked);
        match report.outcome {
            Outcome::Done => last.is_some_and(|last| last > by),
            _ => !ended && !is_behind,
        }
    };
    let violation = |report: &controller::ProcessReport| Violation {
        property: Property::DoneWithin,
        profile: "any".into(),
        quantifier: Quantifier::OneResolver,
        zone: report.zone.clone(),
        from: within,
        until: None,
        witness: format!(
            "{} {} is {} {}, when it should have ended: {}",
            report.process,
            report.signer,
            report.outcome,
            after(within),
            report.reason
        ),
        proof: None,
        margin: None,
        tail: None,
        decides: false,
    };
    reports.iter().filter(is_late).map(violation).collect()
}

fn after(span: Duration) -> String {
    format!("{} after the start", human(span))
}
