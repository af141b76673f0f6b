//! What one validator keeps of what it found Secure, and for how long.
//!
//! Owns the clamp of RFC 4035 §5.3.3: no longer than the TTL, nor than the signature that vouched.
//! Whether something was Secure is decided elsewhere.

use std::{cmp::Reverse, time::Duration};

use super::{
    history::Version,
    holds::{Class, Source},
    intervals::{Interval, Intervals},
    profile::Profile,
    scene::{TICK, fetch, fetched_at},
    witness::{Fetch, Fetched},
};
use crate::time::Timestamp;

/// A stretch of fetches that found a class Secure, and when what they brought may be held.
#[derive(Clone, Copy)]
pub(super) struct Kept {
    /// Its TTL as served.
    pub ttl: Duration,
    /// When it could be fetched and was Secure by one signature.
    pub fetched: Interval,
    /// Until when that signature holds.
    pub signed_until: Timestamp,
    /// The DS class by which it was Secure; that of itself for a DS class.
    pub under: usize,
}

impl Kept {
    /// When something fetched in this stretch may be held.
    fn held(&self, profile: &Profile) -> Interval {
        let until = self.until(profile, self.fetched.until);
        Interval::new(self.fetched.from, until.max(self.fetched.until))
    }

    /// Until when what came at `fetched` is held.
    fn until(&self, profile: &Profile, fetched: Timestamp) -> Timestamp {
        let cap = profile.ttl_cap.unwrap_or(Duration::MAX);
        let natural = fetched + self.ttl.min(cap);
        // RFC 4035 §5.3.3: no longer than the TTL, nor than the signature that vouched for it.
        natural
            .min(self.signed_until)
            .max(fetched + profile.ttl_floor)
    }
}

/// When something of any of these stretches may be held.
pub(super) fn held(profile: &Profile, kept: &[Kept]) -> Intervals {
    kept.iter().map(|kept| kept.held(profile)).collect()
}

/// Of those held at `at`, the one that is held longest.
pub(super) fn longest<'k>(profile: &Profile, kept: &'k [Kept], at: Timestamp) -> Option<&'k Kept> {
    let live = kept.iter().filter(|kept| kept.held(profile).contains(at));
    live.max_by_key(|kept| (kept.held(profile).until, Reverse(kept.under)))
}

/// The fetch of a class by which it is held at `at`, and for longest.
pub(super) fn fetch_kept<C>(
    profile: &Profile,
    kept: &[Kept],
    at: Timestamp,
    class: &Class<'_, C>,
    versions: &[Version<C>],
    what: Fetched,
) -> Option<Fetch> {
    let kept = longest(profile, kept, at)?;
    let fetched = fetched_at(kept.fetched, at, |fetched| kept.until(profile, fetched));
    let right = |source: &&Source| source.ttl == kept.ttl && source.fetchable.contains(fetched);
    let source = class.sources.iter().find(right)?;
    let held_until = kept.until(profile, fetched).max(fetched + TICK);
    fetch(source, versions, fetched, held_until, |_| what.clone())
}
