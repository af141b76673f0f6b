//! `secure`, over any cache: every live DS with every live DNSKEY RRset, and every live DNSKEY
//! RRset with every live answer.
//!
//! Owns the pairwise check. It suffices: a cache can hold any combination of live versions, and a
//! liberal validator's chain is as good as its two links. A strict one that takes its algorithms
//! from the DS RRset adds those as a parameter of the second link.

use std::collections::BTreeMap;

use super::{
    chain::Required,
    holds::{meetings, windows},
    intervals::{Interval, Intervals},
    judgement::{Property, Violation},
    scene::{Conflicts, Scene, older_until},
    witness::{Fetched, Reason, Witness},
};
use crate::time::Timestamp;

/// Which pair fails, by class; `required` indexes [`requirements`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Pair {
    Keys {
        ds: usize,
        keys: usize,
    },
    Answer {
        keys: usize,
        answer: usize,
        required: usize,
    },
}

/// Finds out whether some cache may get Bogus.
pub(super) fn secure(scene: &Scene<'_>, range: Interval) -> Option<Violation> {
    let ds_held: Vec<Intervals> = held(scene, &scene.ds);
    let keys_held: Vec<Intervals> = held(scene, &scene.keys);
    let answers_held: Vec<Intervals> = held(scene, &scene.answers);
    let usable = scene.usable_ds().map(|(ds, ..)| (ds, &ds_held[ds]));
    let (ds_windows, keys_windows) = (windows(usable), windows(keys_held.iter().enumerate()));
    let answer_windows = windows(answers_held.iter().enumerate());
    let mut conflicts = Conflicts::beginning_in(range);

    meetings(&ds_windows, &keys_windows, |ds, keys| {
        let Some(view) = &scene.ds_views[ds.class] else {
            return;
        };
        let together = ds.during.meet(keys.during);
        let fails = scene
            .chain
            .keys_fail(view, &scene.key_views[keys.class], together);
        let unsigned = Intervals::from(together).minus(&view.signed);
        for gap in fails.join(&unsigned).iter() {
            let pair = Pair::Keys {
                ds: ds.class,
                keys: keys.class,
            };
            conflicts.add(gap, older_until(ds.during, keys.during), pair);
        }
    });

    let requirements = requirements(scene, &ds_held);
    meetings(&keys_windows, &answer_windows, |keys, answer| {
        let together = keys.during.meet(answer.during);
        for (required, (algorithms, live)) in requirements.iter().enumerate() {
            let class = &scene.answers[answer.class];
            let view = &scene.key_views[keys.class];
            let fails = scene.chain.answer_fails(algorithms, view, class, together);
            for gap in fails.iter().flat_map(|gap| live.within(gap)) {
                let pair = Pair::Answer {
                    keys: keys.class,
                    answer: answer.class,
                    required,
                };
                conflicts.add(gap, older_until(keys.during, answer.during), pair);
            }
        }
    });

    scene.violation(Property::Secure, conflicts, |at, pair| {
        witness(scene, &requirements, at, pair)
    })
}

/// What is asked of answers, and when a usable DS RRset that asks for it may be held.
pub(super) fn requirements(scene: &Scene<'_>, ds_held: &[Intervals]) -> Vec<(Required, Intervals)> {
    let mut live: BTreeMap<Required, Vec<Interval>> = BTreeMap::new();
    for (ds, _, view) in scene.usable_ds() {
        live.entry(scene.chain.required(view))
            .or_default()
            .extend(ds_held[ds].iter());
    }
    live.into_iter()
        .map(|(required, spans)| (required, spans.into_iter().collect()))
        .collect()
}

/// When each class may be held.
pub(super) fn held<C>(scene: &Scene<'_>, classes: &[super::holds::Class<'_, C>]) -> Vec<Intervals> {
    classes
        .iter()
        .map(|class| class.held(|ttl| scene.kept(ttl)))
        .collect()
}

/// Who fetched what, for the pair to be together at `at`.
fn witness(
    scene: &Scene<'_>,
    requirements: &[(Required, Intervals)],
    at: Timestamp,
    pair: Pair,
) -> Option<Witness> {
    let history = scene.history;
    let keys_at =
        |keys: usize| scene.fetch_held(&scene.keys[keys], &history.dnskey, at, |_| Fetched::Dnskey);
    let (one, other, reason) = match pair {
        Pair::Keys { ds, keys } => {
            let view = scene.ds_views[ds].as_ref()?;
            let reason = if view.signed.contains(at) {
                scene.chain.why_keys_fail(view, &scene.key_views[keys], at)
            } else {
                Reason::DsNotSigned
            };
            let ds = scene.fetch_held(&scene.ds[ds], &history.ds, at, |_| Fetched::Ds)?;
            (ds, keys_at(keys)?, reason)
        }
        Pair::Answer {
            keys,
            answer,
            required,
        } => {
            let class = &scene.answers[answer];
            let (view, required) = (&scene.key_views[keys], &requirements[required].0);
            let reason = scene.chain.why_answer_fails(required, view, class, at);
            let what = |answer: &super::history::Answer| Fetched::Answer(answer.example.clone());
            let answer = scene.fetch_held(class, &history.answers, at, what)?;
            (keys_at(keys)?, answer, reason)
        }
    };
    let (earlier, later) = if other.at < one.at {
        (other, one)
    } else {
        (one, other)
    };
    Some(Witness {
        under: None,
        earlier,
        later: Some(later),
        reason,
    })
}
