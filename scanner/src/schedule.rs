//! When each child is scanned: every so often, sooner where something has to be tried again, later where
//! its operators say by NOTIFY that there is something to see.
//!
//! Owns due times, and who is due first; with [`Notified`] it is everything that a daemon decides about
//! time. It is told the time, draws jitter from its stream, asks nobody and remembers nothing: what has
//! to survive is [`Next`], which its driver keeps with the verdicts.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

use counterpoint_dns::{name::Name, stream::Stream, time::Timestamp};
use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use crate::{
    notified::{Heard, Notified},
    policy::Policy,
};

/// Why a child is out: how it came to be scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// Its time had come.
    Scan,
    /// Somebody spoke of it (RFC 9859).
    Notify,
    /// It is not scanned: its delegation is being changed.
    Change,
}

impl Channel {
    /// Its name in decisions and counts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::Notify => "notify",
            Self::Change => "change",
        }
    }
}

/// When a child is scanned next, and what that follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Next {
    /// When.
    pub due: Timestamp,
    /// How many scans in a row were aborted.
    #[serde(default)]
    pub aborts: u32,
    /// Whether its last change was found by a NOTIFY (N-16).
    #[serde(default)]
    pub by_notify: bool,
}

/// What a scan came to, as far as the next one is concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct After {
    /// A change was found.
    pub changed: bool,
    /// Something is wrong that may be right soon.
    pub aborted: bool,
    /// Somebody is silent, who is to be tried again then.
    pub silent_until: Option<Timestamp>,
    /// It is worth while to look again then: a request stands (B-05, K-12), a TTL returns (D-04).
    pub again_at: Option<Timestamp>,
}

/// The times of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Times {
    interval: Duration,
    interval_after_notify: Duration,
    jitter: Duration,
    retry: Vec<Duration>,
}

impl Times {
    fn of(policy: &Policy) -> Self {
        let watch = &policy.watch;
        Self {
            interval: watch.interval,
            interval_after_notify: watch.interval_after_notify,
            jitter: watch.jitter,
            retry: policy.gathering.retry.clone(),
        }
    }
}

/// One child.
#[derive(Clone, Copy, Debug)]
struct Slot {
    next: Next,
    /// It is being scanned: how it came to be.
    out: Option<Channel>,
    /// In which list it was seen last.
    list: u64,
}

/// All children.
#[derive(Debug)]
pub struct Schedule {
    parent: Name,
    times: Times,
    stream: Stream,
    slots: BTreeMap<Arc<Name>, Slot>,
    /// Those that are not out, by time.
    queue: BTreeSet<(Timestamp, Arc<Name>)>,
    notified: Notified,
    list: u64,
    out: usize,
    /// Whose turn it is, when both have one.
    turn: Channel,
}

impl Schedule {
    /// No children yet. `stream` gives the jitter, and one number that nobody must foresee.
    pub fn new(parent: Name, policy: &Policy, mut stream: Stream) -> Self {
        Self {
            parent,
            times: Times::of(policy),
            notified: Notified::new(policy.notify.clone(), stream.random()),
            stream,
            slots: BTreeMap::new(),
            queue: BTreeSet::new(),
            list: 0,
            out: 0,
            turn: Channel::Notify,
        }
    }

    /// Keeps to another policy. No child waits longer than that one would have it wait from now on.
    pub fn set_policy(&mut self, policy: &Policy, now: Timestamp) {
        self.times = Times::of(policy);
        self.notified.set_limits(policy.notify.clone());
        let names: Vec<Arc<Name>> = self.slots.keys().cloned().collect();
        for name in names {
            let Some(slot) = self.slots.get(&name).copied() else {
                continue;
            };
            let latest = now + self.interval(slot.next.by_notify) + self.times.jitter;
            if slot.out.is_none() && slot.next.due > latest {
                let due = self.soon(now);
                self.move_to(&name, due);
            }
        }
    }

