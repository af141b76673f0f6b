//! What breaks in a drawn scenario. All of it ends, but for the signer that is given up: the second
//! phase of a run begins when the last fault has ended.

use rand::RngExt as _;

use super::Drawing;
use crate::{
    explore::feature::Feature,
    scenario::{
        Fault, FaultKind, Range, Rate, Rcode, Target,
        time::{Skew, hours, minutes, seconds},
    },
};

impl Drawing {
    pub(super) fn faults(&mut self) {
        for feature in [
            Feature::Dead,
            Feature::Loss,
            Feature::Latency,
            Feature::Stale,
            Feature::Partition,
            Feature::Rcode,
            Feature::Datagrams,
            Feature::ClockSkew,
            Feature::Forge,
        ] {
            // A signer that is away as a whole is dropped after the scanner's last attempt: whoever asks
            // for that by hand meanwhile gets it, and its return is their mistake.
            let is_harmless = matches!(
                feature,
                Feature::Latency | Feature::Datagrams | Feature::ClockSkew
            );
            let is_theirs = self.is_by_hand() && !is_harmless;
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
            Feature::Partition => FaultKind::Partition,
            Feature::Rcode => FaultKind::Rcode(self.pick(Rcode::ALL)),
            Feature::Datagrams => self.pick(&[
                FaultKind::Truncate,
                FaultKind::Reorder,
                FaultKind::Duplicate,
            ]),
            Feature::ClockSkew => FaultKind::ClockSkew(self.skew()),
            Feature::Forge => FaultKind::Forge,
            Feature::Loss => FaultKind::Loss(Rate {
                per_million: self.pick(&[50_000, 200_000, 500_000, 1_000_000]),
            }),
            _ => {
                let most = self.pick(&[seconds(1), seconds(3), seconds(15)]);
                FaultKind::Latency(Range::new(seconds(0), most))
            }
        };
        let Some(target) = self.target(kind) else {
            return;
        };
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
        // A clock that is set forward ends waits too early, whoever waits.
        let is_of_controller = target == Target::Controller;
        let (from, until) = match matches!(kind, FaultKind::ClockSkew(_)) && is_of_controller {
            true => (seconds(0), None),
            false => (from, Some(from + lasting.max(seconds(1)))),
        };
        self.scenario.faults.push(Fault {
            number: 0,
            from,
            until,
            kind,
            target,
        });
    }

    /// So little that updates are taken (RFC 8945 §5.2.3), with two clocks off twice.
    fn skew(&mut self) -> Skew {
        Skew {
            by: self.pick(&[seconds(1), seconds(30), minutes(1)]),
            is_behind: self.one_in(2),
        }
    }

    /// Where a fault of this kind is; none: nowhere in this scenario.
    fn target(&mut self, kind: FaultKind) -> Option<Target> {
        match kind {
            FaultKind::ClockSkew(_) => Some(self.clock()),
            FaultKind::Forge => self.lied_to(),
            kind => Some(self.anywhere(kind)),
        }
    }

    /// Somebody with a clock.
    fn clock(&mut self) -> Target {
        let mut all = vec![Target::Parent, Target::Scanner];
        let signers = self.scenario.signers.iter();
        all.extend(signers.map(|signer| Target::Signer(signer.name.clone())));
        all.extend(
            self.scenario
                .controller
                .enabled
                .then_some(Target::Controller),
        );
        self.pick(&all)
    }

    /// Where answers are forged: not where the controller sees a signer for the first time, for there it
    /// must believe what it sees.
    fn lied_to(&mut self) -> Option<Target> {
        let first = self.scenario.zones[0].signers.clone();
        let is_known = |name: &String| {
            let mut zones = self.scenario.zones.iter();
            zones.all(|zone| zone.signers.contains(name)) && !self.has(Feature::Return)
        };
        let known = first
            .iter()
            .filter(|name| is_known(name) && !self.is_dead(name));
        let known: Vec<Target> = known.map(|name| Target::Signer(name.clone())).collect();
        let mut all = vec![Target::Scanner, Target::Parent, Target::ParentInstance(1)];
        for signer in known {
            let controller = Box::new(Target::Controller);
            all.push(Target::Between(controller, Box::new(signer.clone())));
            all.push(signer);
        }
        let resolvers = self.scenario.resolvers.iter();
        all.extend(resolvers.map(|one| Target::Resolver(one.name.clone())));
        Some(self.pick(&all)).filter(|_| self.scenario.controller.enabled)
    }

    fn anywhere(&mut self, kind: FaultKind) -> Target {
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
        let pairs = !matches!(kind, FaultKind::Dead | FaultKind::Stale);
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
