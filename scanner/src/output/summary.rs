//! Counts by reason code, and one line of CSV a verdict.

use std::{collections::BTreeMap, io};

use serde::{Deserialize, Serialize};

use super::{Decision, decision::Subject};

/// How many children are named for each reason code.
const EXAMPLES_MAX: usize = 3;

/// How often a reason code was given, and to whom for example.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// What it is about.
    pub subject: Subject,
    /// The outcome.
    pub outcome: String,
    /// The rule.
    pub rule: String,
    /// The reason code.
    pub reason: String,
    /// How often.
    pub count: u64,
    /// Some of the children, the first in canonical order of those that came.
    pub examples: Vec<String>,
    /// What was found at the first of them.
    pub evidence: Option<String>,
}

/// The counts of all decisions so far.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// By subject and reason code.
    counts: BTreeMap<(Subject, String, String), Count>,
    children: u64,
    /// The child of the last verdict: those of one child follow one another.
    last: String,
}

impl Summary {
    /// Counts a decision.
    pub fn add(&mut self, decision: &Decision) {
        Row::of(decision).for_each(|row| self.add_row(&row));
    }

    /// Counts a verdict.
    pub fn add_row(&mut self, row: &Row) {
        if row.child != self.last {
            self.last.clone_from(&row.child);
            self.children += 1;
        }
        let key = (row.subject, row.reason.clone(), row.rule.clone());
        let count = self.counts.entry(key).or_insert_with(|| Count {
            subject: row.subject,
            outcome: row.outcome.clone(),
            rule: row.rule.clone(),
            reason: row.reason.clone(),
            count: 0,
            examples: Vec::new(),
            evidence: None,
        });
        count.count += 1;
        let at = count.examples.partition_point(|known| *known < row.child);
        if at < EXAMPLES_MAX {
            count.examples.insert(at, row.child.clone());
            count.examples.truncate(EXAMPLES_MAX);
            if at == 0 {
                count.evidence = (!row.evidence.is_empty()).then(|| row.evidence.clone());
            }
        }
    }

    /// How many children were decided about.
    pub fn children(&self) -> u64 {
        self.children
    }

    /// Accepted first, then what asks for attention, then the quiet ones; the frequent ones first.
    pub fn counts(&self) -> Vec<&Count> {
        let mut counts = Vec::from_iter(self.counts.values());
        let weight = |outcome: &str| match outcome {
            "accept" => 0,
            "noop" => 2,
            _ => 1,
        };
        counts.sort_by_key(|count| {
            let weight = weight(&count.outcome);
            (count.subject, weight, u64::MAX - count.count, &count.reason)
        });
        counts
    }
}

/// A verdict as a line of CSV.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The child.
    pub child: String,
    /// What it is about.
    pub subject: Subject,
    /// The outcome.
    pub outcome: String,
    /// The rule.
    pub rule: String,
    /// The reason code.
    pub reason: String,
    /// The kind of change; empty if there is none.
    pub change: String,
    /// What it rests on.
    pub evidence: String,
}

impl Row {
    /// The names of the columns.
    pub const HEAD: [&'static str; 7] = [
        "child", "subject", "outcome", "rule", "reason", "change", "evidence",
    ];

    /// The verdicts of a decision.
    pub fn of(decision: &Decision) -> impl Iterator<Item = Self> {
        decision.verdicts.iter().map(|judged| Self {
            child: decision.child.clone(),
            subject: judged.subject,
            outcome: judged.outcome.clone(),
            rule: judged.rule.clone(),
            reason: judged.reason.clone(),
            change: judged.change.clone().unwrap_or_default(),
            evidence: judged.evidence.join("; "),
        })
    }
}

/// Writes the verdicts of a decision. The head is written by whoever begins the file.
pub fn write_row<W: io::Write>(out: &mut csv::Writer<W>, decision: &Decision) -> io::Result<()> {
    for row in Row::of(decision) {
        let Row {
            child,
            subject,
            outcome,
            rule,
            reason,
            change,
            evidence,
        } = row;
        let subject = subject.name();
        out.write_record([
            &*child, subject, &outcome, &rule, &reason, &change, &evidence,
        ])?;
    }
    Ok(())
}
