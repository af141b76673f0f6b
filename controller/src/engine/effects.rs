//! What follows from a decision: records, writes, notes, and when to look again.

use std::collections::{BTreeMap, BTreeSet};

use counterpoint_dns::{message::Question, name::Name, time::Timestamp};

use super::{BACK_OFF_MAX, Engine, Phase};
use crate::{
    checks,
    config::{Limits, SignerName},
    decide::{Decision, until_text},
    guard,
    io::{Io, Purpose, Sent, Tag},
    place::Owner,
    process::{Deadline, Goal, Row, StepState, What},
    report::Outcome,
    sabotage::Sabotage,
    signals,
    updater::{Answer, Change, Next, Write, Written, updater},
};

impl Engine {
    /// Carries out a decision about `row`.
    pub(super) fn carry_out(
        &mut self,
        io: &mut Io<'_>,
        index: usize,
        row: Row,
        decision: Decision,
    ) {
        let subject = format!("{}/{}", self.processes[index].kind.name(), row.step);
        let held = match &decision {
            Decision::Apply(changes) => {
                let held = self.held(io, index, changes);
                held.or_else(|| self.paced(io, changes))
            }
            _ => None,
        };
        match held.unwrap_or(decision) {
            Decision::Advance => self.advance(io, index, row),
            Decision::Settled => self.settle(io, index, row),
            Decision::Apply(changes) => self.apply(io, index, row, changes),
            Decision::Return { to, why } => self.go_back(io, index, to, why),
            Decision::Wait { until, why } => {
                self.processes[index].deadline = Some(Deadline {
                    until,
                    why: why.clone(),
                });
                let text = format!("{why}, {}", until_text(until, io.now));
                self.tell(io, index, Outcome::Waiting, "wait", subject, text);
                let probes = self.case(io.config, index).probes_the_dead();
                // The watch over what changes by itself goes on.
                let watch = (self.watched + BACK_OFF_MAX).max(io.now + io.config.poll);
                let next = match probes {
                    true => watch.min(io.now + self.back_off(io.config)),
                    false => watch,
                };
                self.look_again(until.min(next));
            }
            Decision::Watch { what, next_poll } => {
                if let Goal::Watch(parental) = row.goal
                    && !std::mem::replace(&mut self.has_asked, true)
                {
                    let zone = self.zone.clone();
                    io.notices.tell(Question::new(zone, parental.notified()));
                }
                let text = format!("for {what}");
                self.tell(io, index, Outcome::Watching, "watch", subject, text);
                self.look_again(next_poll);
            }
            Decision::Blocked { by, why, remedy } => {
                let text = format!("by {by}: {why}. Remedy: {remedy}");
                self.tell(io, index, Outcome::Blocked, "blocked", subject, text);
                let next_poll = io.now + self.back_off(io.config);
                self.look_again(next_poll);
            }
        }
    }

    pub(super) fn look_again(&mut self, at: Timestamp) {
        self.polls = self.polls.saturating_add(1);
        self.phase = Phase::Sleeping(at);
    }

    /// Says how a process stands, once, and makes it durable.
    fn tell(
        &mut self,
        io: &mut Io<'_>,
        index: usize,
        outcome: Outcome,
        kind: &'static str,
        subject: String,
        text: String,
    ) {
        let process = &mut self.processes[index];
        let told = format!("{kind} {subject} {text}");
        let is_news = self.told != told;
        if process.outcome == outcome && !is_news {
            return;
        }
        process.outcome = outcome;
        process.reason = text.clone();
        self.told = told;
        self.persist_process(io, index);
        if is_news {
            io.note(&self.zone, kind, subject, text);
        }
    }

    fn advance(&mut self, io: &mut Io<'_>, index: usize, row: Row) {
        if row.goal == Goal::Prerequisites {
            self.fix_old_keys(io, index);
            let warnings = checks::warnings(&self.case(io.config, index));
            let subject = format!("{}/{}", self.processes[index].kind.name(), row.step);
            for warning in warnings {
                io.note(&self.zone, "warning", subject.clone(), warning);
            }
        }
        if row.goal == Goal::Release {
            let judged = match io.config.guard {
                true => guard::judge_release(&self.case(io.config, index), io.now),
                false => Ok(()),
            };
            match judged {
                Ok(()) => self.release(io, index),
                Err(witness) => return self.refuse(io, index, row, witness),
            }
        }
        self.processes[index].row += 1;
        self.pass_idle_rows(io, index);
        let process = &mut self.processes[index];
        process.allowed = None;
        process.deadline = None;
        process.forgot_deadline = false;
        process.outcome = Outcome::Running;
        let table = process.table(io.config);
        if let Some(next) = table.get(process.row)
            && next.step != row.step
        {
            if let Some(step) = process.steps.last_mut() {
                step.until = Some(io.now);
            }
            process
                .steps
                .push(StepState::begin(process.kind, next.step, io.now));
            process.reason = next.title.into();
            let subject = format!("{}/{}", process.kind.name(), next.step);
            let title = next.title.to_owned();
            self.persist_process(io, index);
            io.note(&self.zone, "step", subject, title);
        } else if table.len() > self.processes[index].row {
            self.persist_process(io, index);
        }
        self.enter_row(io, index);
    }

