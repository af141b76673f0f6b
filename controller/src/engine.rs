//! One zone's engine: observe, decide, apply, observe again. It runs every table.
//!
//! Owns the order of effects: what was decided is persisted before anything is sent, and what was
//! sent is read back from every instance. Knows no step of any process.

#[cfg(feature = "tool")]
mod ahead;
mod authentic;
mod cancel;
mod effects;
mod manual;
mod requests;
mod rest;
mod round;

use std::{collections::BTreeSet, time::Duration};

use counterpoint_dns::{
    agent::Record, name::Name, time::Timestamp, validate::shared::SharedVerifier,
};

use crate::{
    audit::Declared,
    case::Case,
    config::{Config, SignerName},
    decide::{Decision, additions, decide},
    io::Io,
    keys::Keys,
    log::Log,
    place::{Owner, Places},
    process::{Goal, Process, Row, What},
    report::{Outcome, ProcessReport, StepReport},
    sabotage::Sabotage,
    store,
    updater::{Write, Writes},
};

#[cfg(feature = "tool")]
pub(crate) use effects::difference;
pub(crate) use requests::Request;
use round::Round;

/// The longest time between two looks.
pub(crate) const BACK_OFF_MAX: Duration = Duration::from_secs(3_600);

/// What the engine is about.
#[derive(Debug)]
enum Phase {
    /// Nothing to do.
    Idle,
    /// Looks at everything that the current row names.
    Observing(Round),
    /// Waits for the answers to so many updates.
    Applying(usize),
    /// Until then nothing is asked.
    Sleeping(Timestamp),
}

/// One zone.
pub(crate) struct Engine {
    zone: Name,
    processes: Vec<Process>,
    log: Log,
    keys: Keys,
    places: Places,
    phase: Phase,
    /// Looks in vain since the current row began.
    polls: u32,
    writes: Writes,
    /// When the last round began: what its answers say is what counts.
    since: Timestamp,
    rounds: u64,
    surveyed: bool,
    /// When it last looked at everything that may change by itself.
    watched: Timestamp,
    /// Whose turn it is, be it the parent's, was told so since the current row began.
    has_asked: bool,
    /// Somebody's addresses are not known yet.
    homeless: bool,
    /// What was last told of the declarations, for the audit log.
    declared: Option<Declared>,
    /// What was last told, so that nothing is told twice.
    told: String,
}

impl Engine {
    /// A zone of which nothing is known.
    pub(crate) fn new(config: &Config, zone: Name) -> Self {
        let mut keys = Keys::default();
        keys.declare(config, &zone);
        Self {
            zone,
            processes: Vec::new(),
            log: Log::default(),
            keys,
            places: Places::default(),
            phase: Phase::Idle,
            polls: 0,
            writes: Writes::new(),
            since: Timestamp::MIN,
            rounds: 0,
            surveyed: false,
            watched: Timestamp::MIN,
            has_asked: false,
            homeless: false,
            declared: None,
            told: String::new(),
        }
    }

    /// Uses a verifier that others use too.
    pub(crate) fn share(&mut self, verifier: SharedVerifier) {
        self.log.share(verifier);
    }

    /// Takes back one record of this zone: `kind/zone`, or `kind/zone/…`. `None`: it cannot be read.
    pub(crate) fn restore(&mut self, config: &Config, kind: &str, record: &Record) -> Option<()> {
        match kind {
            "log" => {
                self.log.restore(record)?;
                self.surveyed = true;
            }
            "keys" => {
                self.keys = store::read(record)?;
                self.keys.declare(config, &self.zone);
                self.keys.every().for_each(|key| self.log.announce(key));
            }
            "watched" => {
                self.watched = Timestamp::from_nanos(store::read(record)?);
            }
            "process" => {
                let mut process = store::read::<Process>(record)?;
                process.forgot_deadline =
                    process.deadline.is_some() && config.has(Sabotage::ForgetDeadlineOnRestart);
                self.processes.push(process);
                self.processes.sort_by_key(|process| process.id);
            }
            _ => return None,
        }
        Some(())
    }

    /// The greatest id of a process here.
    pub(crate) fn last_id(&self) -> Option<u32> {
        self.processes.last().map(|process| process.id)
    }

