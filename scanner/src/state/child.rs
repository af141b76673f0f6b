//! What survives a scan of one child, and how it moves on: pure transitions of plain data.
//!
//! Owns suspension (RFC 10026 §7.1), the restoring of a DS TTL (§4.2.2), the standing of a candidate
//! (RFC 8078 §3.3), and what was told to people (§5.1). An SOA serial is never among the reasons to
//! move on (D-20): nothing here takes one.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::Duration,
};

use counterpoint_dns::{
    name::{Name, RecordType},
    rdata::Rdata,
    rrset::RrSet,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{
    guard::{Guards, forget_departed},
    hold::{Candidate, HoldDown, Sighting},
    origin::{Arrival, Origin},
};
use crate::verdict::Change;

/// How long a condition must last before registrants hear of it (D-08).
const PERSISTS: Duration = Duration::from_secs(3 * 86_400);
/// How often in a row the same condition is told before it is told more rarely (D-09).
const IN_A_ROW: u32 = 2;
/// How many conditions of one child are remembered; the oldest goes first.
const TOLD_MAX: usize = 32;

/// The DS RRset at the parent, as far as automation is concerned (D-17).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DsSeen {
    /// Never looked.
    #[default]
    Unknown,
    /// It was there.
    Present,
    /// It was there, and its removal was accepted at the child's own request.
    Leaving,
    /// There was none.
    Absent,
}

/// Automation stands back until a DS RRset exists again (D-17, D-18).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suspension {
    /// Since when.
    pub since: Timestamp,
    /// Why, for people.
    pub why: String,
}

/// A DS TTL that was lowered for a change and is to be what it was (D-04).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TtlRestore {
    /// The TTL to be restored, seconds.
    pub ttl: u32,
    /// Not before this: until then caches may hold the DS RRset before the change.
    pub not_before: Timestamp,
}

/// How often a condition was told (D-08, D-09).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// When it began.
    pub first: Timestamp,
    /// When it was last told.
    pub last: Timestamp,
    /// When it was last found, told or not.
    pub seen: Timestamp,
    /// How often.
    pub times: u32,
}

/// Everything that survives a scan of one child.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChildState {
    /// What was accepted from each server (K-09, C-11).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub guards: Guards,
    /// The request that has to stand before it is accepted (B-05, K-12).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidate: Option<Candidate>,
    /// The DS RRset as last seen.
    pub ds: DsSeen,
    /// Whose doing it is (D-07).
    #[serde(skip_serializing_if = "Origin::is_default")]
    pub origin: Origin,
    /// Whether automation stands back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspension: Option<Suspension>,
    /// The TTL that the DS RRset is to have again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restore: Option<TtlRestore>,
    /// What was told of it, by reason code.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub told: BTreeMap<String, Told>,
}

impl ChildState {
    /// A change was accepted: these guards hold from now on.
    pub fn accepted(&mut self, guards: &Guards, change: &Change) {
        for (server, guard) in guards {
            self.guards.entry(*server).or_default().merge(guard);
        }
        if let Some(wanted) = ds_of(change) {
            // The guards do from here on what the candidate did.
            self.candidate = None;
            if wanted.is_empty() {
                self.ds = DsSeen::Leaving;
            }
        }
    }

    /// A change was planned. Whoever carries it out, by whatever means, does as the child asked.
    pub fn planned(&mut self, change: &Change) {
        if let Some(wanted) = ds_of(change) {
            self.origin.accepts(wanted);
            if wanted.is_empty() {
                self.ds = DsSeen::Leaving;
            }
        }
    }

    /// A change was made. A new DS RRset whose TTL was lowered gets `normal` seconds back, `later`
    /// after now, and never before the previous one has left every cache (D-04, T-05).
    pub fn applied(
        &mut self,
        change: &Change,
        normal: Option<u32>,
        later: Duration,
        now: Timestamp,
    ) {
        let Some(set) = change.changed().find(|set| set.rtype == RecordType::DS) else {
            return;
        };
        self.origin.made(&set.wanted.data);
        if set.wanted.data.is_empty() {
            self.ds = DsSeen::Absent;
            self.restore = None;
            return;
        }
        self.ds_is(true, now);
        let seen = set.seen.as_ref();
        // What a second change finds is the first one's low TTL, not the normal one.
        let before = self.restore.map(|restore| restore.ttl);
        let ttl = before.or(seen.map(|seen| seen.ttl)).or(normal);
        let old = seen.map_or(0, |seen| seen.ttl.max(before.unwrap_or(0)));
        let wait = later.max(Duration::from_secs(old.into()));
        self.restore = ttl
            .filter(|ttl| *ttl != set.wanted.ttl)
            .map(|ttl| TtlRestore {
                ttl,
                not_before: now + wait,
            });
    }