    /// These are the children from now on; of those that are new, `past` says what is remembered. Who was
    /// never scanned is due at once, or as jitter has it.
    pub fn set_children(
        &mut self,
        children: impl Iterator<Item = Name>,
        past: impl Fn(&Name) -> Option<Next>,
        now: Timestamp,
    ) {
        self.list += 1;
        let list = self.list;
        for child in children {
            if let Some(slot) = self.slots.get_mut(&child) {
                slot.list = list;
                continue;
            }
            let next = match past(&child) {
                // A clock that was wrong, or an interval that was longer, keeps nobody waiting.
                Some(next) => {
                    let latest = now + self.interval(next.by_notify) + self.times.jitter;
                    Next {
                        due: next.due.min(latest),
                        ..next
                    }
                }
                None => Next {
                    due: self.soon(now),
                    aborts: 0,
                    by_notify: false,
                },
            };
            let name = Arc::new(child);
            self.queue.insert((next.due, name.clone()));
            let out = None;
            self.slots.insert(name, Slot { next, out, list });
        }
        let (queue, gone) = (&mut self.queue, &mut self.out);
        self.slots.retain(|name, slot| {
            if slot.list == list {
                return true;
            }
            queue.remove(&(slot.next.due, name.clone()));
            *gone -= usize::from(slot.out.is_some());
            false
        });
    }

    /// Those of `children` that it does not know.
    pub fn strangers(&self, children: impl Iterator<Item = Name>) -> Vec<Name> {
        children
            .filter(|child| !self.slots.contains_key(child))
            .collect()
    }

    /// Takes a message that may be a NOTIFY (N-08 to N-12): the answer, and what became of it.
    pub fn respond(
        &mut self,
        request: &[u8],
        from: IpAddr,
        now: Timestamp,
    ) -> (Option<Vec<u8>>, Heard) {
        let is_child = |name: &Name| self.slots.contains_key(name);
        self.notified
            .respond(request, from, &self.parent, is_child, now)
    }

    /// The child to be scanned now, if any is due. Where there are both, those that somebody spoke of and
    /// those whose time has come take turns: neither waits for the others to end (N-12).
    pub fn take(&mut self, now: Timestamp) -> Option<(Name, Channel)> {
        let (name, channel) = match self.turn {
            Channel::Notify => self.take_notified(now).or_else(|| self.take_due(now)),
            Channel::Scan | Channel::Change => {
                self.take_due(now).or_else(|| self.take_notified(now))
            }
        }?;
        self.turn = match channel {
            Channel::Notify => Channel::Scan,
            Channel::Scan | Channel::Change => Channel::Notify,
        };
        self.go_out(&name, channel).then_some((name, channel))
    }

    /// Takes a child, due or not, because its delegation is being changed. `false`: it is being scanned,
    /// or is no child.
    pub fn take_for_change(&mut self, child: &Name) -> bool {
        self.channel(child).is_none() && self.go_out(child, Channel::Change)
    }

    fn go_out(&mut self, child: &Name, channel: Channel) -> bool {
        let Some((name, _)) = self.slots.get_key_value(child) else {
            return false;
        };
        let name = name.clone();
        if let Some(slot) = self.slots.get_mut(child) {
            slot.out = Some(channel);
            self.queue.remove(&(slot.next.due, name));
            self.out += 1;
        }
        true
    }

    fn take_notified(&mut self, now: Timestamp) -> Option<(Name, Channel)> {
        loop {
            let slots = &self.slots;
            let is_busy = |name: &Name| slots.get(name).is_some_and(|slot| slot.out.is_some());
            let name = self.notified.take_next(now, is_busy)?;
            // It may not be delegated any more.
            if self.slots.contains_key(&name) {
                return Some((name, Channel::Notify));
            }
        }
    }

    fn take_due(&mut self, now: Timestamp) -> Option<(Name, Channel)> {
        let (due, name) = self.queue.first()?;
        (*due <= now).then(|| (Name::clone(name), Channel::Scan))
    }

    /// Where errors of a scan that a NOTIFY brought about are to be reported (N-14).
    pub fn report_to(&mut self, child: &Name) -> Option<Name> {
        self.notified.report_to(child)
    }

