//! The event log: the ground truth of a run, one line an event, the same to the octet for a seed.

use counterpoint_dns::time::Timestamp;

/// Lines in fixed columns: `T+2d03:00:00  parent/1        DS       {…} → {…}  by scan`.
#[derive(Clone, Debug)]
pub struct EventLog {
    start: Timestamp,
    lines: Vec<String>,
}

impl EventLog {
    /// An empty log of a run that begins at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self {
            start,
            lines: Vec::new(),
        }
    }

    /// Adds a line: when, who, what kind of thing, and what happened. A blank in a name is told as `_`:
    /// the first three columns hold none.
    pub fn line(&mut self, at: Timestamp, who: &str, what: &str, text: &str) {
        let who = who.replace(' ', "_");
        let at = at.relative_to(self.start).to_string();
        self.lines
            .push(format!("{at:<18} {who:<16} {what:<9} {text}"));
    }

    /// When the run began.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// All lines so far.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Hands the lines over.
    pub fn into_lines(self) -> Vec<String> {
        self.lines
    }
}
