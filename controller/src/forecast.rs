//! What a process would do, when, and why that is safe: the tables played forward over what is known.
//!
//! Owns the assumptions: a write shows everywhere by the next look, the parent needs `parent-settle` for
//! what it is asked, and nothing else changes. Contents, deadlines, prerequisites and the guard are the
//! engine's own. What a signer must do takes as long as it takes: from then on times count from that act,
//! and waits from the TTLs of now; contents depend on keys that nobody knows yet.

use std::{collections::BTreeSet, time::Duration};

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
    log::{Log, Track, Version},
    place::{Item, Owner, Place, Places},
    process::{Goal, Parental, Process, Row, StepState, WaitFor, graph::actor},
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
    /// When it is expected.
    pub when: When,
    /// What is written, and why it takes so long or is safe; for people.
    pub notes: Vec<String>,
}

/// When a row is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// From then until then.
    At(Timestamp, Timestamp),
    /// When signers act: nobody knows.
    Act,
    /// Done this long after signers acted in that step.
    After(String, Duration),
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
    /// The step of the last turn of signers, and how much is to be done since: when they act, nobody knows.
    pub open: Option<(String, Duration)>,
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
            if self.case(&process, &Writes::new()).is_idle(row.goal) {
                process.row += 1;
                continue;
            }
            let from = self.now;
            let played = self.row(&mut process, *row);
            let (notes, why) = match played {
                Ok(notes) => (notes, None),
                Err(why) => (Vec::new(), Some(why)),
            };
            let step = format!("{}/{}", process.kind.name(), row.step);
            let when = match (&mut self.open, row.goal) {
                (open, Goal::Turn(_)) => {
                    *open = Some((step.clone(), Duration::ZERO));
                    When::Act
                }
                (Some((turn, since)), _) => When::After(turn.clone(), *since),
                (None, _) => When::At(from, self.now),
            };
            rows.push(Foreseen {
                step,
                actor: actor(row.goal),
                title: row.title,
                when,
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
        if self.open.is_some() && !matches!(row.goal, Goal::Turn(_)) {
            let (takes, notes) = self.guess(process, row.goal);
            if let Some((_, since)) = &mut self.open {
                *since += takes;
            }
            return Ok(notes);
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
                let whom: Vec<String> = (self.case(process, &writes).whose_turn().iter())
                    .map(|signer| format!("{signer} is asked: {}", turn.request()))
                    .collect();
                Ok(whom)
            }
        }
    }

    /// How long a row takes whose contents nobody knows, at most, and why.
    fn guess(&self, process: &Process, goal: Goal) -> (Duration, Vec<String>) {
        let settle = self.config.parent_settle;
        match goal {
            Goal::Publish(..) => (self.config.poll, Vec::new()),
            Goal::Watch(_) => {
                let note = format!("the parent is given {} (parent-settle)", human(settle));
                (settle, vec![note])
            }
            Goal::Wait(waits) => {
                let spans = waits.iter().map(|wait| self.longest(process, *wait));
                let longest = spans.max().unwrap_or_default();
                let wait = longest + self.config.safety.of(longest);
                let note = format!("by the TTLs of now, with safety: {}", human(wait));
                (wait, vec![note])
            }
            Goal::Prerequisites | Goal::Release | Goal::Turn(_) => (Duration::ZERO, Vec::new()),
        }
    }

    /// The longest that caches hold what a wait is for, by the TTLs that were seen.
    fn longest(&self, process: &Process, wait: WaitFor) -> Duration {
        let signers = || process.everybody().into_iter().map(Owner::Signer);
        let held = |owner: Owner, item: Item| {
            let tracks = self.places.public(&owner);
            let tracks = tracks.filter_map(|place| self.log.track(place, &item));
            let versions = tracks.flat_map(|track| &track.versions);
            versions.map(Version::ttl).max().unwrap_or_default()
        };
        let all = |item: Item| signers().map(move |owner| held(owner, item.clone())).max();
        let longest = match wait {
            WaitFor::Dnskey
            | WaitFor::OwnDnskey
            | WaitFor::ReturnerDnskey
            | WaitFor::NewAlgorithm
            | WaitFor::OldAlgorithm
            | WaitFor::LeaverDnskey => all(Item::Dnskey),
            WaitFor::Ds | WaitFor::DsOfBoth | WaitFor::NoDs => Some(held(Owner::Parent, Item::Ds)),
            WaitFor::Ns => all(Item::Ns).max(Some(held(Owner::Parent, Item::Delegation))),
            WaitFor::Delegation => Some(self.config.parent_settle),
            // Of what it was not asked the declared bound is all that is known.
            WaitFor::Addresses | WaitFor::RolledData | WaitFor::GroupData | WaitFor::LeaverData => {
                signers().map(|owner| self.config.max_ttl(&owner)).max()
            }
        };
        longest.unwrap_or_default()
    }

    fn publish(&mut self, process: &mut Process, row: Row) -> Result<Vec<String>, String> {
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
        process.take_down(&changes);
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
