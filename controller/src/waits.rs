//! How long caches may still hold what was replaced: t(x), stale-until(x), and what follows from them.
//!
//! Owns the arithmetic over the observation log. Knows neither processes nor how often anybody looks.
//! Every version counts, on any instance, not only the last one (a TTL lowered an hour ago still
//! binds), and what may have been served unseen counts with the declared `max_ttl`.

use std::time::Duration;

use counterpoint_dns::time::Timestamp;

use crate::{
    config::Config,
    log::{Track, Version},
    place::Place,
    sabotage::Sabotage,
};

/// One instance that takes part in a turnover.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    /// Which.
    pub place: &'a Place,
    /// What was seen there.
    pub track: Option<&'a Track>,
    /// No TTL there was ever longer.
    pub max_ttl: Duration,
}

/// How something new has taken over from everything older, at every instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turnover {
    /// t(x): when the last instance was seen to have begun serving it.
    pub begun: Timestamp,
    /// The longest TTL of the new.
    pub ttl: Duration,
    /// stale-until(x): when the last cache drops the last older version.
    pub stale_until: Timestamp,
}

impl Turnover {
    /// When no cache is without it any more, before any safety.
    pub(crate) fn end(&self, config: &Config) -> Timestamp {
        let by_new = self.begun + self.ttl;
        match config.has(Sabotage::NewTtlInsteadOfOld) {
            true => by_new,
            false => by_new.max(self.stale_until),
        }
    }

    /// The end with safety.
    pub(crate) fn deadline(&self, config: &Config) -> Timestamp {
        let end = self.end(config);
        end + config.safety.of(end - self.begun)
    }
}

/// How `has` took over at all of `sources`; `Err` with those that were last seen without it, or
/// never seen at all.
pub(crate) fn turnover<'a>(
    config: &Config,
    sources: impl IntoIterator<Item = Source<'a>>,
    has: impl Fn(&Version) -> bool,
) -> Result<Turnover, Vec<&'a Place>> {
    let mut whole = Turnover {
        begun: Timestamp::MIN,
        ttl: Duration::ZERO,
        stale_until: Timestamp::MIN,
    };
    let mut without = Vec::new();
    for source in sources {
        let Some(track) = source.track else {
            without.push(source.place);
            continue;
        };
        match one(config, track, source.max_ttl, &has) {
            Some(one) => {
                whole.begun = whole.begun.max(one.begun);
                whole.ttl = whole.ttl.max(one.ttl);
                whole.stale_until = whole.stale_until.max(one.stale_until);
            }
            None => without.push(source.place),
        }
    }
    match without.is_empty() {
        true => Ok(whole),
        false => Err(without),
    }
}

/// Whether an instance that does not answer passes for one that shows what is wanted: never.
pub(crate) fn silence_is_consent(config: &Config) -> bool {
    config.has(Sabotage::UnknownIsEqual)
}

/// The turnover at one instance; `None` if it was last seen without.
fn one(
    config: &Config,
    track: &Track,
    max_ttl: Duration,
    has: &impl Fn(&Version) -> bool,
) -> Option<Turnover> {
    let run = track
        .versions
        .iter()
        .rev()
        .take_while(|version| has(version))
        .count();
    let first = track.versions.len().checked_sub(run.max(1))?;
    if run == 0 {
        let silent = track.unknown_since.filter(|_| silence_is_consent(config))?;
        return Some(Turnover {
            begun: silent,
            ttl: Duration::ZERO,
            stale_until: silent + track.current().map_or(max_ttl, Version::ttl),
        });
    }
    let begun = track.versions[first].first_seen;
    let ttl = track.versions[first..].iter().map(Version::ttl).max()?;
    let pairs = track.versions.iter().zip(track.versions.iter().skip(1));
    let mut stale: Vec<Timestamp> = pairs
        .filter(|(version, _)| !has(version))
        .map(|(version, next)| next.first_seen + version.ttl())
        .collect();
    if config.has(Sabotage::LastVersionOnly) {
        stale = stale.pop().into_iter().collect();
    } else {
        stale.extend(track.unseen_until.iter().map(|until| *until + max_ttl));
    }
    Some(Turnover {
        begun,
        ttl,
        stale_until: stale.into_iter().max().unwrap_or(Timestamp::MIN),
    })
}

/// When the last cache drops what `source` served, if it could be asked until `reach_end`.
pub(crate) fn held_until(source: Source<'_>, reach_end: Timestamp) -> Timestamp {
    let Some(track) = source.track else {
        return reach_end + source.max_ttl;
    };
    let ends = track.versions.iter().skip(1).map(|next| next.first_seen);
    let ends = ends.chain([Timestamp::MAX]);
    let versions = track.versions.iter().zip(ends);
    let seen = versions.map(|(version, end)| end.min(reach_end) + version.ttl());
    let unseen = track
        .unseen_until
        .iter()
        .map(|until| *until + source.max_ttl);
    // Never seen to answer: only the declaration bounds it.
    let never = track
        .versions
        .is_empty()
        .then_some(reach_end + source.max_ttl);
    seen.chain(unseen).chain(never).max().unwrap_or(reach_end)
}

/// When the last cache drops what a silent `source` served while it `matches`: it may have served
/// until the first time that it did not answer. `None` if it answers.
pub(crate) fn silent_until(
    source: Source<'_>,
    matches: impl Fn(&Version) -> bool,
) -> Option<Timestamp> {
    let track = source.track?;
    let silent = track.unknown_since?;
    let last = track.versions.last().filter(|version| matches(version));
    let ttl = match (&last, track.versions.is_empty()) {
        (Some(version), _) => version.ttl(),
        (None, true) => source.max_ttl,
        (None, false) => Duration::ZERO,
    };
    Some(held_until(source, silent).max(silent + ttl))
}

#[cfg(test)]
mod tests;
