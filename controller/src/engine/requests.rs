//! Requests of one zone: queued, begun, refused, done.

use super::{Engine, Phase};
use crate::{
    common::OWNER,
    config::{Model, SignerName},
    io::Io,
    process::{Kind, Process, StepState},
    report::Outcome,
    store,
};

/// A request of the operator, for one zone.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// What is to be done.
    pub kind: Kind,
    /// Who joins, leaves or rolls; none: everybody.
    pub subject: Option<SignerName>,
    /// Who leaves is dead.
    pub dead: bool,
    /// The process that must be done before.
    pub after: Option<u32>,
    /// The algorithm to which the group rolls.
    pub algorithm: Option<u8>,
}

impl Request {
    /// About one signer.
    pub(crate) fn of(kind: Kind, subject: SignerName) -> Self {
        Self {
            subject: Some(subject),
            ..Self::of_group(kind)
        }
    }

    /// About everybody.
    pub(crate) fn of_group(kind: Kind) -> Self {
        Self {
            kind,
            subject: None,
            dead: false,
            after: None,
            algorithm: None,
        }
    }
}

impl Engine {
    /// Takes a request; returns its place in the order of requests. It runs when those before it,
    /// `after` among them, are done.
    pub(crate) fn request(&mut self, io: &mut Io<'_>, request: Request) -> u32 {
        let id = io.take_id();
        if request.dead && self.died(io, request.subject.as_ref()) {
            return id;
        }
        let kind = request.kind;
        if self.is_under_way(&request) {
            let why = "a roll of that key is under way already".into();
            io.note(&self.zone, "refused", kind.name().into(), why);
            return id;
        }
        let process = Process {
            dead: request.dead,
            after: request.after,
            algorithm: request.algorithm,
            ..Process::new(id, io.config.model(&self.zone), kind, request.subject)
        };
        self.processes.push(process);
        let index = self.processes.len() - 1;
        let is_first = self.current() == Some(index);
        if let Some(running) = self.current().filter(|_| !is_first) {
            let running = &self.processes[running];
            let why = format!("waits until {} has {}", running.whom(), past(running.kind));
            self.processes[index].reason = why.clone();
            io.note(&self.zone, "queued", kind.name().into(), why);
        }
        self.persist_process(io, index);
        if is_first && self.is_free() {
            self.begin_next(io);
        }
        id
    }

    /// A signer that is leaving died meanwhile: its leave goes on as that of a dead one.
    fn died(&mut self, io: &mut Io<'_>, subject: Option<&SignerName>) -> bool {
        let (Some(index), Some(subject)) = (self.current(), subject) else {
            return false;
        };
        let process = &mut self.processes[index];
        let is_it = process.kind == Kind::Leave && process.is_about(subject);
        if !is_it || process.dead || process.released || process.outcome == Outcome::Queued {
            return is_it;
        }
        process.dead = true;
        process.row = 0;
        process.allowed = None;
        process.deadline = None;
        process
            .steps
            .push(StepState::begin(process.kind, 1, io.now));
        let text = format!("{subject} is dead: it is left out from now on");
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
            process.steps = vec![StepState::begin(process.kind, 1, io.now)];
            let name: String = process.kind.name().into();
            let others: Vec<String> = process.before.iter().map(ToString::to_string).collect();
            let dead = if process.dead { ", dead" } else { "" };
            let whom = process.whom();
            let text = match process.kind {
                Kind::Join => format!("{whom} joins {}", others.join(", ")),
                Kind::Leave => format!("{whom}{dead} leaves {}", others.join(", ")),
                kind => format!("{whom} {}", kind.name()),
            };
            self.persist_process(io, index);
            io.note(&self.zone, "process", name.clone(), text);
            self.polls = 0;
            self.writes.clear();
            self.told.clear();
            self.has_asked = false;
            self.note_step(io, index);
            return self.observe(io);
        }
        // Nothing waits: the group is watched, soon again after whatever ended.
        self.polls = 0;
        let next = io.now + self.back_off(io.config);
        self.look_again(next);
    }

    /// Tells that the current step begins.
    pub(super) fn note_step(&self, io: &mut Io<'_>, index: usize) {
        if let Some(row) = self.row(io.config, index) {
            let name = self.processes[index].kind.name();
            io.note(
                &self.zone,
                "step",
                format!("{name}/{}", row.step),
                row.title.into(),
            );
        }
    }

    /// Why a request cannot be carried out at all.
    fn refusal(&self, io: &Io<'_>, index: usize) -> Option<String> {
        let process = &self.processes[index];
        let first = process
            .after
            .and_then(|id| self.processes.iter().find(|process| process.id == id));
        if first.is_some_and(|first| first.outcome == Outcome::Refused) {
            return Some("what had to be done before it was refused".into());
        }
        if first.is_some_and(|first| first.kind != Kind::Join) {
            return Some("what had to be done before it was cancelled".into());
        }
        if process
            .kind
            .rows(process.model, io.config.ksk_roll)
            .is_empty()
        {
            let name = process.kind.name();
            return Some(match process.model {
                Model::Shared => format!(
                    "there is no {name} where all signers serve one set of keys: let whoever holds them do it"
                ),
                _ => format!("there is no {name} where the owner of a zone holds its KSK"),
            });
        }
        if (process.kind, process.model) == (Kind::RollKsk, Model::Own) && process.subject.is_none()
        {
            return Some("every signer holds its own KSK: name the one that rolls".into());
        }
        let subject = process.subject.as_ref()?;
        let is_member = process.before.contains(subject);
        match process.kind {
            _ if !io.config.signers.contains_key(subject) => {
                Some(format!("no signer `{subject}` is declared"))
            }
            Kind::RollKsk if process.model == Model::Common => Some(format!(
                "the owner of the zone holds its KSK: {OWNER} rolls it, not {subject}"
            )),
            Kind::RollZsk | Kind::RollKsk | Kind::RollCsk if !is_member => {
                Some(format!("{subject} does not serve the zone"))
            }
            Kind::Join if is_member => Some(format!("{subject} serves the zone already")),
            Kind::Leave if !is_member => Some(format!("{subject} does not serve the zone")),
            Kind::Leave if self.holds_common_ksk(io, subject) => Some(format!(
                "{subject} holds the common KSK, which signs everybody's DNSKEY RRset: roll to a \
                 KSK that another holds first"
            )),
            Kind::Leave if process.before.len() == 1 => Some(format!(
                "{subject} is the last signer: let another join first, or take the delegation away"
            )),
            _ => None,
        }
    }

    fn holds_common_ksk(&self, io: &Io<'_>, signer: &SignerName) -> bool {
        let common = io.config.common_ksks.get(&self.zone);
        common.is_some_and(|common| common.holder.as_ref() == Some(signer))
    }

    /// Every row is done.
    pub(super) fn finish(&mut self, io: &mut Io<'_>, index: usize) {
        self.settle_keys(io, index);
        let process = &mut self.processes[index];
        if let Some(step) = process.steps.last_mut() {
            step.until = Some(io.now);
        }
        process.outcome = Outcome::Done;
        process.deadline = None;
        process.reason = format!("{} has {}", process.whom(), past(process.kind));
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
        Kind::CancelJoin => "not joined",
        Kind::CancelLeave => "not left",
        Kind::RollZsk => "rolled its ZSK",
        Kind::RollKsk => "rolled its KSK",
        Kind::RollCsk => "rolled its CSK",
        Kind::RollAlgorithm => "rolled to another algorithm",
        Kind::GoInsecure => "gone insecure",
        Kind::Rest => "rested",
    }
}
