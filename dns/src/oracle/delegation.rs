//! `reachable` and `never-insecure`: what one RRset in a cache does by itself.
//!
//! Owns who is to blame when an NS RRset leads to no server that answers: a process (violation), or
//! an injected fault (outage). Knows nothing of keys.

use std::collections::BTreeMap;

use super::{
    history::{Address, History, InstanceId, Side, Version},
    holds::Source,
    intervals::{Interval, Intervals},
    judgement::Quantifier,
    judgement::{Outage, Property, Violation, Warning},
    one_resolver,
    profile::NsView,
    scene::{Conflicts, Scene, fetch, fetched_at},
    witness::{Fetch, Fetched, Reason, Witness},
};
use crate::time::Timestamp;

/// Finds out whether some cache may hold the proof of "no DS" while the zone must be signed.
pub(super) fn never_insecure(scene: &Scene<'_>, range: Interval) -> Option<Violation> {
    let (from, until) = scene.history.must_be_secure?;
    let must = Interval::new(from, until);
    let mut conflicts = Conflicts::beginning_in(range);
    for (number, class) in scene.ds.iter().enumerate() {
        if !class.version.content.is_empty() {
            continue;
        }
        let held = match scene.quantifier {
            Quantifier::AnyCache => class.held(|ttl| scene.kept(ttl)),
            Quantifier::OneResolver => one_resolver::ds_held(scene, number),
        };
        for window in held.iter() {
            conflicts.add(window.meet(must), window.until, number);
        }
    }
    scene.violation(Property::NeverInsecure, conflicts, |at, number| {
        let class = &scene.ds[number];
        let fetch = match scene.quantifier {
            Quantifier::AnyCache => {
                scene.fetch_held(class, &scene.history.ds, at, |_| Fetched::Ds)?
            }
            Quantifier::OneResolver => one_resolver::ds_fetch(scene, number, at)?,
        };
        Some(alone(fetch, Reason::NoDs))
    })
}

/// What [`reachable`] finds.
#[derive(Default)]
pub(super) struct Found {
    pub violation: Option<Violation>,
    pub outages: Vec<Outage>,
    pub warnings: Vec<Warning>,
}

/// Finds NS RRsets that a cache may hold while none, or not all, of their servers answer.
pub(super) fn reachable(scene: &Scene<'_>, range: Interval) -> Found {
    let health = Health::of(scene);
    let mut violations = Conflicts::beginning_in(range);
    let mut outages: Vec<(Interval, usize)> = Vec::new();
    let mut warnings: Vec<(InstanceId, Interval, usize)> = Vec::new();
    for (number, version) in followed(scene) {
        let held = held(scene, version);
        let blamed = health.blamed(version).meet(&held);
        let silent = health.silent(version).meet(&held);
        for gap in blamed.iter() {
            let until = held
                .around(gap.from)
                .map_or(gap.until, |window| window.until);
            let stale = health.stale(&version.content, gap.from);
            let until = stale.map_or(until, |(_, window)| until.min(window.until));
            violations.add(gap, until, number);
        }
        let begins = |gap: &Interval| range.contains(gap.from);
        let excused = silent.minus(&blamed);
        outages.extend(excused.iter().filter(begins).map(|gap| (gap, number)));
        for &instance in &version.content {
            let lame = health.lame(instance).meet(&held).minus(&silent);
            warnings.extend(
                lame.iter()
                    .filter(begins)
                    .map(|gap| (instance, gap, number)),
            );
        }
    }
    let violation = scene.violation(Property::Reachable, violations, |at, number| {
        let ns = scene.history.ns.get(number)?;
        let stale = health.stale(&ns.content, at);
        Some(Witness {
            later: stale.and_then(|(version, _)| address_at(scene, version, at)),
            ..alone(ns_at(scene, number, at)?, Reason::AllLame)
        })
    });
    Found {
        violation,
        outages: tell_outages(scene, outages),
        warnings: tell_warnings(scene, warnings),
    }
}

/// The NS versions that caches of this profile follow.
fn followed<'s>(
    scene: &'s Scene<'_>,
) -> impl Iterator<Item = (usize, &'s Version<Vec<InstanceId>>)> {
    let versions = scene.history.ns.iter().enumerate();
    versions.filter(move |(_, version)| is_followed(scene, version))
}

