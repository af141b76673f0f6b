//! Signals that the parent may still act upon: published without effect so far, or withdrawn a
//! moment ago.
//!
//! Owns the rule that until then the parent's RRset counts as both what it is and what was asked
//! for, for waits and guard alike.

use std::collections::BTreeSet;

use counterpoint_dns::{
    name::Name,
    rdata::{Ds, Rdata},
    time::Timestamp,
};

use crate::{
    case::Case,
    config::SignerName,
    log::{Log, Track, Version},
    place::{Item, Owner, Place},
    sabotage::Sabotage,
};

/// A request that was replaced, and when.
struct Withdrawn<'a> {
    place: &'a Place,
    version: &'a Version,
    at: Timestamp,
}

/// Whether the waits forget that there are any; the guard never does.
fn are_ignored(case: &Case<'_>) -> bool {
    case.config.has(Sabotage::IgnoreOutstandingSignal)
}

/// Every version of `item` at any signer that is served no longer.
fn withdrawn<'a>(log: &'a Log, item: &'a Item) -> impl Iterator<Item = Withdrawn<'a>> {
    let tracks = log
        .tracks()
        .filter(move |(place, of, _)| *of == item && place.is_public());
    tracks.flat_map(|(place, _, track)| {
        let pairs = track.versions.iter().zip(track.versions.iter().skip(1));
        pairs.map(move |(version, next)| Withdrawn {
            place,
            version,
            at: next.first_seen,
        })
    })
}

/// From when the parent acts on no CDS but the current one, if every older one has had its effect
/// or has been gone for `parent_settle`.
pub(crate) fn ds_settled(
    case: &Case<'_>,
    is_wanted: impl Fn(&BTreeSet<Rdata>) -> bool,
) -> Timestamp {
    if are_ignored(case) {
        return Timestamp::MIN;
    }
    let asked_for_else = |request: &Withdrawn<'_>| {
        let data = &request.version.data;
        !data.is_empty() && !is_wanted(data) && !had_effect(case, request.version)
    };
    let all = withdrawn(case.log, &Item::Cds).filter(asked_for_else);
    all.map(|request| request.at + case.config.parent_settle)
        .max()
        .unwrap_or(Timestamp::MIN)
}

/// The same of CSYNC and the delegation: from when the parent brings about no NS RRset that is
/// `unwanted`.
pub(crate) fn delegation_settled(
    case: &Case<'_>,
    unwanted: impl Fn(&BTreeSet<Rdata>) -> bool,
) -> Timestamp {
    if are_ignored(case) {
        return Timestamp::MIN;
    }
    let mut settled = Timestamp::MIN;
    for (place, item, track) in case.log.tracks() {
        if *item != Item::Csync || !place.is_public() {
            continue;
        }
        for (asked, asked_end) in spans(track).filter(|(asked, _)| !asked.data.is_empty()) {
            // What NS was while that CSYNC stood.
            let ns = case.log.track(place, &Item::Ns).into_iter();
            for (ns, ns_end) in ns.flat_map(spans).filter(|(ns, _)| unwanted(&ns.data)) {
                let end = asked_end.min(ns_end);
                if ns.first_seen < asked_end && ns_end > asked.first_seen && end < Timestamp::MAX {
                    settled = settled.max(end + case.config.parent_settle);
                }
            }
        }
    }
    settled
}

/// Versions with their ends.
pub(crate) fn spans(track: &Track) -> impl Iterator<Item = (&Version, Timestamp)> {
    let ends = track.versions.iter().skip(1).map(|next| next.first_seen);
    track.versions.iter().zip(ends.chain([Timestamp::MAX]))
}

