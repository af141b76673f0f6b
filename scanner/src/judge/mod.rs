//! Judging: pure functions from what was gathered to a verdict. The rules are tables.
//!
//! A rule looks at a case and either lets it pass or stops it with evidence; the first that stops it
//! decides. What no rule stops is accepted. Nothing here asks, waits or remembers.

mod accept;
mod access;
mod caches;
mod case;
mod cds;
mod cds_chain;
mod chain;
mod csync;
mod csync_data;
mod denial;
pub mod documented;
mod health;
mod initial;
mod proposal;
mod request;
mod standing;

pub use accept::{Acceptance, CSYNC_ACCEPTANCES, DS_ACCEPTANCES, TTL_RESTORED};
pub use access::ACCESS_RULES;
pub use cds::{CHAIN_RULES, REQUEST_RULES, judge_cds, judge_request};
pub use csync::{CSYNC_RULES, PATIENCE, judge_csync};
pub use health::HEALTH_RULES;
pub use initial::INITIAL_RULES;
pub use proposal::{Proposal, hosts, is_in_bailiwick};
pub use standing::{sighting, sighting_hold};

pub(crate) use case::Case;

use crate::{
    config::Sabotage,
    policy::Policy,
    verdict::{Outcome, Verdict},
};

/// A table of rules: the first that stops a case decides.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Its name, the first part of its rules' switches.
    pub name: &'static str,
    /// In order.
    pub rules: &'static [Rule],
}

impl Table {
    const fn new(name: &'static str, rules: &'static [Rule]) -> Self {
        Self { name, rules }
    }
}

/// Every table, in the order in which they are asked: those for CDS and CDNSKEY, then CSYNC's.
pub const TABLES: [Table; 7] = [
    REQUEST,
    ACCESS,
    INITIAL,
    CHAIN,
    HEALTH,
    CSYNC,
    CSYNC_PATIENCE,
];

const REQUEST: Table = Table::new("request", &REQUEST_RULES);
const ACCESS: Table = Table::new("access", &ACCESS_RULES);
const INITIAL: Table = Table::new("initial", &INITIAL_RULES);
const CHAIN: Table = Table::new("chain", &CHAIN_RULES);
const HEALTH: Table = Table::new("health", &HEALTH_RULES);
const CSYNC: Table = Table::new("csync", &CSYNC_RULES);
const CSYNC_PATIENCE: Table = Table::new("csync-patience", &PATIENCE);

/// What a rule has to say against a case: evidence, or nothing.
pub type Finding = Option<Vec<String>>;

/// One rule: when it stops a case, this is the outcome, and this the reason.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its ID, as `X-09`.
    pub id: &'static str,
    /// Other IDs that the same check serves.
    pub also: &'static [&'static str],
    /// Stable reason code.
    pub reason: &'static str,
    /// What becomes of a case that it stops.
    pub outcome: Outcome,
    /// The defect that switches it off.
    pub defect: Option<Sabotage>,
    /// Looks at a case.
    pub(crate) check: for<'a, 'b> fn(&'b mut Case<'a>) -> Finding,
}

impl Rule {
    /// A rule that nothing switches off.
    const fn new(
        id: &'static str,
        reason: &'static str,
        outcome: Outcome,
        check: for<'a, 'b> fn(&'b mut Case<'a>) -> Finding,
    ) -> Self {
        Self {
            id,
            also: &[],
            reason,
            outcome,
            defect: None,
            check,
        }
    }

    /// The same, which serves these IDs as well.
    const fn also(mut self, ids: &'static [&'static str]) -> Self {
        self.also = ids;
        self
    }

    /// What switches it off in this table, as `chain/K-05/CONTINUITY`.
    pub fn switch(&self, table: &str) -> String {
        switch(table, self.id, self.reason)
    }

    /// The same, switched off by a defect.
    const fn unless(mut self, defect: Sabotage) -> Self {
        self.defect = Some(defect);
        self
    }
}

fn switch(table: &str, id: &str, reason: &str) -> String {
    format!("{table}/{id}/{reason}")
}

/// Whether the entry of a table is switched on.
fn is_on(policy: &Policy, table: &str, id: &str, reason: &str) -> bool {
    policy.muted.is_empty()
        || !policy.muted.contains(reason) && !policy.muted.contains(&switch(table, id, reason))
}

/// The verdict of the first rule that stops the case.
fn first_to_stop(table: &Table, case: &mut Case<'_>, policy: &Policy) -> Option<Verdict> {
    let rules = table.rules.iter();
    rules
        .filter(|rule| is_on(policy, table.name, rule.id, rule.reason))
        .filter(|rule| !rule.defect.is_some_and(|defect| policy.has(defect)))
        .find_map(|rule| {
            let evidence = (rule.check)(case)?;
            Some(Verdict::without_change(
                rule.outcome,
                rule.id,
                rule.reason,
                evidence,
            ))
        })
}

/// Evidence, or nothing if there is none.
fn found(evidence: Vec<String>) -> Finding {
    (!evidence.is_empty()).then_some(evidence)
}
