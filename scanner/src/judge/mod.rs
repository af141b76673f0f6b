//! Judging: pure functions from what was gathered to a verdict. The rules are tables.
//!
//! A rule looks at a case and either lets it pass or stops it with evidence; the first that stops it
//! decides. What no rule stops is accepted. Nothing here asks, waits or remembers.

mod case;
mod cds;
mod cds_chain;
mod chain;
mod csync;
mod csync_data;
mod denial;
mod proposal;
mod request;

pub use cds::{CHAIN_RULES, REQUEST_RULES, judge_cds, judge_request};
pub use csync::{CSYNC_RULES, PATIENCE, judge_csync};
pub use proposal::{Proposal, hosts, is_in_bailiwick};

pub(crate) use case::Case;

use crate::{
    config::Sabotage,
    policy::Policy,
    verdict::{Outcome, Verdict},
};

/// What a rule has to say against a case: evidence, or nothing.
pub type Finding = Option<Vec<String>>;

/// One rule: when it stops a case, this is the outcome, and this the reason.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its ID, as `X-09`.
    pub id: &'static str,
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
            reason,
            outcome,
            defect: None,
            check,
        }
    }

    /// The same, switched off by a defect.
    const fn unless(mut self, defect: Sabotage) -> Self {
        self.defect = Some(defect);
        self
    }
}

/// The verdict of the first rule that stops the case.
fn first_to_stop(rules: &[Rule], case: &mut Case<'_>, policy: &Policy) -> Option<Verdict> {
    rules
        .iter()
        .filter(|rule| !policy.muted.contains(rule.reason))
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
