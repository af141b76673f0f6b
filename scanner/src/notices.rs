//! Who is told of what (RFC 10026 §5): a table, from what happened to whom it concerns.
//!
//! Owns the matrix only. Sending is for others; how often the same is told is for the child's state.

use counterpoint_dns::{name::RecordType, time::Timestamp};

use crate::{
    state::ChildState,
    verdict::{Outcome, Verdict},
};

/// Who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Audience {
    /// The registrant and the other contacts of the domain.
    Contacts,
    /// The DNS operator and the technical contact.
    Operator,
    /// The registrar.
    Registrar,
}

/// Something that happened to a child.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A scan came to this.
    Judged(&'a Verdict),
    /// The DS RRset was changed by another channel.
    ChangedElsewhere,
}

/// One row: this event is told to these.
#[derive(Clone, Copy, Debug)]
pub struct Notice {
    /// Its ID, as `D-07`.
    pub id: &'static str,
    /// Other IDs that it serves.
    pub also: &'static [&'static str],
    /// What is told.
    pub what: &'static str,
    /// Who is told.
    pub to: Audience,
    concerns: fn(&Event<'_>) -> bool,
    /// Told only once the condition has lasted (D-08).
    only_if_it_persists: bool,
}

/// All of them. A routine rollover is in none of those for people (D-07).
pub const NOTICES: [Notice; 6] = [
    Notice {
        id: "D-07",
        also: &[],
        what: "automation begins",
        to: Audience::Contacts,
        concerns: |event| has_reason(event, &["BOOTSTRAP_ACCEPTED", "BOOTSTRAP_AFTER_DELAY"]),
        only_if_it_persists: false,
    },
    Notice {
        id: "D-07",
        also: &[],
        what: "DNSSEC is switched off at the child's request",
        to: Audience::Contacts,
        concerns: |event| has_reason(event, &["DELETE_ACCEPTED"]),
        only_if_it_persists: false,
    },
    Notice {
        id: "D-07",
        also: &[],
        what: "the DS RRset was changed by another channel",
        to: Audience::Contacts,
        concerns: |event| matches!(event, Event::ChangedElsewhere),
        only_if_it_persists: false,
    },
    Notice {
        id: "D-08",
        also: &["D-09"],
        what: "a request cannot be followed",
        to: Audience::Operator,
        concerns: is_error,
        only_if_it_persists: false,
    },
    Notice {
        id: "D-08",
        also: &[],
        what: "a request could not be followed for days",
        to: Audience::Contacts,
        concerns: is_error,
        only_if_it_persists: true,
    },
    Notice {
        id: "D-10",
        also: &[],
        what: "the DS RRset changes",
        to: Audience::Registrar,
        concerns: changes_ds,
        only_if_it_persists: false,
    },
];

/// What is told now. Errors are remembered in `state`, and told ever more rarely (D-09).
pub fn notices(event: &Event<'_>, state: &mut ChildState, now: Timestamp) -> Vec<&'static Notice> {
    let is_told = match event {
        Event::Judged(verdict) if is_error(event) => state.tell(verdict.reason, now),
        Event::Judged(_) => {
            state.told.clear();
            true
        }
        Event::ChangedElsewhere => true,
    };
    let persists = match event {
        Event::Judged(verdict) => state.persists(verdict.reason, now),
        Event::ChangedElsewhere => false,
    };
    NOTICES
        .iter()
        .filter(|notice| (notice.concerns)(event))
        .filter(|notice| is_told && (persists || !notice.only_if_it_persists))
        .collect()
}

fn has_reason(event: &Event<'_>, reasons: &[&str]) -> bool {
    matches!(event, Event::Judged(verdict) if reasons.contains(&verdict.reason))
}

/// D-08: what somebody has to mend.
fn is_error(event: &Event<'_>) -> bool {
    let Event::Judged(verdict) = event else {
        return false;
    };
    matches!(verdict.outcome, Outcome::Ignore | Outcome::Abort)
}

/// D-10: by its data; a TTL concerns nobody.
fn changes_ds(event: &Event<'_>) -> bool {
    let Event::Judged(verdict) = event else {
        return matches!(event, Event::ChangedElsewhere);
    };
    let changed = verdict.change.iter().flat_map(|change| change.changed());
    let mut changed = changed.filter(|set| set.rtype == RecordType::DS);
    changed.any(|set| {
        let seen = set.seen.as_ref().map(|seen| &seen.data);
        seen.is_none_or(|seen| *seen != set.wanted.data)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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

    fn told(
        event: &Event<'_>,
        state: &mut ChildState,
        now: Timestamp,
    ) -> Vec<(&'static str, Audience)> {
        let rows = notices(event, state, now).into_iter();
        rows.map(|row| (row.id, row.to)).collect()
    }

    #[test]
    fn d_07_contacts_hear_of_beginnings_and_ends_and_never_of_routine() {
        use Audience::Contacts;
        for (reason, expected) in [
            ("BOOTSTRAP_ACCEPTED", vec![("D-07", Contacts)]),
            ("BOOTSTRAP_AFTER_DELAY", vec![("D-07", Contacts)]),
            ("DELETE_ACCEPTED", vec![("D-07", Contacts)]),
            ("CDS_ACCEPTED", vec![]),
        ] {
            let verdict = verdict(Outcome::Accept, reason);
            let rows = told(&Event::Judged(&verdict), &mut ChildState::default(), NOW);
            assert_eq!(rows, expected, "{reason}");
        }
        let rows = told(&Event::ChangedElsewhere, &mut ChildState::default(), NOW);
        assert_eq!(rows, [("D-07", Contacts), ("D-10", Audience::Registrar)]);
    }

    #[test]
    fn d_08_d_09_operators_hear_of_errors_first_and_others_only_of_lasting_ones() {
        let broken = verdict(Outcome::Abort, "CDS_INCONSISTENT");
        let fine = verdict(Outcome::Noop, "STATUS_QUO");
        let mut state = ChildState::default();
        let mut day = |verdict: &Verdict, days: u64| {
            let now = NOW + Duration::from_secs(86_400 * days);
            told(&Event::Judged(verdict), &mut state, now)
        };
        let operator = ("D-08", Audience::Operator);
        assert_eq!(day(&broken, 0), [operator]);
        assert_eq!(day(&broken, 1), [operator]);
        assert_eq!(day(&broken, 2), [], "twice in a row");
        assert_eq!(day(&broken, 4), [operator, ("D-08", Audience::Contacts)]);
        assert_eq!(day(&fine, 5), []);
        assert_eq!(day(&broken, 6), [operator], "it is new again");
    }

    #[test]
    fn d_10_the_registrar_hears_of_every_change_of_the_ds_rrset() {
        use crate::verdict::{Change, Replacement};
        use counterpoint_dns::{name::parse_name, rdata::Rdata, rrset::RrSet};
        let child = parse_name("example.test.").unwrap();
        let set = |ttl, octet: u8| {
            let data = [Rdata::from_octets([octet])];
            RrSet::new(child.clone(), RecordType::DS, ttl, data)
        };
        for (wanted, expected) in [(set(60, 2), 1), (set(30, 1), 0)] {
            let mut verdict = verdict(Outcome::Accept, "CDS_ACCEPTED");
            verdict.change = Some(Change {
                child: child.clone(),
                sets: vec![Replacement::of(Some(&set(60, 1)), wanted)],
            });
            let rows = told(&Event::Judged(&verdict), &mut ChildState::default(), NOW);
            assert_eq!(rows.len(), expected);
        }
    }
}
