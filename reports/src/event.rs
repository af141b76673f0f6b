//! The event log as data: one JSON object a line.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// One line of the event log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, as `T+2d03:00:00`.
    pub at: String,
    /// Who: `alpha/ns1`, `controller`, `script`.
    pub who: String,
    /// What kind of thing.
    pub what: String,
    /// What happened.
    pub text: String,
}

impl Event {
    /// Reads a line of the log: three columns without blanks, and the text.
    pub fn of_line(line: &str) -> Option<Self> {
        let (at, rest) = line.split_once(' ')?;
        let (who, rest) = rest.trim_start().split_once(' ')?;
        let (what, text) = rest
            .trim_start()
            .split_once(' ')
            .unwrap_or((rest.trim(), ""));
        Some(Self {
            at: at.into(),
            who: who.into(),
            what: what.into(),
            text: text.trim().into(),
        })
    }
}

#[derive(Serialize)]
struct Head {
    schema: u32,
    events: usize,
}

/// The whole log: a head with the version of the schema, then one event a line.
pub fn json_lines(log: &[String]) -> String {
    let head = Head {
        schema: crate::SCHEMA,
        events: log.len(),
    };
    let mut text = json(&head);
    for event in log.iter().filter_map(|line| Event::of_line(line)) {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n{}", json(&event));
    }
    text + "\n"
}

fn json(value: &impl Serialize) -> String {
    // Strings and numbers always serialise.
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_four_columns() {
        let line = "T+0d01:00:00       alpha/ns1        DS        example.test. {} -> {a b}";
        let event = Event::of_line(line).unwrap();
        assert_eq!((&*event.who, &*event.what), ("alpha/ns1", "DS"));
        assert_eq!(event.text, "example.test. {} -> {a b}");
    }
}
