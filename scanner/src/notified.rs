//! NOTIFY(CDS) and NOTIFY(CSYNC) from children or whoever runs them (RFC 9859).
//!
//! Owns which children are due because of one, and how often that may be (N-12). Believes nothing that
//! one says but the child's name: the scan that follows is like any other (N-13). What it keeps of
//! sources has a fixed size, and of children no more than there are; neither costs more to look up
//! when everybody knocks at once.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    net::IpAddr,
    time::Duration,
};

use counterpoint_dns::{
    message::Question,
    name::Name,
    notify::{NOTIFIED, answer_notify, read_notify, report_channel},
    time::Timestamp,
};

use crate::policy::Notify;

/// So long the NOTIFYs of a source are counted together.
const A_SOURCE: Duration = Duration::from_secs(60);
/// The table of sources; a power of two.
const SOURCES: usize = 1 << 14;
/// Of so many children anything is remembered at a time.
const CHILDREN_MAX: usize = 100_000;

const NOERROR: u8 = 0;
const REFUSED: u8 = 5;

/// A child that somebody spoke of.
#[derive(Clone, Debug)]
struct Child {
    /// When it is due, or was last taken.
    at: Timestamp,
    is_due: bool,
    /// Where errors of its scan are to be reported (RFC 9567).
    report_to: Option<Name>,
}

/// How much the sources of one slot have said lately.
#[derive(Clone, Copy, Debug, Default)]
struct Source {
    since: Timestamp,
    count: u32,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is about this child, which is due now or a little later (N-10).
    Due(Question),
    /// It is about a name that is no child: acknowledged, and nothing else.
    NoChild,
    /// Its source, or everybody, says too much: acknowledged, and nothing else (N-11).
    Limited,
    /// It is about a name outside this zone, or about another type.
    Refused,
    /// It is no NOTIFY about one child: silence (N-09).
    Nothing,
}

impl Heard {
    /// Names of all, for counts.
    pub const NAMES: [&'static str; 5] = ["due", "no-child", "limited", "refused", "nothing"];

    /// Its place among them.
    pub fn index(&self) -> usize {
        match self {
            Self::Due(_) => 0,
            Self::NoChild => 1,
            Self::Limited => 2,
            Self::Refused => 3,
            Self::Nothing => 4,
        }
    }
}

/// The children that somebody spoke of.
#[derive(Clone, Debug)]
pub struct Notified {
    limits: Notify,
    /// Puts sources into slots that nobody can foresee.
    key: u64,
    sources: Box<[Source]>,
    children: BTreeMap<Name, Child>,
    /// Those of them that are due, by time.
    due: BTreeSet<(Timestamp, Name)>,
    /// Those that were taken, in that order: forgotten when they may be taken again.
    taken: VecDeque<(Timestamp, Name)>,
}

impl Notified {
    /// Nobody spoke yet; `key` is a number that nobody can foresee.
    pub fn new(limits: Notify, key: u64) -> Self {
        Self {
            limits,
            key,
            sources: vec![Source::default(); SOURCES].into(),
            children: BTreeMap::new(),
            due: BTreeSet::new(),
            taken: VecDeque::new(),
        }
    }

    /// Keeps to these limits from now on.
    pub fn set_limits(&mut self, limits: Notify) {
        self.limits = limits;
    }

    /// Takes a message. Acknowledges a NOTIFY about a name below `parent`, acted upon or not (N-10, N-11),
    /// refuses others, and is silent about what is none, or is about more than one child (N-09).
    pub fn respond(
        &mut self,
        request: &[u8],
        from: IpAddr,
        parent: &Name,
        is_child: impl Fn(&Name) -> bool,
        now: Timestamp,
    ) -> (Option<Vec<u8>>, Heard) {
        let Some(question) = read_notify(request) else {
            return (None, Heard::Nothing);
        };
        let child = &question.name;
        let is_ours = parent.zone_of(child) && child != parent;
        if !is_ours || !NOTIFIED.contains(&question.rtype) {
            return (Some(answer_notify(request, REFUSED)), Heard::Refused);
        }
        let heard = match self.admits(from, now) {
            false => Heard::Limited,
            true if !is_child(child) => Heard::NoChild,
            true => match self.hear(child, report_channel(request), now) {
                true => Heard::Due(question),
                false => Heard::Limited,
            },
        };
        (Some(answer_notify(request, NOERROR)), heard)
    }