    /// The parent was seen after it could act on nothing older: what this row waits for counts from now.
    fn settle(&mut self, io: &mut Io<'_>, index: usize, row: Row) {
        let Goal::Wait(waits) = row.goal else {
            return;
        };
        let case = self.case(io.config, index);
        let (ds, delegation) = (case.ds_unsettled(waits), case.delegation_unsettled(waits));
        let process = &mut self.processes[index];
        process.ds_settled = ds.map(|_| io.now).or(process.ds_settled);
        process.delegation_settled = delegation.map(|_| io.now).or(process.delegation_settled);
        self.persist_process(io, index);
        self.enter_row(io, index);
    }

    /// Rows that have nothing to do are passed without a look.
    pub(super) fn pass_idle_rows(&mut self, io: &Io<'_>, index: usize) {
        let is_idle = |engine: &Self| {
            let row = engine.row(io.config, index);
            row.is_some_and(|row| engine.case(io.config, index).is_idle(row.goal))
        };
        while is_idle(self) {
            self.processes[index].row += 1;
        }
    }

    /// Tells that who leaves may stop. Told twice is better than never, so the record comes after.
    fn release(&mut self, io: &mut Io<'_>, index: usize) {
        let case = self.case(io.config, index);
        let leaver = case.process.subject.clone().map(Owner::Signer);
        let places = leaver.iter().flat_map(|leaver| case.places.public(leaver));
        let probed = places.filter_map(|place| case.probed(place)).min();
        let process = &mut self.processes[index];
        process.released = true;
        process.probed = probed.filter(|_| process.dead);
        let leaver = process.whom();
        if !io.config.has(Sabotage::LeaverNeverStops) {
            let text = "no cache is led to it any more: it may stop answering".into();
            io.note(&self.zone, "released", leaver, text);
        }
    }

    fn go_back(&mut self, io: &mut Io<'_>, index: usize, to: What, why: String) {
        let process = &self.processes[index];
        let table = process.table(io.config);
        let publishes = |row: &Row| matches!(row.goal, Goal::Publish(what, _) if what == to);
        let back = table.iter().take(process.row).rposition(publishes);
        let Some(back) = back else {
            // Nothing here brings it about: somebody else must.
            let next_poll = io.now + self.back_off(io.config);
            let row = table[process.row.min(table.len() - 1)];
            return self.carry_out(
                io,
                index,
                row,
                Decision::Watch {
                    what: why,
                    next_poll,
                },
            );
        };
        let process = &mut self.processes[index];
        let subject = format!("{}/{}", process.kind.name(), table[back].step);
        if table[back].step != table[process.row].step {
            if let Some(step) = process.steps.last_mut() {
                step.until = Some(io.now);
            }
            process
                .steps
                .push(StepState::begin(process.kind, table[back].step, io.now));
        }
        process.row = back;
        process.allowed = None;
        process.deadline = None;
        process.outcome = Outcome::Running;
        process.reason = why.clone();
        process.csync.clear();
        self.persist_process(io, index);
        io.note(
            &self.zone,
            "warning",
            subject,
            format!("{why}: that step again"),
        );
        self.writes.clear();
        self.polls = 0;
        self.observe(io);
    }

    fn apply(&mut self, io: &mut Io<'_>, index: usize, row: Row, changes: Vec<Change>) {
        let subject = format!("{}/{}", self.processes[index].kind.name(), row.step);
        if io.config.guard {
            let case = self.case(io.config, index);
            if let Err(witness) = guard::judge_changes(&case, &changes, io.now) {
                return self.refuse(io, index, row, witness);
            }
        }
        let process = &mut self.processes[index];
        process.outcome = Outcome::Running;
        // What it waited for, if it did, was its turn to write.
        process.deadline = None;
        if let Some(step) = process.steps.last_mut() {
            step.applied_at.get_or_insert(io.now);
        }
        process.take_down(&changes);
        self.persist_process(io, index);
        self.write(io, "apply", subject, changes);
    }

    /// Whoever may not be written to yet is waited for: that is no error, and nothing is lost.
    fn paced(&self, io: &mut Io<'_>, changes: &[Change]) -> Option<Decision> {
        let (until, signer) = self.turn(io, changes)?;
        let limits = io.config.signers.get(&signer).map(|signer| &signer.limits);
        let limits = limits.map(Limits::to_string).unwrap_or_default();
        (io.now < until).then(|| Decision::Wait {
            until,
            why: format!("{signer} takes no more changes yet ({limits})"),
        })
    }

