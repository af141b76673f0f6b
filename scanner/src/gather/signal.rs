//! Signalling names (RFC 9615 §3): where a nameserver's operator vouches for a first DS RRset.
//!
//! Owns the names and what was found there. Only the project's validating resolver fills them in, by
//! fresh questions; what a nameserver says of itself is no signal.

use std::fmt;

use counterpoint_dns::{
    name::{Name, RecordType, is_at_or_below, signalling_name},
    resolver::{Resolution, Status},
    rrset::SignedRrSet,
};

use crate::delegation::Delegation;

/// What a signalling name holds of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Vouched {
    /// It was not asked.
    #[default]
    NotAsked,
    /// Securely this RRset.
    Present(SignedRrSet),
    /// Securely nothing.
    Absent,
    /// Provably no chain of trust leads there.
    Insecure,
    /// What is there does not validate, and why.
    Bogus(String),
    /// Nobody could say, and why.
    Failed(String),
}

impl Vouched {
    /// What a resolution says.
    pub fn from_resolution(resolution: Resolution) -> Self {
        match (resolution.status, resolution.answer) {
            (Status::Secure, Some(signed)) => Self::Present(signed),
            (Status::Secure, None) => Self::Absent,
            (Status::Insecure, _) => Self::Insecure,
            (Status::Bogus(why), _) => Self::Bogus(why),
            (Status::Failed(why), _) => Self::Failed(why),
        }
    }
}

impl fmt::Display for Vouched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked => f.write_str("not asked"),
            Self::Present(signed) => write!(f, "{} records, secure", signed.set.data.len()),
            Self::Absent => f.write_str("securely none"),
            Self::Insecure => f.write_str("insecure"),
            Self::Bogus(why) => write!(f, "bogus: {why}"),
            Self::Failed(why) => write!(f, "no answer: {why}"),
        }
    }
}

/// What the operator of one nameserver name vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// The nameserver name.
    pub host: Name,
    /// The signalling name; none if it would be too long.
    pub name: Option<Name>,
    /// CDS there.
    pub cds: Vouched,
    /// CDNSKEY there.
    pub cdnskey: Vouched,
}

impl Signal {
    /// Nothing asked yet.
    pub fn new(child: &Name, host: &Name) -> Self {
        Self {
            host: host.clone(),
            name: signalling_name(child, host),
            cds: Vouched::NotAsked,
            cdnskey: Vouched::NotAsked,
        }
    }

    /// One for each nameserver name outside the child; names come from nowhere else.
    pub fn of(delegation: &Delegation) -> Vec<Self> {
        let child = &delegation.child;
        let hosts = delegation.hosts().into_iter();
        hosts
            .filter(|host| !is_at_or_below(host, child))
            .map(|host| Self::new(child, &host))
            .collect()
    }

    /// CDS, then CDNSKEY.
    pub fn answers(&self) -> impl Iterator<Item = &Vouched> {
        [&self.cds, &self.cdnskey].into_iter()
    }

    /// The place for what was found of this type.
    pub fn slot(&mut self, rtype: RecordType) -> &mut Vouched {
        match rtype {
            RecordType::CDS => &mut self.cds,
            _ => &mut self.cdnskey,
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name}"),
            None => write!(f, "the signalling name under {}", self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpoint_dns::name::parse_name;

    #[test]
    fn a_12_signalling_names_are_those_of_rfc_9615_and_at_most_255_octets_long() {
        let name = |text: &str| parse_name(text).unwrap();
        let signal = |child: &str, host: &str| signalling_name(&name(child), &name(host));
        let expected = name("_dsboot.example.co.uk._signal.ns1.example.net.");
        assert_eq!(signal("example.co.uk.", "ns1.example.net."), Some(expected));
        // 8 + 8 octets for the two labels, 1 for the root: 238 are left for child and host.
        let label = "a".repeat(62);
        let host = format!("{label}.{label}.{label}.");
        for (length, fits) in [(47, true), (48, true), (49, false)] {
            let child = format!("{}.", "b".repeat(length));
            let found = signal(&child, &host);
            assert_eq!(found.is_some(), fits, "{length}");
            assert!(found.is_none_or(|name| name.octets().len() <= 255));
        }
    }
}
