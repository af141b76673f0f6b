//! NOTIFY(CDS) and NOTIFY(CSYNC) from children or whoever runs them (RFC 9859).
//!
//! Owns which children are due because of one, and how often that may be (N-12). Believes nothing that
//! one says but the child's name: the scan that follows is like any other (N-13).

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use counterpoint_dns::{
    agent::{Peer, Server, Transport},
    name::Name,
    notify::{NOTIFIED, answer_notify, read_notify},
    time::Timestamp,
};

use super::Scanner;
use crate::ledger::note;

/// A child is scanned because of a NOTIFY at most once in this time.
const A_CHILD: Duration = Duration::from_secs(60);
/// So many of one address are acted upon in this time.
const OF_A_SOURCE: u32 = 60;
const A_SOURCE: Duration = Duration::from_secs(60);
/// Of so many children, and of so many addresses, anything is remembered at a time.
const MANY: usize = 10_000;

const NOERROR: u8 = 0;
const REFUSED: u8 = 5;

/// A child that somebody spoke of.
#[derive(Clone, Copy, Debug)]
struct Child {
    /// When it is due, or was last taken.
    at: Timestamp,
    is_due: bool,
}

/// How much one address has said lately.
#[derive(Clone, Copy, Debug)]
struct Source {
    since: Timestamp,
    count: u32,
}

/// The children that somebody spoke of.
#[derive(Clone, Debug, Default)]
pub(super) struct Notified {
    children: BTreeMap<Name, Child>,
    sources: BTreeMap<IpAddr, Source>,
}

impl Notified {
    /// Takes a NOTIFY. `false`: it is not acted upon (N-11). A child that was scanned a moment ago is due
    /// a little later, so that what has changed since is not overlooked.
    fn hear(&mut self, child: &Name, from: IpAddr, now: Timestamp) -> bool {
        if self.sources.len() >= MANY {
            self.sources
                .retain(|_, source| now < source.since + A_SOURCE);
        }
        if self.children.len() >= MANY {
            self.children
                .retain(|_, child| child.is_due || now < child.at + A_CHILD);
        }
        let is_full = self.sources.len() >= MANY && !self.sources.contains_key(&from)
            || self.children.len() >= MANY && !self.children.contains_key(child);
        if is_full {
            return false;
        }
        let anew = Source {
            since: now,
            count: 0,
        };
        let source = self.sources.entry(from).or_insert(anew);
        if source.since + A_SOURCE <= now {
            *source = anew;
        }
        if source.count >= OF_A_SOURCE {
            return false;
        }
        source.count += 1;
        let known = self.children.get(child).copied();
        let at = match known {
            Some(child) if child.is_due => child.at,
            Some(child) => now.max(child.at + A_CHILD),
            None => now,
        };
        let is_due = true;
        self.children.insert(child.clone(), Child { at, is_due });
        true
    }

    /// The children that are due, and can be scanned.
    pub(super) fn take_due(
        &mut self,
        now: Timestamp,
        is_busy: impl Fn(&Name) -> bool,
    ) -> Vec<Name> {
        let mut taken = Vec::new();
        for (name, child) in &mut self.children {
            if child.is_due && child.at <= now && !is_busy(name) {
                let is_due = false;
                *child = Child { at: now, is_due };
                taken.push(name.clone());
            }
        }
        taken
    }

    /// A child that was taken could not be scanned: it is due again, if that was because of a NOTIFY.
    pub(super) fn put_back(&mut self, child: &Name) {
        if let Some(child) = self.children.get_mut(child) {
            child.is_due = true;
        }
    }

    /// When the next one is due that can be scanned.
    pub(super) fn wake_at(&self, is_busy: impl Fn(&Name) -> bool) -> Option<Timestamp> {
        let due = self.children.iter().filter(|(_, child)| child.is_due);
        due.filter(|(name, _)| !is_busy(name))
            .map(|(_, child)| child.at)
            .min()
    }
}

