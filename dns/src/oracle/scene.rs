//! A history as one profile and one quantifier see it: reach computed, versions in classes and read.
//!
//! Owns the preparation that all properties share, and [`Conflicts`], in which they gather what
//! they find.

use std::{cmp::Reverse, time::Duration};

use super::{
    chain::{Chain, DsView, KeyView},
    history::{Answer, Ds, History, KeyId, Signature, Version},
    holds::{Class, Source, classes, late_in},
    intervals::{Interval, Intervals},
    judgement::{Property, Quantifier, Violation},
    profile::Profile,
    reach::Reach,
    witness::{Fetch, Fetched, Witness},
};
use crate::time::Timestamp;

/// The shortest span of time.
pub(super) const TICK: Duration = Duration::from_nanos(1);

/// What one quantifier is about, for one profile.
pub(super) struct Scene<'h> {
    /// Who served what.
    pub history: &'h History,
    /// For which validators.
    pub profile: &'h Profile,
    /// Over which caches.
    pub quantifier: Quantifier,
    /// When each instance can be asked.
    pub reach: Reach,
    /// What such a validator makes of what it gets.
    pub chain: Chain<'h>,
    /// What could be fetched of DS, in classes.
    pub ds: Vec<Class<'h, Vec<Ds>>>,
    /// In the order of `ds`; `None` for those that the validator cannot use.
    pub ds_views: Vec<Option<DsView>>,
    /// The same of DNSKEY.
    pub keys: Vec<Class<'h, Vec<KeyId>>>,
    /// In the order of `keys`.
    pub key_views: Vec<KeyView<'h>>,
    /// The same of answers.
    pub answers: Vec<Class<'h, Answer>>,
}

impl<'h> Scene<'h> {
    /// Prepares a history.
    pub fn new(history: &'h History, profile: &'h Profile, quantifier: Quantifier) -> Self {
        let reach = Reach::of(history, profile.ns, |ttl| kept(profile, quantifier, ttl));
        let chain = Chain::new(history, profile);
        let by_content = |version: &'h Version<Vec<Ds>>| (&version.content, &version.signatures);
        let ds = classes(&history.ds, &reach, by_content);
        let by_content = |version: &'h Version<Vec<KeyId>>| (&version.content, &version.signatures);
        let keys = classes(&history.dnskey, &reach, by_content);
        // What an answer says does not matter: who signed it, and until when, does.
        let by_signatures = |version: &'h Version<Answer>| &version.signatures;
        let answers = classes(&history.answers, &reach, by_signatures);
        Self {
            ds_views: ds.iter().map(|class| chain.read_ds(class)).collect(),
            key_views: keys.iter().map(|class| chain.read_keys(class)).collect(),
            history,
            profile,
            quantifier,
            reach,
            chain,
            ds,
            keys,
            answers,
        }
    }

    /// How long an RRset of this TTL is kept, signatures aside.
    pub fn kept(&self, ttl: Duration) -> Duration {
        kept(self.profile, self.quantifier, ttl)
    }

    /// The DS classes that the validator can use.
    pub fn usable_ds(&self) -> impl Iterator<Item = (usize, &Class<'h, Vec<Ds>>, &DsView)> {
        self.ds
            .iter()
            .zip(&self.ds_views)
            .enumerate()
            .filter_map(|(number, (class, view))| Some((number, class, view.as_ref()?)))
    }

    /// How a DNSKEY or DS class comes to be held at `at`: by the fetch that can be kept longest.
    pub fn fetch_held<C>(
        &self,
        class: &Class<'h, C>,
        versions: &[Version<C>],
        at: Timestamp,
        what: impl Fn(&C) -> Fetched,
    ) -> Option<Fetch> {
        let held = |source: &Source| source.fetchable.kept(self.kept(source.ttl));
        let source = class
            .sources
            .iter()
            .filter(|source| held(source).contains(at))
            .max_by_key(|source| (held(source).until, Reverse(source.version)))?;
        let until = |fetched: Timestamp| fetched + self.kept(source.ttl).max(TICK);
        let fetched = fetched_at(source.fetchable, at, until);
        fetch(source, versions, fetched, until(fetched), what)
    }