/// Whether caches of this profile let themselves be led by what this instance says.
fn is_followed<C>(scene: &Scene<'_>, version: &Version<C>) -> bool {
    let instances = &scene.history.instances;
    let instance = instances.get(version.instance.0 as usize);
    instance.is_some_and(|instance| {
        instance.side == Side::Parent || scene.profile.ns == NsView::ChildCentric
    })
}

/// When each instance is lame, and when it is out of order; and which addresses caches may hold of names
/// that have to be found.
struct Health<'h> {
    history: &'h History,
    lame: Vec<Intervals>,
    out: Vec<Intervals>,
    addresses: BTreeMap<InstanceId, Vec<(&'h Version<Address>, Intervals)>>,
}

impl<'h> Health<'h> {
    /// Sorts the spans of a history by instance.
    fn of(scene: &Scene<'h>) -> Self {
        let history = scene.history;
        let mut addresses: BTreeMap<InstanceId, Vec<_>> = BTreeMap::new();
        for version in &history.addresses {
            let own = addresses.entry(version.content.of).or_default();
            if is_followed(scene, version) {
                own.push((version, held(scene, version)));
            }
        }
        Self {
            history,
            lame: history.by_instance(&history.lame),
            out: history.by_instance(&history.outages),
            addresses,
        }
    }

    /// When the server of this name is lame; never, if the history does not know it.
    fn lame(&self, name: InstanceId) -> Intervals {
        self.unanswered(name, |instance, _| at(&self.lame, instance).clone())
    }

    /// When no name of this NS RRset leads to anybody who answers. One that leads nowhere never does.
    fn silent(&self, version: &Version<Vec<InstanceId>>) -> Intervals {
        all(&version.content, |name| {
            self.unanswered(name, |instance, _| {
                at(&self.lame, instance).join(at(&self.out, instance))
            })
        })
    }

    /// When none answers, and no injected fault excuses it: each instance is lame, or was out of
    /// order before this NS RRset, or the address, began to lead there.
    fn blamed(&self, version: &Version<Vec<InstanceId>>) -> Intervals {
        let named = self.said_since(&self.history.ns, version);
        all(&version.content, |name| {
            self.unanswered(name, |instance, since| {
                let since = since.max(named);
                let out = at(&self.out, instance).iter();
                let earlier = out.filter(|span| span.from < since);
                at(&self.lame, instance).join(&earlier.collect())
            })
        })
    }

    /// Since when the server of this version has said the same without a gap: who changes a TTL chooses nobody
    /// anew. Looked for where something is out of order when the version begins.
    fn said_since<C: PartialEq>(&self, versions: &[Version<C>], version: &Version<C>) -> Timestamp {
        let mut from = version.from;
        if !self.out.iter().any(|out| out.contains(from)) {
            return from;
        }
        let same =
            |one: &&Version<C>| one.instance == version.instance && one.content == version.content;
        let same: Vec<_> = versions.iter().filter(same).collect();
        while let Some(before) = same
            .iter()
            .find(|before| before.from < from && from <= before.until)
        {
            from = before.from;
        }
        from
    }

    /// When a cache may find nobody under this name: what it holds leads to nobody who answers, or no
    /// address is to be had. `silent` says when an instance does not answer, for who was led to it from
    /// then on.
    fn unanswered(
        &self,
        name: InstanceId,
        silent: impl Fn(InstanceId, Timestamp) -> Intervals,
    ) -> Intervals {
        let Some(addresses) = self.addresses.get(&name) else {
            return silent(name, Timestamp::MIN);
        };
        let mut unanswered = Intervals::from(Interval::ALWAYS);
        for (_, held) in addresses {
            unanswered = unanswered.minus(held);
        }
        for (version, held) in addresses {
            let since = self.said_since(&self.history.addresses, version);
            let none = all(&version.content.leads_to, |instance| {
                silent(instance, since)
            });
            unanswered = unanswered.join(&none.meet(held));
        }
        unanswered
    }

