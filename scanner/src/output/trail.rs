//! Each rule's verdict on one case: which let it pass, which stopped it, which were not reached.

use serde::{Deserialize, Serialize};

use crate::{judge::Rule, verdict::Verdict};

/// What a rule had to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// It had nothing against it.
    Pass,
    /// It decided.
    Stop,
    /// An earlier one had decided.
    NotReached,
    /// It is switched off.
    Off,
}

/// One rule's verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The rule's ID.
    pub rule: String,
    /// Its reason code.
    pub reason: String,
    /// What it had to say.
    pub mark: Mark,
}

/// The verdicts of `rules`, in their order, that led to `verdict`: the first that stops a case decides,
/// so those before it have passed and those behind were not reached.
pub fn trail<'a>(
    rules: impl IntoIterator<Item = &'a Rule>,
    verdict: &Verdict,
    is_off: impl Fn(&Rule) -> bool,
) -> Vec<Step> {
    let mut has_stopped = false;
    let mut steps: Vec<Step> = rules
        .into_iter()
        .map(|rule| {
            let decided = !has_stopped && rule.id == verdict.rule && rule.reason == verdict.reason;
            let mark = match (is_off(rule), has_stopped, decided) {
                (true, ..) => Mark::Off,
                (_, true, _) => Mark::NotReached,
                (_, _, true) => Mark::Stop,
                _ => Mark::Pass,
            };
            has_stopped |= mark == Mark::Stop;
            Step {
                rule: rule.id.into(),
                reason: rule.reason.into(),
                mark,
            }
        })
        .collect();
    if !has_stopped {
        // What decides when nothing is left to stop it is no row of a table.
        steps.push(Step {
            rule: verdict.rule.into(),
            reason: verdict.reason.into(),
            mark: Mark::Stop,
        });
    }
    steps
}
