//! Running a process back.
//!
//! Owns what becomes of a process that is cancelled: nothing is undone before what was asked of the
//! parent is asked back, shown, and settled. Updates under way are let finish first.

use super::{Engine, Phase};
use crate::{
    config::Model,
    io::Io,
    process::{Goal, Kind, StepState, What, Who},
    report::Outcome,
};

impl Engine {
    /// Takes the request to run the current process back.
    pub(crate) fn cancel(&mut self, io: &mut Io<'_>) {
        let refuse = |engine: &Self, io: &mut Io<'_>, why: String| {
            io.note(&engine.zone, "refused", "cancel".into(), why);
        };
        let Some(index) = self.current() else {
            return refuse(self, io, "nothing is under way".into());
        };
        let process = &mut self.processes[index];
        let name = process.kind.name();
        if process.outcome == Outcome::Queued {
            process.outcome = Outcome::Refused;
            process.reason = "it was cancelled before it began".into();
            let reason = process.reason.clone();
            self.persist_process(io, index);
            io.note(&self.zone, "refused", name.into(), reason);
            return;
        }
        if !matches!(process.kind, Kind::Join | Kind::Leave) {
            let why = format!("a {name} cannot be run back");
            return refuse(self, io, why);
        }
        process.cancelled = true;
        let text = format!("{} is to be run back", process.whom());
        self.persist_process(io, index);
        io.note(&self.zone, "cancel", name.into(), text);
        if matches!(self.phase, Phase::Sleeping(_)) {
            self.observe(io);
        }
    }

    /// Turns the current process into the one that undoes it.
    pub(super) fn run_back(&mut self, io: &mut Io<'_>, index: usize) {
        let process = &mut self.processes[index];
        let table = process.table(io.config);
        // Not b's own: nobody was led there yet, unless what is written to b all secondaries of its
        // primary serve.
        let is_shared = process.model == Model::Shared;
        let names_it = |goal: Goal| match goal {
            Goal::Publish(What::Ns, who) => who == Who::After || is_shared,
            _ => false,
        };
        let named = table.iter().position(|row| names_it(row.goal));
        let is_named = named.is_some_and(|named| named <= process.row);
        let nothing_done = process.row == 0;
        process.cancelled = false;
        let whom = process.whom();
        let text = match process.kind {
            Kind::Join if is_named => {
                process.before.extend(process.subject.clone());
                process.kind = Kind::Leave;
                format!("caches may know {whom} already: it leaves")
            }
            Kind::Join => {
                process.kind = Kind::CancelJoin;
                format!("the join of {whom} is run back")
            }
            _ => {
                process.kind = Kind::CancelLeave;
                process.dead = false;
                process.released = false;
                format!("the leave of {whom} is run back")
            }
        };
        process.row = 0;
        process.allowed = None;
        process.deadline = None;
        process.outcome = Outcome::Running;
        process.reason = text.clone();
        process.csync.clear();
        if let Some(step) = process.steps.last_mut() {
            step.until = Some(io.now);
        }
        let name = process.kind.name();
        if nothing_done {
            io.note(&self.zone, "process", name.into(), text);
            return self.finish(io, index);
        }
        process
            .steps
            .push(StepState::begin(process.kind, 1, io.now));
        self.pass_idle_rows(io, index);
        self.persist_process(io, index);
        io.note(&self.zone, "process", name.into(), text);
        self.told.clear();
        self.note_step(io, index);
        self.enter_row(io, index);
    }
}
