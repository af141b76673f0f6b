//! Domain names, compared by labels and without regard to case (RFC 4343), never as strings.

use std::fmt;

pub use hickory_proto::rr::{Name, RecordType};

/// A text that is not a domain name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadName {
    /// The text as found.
    pub text: String,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a domain name: {}", self.text, self.why)
    }
}

impl std::error::Error for BadName {}

/// Parses an absolute name; a missing final dot is added.
pub fn parse_name(text: &str) -> Result<Name, BadName> {
    let bad = |why: String| BadName {
        text: text.into(),
        why,
    };
    if text.is_empty() {
        return Err(bad("it is empty (the root is written `.`)".into()));
    }
    let mut name = Name::from_ascii(text).map_err(|error| bad(error.to_string()))?;
    name.set_fqdn(true);
    Ok(name)
}

/// The uncompressed wire form, lower-cased (RFC 4034 §6.2).
pub fn canonical_wire(name: &Name) -> Vec<u8> {
    let mut wire = Vec::with_capacity(name.len() + 1);
    for label in name.iter() {
        wire.push(label.len() as u8);
        wire.extend(label.iter().map(u8::to_ascii_lowercase));
    }
    wire.push(0);
    wire
}

/// Reads an uncompressed name from the front of `wire`; returns it with what follows.
pub fn split_name(wire: &[u8]) -> Option<(Name, &[u8])> {
    let mut labels: Vec<&[u8]> = Vec::new();
    let mut rest = wire;
    loop {
        let (&length, after) = rest.split_first()?;
        if length == 0 {
            let mut name = Name::from_labels(labels).ok()?;
            name.set_fqdn(true);
            return Some((name, after));
        }
        if length > 63 || after.len() < usize::from(length) {
            return None;
        }
        let (label, after) = after.split_at(usize::from(length));
        labels.push(label);
        rest = after;
    }
}

/// Whether `name` is `zone` or lies below it.
pub fn is_at_or_below(name: &Name, zone: &Name) -> bool {
    zone.zone_of(name)
}

/// The number of labels, the root not counted and a leading `*` not counted (RFC 4034 §3.1.3).
pub fn rrsig_labels(name: &Name) -> u8 {
    name.num_labels()
}
