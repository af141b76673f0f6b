//! The oracle's question: does resolution validate at every instant, for every cache that can exist?

use super::{
    any_cache, delegation, denial,
    history::History,
    intervals::Interval,
    judgement::{Judgement, Quantifier},
    one_resolver,
    profile::Profile,
    scene::Scene,
};
use crate::time::Timestamp;

/// Judges a history for one profile, by both quantifiers.
///
/// Reports what *begins* in `[from, until)`: a pair of versions (or an NS or DS version alone) that
/// becomes unsafe then. So [`Timestamp::MIN`] and [`Timestamp::MAX`] judge all of time, and a
/// controller that adds hypothetical versions from now on passes `now` to learn whether they break
/// anything that was not broken before.
pub fn judge(history: &History, profile: &Profile, from: Timestamp, until: Timestamp) -> Judgement {
    let both = [Quantifier::AnyCache, Quantifier::OneResolver];
    judge_by(&both, history, profile, from, until)
}

/// The same by these quantifiers alone.
pub fn judge_by(
    quantifiers: &[Quantifier],
    history: &History,
    profile: &Profile,
    from: Timestamp,
    until: Timestamp,
) -> Judgement {
    let range = Interval::new(from, until);
    let seen = profile.seen(history);
    let history = seen.as_ref().unwrap_or(history);
    let mut judgement = Judgement::default();
    for &quantifier in quantifiers {
        let scene = Scene::new(history, profile, quantifier);
        let secure = match quantifier {
            Quantifier::AnyCache => any_cache::secure(&scene, range),
            Quantifier::OneResolver => one_resolver::secure(&scene, range),
        };
        let found = delegation::reachable(&scene, range);
        let never_insecure = delegation::never_insecure(&scene, range);
        let denied = denial::no_false_denial(&scene, range);
        let violations = [secure, never_insecure, found.violation, denied];
        judgement
            .violations
            .extend(violations.into_iter().flatten());
        if quantifier == Quantifier::AnyCache {
            judgement.outages = found.outages;
            judgement.warnings = found.warnings;
        }
    }
    judgement
        .violations
        .sort_by_key(|violation| (violation.property, violation.quantifier));
    judgement
}
