//! How much earlier the steps of a safe history could have come.
//!
//! Owns the advisor's question. Signatures count as always valid here: to begin earlier, a version
//! would have been signed earlier.

use std::time::Duration;

use super::{
    any_cache::{held, requirements},
    chain::Required,
    history::{History, Signature, Version},
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
    let mut waits = Waits {
        range: Interval::new(from, until),
        least: None,
    };

    for (ds, _, view) in scene.usable_ds() {
        for (keys, key_view) in scene.key_views.iter().enumerate() {
            if view.signed.is_empty()
                || !(scene.chain)
                    .keys_fail(view, key_view, Interval::ALWAYS)
                    .is_empty()
            {
                waits.between(&ds_held[ds], &keys_held[keys], |_| true);
            }
        }
    }
    for (keys, key_view) in scene.key_views.iter().enumerate() {
        for (answer, class) in scene.answers.iter().enumerate() {
            let fails = |required: &Required| {
                let chain = scene.chain;
                !chain
                    .answer_fails(required, key_view, class, Interval::ALWAYS)
                    .is_empty()
            };
            for (_, live) in requirements.iter().filter(|(required, _)| fails(required)) {
                let (keys, answers) = (&keys_held[keys], &answers_held[answer]);
                waits.between(keys, answers, |at| live.contains(at));
                // A first usable DS waits for the last pair that it would condemn.
                waits.after(&keys.meet(answers), live, |_| true);
            }
        }
    }
    waits.least
}

/// The same history, with signatures that hold for ever.
fn timeless(history: &History) -> History {
    let mut timeless = history.clone();
    free(&mut timeless.ds);
    free(&mut timeless.dnskey);
    free(&mut timeless.answers);
    timeless
}

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
    /// Two sets that must not share an instant at which `matters`.
    fn between(&mut self, one: &Intervals, other: &Intervals, matters: impl Fn(Timestamp) -> bool) {
        self.after(one, other, &matters);
        self.after(other, one, &matters);
    }

    /// `newer` must not begin while `older` lasts and it `matters`.
    fn after(&mut self, older: &Intervals, newer: &Intervals, matters: impl Fn(Timestamp) -> bool) {
        for begin in newer.within(self.range).map(|window| window.from) {
            if newer.contains(begin.before(TICK)) {
                continue; // It began before the range.
            }
            let wait = if older.contains(begin) {
                matters(begin).then_some(Duration::ZERO)
            } else {
                let ended = older.last_ended(begin).map(|window| window.until);
                let ended = ended.filter(|&ended| matters(ended.before(TICK)));
                ended.map(|ended| begin - ended)
            };
            self.least = [self.least, wait].into_iter().flatten().min();
        }
    }
}