impl Server for Scanner {
    /// Acknowledges a NOTIFY about a name below the parent, acted upon or not (N-10, N-11), refuses others,
    /// and is silent about what is none, or is about more than one child (N-09).
    fn respond(
        &mut self,
        now: Timestamp,
        from: Peer,
        _via: Transport,
        request: &[u8],
    ) -> Option<Vec<u8>> {
        let question = read_notify(request)?;
        let child = &question.name;
        let parent = &self.config.parent;
        let is_ours = parent.zone_of(child) && child != parent;
        if !is_ours || !NOTIFIED.contains(&question.rtype) {
            return Some(answer_notify(request, REFUSED));
        }
        if self.notified.hear(child, from.ip(), now) {
            let text = format!("from {}", from.ip());
            let heard = note(child, "notify", &question.rtype.to_string(), text);
            self.outbox.push_back(heard);
        }
        self.advance(now);
        Some(answer_notify(request, NOERROR))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpoint_dns::name::parse_name;

    const START: Timestamp = Timestamp::from_seconds(1_000);

    fn child(number: usize) -> Name {
        parse_name(&format!("child-{number}.test.")).unwrap()
    }

    fn source(number: u32) -> IpAddr {
        std::net::Ipv4Addr::from(number).into()
    }

    fn after(seconds: u64) -> Timestamp {
        START + Duration::from_secs(seconds)
    }

    /// N-12: a burst about one child, from everywhere, is one scan at once and one a minute later.
    #[test]
    fn a_burst_about_a_child_is_two_scans() {
        let mut notified = Notified::default();
        let mut taken = Vec::new();
        for second in 0..120 {
            let now = after(second);
            if second < 30 {
                assert!(notified.hear(&child(1), source(second as u32), now));
            }
            let due = notified.take_due(now, |_| false);
            taken.extend(due.into_iter().map(|_| second));
        }
        assert_eq!(taken, [0, 60]);
    }

    /// N-12: an address may speak of sixty children a minute.
    #[test]
    fn a_source_is_heard_so_often_and_again_a_minute_later() {
        let mut notified = Notified::default();
        let heard = |notified: &mut Notified, from, now| {
            let all = (0..100).filter(|number| notified.hear(&child(*number), from, now));
            all.count()
        };
        assert_eq!(heard(&mut notified, source(1), START), 60);
        assert_eq!(heard(&mut notified, source(2), START), 60);
        assert_eq!(heard(&mut notified, source(1), after(59)), 0);
        assert_eq!(heard(&mut notified, source(1), after(60)), 60);
    }

    /// What outsiders say takes a bounded amount of memory.
    #[test]
    fn no_more_than_so_many_are_remembered() {
        let mut notified = Notified::default();
        let more = MANY + 10;
        let heard = (0..more)
            .filter(|number| notified.hear(&child(*number), source(*number as u32), START))
            .count();
        assert_eq!(heard, MANY);
        assert_eq!(notified.take_due(START, |_| false).len(), MANY);
        let later = after(60);
        assert!(notified.hear(&child(more), source(more as u32), later));
        assert_eq!(notified.children.len(), 1);
    }

    /// A child that cannot be scanned now is not forgotten.
    #[test]
    fn who_is_busy_stays_due() {
        let mut notified = Notified::default();
        notified.hear(&child(1), source(1), START);
        assert!(notified.take_due(START, |_| true).is_empty());
        assert_eq!(notified.wake_at(|_| true), None);
        assert_eq!(notified.wake_at(|_| false), Some(START));
        assert_eq!(notified.take_due(after(9), |_| false), [child(1)]);
        assert_eq!(notified.wake_at(|_| false), None);
        notified.put_back(&child(1));
        notified.put_back(&child(2));
        assert_eq!(notified.take_due(after(10), |_| false), [child(1)]);
    }
}
