//! What exploration should reach, and how often it did: every step, event, fault, profile, reason code
//! and end of a process. A defect in what is never reached is never found.

use std::{collections::BTreeMap, fmt::Write as _};

use counterpoint_scanner::judge::{CHAIN_RULES, CSYNC_RULES, REQUEST_RULES};

use crate::scenario::What;

/// Steps of the tables of processes, as reports name them.
const STEPS: [&str; 18] = [
    "join/1", "join/2", "join/3", "join/4", "join/5", "join/6", "join/7", "join/8", "join/9",
    "leave/1", "leave/2", "leave/3", "leave/4", "leave/5", "leave/6", "leave/7", "leave/8",
    "leave/9",
];
/// Those of them that wait for caches.
const WAITS: [&str; 6] = [
    "join/5", "join/6", "leave/4", "leave/6", "leave/7", "leave/8",
];
/// How a process can end.
const ENDS: [&str; 6] = [
    "join done",
    "join refused",
    "join blocked",
    "leave done",
    "leave refused",
    "leave blocked",
];
/// Faults that scenarios can have.
const FAULTS: [&str; 5] = ["dead", "loss", "latency", "stale", "replay"];
/// Profiles that can judge.
const PROFILES: [&str; 3] = ["liberal", "strict-ds", "strict-dnskey"];
/// Reason codes that no rule of the tables gives.
const REASONS: [&str; 9] = [
    "CDS_ACCEPTED",
    "CSYNC_ACCEPTED",
    "DELETE_ACCEPTED",
    "DS_CHANGE_FIRST",
    "PARENT_CHANGED",
    "TRANSFER_FAILED",
    "UPDATE_REFUSED",
    "VERDICT_EXPIRED",
    "BOOTSTRAP_NOT_SUPPORTED",
];

/// In how many runs each goal was reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Runs that were counted.
    pub runs: u64,
    counts: BTreeMap<String, u64>,
}

impl Coverage {
    /// Counts what one run reached.
    pub fn add<'a>(&mut self, reached: impl IntoIterator<Item = &'a String>) {
        self.runs += 1;
        for what in reached {
            *self.counts.entry(what.clone()).or_default() += 1;
        }
    }

    /// In how many runs `goal` was reached.
    pub fn count(&self, goal: &str) -> u64 {
        self.counts.get(goal).copied().unwrap_or(0)
    }

    /// How many goals were reached, of how many.
    pub fn share(&self) -> (usize, usize) {
        let goals = goals();
        let reached = goals.iter().filter(|goal| self.count(goal) > 0).count();
        (reached, goals.len())
    }

    /// Goals that were never reached.
    pub fn missing(&self) -> Vec<String> {
        goals()
            .into_iter()
            .filter(|goal| self.count(goal) == 0)
            .collect()
    }

    /// The table for people.
    pub fn table(&self) -> String {
        let mut text = format!("{:<44} {:>8}  of {} runs\n", "goal", "reached", self.runs);
        for goal in goals() {
            let count = match self.count(&goal) {
                0 => "never".into(),
                count => count.to_string(),
            };
            let wait = match WAITS.contains(&goal.as_str()) {
                true => "  (waits for caches)",
                false => "",
            };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{goal:<44} {count:>8}{wait}");
        }
        let (reached, all) = self.share();
        let _ = writeln!(text, "{reached} of {all} goals reached");
        text
    }
}

/// Everything that should be reached.
pub fn goals() -> Vec<String> {
    let rules = REQUEST_RULES.iter().chain(&CHAIN_RULES).chain(&CSYNC_RULES);
    let mut codes: Vec<&str> = rules.map(|rule| rule.reason).chain(REASONS).collect();
    codes.sort_unstable();
    codes.dedup();
    let of = |kind: &str, names: &[&str]| -> Vec<String> {
        names.iter().map(|name| format!("{kind}/{name}")).collect()
    };
    let steps = STEPS.iter().map(|step| (*step).to_owned());
    steps
        .chain(of("end", &ENDS))
        .chain(of("event", What::NAMES))
        .chain(of("fault", &FAULTS))
        .chain(of("profile", &PROFILES))
        .chain(of("reason", &codes))
        .collect()
}
