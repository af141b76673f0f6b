//! The audit log: what was declared, observed, decided and done, from which anybody can judge afterwards
//! whether a migration was safe for every cache.
//!
//! Owns its form. It is made of the controller's notes, in their order, as JSON Lines: one [`Line`] each.
//! With [`Config::audit`](crate::Config::audit) two kinds of notes come beside those for people:
//!
//! | kind | subject | what |
//! |---|---|---|
//! | `declared` | – | before the first round that is told after a start, and when it is another: the parent, and of each signer that was looked at the declared bound of its TTLs |
//! | `observed` | the step, as `join/5`, or `rest` | what a round of looks showed: each version that is new, or why it is unknown; and what was seen to be as before |
//!
//! Each round of a process is told; at rest those alone that brought news. [`AuditLog`] reads a log back
//! and writes the oracle's history of it.

mod declared;
mod read;
mod seen;
mod zone;

use counterpoint_dns::{agent::Note, time::Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use read::{AuditLog, BadAudit};
pub use zone::Witnessed;

pub(crate) use declared::Declared;
pub(crate) use seen::{Observed, Seen};

/// The kind of a note that says what is declared.
pub(crate) const DECLARED: &str = "declared";
/// The kind of a note that says what was observed.
pub(crate) const OBSERVED: &str = "observed";

/// One line of an audit log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// When it was told.
    pub time: Timestamp,
    /// The zone.
    pub zone: String,
    /// The kind of the note.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// The rest: a text for people, or an object.
    pub what: Value,
}

impl Line {
    /// The line of what was told at `time`.
    pub fn new(time: Timestamp, zone: &str, kind: &str, subject: &str, text: &str) -> Self {
        let object = match kind {
            DECLARED | OBSERVED => serde_json::from_str(text).ok(),
            _ => None,
        };
        Self {
            time,
            zone: zone.into(),
            kind: kind.into(),
            subject: subject.into(),
            what: object.unwrap_or_else(|| text.into()),
        }
    }

    /// The line of a note.
    pub fn of(time: Timestamp, note: &Note) -> Self {
        Self::new(time, &note.zone, note.kind, &note.subject, &note.text)
    }

    /// One JSON object, without a newline.
    pub fn to_json(&self) -> String {
        // Plain data with text keys: to JSON it cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}
