//! Who keeps a drawn zone, how its signers deny, and what is signed with beside the usual algorithms.

use std::time::Duration;

use counterpoint_dns::name::Name;

use super::Drawing;
use crate::{
    explore::feature::Feature,
    scenario::{
        Algorithm, Denial, Hsm, Model, Nsec3, SoaTimers,
        time::{days, minutes, seconds},
    },
};

/// What a zone that one party signs for all does not have, or what needs keys of each signer's own.
const NOT_WHEN_KEPT: [Feature; 8] = [
    Feature::Rolls,
    Feature::RollAlgorithm,
    Feature::GoInsecure,
    Feature::Csk,
    Feature::MixedAlgorithms,
    Feature::DeadLeaver,
    Feature::Group,
    Feature::CommonKsk,
];

impl Drawing {
    /// Features that exclude each other.
    pub(super) fn settle_features(&mut self) {
        if self.is_by_hand() {
            self.features.remove(&Feature::Kept);
        }
        if self.has(Feature::Kept) {
            for feature in NOT_WHEN_KEPT {
                self.features.remove(&feature);
            }
        }
    }

    /// Models, methods of denial and algorithms that few runs have.
    pub(super) fn models(&mut self) {
        if self.has(Feature::Kept) {
            self.kept();
        }
        if self.has(Feature::Denial) {
            self.denial();
        }
        if self.has(Feature::SlowAlgorithms) {
            let slow = [Algorithm::Rsasha256, Algorithm::Ecdsap384sha384];
            if self.one_in(2) {
                self.scenario.parent.algorithm = self.pick(&slow);
            } else if !self.has(Feature::MixedAlgorithms) {
                let algorithm = self.pick(&slow);
                let signers = self.scenario.signers.iter_mut();
                signers.for_each(|signer| signer.algorithm = algorithm);
            }
        }
        if self.has(Feature::RootParent) {
            self.scenario.parent.zone = Name::root();
        }
    }

    /// All serve one set of keys, or sign what they are pushed.
    fn kept(&mut self) {
        let model = self.pick(&[Model::ServeOnly, Model::Hybrid, Model::Inline, Model::Three]);
        let refresh = (self.longest_ttl() / 20).clamp(minutes(1), minutes(15));
        let soa = SoaTimers {
            // A NOTIFY that is lost costs no more than this.
            refresh,
            retry: refresh / 2,
            expire: days(14),
        };
        for zone in &mut self.scenario.zones {
            zone.model = model;
            zone.soa = soa.clone();
            zone.primary = match model {
                Model::Hybrid => zone.signers.first().cloned(),
                _ => None,
            };
        }
        let first = self.scenario.signers[0].clone();
        let latency = self.pick(&[seconds(0), Duration::from_millis(20), seconds(1)]);
        for signer in &mut self.scenario.signers {
            if model == Model::Three {
                signer.hsm = Hsm { latency };
            }
            if model != Model::Inline {
                // What one signs, all serve: with the same TTLs.
                signer.dnskey_ttl = first.dnskey_ttl;
                signer.ns_ttl = first.ns_ttl;
                signer.default_ttl = first.default_ttl;
                signer.negative_ttl = first.negative_ttl;
                signer.max_ttl = first.max_ttl;
            }
        }
    }

    /// Every signer, and the parent, in its own way.
    fn denial(&mut self) {
        let transferred = matches!(
            self.scenario.zones[0].model,
            Model::ServeOnly | Model::Hybrid
        );
        let all = [
            Denial::Nsec,
            Denial::Nsec3,
            Denial::Nsec3OptOut,
            Denial::Compact,
        ];
        let methods = if transferred { &all[..3] } else { &all[..] };
        for index in 0..self.scenario.signers.len() {
            let denial = self.pick(methods);
            let iterations = self.pick(&[0, 0, 1, 10]);
            let salt = self.pick(&["", "", "c0ffee"]);
            let signer = &mut self.scenario.signers[index];
            signer.denial = denial;
            if matches!(denial, Denial::Nsec3 | Denial::Nsec3OptOut) {
                signer.nsec3 = Nsec3 {
                    iterations,
                    salt: salt.into(),
                };
            }
        }
        self.scenario.parent.denial = self.pick(&all[..3]);
    }
}