    /// The TTL is what it was.
    pub fn restored(&mut self) {
        self.restore = None;
    }

    /// The delegation was looked at. A DS RRset that is gone and that the child did not want gone was
    /// removed by another channel: automation stands back (D-17) until there is one again (D-18).
    pub fn ds_is(&mut self, present: bool, now: Timestamp) {
        match (self.ds, present) {
            (_, true) => {
                self.ds = DsSeen::Present;
                self.suspension = None;
            }
            (DsSeen::Present, false) => {
                self.ds = DsSeen::Absent;
                self.restore = None;
                self.candidate = None;
                self.suspension = Some(Suspension {
                    since: now,
                    why: "the DS RRset was removed by another channel".into(),
                });
            }
            // Of those that never had one nothing need be remembered.
            (DsSeen::Unknown, false) => {}
            (_, false) => self.ds = DsSeen::Absent,
        }
    }

    /// Whether automation stands back, if the DS RRset is there or not.
    pub fn suspension_if(&self, present: bool, now: Timestamp) -> Option<Suspension> {
        let mut state = self.clone();
        state.ds_is(present, now);
        state.suspension
    }

    /// The DS RRset at the parent is this; `met_before` says whether the child was looked at before.
    /// Returns how it came to be, if it is new (D-07). To be asked before [`Self::ds_is`].
    pub fn ds_shows(&mut self, ds: Option<&RrSet>, met_before: bool) -> Option<Arrival> {
        let nothing = BTreeSet::new();
        let data = ds.map_or(&nothing, |ds| &ds.data);
        // A DS RRset that was there before fingerprints were kept is not new.
        self.origin.sees(data, met_before && !self.has_ds())
    }

    /// Whether there was a DS RRset when it was last looked for.
    pub fn has_ds(&self) -> bool {
        matches!(self.ds, DsSeen::Present | DsSeen::Leaving)
    }

    /// The parent names these `hosts` as nameservers, and these servers were `found` under them, with
    /// the names of each. What was accepted from others counts no longer.
    pub fn is_served_by<'a>(
        &mut self,
        hosts: &BTreeSet<Name>,
        found: impl IntoIterator<Item = (SocketAddr, &'a BTreeSet<Name>)>,
    ) {
        forget_departed(&mut self.guards, hosts, found);
    }

    /// A scan has seen, or not seen, a request.
    pub fn sighted(&mut self, sighting: &Sighting, hold: &HoldDown, now: Timestamp) {
        self.candidate = sighting.after(self.candidate.take(), hold, now);
    }

    /// Whether a condition is to be told now: at first, once more, and then ever more rarely (D-09).
    /// A condition that was told is remembered.
    pub fn tell(&mut self, reason: &str, now: Timestamp) -> bool {
        match self.told.get_mut(reason) {
            None => {
                if self.told.len() >= TOLD_MAX
                    && let Some(oldest) = self.told.iter().min_by_key(|(_, told)| told.last)
                {
                    let oldest = oldest.0.clone();
                    self.told.remove(&oldest);
                }
                let told = Told {
                    first: now,
                    last: now,
                    seen: now,
                    times: 1,
                };
                self.told.insert(reason.into(), told);
                true
            }
            Some(told) => {
                told.seen = now;
                let pause = match told.times {
                    times if times < IN_A_ROW => Duration::ZERO,
                    times => PERSISTS * (1 << (times - IN_A_ROW).min(5)),
                };
                let is_time = now - told.last >= pause;
                if is_time {
                    told.last = now;
                    told.times = told.times.saturating_add(1);
                }
                is_time
            }
        }
    }

    /// Whether a condition that was told has lasted so long that the registrant hears of it (D-08).
    pub fn persists(&self, reason: &str, now: Timestamp) -> bool {
        let told = self.told.get(reason);
        told.is_some_and(|told| now - told.first >= PERSISTS)
    }

    /// Of the conditions that were told these go on. The others are over; if that `is_open`, they are once
    /// they were not found for days.
    pub fn go_on(&mut self, goes_on: impl Fn(&str) -> bool, is_open: bool, now: Timestamp) {
        self.told
            .retain(|reason, told| goes_on(reason) || is_open && now - told.seen < PERSISTS);
    }

    /// A condition is over: if it comes again, it is new.
    pub fn over(&mut self, reason: &str) {
        self.told.remove(reason);
    }
}