    /// An address by which a cache that holds it at `at` finds nobody under one of these names, and until
    /// when it can be held.
    fn stale(
        &self,
        names: &[InstanceId],
        at: Timestamp,
    ) -> Option<(&'h Version<Address>, Interval)> {
        let mut all = names
            .iter()
            .filter_map(|name| self.addresses.get(name))
            .flatten();
        all.find_map(|(version, held)| {
            let nobody = version.content.leads_to.iter().all(|instance| {
                let (lame, out) = (
                    self::at(&self.lame, *instance),
                    self::at(&self.out, *instance),
                );
                lame.contains(at) || out.contains(at)
            });
            Some((*version, held.around(at).filter(|_| nobody)?))
        })
    }
}

/// The set of one instance; nothing, if the history does not know it.
fn at(sets: &[Intervals], instance: InstanceId) -> &Intervals {
    const NEVER: &Intervals = &Intervals::none();
    sets.get(instance.0 as usize).unwrap_or(NEVER)
}

/// When something is so for every one of these.
fn all(of: &[InstanceId], when: impl Fn(InstanceId) -> Intervals) -> Intervals {
    let always = Intervals::from(Interval::ALWAYS);
    of.iter().fold(always, |all, &one| all.meet(&when(one)))
}

/// When caches may hold an RRset that carries no signature.
fn held<C>(scene: &Scene<'_>, version: &Version<C>) -> Intervals {
    let kept = scene.kept(version.ttl);
    let spans = scene.reach.fetchable(version);
    spans.map(|span| span.kept(kept)).collect()
}

/// A witness of one fetch.
fn alone(fetch: Fetch, reason: Reason) -> Witness {
    Witness {
        under: None,
        earlier: fetch,
        later: None,
        reason,
    }
}

/// How an NS version comes to be held at `at`.
fn ns_at(scene: &Scene<'_>, number: usize, at: Timestamp) -> Option<Fetch> {
    held_at(scene, &scene.history.ns, number, at, |_| Fetched::Ns)
}

/// The same of an address.
fn address_at(scene: &Scene<'_>, version: &Version<Address>, at: Timestamp) -> Option<Fetch> {
    let history = scene.history;
    let mut all = history.addresses.iter();
    let number = all.position(|one| std::ptr::eq(one, version))?;
    held_at(scene, &history.addresses, number, at, |address| {
        let name = history.instances.get(address.of.0 as usize);
        Fetched::Address(name.map_or(String::new(), |name| name.name.clone()))
    })
}

fn held_at<C>(
    scene: &Scene<'_>,
    versions: &[Version<C>],
    number: usize,
    at: Timestamp,
    what: impl Fn(&C) -> Fetched,
) -> Option<Fetch> {
    let version = versions.get(number)?;
    let kept = scene.kept(version.ttl);
    let mut spans = scene.reach.fetchable(version);
    let fetchable = spans.find(|span| span.kept(kept).contains(at))?;
    let source = Source {
        version: number,
        fetchable,
        ttl: version.ttl,
    };
    let fetched = fetched_at(fetchable, at, |fetched| fetched + kept);
    fetch(&source, versions, fetched, fetched + kept, what)
}

/// One outage for each stretch without a server.
fn tell_outages(scene: &Scene<'_>, found: Vec<(Interval, usize)>) -> Vec<Outage> {
    let stretches: Intervals = found.iter().map(|&(gap, _)| gap).collect();
    let tell = |stretch: Interval| {
        let first = found.iter().find(|(gap, _)| gap.from == stretch.from)?;
        Some(Outage {
            ns: ns_at(scene, first.1, stretch.from)?,
            from: stretch.from,
            until: stretch.until,
        })
    };
    stretches.iter().filter_map(tell).collect()
}

/// One warning for each instance and stretch.
fn tell_warnings(scene: &Scene<'_>, mut found: Vec<(InstanceId, Interval, usize)>) -> Vec<Warning> {
    found.sort_unstable();
    let mut warnings: Vec<Warning> = Vec::new();
    for (instance, gap, number) in found {
        match warnings.last_mut() {
            Some(last) if last.instance == instance && gap.from <= last.until => {
                last.until = last.until.max(gap.until);
            }
            _ => warnings.extend(ns_at(scene, number, gap.from).map(|ns| Warning {
                instance,
                ns,
                from: gap.from,
                until: gap.until,
            })),
        }
    }
    warnings
}
