//! Who is told of what (RFC 10026 §5): a table, from what happened to whom it concerns.
//!
//! Owns the matrix, and what a scan or a change means in its terms. Sending is for others; how often
//! the same is told is for the child's state.

use counterpoint_dns::{name::RecordType, time::Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    state::ChildState,
    verdict::{Change, Outcome, Replacement, Verdict},
};

/// Who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    /// The registrant and the other contacts of the domain.
    Contacts,
    /// The DNS operator and the technical contact.
    Operator,
    /// The registrar.
    Registrar,
}

/// Something that happened to a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// Its first DS RRset was made by a request of its own, or the first one after another channel's.
    Begins,
    /// Its DS RRset was removed at its own request.
    Ends,
    /// Its DS RRset was changed by another channel.
    ChangedElsewhere,
    /// Its request cannot be followed.
    Error,
    /// Its request could not be followed for days.
    LastingError,
    /// The data of its DS RRset changed, whoever did it.
    DsChanged,
}

/// One row: this event is told to these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its ID, as `D-07`.
    pub id: &'static str,
    /// Other IDs that it serves.
    pub also: &'static [&'static str],
    /// What happened.
    pub event: Event,
    /// The same in words.
    pub what: &'static str,
    /// Who is told.
    pub to: Audience,
}

/// All of them. A routine rollover is in none of those for people (D-07).
pub const NOTICES: [Notice; 6] = [
    Notice {
        id: "D-07",
        also: &[],
        event: Event::Begins,
        what: "automation begins",
        to: Audience::Contacts,
    },
    Notice {
        id: "D-07",
        also: &[],
        event: Event::Ends,
        what: "DNSSEC is switched off at the child's request",
        to: Audience::Contacts,
    },
    Notice {
        id: "D-07",
        also: &[],
        event: Event::ChangedElsewhere,
        what: "the DS RRset was changed by another channel",
        to: Audience::Contacts,
    },
    Notice {
        id: "D-08",
        also: &["D-09"],
        event: Event::Error,
        what: "a request cannot be followed",
        to: Audience::Operator,
    },
    Notice {
        id: "D-08",
        also: &[],
        event: Event::LastingError,
        what: "a request could not be followed for days",
        to: Audience::Contacts,
    },
    Notice {
        id: "D-10",
        also: &[],
        event: Event::DsChanged,
        what: "the DS RRset changed",
        to: Audience::Registrar,
    },
];

/// What is told of an event.
pub fn about(event: Event) -> impl Iterator<Item = &'static Notice> {
    NOTICES.iter().filter(move |notice| notice.event == event)
}

/// What the verdicts of one scan mean, each with its verdict; `is_whole` says whether every server was
/// asked. Errors are remembered in `state`, and told ever more rarely (D-09).
pub fn of_scan<'a>(
    verdicts: &[&'a Verdict],
    is_whole: bool,
    state: &mut ChildState,
    now: Timestamp,
) -> Vec<(Event, &'a Verdict)> {
    let errors = || verdicts.iter().copied().filter(|verdict| is_error(verdict));
    // One server that is content does not mean that all are, nor do some while others are tried
    // again.
    let mut outcomes = verdicts.iter().map(|verdict| verdict.outcome);
    let is_open = !is_whole || outcomes.any(|outcome| outcome == Outcome::Delay);
    let goes_on = |reason: &str| errors().any(|verdict| verdict.reason == reason);
    state.go_on(goes_on, is_open, now);
    let mut events = Vec::new();
    for verdict in errors() {
        if !state.tell(verdict.reason, now) {
            continue;
        }
        events.push((Event::Error, verdict));
        if state.persists(verdict.reason, now) {
            events.push((Event::LastingError, verdict));
        }
    }
    events
}

/// What it means that a change was made as the child asked; `by_hand` says whether another channel had
/// made what was there before.
pub fn of_change(change: &Change, by_hand: bool) -> Vec<Event> {
    let mut changed = change.changed().filter(|set| set.rtype == RecordType::DS);
    let Some(set) = changed.find(|set| changes_data(set)) else {
        return Vec::new();
    };
    let begins = set.seen.is_none() || by_hand;
    of_request(begins, set.wanted.data.is_empty()).collect()
}

/// What it means that the DS RRset became what the child asked for: its first one, or the first after
/// another channel's; or none.
pub fn of_request(begins: bool, ends: bool) -> impl Iterator<Item = Event> {
    let person = match (begins, ends) {
        (_, true) => Some(Event::Ends),
        (true, false) => Some(Event::Begins),
        (false, false) => None,
    };
    person.into_iter().chain([Event::DsChanged])
}