    /// Counts a message of a source. `false`: it has said too much in this minute (N-12).
    fn admits(&mut self, from: IpAddr, now: Timestamp) -> bool {
        let mut hasher = DefaultHasher::new();
        (self.key, prefix(from)).hash(&mut hasher);
        let source = &mut self.sources[hasher.finish() as usize % SOURCES];
        if source.since + A_SOURCE <= now {
            *source = Source {
                since: now,
                count: 0,
            };
        }
        let is_admitted = source.count < self.limits.source_max;
        source.count += u32::from(is_admitted);
        is_admitted
    }

    /// Has a child scanned. `false`: too many are. A child that was scanned a moment ago is due a little
    /// later, so that what has changed since is not overlooked (N-12).
    fn hear(&mut self, name: &Name, report_to: Option<Name>, now: Timestamp) -> bool {
        self.forget(now);
        if self.children.len() >= CHILDREN_MAX && !self.children.contains_key(name) {
            return false;
        }
        let pause = self.limits.child_pause;
        let at = match self.children.get(name) {
            Some(child) if child.is_due => child.at,
            Some(child) => now.max(child.at + pause),
            None => now,
        };
        let child = Child {
            at,
            is_due: true,
            report_to,
        };
        self.children.insert(name.clone(), child);
        self.due.insert((at, name.clone()));
        true
    }

    /// Forgets children that may be taken again, and were not spoken of since.
    fn forget(&mut self, now: Timestamp) {
        while let Some((at, _)) = self.taken.front()
            && *at + self.limits.child_pause <= now
        {
            let Some((at, name)) = self.taken.pop_front() else {
                return;
            };
            let child = self.children.get(&name);
            if child.is_some_and(|child| !child.is_due && child.at == at) {
                self.children.remove(&name);
            }
        }
    }

    /// Takes the child that is due first, of those that can be scanned.
    pub fn take_next(&mut self, now: Timestamp, is_busy: impl Fn(&Name) -> bool) -> Option<Name> {
        let due = self.due.iter().take_while(|(at, _)| *at <= now);
        let (at, name) = due.into_iter().find(|(_, name)| !is_busy(name))?.clone();
        self.due.remove(&(at, name.clone()));
        if let Some(child) = self.children.get_mut(&name) {
            child.is_due = false;
            child.at = now;
        }
        self.taken.push_back((now, name.clone()));
        Some(name)
    }

    /// Takes the children that are due, and can be scanned; in canonical order.
    pub fn take_due(&mut self, now: Timestamp, is_busy: impl Fn(&Name) -> bool) -> Vec<Name> {
        let mut taken = Vec::new();
        while let Some(name) = self.take_next(now, &is_busy) {
            taken.push(name);
        }
        taken.sort();
        taken
    }

    /// Where errors of the scan of a child that was taken are to be reported: once for each NOTIFY.
    pub fn report_to(&mut self, child: &Name) -> Option<Name> {
        self.children.get_mut(child)?.report_to.take()
    }

    /// A child that was taken could not be scanned: it is due again, if that was because of a NOTIFY.
    pub fn put_back(&mut self, name: &Name) {
        if let Some(child) = self.children.get_mut(name) {
            child.is_due = true;
            self.due.insert((child.at, name.clone()));
        }
    }

    /// When the next one is due that can be scanned.
    pub fn wake_at(&self, is_busy: impl Fn(&Name) -> bool) -> Option<Timestamp> {
        let mut due = self.due.iter();
        due.find(|(_, name)| !is_busy(name)).map(|(at, _)| *at)
    }

    /// How many are due, now or later.
    pub fn due(&self) -> usize {
        self.due.len()
    }
}

/// Who a source is: whoever has one address of these networks can have them all.
fn prefix(from: IpAddr) -> [u8; 6] {
    match from {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            [0, 0, 0, a, b, c]
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => prefix(v4.into()),
            None => {
                let [a, b, c, d, e, f, ..] = v6.octets();
                [a, b, c, d, e, f]
            }
        },
    }
}

#[cfg(test)]
mod tests;
