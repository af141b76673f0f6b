//! Who works on a drawn world: the parent's scanner, the controller, and resolvers that bear witness.

use std::time::Duration;

use super::{Drawing, whole_minutes};
use crate::{
    explore::feature::Feature,
    scenario::{
        CdsAfter, Continuity, Range, Resolver, ResolverProfile, Safety,
        time::{days, minutes, seconds},
    },
};

impl Drawing {
    pub(super) fn agents(&mut self) {
        let longest = self.longest_ttl();
        let slow = if self.has(Feature::SlowParent) { 1 } else { 2 };
        let part = self.pick(&[1, 2, 3]) * slow;
        // A parent that scans much more often than anything changes costs time and shows nothing.
        let lag = self
            .scenario
            .signers
            .iter()
            .map(|signer| signer.propagation.high)
            .max();
        let pace = (longest / part).max(lag.unwrap_or_default() / 2);
        let interval = whole_minutes(pace).clamp(minutes(2), days(1));
        let delay = self.pick(&[seconds(0), seconds(30), interval / 4, interval]);
        // Later than whoever changes his mind has waited for caches.
        let is_late = self.has(Feature::SlowParent) && self.one_in(2);
        let delay = if is_late { interval * 4 } else { delay };
        let scanner = &mut self.scenario.scanner;
        scanner.interval = interval;
        scanner.publish_delay = Range::new(seconds(0), seconds(delay.as_secs()));
        if self.features.contains(&Feature::OnePath) {
            scanner.continuity = Continuity::OnePath;
        }
        // As patient with silent servers as it is between scans: a run ends no sooner than its patience.
        let patience = [interval / 2, interval, interval * 2, interval * 4];
        if patience < [minutes(5), minutes(10), minutes(20), minutes(40)] {
            scanner.retry = patience.map(|wait| seconds(wait.as_secs())).into();
        }
        scanner.notify = !self.features.contains(&Feature::NoNotify);
        let often = self.one_in(6);
        let safety = self.pick(&[
            Safety::Span(seconds(1)),
            Safety::Span(minutes(5)),
            Safety::Percent(0),
            Safety::Percent(50),
        ]);
        let (has_safety, withdraws) = (self.has(Feature::Safety), self.has(Feature::Withdraw));
        let is_by_hand = self.is_by_hand();
        let controller = &mut self.scenario.controller;
        controller.enabled = !is_by_hand;
        if controller.enabled && !often {
            // As patient as the parent: what is looked at in vain costs time and shows nothing.
            controller.poll = whole_minutes(interval / 4).max(controller.poll);
        }
        if has_safety && controller.enabled {
            controller.safety = safety;
        }
        if withdraws && controller.enabled {
            controller.cds_after = CdsAfter::Withdraw;
        }
        if self.has(Feature::Renewal) && self.has_common_ksk() {
            // Longer than any drawn outage, and than any TTL.
            let table = &mut self.scenario.controller;
            (table.signature_validity, table.resign_before) = (days(8), days(4));
        }
        self.resolvers(longest);
    }

    /// One concrete resolver that asks now and then, or several.
    fn resolvers(&mut self, longest: Duration) {
        let mut all = Resolver::usual();
        if !self.has(Feature::Resolvers) {
            all = vec![self.pick(&all)];
        } else if self.one_in(2) {
            all.push(Resolver {
                name: ResolverProfile::StrictDs.name().into(),
                ..Resolver::default()
            });
        }
        let interval = self.scenario.scanner.interval;
        for resolver in &mut all {
            resolver.query_every = whole_minutes(longest / 2).max(minutes(10)).max(interval);
        }
        self.scenario.resolvers = all;
        if self.has(Feature::Products) {
            self.products();
        }
    }
}