    /// Who serves the zone now, by what was done.
    pub(crate) fn members(&self, config: &Config) -> BTreeSet<SignerName> {
        let done = self
            .processes
            .iter()
            .filter(|process| process.outcome == Outcome::Done);
        let last = done.max_by_key(|process| process.id).map(Process::after);
        last.unwrap_or_else(|| config.first_members(&self.zone))
    }

    /// Whether nothing was asked for.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.current().is_none()
    }

    /// When it wants to be woken.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Sleeping(until) => Some(until),
            _ => None,
        }
    }

    /// Begins, or goes on after a restart.
    pub(crate) fn start(&mut self, io: &mut Io<'_>) {
        self.log.watched_until(self.watched);
        self.locate(io);
        let members = self.members(io.config);
        self.homeless = self.current().is_none() && self.nowhere(members).is_some();
        if self.homeless && !self.surveyed {
            self.phase = Phase::Sleeping(io.now + io.config.poll);
            return;
        }
        let process = self.current().map(|index| &self.processes[index]);
        let deadline = process.and_then(|process| process.deadline.as_ref());
        match deadline {
            // A wait asks nothing until its deadline, not even after a restart.
            Some(deadline)
                if !process.is_some_and(|process| process.forgot_deadline || process.dead) =>
            {
                let next = deadline.until.min(self.watched + BACK_OFF_MAX);
                self.phase = Phase::Sleeping(next.max(io.now));
            }
            // The budget is for all zones at rest, and they begin at the same time.
            _ if io.config.questions_per_second.is_some() && self.is_at_rest() => {
                self.phase = Phase::Sleeping(io.now);
            }
            _ => self.observe(io),
        }
    }

    /// The time that it asked for may have come.
    pub(crate) fn wake(&mut self, io: &mut Io<'_>) {
        if matches!(self.phase, Phase::Sleeping(until) if until <= io.now) {
            if self.homeless && self.current().is_none() {
                return self.start(io);
            }
            let blocked = self
                .current()
                .is_some_and(|index| self.processes[index].outcome == Outcome::Blocked);
            if blocked {
                // Perhaps somebody did something about it.
                self.writes.values_mut().for_each(Write::once_more);
            }
            self.observe(io);
        }
    }

    /// Addresses were found.
    pub(crate) fn located(&mut self, io: &mut Io<'_>) {
        if self.homeless && matches!(self.phase, Phase::Sleeping(_)) {
            self.homeless = false;
            match io.config.questions_per_second {
                Some(_) if self.is_at_rest() => self.phase = Phase::Sleeping(io.now),
                _ => self.observe(io),
            }
        }
    }

    /// The process that runs, or would be next.
    fn current(&self) -> Option<usize> {
        self.processes
            .iter()
            .position(|process| !process.outcome.is_final())
    }

    fn row(&self, config: &Config, index: usize) -> Option<Row> {
        let process = &self.processes[index];
        process.table(config).get(process.row).copied()
    }

    fn case<'a>(&'a self, config: &'a Config, index: usize) -> Case<'a> {
        self.case_of(config, &self.processes[index])
    }

    fn case_of<'a>(&'a self, config: &'a Config, process: &'a Process) -> Case<'a> {
        Case {
            config,
            zone: &self.zone,
            log: &self.log,
            keys: &self.keys,
            places: &self.places,
            process,
            writes: &self.writes,
            since: self.since,
            back_off: self.back_off(config),
        }
    }

    /// From `poll` to an hour, doubling.
    fn back_off(&self, config: &Config) -> Duration {
        let factor = 1_u32.checked_shl(self.polls).unwrap_or(u32::MAX);
        config
            .poll
            .saturating_mul(factor)
            .min(BACK_OFF_MAX.max(config.poll))
    }

    /// Decides about the current row, after a round.
    fn proceed(&mut self, io: &mut Io<'_>) {
        let Some(index) = self.current() else {
            return self.rest(io);
        };
        if self.processes[index].outcome == Outcome::Queued {
            return self.begin_next(io);
        }
        if self.processes[index].cancelled {
            return self.run_back(io, index);
        }
        let Some(row) = self.row(io.config, index) else {
            return self.finish(io, index);
        };
        if !matches!(row.goal, Goal::Publish(..)) {
            let process = self.processes[index].clone();
            self.settle_repairs(io, &process);
        }
        let process = &self.processes[index];
        let gone = process.dead || process.released;
        let mut concerned = process.everybody();
        concerned.retain(|signer| !gone || !process.is_about(signer));
        let nowhere = self.nowhere(concerned);
        self.homeless = nowhere.is_some();
        let decision = match nowhere {
            Some(owner) => Decision::Watch {
                what: format!(
                    "the addresses of {owner}'s nameservers ({})",
                    io.book.trouble(&nameservers(io, &owner))
                ),
                next_poll: io.now + self.back_off(io.config),
            },
            None => {
                let case = self.case(io.config, index);
                match additions(&case, io.now).filter(|_| !writes_keys(row.goal)) {
                    Some(Decision::Apply(changes)) => return self.repair(io, index, row, changes),
                    Some(blocked) => blocked,
                    None => decide(&case, row, io.now),
                }
            }
        };
        match row.goal {
            Goal::Turn(turn) => self.take_turn(io, index, row, turn, decision),
            _ => self.carry_out(io, index, row, decision),
        }
    }

    /// Somebody concerned whose instances are not known: nothing may be concluded without them.
    fn nowhere(&self, signers: BTreeSet<SignerName>) -> Option<Owner> {
        let signers = signers.into_iter().map(Owner::Signer);
        let owners = [Owner::Parent].into_iter().chain(signers);
        let mut empty = owners.filter(|owner| self.places.public(owner).next().is_none());
        empty.next()
    }

    /// The next row: one that only waits is not asked about before its deadline.
    fn enter_row(&mut self, io: &mut Io<'_>, index: usize) {
        self.writes.clear();
        self.polls = 0;
        self.has_asked = false;
        match self.row(io.config, index) {
            None => self.finish(io, index),
            Some(
                row @ Row {
                    goal: Goal::Wait(waits),
                    ..
                },
            ) => {
                let case = self.case(io.config, index);
                match case.next_look(waits) {
                    Ok((until, why)) if io.now < until => {
                        self.carry_out(io, index, row, Decision::Wait { until, why });
                    }
                    _ => self.observe(io),
                }
            }
            Some(
                row @ Row {
                    goal: Goal::Release,
                    ..
                },
            ) => {
                self.carry_out(io, index, row, Decision::Advance);
            }
            Some(_) => self.observe(io),
        }
    }

    /// The reports of its processes, with the order in which they were asked for.
    pub(crate) fn reports(&self, config: &Config) -> impl Iterator<Item = (u32, ProcessReport)> {
        self.processes.iter().map(|process| {
            let steps = process.steps.iter().map(|step| StepReport {
                name: format!("{}/{}", step.kind.name(), step.step),
                title: process.title(step, config.ksk_roll),
                from: step.from,
                until: step.until,
                applied_at: step.applied_at,
            });
            let report = ProcessReport {
                zone: self.zone.clone(),
                process: process.kind.name().into(),
                signer: process.whom(),
                outcome: process.outcome,
                reason: process.reason.clone(),
                until: match (process.outcome, &process.deadline) {
                    (Outcome::Waiting, Some(deadline)) => Some(deadline.until),
                    _ => None,
                },
                steps: steps.collect(),
            };
            (process.id, report)
        })
    }
}

/// Whether a row brings DNSKEY RRsets about itself.
fn writes_keys(goal: Goal) -> bool {
    use What::{ForeignKeys, NewAlgorithm, NewAlgorithmOfOthers, OldAlgorithmOut, OldKeysOut};
    let keys = [
        ForeignKeys,
        OldKeysOut,
        NewAlgorithm,
        NewAlgorithmOfOthers,
        OldAlgorithmOut,
    ];
    matches!(goal, Goal::Publish(what, _) if keys.contains(&what))
}

/// The names that lead to the instances of `owner`, as far as they are known.
fn nameservers(io: &Io<'_>, owner: &Owner) -> Vec<Name> {
    match owner {
        Owner::Parent => {
            let mut names = io.book.parent_ns(io.config);
            names.push(io.config.parent.zone.clone());
            names
        }
        Owner::Signer(name) => {
            let signer = io.config.signers.get(name);
            signer.map_or(Vec::new(), |signer| signer.ns.clone())
        }
    }
}