    /// How a child that is out came to be.
    pub fn channel(&self, child: &Name) -> Option<Channel> {
        self.slots.get(child)?.out
    }

    /// When a child that is out is scanned next, after this.
    pub fn next(&mut self, child: &Name, after: &After, now: Timestamp) -> Option<Next> {
        let slot = *self.slots.get(child)?;
        // N-16 (RFC 9859 §4.3): who says when there is something to see is asked rarely; a change of which
        // nothing was said ends that.
        let by_notify = match (after.changed, slot.out) {
            (true, Some(channel)) => channel == Channel::Notify,
            _ => slot.next.by_notify,
        };
        let aborts = match after.aborted {
            true => slot.next.aborts.saturating_add(1),
            false => 0,
        };
        // the schedule is that of silent servers.
        let retry = aborts.checked_sub(1).and_then(|at| {
            let pause = self.times.retry.get(at as usize)?;
            Some(now + *pause)
        });
        let jitter = self.jitter();
        let in_time = now + self.interval(by_notify) + jitter;
        let sooner = [after.silent_until, retry, after.again_at];
        let sooner = sooner.into_iter().flatten().map(|at| at.max(now));
        let due = sooner.chain([in_time]).min().unwrap_or(in_time);
        Some(Next {
            due,
            aborts,
            by_notify,
        })
    }

    /// A child that was out is back, and due then.
    pub fn back(&mut self, child: &Name, next: Next) {
        let Some((name, _)) = self.slots.get_key_value(child) else {
            return;
        };
        let name = name.clone();
        if let Some(slot) = self.slots.get_mut(child) {
            self.out -= usize::from(slot.out.take().is_some());
            self.queue.remove(&(slot.next.due, name.clone()));
            slot.next = next;
            self.queue.insert((next.due, name));
        }
    }

    /// A child that was taken could not be scanned: as if it had not been.
    pub fn put_back(&mut self, child: &Name) {
        let Some(slot) = self.slots.get(child) else {
            return;
        };
        if slot.out == Some(Channel::Notify) {
            self.notified.put_back(child);
        }
        self.back(child, slot.next);
    }

    /// A child is due at `at`, if that is sooner.
    pub fn hasten(&mut self, child: &Name, at: Timestamp) {
        let Some((name, slot)) = self.slots.get_key_value(child) else {
            return;
        };
        if slot.out.is_none() && at < slot.next.due {
            let name = name.clone();
            self.move_to(&name, at);
        }
    }

    /// How many children there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// How many are being scanned.
    pub fn out(&self) -> usize {
        self.out
    }

    /// How many wait because of a NOTIFY.
    pub fn notified(&self) -> usize {
        self.notified.due()
    }

    /// How long the child that is due first has waited.
    pub fn lag(&self, now: Timestamp) -> Duration {
        let first = self.queue.first();
        first.map_or(Duration::ZERO, |(due, _)| now.since(*due))
    }

    /// When the next child is due.
    pub fn wake_at(&self) -> Option<Timestamp> {
        let is_busy = |name: &Name| self.channel(name).is_some();
        let told = self.notified.wake_at(is_busy);
        let due = self.queue.first().map(|(due, _)| *due);
        [told, due].into_iter().flatten().min()
    }

    fn interval(&self, by_notify: bool) -> Duration {
        match by_notify {
            true => self.times.interval_after_notify.max(self.times.interval),
            false => self.times.interval,
        }
    }

    fn jitter(&mut self) -> Duration {
        let nanos = u64::try_from(self.times.jitter.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.stream.random_range(0..=nanos))
    }

    fn soon(&mut self, now: Timestamp) -> Timestamp {
        now + self.jitter()
    }

    fn move_to(&mut self, name: &Arc<Name>, due: Timestamp) {
        if let Some(slot) = self.slots.get_mut(name) {
            self.queue.remove(&(slot.next.due, name.clone()));
            slot.next.due = due;
            self.queue.insert((due, name.clone()));
        }
    }
}

#[cfg(test)]
mod tests;
