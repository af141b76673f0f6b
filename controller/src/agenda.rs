//! Which zone's engine is woken when, and how many questions zones at rest may cost.
//!
//! Owns an instant a zone. Zones at rest wait in one queue, first come first served, so that watching
//! many of them costs a steady number of questions a second, whenever they fell asleep. A zone with a
//! process under way never waits here.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    num::NonZeroU32,
    time::Duration,
};

use counterpoint_dns::{name::Name, time::Timestamp};

/// When every zone is woken.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    soonest: BTreeSet<(Timestamp, Name)>,
    of: BTreeMap<Name, Timestamp>,
    queue: VecDeque<Name>,
    queued: BTreeSet<Name>,
    /// What the questions asked so far have paid for: until then no zone at rest asks.
    paid: Timestamp,
}

impl Agenda {
    /// Has a zone woken then; nothing: not at all, until it is set again.
    pub(crate) fn set(&mut self, zone: &Name, at: Option<Timestamp>) {
        if self.of.get(zone).copied() == at {
            return;
        }
        if let Some(before) = self.of.remove(zone) {
            self.soonest.remove(&(before, zone.clone()));
        }
        if let Some(at) = at {
            self.of.insert(zone.clone(), at);
            self.soonest.insert((at, zone.clone()));
        }
    }

    /// The zones whose time has come, in the order of their names. They are woken once.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> BTreeSet<Name> {
        let mut due = BTreeSet::new();
        while let Some((at, _)) = self.soonest.first()
            && *at <= now
            && let Some((_, zone)) = self.soonest.pop_first()
        {
            self.of.remove(&zone);
            due.insert(zone);
        }
        due
    }

    /// Puts a zone at rest behind the others.
    pub(crate) fn queue(&mut self, zone: Name) {
        if self.queued.insert(zone.clone()) {
            self.queue.push_back(zone);
        }
    }

    /// The zone at rest whose turn it is, if its questions are within the budget.
    pub(crate) fn take_turn(&mut self, now: Timestamp) -> Option<Name> {
        if self.paid > now {
            return None;
        }
        let zone = self.queue.pop_front()?;
        self.queued.remove(&zone);
        Some(zone)
    }

    /// So many questions were asked for a zone at rest.
    pub(crate) fn pay(&mut self, now: Timestamp, questions: u64, a_second: NonZeroU32) {
        let each = Duration::from_secs(1) / a_second.get();
        let questions = u32::try_from(questions).unwrap_or(u32::MAX);
        self.paid = self.paid.max(now) + each.saturating_mul(questions);
    }

    /// When somebody is to be woken next.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        let queued = (!self.queue.is_empty()).then_some(self.paid);
        let soonest = self.soonest.first().map(|(at, _)| *at);
        queued.into_iter().chain(soonest).min()
    }
}

#[cfg(test)]
mod tests {
    use counterpoint_dns::name::parse_name;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

    fn zone(number: usize) -> Name {
        parse_name(&format!("z{number}.test.")).unwrap()
    }

    #[test]
    fn zones_are_woken_once_and_only_when_it_is_time() {
        let mut agenda = Agenda::default();
        let later = NOW + Duration::from_secs(5);
        agenda.set(&zone(2), Some(NOW));
        agenda.set(&zone(1), Some(NOW));
        agenda.set(&zone(3), Some(NOW));
        agenda.set(&zone(3), Some(later));
        assert_eq!(agenda.next(), Some(NOW));
        let due = Vec::from_iter(agenda.take_due(NOW));
        assert_eq!(due, [zone(1), zone(2)]);
        assert_eq!(agenda.next(), Some(later));
        agenda.set(&zone(3), None);
        assert_eq!(agenda.next(), None);
        assert!(agenda.take_due(later).is_empty());
    }

    #[test]
    fn zones_at_rest_cost_no_more_questions_than_they_may() {
        let mut agenda = Agenda::default();
        let a_second = NonZeroU32::new(10).unwrap();
        (0..100).for_each(|number| agenda.queue(zone(number)));
        agenda.queue(zone(0));
        let (mut now, mut woken) = (NOW, Vec::new());
        while let Some(next) = agenda.next() {
            now = now.max(next);
            while let Some(zone) = agenda.take_turn(now) {
                woken.push(zone);
                agenda.pay(now, 5, a_second);
            }
        }
        assert_eq!(woken, Vec::from_iter((0..100).map(zone)));
        // 99 times half a second lie between the first and the last.
        assert_eq!(now, NOW + Duration::from_millis(49_500));
    }
}
