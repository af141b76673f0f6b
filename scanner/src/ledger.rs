//! What is told: every verdict is counted, and noted where it differs from the last of its kind.

use std::collections::BTreeMap;

use counterpoint_dns::{
    agent::{Note, Output},
    name::Name,
};

use crate::verdict::Verdict;

/// What a verdict is about: only like is compared with like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// CDS and CDNSKEY.
    Ds,
    /// CSYNC.
    Csync,
    /// The delegation itself, or the update of it.
    Delegation,
}

/// Counts and last words.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    reasons: BTreeMap<&'static str, u64>,
    last: BTreeMap<(Name, About), (&'static str, String)>,
}

impl Ledger {
    /// How often each reason code was given.
    pub fn reasons(&self) -> BTreeMap<&'static str, u64> {
        self.reasons.clone()
    }

    /// Counts a verdict; a note, if it says anything new.
    pub fn verdict(&mut self, child: &Name, about: About, verdict: &Verdict) -> Option<Output> {
        self.say(child, about, verdict.reason, verdict.text())
    }

    /// Counts a reason; a note, if it says anything new.
    pub fn say(
        &mut self,
        child: &Name,
        about: About,
        reason: &'static str,
        text: String,
    ) -> Option<Output> {
        *self.reasons.entry(reason).or_default() += 1;
        let last = self.last.get(&(child.clone(), about));
        if last.is_some_and(|(code, said)| *code == reason && *said == text) {
            return None;
        }
        let at = (child.clone(), about);
        self.last.insert(at, (reason, text.clone()));
        Some(note(child, "verdict", reason, text))
    }

    /// What was last said, as `OUTCOME RULE REASON (evidence)`.
    pub fn said(&self, child: &Name, about: About) -> Option<String> {
        let (reason, text) = self.last.get(&(child.clone(), about))?;
        let (rule, rest) = text.split_once(' ')?;
        let (outcome, evidence) = rest.split_once(':').unwrap_or((rest, ""));
        let outcome = match outcome {
            "out-of-band" => "OOB".into(),
            other => other.to_uppercase(),
        };
        Some(format!("{outcome} {rule} {reason} ({})", evidence.trim()))
    }

    /// What was said of the delegation is over: next time it is said again.
    pub fn settle(&mut self, child: &Name) {
        self.last.remove(&(child.clone(), About::Delegation));
    }
}

/// A line of the log.
pub fn note(zone: &Name, kind: &'static str, subject: &str, text: String) -> Output {
    Output::Note(Note {
        zone: zone.to_string(),
        kind,
        subject: subject.into(),
        text,
    })
}
