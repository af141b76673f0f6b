//! One scenario over a grid of values: a row for each combination, for studies.

use std::fmt::Write as _;

use crate::outcome::{Outcome, ProcessOutcome};

/// One `--set KEY=a,b,c`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// The dotted path of a value.
    pub key: String,
    /// What it becomes.
    pub values: Vec<String>,
}

impl Axis {
    /// Parses `controller.safety=0%,10%`; a comma inside brackets, braces or quotes is part of a value.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((key, values)) = split_key(text) else {
            return Err(format!("`{text}`: expected KEY=VALUE,VALUE,…"));
        };
        let values = split_values(values);
        match key.is_empty() || values.iter().any(String::is_empty) {
            true => Err(format!("`{text}`: an empty key or value")),
            false => Ok(Self {
                key: key.into(),
                values,
            }),
        }
    }
}

/// At the first `=` outside quotes.
fn split_key(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let at = text.find(|letter| {
        quoted ^= letter == '"';
        letter == '=' && !quoted
    })?;
    Some((&text[..at], &text[at + 1..]))
}

fn split_values(text: &str) -> Vec<String> {
    let (mut depth, mut quoted) = (0_i32, false);
    let pieces = text.split(|letter: char| {
        match letter {
            '"' => quoted = !quoted,
            '[' | '{' if !quoted => depth += 1,
            ']' | '}' if !quoted => depth -= 1,
            _ => {}
        }
        letter == ',' && depth == 0 && !quoted
    });
    pieces.map(|value| value.trim().to_owned()).collect()
}

/// Every combination of the values, the last axis fastest: for each axis, the value.
pub fn grid(axes: &[Axis]) -> Vec<Vec<&str>> {
    let mut rows = vec![Vec::new()];
    for axis in axes {
        rows = rows
            .into_iter()
            .flat_map(|row: Vec<&str>| {
                axis.values.iter().map(move |value| {
                    let mut longer = row.clone();
                    longer.push(value);
                    longer
                })
            })
            .collect();
    }
    rows
}

/// The header of the table.
pub fn header(axes: &[Axis]) -> String {
    let keys = axes.iter().map(|axis| csv(&axis.key));
    let columns = [
        "verdict",
        "property",
        "quantifier",
        "profile",
        "first_unsafe_seconds",
        "unsafe_seconds",
        "processes",
        "done",
        "last_done_seconds",
        "virtual_seconds",
    ];
    keys.chain(columns.map(String::from))
        .collect::<Vec<_>>()
        .join(",")
}

/// One row of the table.
pub fn row(values: &[&str], outcome: &Outcome) -> String {
    let mut line = values
        .iter()
        .map(|value| csv(value))
        .collect::<Vec<_>>()
        .join(",");
    let deciding = outcome
        .violations
        .iter()
        .filter(|violation| violation.decides);
    // The first failure; of those that come together, the one that one resolver has.
    let worst = outcome.violations.iter().filter(|v| v.property.decides());
    let worst = deciding.min_by_key(|v| v.from).and_then(|first| {
        worst
            .filter(|v| v.from <= first.from)
            .max_by_key(|v| v.quantifier)
    });
    let seconds = |span: Option<std::time::Duration>| {
        span.map(|s| s.as_secs().to_string()).unwrap_or_default()
    };
    let done = outcome
        .processes
        .iter()
        .filter(|process| process.outcome == ProcessOutcome::Done);
    let last = done.clone().filter_map(|process| process.ended).max();
    let columns = [
        outcome.verdict.to_string(),
        worst.map(|v| v.property.to_string()).unwrap_or_default(),
        worst.map(|v| v.quantifier.to_string()).unwrap_or_default(),
        worst.map(|v| csv(&v.profile)).unwrap_or_default(),
        seconds(worst.map(|v| v.from)),
        seconds(worst.and_then(|v| Some(v.until? - v.from))),
        outcome.processes.len().to_string(),
        done.count().to_string(),
        seconds(last),
        outcome.virtual_time.as_secs().to_string(),
    ];
    for column in columns {
        // Writing to a String cannot fail.
        let _ = write!(line, ",{column}");
    }
    line
}

/// A field of a CSV table (RFC 4180 §2).
fn csv(text: &str) -> String {
    match text.contains([',', '"', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.into(),
    }
}
