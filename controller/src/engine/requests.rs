//! Requests of one zone: queued, begun, refused, done.

use super::{Engine, Phase};
use crate::{
    config::SignerName,
    io::Io,
    process::{Kind, Process, StepState},
    report::Outcome,
    store,
};

impl Engine {
    /// Takes a request. It runs when those before it, `after` among them, are done.
    pub(crate) fn request(
        &mut self,
        io: &mut Io<'_>,
        id: u32,
        kind: Kind,
        subject: SignerName,
        dead: bool,
        after: Option<u32>,
    ) {
        if dead && self.died(io, &subject) {
            return;
        }
        let process = Process {
            id,
            kind,
            subject,
            dead,
            before: Default::default(),
            after,
            outcome: Outcome::Queued,
            reason: "asked for".into(),
            row: 0,
            deadline: None,
            csync: Default::default(),
            released: false,
            steps: Vec::new(),
            forgot_deadline: false,
        };
        self.processes.push(process);
        let index = self.processes.len() - 1;
        let is_first = self.current() == Some(index);
        if let Some(running) = self.current().filter(|_| !is_first) {
            let running = &self.processes[running];
            let why = format!("waits until {} has {}", running.subject, past(running.kind));
            self.processes[index].reason = why.clone();
            io.note(&self.zone, "queued", kind.name().into(), why);
        }
        self.persist_process(io, index);
        if is_first && matches!(self.phase, Phase::Idle) {
            self.begin_next(io);
        }
    }

    /// A signer that is leaving died meanwhile: its leave goes on as that of a dead one.
    fn died(&mut self, io: &mut Io<'_>, subject: &SignerName) -> bool {
        let Some(index) = self.current() else {
            return false;
        };
        let process = &mut self.processes[index];
        let is_it = process.kind == Kind::Leave && process.subject == *subject;
        if !is_it || process.dead || process.released || process.outcome == Outcome::Queued {
            return is_it;
        }
        process.dead = true;
        process.row = 0;
        process.deadline = None;
        process.steps.push(StepState {
            step: 1,
            from: io.now,
            until: None,
            applied_at: None,
        });
        let text = format!("{subject} is dead: it is never written to any more");
        io.note(&self.zone, "process", Kind::Leave.name().into(), text);
        self.persist_process(io, index);
        self.polls = 0;
        self.writes.clear();
        self.observe(io);
        true
    }

    /// Begins the next request, if one waits and may.
    pub(super) fn begin_next(&mut self, io: &mut Io<'_>) {
        self.phase = Phase::Idle;
        while let Some(index) = self.current() {
            if self.processes[index].outcome != Outcome::Queued {
                return self.observe(io);
            }
            let members = self.members(io.config);
            self.processes[index].before = members;
            if let Some(why) = self.refusal(io, index) {
                let process = &mut self.processes[index];
                process.outcome = Outcome::Refused;
                process.reason = why.clone();
                let name = process.kind.name().into();
                self.persist_process(io, index);
                io.note(&self.zone, "refused", name, why);
                continue;
            }
            let process = &mut self.processes[index];
            process.outcome = Outcome::Running;
            process.reason = "it began".into();
            process.steps = vec![StepState {
                step: 1,
                from: io.now,
                until: None,
                applied_at: None,
            }];
            let name: String = process.kind.name().into();
            let others: Vec<String> = process.before.iter().map(ToString::to_string).collect();
            let dead = if process.dead { ", dead" } else { "" };
            let text = match process.kind {
                Kind::Join => format!("{} joins {}", process.subject, others.join(", ")),
                Kind::Leave => format!("{}{dead} leaves {}", process.subject, others.join(", ")),
            };
            self.persist_process(io, index);
            io.note(&self.zone, "process", name.clone(), text);
            self.polls = 0;
            self.writes.clear();
            self.told.clear();
            if let Some(row) = self.row(io.config, index) {
                io.note(
                    &self.zone,
                    "step",
                    format!("{name}/{}", row.step),
                    row.title.into(),
                );
            }
            return self.observe(io);
        }
    }

    /// Why a request cannot be carried out at all.
    fn refusal(&self, io: &Io<'_>, index: usize) -> Option<String> {
        let process = &self.processes[index];
        let subject = &process.subject;
        let is_member = process.before.contains(subject);
        let first = process
            .after
            .and_then(|id| self.processes.iter().find(|process| process.id == id));
        if first.is_some_and(|first| first.outcome == Outcome::Refused) {
            return Some("what had to be done before it was refused".into());
        }
        match process.kind {
            _ if !io.config.signers.contains_key(subject) => {
                Some(format!("no signer `{subject}` is declared"))
            }
            Kind::Join if is_member => Some(format!("{subject} serves the zone already")),
            Kind::Leave if !is_member => Some(format!("{subject} does not serve the zone")),
            Kind::Leave if process.before.len() == 1 => Some(format!(
                "{subject} is the last signer: let another join first, or take the delegation away"
            )),
            _ => None,
        }
    }

    /// Every row is done.
    pub(super) fn finish(&mut self, io: &mut Io<'_>, index: usize) {
        let process = &mut self.processes[index];
        if let Some(step) = process.steps.last_mut() {
            step.until = Some(io.now);
        }
        process.outcome = Outcome::Done;
        process.deadline = None;
        process.reason = format!("{} has {}", process.subject, past(process.kind));
        let (name, text) = (process.kind.name().into(), process.reason.clone());
        self.persist_process(io, index);
        io.note(&self.zone, "done", name, text);
        self.begin_next(io);
    }

    /// Makes the state of a process durable.
    pub(super) fn persist_process(&self, io: &mut Io<'_>, index: usize) {
        let process = &self.processes[index];
        let key = format!("process/{}/{}", self.zone, process.id);
        io.persist(store::record(key, process));
    }
}

/// What is said of a process that is done.
fn past(kind: Kind) -> &'static str {
    match kind {
        Kind::Join => "joined",
        Kind::Leave => "left",
    }
}
