//! One zone's engine: observe, decide, apply, observe again. It runs every table.
//!
//! Owns the order of effects: what was decided is persisted before anything is sent, and what was
//! sent is read back from every instance. Knows no step of any process.

mod effects;
mod requests;
mod round;

use std::{collections::BTreeSet, time::Duration};

use counterpoint_dns::{
    agent::Record, name::Name, time::Timestamp, validate::shared::SharedVerifier,
};

use crate::{
    case::Case,
    config::{Config, SignerName},
    decide::{Decision, decide},
    io::Io,
    keys::Keys,
    log::Log,
    place::{Owner, Places},
    process::{Goal, Process, Row},
    report::{Outcome, ProcessReport, StepReport},
    sabotage::Sabotage,
    store,
    updater::{Write, Writes},
};

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
    /// Somebody's addresses are not known yet.
    homeless: bool,
    /// What was last told, so that nothing is told twice.
    told: String,
}

impl Engine {
    /// A zone of which nothing is known.
    pub(crate) fn new(config: &Config, zone: Name) -> Self {
        let mut keys = Keys::default();
        keys.declare(config);
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
            homeless: false,
            told: String::new(),
        }
    }

    /// Uses a verifier that others use too.
    pub(crate) fn share(&mut self, verifier: SharedVerifier) {
        self.log.share(verifier);
    }

    /// Takes back one record of this zone: `kind/zone/…`. `None`: it cannot be read.
    pub(crate) fn restore(&mut self, config: &Config, kind: &str, record: &Record) -> Option<()> {
        match kind {
            "log" => {
                self.log.restore(record)?;
                self.surveyed = true;
            }
            "keys" => {
                self.keys = store::read(record)?;
                self.keys.declare(config);
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

    /// When it wants to be woken.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Sleeping(until) => Some(until),
            _ => None,
        }
    }

    /// Begins, or goes on after a restart.
    pub(crate) fn start(&mut self, io: &mut Io<'_>) {
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
                self.phase = Phase::Sleeping(deadline.until.max(io.now));
            }
            _ if process.is_some() => self.observe(io),
            _ if !self.surveyed => self.survey(io),
            _ => self.phase = Phase::Idle,
        }
    }

    /// The time that it asked for may have come.
    pub(crate) fn wake(&mut self, io: &mut Io<'_>) {
        if matches!(self.phase, Phase::Sleeping(until) if until <= io.now) {
            if self.current().is_none() {
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
            match self.current() {
                Some(_) => self.observe(io),
                None => self.start(io),
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
        process.kind.table(config).get(process.row).copied()
    }

    fn case<'a>(&'a self, config: &'a Config, index: usize) -> Case<'a> {
        Case {
            config,
            zone: &self.zone,
            log: &self.log,
            keys: &self.keys,
            places: &self.places,
            process: &self.processes[index],
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
            self.phase = Phase::Idle;
            return;
        };
        if self.processes[index].outcome == Outcome::Queued {
            return self.begin_next(io);
        }
        let Some(row) = self.row(io.config, index) else {
            return self.finish(io, index);
        };
        let process = &self.processes[index];
        let gone = process.dead || process.released;
        let mut concerned = process.everybody();
        concerned.retain(|signer| !gone || *signer != process.subject);
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
            None => decide(&self.case(io.config, index), row, io.now),
        };
        self.carry_out(io, index, row, decision);
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
        match self.row(io.config, index) {
            None => self.finish(io, index),
            Some(
                row @ Row {
                    goal: Goal::Wait(waits),
                    ..
                },
            ) => {
                let case = self.case(io.config, index);
                match case.deadline(waits) {
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
    pub(crate) fn reports(&self) -> impl Iterator<Item = (u32, ProcessReport)> {
        self.processes.iter().map(|process| {
            let steps = process.steps.iter().map(|step| StepReport {
                name: format!("{}/{}", process.kind.name(), step.step),
                title: process.kind.title(step.step),
                from: step.from,
                until: step.until,
                applied_at: step.applied_at,
            });
            let report = ProcessReport {
                zone: self.zone.clone(),
                process: process.kind.name().into(),
                signer: process.subject.to_string(),
                outcome: process.outcome,
                reason: process.reason.clone(),
                steps: steps.collect(),
            };
            (process.id, report)
        })
    }
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
