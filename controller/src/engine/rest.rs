//! The group at rest, and what comes from outside at any time: drift is repaired, rolls are detected.
//!
//! Owns what is done without anybody asking for it. Additions run at once, inside any process;
//! whatever removes something becomes a process of its own, and queues.

use counterpoint_dns::{key::Dnskey, rdata::Rdata};

use super::{Engine, Phase, Request};
use crate::{
    common::owner,
    config::{Model, SignerName},
    decide::{Decision, additions, shown_additions},
    guard,
    io::Io,
    process::{Kind, Process, Role, Row, Turn},
    report::Outcome,
    store,
    updater::Change,
};

impl Engine {
    /// Nothing was asked for: watches, and puts back what is lacking.
    pub(super) fn rest(&mut self, io: &mut Io<'_>) {
        let process = Process::at_rest(io.config.model(&self.zone), self.members(io.config));
        self.settle_repairs(io, &process);
        let case = self.case_of(io.config, &process);
        match additions(&case, io.now) {
            Some(Decision::Apply(changes)) => {
                let judged = match io.config.guard {
                    true => guard::judge_changes(&case, &changes, io.now),
                    false => Ok(()),
                };
                match judged {
                    Ok(()) => return self.write(io, "repair", Kind::Rest.name().into(), changes),
                    Err(witness) => self.tell_once(io, "guard", witness),
                }
            }
            Some(Decision::Blocked { by, why, remedy }) => {
                self.tell_once(io, "blocked", format!("by {by}: {why}. Remedy: {remedy}"));
            }
            _ => {}
        }
        let next = io.now + self.back_off(io.config);
        self.look_again(next);
    }

    /// What was repaired and shows counts no more: the next repair is another one.
    pub(super) fn settle_repairs(&mut self, io: &Io<'_>, process: &Process) {
        let shown = shown_additions(&self.case_of(io.config, process), io.now);
        self.writes.retain(|of, _| !shown.contains(of));
    }

    fn tell_once(&mut self, io: &mut Io<'_>, kind: &'static str, text: String) {
        let told = format!("{kind} rest {text}");
        if self.told != told {
            self.told = told;
            io.note(&self.zone, kind, Kind::Rest.name().into(), text);
        }
    }

    /// Adds at once what a process did not ask for, and must not wait for its end.
    pub(super) fn repair(&mut self, io: &mut Io<'_>, index: usize, row: Row, changes: Vec<Change>) {
        if io.config.guard {
            let case = self.case(io.config, index);
            if let Err(witness) = guard::judge_changes(&case, &changes, io.now) {
                return self.refuse(io, index, row, witness);
            }
        }
        let subject = self.processes[index].kind.name().into();
        self.write(io, "repair", subject, changes);
    }

    /// A signer that publishes a new key has begun a roll: the matching process follows it.
    pub(super) fn detect(&mut self, io: &mut Io<'_>) {
        let model = io.config.model(&self.zone);
        for signer in self.members(io.config) {
            for role in self.keys.rolls(io.config, &signer) {
                let kind = match role {
                    Role::Zsk => Kind::RollZsk,
                    Role::Ksk => Kind::RollKsk,
                    Role::Csk => Kind::RollCsk,
                };
                let mut open = self.processes.iter().filter(|p| !p.outcome.is_final());
                if open.any(|process| process.kind == kind && process.is_about(&signer)) {
                    continue;
                }
                let mut process = Process::new(io.take_id(), model, kind, Some(signer.clone()));
                process.detected = true;
                process.reason = format!("{signer} publishes a new {}", role.name());
                let (name, text) = (kind.name().into(), process.reason.clone());
                self.processes.push(process);
                self.persist_process(io, self.processes.len() - 1);
                io.note(&self.zone, "detected", name, text);
            }
        }
    }

