//! Resolvers that resemble products, some of them with a habit of their own, and a judge who is asked for one.

use super::Drawing;
use crate::scenario::{
    NsView, Prefetch, Profile, Resolver, ResolverProfile, Selection, Skew, Validation,
    time::{hours, minutes, seconds},
};

/// A validator that keeps everything for so long waits in vain for whoever reckons with the TTL alone.
const LONGEST_FLOOR: u32 = 5;

impl Drawing {
    /// One or two more resolvers, which ask as often as the others.
    pub(super) fn products(&mut self) {
        let every = self.scenario.resolvers.first();
        let query_every = every.map_or(minutes(10), |resolver| resolver.query_every);
        let product = self.pick(&ResolverProfile::PRODUCTS);
        let strict = self.one_in(4);
        let mut drawn = Resolver {
            name: product.name().into(),
            query_every,
            ..Resolver::default()
        };
        self.habit(&mut drawn);
        self.scenario.resolvers.push(drawn);
        if strict {
            self.scenario.resolvers.push(Resolver {
                name: ResolverProfile::StrictDnskey.name().into(),
                query_every,
                ..Resolver::default()
            });
        }
        // With shorter TTLs the floor of a product outlasts the allowance of the controller.
        let judged = self.pick(&ResolverProfile::PRODUCTS);
        if self.shortest_ttl() >= LONGEST_FLOOR && self.one_in(2) {
            self.scenario.judge.profiles.push(Profile::Named(judged));
        }
    }

    /// Something that its product does not do.
    fn habit(&mut self, drawn: &mut Resolver) {
        match self.pick(&[0, 1, 2, 3, 4, 5, 6, 7]) {
            0 => drawn.ns = Some(NsView::Sticky),
            1 => drawn.ns = Some(NsView::ParentCentric),
            2 => drawn.validation = Some(Validation::BehindCache),
            3 => drawn.serve_stale = Some(hours(1)),
            4 => {
                drawn.prefetch = Some(Prefetch {
                    percent: 10,
                    ..Prefetch::default()
                });
            }
            5 => (drawn.bogus_tries, drawn.selection) = (Some(1), Some(Selection::Random)),
            6 => {
                drawn.skew = Some(Skew {
                    early: minutes(5),
                    late: minutes(5),
                });
            }
            _ => (drawn.ttl_max, drawn.ttl_min) = (Some(minutes(10)), Some(seconds(30))),
        }
    }

    /// The shortest TTL that anything has, seconds.
    fn shortest_ttl(&self) -> u32 {
        let parent = &self.scenario.parent;
        let signers = self.scenario.signers.iter();
        let own = signers.flat_map(|s| [s.ns_ttl, s.dnskey_ttl, s.default_ttl, s.negative_ttl]);
        let records = self.scenario.zones.iter().flat_map(|zone| &zone.records);
        let records = records.filter_map(|record| record.ttl);
        let all = own.chain(records);
        let all = all.chain([parent.ds_ttl, parent.ns_ttl, parent.negative_ttl]);
        all.map(|ttl| ttl.seconds()).min().unwrap_or_default()
    }
}
