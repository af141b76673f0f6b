//! What a process would do, when, and why that is safe: the tables played forward over what is known.
//!
//! Owns the assumptions: a write shows everywhere by the next look, the parent needs `parent-settle` for
//! what it is asked, and nothing else changes. Contents, deadlines, prerequisites and the guard are the
//! engine's own. What a signer must do takes as long as it takes: after that no time is told.

use std::collections::BTreeSet;

use counterpoint_dns::{
    name::Name,
    rdata::Rdata,
    time::{Timestamp, human},
};

use crate::{
    case::Case,
    checks,
    config::{Config, SignerName},
    decide::{Decision, decide},
    engine::difference,
    guard,
    keys::Keys,
    log::{Log, Track},
    place::{Item, Owner, Place, Places},
    process::{Goal, Parental, Process, Row, StepState, graph::actor},
    updater::{Change, Writes},
};

/// One row of a process, as it is expected to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreseen {
    /// Its step, as `join/5`.
    pub step: String,
    /// Who must do something: `check`, `write`, `parent`, `wait`, `tell`, `signer`.
    pub actor: &'static str,
    /// What it comes to, for people.
    pub title: &'static str,
    /// When it begins and ends, if that can be said.
    pub when: Option<(Timestamp, Timestamp)>,
    /// What is written, and why it takes so long or is safe; for people.
    pub notes: Vec<String>,
}

/// A process, as it is expected to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// What it does, as `join`.
    pub process: String,
    /// Who joins, leaves or rolls.
    pub whom: String,
    /// Its rows, as far as they can be foreseen.
    pub rows: Vec<Foreseen>,
    /// Why it would not come to its end, if so.
    pub blocked: Option<String>,
}

/// Plays processes forward.
pub(crate) struct Forecaster<'a> {
    pub config: &'a Config,
    pub zone: &'a Name,
    pub log: Log,
    pub keys: Keys,
    pub places: Places,
    pub now: Timestamp,
    /// A signer's turn came: when it is over, nobody knows.
    pub is_open: bool,
}