    /// Asks whose turn it is, unless it is done or goes on by itself.
    pub(super) fn take_turn(
        &mut self,
        io: &mut Io<'_>,
        index: usize,
        row: Row,
        turn: Turn,
        decision: Decision,
    ) {
        let is_done = decision == Decision::Advance && !turn.is_only_told();
        let is_told = self.has_asked || self.processes[index].detected;
        if !is_done && !is_told && !matches!(decision, Decision::Blocked { .. }) {
            let case = self.case(io.config, index);
            let whom = case.whose_turn();
            if io.config.guard
                && let Err(witness) = guard::judge_turn(&case, turn, io.now)
            {
                return self.refuse(io, index, row, witness);
            }
            self.has_asked = true;
            let process = &mut self.processes[index];
            if let Some(step) = process.steps.last_mut() {
                step.applied_at.get_or_insert(io.now);
            }
            self.persist_process(io, index);
            for signer in whom {
                let text = turn.request().into();
                io.note(&self.zone, turn.name(), signer.to_string(), text);
            }
            if decision != Decision::Advance {
                // Nobody is that quick.
                let decision = match decision {
                    Decision::Watch { what, .. } => Decision::Watch {
                        what,
                        next_poll: io.now + io.config.poll,
                    },
                    other => other,
                };
                return self.carry_out(io, index, row, decision);
            }
        }
        self.carry_out(io, index, row, decision);
    }

    /// Takes keys that a signer made and has not published.
    pub(crate) fn announce(&mut self, io: &mut Io<'_>, signer: &SignerName, keys: &[Dnskey]) {
        if self.keys.announce(signer, keys) {
            self.keys.every().for_each(|key| self.log.announce(key));
            let key = format!("keys/{}", self.zone);
            io.persist(store::record(key, &self.keys));
        }
    }

    /// Whether nothing is under way that a request would have to wait for.
    pub(super) fn is_free(&self) -> bool {
        match self.phase {
            Phase::Idle => true,
            Phase::Sleeping(_) => !self.homeless,
            Phase::Observing(_) | Phase::Applying(_) => false,
        }
    }

    /// What a process that is over leaves behind in what is known of keys.
    pub(super) fn settle_keys(&mut self, io: &mut Io<'_>, index: usize) {
        let process = self.processes[index].clone();
        let (kind, old) = (process.kind, process.old.clone());
        let new = self.case(io.config, index).new_keys();
        let before = self.keys.clone();
        if kind == Kind::RollKsk && process.model == Model::Common {
            self.keys.settle(&owner(), &old, &new);
        }
        for signer in process.everybody() {
            let is_subject = process.is_about(&signer);
            match kind {
                Kind::RollZsk | Kind::RollKsk | Kind::RollCsk if is_subject => {
                    self.keys.settle(&signer, &old, &new);
                }
                Kind::RollAlgorithm => self.keys.settle(&signer, &old, &new),
                Kind::Leave | Kind::CancelJoin if is_subject => self.keys.forget(&signer),
                Kind::GoInsecure => self.keys.forget(&signer),
                _ => {}
            }
        }
        if self.keys != before {
            let key = format!("keys/{}", self.zone);
            io.persist(store::record(key, &self.keys));
        }
    }

    /// What a roll replaces is known when it begins.
    pub(super) fn fix_old_keys(&mut self, io: &mut Io<'_>, index: usize) {
        let process = &self.processes[index];
        let common = self.case(io.config, index).ksk_to_replace();
        let old = match (process.role(), &process.subject, process.algorithm) {
            (Some(Role::Ksk), None, _) => common.map(|(key, _)| key).into_iter().collect(),
            (Some(role), Some(signer), _) => self.keys.replaced(io.config, signer, role),
            (None, _, Some(to)) => {
                let members = process.after();
                let is_old =
                    |key: &Rdata| Dnskey::parse(key).is_some_and(|key| key.algorithm != to);
                let own = members.iter().flat_map(|signer| self.keys.of(signer));
                own.filter(|key| is_old(key)).cloned().collect()
            }
            _ => return,
        };
        self.processes[index].old = old;
    }

    /// Whether a process of this kind about this signer is under way already.
    pub(super) fn is_under_way(&self, request: &Request) -> bool {
        let mut open = self.processes.iter();
        open.any(|process| {
            let is_same = process.kind == request.kind && process.subject == request.subject;
            let is_open = !process.outcome.is_final() && process.outcome != Outcome::Queued;
            is_same && process.role().is_some() && is_open
        })
    }
}
