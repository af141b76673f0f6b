//! One process of one zone: all that must survive a restart.

use std::collections::{BTreeMap, BTreeSet};

use counterpoint_dns::{
    rdata::{Csync, Rdata},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{Goal, Kind, Role, Row, What, Who};
use crate::{
    config::{Config, KskRoll, Model, SignerName},
    place::Item,
    report::Outcome,
    store,
    updater::Change,
};

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
    /// Of which table.
    pub kind: Kind,
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
    /// Who holds the KSKs of the zone.
    #[serde(default, skip_serializing_if = "is_model_2")]
    pub model: Model,
    /// Who joins, leaves or rolls; none: everybody.
    #[serde(default)]
    pub subject: Option<SignerName>,
    /// Who leaves is dead: never written to, its data never used. Only what the owner of the zone signed
    /// is renewed there, if it answers after all.
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
    /// The RRsets under signalling names that it published.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub signals: BTreeSet<(SignerName, Item)>,
    /// Who leaves was told that it may stop.
    #[serde(default)]
    pub released: bool,
    /// Until when who leaves was asked whether it is dead.
    #[serde(
        with = "store::maybe_instant",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub probed: Option<Timestamp>,
    /// When the parent's DS RRset was seen as it must be, after the parent could act on nothing older.
    #[serde(
        with = "store::maybe_instant",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub ds_settled: Option<Timestamp>,
    /// The same of the delegation.
    #[serde(
        with = "store::maybe_instant",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub delegation_settled: Option<Timestamp>,
    /// It is to be run back, as soon as nothing that it sent is under way.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cancelled: bool,
    /// The row whose changes the operator has allowed, in a zone where they wait for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<usize>,
    /// A signer rolls by itself: it is watched, not asked.
    #[serde(default, skip_serializing_if = "is_false")]
    pub detected: bool,
    /// The keys that a roll replaces, once it is known.
    #[serde(
        with = "store::data",
        default,
        skip_serializing_if = "BTreeSet::is_empty"
    )]
    pub old: BTreeSet<Rdata>,
    /// The algorithm to which the group rolls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<u8>,
    /// Its steps so far.
    pub steps: Vec<StepState>,
    /// A restart forgot that the current row is a wait.
    #[serde(skip)]
    pub forgot_deadline: bool,
}

impl StepState {
    /// A step that begins.
    pub(crate) fn begin(kind: Kind, step: u8, now: Timestamp) -> Self {
        Self {
            kind,
            step,
            from: now,
            until: None,
            applied_at: None,
        }
    }
}

fn is_model_2(model: &Model) -> bool {
    *model == Model::Own
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Process {
    /// A request that waits.
    pub(crate) fn new(id: u32, model: Model, kind: Kind, subject: Option<SignerName>) -> Self {
        Self {
            id,
            kind,
            model,
            subject,
            dead: false,
            before: BTreeSet::new(),
            after: None,
            outcome: Outcome::Queued,
            reason: "asked for".into(),
            row: 0,
            deadline: None,
            csync: BTreeMap::new(),
            signals: BTreeSet::new(),
            released: false,
            probed: None,
            ds_settled: None,
            delegation_settled: None,
            cancelled: false,
            allowed: None,
            detected: false,
            old: BTreeSet::new(),
            algorithm: None,
            steps: Vec::new(),
            forgot_deadline: false,
        }
    }

    /// What a group at rest is judged by: nothing is to change.
    pub(crate) fn at_rest(model: Model, members: BTreeSet<SignerName>) -> Self {
        Self {
            before: members,
            ..Self::new(u32::MAX, model, Kind::Rest, None)
        }
    }

    /// Its table.
    pub(crate) fn table(&self, config: &Config) -> Vec<Row> {
        self.kind.table(self.model, config)
    }

    /// What a step of it, of a kind that it had, comes to, for people.
    pub(crate) fn title(&self, step: &StepState, ksk_roll: KskRoll) -> &'static str {
        let rows = step.kind.rows(self.model, ksk_roll);
        let last = rows.iter().rev().find(|row| row.step == step.step);
        last.map_or("", |row| row.title)
    }

    /// Who serves the zone when it is done.
    pub(crate) fn after(&self) -> BTreeSet<SignerName> {
        let mut after = self.before.clone();
        match (self.kind, &self.subject) {
            (Kind::Join, Some(subject)) => drop(after.insert(subject.clone())),
            (Kind::Leave, Some(subject)) => drop(after.remove(subject)),
            _ => {}
        }
        after
    }

    /// Whether this signer joins, leaves or rolls.
    pub(crate) fn is_about(&self, signer: &SignerName) -> bool {
        self.subject.as_ref() == Some(signer)
    }

    /// Who joins, leaves or rolls, for people.
    pub(crate) fn whom(&self) -> String {
        match (&self.subject, self.model, self.kind) {
            (Some(subject), _, _) => subject.to_string(),
            (None, Model::Common, Kind::RollKsk) => "the owner".into(),
            (None, _, _) => "the group".into(),
        }
    }

    /// The signers that a row is about, as far as they can be written: one that is dead, or was told
    /// that it may stop, cannot.
    pub(crate) fn who(&self, who: Who) -> BTreeSet<SignerName> {
        match who {
            Who::After => self.after(),
            Who::Subject => self.subject.iter().cloned().collect(),
            Who::All => {
                let mut all = self.after();
                if self.kind == Kind::Leave && !self.dead && !self.released {
                    all.extend(self.subject.clone());
                }
                all
            }
        }
    }

    /// Everybody that caches may still ask.
    pub(crate) fn everybody(&self) -> BTreeSet<SignerName> {
        let mut all = self.before.clone();
        all.extend(self.subject.clone());
        all
    }

    /// Takes down what must be known later of changes that are about to be written.
    pub(crate) fn take_down(&mut self, changes: &[Change]) {
        for change in changes {
            match &change.item {
                Item::Csync => {
                    if let Some(csync) = change.wanted.data.iter().find_map(Csync::parse) {
                        self.csync.insert(change.signer.clone(), csync.serial);
                    }
                }
                signal @ Item::Signal(..) if !change.wanted.data.is_empty() => {
                    self.signals.insert((change.signer.clone(), signal.clone()));
                }
                _ => {}
            }
        }
    }

    /// Whether the row that publishes `what` has begun.
    pub(crate) fn has_come_to(&self, config: &Config, what: What) -> bool {
        let table = self.table(config);
        let publishes =
            |goal: Goal| matches!(goal, Goal::Publish(published, _) if published == what);
        let at = table.iter().position(|row| publishes(row.goal));
        at.is_some_and(|at| at <= self.row)
    }

    /// The kind of key that is rolled at one signer.
    pub(crate) fn role(&self) -> Option<Role> {
        match self.kind {
            Kind::RollZsk => Some(Role::Zsk),
            Kind::RollKsk => Some(Role::Ksk),
            Kind::RollCsk => Some(Role::Csk),
            _ => None,
        }
    }
}
