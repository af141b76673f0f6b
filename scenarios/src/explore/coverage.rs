//! What exploration should reach, and how often it did: every step, event, fault, profile, reason code
//! and end of a process. A defect in what is never reached is never found.

use std::{collections::BTreeMap, fmt::Write as _};

use counterpoint_controller::{Model, process_names, process_steps};
use counterpoint_scanner::judge::{CHAIN_RULES, CSYNC_RULES, REQUEST_RULES};

use crate::scenario::{FaultKind, Profile, Quirk, ResolverProfile, What};

/// How a process can end.
const OUTCOMES: [&str; 3] = ["done", "refused", "blocked"];
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
        let steps = process_steps();
        for goal in goals() {
            let count = match self.count(&goal) {
                0 => "never".into(),
                count => count.to_string(),
            };
            let wait = match steps.get(&goal) {
                Some(true) => "  (waits for caches)",
                _ => "",
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
    let quirks: Vec<&str> = Quirk::ALL.iter().map(|quirk| quirk.name()).collect();
    let own = [Profile::Liberal, Profile::StrictDs, Profile::StrictDnskey];
    let products = ResolverProfile::PRODUCTS.map(Profile::Named);
    let profiles = own.iter().chain(&products).map(Profile::name);
    let of = |kind: &str, names: &[&str]| -> Vec<String> {
        names.iter().map(|name| format!("{kind}/{name}")).collect()
    };
    let ends = process_names(Model::Own).into_iter();
    let ends = ends.flat_map(|process| OUTCOMES.map(|outcome| format!("end/{process} {outcome}")));
    process_steps()
        .into_keys()
        .chain(ends)
        .chain(of("event", What::NAMES))
        .chain(of("fault", &FaultKind::names()))
        .chain(of("quirk", &quirks))
        .chain(profiles.map(|profile| format!("profile/{profile}")))
        .chain(of("reason", &codes))
        .collect()
}
