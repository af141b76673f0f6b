//! Whether a run came out as `[expect]` says.

use std::fmt;

use counterpoint_dns::name::Name;

use crate::{
    outcome::{Outcome, ProcessOutcome, Unmet, Violation},
    scenario::{
        Expect, ExpectedViolation, ParentState, Property, Quantifier, Verdict, time::print_span,
    },
};

/// Every expectation that `outcome` does not meet.
pub fn unmet(expect: &Expect, outcome: &Outcome) -> Vec<Unmet> {
    let mut unmet = Vec::new();
    verdict(expect, outcome, &mut unmet);
    violations(expect, outcome, &mut unmet);
    signers(expect, outcome, &mut unmet);
    within(expect, outcome, &mut unmet);
    parent(expect, outcome, &mut unmet);
    for code in &expect.reasons {
        if outcome.reasons.get(code).is_none_or(|count| *count == 0) {
            let given: Vec<&str> = outcome.reasons.keys().map(String::as_str).collect();
            unmet.push(miss("reasons", code, list(&given, "no reason at all")));
        }
    }
    for goal in &expect.sometimes {
        if !outcome.reached.contains(goal) {
            unmet.push(miss(
                "sometimes",
                goal,
                "it was never reached: the run proves nothing about it",
            ));
        }
    }
    unmet
}

fn miss(expectation: &'static str, expected: impl fmt::Display, found: impl fmt::Display) -> Unmet {
    Unmet {
        expectation,
        expected: expected.to_string(),
        found: found.to_string(),
    }
}

fn list(items: &[&str], none: &str) -> String {
    match items {
        [] => none.into(),
        items => items.join(", "),
    }
}

fn verdict(expect: &Expect, outcome: &Outcome, unmet: &mut Vec<Unmet>) {
    if expect.verdict() != outcome.verdict {
        unmet.push(miss("verdict", expect.verdict(), outcome.verdict));
    }
}

/// Exactly the listed classes: each occurs, at its time, and nothing else decides the verdict.
fn violations(expect: &Expect, outcome: &Outcome, unmet: &mut Vec<Unmet>) {
    forgery(expect, outcome, unmet);
    let Some(classes) = &expect.violations else {
        return;
    };
    for class in classes {
        let found: Vec<&Violation> = outcome
            .violations
            .iter()
            .filter(|violation| {
                is_of(violation, class) && is_at_least(violation.quantifier, class.quantifier)
            })
            .collect();
        let first = found.iter().map(|violation| violation.from).min();
        match (first, class.first) {
            (None, _) => unmet.push(miss("violations", show(class), "no such violation")),
            (Some(first), Some(interval)) if !interval.contains(first) => {
                unmet.push(miss(
                    "violations",
                    show(class),
                    format!("first at {}", print_span(first)),
                ));
            }
            _ => {}
        }
    }
    let is_listed = |violation: &Violation| {
        classes.iter().any(|class| {
            is_of(violation, class) && is_at_least(class.quantifier, violation.quantifier)
        })
    };
    let mut surplus: Vec<(&Name, String)> = Vec::new();
    for violation in outcome
        .violations
        .iter()
        .filter(|violation| violation.decides)
    {
        let class = format!(
            "`{}` under {} in {}",
            violation.property, violation.quantifier, violation.zone
        );
        let entry = (&violation.zone, class);
        if !is_listed(violation) && !surplus.contains(&entry) {
            surplus.push(entry);
        }
    }
    for (_, class) in surplus {
        unmet.push(miss("violations", "nothing but the listed classes", class));
    }
}

/// No file may be silent about data that were forged and believed.
fn forgery(expect: &Expect, outcome: &Outcome, unmet: &mut Vec<Unmet>) {
    let of_it = |property| property == Property::NoForgery;
    let listed = expect.violations.iter().flatten();
    let is_foreseen = listed.into_iter().any(|class| of_it(class.property));
    let mut found = outcome.violations.iter();
    let found = found.find(|violation| of_it(violation.property));
    if let Some(violation) = found.filter(|_| !is_foreseen) {
        unmet.push(miss(
            "violations",
            "nobody believes a forger",
            &violation.witness,
        ));
    }
}

/// Whether `violation` is of the property and zone of `class`.
fn is_of(violation: &Violation, class: &ExpectedViolation) -> bool {
    violation.property == class.property
        && class
            .zone
            .as_ref()
            .is_none_or(|zone| *zone == violation.zone)
}

/// Whether a violation under `strong` implies one under `weak`: one-resolver implies any-cache.
fn is_at_least(strong: Quantifier, weak: Quantifier) -> bool {
    strong == weak || strong == Quantifier::OneResolver
}

fn show(class: &ExpectedViolation) -> String {
    let zone = class
        .zone
        .as_ref()
        .map(|zone| format!(" in {zone}"))
        .unwrap_or_default();
    let first = class
        .first
        .map(|first| format!(", first at {first}"))
        .unwrap_or_default();
    format!(
        "`{}` under {}{zone}{first}",
        class.property, class.quantifier
    )
}

fn signers(expect: &Expect, outcome: &Outcome, unmet: &mut Vec<Unmet>) {
    let Some(signers) = &expect.signers else {
        return;
    };
    let mut expected: Vec<&str> = signers.iter().map(String::as_str).collect();
    expected.sort_unstable();
    for (zone, delegated) in &outcome.delegated_to {
        let mut found: Vec<&str> = delegated.iter().map(String::as_str).collect();
        found.sort_unstable();
        if found != expected {
            let found = format!("{zone} is delegated to {}", list(&found, "nobody"));
            unmet.push(miss("signers", list(&expected, "nobody"), found));
        }
    }
    if outcome.delegated_to.is_empty() {
        unmet.push(miss(
            "signers",
            list(&expected, "nobody"),
            "no delegation at the end",
        ));
    }
}

fn within(expect: &Expect, outcome: &Outcome, unmet: &mut Vec<Unmet>) {
    let Some(bound) = expect.within else {
        return;
    };
    for process in &outcome.processes {
        let ended_in_time = process.ended.is_some_and(|ended| ended <= bound);
        if process.outcome == ProcessOutcome::Done && ended_in_time {
            continue;
        }
        let state = match (&process.outcome, process.ended) {
            (ProcessOutcome::Done, Some(ended)) => format!("done at {}", print_span(ended)),
            (other, _) => other.to_string(),
        };
        let found = format!("{} of {}: {state}", process.process, process.zone);
        unmet.push(miss(
            "within",
            format!("done within {}", print_span(bound)),
            found,
        ));
    }
}

fn parent(expect: &Expect, outcome: &Outcome, unmet: &mut Vec<Unmet>) {
    let found = match outcome.parent_changed {
        true => ParentState::Changed,
        false => ParentState::Untouched,
    };
    if let Some(expected) = expect.parent.filter(|expected| *expected != found) {
        unmet.push(miss("parent", expected, found));
    }
}

/// The verdict that `violations` add up to.
pub fn verdict_of(violations: &[Violation]) -> Verdict {
    match violations.iter().any(|violation| violation.decides) {
        true => Verdict::Unsafe,
        false => Verdict::Safe,
    }
}
