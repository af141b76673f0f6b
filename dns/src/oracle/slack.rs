//! How much earlier the steps of a safe history could have come.
//!
//! Owns the advisor's question. Signatures count as always valid here: to begin earlier, a version
//! would have been signed earlier.

use std::{collections::BTreeSet, time::Duration};

use super::{
    any_cache::{held, requirements},
    history::{History, Signature, Version},
    holds::{Window, meetings, windows},
    intervals::{Interval, Intervals},
    judgement::Quantifier,
    profile::Profile,
    scene::{Scene, TICK},
};
use crate::time::Timestamp;

/// How much earlier what begins to be held in `[from, until)` could have begun, in any cache.
///
/// `None` if nothing that begins then conflicts with anything held before; zero if something
/// begins too early. Judges `secure` alone, by key, for what came before: versions that are the
/// same but for signatures and validity count as one.
pub fn slack(
    history: &History,
    profile: &Profile,
    from: Timestamp,
    until: Timestamp,
) -> Option<Duration> {
    let timeless = timeless(history);
    let scene = Scene::new(&timeless, profile, Quantifier::AnyCache);
    let ds_held = held(&scene, &scene.ds);
    let keys_held = held(&scene, &scene.keys);
    let answers_held = held(&scene, &scene.answers);
    let requirements = requirements(&scene, &ds_held);
    let usable = scene.usable_ds().map(|(ds, ..)| (ds, &ds_held[ds]));
    let ds_windows = windows(usable);
    let keys_windows = windows(keys_held.iter().enumerate());
    let answer_windows = windows(answers_held.iter().enumerate());
    let range = Interval::new(from, until);

    // Most waits are short. Pairs that are never closer than the shortest wait need no look.
    let ttls = history.dnskey.iter().map(|version| version.ttl);
    let mut reach = ttls.max().unwrap_or_default().max(TICK);
    loop {
        let mut waits = Waits { range, least: None };
        for (ds, keys) in near(&ds_windows, &keys_windows, reach) {
            let Some(view) = &scene.ds_views[ds] else {
                continue;
            };
            let chain = scene.chain;
            let fails = chain.keys_fail(view, &scene.key_views[keys], Interval::ALWAYS);
            if view.signed.is_empty() || !fails.is_empty() {
                waits.between(&ds_held[ds], &keys_held[keys]);
            }
        }
        for (keys, answer) in near(&keys_windows, &answer_windows, reach) {
            let (key_view, class) = (&scene.key_views[keys], &scene.answers[answer]);
            for (required, live) in &requirements {
                let chain = scene.chain;
                let fails = chain.answer_fails(required, key_view, class, Interval::ALWAYS);
                if !fails.is_empty() {
                    let (keys, answers) = (&keys_held[keys], &answers_held[answer]);
                    waits.among(keys, answers, live);
                }
            }
        }
        if reach == Duration::MAX || waits.least.is_some_and(|least| least <= reach) {
            return waits.least;
        }
        let further = reach.saturating_mul(8);
        let days = Duration::from_secs(400 * 86_400);
        reach = if further > days {
            Duration::MAX
        } else {
            further
        };
    }
}

/// The pairs of classes of which some windows are at most `reach` apart.
fn near(left: &[Window], right: &[Window], reach: Duration) -> BTreeSet<(usize, usize)> {
    let stretch = |windows: &[Window]| -> Vec<Window> {
        let stretch = |window: &Window| Window {
            during: window.during.kept(reach + TICK.min(Duration::MAX - reach)),
            ..*window
        };
        windows.iter().map(stretch).collect()
    };
    let mut near = BTreeSet::new();
    meetings(&stretch(left), &stretch(right), |one, other| {
        near.insert((one.class, other.class));
    });
    near
}

/// The same history, with signatures that hold for ever.
fn timeless(history: &History) -> History {
    let mut timeless = history.clone();
    free(&mut timeless.ds);
    free(&mut timeless.dnskey);
    free(&mut timeless.answers);
    timeless
}

/// Lifts the bounds of validity.
fn free<C>(versions: &mut [Version<C>]) {
    for version in versions {
        for signature in &mut version.signatures {
            *signature = Signature {
                inception: Timestamp::MIN,
                expiration: Timestamp::MAX,
                ..signature.clone()
            };
        }
        version.signatures.sort_unstable();
        version.signatures.dedup();
    }
}

/// The shortest wait found so far, before anything that begins in `range`.
struct Waits {
    range: Interval,
    least: Option<Duration>,
}

impl Waits {
    /// Two sets that must not share an instant.
    fn between(&mut self, one: &Intervals, other: &Intervals) {
        self.after(one, other);
        self.after(other, one);
    }

    /// Three sets that must not share an instant.
    fn among(&mut self, one: &Intervals, other: &Intervals, third: &Intervals) {
        self.after(&one.meet(other), third);
        self.after(&one.meet(third), other);
        self.after(&other.meet(third), one);
    }

    /// `newer` must not begin while `older` lasts.
    fn after(&mut self, older: &Intervals, newer: &Intervals) {
        for window in newer.within(self.range) {
            let begin = window.from;
            if newer.contains(begin.before(TICK)) && begin > Timestamp::MIN {
                continue; // It began before the range.
            }
            let wait = if older.contains(begin) {
                Some(Duration::ZERO)
            } else {
                older.last_ended(begin).map(|ended| begin - ended.until)
            };
            self.least = [self.least, wait].into_iter().flatten().min();
        }
    }
}
