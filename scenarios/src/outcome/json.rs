//! An outcome as one line of JSON, in the published field names (`"schema":1`).

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use serde_json::{Number, Value};

use super::{Outcome, Process, Step, Unmet, Violation};

#[derive(Serialize)]
struct JsonOutcome<'a> {
    schema: u32,
    scenario: &'a str,
    /// Nothing after an internal error: then nobody knows.
    verdict: Option<&'a str>,
    as_expected: bool,
    seed: u64,
    virtual_seconds: Value,
    violations: Vec<JsonViolation<'a>>,
    processes: Vec<JsonProcess<'a>>,
    scanner: JsonScanner<'a>,
    reached: &'a [String],
    event_log_sha256: String,
    unmet: Vec<JsonUnmet<'a>>,
    outages: &'a [String],
    warnings: &'a [String],
    notes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonViolation<'a> {
    property: &'a str,
    profile: &'a str,
    quantifier: &'a str,
    zone: String,
    from_seconds: Value,
    until_seconds: Value,
    witness: &'a str,
    margin_seconds: Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    tail_seconds: Value,
    decides: bool,
}

#[derive(Serialize)]
struct JsonProcess<'a> {
    zone: String,
    process: &'a str,
    outcome: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    steps: Vec<JsonStep<'a>>,
}

#[derive(Serialize)]
struct JsonStep<'a> {
    name: &'a str,
    title: &'a str,
    from: Value,
    until: Value,
    slack_seconds: Value,
}

#[derive(Serialize)]
struct JsonScanner<'a> {
    reasons: &'a BTreeMap<String, u64>,
}

#[derive(Serialize)]
struct JsonUnmet<'a> {
    expectation: &'a str,
    expected: &'a str,
    found: &'a str,
}

impl Outcome {
    /// One line of JSON, without the newline. Times are seconds from the start; `null` is "not by
    /// the end of the run".
    pub fn to_json(&self) -> String {
        let json = JsonOutcome {
            schema: 1,
            scenario: &self.scenario,
            verdict: match self.internal_error {
                None => Some(self.verdict.name()),
                Some(_) => None,
            },
            as_expected: self.as_expected(),
            seed: self.seed,
            virtual_seconds: seconds(self.virtual_time),
            violations: self.violations.iter().map(violation).collect(),
            processes: self.processes.iter().map(process).collect(),
            scanner: JsonScanner {
                reasons: &self.reasons,
            },
            reached: &self.reached,
            event_log_sha256: self.event_log_sha256(),
            unmet: self.unmet.iter().map(unmet).collect(),
            outages: &self.outages,
            warnings: &self.warnings,
            notes: &self.notes,
            error: self.internal_error.as_deref(),
        };
        // Strings, numbers and lists always serialise.
        serde_json::to_string(&json).unwrap_or_default()
    }
}

fn violation(violation: &Violation) -> JsonViolation<'_> {
    JsonViolation {
        property: violation.property.name(),
        profile: &violation.profile,
        quantifier: violation.quantifier.name(),
        zone: violation.zone.to_string(),
        from_seconds: seconds(violation.from),
        until_seconds: maybe(violation.until),
        witness: &violation.witness,
        margin_seconds: maybe(violation.margin),
        tail_seconds: maybe(violation.tail),
        decides: violation.decides,
    }
}

fn process(process: &Process) -> JsonProcess<'_> {
    JsonProcess {
        zone: process.zone.to_string(),
        process: &process.process,
        outcome: process.outcome.word(),
        reason: process.outcome.why(),
        steps: process.steps.iter().map(step).collect(),
    }
}

fn step(step: &Step) -> JsonStep<'_> {
    JsonStep {
        name: &step.name,
        title: step.title,
        from: seconds(step.from),
        until: maybe(step.until),
        slack_seconds: maybe(step.slack),
    }
}

fn unmet(unmet: &Unmet) -> JsonUnmet<'_> {
    JsonUnmet {
        expectation: unmet.expectation,
        expected: &unmet.expected,
        found: &unmet.found,
    }
}

/// Whole seconds as an integer, others with their fraction.
fn seconds(span: Duration) -> Value {
    match span.subsec_nanos() {
        0 => Value::from(span.as_secs()),
        _ => Number::from_f64(span.as_secs_f64()).map_or(Value::Null, Value::Number),
    }
}

fn maybe(span: Option<Duration>) -> Value {
    span.map_or(Value::Null, seconds)
}
