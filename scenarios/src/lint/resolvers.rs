//! Resolvers: bounds in order, and nothing said that has no effect.

use super::Lints;
use crate::scenario::{ResolverProfile, Validation};

pub(super) fn lint(lints: &Lints<'_>) {
    for (index, resolver) in lints.scenario.resolvers.iter().enumerate() {
        let path = |key: &str| format!("resolver.{}.{key}", index + 1);
        if let (Some(least), Some(most)) = (resolver.ttl_min, resolver.ttl_max)
            && least > most
        {
            lints.fail(
                &path("ttl-min"),
                "bad-bounds",
                "the least TTL is above the greatest",
                |d| d.expected("expected at most `ttl-max`"),
            );
        }
        if let Some(prefetch) = &resolver.prefetch
            && prefetch.percent > 100
        {
            lints.fail(
                &path("prefetch.percent"),
                "bad-percentage",
                "more than all of a TTL",
                |d| d.expected("expected at most 100"),
            );
        }
        let judges_later = match resolver.validation {
            Some(validation) => validation != Validation::AtFetch,
            None => resolver.profile() == ResolverProfile::BehindCache,
        };
        let at_fetch = [
            ("serve-stale", resolver.serve_stale.is_some()),
            ("aggressive-nsec", resolver.aggressive_nsec == Some(true)),
            ("bogus-tries", resolver.bogus_tries.is_some()),
        ];
        for (key, _) in at_fetch.iter().filter(|(_, said)| *said && judges_later) {
            lints.fail(
                &path(key),
                "no-effect",
                format!("`{key}` has no effect on what is not validated when it comes"),
                |d| d.expected("expected `validation = \"at-fetch\"` beside it"),
            );
        }
    }
}
