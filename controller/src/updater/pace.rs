//! When which signer may be written to: its limits, and what it asked for itself.
//!
//! Owns the turns. Who has one keeps it until it is used, so that zones that wait do not overtake one
//! another; there is at most one for each signer and zone: no more than that ever waits. Forgotten by
//! a restart: a signer that had too much says so.

use std::{collections::BTreeMap, time::Duration};

use counterpoint_dns::{name::Name, pace::Pace, time::Timestamp};

use crate::config::{Limits, SignerName};

/// Requests that one write takes, as far as is known beforehand: it reads, and it changes.
const REQUESTS: usize = 2;
/// Turns farther ahead than this are not given: who asks then asks again.
const AHEAD_MAX: Duration = Duration::from_secs(3_600);
/// Turns that nobody came for are given up after this.
const UNUSED_MAX: Duration = Duration::from_secs(600);

/// When signers were written to.
#[derive(Debug, Default)]
pub(crate) struct Paces {
    requests: BTreeMap<SignerName, Pace>,
    changes: BTreeMap<(SignerName, Name), Pace>,
    turns: BTreeMap<(SignerName, Name), Timestamp>,
    held: BTreeMap<(SignerName, Name), Timestamp>,
}

impl Paces {
    /// When this zone may be written at this signer; it has that turn from now on.
    pub(crate) fn turn(
        &mut self,
        signer: &SignerName,
        zone: &Name,
        limits: &Limits,
        now: Timestamp,
    ) -> Timestamp {
        let key = (signer.clone(), zone.clone());
        self.held.retain(|_, until| *until > now);
        if let Some(until) = self.held.get(&key) {
            return *until;
        }
        if limits == &Limits::default() {
            return now;
        }
        if let Some(turn) = self
            .turns
            .get(&key)
            .filter(|turn| now <= **turn + UNUSED_MAX)
        {
            return *turn;
        }
        let requests = self.requests.entry(signer.clone()).or_default();
        let changes = self.changes.entry(key.clone()).or_default();
        let turn = requests
            .next(&limits.requests, now)
            .max(changes.next(&limits.changes, now));
        if turn > now + AHEAD_MAX {
            return now + AHEAD_MAX;
        }
        for _ in 0..REQUESTS {
            requests.take(&limits.requests, turn);
        }
        changes.take(&limits.changes, turn);
        self.turns.insert(key, turn);
        turn
    }

    /// The turn is used.
    pub(crate) fn take(
        &mut self,
        signer: &SignerName,
        zone: &Name,
        limits: &Limits,
        now: Timestamp,
    ) {
        // Who writes without having asked counts as well.
        self.turn(signer, zone, limits, now);
        self.turns.remove(&(signer.clone(), zone.clone()));
    }

    /// The signer wants to be left in peace about this zone.
    pub(crate) fn hold(&mut self, signer: &SignerName, zone: &Name, until: Timestamp) {
        self.held.insert((signer.clone(), zone.clone()), until);
    }
}

#[cfg(test)]
mod tests {
    use counterpoint_dns::{name::parse_name, pace::Rate};

    use super::*;

    #[test]
    fn zones_take_turns_and_keep_them() {
        let (signer, start) = (SignerName::from("beta"), Timestamp::from_seconds(1_000));
        let zones = ["a.test.", "b.test.", "c.test."].map(|name| parse_name(name).unwrap());
        let limits = Limits {
            requests: vec![Rate::new(2, 60)],
            changes: vec![],
        };
        let minute = |minutes: u64| start + Duration::from_secs(60 * minutes);
        let mut paces = Paces::default();
        let mut turn = |zone: &Name, now| paces.turn(&signer, zone, &limits, now);
        assert_eq!(turn(&zones[0], start), start);
        assert_eq!(turn(&zones[1], start), minute(1));
        assert_eq!(turn(&zones[2], start), minute(2));
        assert_eq!(turn(&zones[1], minute(1)), minute(1));
        paces.take(&signer, &zones[1], &limits, minute(1));
        assert_eq!(
            paces.turn(&signer, &zones[1], &limits, minute(1)),
            minute(3)
        );
    }

    #[test]
    fn what_a_signer_asks_for_counts_without_any_limit() {
        let (signer, zone) = (SignerName::from("beta"), parse_name("a.test.").unwrap());
        let start = Timestamp::from_seconds(1_000);
        let mut paces = Paces::default();
        let none = Limits::default();
        paces.hold(&signer, &zone, start + Duration::from_secs(50));
        let turn = paces.turn(&signer, &zone, &none, start);
        assert_eq!(turn, start + Duration::from_secs(50));
        assert_eq!(paces.turn(&signer, &zone, &none, turn), turn);
    }
}
