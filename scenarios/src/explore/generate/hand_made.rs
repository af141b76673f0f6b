//! A change of operator by hand, in the order of RFC 8901 and with every wait: somebody comes, perhaps the
//! other leaves, and who stays rolls its ZSK. Or the one that there is moves its servers. No cache may fail,
//! and no scanner may undo any of it.

use std::time::Duration;

use counterpoint_dns::name::Name;
use rand::RngExt as _;

use super::Drawing;
use crate::{
    explore::feature::Feature,
    scenario::{
        CdsType, Digest, KeyKind, KeyLayout, Keys, NamesIn, What,
        time::{days, minutes},
    },
};

/// What the order of the steps does not allow for.
const NOT_BY_HAND: [Feature; 4] = [
    Feature::MixedAlgorithms,
    Feature::Zones,
    Feature::Group,
    Feature::InZone,
];

/// The first ZSK of every signer.
const FIRST_ZSK: &str = "zsk-1";
const NEXT_ZSK: &str = "next";

impl Drawing {
    pub(super) fn settle_hand_made(&mut self) {
        if self.has(Feature::HandMade) {
            self.features.remove(&Feature::Forged);
            for feature in NOT_BY_HAND {
                self.features.remove(&feature);
            }
        }
    }

    pub(super) fn hand_made(&mut self) {
        match self.one_in(8) {
            true => self.moved_by_hand(),
            false => self.changed_by_hand(),
        }
    }

    /// Somebody alone, whose servers have names inside the zone, moves them.
    fn moved_by_hand(&mut self) {
        let zone = self.scenario.zones[0].name.clone();
        self.scenario.signers.truncate(1);
        let alone = &mut self.scenario.signers[0];
        alone.names_in = Some(NamesIn::Zone);
        let signer = alone.name.clone();
        self.scenario.zones[0].signers = vec![signer.clone()];
        let at = minutes(self.chance.random_range(1..=60));
        let (shown, forgotten) = (self.shown(), self.forgotten());
        // Until the parent shows the glue, and nobody holds what was there before or what it led to.
        let what = What::MoveServers {
            signer: signer.clone(),
            lasting: shown * 2 + forgotten * 2,
        };
        self.push(at, &zone, what);
        let signers = vec![signer];
        self.push(at + shown, &zone, What::SetParentNs { signers });
    }

    fn changed_by_hand(&mut self) {
        let zone = self.scenario.zones[0].name.clone();
        let names = self.scenario.signers.iter();
        let names: Vec<String> = names.map(|signer| signer.name.clone()).collect();
        let (here, comes) = (&names[0], &names[1]);
        self.scenario.zones[0].signers = vec![here.clone()];
        let (shown, forgotten) = (self.shown(), self.forgotten());
        let both = vec![here.clone(), comes.clone()];
        let mut at = minutes(self.chance.random_range(1..=60));
        let signer = comes.clone();
        self.push(at, &zone, What::StartServing { signer });
        at += shown;
        for (from, to) in [(here, comes), (comes, here)] {
            let keys = self.exported(from);
            let what = What::ImportDnskey {
                from: from.clone(),
                at_signers: Some(vec![to.clone()]),
                keys,
            };
            self.push(at, &zone, what);
        }
        at += forgotten;
        at = self.ds_by_hand(&zone, &both, at) + forgotten;
        self.ns_by_hand(&zone, &both, at);
        at += forgotten;
        if self.one_in(2) {
            return;
        }
        let one = vec![comes.clone()];
        self.ns_by_hand(&zone, &one, at);
        // Until nobody is led there, and until nobody holds what was said there.
        at += forgotten * 2;
        at = self.ds_by_hand(&zone, &one, at) + forgotten;
        let keys = self.exported(here);
        let what = What::RemoveDnskey {
            from: here.clone(),
            at_signers: Some(one),
            keys,
        };
        self.push(at, &zone, what);
        at += shown;
        let signer = here.clone();
        self.push(at, &zone, What::StopServing { signer });
        self.alone_by_hand(&zone, comes, at + shown, forgotten);
    }

    /// Who is alone rolls its ZSK, and makes a pause.
    fn alone_by_hand(&mut self, zone: &Name, signer: &str, mut at: Duration, forgotten: Duration) {
        let signer = signer.to_owned();
        let layout = self.scenario.signer(&signer).map(|signer| signer.keys);
        if layout == Some(KeyLayout::KskZsk) {
            let new = What::NewKey {
                signer: signer.clone(),
                kind: KeyKind::Zsk,
                label: NEXT_ZSK.into(),
            };
            let with = What::SignWith {
                signer: signer.clone(),
                label: NEXT_ZSK.into(),
            };
            let drop = What::DropKey {
                signer: signer.clone(),
                label: FIRST_ZSK.into(),
            };
            for what in [new, with, drop] {
                self.push(at, zone, what);
                at += forgotten;
            }
        }
        // Far from the end of any signature.
        let pause = self.up_to(days(1));
        let stops = signer.clone();
        self.push(at, zone, What::StopSigning { signer: stops });
        self.push(at + pause, zone, What::StartSigning { signer });
    }

    /// CDS at all that serve the zone, then DS; when.
    fn ds_by_hand(&mut self, zone: &Name, of: &[String], at: Duration) -> Duration {
        let cds = What::PublishCds {
            at_signers: None,
            of: Some(of.to_vec()),
            types: vec![CdsType::Cds, CdsType::Cdnskey],
            digests: vec![Digest::Sha256],
            delete: false,
            malformed: false,
            signed_by: None,
        };
        self.push(at, zone, cds);
        // A scan that saw the old CDS, which are the old DS, asks for nothing.
        let at = at + self.shown();
        let of = of.to_vec();
        let ds = match self.one_in(2) {
            true => What::ManualDs { of },
            false => What::SetDs {
                of,
                digests: vec![Digest::Sha256],
            },
        };
        self.push(at, zone, ds);
        at
    }

    fn ns_by_hand(&mut self, zone: &Name, of: &[String], at: Duration) {
        let signers = of.to_vec();
        let at_signers = None;
        self.push(
            at,
            zone,
            What::SetNs {
                at_signers,
                signers,
            },
        );
        let signers = of.to_vec();
        self.push(at, zone, What::SetParentNs { signers });
    }

    /// What others must have of this signer's keys.
    fn exported(&self, signer: &str) -> Keys {
        match self.scenario.signer(signer).map(|signer| signer.keys) {
            Some(KeyLayout::Csk) => Keys::All,
            _ => Keys::Kind(KeyKind::Zsk),
        }
    }

    /// How long it takes until all instances show what was changed.
    fn shown(&self) -> Duration {
        let lags = self.scenario.signers.iter();
        let lags = lags.map(|signer| signer.propagation.high);
        let parent = self.scenario.parent.propagation.high;
        lags.max().unwrap_or_default().max(parent) + minutes(10)
    }

    /// How long until no cache holds what was before.
    fn forgotten(&self) -> Duration {
        self.shown() + self.longest_ttl()
    }
}