/// D-08: what somebody has to mend.
fn is_error(verdict: &Verdict) -> bool {
    matches!(verdict.outcome, Outcome::Ignore | Outcome::Abort)
}

/// D-10: by its data; a TTL concerns nobody.
fn changes_data(set: &Replacement) -> bool {
    let seen = set.seen.as_ref().map(|seen| &seen.data);
    seen.is_none_or(|seen| *seen != set.wanted.data)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use counterpoint_dns::{name::parse_name, rdata::Rdata, rrset::RrSet};

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

    fn verdict(outcome: Outcome, reason: &'static str) -> Verdict {
        Verdict {
            outcome,
            rule: "K-00",
            reason,
            evidence: Vec::new(),
            change: None,
            guards: Default::default(),
        }
    }

    /// A change of the DS RRset, from some TTL and records to some.
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
    fn d_07_d_10_people_hear_of_beginnings_and_ends_and_registrars_of_every_change() {
        use Audience::{Contacts, Registrar};
        let first = change(None, (60, &[1]));
        let removal = change(Some((60, &[1])), (60, &[]));
        let rollover = change(Some((60, &[1])), (60, &[2]));
        let ttl = change(Some((60, &[1])), (30, &[1]));
        for (change, by_hand, expected) in [
            (&first, false, vec![(Event::Begins, Contacts)]),
            (&removal, false, vec![(Event::Ends, Contacts)]),
            (&removal, true, vec![(Event::Ends, Contacts)]),
            (&rollover, false, vec![]),
            (&rollover, true, vec![(Event::Begins, Contacts)]),
        ] {
            let mut expected = expected;
            expected.push((Event::DsChanged, Registrar));
            let events = of_change(change, by_hand).into_iter();
            let told = events.flat_map(about).map(|row| (row.event, row.to));
            assert_eq!(told.collect::<Vec<_>>(), expected, "{change} {by_hand}");
        }
        assert_eq!(of_change(&ttl, true), []);
    }

    #[test]
    fn d_08_d_09_operators_hear_of_errors_first_and_others_only_of_lasting_ones() {
        let broken = verdict(Outcome::Abort, "CDS_INCONSISTENT");
        let fine = verdict(Outcome::Noop, "STATUS_QUO");
        let waiting = verdict(Outcome::Delay, "SERVER_SILENT");
        let absent = verdict(Outcome::Noop, "CSYNC_ABSENT");
        let mut state = ChildState::default();
        let mut day = |ds: &Verdict, is_whole: bool, days: u64| {
            let now = NOW + Duration::from_secs(86_400 * days);
            let events = of_scan(&[ds, &absent], is_whole, &mut state, now).into_iter();
            events.map(|(event, _)| event).collect::<Vec<_>>()
        };
        assert_eq!(day(&broken, true, 0), [Event::Error]);
        assert_eq!(day(&broken, true, 1), [Event::Error]);
        assert_eq!(day(&broken, true, 2), [], "twice in a row");
        assert_eq!(day(&waiting, true, 3), [], "and it is not over");
        let lasting = [Event::Error, Event::LastingError];
        assert_eq!(day(&broken, true, 4), lasting);
        assert_eq!(day(&fine, true, 5), []);
        assert_eq!(day(&broken, true, 6), [Event::Error], "it is new again");
        assert_eq!(day(&fine, false, 7), [], "one server was asked");
        assert_eq!(day(&broken, true, 7), [Event::Error]);
        assert_eq!(day(&broken, true, 8), [], "it was not over");
        assert_eq!(day(&fine, false, 11), []);
        assert_eq!(day(&broken, true, 11), [Event::Error], "not found for days");
    }

    #[test]
    fn d_08_one_request_that_is_right_does_not_make_the_other_new() {
        let broken = verdict(Outcome::Abort, "CDS_INCONSISTENT");
        let csync = verdict(Outcome::Ignore, "CSYNC_NOT_ALONE");
        let mut state = ChildState::default();
        let mut told = Vec::new();
        for hour in 0..4 {
            let now = NOW + Duration::from_secs(3_600 * hour);
            let events = of_scan(&[&broken, &csync], true, &mut state, now);
            told.extend(events.iter().map(|(_, verdict)| verdict.reason));
        }
        told.sort_unstable();
        let both = ["CDS_INCONSISTENT", "CSYNC_NOT_ALONE"];
        assert_eq!(told, [both[0], both[0], both[1], both[1]]);
    }
}
