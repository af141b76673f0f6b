//! From an acceptance to the parent's zone: made durable, made once, and told.

use std::{collections::BTreeSet, time::Duration};

use counterpoint_dns::{
    agent::{Output, Transport},
    exchange::Outcome as Came,
    name::{Name, RecordType},
    rrset::RrSet,
    time::Timestamp,
};
use rand::RngExt as _;

use super::{Scanner, Tag, UPDATE_PAUSE};
use crate::{
    apply::{Applied, UpdateRequest, update},
    delegation::Delegation,
    ledger::{About, note},
    state::{ChildState, Pending},
    verdict::{Change, Replacement, Verdict},
};

/// How long after its time a change is still made: what was judged earlier is judged again.
const OVERDUE_MAX: Duration = Duration::from_secs(3_600);

impl Scanner {
    /// Makes an acceptance durable. Its effect comes later.
    pub(super) fn accept(&mut self, child: &Name, verdict: Verdict, now: Timestamp) {
        let Some(change) = verdict.change else {
            return;
        };
        let step = |state: &mut ChildState| state.accepted(&verdict.guards, &change);
        let remembered = self.memory.update(child, step);
        let (shortest, longest) = self.config.publish_delay.clone().into_inner();
        let nanos = |span: Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        let range = nanos(shortest)..=nanos(longest.max(shortest));
        let due = now + Duration::from_nanos(self.stream.random_range(range));
        let rule = verdict.rule.into();
        let pending = Pending { due, rule, change };
        self.memory.pending.insert(child.clone(), pending);
        self.sending.insert(child.clone(), due);
        let records = remembered
            .into_iter()
            .chain([self.memory.pending_record(child)]);
        self.outbox.extend(records.map(Output::Persist));
    }

    pub(super) fn send_update(&mut self, child: &Name, now: Timestamp) {
        self.sending.remove(child);
        // Before anything expires: else a flood would fall below the limit, and the rest of it be made.
        if self.is_held_back(now) {
            self.sending.insert(child.clone(), now + UPDATE_PAUSE);
            return;
        }
        let Some(pending) = self.memory.pending.get(child) else {
            return;
        };
        if now - pending.due > OVERDUE_MAX {
            let text = format!("K-12 abort: its time was {}; judged again", pending.due);
            let said = self
                .ledger
                .say(child, About::Delegation, "VERDICT_EXPIRED", text);
            self.outbox.extend(said);
            self.drop_pending(child);
            return;
        }
        let update = update(&self.config.parent, &pending.change);
        let id = self.exchanges.message_id();
        let (request, octets) = UpdateRequest::new(id, &update, self.config.tsig.as_ref(), now);
        let (to, tag) = (
            self.config.parent_primary,
            Tag::Update(child.clone(), request),
        );
        self.exchanges.ask_raw(to, Transport::Tcp, octets, tag);
    }

    pub(super) fn update_answered(
        &mut self,
        child: &Name,
        request: &UpdateRequest,
        came: Came,
        now: Timestamp,
    ) {
        let answer = match came {
            Came::Raw(octets) => request.read(&octets, self.config.tsig.as_ref(), now),
            _ => None,
        };
        match answer {
            // Nobody knows whether it was made; made twice it has no second effect, because the
            // prerequisites hold only once.
            None => {
                self.sending.insert(child.clone(), now + UPDATE_PAUSE);
            }
            Some(Applied::Done) => self.applied(child, "applied", now),
            Some(Applied::ParentChanged) => {
                self.wanted.doubtful.insert(child.clone());
                self.wanted.some.insert(child.clone());
            }
            Some(refused @ Applied::Refused(_)) => {
                let text = format!("abort: {refused}");
                let said = self
                    .ledger
                    .say(child, About::Delegation, "UPDATE_REFUSED", text);
                self.outbox.extend(said);
                self.drop_pending(child);
            }
        }
    }

    /// The prerequisites did not hold: the change is there already, or the parent has moved on.
    /// Returns whether the child is to be judged again now.
    pub(super) fn settle_doubt(
        &mut self,
        child: &Name,
        delegation: Option<&Delegation>,
        now: Timestamp,
    ) -> bool {
        let Some(pending) = self.memory.pending.get(child) else {
            return true;
        };
        let is = |set: &Replacement, data: Option<&RrSet>| {
            delegation.is_some_and(|delegation| has(delegation, set, data))
        };
        // What was only to be kept may be out of sight: glue of a nameserver that is not named any more.
        let is_made = pending
            .change
            .changed()
            .all(|set| is(set, Some(&set.wanted)));
        if is_made {
            self.applied(child, "applied before", now);
            return true;
        }
        // Judged again it would be accepted again, for ever.
        let mut sets = pending.change.sets.iter();
        let is_unchanged = sets.all(|set| is(set, set.seen.as_ref()));
        let (reason, text) = match is_unchanged {
            true => (
                "UPDATE_REFUSED",
                "abort: the parent says that the delegation changed, and it did not",
            ),
            false => (
                "PARENT_CHANGED",
                "abort: the delegation is no longer what was judged; judged again",
            ),
        };
        let said = self
            .ledger
            .say(child, About::Delegation, reason, text.into());
        self.outbox.extend(said);
        self.drop_pending(child);
        !is_unchanged
    }

    fn applied(&mut self, child: &Name, how: &str, now: Timestamp) {
        if let Some(pending) = self.memory.pending.get(child).cloned() {
            let text = format!("{} {how}: {}", pending.rule, pending.change);
            let types: BTreeSet<String> = pending
                .change
                .changed()
                .map(|set| set.rtype.to_string())
                .collect();
            let subject = Vec::from_iter(types).join("+");
            self.outbox
                .push_back(note(child, "applied", &subject, text));
            self.remember(child, &pending.change, now);
            self.count_change(child, &pending, now);
        }
        self.ledger.settle(child);
        self.drop_pending(child);
    }

    /// What an applied change means for the scans to come.
    fn remember(&mut self, child: &Name, change: &Change, now: Timestamp) {
        let policy = &self.config.policy.ds;
        let normal = u32::try_from(policy.ttl.as_secs()).ok();
        let later = policy.ttl_restore_after;
        let step = |state: &mut ChildState| state.applied(change, normal, later, now);
        let remembered = self.memory.update(child, step);
        self.outbox.extend(remembered.map(Output::Persist));
    }

    fn drop_pending(&mut self, child: &Name) {
        self.memory.pending.remove(child);
        self.sending.remove(child);
        let record = self.memory.pending_record(child);
        self.outbox.push_back(Output::Persist(record));
    }
}

/// Whether the delegation has these data where `set` is.
fn has(delegation: &Delegation, set: &Replacement, data: Option<&RrSet>) -> bool {
    let nothing = BTreeSet::new();
    let there = match set.rtype {
        RecordType::DS => delegation.ds.as_ref(),
        RecordType::NS => Some(&delegation.ns),
        rtype => delegation.glue.get(&(set.name.clone(), rtype)),
    };
    let [there, expected] = [there, data].map(|set| set.map_or(&nothing, |set| &set.data));
    there == expected
}
