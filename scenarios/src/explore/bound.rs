//! How long processes may take once nothing is broken any more: computed from the scenario alone, row
//! by row of their tables, with every delay at its longest.
//!
//! A bound, not a forecast: a process that misses it is stuck.

use std::time::Duration;

use crate::scenario::{
    Safety, Scenario, What,
    time::{hours, minutes},
};

/// The controller's slowest poll.
const SLOWEST_POLL: Duration = hours(1);
/// The least allowance in percent has this floor.
const SAFETY_LEAST: Duration = minutes(1);
/// How long one asks until silence is an answer.
const UNANSWERED: Duration = minutes(5);
/// Rows of a table that observe or write: each is seen, written and seen again.
const ROWS: u32 = 12;
/// Times that a table waits for caches.
const WAITS: u32 = 4;
/// Times that a table watches the parent.
const WATCHES: u32 = 2;

/// When nothing is broken any more, and nothing further is asked for: the second phase begins. What
/// is broken for ever is part of the story, not of the weather.
pub fn calm_from(scenario: &Scenario) -> Duration {
    let faults = scenario.faults.iter();
    let faults = faults.map(|fault| fault.until.unwrap_or(fault.from));
    let events = scenario.events.iter().map(|event| match event.what {
        What::ControllerCrash { lasting } => event.at + lasting,
        _ => event.at,
    });
    faults.chain(events).max().unwrap_or_default()
}

/// The longest from a decision to its effect: who falls silent in between was not to be foreseen.
pub fn reaction(scenario: &Scenario) -> Duration {
    let signers = scenario.signers.iter();
    let lag = signers.map(|signer| signer.propagation.high).max();
    let parent = scenario.scanner.publish_delay.high + scenario.parent.propagation.high;
    UNANSWERED + parent.max(lag.unwrap_or_default())
}

/// By when every process has ended, from the start: one after another, from the calm on.
pub fn ended_by(scenario: &Scenario) -> Duration {
    let processes: u32 = scenario
        .events
        .iter()
        .map(|event| match &event.what {
            What::Replace { .. } => 2,
            what if what.is_process() => 1,
            _ => 0,
        })
        .sum();
    // Where nobody asks the controller, the parent still has time to act.
    calm_from(scenario) + one(scenario) * processes.max(1)
}

/// The longest that one process takes.
fn one(scenario: &Scenario) -> Duration {
    let parent = &scenario.parent;
    let signers = scenario.signers.iter();
    let lag = signers
        .map(|signer| signer.propagation.high)
        .max()
        .unwrap_or_default();
    let poll = SLOWEST_POLL.max(scenario.controller.poll);
    let row = poll * 3 + lag;
    let scanner = &scenario.scanner;
    let retries: Duration = scanner.retry.iter().sum();
    // One scan may have begun too early, one may meet a silent server, and one takes the change.
    let watch = scanner.interval * 3
        + scanner.publish_delay.high
        + retries * 2
        + parent.propagation.high
        + poll
        + scenario.parent_settle();
    let longest = longest_ttl(scenario) + lag.max(parent.propagation.high);
    let safety = match scenario.controller.safety {
        Safety::Percent(percent) => (longest * percent / 100).max(SAFETY_LEAST),
        Safety::Span(span) => span,
    };
    // At its deadline a wait looks again, and may find that an instance came late.
    let wait = (longest + safety + poll) * 2;
    row * ROWS + watch * WATCHES + wait * WAITS
}

/// The longest TTL that anybody declares or has.
pub fn longest_ttl(scenario: &Scenario) -> Duration {
    let parent = &scenario.parent;
    let signers = scenario.signers.iter();
    let own = signers.flat_map(|s| {
        [
            s.max_ttl,
            s.ns_ttl,
            s.dnskey_ttl,
            s.default_ttl,
            s.negative_ttl,
        ]
    });
    let all = own.chain([parent.ds_ttl, parent.ns_ttl, parent.negative_ttl]);
    all.max().unwrap_or_default().span()
}
