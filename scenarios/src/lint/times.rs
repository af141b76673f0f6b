//! Times: events inside the run, windows that are not empty, signatures that outlive their renewal.

use std::time::Duration;

use super::Lints;
use crate::scenario::{FaultKind, Range, Target, time::print_span};

pub(super) fn lint(lints: &Lints<'_>) {
    let scenario = lints.scenario;
    nonzero(lints, "duration", scenario.duration);
    nonzero(lints, "scanner.interval", Some(scenario.scanner.interval));
    nonzero(lints, "controller.poll", Some(scenario.controller.poll));
    for (index, resolver) in scenario.resolvers.iter().enumerate() {
        let path = format!("resolver.{}", index + 1);
        nonzero(
            lints,
            &format!("{path}.query-every"),
            Some(resolver.query_every),
        );
        nonzero(
            lints,
            &format!("{path}.stub-timeout"),
            Some(resolver.stub_timeout),
        );
        if resolver.give_up.tries == 0 {
            lints.fail(
                &format!("{path}.give-up.tries"),
                "zero",
                "a resolver that gives up before it asks",
                |d| d.expected("expected at least 1"),
            );
        }
    }
    for event in &scenario.events {
        within(
            lints,
            &format!("event.{}.at", event.number),
            "this event",
            event.at,
        );
    }
    for (index, signer) in scenario.signers.iter().enumerate() {
        let path = format!("signer.{}", index + 1);
        let shortest = signer
            .signature_validity
            .saturating_sub(signer.resign_jitter);
        if shortest <= signer.resign_before {
            let key = if !signer.resign_jitter.is_zero() {
                "resign-jitter"
            } else if lints.report.has(&format!("{path}.signature-validity")) {
                "signature-validity"
            } else {
                "resign-before"
            };
            let (validity, before) = (print_span(shortest), print_span(signer.resign_before));
            lints.fail(
                &format!("{path}.{key}"),
                "always-resigning",
                format!("signatures hold {validity} and are renewed {before} before their end"),
                |d| d.expected("`signature-validity` less `resign-jitter` must be longer than `resign-before`"),
            );
        }
    }
    faults(lints);
    for (index, class) in scenario.expect.violations.iter().flatten().enumerate() {
        if let Some(Range { low, .. }) = class.first {
            within(
                lints,
                &format!("expect.violations.{}.first", index + 1),
                "this violation",
                low,
            );
        }
    }
}

fn faults(lints: &Lints<'_>) {
    for fault in &lints.scenario.faults {
        let path = format!("fault.{}", fault.number);
        within(lints, &format!("{path}.from"), "this fault", fault.from);
        if let Some(until) = fault.until
            && until <= fault.from
        {
            lints.fail(
                &format!("{path}.until"),
                "empty-window",
                format!(
                    "the fault ends at {} and begins at {}",
                    print_span(until),
                    print_span(fault.from)
                ),
                |d| {
                    d.expected("expected a time after `from`").suggest(
                        "both are offsets from the start; without `until` it lasts to the end",
                    )
                },
            );
        }
        if let FaultKind::Replay(of) = fault.kind
            && of >= fault.from
        {
            lints.fail(
                &format!("{path}.of"),
                "not-earlier",
                format!(
                    "the version of {} is not older than {}",
                    print_span(of),
                    print_span(fault.from)
                ),
                |d| d.expected("expected a time before `from`"),
            );
        }
        let serves_old = matches!(fault.kind, FaultKind::Stale | FaultKind::Replay(_));
        if serves_old && !fault.target.is_server() {
            lints.fail(
                &format!("{path}.target"),
                "wrong-target",
                format!("`{}` serves nothing that could be old", fault.target),
                |d| d.expected("expected servers: a signer, the parent, or an instance of one"),
            );
        }
        if matches!(fault.kind, FaultKind::ClockSkew(_)) && !fault.target.has_clock() {
            lints.fail(
                &format!("{path}.target"),
                "wrong-target",
                format!("nothing depends on the clock of `{}`", fault.target),
                |d| {
                    d.expected("expected a signer, the parent, or an agent: one target")
                        .suggest("signatures are made by a signer's clock, not by an instance's")
                },
            );
        }
        if matches!(
            (fault.kind, &fault.target),
            (FaultKind::Dead, Target::Between(..))
        ) {
            lints.fail(
                &format!("{path}.target"),
                "wrong-target",
                "a pair cannot be dead",
                |d| {
                    d.expected("expected one target")
                        .suggest("between two, use `kind = \"partition\"`")
                },
            );
        }
    }
}

fn nonzero(lints: &Lints<'_>, path: &str, span: Option<Duration>) {
    if span.is_some_and(|span| span.is_zero()) {
        lints.fail(path, "zero", format!("`{path}` cannot be zero"), |d| {
            d.expected("expected more than \"0s\"")
        });
    }
}

fn within(lints: &Lints<'_>, path: &str, what: &str, at: Duration) {
    let Some(duration) = lints.scenario.duration else {
        return;
    };
    if at > duration {
        lints.fail(
            path,
            "after-the-end",
            format!("{what} comes after the end of the run"),
            |d| {
                d.expected(format!("the run ends after {}", print_span(duration)))
                    .suggest("`duration` at the top of the file says how long the run is")
            },
        );
    }
}
