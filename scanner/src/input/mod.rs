//! What an operator gives the tool: the parent's zone as a file, a list or a transfer, and what the
//! registry knows of each child.
//!
//! NS, DS and glue come from here only, never from public DNS (RFC 9615 §4.3). Everything is read as
//! a stream: what is kept is [`Parent`], whose size follows the number of delegations and nothing
//! else. Whatever cannot be read is an error with its place and a remedy; no line is skipped.

pub mod axfr;
mod chunks;
pub mod key;
pub mod list;
pub mod parent;
pub mod registry;
pub mod secret;
pub mod tsig_file;
pub mod zone_file;

use std::fmt;

pub use parent::Parent;
pub use registry::Registry;

/// Why an input cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadInput {
    /// File, line and column, or whatever else says where.
    pub place: String,
    /// What was found, and what was expected.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl BadInput {
    /// An error at a place.
    pub fn new(
        place: impl fmt::Display,
        what: impl fmt::Display,
        remedy: impl fmt::Display,
    ) -> Self {
        Self {
            place: place.to_string(),
            what: what.to_string(),
            remedy: remedy.to_string(),
        }
    }
}

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n  help: {}", self.place, self.what, self.remedy)
    }
}

impl std::error::Error for BadInput {}