impl Forecaster<'_> {
    /// Plays one process to its end, or as far as can be foreseen.
    pub(crate) fn play(&mut self, mut process: Process) -> Forecast {
        let table = process.table(self.config);
        let mut rows = Vec::new();
        let mut blocked = None;
        if process.steps.is_empty() {
            let step = StepState::begin(process.kind, 1, self.now);
            process.steps.push(step);
        }
        while let Some(row) = table.get(process.row) {
            let from = self.now;
            let played = self.row(&mut process, *row);
            let (notes, why) = match played {
                Ok(notes) => (notes, None),
                Err(why) => (Vec::new(), Some(why)),
            };
            rows.push(Foreseen {
                step: format!("{}/{}", process.kind.name(), row.step),
                actor: actor(row.goal),
                title: row.title,
                when: (!self.is_open).then_some((from, self.now)),
                notes,
            });
            blocked = why;
            if blocked.is_some() {
                break;
            }
            process.row += 1;
            process.deadline = None;
            if table
                .get(process.row)
                .is_some_and(|next| next.step != row.step)
            {
                let step = StepState::begin(process.kind, row.step + 1, self.now);
                process.steps.push(step);
            }
        }
        Forecast {
            process: process.kind.name().into(),
            whom: process.whom(),
            rows,
            blocked,
        }
    }

    fn case<'c>(&'c self, process: &'c Process, writes: &'c Writes) -> Case<'c> {
        Case {
            config: self.config,
            zone: self.zone,
            log: &self.log,
            keys: &self.keys,
            places: &self.places,
            process,
            writes,
            // What is foreseen counts as seen.
            since: Timestamp::MIN,
            back_off: self.config.poll,
        }
    }

    /// Plays one row. `Err`: why the process would not go on.
    fn row(&mut self, process: &mut Process, row: Row) -> Result<Vec<String>, String> {
        // After a signer's turn everything depends on keys that nobody knows yet.
        if self.is_open && !matches!(row.goal, Goal::Turn(_)) {
            return Ok(Vec::new());
        }
        let writes = Writes::new();
        match row.goal {
            Goal::Prerequisites => {
                let case = self.case(process, &writes);
                match decide(&case, row, self.now) {
                    Decision::Advance => Ok(checks::warnings(&case)),
                    Decision::Blocked { by, why, remedy } => {
                        Err(format!("by {by}: {why}. Remedy: {remedy}"))
                    }
                    Decision::Watch { what, .. } => Err(format!("nobody has seen {what}")),
                    _ => Err("the prerequisites are not known".into()),
                }
            }
            Goal::Publish(..) => self.publish(process, row),
            Goal::Watch(what) => Ok(self.watch(process, what)),
            Goal::Wait(waits) => {
                let case = self.case(process, &writes);
                let announced = process.deadline.as_ref();
                let over = case.deadline(waits).map_err(|lacking| lacking.why);
                let (until, why) = match (over, announced) {
                    (Ok(over), _) => over,
                    (Err(_), Some(deadline)) => (deadline.until, deadline.why.clone()),
                    (Err(why), None) => return Err(why),
                };
                let wait = until - self.now;
                self.now = self.now.max(until);
                Ok(match wait.is_zero() {
                    true => Vec::new(),
                    false => vec![format!("{why}: {}", human(wait))],
                })
            }
            Goal::Release => {
                process.released = true;
                Ok(Vec::new())
            }
            Goal::Turn(turn) => {
                self.is_open = true;
                let whom: Vec<String> = (self.case(process, &writes).whose_turn().iter())
                    .map(|signer| format!("{signer} is asked: {}", turn.request()))
                    .collect();
                Ok(whom)
            }
        }
    }

    fn publish(&mut self, process: &Process, row: Row) -> Result<Vec<String>, String> {
        let writes = Writes::new();
        let case = self.case(process, &writes);
        let changes: Vec<Change> = match decide(&case, row, self.now) {
            Decision::Apply(changes) => changes,
            Decision::Advance => return Ok(vec!["it is so already".into()]),
            Decision::Watch { what, .. } => return Err(format!("it would wait for {what}")),
            _ => return Err("it cannot be foreseen".into()),
        };
        let mut notes: Vec<String> = changes
            .iter()
            .map(|change| format!("{} {}", change.signer, difference(change)))
            .collect();
        if self.config.guard {
            guard::judge_changes(&case, &changes, self.now)
                .map_err(|witness| format!("the guard would refuse it: {witness}"))?;
            notes.push("safe: the guard finds no cache that it would harm".into());
        }
        self.now += self.config.poll;
        for change in &changes {
            let owner = Owner::Signer(change.signer.clone());
            let ttl = change.wanted.ttl;
            let signed_by = change.signed_by();
            self.foresee(&owner, &change.item, &change.wanted.data, ttl, signed_by);
        }
        Ok(notes)
    }

    fn watch(&mut self, process: &Process, what: Parental) -> Vec<String> {
        let writes = Writes::new();
        let case = self.case(process, &writes);
        let after: BTreeSet<SignerName> = process.after();
        let (item, data, lags) = match what {
            Parental::Ds | Parental::DsOfBoth => {
                let both = what == Parental::DsOfBoth;
                let data = case.cds(&after, both).0;
                let lags = case.ds_lags(|data| case.is_wanted_ds(data, both));
                (Item::Ds, data, lags)
            }
            Parental::NoDs => {
                let lags = case.ds_lags(BTreeSet::is_empty);
                (Item::Ds, BTreeSet::new(), lags)
            }
            Parental::Delegation => {
                let data = case.ns_data(&after);
                (Item::Delegation, data, case.delegation_lags())
            }
        };
        if lags.is_empty() {
            return vec!["it is so already".into()];
        }
        let settle = self.config.parent_settle;
        self.now += settle;
        let place = self.places.public(&Owner::Parent).next();
        let current = place.and_then(|place| self.log.track(place, &item)?.current());
        let ttl = current.map_or(0, |version| version.ttl);
        self.foresee(&Owner::Parent, &item, &data, ttl, None);
        if item == Item::Delegation {
            for (glue, data) in self.case(process, &writes).addresses(&after) {
                self.foresee(&Owner::Parent, &glue, &data, ttl, None);
            }
        }
        vec![format!(
            "the parent is given {} (parent-settle)",
            human(settle)
        )]
    }

    /// From now on every instance of `owner` is taken to serve this, signed by these or as before.
    fn foresee(
        &mut self,
        owner: &Owner,
        item: &Item,
        data: &BTreeSet<Rdata>,
        ttl: u32,
        signers: Option<BTreeSet<Rdata>>,
    ) {
        let places: Vec<Place> = self.places.of(owner).to_vec();
        for place in places {
            let known = self.log.track(&place, item).and_then(Track::current);
            let before = known.map(|version| version.signed_by.clone());
            let signed_by = signers.clone().or(before).unwrap_or_default();
            self.log
                .foresee(self.now, &place, item, data, ttl, signed_by);
        }
    }
}
