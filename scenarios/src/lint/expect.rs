//! Expectations that cannot be met, or contradict one another.

use std::collections::BTreeSet;

use super::Lints;
use crate::{
    diagnostic::{nearest, one_of},
    scenario::{Quantifier, Verdict},
};

/// What the first part of an entry of `sometimes` can be.
const REACHABLE: [&str; 24] = [
    "join",
    "leave",
    "cancel-join",
    "cancel-leave",
    "replace",
    "roll-zsk",
    "roll-ksk",
    "roll-csk",
    "roll-algorithm",
    "go-insecure",
    "cancel",
    "detected",
    "repair",
    "fault",
    "profile",
    "resolver",
    "event",
    "reason",
    "guard",
    "blocked",
    "refused",
    "queued",
    "limited",
    "notify",
];

pub(super) fn lint(lints: &Lints<'_>) {
    verdict(lints);
    classes(lints);
    let scenario = lints.scenario;
    let expect = &scenario.expect;
    for (index, signer) in expect.signers.iter().flatten().enumerate() {
        lints.must_be_signer(&format!("expect.signers.{}", index + 1), signer);
    }
    for (index, code) in expect.reasons.iter().enumerate() {
        let path = format!("expect.reasons.{}", index + 1);
        let fits = !code.is_empty()
            && code
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        if !fits {
            lints.fail(
                &path,
                "bad-reason",
                format!("`{code}` is not a reason code"),
                |d| d.expected("expected capitals and underscores, as `CDS_INCONSISTENT`"),
            );
        } else if !scenario.scanner.enabled {
            lints.fail(&path, "no-scanner", "nobody gives reasons", |d| {
                d.expected("`scanner.enabled` is false")
            });
        }
    }
    for (index, goal) in expect.sometimes.iter().enumerate() {
        sometimes(lints, &format!("expect.sometimes.{}", index + 1), goal);
    }
}

fn verdict(lints: &Lints<'_>) {
    let expect = &lints.scenario.expect;
    let Some(listed) = &expect.violations else {
        return;
    };
    let judge = lints.scenario.judge.quantifier;
    // one-resolver implies any-cache, not the reverse.
    let decides =
        |quantifier| judge == Quantifier::AnyCache || quantifier == Quantifier::OneResolver;
    let unsafe_by = listed
        .iter()
        .position(|class| class.property.decides() && decides(class.quantifier));
    match (expect.verdict, unsafe_by) {
        (Some(Verdict::Safe), Some(index)) => {
            let path = format!("expect.violations.{}", index + 1);
            lints.fail(
                &path,
                "contradiction",
                "a safe run has no such violation",
                |d| {
                    d.expected("`verdict = \"safe\"` stands beside it")
                        .suggest("either the verdict is \"unsafe\", or nothing is violated")
                },
            );
        }
        (Some(Verdict::Unsafe), None) => {
            lints.fail(
                "expect.violations",
                "contradiction",
                "an unsafe run has a violation that makes it so",
                |d| {
                    d.expected("none of these does")
                        .suggest("without `violations`, any violation will do")
                },
            );
        }
        _ => {}
    }
}

fn classes(lints: &Lints<'_>) {
    let scenario = lints.scenario;
    let mut seen = BTreeSet::new();
    for (index, class) in scenario.expect.violations.iter().flatten().enumerate() {
        let path = format!("expect.violations.{}", index + 1);
        let zone = class.zone.as_ref().map(ToString::to_string);
        if let Some(zone) = &class.zone {
            lints.must_be_zone(&format!("{path}.zone"), zone);
        }
        if !seen.insert((class.property, class.quantifier, zone)) {
            lints.fail(&path, "duplicate", "this violation is listed twice", |d| {
                d.expected(format!("`{}` stands above", class.property))
            });
        }
    }
}

fn sometimes(lints: &Lints<'_>, path: &str, goal: &str) {
    let Some((kind, what)) = goal.split_once('/') else {
        return lints.fail(
            path,
            "bad-goal",
            format!("`{goal}` cannot be reached"),
            |d| {
                d.expected("expected a step, a fault or a profile, as \"join/5\" or \"fault/dead\"")
            },
        );
    };
    if !REACHABLE.contains(&kind) {
        return lints.fail(
            path,
            "bad-goal",
            format!("`{kind}` is nothing that can be reached"),
            |d| match nearest(kind, REACHABLE) {
                Some(near) => d
                    .expected("no such thing")
                    .suggest(format!("did you mean `{near}/{what}`?")),
                None => d.expected(format!("expected {}", one_of(REACHABLE))),
            },
        );
    }
    let kinds: BTreeSet<&str> = lints
        .scenario
        .faults
        .iter()
        .map(|fault| fault.kind.name())
        .collect();
    if kind == "fault" && !kinds.contains(what) {
        lints.fail(
            path,
            "bad-goal",
            format!("the file has no fault of kind `{what}`"),
            |d| d.expected("this can never be reached"),
        );
    }
}
