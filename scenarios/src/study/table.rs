//! A table as pages show it, and the words in its cells.

use std::{fmt, time::Duration};

use counterpoint_dns::time::human;

use crate::{
    outcome::{Outcome, ProcessOutcome},
    scenario::Quantifier,
};

/// A table in Markdown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// What the columns are.
    pub header: Vec<String>,
    /// The cells, row by row.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns and no row yet.
    pub fn of(header: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            header: header.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
        writeln!(f, "{}", line(&self.header))?;
        writeln!(f, "|{}", "---|".repeat(self.header.len()))?;
        for row in &self.rows {
            writeln!(f, "{}", line(row))?;
        }
        Ok(())
    }
}

/// How `profile` fares in a run: `safe`, or which caches fail, from when on and for how long. What one
/// resolver by itself can hold, any cache can hold too: that is said once if it is the same time.
pub fn fares(outcome: &Outcome, profile: &str) -> String {
    let during = |quantifier| {
        let all = outcome.violations.iter().filter(|violation| {
            violation.profile == profile
                && violation.property.decides()
                && violation.quantifier == quantifier
        });
        let first = all.min_by_key(|violation| violation.from)?;
        let lasts = match first.until {
            Some(until) => format!("for {}", human(until - first.from)),
            None => "for good".into(),
        };
        Some(format!("from {} {lasts}", human(first.from)))
    };
    let any = during(Quantifier::AnyCache);
    match (during(Quantifier::OneResolver), any) {
        (None, None) => "safe".into(),
        (None, Some(any)) => format!("any-cache {any}"),
        (Some(one), Some(any)) if one != any => format!("any-cache {any}; one-resolver {one}"),
        (Some(one), _) => format!("one-resolver {one}"),
    }
}

/// How the processes of a run ended: `done`, `stuck at leave/3`, or `by hand` if there is none.
pub fn ends(outcome: &Outcome) -> String {
    let open = outcome
        .processes
        .iter()
        .find(|process| process.outcome != ProcessOutcome::Done);
    match (open, outcome.processes.is_empty()) {
        (_, true) => "by hand".into(),
        (None, _) => "done".into(),
        (Some(process), _) => {
            let step = process.steps.last().map_or("", |step| step.name.as_str());
            format!("stuck at {step}")
        }
    }
}

/// The middle of `spans`; of an even number, the upper one.
pub fn median(spans: &mut [Duration]) -> Duration {
    spans.sort_unstable();
    spans.get(spans.len() / 2).copied().unwrap_or_default()
}

/// A share in percent.
pub fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}
