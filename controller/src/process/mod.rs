//! Processes as tables. A row says what must hold before the next may begin, and who brings it about.
//!
//! Owns the vocabulary of the tables and the state of one process. Knows neither how anything is
//! observed nor how it is written: one engine runs every table.

pub(crate) mod join;
pub(crate) mod leave;

use std::collections::{BTreeMap, BTreeSet};

use counterpoint_dns::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    config::{Config, SignerName},
    report::Outcome,
    sabotage::Sabotage,
    store,
};

/// Which signers a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// All that serve the zone before the process, or after it.
    All,
    /// All that serve it when the process is done.
    After,
    /// The one that joins or leaves.
    Subject,
}

/// RRsets that the controller brings to an exact content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The others' ZSKs (of CSK signers all keys) in each signer's DNSKEY RRset (RFC 8901 §3.2).
    ForeignKeys,
    /// CDS and CDNSKEY: everybody's KSKs and CSKs, the same at every signer (RFC 7344).
    Cds,
    /// A and AAAA of nameserver names inside the zone.
    Addresses,
    /// The same of those that no longer serve: none.
    NoAddresses,
    /// The zone's own NS RRset: everybody's nameservers.
    Ns,
    /// CSYNC, unless the parent shows it already (RFC 7477).
    Csync,
    /// No CSYNC.
    NoCsync,
    /// CDS and CDNSKEY as the policy wants them at rest.
    CdsAtRest,
}

/// What only the parent can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parental {
    /// Its DS RRset names exactly everybody's KSKs and CSKs.
    Ds,
    /// Its NS RRset and glue are exactly everybody's nameservers.
    Delegation,
}

impl Parental {
    /// What asks the parent for it.
    pub(crate) const fn asked_for_by(self) -> &'static [(What, Who)] {
        match self {
            Self::Ds => &[(What::Cds, Who::After)],
            Self::Delegation => &[(What::Ns, Who::All), (What::Csync, Who::All)],
        }
    }
}

/// What caches must have dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum WaitFor {
    /// DNSKEY RRsets without everybody's keys.
    Dnskey,
    /// Older DS RRsets.
    Ds,
    /// Proofs that nameserver names have no address, and older addresses.
    Addresses,
    /// NS RRsets, at the parent and every signer, that name who leaves.
    Ns,
    /// DNSKEY RRsets of who leaves, which its own KSK alone has signed: counted from the end of `Ns`.
    LeaverDnskey,
    /// Answers that who leaves has signed: counted from the end of `Ns`.
    LeaverData,
}

/// What makes a row done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// Prerequisites hold.
    Prerequisites,
    /// These RRsets have exactly the wanted content, observed everywhere; written until they have.
    Publish(What, Who),
    /// Every instance of the parent shows it.
    Watch(Parental),
    /// These waits are over.
    Wait(&'static [WaitFor]),
    /// Who leaves was told that it may stop serving.
    Release,
}

/// One row of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The number of the step that it is part of.
    pub step: u8,
    /// What makes it done.
    pub goal: Goal,
    /// What it does, for people.
    pub title: &'static str,
}

/// A row, in one line.
const fn row(step: u8, goal: Goal, title: &'static str) -> Row {
    Row { step, goal, title }
}

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// The subject begins to serve.
    Join,
    /// The subject stops serving.
    Leave,
}

impl Kind {
    /// Its name, everywhere.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Leave => "leave",
        }
    }

    /// What a step of it comes to, for people.
    pub(crate) fn title(self, step: u8) -> &'static str {
        let table = match self {
            Self::Join => join::TABLE,
            Self::Leave => leave::TABLE,
        };
        let last = table.iter().rev().find(|row| row.step == step);
        last.map_or("", |row| row.title)
    }

    /// Its table.
    pub(crate) fn table(self, config: &Config) -> Vec<Row> {
        let mut rows = match self {
            Self::Join => join::TABLE.to_vec(),
            Self::Leave => leave::TABLE.to_vec(),
        };
        let mut advance = |defect, kind, step, before| {
            if config.has(defect) && self == kind {
                let moved: Vec<Row> = rows.extract_if(.., |row| row.step == step).collect();
                let at = rows.iter().position(|row| row.step == before);
                let at = at.unwrap_or(rows.len());
                let no_wait = moved
                    .into_iter()
                    .filter(|row| !matches!(row.goal, Goal::Wait(_)));
                rows.splice(at..at, no_wait);
            }
        };
        advance(Sabotage::NsBeforeDs, Self::Join, 6, 3);
        advance(Sabotage::DropForeignZskEarly, Self::Leave, 8, 4);
        advance(Sabotage::DropDsEarly, Self::Leave, 7, 4);
        rows
    }
}

/// A deadline that was announced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deadline {
    /// When it is over.
    #[serde(with = "store::instant")]
    pub until: Timestamp,
    /// What for.
    pub why: String,
}

/// One step as it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StepState {
    /// Its number in the table.
    pub step: u8,
    /// When it began.
    #[serde(with = "store::instant")]
    pub from: Timestamp,
    /// When it was done.
    #[serde(with = "store::maybe_instant", default)]
    pub until: Option<Timestamp>,
    /// When it first wrote.
    #[serde(with = "store::maybe_instant", default)]
    pub applied_at: Option<Timestamp>,
}

/// One process of one zone: all that must survive a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    /// Its place in the order of requests.
    pub id: u32,
    /// What it does.
    pub kind: Kind,
    /// Who joins or leaves.
    pub subject: SignerName,
    /// Who leaves is dead: never written to, its data never used.
    #[serde(default)]
    pub dead: bool,
    /// Who served the zone when it began.
    pub before: BTreeSet<SignerName>,
    /// The process that must be done for this one to run.
    #[serde(default)]
    pub after: Option<u32>,
    /// How it stands.
    pub outcome: Outcome,
    /// Why.
    pub reason: String,
    /// Index of the current row of its table.
    pub row: usize,
    /// The announced deadline of the current row.
    #[serde(default)]
    pub deadline: Option<Deadline>,
    /// The serials of the CSYNC records that it published.
    #[serde(default)]
    pub csync: BTreeMap<SignerName, u32>,
    /// Who leaves was told that it may stop.
    #[serde(default)]
    pub released: bool,
    /// Its steps so far.
    pub steps: Vec<StepState>,
    /// A restart forgot that the current row is a wait.
    #[serde(skip)]
    pub forgot_deadline: bool,
}

impl Process {
    /// Who serves the zone when it is done.
    pub(crate) fn after(&self) -> BTreeSet<SignerName> {
        let mut after = self.before.clone();
        match self.kind {
            Kind::Join => after.insert(self.subject.clone()),
            Kind::Leave => after.remove(&self.subject),
        };
        after
    }

    /// The signers that a row is about, as far as they can be written: one that is dead, or was told
    /// that it may stop, cannot.
    pub(crate) fn who(&self, who: Who) -> BTreeSet<SignerName> {
        match who {
            Who::After => self.after(),
            Who::Subject => [self.subject.clone()].into(),
            Who::All => {
                let mut all = self.after();
                if self.kind == Kind::Leave && !self.dead && !self.released {
                    all.insert(self.subject.clone());
                }
                all
            }
        }
    }

    /// Everybody that caches may still ask.
    pub(crate) fn everybody(&self) -> BTreeSet<SignerName> {
        let mut all = self.before.clone();
        all.insert(self.subject.clone());
        all
    }
}
