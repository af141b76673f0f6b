//! Plans: what would change in the parent's zone and why, as a file that people read and compare.
//!
//! A [`Plan`] is data. [`mod@file`] owns its text, which carries the SHA-256 of itself: a plan that was
//! edited is no plan. It expires, because what it rests on does.

pub mod file;
pub mod text;

use std::collections::BTreeMap;

use counterpoint_dns::{
    name::{Name, RecordType},
    time::Timestamp,
};

use crate::verdict::{Change, Verdict};

/// What a plan was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basis {
    /// Where the delegations came from.
    pub source: String,
    /// Serial of the parent's SOA, if it was in the source.
    pub serial: Option<u32>,
    /// How many delegations there were.
    pub delegations: u64,
    /// SHA-256 of the policy, in hexadecimal.
    pub policy: String,
    /// The resolver that was used.
    pub resolver: String,
}

/// Everything that is to be changed, by child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The parent's zone.
    pub zone: Name,
    /// When it was made.
    pub created: Timestamp,
    /// From then on it is not applied any more.
    pub expires: Timestamp,
    /// What it was made from.
    pub basis: Basis,
    /// The changes.
    pub changes: BTreeMap<Name, Planned>,
}

/// One change, with what speaks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The rule that accepted it.
    pub rule: String,
    /// Its reason code.
    pub reason: String,
    /// What it rests on.
    pub evidence: Vec<String>,
    /// What changes.
    pub change: Change,
}

impl Planned {
    /// The change of a verdict, if it accepts one.
    pub fn of(verdict: &Verdict) -> Option<Self> {
        Some(Self {
            rule: verdict.rule.into(),
            reason: verdict.reason.into(),
            evidence: verdict.evidence.clone(),
            change: verdict.change.clone()?,
        })
    }

    /// What kind of change it is, for limits and reports.
    pub fn kind(&self) -> Kind {
        let mut kind = Kind::Glue;
        for set in self.change.changed() {
            kind = kind.min(match set.rtype {
                RecordType::DS if set.wanted.data.is_empty() => Kind::DsDelete,
                RecordType::DS if set.seen.is_none() => Kind::DsBootstrap,
                RecordType::DS => Kind::DsUpdate,
                RecordType::NS => Kind::Ns,
                _ => Kind::Glue,
            });
        }
        kind
    }
}

/// Kinds of changes, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The DS RRset goes: the child becomes insecure.
    DsDelete,
    /// The NS RRset changes.
    Ns,
    /// The first DS RRset.
    DsBootstrap,
    /// Another DS RRset.
    DsUpdate,
    /// Addresses only.
    Glue,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::DsDelete,
        Self::Ns,
        Self::DsBootstrap,
        Self::DsUpdate,
        Self::Glue,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::DsDelete => "ds-delete",
            Self::Ns => "ns",
            Self::DsBootstrap => "ds-bootstrap",
            Self::DsUpdate => "ds-update",
            Self::Glue => "glue",
        }
    }
}