    /// When everybody concerned may be written to, and who is the last.
    fn turn(&self, io: &mut Io<'_>, changes: &[Change]) -> Option<(Timestamp, SignerName)> {
        let zone = |change| signals::zone_of(io.config, &self.zone, change);
        let targets = changes.iter().map(|change| (&change.signer, zone(change)));
        let targets: BTreeSet<(&SignerName, Name)> = targets.collect();
        let turns = targets.into_iter().filter_map(|(signer, zone)| {
            let declared = io.config.signers.get(signer)?;
            let turn = io.paces.turn(signer, &zone, &declared.limits, io.now);
            Some((turn, signer.clone()))
        });
        turns.max()
    }

    /// Sends one update to each signer, and zone of it, and tells what of.
    pub(super) fn write(
        &mut self,
        io: &mut Io<'_>,
        kind: &'static str,
        subject: String,
        changes: Vec<Change>,
    ) {
        if let Some((until, _)) = self.turn(io, &changes)
            && io.now < until
        {
            return self.look_again(until);
        }
        let mut updates: BTreeMap<(SignerName, Name), Vec<Change>> = BTreeMap::new();
        for change in changes {
            let text = format!("{} {}", change.signer, difference(&change));
            io.note(&self.zone, kind, subject.clone(), text);
            let zone = signals::zone_of(io.config, &self.zone, &change);
            let target = (change.signer.clone(), zone);
            updates.entry(target).or_default().push(change);
        }
        self.phase = Phase::Applying(updates.len());
        for ((signer, zone), changes) in updates {
            let Some(declared) = io.config.signers.get(&signer) else {
                continue;
            };
            let id = io.exchanges.message_id();
            io.paces.take(&signer, &zone, &declared.limits, io.now);
            let request = updater(&declared.interface).request(&zone, &changes, id, io.now);
            let tag = Tag {
                zone: self.zone.clone(),
                what: Purpose::Update(Box::new(Sent {
                    round: self.rounds,
                    signer,
                    items: changes.into_iter().map(|change| change.item).collect(),
                    receipt: request.receipt.clone(),
                })),
            };
            io.send(request, tag);
        }
    }

    /// The guard has a witness against what the table wants.
    pub(super) fn refuse(&mut self, io: &mut Io<'_>, index: usize, row: Row, witness: String) {
        let subject = format!("{}/{}", self.processes[index].kind.name(), row.step);
        io.note(&self.zone, "guard", subject, witness.clone());
        let refused = Decision::Blocked {
            by: "the guard".into(),
            why: witness,
            remedy: "wait, or find out why the table wants this".into(),
        };
        self.carry_out(io, index, row, refused);
    }

    /// Takes the answer to a write; `None`: there was none.
    pub(crate) fn wrote(&mut self, io: &mut Io<'_>, sent: Sent, answer: Option<&Answer<'_>>) {
        let is_late = sent.round != self.rounds;
        let Phase::Applying(left) = &mut self.phase else {
            return;
        };
        if is_late {
            return;
        }
        let declared = io.config.signers.get(&sent.signer);
        let next = match (answer, declared) {
            (Some(answer), Some(declared)) => {
                updater(&declared.interface).next(&self.zone, &sent.receipt, answer, io.now)
            }
            _ => Next::Done(Written::Silent),
        };
        let written = match next {
            Next::Done(written) => written,
            Next::Ask(request) => {
                let receipt = request.receipt.clone();
                let tag = Tag {
                    zone: self.zone.clone(),
                    what: Purpose::Update(Box::new(Sent { receipt, ..sent })),
                };
                return io.send(*request, tag);
            }
        };
        *left = left.saturating_sub(1);
        let is_last = *left == 0;
        let Sent { signer, items, .. } = sent;
        if let Written::Later(pause) = written {
            let text = format!("{signer} {written}");
            io.note(&self.zone, "limited", signer.to_string(), text);
            io.paces.hold(&signer, &self.zone, io.now + pause);
            if is_last {
                self.observe(io);
            }
            return;
        }
        for item in items {
            let key = (signer.clone(), item);
            // A prerequisite that fails and an update that does not show are counted apart.
            let last = self.writes.get(&key);
            let is_unmet = written == Written::Unmet;
            let same = last.filter(|write| (write.last == Written::Unmet) == is_unmet);
            let tries = same.map_or(0, |write| write.tries);
            self.writes.insert(
                key,
                Write {
                    tries: tries.saturating_add(1),
                    at: io.now,
                    last: written.clone(),
                },
            );
        }
        if is_last {
            // Believe nothing: read back from every instance.
            self.observe(io);
        }
    }
}

/// What a change adds and removes, for people.
pub(crate) fn difference(change: &Change) -> String {
    let rtype = change.wanted.rtype;
    let list = |sign: &str, data: Vec<String>| {
        data.into_iter()
            .map(|text| format!(" {sign}{text}"))
            .collect::<String>()
    };
    let added = change.wanted.data.difference(&change.seen.data);
    let removed = change.seen.data.difference(&change.wanted.data);
    let added = list("+", added.map(|data| data.present(rtype)).collect());
    let removed = list("-", removed.map(|data| data.present(rtype)).collect());
    format!("{}{removed}{added}", change.item)
}
