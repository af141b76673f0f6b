//! Which servers of an owner say the same, but for moments: they share lanes.

use std::time::Duration;

use crate::{
    at::At,
    run::{Run, Version, Zone},
};

/// Lags shorter than this part of the run are not to be seen.
const MOMENTS_A_RUN: u32 = 150;

/// The least that counts as a lag.
const MOMENT_LEAST: Duration = Duration::from_secs(120);

/// The instances of an owner, those together that say the same.
pub(super) fn folded(run: &Run, zone: &Zone, owner: &str) -> Vec<Vec<usize>> {
    let moment = MOMENT_LEAST.max((run.end - At::START) / MOMENTS_A_RUN);
    let own = zone.instances.iter().enumerate();
    let own = own.filter(|(_, instance)| instance.owner == owner);
    let mut folded: Vec<Vec<usize>> = Vec::new();
    for (number, _) in own {
        let same = |group: &&mut Vec<usize>| is_same(zone, group[0], number, moment);
        match folded.iter_mut().find(same) {
            Some(group) => group.push(number),
            None => folded.push(vec![number]),
        }
    }
    folded
}

fn is_same(zone: &Zone, one: usize, other: usize, moment: Duration) -> bool {
    let versions = |instance: usize| -> Vec<&Version> {
        let all = zone.versions.iter();
        all.filter(|version| version.instance == instance).collect()
    };
    let outages = |instance: usize| -> Vec<_> {
        let all = zone.outages.iter();
        all.filter(|outage| outage.instance == instance)
            .map(|outage| outage.span)
            .collect()
    };
    let near = |a: Option<At>, b: Option<At>| match (a, b) {
        (Some(a), Some(b)) => (a - b).max(b - a) <= moment,
        (a, b) => a == b,
    };
    let (some, others) = (versions(one), versions(other));
    let says_the_same = |(a, b): (&&Version, &&Version)| {
        let keys = |version: &Version| -> Vec<usize> {
            version.signed.iter().map(|signed| signed.key).collect()
        };
        (a.what, a.ttl, &a.keys, &a.servers, a.keyless)
            == (b.what, b.ttl, &b.keys, &b.servers, b.keyless)
            && keys(a) == keys(b)
            && near(a.from, b.from)
            && near(a.until, b.until)
    };
    some.len() == others.len()
        && some.iter().zip(&others).all(says_the_same)
        && outages(one) == outages(other)
}
