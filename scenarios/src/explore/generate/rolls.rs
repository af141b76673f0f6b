//! Requests about keys, and what runs a request back.

use std::{collections::BTreeSet, time::Duration};

use counterpoint_dns::name::Name;
use counterpoint_simnet::topology::OWNER;
use rand::RngExt as _;

use super::Drawing;
use crate::{
    explore::feature::Feature,
    scenario::{
        Algorithm, KeyLayout, KskRoll, What,
        time::{days, hours, minutes, seconds},
    },
};

impl Drawing {
    /// Another request than one about members, if one is drawn.
    pub(super) fn about_keys(&mut self, members: &BTreeSet<String>) -> Option<What> {
        if self.has(Feature::RollAlgorithm) && self.one_in(2) && !self.has_common_ksk() {
            let to = match self.has(Feature::P256) {
                true => Algorithm::Ed25519,
                false => Algorithm::Ecdsap256sha256,
            };
            return Some(What::RollAlgorithm { to });
        }
        if !self.has(Feature::Rolls) || !self.one_in(2) {
            return None;
        }
        if self.one_in(3) {
            self.scenario.controller.ksk_roll = KskRoll::Double;
        }
        let all: Vec<String> = members.iter().cloned().collect();
        let signer = self.pick(&all);
        let layout = self.scenario.signer(&signer).map(|signer| signer.keys);
        Some(match (layout, self.one_in(2)) {
            (Some(KeyLayout::Csk), _) => What::RollCsk { signer },
            (_, true) => What::RollZsk { signer },
            _ if self.has_common_ksk() => What::RollKsk {
                signer: OWNER.into(),
            },
            _ => What::RollKsk { signer },
        })
    }

    /// The zone goes insecure, after all else was asked for.
    pub(super) fn go_insecure(&mut self, zone: &Name, at: Duration) {
        if self.has(Feature::GoInsecure) {
            self.push(at, zone, What::GoInsecure {});
        }
    }

    /// The request that was made at `at` is run back, while it is worked on or afterwards.
    pub(super) fn cancel(&mut self, zone: &Name, at: Duration) {
        // A dead leaver cannot be brought back: that waits until it is.
        if self.has(Feature::Cancel) && !self.has(Feature::DeadLeaver) && self.one_in(2) {
            let span = self.process_span();
            let later = minutes(1) + self.up_to(span);
            self.push(at + later, zone, What::Cancel {});
        }
    }

    /// A registrar takes a newcomer's DS back while the controller waits for caches to learn it; the
    /// parent finds the CDS again a day later. Returns when.
    pub(super) fn registrar(
        &mut self,
        zone: &Name,
        members: &mut BTreeSet<String>,
        at: Duration,
    ) -> Duration {
        let outside = self
            .scenario
            .signers
            .iter()
            .map(|signer| signer.name.clone());
        let Some(newcomer) = outside.into_iter().find(|name| !members.contains(name)) else {
            return at;
        };
        let scanner = &mut self.scenario.scanner;
        scanner.notify = false;
        scanner.interval = days(1);
        scanner.publish_delay = Default::default();
        self.scenario.controller.parent_settle = Some(hours(1));
        let lag = self
            .scenario
            .signers
            .iter()
            .map(|s| s.propagation.high)
            .max();
        // The daily scan comes at the full day, and finds nothing yet.
        let begins = days(1) + minutes(self.chance.random_range(30..=120));
        let wait = self.longest_ttl();
        let asked = begins + lag.unwrap_or_default() * 3 + self.scenario.controller.poll * 20;
        let signer = newcomer.clone();
        self.push(begins, zone, What::Join { signer });
        self.push(asked, zone, What::ScanNow {});
        let taken_back = asked + self.scenario.parent.propagation.high + wait / 2 + seconds(1);
        let set = What::SetDs {
            of: members.iter().cloned().collect(),
            digests: vec![crate::scenario::Digest::Sha256],
        };
        self.push(taken_back, zone, set);
        members.insert(newcomer);
        taken_back
    }
}
