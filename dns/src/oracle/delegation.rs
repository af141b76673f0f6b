//! `reachable` and `never-insecure`: what one RRset in a cache does by itself.
//!
//! Owns who is to blame when an NS RRset leads to no server that answers: a process (violation), or
//! an injected fault (outage). Knows nothing of keys.

use super::{
    history::{History, InstanceId, Side, Version},
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
    let health = Health::of(scene.history);
    let mut violations = Conflicts::beginning_in(range);
    let mut outages: Vec<(Interval, usize)> = Vec::new();
    let mut warnings: Vec<(InstanceId, Interval, usize)> = Vec::new();
    for (number, version) in followed(scene) {
        let spans = scene.reach.fetchable(version);
        let held: Intervals = spans
            .map(|span| span.kept(scene.kept(version.ttl)))
            .collect();
        let blamed = health.blamed(version).meet(&held);
        let silent = health.silent(version).meet(&held);
        for gap in blamed.iter() {
            let until = held
                .around(gap.from)
                .map_or(gap.until, |window| window.until);
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
        Some(alone(held_at(scene, number, at)?, Reason::AllLame))
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
    let history = scene.history;
    history.ns.iter().enumerate().filter(move |(_, version)| {
        let instance = history.instances.get(version.instance.0 as usize);
        instance.is_some_and(|instance| {
            instance.side == Side::Parent || scene.profile.ns == NsView::ChildCentric
        })
    })
}

/// When each instance is lame, and when it is out of order.
struct Health {
    lame: Vec<Intervals>,
    out: Vec<Intervals>,
}

impl Health {
    /// Sorts the spans of a history by instance.
    fn of(history: &History) -> Self {
        Self {
            lame: history.by_instance(&history.lame),
            out: history.by_instance(&history.outages),
        }
    }

    /// When an instance is lame; never, if the history does not know it.
    fn lame(&self, instance: InstanceId) -> &Intervals {
        at(&self.lame, instance)
    }

    /// When no instance of this NS RRset answers. One that leads nowhere never does.
    fn silent(&self, version: &Version<Vec<InstanceId>>) -> Intervals {
        all(version, |instance| {
            self.lame(instance).join(at(&self.out, instance))
        })
    }

    /// When none answers, and no injected fault excuses it: each instance is lame, or was out of
    /// order before this NS RRset began to name it.
    fn blamed(&self, version: &Version<Vec<InstanceId>>) -> Intervals {
        all(version, |instance| {
            let out = at(&self.out, instance).iter();
            let earlier = out.filter(|span| span.from < version.from);
            self.lame(instance).join(&earlier.collect())
        })
    }
}

/// The set of one instance; nothing, if the history does not know it.
fn at(sets: &[Intervals], instance: InstanceId) -> &Intervals {
    const NEVER: &Intervals = &Intervals::none();
    sets.get(instance.0 as usize).unwrap_or(NEVER)
}

/// When something is so for every instance of an NS RRset.
fn all(version: &Version<Vec<InstanceId>>, when: impl Fn(InstanceId) -> Intervals) -> Intervals {
    let always = Intervals::from(Interval::ALWAYS);
    version
        .content
        .iter()
        .fold(always, |all, &instance| all.meet(&when(instance)))
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
fn held_at(scene: &Scene<'_>, number: usize, at: Timestamp) -> Option<Fetch> {
    let version = scene.history.ns.get(number)?;
    let kept = scene.kept(version.ttl);
    let mut spans = scene.reach.fetchable(version);
    let fetchable = spans.find(|span| span.kept(kept).contains(at))?;
    let source = Source {
        version: number,
        fetchable,
        ttl: version.ttl,
    };
    let fetched = fetched_at(fetchable, at, |fetched| fetched + kept);
    fetch(&source, &scene.history.ns, fetched, fetched + kept, |_| {
        Fetched::Ns
    })
}

/// One outage for each stretch without a server.
fn tell_outages(scene: &Scene<'_>, found: Vec<(Interval, usize)>) -> Vec<Outage> {
    let stretches: Intervals = found.iter().map(|&(gap, _)| gap).collect();
    let tell = |stretch: Interval| {
        let first = found.iter().find(|(gap, _)| gap.from == stretch.from)?;
        Some(Outage {
            ns: held_at(scene, first.1, stretch.from)?,
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
            _ => warnings.extend(held_at(scene, number, gap.from).map(|ns| Warning {
                instance,
                ns,
                from: gap.from,
                until: gap.until,
            })),
        }
    }
    warnings
}
