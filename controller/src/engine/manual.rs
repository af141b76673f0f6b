//! Zones in which each change of a process waits until the operator allows it.
//!
//! Owns the permission: it is for one row, however often that row has to write, and ends with it.
//! What must be added at once is added without it, as everywhere.

use super::{Engine, Phase, effects::difference};
use crate::{
    decide::Decision,
    io::Io,
    process::{Goal, Row},
    report::Outcome,
    updater::Change,
};

impl Engine {
    /// What becomes of changes that nobody has allowed yet; `None`: nobody need.
    pub(super) fn held(&self, io: &Io<'_>, index: usize, changes: &[Change]) -> Option<Decision> {
        let process = &self.processes[index];
        if !io.config.manual.contains(&self.zone) || process.allowed == Some(process.row) {
            return None;
        }
        let changes = changes
            .iter()
            .map(|change| format!("{} {}", change.signer, difference(change)));
        Some(Decision::Blocked {
            by: "the operator".into(),
            why: format!(
                "the zone goes step by step, and this is next: {}",
                Vec::from_iter(changes).join("; ")
            ),
            remedy: "allow the step, or cancel the process".into(),
        })
    }

    /// Takes the permission for the current row.
    pub(crate) fn step(&mut self, io: &mut Io<'_>) {
        let refuse = |engine: &Self, io: &mut Io<'_>, why: &str| {
            io.note(&engine.zone, "refused", "step".into(), why.into());
        };
        if !io.config.manual.contains(&self.zone) {
            return refuse(self, io, "the zone goes on by itself");
        }
        let current = self.current();
        let current = current.filter(|index| self.processes[*index].outcome != Outcome::Queued);
        let Some((index, row)) = current.and_then(|at| Some((at, self.row(io.config, at)?))) else {
            return refuse(self, io, "no process is under way");
        };
        if !matches!(row.goal, Goal::Publish(..)) {
            return refuse(
                self,
                io,
                &format!("it waits for something else: {}", row.title),
            );
        }
        self.allow(io, index, row);
    }

    fn allow(&mut self, io: &mut Io<'_>, index: usize, row: Row) {
        let process = &mut self.processes[index];
        process.allowed = Some(process.row);
        let subject = format!("{}/{}", process.kind.name(), row.step);
        self.persist_process(io, index);
        io.note(&self.zone, "allowed", subject, row.title.into());
        if matches!(self.phase, Phase::Sleeping(_)) {
            self.observe(io);
        }
    }
}
