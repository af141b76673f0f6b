//! Processes as tables. A row says what must hold before the next may begin, and who brings it about.
//!
//! Owns the vocabulary of the tables and the state of one process. Knows neither how anything is
//! observed nor how it is written: one engine runs every table.

mod cancel_join;
mod cancel_leave;
mod common_ksk;
mod go_insecure;
pub(crate) mod graph;
mod join;
mod kind;
mod leave;
mod roll_algorithm;
mod roll_csk;
mod roll_ksk;
mod roll_zsk;
mod shared_keys;
mod state;
mod turn;

use counterpoint_dns::name::RecordType;

pub(crate) use self::{
    kind::Kind,
    state::{Deadline, Process, StepState},
    turn::{Role, Turn},
};

/// Which signers a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// All that serve the zone before the process, or after it.
    All,
    /// All that serve it when the process is done.
    After,
    /// The one that joins, leaves or rolls.
    Subject,
}

/// RRsets that the controller brings to an exact content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The others' ZSKs (of CSK signers all keys) in each signer's DNSKEY RRset (RFC 8901 §3.2).
    ForeignKeys,
    /// The same without the keys that a roll replaces.
    OldKeysOut,
    /// The own keys of each signer in the algorithm to which the group rolls, and the others' that
    /// sign data: in one version.
    NewAlgorithm,
    /// The others' alone: what must not come in a version of its own.
    NewAlgorithmOfOthers,
    /// No key of the old algorithm, own or foreign: in one version.
    OldAlgorithmOut,
    /// CDS and CDNSKEY: everybody's KSKs and CSKs, the same at every signer (RFC 7344); in a roll
    /// the new instead of the old.
    Cds,
    /// The same with the new beside the old.
    CdsOfBoth,
    /// The request to remove DS (RFC 8078 §4).
    CdsDelete,
    /// Neither CDS nor CDNSKEY.
    NoCds,
    /// The same as CDS and CDNSKEY under the signalling names of each signer, while the parent has no DS
    /// RRset (RFC 9615).
    Signals,
    /// None of those that the process published (RFC 9615 §5.1).
    NoSignals,
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
    /// Its DS RRset names exactly everybody's KSKs and CSKs; in a roll the new instead of the old.
    Ds,
    /// The same with the new beside the old.
    DsOfBoth,
    /// It has no DS RRset.
    NoDs,
    /// Its NS RRset and glue are exactly everybody's nameservers.
    Delegation,
}

impl Parental {
    /// The type of which a NOTIFY makes the parent look (RFC 9859 §4): CDS stands for CDNSKEY too.
    pub(crate) const fn notified(self) -> RecordType {
        match self {
            Self::Ds | Self::DsOfBoth | Self::NoDs => RecordType::CDS,
            Self::Delegation => RecordType::CSYNC,
        }
    }

    /// What asks the parent for it.
    pub(crate) const fn asked_for_by(self) -> &'static [(What, Who)] {
        match self {
            Self::Ds => &[(What::Cds, Who::After), (What::Signals, Who::After)],
            Self::DsOfBoth => &[(What::CdsOfBoth, Who::After)],
            Self::NoDs => &[(What::CdsDelete, Who::After)],
            Self::Delegation => &[(What::Ns, Who::All), (What::Csync, Who::All)],
        }
    }
}

/// What caches must have dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum WaitFor {
    /// DNSKEY RRsets without everybody's keys.
    Dnskey,
    /// DNSKEY RRsets of the subject without its new key.
    OwnDnskey,
    /// DNSKEY RRsets without the keys of the new algorithm.
    NewAlgorithm,
    /// DNSKEY RRsets with keys of the old algorithm.
    OldAlgorithm,
    /// Older DS RRsets.
    Ds,
    /// DS RRsets that lack the new keys beside the old.
    DsOfBoth,
    /// DS RRsets, all of them.
    NoDs,
    /// Proofs that nameserver names have no address, and older addresses.
    Addresses,
    /// NS RRsets, at the parent and every signer, that name who leaves.
    Ns,
    /// DNSKEY RRsets of who leaves, which its own KSK alone has signed: counted from the end of `Ns`.
    LeaverDnskey,
    /// DNSKEY RRsets of the subject that none of the KSKs has signed that it has now: it may have come back
    /// with others.
    ReturnerDnskey,
    /// Answers that who leaves has signed: counted from the end of `Ns`.
    LeaverData,
    /// Answers that the subject signed with its old key alone.
    RolledData,
    /// Answers of anybody that the new algorithm does not sign.
    GroupData,
    /// Nothing: a delegation that was asked for otherwise may still be published until then.
    Delegation,
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
    /// Signers were asked to do this, and have.
    Turn(Turn),
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
