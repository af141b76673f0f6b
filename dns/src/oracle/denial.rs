//! `no-false-denial`: what NSEC and NSEC3 records held deny, though it is served wherever the delegation
//! leads (RFC 8198).
//!
//! Owns the comparison of catalogues; what each of them proves is [`super::catalogue`]'s. A denial is false if
//! every instance that the delegation names serves what it denies when it is fetched: one that departed
//! goes on denying what was added since, or a server contradicts itself. That a name was not there yet when
//! it was asked for is no fault: RFC 2308 has it so. Signalling types are left out: their askers do not go by
//! caches.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{
    catalogue::{Catalogue, Read},
    history::{InstanceId, Side, Version},
    holds::Source,
    intervals::{Interval, Intervals},
    judgement::{Property, Violation},
    scene::{Conflicts, Scene, fetch, fetched_at},
    witness::{Fetched, Reason, Witness},
};
use crate::{
    name::{Name, RecordType, parse_name},
    time::Timestamp,
};

/// Finds denials that some cache may hold of what is served wherever the delegation leads.
pub(super) fn no_false_denial(scene: &Scene<'_>, range: Interval) -> Option<Violation> {
    let history = scene.history;
    let zone = &parse_name(&history.zone).ok()?;
    let (distinct, numbers) = distinct(zone, &history.catalogues);
    let contested = contested(&distinct);
    if contested.is_empty() {
        return None;
    }
    let out = history.by_instance(&history.outages);
    let named = named(scene);
    let mut conflicts = Conflicts::beginning_in(range);
    for (number, (name, rtype)) in contested.iter().enumerate() {
        let mut served = vec![Vec::new(); history.instances.len()];
        for (version, &catalogue) in history.catalogues.iter().zip(&numbers) {
            let serves = distinct[catalogue].serves(name, *rtype);
            if serves && let Some(spans) = served.get_mut(version.instance.0 as usize) {
                spans.push(Interval::new(version.from, version.until));
            }
        }
        let (mut somewhere, mut missing) = (Intervals::none(), Intervals::none());
        for ((named, served), out) in named.iter().zip(served).zip(&out) {
            let served: Intervals = served.into_iter().collect();
            somewhere = somewhere.join(&named.meet(&served));
            missing = missing.join(&named.minus(&served).minus(out));
        }
        let everywhere = somewhere.minus(&missing);
        for (index, version) in history.catalogues.iter().enumerate() {
            if !distinct[numbers[index]].denies(name, *rtype) {
                continue;
            }
            for span in scene.reach.fetchable(version) {
                for fetchable in everywhere.within(span) {
                    let held = fetchable.kept(scene.kept(version.ttl));
                    conflicts.add(held, held.until, (index, number));
                }
            }
        }
    }
    scene.violation(Property::NoFalseDenial, conflicts, |at, (index, number)| {
        let version = &history.catalogues[index];
        let span = scene
            .reach
            .fetchable(version)
            .find(|span| span.kept(scene.kept(version.ttl)).contains(at))?;
        let source = Source {
            version: index,
            fetchable: span,
            ttl: version.ttl,
        };
        let until =
            |fetched: Timestamp| fetched + scene.kept(version.ttl).max(Duration::from_nanos(1));
        let fetched = fetched_at(span, at, until);
        let (name, rtype) = contested.iter().nth(number)?;
        let what = |_: &Arc<Catalogue>| Fetched::Denial(format!("{name} {rtype}"));
        let earlier = fetch(&source, &history.catalogues, fetched, until(fetched), what)?;
        Some(Witness {
            under: None,
            earlier,
            later: None,
            reason: Reason::ServedEverywhere,
        })
    })
}

/// The different catalogues, and which one each version has.
fn distinct(zone: &Name, catalogues: &[Version<Arc<Catalogue>>]) -> (Vec<Read>, Vec<usize>) {
    let mut known: Vec<&Arc<Catalogue>> = Vec::new();
    let mut numbers = Vec::with_capacity(catalogues.len());
    for Version { content, .. } in catalogues {
        let same = |one: &&Arc<Catalogue>| Arc::ptr_eq(one, content) || **one == *content;
        let number = known.iter().position(same).unwrap_or(known.len());
        if number == known.len() {
            known.push(content);
        }
        numbers.push(number);
    }
    (
        known.into_iter().map(|one| Read::of(zone, one)).collect(),
        numbers,
    )
}

/// What some instance serves and some instance denies, at any time.
fn contested(distinct: &[Read]) -> BTreeSet<(Name, RecordType)> {
    let all: BTreeSet<&(Name, RecordType)> = distinct.iter().flat_map(Read::served).collect();
    let denied = |(name, rtype): &&(Name, RecordType)| {
        let mut those = distinct.iter();
        those.any(|catalogue| catalogue.denies(name, *rtype))
    };
    all.into_iter().filter(denied).cloned().collect()
}

/// When the delegation, at any server of the parent, names each instance.
fn named(scene: &Scene<'_>) -> Vec<Intervals> {
    let history = scene.history;
    let is_parent = |instance: InstanceId| {
        let instance = history.instances.get(instance.0 as usize);
        instance.is_some_and(|instance| instance.side == Side::Parent)
    };
    let mut named = vec![Vec::new(); history.instances.len()];
    for version in history.ns.iter().filter(|ns| is_parent(ns.instance)) {
        for target in &version.content {
            if let Some(spans) = named.get_mut(target.0 as usize) {
                spans.push(Interval::new(version.from, version.until));
            }
        }
    }
    named.into_iter().map(Intervals::from_iter).collect()
}
