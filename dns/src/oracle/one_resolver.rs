//! `secure`, over one resolver: it judges each RRset when it fetches it, against what it then holds.
//!
//! Owns the chains of fetches: a DS RRset fetched while the parent's signature held; a DNSKEY RRset
//! fetched while such a DS RRset was held and vouched for it; an answer fetched while such a DNSKEY
//! RRset was held. An entry found Secure is not judged again, but is kept no longer than the
//! signature that vouched for it (RFC 4035 §5.3.3). A DNSKEY RRset found Secure goes on judging
//! answers for as long as it is kept, even when the DS RRset has left the cache.

use std::{collections::BTreeMap, time::Duration};

use super::{
    chain::Required,
    history::Answer,
    holds::{Window, meetings, windows},
    intervals::{Interval, Intervals},
    judgement::{Property, Violation},
    kept::{Kept, fetch_kept, held, longest},
    scene::{Conflicts, Scene, older_until, pieces},
    witness::{Fetch, Fetched, Reason, Witness},
};
use crate::time::Timestamp;

/// DNSKEY classes found Secure, for one demand on answers.
struct Validated {
    keys: usize,
    required: usize,
    kept: Vec<Kept>,
}

/// Which fetch fails.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Failure {
    /// The DS RRset itself.
    Ds { ds: usize, keys: usize },
    /// A DNSKEY RRset, under a DS RRset in the cache.
    Keys { ds: usize, keys: usize },
    /// An answer, under a validated DNSKEY RRset in the cache.
    Answer { validated: usize, answer: usize },
}

/// Finds out whether one resolver may get Bogus.
pub(super) fn secure(scene: &Scene<'_>, range: Interval) -> Option<Violation> {
    let mut conflicts = Conflicts::beginning_in(range);
    let ds_kept: Vec<Vec<Kept>> = (0..scene.ds.len()).map(|ds| keep_ds(scene, ds)).collect();
    let (requirements, validated) = judge_keys(scene, &ds_kept, &mut conflicts);
    judge_answers(scene, &requirements, &validated, &mut conflicts);
    scene.violation(Property::Secure, conflicts, |at, failure| match failure {
        Failure::Ds { ds, keys } => broken_ds(scene, at, ds, keys),
        Failure::Keys { ds, keys } => broken_keys(scene, &ds_kept, at, ds, keys),
        Failure::Answer {
            validated: v,
            answer,
        } => broken_answer(scene, &ds_kept, &requirements, &validated[v], at, answer),
    })
}

/// When one resolver may hold a DS class that it found Secure.
pub(super) fn ds_held(scene: &Scene<'_>, ds: usize) -> Intervals {
    held(scene.profile, &keep_ds(scene, ds))
}

/// How one resolver comes to hold a DS class at `at`.
pub(super) fn ds_fetch(scene: &Scene<'_>, ds: usize, at: Timestamp) -> Option<Fetch> {
    fetch_kept(
        scene.profile,
        &keep_ds(scene, ds),
        at,
        &scene.ds[ds],
        &scene.history.ds,
        Fetched::Ds,
    )
}

/// The stretches of fetches that found a DS class Secure.
fn keep_ds(scene: &Scene<'_>, ds: usize) -> Vec<Kept> {
    let class = &scene.ds[ds];
    let fetchable = class.fetchable();
    let by_ttl = fetchable.iter().flat_map(|(&ttl, fetchable)| {
        let pieces = pieces(fetchable, class.version.signatures.iter());
        pieces.map(move |(fetched, signed_until)| Kept {
            ttl,
            fetched,
            signed_until,
            under: ds,
        })
    });
    by_ttl.collect()
}

/// Checks every fetch of a DNSKEY RRset; returns the demands on answers and who was validated.
fn judge_keys(
    scene: &Scene<'_>,
    ds_kept: &[Vec<Kept>],
    conflicts: &mut Conflicts<Failure>,
) -> (Vec<Required>, Vec<Validated>) {
    let keys_fetchable: Vec<(usize, Duration, Intervals)> = scene
        .keys
        .iter()
        .enumerate()
        .flat_map(|(keys, class)| {
            let by_ttl = class.fetchable().into_iter();
            by_ttl.map(move |(ttl, fetchable)| (keys, ttl, fetchable))
        })
        .collect();
    let numbered = keys_fetchable.iter().enumerate();
    let keys_windows = windows(numbered.map(|(number, (_, _, fetchable))| (number, fetchable)));

    let ds_held: Vec<Intervals> = ds_kept
        .iter()
        .map(|kept| held(scene.profile, kept))
        .collect();
    let usable = scene.usable_ds().map(|(ds, ..)| (ds, &ds_held[ds]));
    let mut validated: BTreeMap<(usize, Required), Vec<Kept>> = BTreeMap::new();
    meetings(&windows(usable), &keys_windows, |ds, window| {
        let (keys, ttl, _) = keys_fetchable[window.class];
        let Some(view) = &scene.ds_views[ds.class] else {
            return;
        };
        let together = ds.during.meet(window.during);
        let key_view = &scene.key_views[keys];
        let fails = scene.chain.keys_fail(view, key_view, together);
        for gap in fails.iter() {
            let failure = Failure::Keys { ds: ds.class, keys };
            conflicts.add(gap, older_until(ds.during, window.during), failure);
        }
        let passes = Intervals::from(together).minus(&fails);
        if passes.is_empty() {
            return;
        }
        let by_signature = pieces(&passes, scene.chain.vouching(view, key_view));
        let kept = by_signature.map(|(fetched, signed_until)| Kept {
            ttl,
            fetched,
            signed_until,
            under: ds.class,
        });
        let group = validated
            .entry((keys, scene.chain.required(view)))
            .or_default();
        group.extend(kept);
    });

    // A DS RRset without a signature that holds is Bogus as it comes in.
    let broken: Vec<(usize, Intervals)> = scene
        .usable_ds()
        .map(|(ds, class, view)| {
            let served = class.sources.iter().map(|source| source.fetchable);
            (ds, served.collect::<Intervals>().minus(&view.signed))
        })
        .collect();
    let broken = windows(broken.iter().map(|(ds, spans)| (*ds, spans)));
    meetings(&broken, &keys_windows, |ds: Window, window: Window| {
        let failure = Failure::Ds {
            ds: ds.class,
            keys: keys_fetchable[window.class].0,
        };
        let older = older_until(ds.during, window.during);
        conflicts.add(ds.during.meet(window.during), older, failure);
    });

    let mut requirements: Vec<Required> = validated.keys().map(|(_, r)| r.clone()).collect();
    requirements.sort_unstable();
    requirements.dedup();
    let number = |required: &Required| requirements.partition_point(|other| other < required);
    let validated = validated
        .into_iter()
        .map(|((keys, required), kept)| Validated {
            keys,
            required: number(&required),
            kept,
        })
        .collect();
    (requirements, validated)
}

