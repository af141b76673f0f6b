//! Requests about keys, and what runs a request back.

use std::{collections::BTreeSet, time::Duration};

use counterpoint_dns::name::Name;
use counterpoint_simnet::topology::OWNER;

use super::Drawing;
use crate::{
    explore::feature::Feature,
    scenario::{Algorithm, KeyLayout, KskRoll, What, time::minutes},
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
}
