//! What breaks in a drawn scenario. All of it ends, but for the signer that is given up: the second
//! phase of a run begins when the last fault has ended.

use rand::RngExt as _;

use super::Drawing;
use crate::{
    explore::feature::Feature,
    scenario::{
        Fault, FaultKind, Range, Rate, Target,
        time::{hours, minutes, seconds},
    },
};

impl Drawing {
    pub(super) fn faults(&mut self) {
        for feature in [
            Feature::Dead,
            Feature::Loss,
            Feature::Latency,
            Feature::Stale,
        ] {
            // A signer that is away as a whole is dropped after the scanner's last attempt: whoever asks
            // for that by hand meanwhile gets it, and its return is their mistake.
            let is_theirs = self.is_by_hand() && feature != Feature::Latency;
            if self.has(feature) && !is_theirs {
                for _ in 0..self.chance.random_range(1..=2_u32) {
                    self.fault(feature);
                }
            }
        }
    }

    fn fault(&mut self, feature: Feature) {
        let kind = match feature {
            Feature::Dead => FaultKind::Dead,
            Feature::Stale => FaultKind::Stale,
            Feature::Loss => FaultKind::Loss(Rate {
                per_million: self.pick(&[50_000, 200_000, 500_000, 1_000_000]),
            }),
            _ => {
                let most = self.pick(&[seconds(1), seconds(3), seconds(15)]);
                FaultKind::Latency(Range::new(seconds(0), most))
            }
        };
        let target = self.target(kind);
        let first = self
            .scenario
            .events
            .iter()
            .map(|event| event.at)
            .min()
            .unwrap_or_default();
        let span = self.process_span();
        let from = first + self.up_to(span);
        let longest = self.longest_ttl();
        let lasting = self.pick(&[
            seconds(30),
            minutes(5),
            hours(1),
            longest,
            longest + seconds(1),
        ]);
        self.scenario.faults.push(Fault {
            number: 0,
            from,
            until: Some(from + lasting.max(seconds(1))),
            kind,
            target,
        });
    }

    fn target(&mut self, kind: FaultKind) -> Target {
        let mut all = vec![Target::ParentInstance(1), Target::Parent];
        let mut servers = Vec::new();
        let signers = self.scenario.signers.iter();
        for signer in signers.filter(|signer| !self.is_dead(&signer.name)) {
            servers.push(Target::Signer(signer.name.clone()));
            servers.push(Target::Instance(signer.name.clone(), 1));
            servers.push(Target::Instance(
                signer.name.clone(),
                signer.servers.count() as u32,
            ));
        }
        all.extend(servers);
        if kind != FaultKind::Stale {
            all.push(Target::Scanner);
            all.extend(
                self.scenario
                    .controller
                    .enabled
                    .then_some(Target::Controller),
            );
        }
        let one = self.pick(&all);
        let pairs = matches!(kind, FaultKind::Loss(_) | FaultKind::Latency(_));
        match pairs && self.one_in(3) {
            true => {
                let agent = match self.scenario.controller.enabled && self.one_in(2) {
                    true => Target::Controller,
                    false => Target::Scanner,
                };
                match one == agent {
                    true => Target::Between(Box::new(agent), Box::new(Target::Parent)),
                    false => Target::Between(Box::new(agent), Box::new(one)),
                }
            }
            false => one,
        }
    }
}
