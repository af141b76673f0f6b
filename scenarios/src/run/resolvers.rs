//! Profiles of resolvers: what a concrete resolver is told, and what the oracle is asked for it. The second
//! follows from the first, so that the two mean the same.

use std::time::Duration;

use counterpoint_dns::{oracle, resolver, validate};
use counterpoint_simnet::topology::Stage;

use super::plan;
use crate::scenario::{
    Digests, GiveUp, NsView, Profile, Resolver, ResolverProfile, Selection, Strictness, Validation,
};

/// What a resolver of the scenario is told: its profile, and what is said beside it.
pub fn config(stage: &Stage, resolver: &Resolver) -> resolver::Config {
    let mut config = named(plan::agent_resolver(stage), resolver.profile());
    let said = &resolver.give_up;
    if *said != GiveUp::default() || !ResolverProfile::PRODUCTS.contains(&resolver.profile()) {
        config.servers_tries = said.tries as usize;
        config.patience = Some(said.total);
    }
    overridden(config, resolver)
}

/// A resolver of this profile.
pub fn named(config: resolver::Config, profile: ResolverProfile) -> resolver::Config {
    let strict = |strictness| {
        let mut config = config.clone();
        set_strictness(&mut config.policy, strictness);
        config
    };
    match profile {
        ResolverProfile::ParentCentric | ResolverProfile::Liberal => config,
        ResolverProfile::ChildCentric => config.view(resolver::View::ChildCentric),
        ResolverProfile::BehindCache => config
            .view(resolver::View::ChildCentric)
            .validation(resolver::Validation::BehindCache),
        ResolverProfile::StrictDs => strict(Strictness::StrictDs),
        ResolverProfile::StrictDnskey => strict(Strictness::StrictDnskey),
        ResolverProfile::Unbound => config.like_unbound(),
        ResolverProfile::Bind => config.like_bind(),
        ResolverProfile::KnotResolver => config.like_knot_resolver(),
        ResolverProfile::PowerdnsRecursor => config.like_powerdns_recursor(),
    }
}

fn set_strictness(policy: &mut validate::Policy, strictness: Strictness) {
    policy.every_ds_algorithm = strictness == Strictness::StrictDs;
    policy.every_dnskey_algorithm = strictness == Strictness::StrictDnskey;
}

fn overridden(mut config: resolver::Config, said: &Resolver) -> resolver::Config {
    if let Some(ns) = said.ns {
        config.view = match ns {
            NsView::ParentCentric => resolver::View::ParentCentric,
            NsView::ChildCentric => resolver::View::ChildCentric,
            NsView::Sticky => resolver::View::Sticky,
        };
    }
    if let Some(validation) = said.validation {
        config.validation = match validation {
            Validation::AtFetch => resolver::Validation::AtFetch,
            Validation::BehindCache => resolver::Validation::BehindCache,
            Validation::Off => resolver::Validation::Off,
        };
    }
    if let Some(strictness) = said.strictness {
        set_strictness(&mut config.policy, strictness);
    }
    if let Some(digests) = said.digests {
        config.policy.digest_choice = match digests {
            Digests::Any => validate::DigestChoice::Any,
            Digests::NoSha1BesideSha2 => validate::DigestChoice::NoSha1BesideSha2,
            Digests::StrongestOnly => validate::DigestChoice::StrongestOnly,
        };
    }
    if let Some(selection) = said.selection {
        config.selection = match selection {
            Selection::Random => resolver::Selection::Random,
            Selection::Fastest => resolver::Selection::Fastest,
        };
    }
    if let Some(prefetch) = &said.prefetch {
        config.prefetch = resolver::Prefetch {
            percent: prefetch.percent.min(100) as u8,
            left: whole(prefetch.left),
            eligible: whole(prefetch.eligible),
        };
    }
    if let Some(skew) = &said.skew {
        config.policy.tolerance.early = validate::Leeway::fixed(whole(skew.early));
        config.policy.tolerance.late = validate::Leeway::fixed(whole(skew.late));
    }
    config.ttl_max = said.ttl_max.map(whole).or(config.ttl_max);
    config.ttl_min = said.ttl_min.map_or(config.ttl_min, whole);
    config.negative_ttl_max = said.negative_ttl_max.map(whole).or(config.negative_ttl_max);
    config.stale = said.serve_stale.map_or(config.stale, whole);
    config.aggressive = said.aggressive_nsec.unwrap_or(config.aggressive);
    config.bogus_tries = said
        .bogus_tries
        .map_or(config.bogus_tries, |tries| tries as usize);
    config.failure_ttl = said.failure_ttl.map_or(config.failure_ttl, whole);
    config.bogus_ttl = said.bogus_ttl.map_or(config.bogus_ttl, whole);
    let tolerance = &mut config.policy.tolerance;
    tolerance.bad_signatures_max = said.bad_signatures.or(tolerance.bad_signatures_max);
    config
}

/// Whole seconds, as TTLs count.
fn whole(span: Duration) -> u32 {
    u32::try_from(span.as_secs()).unwrap_or(u32::MAX)
}

/// What the oracle is asked for a profile of the judge.
pub fn judged(profile: &Profile) -> oracle::Profile {
    match profile {
        Profile::Liberal => oracle::Profile::liberal(),
        Profile::StrictDs => oracle::Profile::strict_ds(),
        Profile::StrictDnskey => oracle::Profile::strict_dnskey(),
        Profile::Only(algorithms) => {
            let numbers: Vec<u8> = algorithms.iter().map(|a| a.number()).collect();
            oracle::Profile {
                name: profile.name(),
                ..oracle::Profile::only(&numbers)
            }
        }
        Profile::Named(product) => {
            let config = named(resolver::Config::new(Vec::new(), Vec::new()), *product);
            of_config(profile.name(), &config)
        }
    }
}

/// What the oracle is asked for a resolver that was told this. It judges for every view of NS: the child-centric
/// caches are a superset of all.
pub fn of_config(name: String, config: &resolver::Config) -> oracle::Profile {
    let seconds = |ttl: u32| Duration::from_secs(ttl.into());
    let policy = &config.policy;
    oracle::Profile {
        name,
        strictness: match (policy.every_ds_algorithm, policy.every_dnskey_algorithm) {
            (true, _) => oracle::Strictness::StrictDs,
            (_, true) => oracle::Strictness::StrictDnskey,
            _ => oracle::Strictness::Liberal,
        },
        digest_choice: policy.digest_choice,
        ttl_cap: config.ttl_max.map(seconds),
        ttl_floor: seconds(config.ttl_min),
        tolerance: policy.tolerance.clone(),
        bogus_kept: seconds(config.bogus_ttl),
        failure_kept: seconds(config.failure_ttl),
        ..oracle::Profile::liberal()
    }
}

/// Makes a resolver keep and believe what a profile of the oracle does.
pub fn believing(mut config: resolver::Config, profile: &oracle::Profile) -> resolver::Config {
    let policy = &mut config.policy;
    policy.every_ds_algorithm = profile.strictness == oracle::Strictness::StrictDs;
    policy.every_dnskey_algorithm = profile.strictness == oracle::Strictness::StrictDnskey;
    policy.digest_choice = profile.digest_choice;
    policy.tolerance = profile.tolerance.clone();
    let seconds = |span: Duration| u32::try_from(span.as_secs()).unwrap_or(u32::MAX);
    config.ttl_max = profile.ttl_cap.map(seconds);
    config.ttl_min = seconds(profile.ttl_floor);
    config
}
