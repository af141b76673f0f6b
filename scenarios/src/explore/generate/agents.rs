//! Who works on a drawn world: the parent's scanner, the controller, and resolvers that bear witness.

use std::time::Duration;

use super::{Drawing, LONGEST_CRASH, whole_minutes};
use crate::{
    explore::{bound, feature::Feature},
    scenario::{
        CdsAfter, Continuity, Range, Resolver, ResolverProfile, Safety,
        time::{days, minutes, seconds},
    },
};

/// Times that the parent scans while a story is told, about.
const MOST_SCANS: u32 = 100;
/// Times that the controller looks while it waits, about.
const MOST_POLLS: u32 = 200;

impl Drawing {
    pub(super) fn agents(&mut self) {
        let longest = self.longest_ttl();
        let part = self.pick(&[1, 2, 3]);
        let slow = if self.has(Feature::SlowParent) { 2 } else { 1 };
        // A parent that scans much more often than anything changes costs time and shows nothing.
        let lag = self
            .scenario
            .signers
            .iter()
            .map(|signer| signer.propagation.high)
            .max();
        let pace = (longest * slow / part).max(lag.unwrap_or_default() / 2);
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
            let lasting = longest.max(LONGEST_CRASH);
            let table = &mut self.scenario.controller;
            (table.signature_validity, table.resign_before) = (lasting * 8, lasting * 4);
        }
        self.resolvers(longest);
    }

    /// In a story that goes on for long nobody looks more often than it needs: to look in vain costs time
    /// and shows nothing.
    pub(super) fn unhurried(&mut self) {
        let told = bound::calm_from(&self.scenario) + self.process_span();
        let scanner = &mut self.scenario.scanner;
        scanner.interval = scanner.interval.max(whole_minutes(told / MOST_SCANS));
        let interval = scanner.interval;
        let controller = &mut self.scenario.controller;
        controller.poll = controller.poll.max(whole_minutes(told / MOST_POLLS));
        for resolver in &mut self.scenario.resolvers {
            resolver.query_every = resolver.query_every.max(interval);
        }
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