/// The DS RRset that a change leads to, if it is about one.
fn ds_of(change: &Change) -> Option<&BTreeSet<Rdata>> {
    let mut changed = change.changed();
    let set = changed.find(|set| set.rtype == RecordType::DS)?;
    Some(&set.wanted.data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{state::Guard, verdict::Replacement};
    use counterpoint_dns::name::parse_name;

    const START: Timestamp = Timestamp::from_seconds(1_767_225_600);
    const DAY: Duration = Duration::from_secs(86_400);

    /// A change of the DS RRset from some records to some, with these TTLs.
    fn change(seen: Option<(u32, &[u8])>, wanted: (u32, &[u8])) -> Change {
        let child = parse_name("example.test.").unwrap();
        let set = |(ttl, data): (u32, &[u8])| {
            let data = data.iter().map(|octet| Rdata::from_octets([*octet]));
            RrSet::new(child.clone(), RecordType::DS, ttl, data)
        };
        let seen = seen.map(set);
        Change {
            child: child.clone(),
            sets: vec![Replacement::of(seen.as_ref(), set(wanted))],
        }
    }

    #[test]
    fn what_is_accepted_replaces_what_was_and_leaves_the_rest() {
        let server = "192.0.2.1:53".parse().unwrap();
        let guard = |cds, csync| Guard {
            cds,
            csync,
            ..Guard::default()
        };
        let mut state = ChildState {
            guards: [(server, guard(Some(1), Some(5)))].into(),
            ..ChildState::default()
        };
        let guards = [(server, guard(Some(2), None))].into();
        state.accepted(&guards, &change(None, (60, &[1])));
        assert_eq!(state.guards[&server], guard(Some(2), Some(5)));
    }

    #[test]
    fn d_17_d_18_only_a_removal_by_others_suspends_until_there_is_a_ds_again() {
        let mut state = ChildState::default();
        state.ds_is(false, START);
        assert_eq!(state.suspension, None, "it never had one");
        state.ds_is(true, START);
        let removal = change(Some((60, &[1])), (60, &[]));
        state.accepted(&Guards::new(), &removal);
        state.ds_is(false, START);
        assert_eq!(state.suspension, None, "the child asked for it");
        state.ds_is(true, START);
        state.ds_is(false, START + DAY);
        let since = state.suspension.as_ref().map(|suspension| suspension.since);
        assert_eq!(since, Some(START + DAY));
        state.ds_is(false, START + 2 * DAY);
        assert!(state.suspension.is_some(), "it stays");
        state.ds_is(true, START + 3 * DAY);
        assert_eq!(state.suspension, None, "by whatever channel");
    }

    #[test]
    fn d_17_an_accepted_removal_that_was_not_made_excuses_nobody() {
        let mut state = ChildState::default();
        state.ds_is(true, START);
        state.accepted(&Guards::new(), &change(Some((60, &[1])), (60, &[])));
        state.ds_is(true, START);
        state.ds_is(false, START);
        assert!(state.suspension.is_some());
    }

    #[test]
    fn d_04_the_ttl_returns_when_the_previous_ds_has_left_every_cache() {
        let hour = Duration::from_secs(3_600);
        let mut state = ChildState::default();
        let low = change(Some((86_400, &[1])), (300, &[2]));
        state.applied(&low, None, hour, START);
        let restore = TtlRestore {
            ttl: 86_400,
            not_before: START + DAY,
        };
        assert_eq!(state.restore, Some(restore));
        // A second change finds the low TTL and still restores the normal one.
        let again = change(Some((300, &[2])), (300, &[3]));
        state.applied(&again, None, hour, START + hour);
        let restore = TtlRestore {
            ttl: 86_400,
            not_before: START + hour + DAY,
        };
        assert_eq!(state.restore, Some(restore));
        // Nothing lowered, nothing restored.
        let mut state = ChildState::default();
        state.applied(&change(Some((60, &[1])), (60, &[2])), None, hour, START);
        assert_eq!(state.restore, None);
        // The first DS RRset ever: the policy says what is normal.
        state.applied(&change(None, (300, &[2])), Some(3_600), hour, START);
        assert_eq!(state.restore.map(|restore| restore.ttl), Some(3_600));
    }

    #[test]
    fn d_08_d_09_a_condition_is_told_twice_then_rarely_and_escalates() {
        let mut state = ChildState::default();
        let days = |count: u32| START + count * DAY;
        let told: Vec<u32> = (0..20).filter(|day| state.tell("X", days(*day))).collect();
        assert_eq!(told, [0, 1, 4, 10]);
        assert!(!state.persists("X", days(2)));
        assert!(state.persists("X", days(3)));
        state.over("X");
        assert!(!state.persists("X", days(20)) && state.tell("X", days(20)));
        for reason in 0..100 {
            state.tell(&reason.to_string(), days(30));
        }
        assert!(state.told.len() <= TOLD_MAX);
    }
}