    /// A class asked for at `at` itself.
    pub fn fetch_now<C>(
        &self,
        class: &Class<'h, C>,
        versions: &[Version<C>],
        at: Timestamp,
        what: impl Fn(&C) -> Fetched,
    ) -> Option<Fetch> {
        let mut sources = class.sources.iter();
        let source = sources.find(|source| source.fetchable.contains(at))?;
        fetch(source, versions, at, at + self.kept(source.ttl), what)
    }

    /// The violation that the conflicts amount to, if any begins in their range.
    pub fn violation<W: Copy + Ord>(
        &self,
        property: Property,
        conflicts: Conflicts<W>,
        witness: impl FnOnce(Timestamp, W) -> Option<Witness>,
    ) -> Option<Violation> {
        let (from, Reverse(margin), which) = conflicts.first?;
        let during: Intervals = conflicts.found.into_iter().collect();
        let witness = witness(from, which);
        debug_assert!(witness.is_some(), "every conflict can be played");
        Some(Violation {
            property,
            profile: self.profile.name.clone(),
            quantifier: self.quantifier,
            zone: self.history.zone.clone(),
            from,
            until: during.first()?.until,
            during,
            witness: witness?,
            margin,
        })
    }
}

/// How long an RRset of this TTL is kept by those that the quantifier is about.
fn kept(profile: &Profile, quantifier: Quantifier, ttl: Duration) -> Duration {
    match quantifier {
        Quantifier::AnyCache => profile.kept_by_any_cache(ttl),
        Quantifier::OneResolver => profile.kept_by_one_resolver(ttl),
    }
}

/// When within `span` to fetch what must still be held at `at`, given until when a fetch is kept.
pub(super) fn fetched_at(
    span: Interval,
    at: Timestamp,
    until: impl Fn(Timestamp) -> Timestamp,
) -> Timestamp {
    let mut fetched = late_in(span, at);
    // Halving what is left leaves room for whoever must have been fetched before.
    while fetched < at && until(fetched) <= at && fetched + TICK < span.until {
        let rest = span.until - fetched;
        fetched += (rest / 2).max(TICK);
    }
    fetched
}

/// Describes one fetch of a source.
pub(super) fn fetch<C>(
    source: &Source,
    versions: &[Version<C>],
    at: Timestamp,
    held_until: Timestamp,
    what: impl Fn(&C) -> Fetched,
) -> Option<Fetch> {
    debug_assert!(
        source.fetchable.contains(at),
        "only what is served is fetched"
    );
    let version = versions.get(source.version)?;
    Some(Fetch {
        instance: version.instance,
        what: what(&version.content),
        version: source.version,
        at,
        served_from: source.fetchable.from,
        served_until: source.fetchable.until,
        held_until,
    })
}

/// When signatures of one list hold, one by one, cut to `span`.
pub(super) fn pieces<'s>(
    span: &'s Intervals,
    signatures: impl Iterator<Item = &'s Signature> + 's,
) -> impl Iterator<Item = (Interval, Timestamp)> + 's {
    signatures
        .map(super::holds::validity)
        .flat_map(|valid| span.within(valid).map(move |piece| (piece, valid.until)))
}

/// Unsafe spans as they are found, with what is needed to tell of the first.
pub(super) struct Conflicts<W> {
    range: Interval,
    found: Vec<Interval>,
    first: Option<(Timestamp, Reverse<Duration>, W)>,
}

impl<W: Copy + Ord> Conflicts<W> {
    /// Nothing found; only what begins in `range` will be.
    pub fn beginning_in(range: Interval) -> Self {
        Self {
            range,
            found: Vec::new(),
            first: None,
        }
    }

    /// Notes an unsafe span, and until when the older of the two can be held.
    pub fn add(&mut self, gap: Interval, older_until: Timestamp, which: W) {
        if gap.is_empty() || !self.range.contains(gap.from) {
            return;
        }
        if !self.found.last().is_some_and(|last| last.covers(gap)) {
            self.found.push(gap);
        }
        // Of those that begin first, the one that asks for the longest wait tells the most.
        let candidate = (gap.from, Reverse(older_until - gap.from), which);
        if self.first.is_none_or(|first| candidate < first) {
            self.first = Some(candidate);
        }
    }
}

/// Until when the older of two windows lasts.
pub(super) fn older_until(one: Interval, other: Interval) -> Timestamp {
    match one.from.cmp(&other.from) {
        std::cmp::Ordering::Less => one.until,
        std::cmp::Ordering::Greater => other.until,
        std::cmp::Ordering::Equal => one.until.min(other.until),
    }
}