/// Whether every instance of the parent was seen to serve what these CDS data ask for, since they do.
/// That it served the same before says nothing: a signal may come back, and still be to act upon.
fn had_effect(case: &Case<'_>, request: &Version) -> bool {
    let asked = named(&request.data);
    case.places.public(&Owner::Parent).all(|place| {
        let track = case.log.track(place, &Item::Ds).into_iter();
        let mut since = track
            .flat_map(spans)
            .filter(|(_, end)| *end > request.first_seen);
        since.any(|(version, _)| named(&version.data) == asked)
    })
}

/// The keys that DS data name, by tag and algorithm: digests are the parent's choice.
fn named(data: &BTreeSet<Rdata>) -> BTreeSet<(u16, u8)> {
    let records = data.iter().filter_map(Ds::parse);
    records.map(|ds| (ds.tag, ds.algorithm)).collect()
}

/// The nameserver names that the parent delegates to: whose signals it reads.
pub(crate) fn delegated(case: &Case<'_>) -> BTreeSet<Name> {
    let tracks = case.places.public(&Owner::Parent);
    let current = tracks.filter_map(|place| case.log.track(place, &Item::Delegation)?.current());
    current
        .flat_map(|version| version.data.iter().filter_map(Rdata::as_name))
        .collect()
}

/// Every DS RRset, as CDS data, that the parent may bring about by itself from now on.
pub(crate) fn requested_ds(
    case: &Case<'_>,
    is_asked: impl Fn(&Place) -> bool,
    now: Timestamp,
) -> Vec<BTreeSet<Rdata>> {
    let is_removal = |data: &Rdata| Ds::parse(data).is_some_and(|ds| ds.is_delete());
    let signals = signals(case, &Item::Cds, is_asked, now);
    let data = signals.map(|(_, version)| version.data.clone());
    // RFC 8078 §4: a request to remove DS is a person's doing.
    data.filter(|data| !data.iter().any(is_removal)).collect()
}

/// Every delegation that the parent may bring about by itself from now on.
pub(crate) fn requested_ns(
    case: &Case<'_>,
    is_asked: impl Fn(&Place) -> bool,
    now: Timestamp,
) -> Vec<BTreeSet<Rdata>> {
    let signals = signals(case, &Item::Csync, is_asked, now);
    let at = signals.filter_map(|(place, _)| case.log.track(place, &Item::Ns)?.current());
    at.map(|version| version.data.clone()).collect()
}

/// The NS data that the instances of `signer` serve.
pub(crate) fn ns_at(case: &Case<'_>, signer: &SignerName) -> Vec<BTreeSet<Rdata>> {
    let owner = Owner::Signer(signer.clone());
    let tracks = case.places.public(&owner);
    let current = tracks.filter_map(|place| case.log.track(place, &Item::Ns)?.current());
    current.map(|version| version.data.clone()).collect()
}

/// Whether `signer` publishes CSYNC.
pub(crate) fn has_csync(case: &Case<'_>, signer: &SignerName) -> bool {
    let owner = Owner::Signer(signer.clone());
    let mut places = case.places.public(&owner);
    places.any(|place| {
        let current = case.log.track(place, &Item::Csync).and_then(Track::current);
        current.is_some_and(|version| !version.data.is_empty())
    })
}

/// The signals that count at `now`: current, or withdrawn less than `parent_settle` ago, and then only
/// if CDS has not had its effect.
fn signals<'a>(
    case: &'a Case<'_>,
    item: &'a Item,
    is_asked: impl Fn(&Place) -> bool,
    now: Timestamp,
) -> impl Iterator<Item = (&'a Place, &'a Version)> {
    let tracks = case.log.tracks().filter(move |(_, of, _)| *of == item);
    let current = tracks.filter_map(|(place, _, track)| Some((place, track.current()?)));
    let settle = case.config.parent_settle;
    let recent = withdrawn(case.log, item)
        .filter(move |request| request.at + settle > now)
        .filter(|request| *item != Item::Cds || !had_effect(case, request.version))
        .map(|request| (request.place, request.version));
    let all = current.chain(recent);
    all.filter(move |(place, version)| is_asked(place) && !version.data.is_empty())
}
