//! What caches may keep, and since when: versions of the same content gathered into classes.
//!
//! Owns *hold windows*. A version fetched during `[a, b)` may be kept during `[a, b + ttl)`; a TTL
//! of zero keeps it for the query that fetched it, so during `[a, b)`. Who conflicts with whom is
//! decided elsewhere.

use std::{collections::BTreeMap, time::Duration};

use super::{
    history::{Signature, Version},
    intervals::{Interval, Intervals},
    reach::Reach,
};
use crate::time::Timestamp;

/// One occasion at which a class could be fetched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    /// Index of the version in its list of the history.
    pub version: usize,
    /// When it was served by an instance in reach.
    pub fetchable: Interval,
    /// Its TTL.
    pub ttl: Duration,
}

/// All versions that are the same to every cache: same content, same signatures.
#[derive(Debug)]
pub(super) struct Class<'h, C> {
    /// One of the versions.
    pub version: &'h Version<C>,
    /// Every occasion to fetch it.
    pub sources: Vec<Source>,
}

impl<C> Class<'_, C> {
    /// When some cache may hold it, if a TTL `t` means `kept(t)`.
    pub fn held(&self, kept: impl Fn(Duration) -> Duration) -> Intervals {
        self.sources
            .iter()
            .map(|source| source.fetchable.kept(kept(source.ttl)))
            .collect()
    }

    /// When it could be fetched, by TTL.
    pub fn fetchable(&self) -> BTreeMap<Duration, Intervals> {
        let mut by_ttl: BTreeMap<Duration, Vec<Interval>> = BTreeMap::new();
        for source in &self.sources {
            by_ttl.entry(source.ttl).or_default().push(source.fetchable);
        }
        by_ttl
            .into_iter()
            .map(|(ttl, spans)| (ttl, spans.into_iter().collect()))
            .collect()
    }
}

/// Gathers the versions that could ever be fetched into classes by `key`, in order of first mention.
pub(super) fn classes<'h, C, K: Ord>(
    versions: &'h [Version<C>],
    reach: &Reach,
    key: impl Fn(&'h Version<C>) -> K,
) -> Vec<Class<'h, C>> {
    let mut index: BTreeMap<K, usize> = BTreeMap::new();
    let mut classes: Vec<Class<'h, C>> = Vec::new();
    for (number, version) in versions.iter().enumerate() {
        for fetchable in reach.fetchable(version) {
            let class = *index.entry(key(version)).or_insert_with(|| {
                classes.push(Class {
                    version,
                    sources: Vec::new(),
                });
                classes.len() - 1
            });
            classes[class].sources.push(Source {
                version: number,
                fetchable,
                ttl: version.ttl,
            });
        }
    }
    classes
}

/// When a signature holds. Validators compare whole seconds and include the last one (RFC 4035 §5.3.1).
pub(super) fn validity(signature: &Signature) -> Interval {
    Interval::new(
        signature.inception,
        signature.expiration + Duration::from_secs(1),
    )
}

/// When any of the signatures holds.
pub(super) fn any_valid(signatures: &[Signature]) -> Intervals {
    signatures.iter().map(validity).collect()
}

/// A class during one maximal interval.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// Which class (or whatever else the caller numbers).
    pub class: usize,
    /// When.
    pub during: Interval,
}

/// Lists the windows of numbered sets, by start.
pub(super) fn windows<'s>(sets: impl IntoIterator<Item = (usize, &'s Intervals)>) -> Vec<Window> {
    let mut windows: Vec<Window> = sets
        .into_iter()
        .flat_map(|(class, set)| set.iter().map(move |during| Window { class, during }))
        .collect();
    windows.sort_by_key(|window| (window.during.from, window.class));
    windows
}

/// Calls `meet` once for each pair of windows that share an instant; both lists are sorted by start.
pub(super) fn meetings(left: &[Window], right: &[Window], mut meet: impl FnMut(Window, Window)) {
    let (mut lefts, mut rights) = (left.iter().peekable(), right.iter().peekable());
    let (mut live_left, mut live_right) = (Vec::<Window>::new(), Vec::<Window>::new());
    let start = |window: Option<&&Window>| window.map(|w| w.during.from);
    loop {
        let left_first = match (start(lefts.peek()), start(rights.peek())) {
            (None, None) => return,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(l), Some(r)) => l <= r,
        };
        let (next, own, other) = if left_first {
            (lefts.next(), &mut live_left, &mut live_right)
        } else {
            (rights.next(), &mut live_right, &mut live_left)
        };
        let Some(&new) = next else { return };
        let live = |window: &Window| window.during.until > new.during.from;
        other.retain(live);
        for &old in other.iter() {
            if left_first {
                meet(new, old);
            } else {
                meet(old, new);
            }
        }
        own.push(new);
    }
}

/// The last instant of an interval that a witness can name: a second before its end if there is one.
pub(super) fn late_in(span: Interval, at: Timestamp) -> Timestamp {
    if span.contains(at) {
        return at;
    }
    span.until
        .before(Duration::from_secs(1))
        .max(span.from)
        .min(at)
}