/// Checks every fetch of an answer against the validated DNSKEY RRsets.
fn judge_answers(
    scene: &Scene<'_>,
    requirements: &[Required],
    validated: &[Validated],
    conflicts: &mut Conflicts<Failure>,
) {
    let keys_held: Vec<Intervals> = validated
        .iter()
        .map(|v| held(scene.profile, &v.kept))
        .collect();
    let answers_fetchable: Vec<Intervals> = scene
        .answers
        .iter()
        .map(|class| {
            class
                .sources
                .iter()
                .map(|source| source.fetchable)
                .collect()
        })
        .collect();
    let answer_windows = windows(answers_fetchable.iter().enumerate());
    let keys_windows = windows(keys_held.iter().enumerate());
    meetings(&keys_windows, &answer_windows, |keys, answer| {
        let entry = &validated[keys.class];
        let fails = scene.chain.answer_fails(
            &requirements[entry.required],
            &scene.key_views[entry.keys],
            &scene.answers[answer.class],
            keys.during.meet(answer.during),
        );
        for gap in fails.iter() {
            let failure = Failure::Answer {
                validated: keys.class,
                answer: answer.class,
            };
            conflicts.add(gap, older_until(keys.during, answer.during), failure);
        }
    });
}

/// A DS RRset that is Bogus as it comes in.
fn broken_ds(scene: &Scene<'_>, at: Timestamp, ds: usize, keys: usize) -> Option<Witness> {
    let history = scene.history;
    Some(Witness {
        under: None,
        earlier: scene.fetch_now(&scene.ds[ds], &history.ds, at, |_| Fetched::Ds)?,
        later: scene.fetch_now(&scene.keys[keys], &history.dnskey, at, |_| Fetched::Dnskey),
        reason: Reason::DsNotSigned,
    })
}

/// A DNSKEY RRset that the DS RRset in the cache does not vouch for.
fn broken_keys(
    scene: &Scene<'_>,
    ds_kept: &[Vec<Kept>],
    at: Timestamp,
    ds: usize,
    keys: usize,
) -> Option<Witness> {
    let (profile, history) = (scene.profile, scene.history);
    let view = scene.ds_views[ds].as_ref()?;
    Some(Witness {
        under: None,
        earlier: fetch_kept(
            profile,
            &ds_kept[ds],
            at,
            &scene.ds[ds],
            &history.ds,
            Fetched::Ds,
        )?,
        later: scene.fetch_now(&scene.keys[keys], &history.dnskey, at, |_| Fetched::Dnskey),
        reason: scene.chain.why_keys_fail(view, &scene.key_views[keys], at),
    })
}

/// An answer that the validated DNSKEY RRset in the cache does not verify.
fn broken_answer(
    scene: &Scene<'_>,
    ds_kept: &[Vec<Kept>],
    requirements: &[Required],
    validated: &Validated,
    at: Timestamp,
    answer: usize,
) -> Option<Witness> {
    let (profile, history) = (scene.profile, scene.history);
    let (keys, class) = (validated.keys, &scene.answers[answer]);
    let what = Fetched::Dnskey;
    let kept = longest(profile, &validated.kept, at)?;
    let earlier = fetch_kept(
        profile,
        &[*kept],
        at,
        &scene.keys[keys],
        &history.dnskey,
        what,
    )?;
    let ds = kept.under;
    let under = fetch_kept(
        profile,
        &ds_kept[ds],
        earlier.at,
        &scene.ds[ds],
        &history.ds,
        Fetched::Ds,
    );
    let what = |answer: &Answer| Fetched::Answer(answer.example.clone());
    let required = &requirements[validated.required];
    let view = &scene.key_views[keys];
    Some(Witness {
        under,
        earlier,
        later: scene.fetch_now(class, &history.answers, at, what),
        reason: scene.chain.why_answer_fails(required, view, class, at),
    })
}
