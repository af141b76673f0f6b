//! From the observation log to an oracle's history, as it may go on.
//!
//! Owns how a change may unfold: from now on any instance may serve the new version while any other
//! goes on with the old one, and the parent's RRsets count as what they are and as what signals ask
//! of it. What nobody looked at counts as well: an instance that never was asked may serve whatever
//! others of its owner ever did, and one that was dead when it was last asked may be back since.

use std::{collections::BTreeMap, time::Duration};

use counterpoint_dns::{
    key::{Dnskey, SECURE_ENTRY_POINT},
    name::Name,
    oracle::history::{History, Span},
    rdata::Rdata,
    time::Timestamp,
};

use crate::{
    case::Case,
    config::SignerName,
    log::{Track, Version},
    outstanding,
    place::{Item, Owner, Place},
    process::{Kind, Turn},
    scribe::{Ground, Scribe},
    updater::Change,
};

impl Ground for Case<'_> {
    fn zone(&self) -> &Name {
        self.zone
    }

    fn owner(&self, key: &Rdata) -> Option<&SignerName> {
        self.keys.owner(key)
    }

    fn named(&self, name: &Name) -> Vec<&Place> {
        self.places.named(name).collect()
    }

    fn max_ttl(&self, signer: &SignerName) -> Duration {
        let declared = self.config.signers.get(signer);
        declared.map_or(Duration::ZERO, |signer| signer.max_ttl)
    }
}

/// Writes the history of one zone, as it was seen and as it may go on.
pub(super) struct Builder<'a, 'c> {
    case: &'a Case<'c>,
    now: Timestamp,
    scribe: Scribe<'a, Case<'c>>,
    /// Versions that signers may bring about when they do what they are asked.
    ahead: Vec<(Place, Item, Version)>,
}

impl<'a, 'c> Builder<'a, 'c> {
    /// One that knows the instances.
    pub(super) fn new(case: &'a Case<'c>, now: Timestamp) -> Self {
        let mut scribe = Scribe::new(case);
        for (place, _, _) in case.log.tracks().filter(|(place, _, _)| place.is_public()) {
            scribe.instance(place);
        }
        for place in case.places.reachable() {
            scribe.instance(place);
        }
        Self {
            case,
            now,
            scribe,
            ahead: Vec::new(),
        }
    }

    /// What was, what is, and beside it what these changes and outstanding signals may make of it.
    pub(super) fn history(mut self, changes: &[Change]) -> History {
        let log = self.case.log;
        // Keys first, so that every DS finds its own.
        for (_, _, track) in log.tracks().filter(|(_, item, _)| **item == Item::Dnskey) {
            for version in &track.versions {
                self.scribe.keys(&version.data);
            }
        }
        for change in changes.iter().filter(|change| change.item == Item::Dnskey) {
            self.scribe.keys(&change.wanted.data);
        }
        for (place, item, track) in log.tracks().filter(|(place, _, _)| place.is_public()) {
            self.past(place, item, track);
        }
        self.unseen();
        self.lame();
        for change in changes {
            self.unfold(change);
        }
        self.outstanding(changes);
        for (place, item, version) in std::mem::take(&mut self.ahead) {
            self.write(&place, &item, &version);
        }
        let secure_from = self.secure_from();
        let mut history = self.scribe.history;
        let has_ds = self.case.process.kind != Kind::GoInsecure
            && history.ds.iter().any(|version| !version.content.is_empty());
        let secure_from = secure_from.filter(|_| has_ds);
        history.must_be_secure = secure_from.map(|from| (from, Timestamp::MAX));
        history
    }

    /// From when no cache takes the zone for unsigned any more: of a first DS RRset, once every denial
    /// has run out. `None`: the parent denies it still.
    fn secure_from(&self) -> Option<Timestamp> {
        let Case { log, places, .. } = *self.case;
        let mut from = self.now;
        for place in places.public(&Owner::Parent) {
            let track = log.track(place, &Item::Ds).into_iter();
            for (version, end) in track.flat_map(outstanding::spans) {
                match (version.data.is_empty(), end) {
                    (false, _) => {}
                    (true, Timestamp::MAX) => return None,
                    (true, end) => from = from.max(end + version.ttl()),
                }
            }
        }
        Some(from)
    }

    /// What signers bring about from now on when they do this, each instance in its own time.
    pub(super) fn turn(&mut self, turn: Turn) {
        let old = &self.case.process.old;
        for signer in self.case.whose_turn() {
            for place in self.case.places.public(&Owner::Signer(signer)) {
                for item in [Item::Dnskey, Item::Soa] {
                    let track = self.case.log.track(place, &item);
                    let Some(mut version) = track.and_then(Track::current).cloned() else {
                        continue;
                    };
                    let is_keys = item == Item::Dnskey;
                    match turn {
                        // What comes beside the old harms nobody; what the controller writes itself
                        // is judged when it does.
                        Turn::New(_) | Turn::SignAlso | Turn::RetireOld | Turn::Discard(_) => {
                            continue;
                        }
                        Turn::SignWithNew(_) if is_keys => {}
                        Turn::SignWithNew(_) => {
                            version.signed_by.extend(self.case.new_keys());
                        }
                        Turn::DropOld(_) | Turn::DropOldAlgorithm => {
                            version.data.retain(|key| !old.contains(key));
                        }
                        Turn::Unsign => {
                            version.data.clear();
                            version.signed_by.clear();
                        }
                    }
                    version.signed_by.retain(|key| !old.contains(key));
                    self.ahead.push((place.clone(), item, version));
                }
            }
        }
    }

    /// From now on the instances of `owner` do not answer.
    pub(super) fn stop(&mut self, owner: &Owner) {
        let places: Vec<Place> = self.case.places.public(owner).cloned().collect();
        for place in places {
            let instance = self.scribe.instance(&place);
            let (from, until) = (self.now, Timestamp::MAX);
            self.scribe.history.lame.push(Span {
                instance,
                from,
                until,
            });
        }
    }

    /// Signers' instances whose last answer was none.
    fn lame(&mut self) {
        let mut last: BTreeMap<&Place, &Track> = BTreeMap::new();
        for (place, _, track) in self.case.log.tracks() {
            let newest = last.entry(place).or_insert(track);
            if track.asked > newest.asked {
                *newest = track;
            }
        }
        for (place, track) in last {
            let is_child = place.is_public() && place.owner != Owner::Parent;
            if let (true, Some(_), Some(from)) = (is_child, &track.unknown, track.unknown_since) {
                let instance = self.scribe.instance(place);
                let until = Timestamp::MAX;
                self.scribe.history.lame.push(Span {
                    instance,
                    from,
                    until,
                });
            }
        }
    }

    fn past(&mut self, place: &Place, item: &Item, track: &Track) {
        let end = match track.unknown_since {
            Some(silent) if self.is_dead(place) => silent,
            _ => Timestamp::MAX,
        };
        let ends = track.versions.iter().skip(1).map(|next| next.first_seen);
        let ends: Vec<Timestamp> = ends.chain([end]).collect();
        for (index, (version, until)) in track.versions.iter().zip(ends).enumerate() {
            let from = if index == 0 {
                Timestamp::MIN
            } else {
                version.first_seen
            };
            self.scribe.version(place, item, version, from, until);
        }
        // Since it was last asked it may be back.
        if let Some(version) = track.current().filter(|_| end < Timestamp::MAX) {
            let since = self.case.probed(place).unwrap_or(end).max(end);
            self.scribe
                .version(place, item, version, since, Timestamp::MAX);
        }
    }

    /// Whether this is an instance of who leaves, and is said to be dead.
    fn is_dead(&self, place: &Place) -> bool {
        let process = self.case.process;
        let is_leaver = |signer| process.is_about(signer);
        process.dead && matches!(&place.owner, Owner::Signer(signer) if is_leaver(signer))
    }

    /// An instance that never showed an RRset may serve whatever others of its owner ever did.
    fn unseen(&mut self) {
        let Case { log, places, .. } = *self.case;
        for place in places.reachable() {
            if self.is_dead(place) {
                continue;
            }
            let siblings = log.tracks().filter(|(sibling, _, _)| {
                sibling.owner == place.owner && sibling.is_public() && *sibling != place
            });
            for (_, item, track) in siblings {
                let own = log.track(place, item).and_then(Track::current);
                if own.is_some() {
                    continue;
                }
                for (index, version) in track.versions.iter().enumerate() {
                    let from = match index {
                        0 => Timestamp::MIN,
                        _ => version.first_seen,
                    };
                    self.scribe
                        .version(place, item, version, from, Timestamp::MAX);
                }
            }
        }
    }

    /// From now on `place` may serve this version.
    fn write(&mut self, place: &Place, item: &Item, version: &Version) {
        self.scribe
            .version(place, item, version, self.now, Timestamp::MAX);
    }

    /// From now on any instance of that signer may serve the new version, while any other goes on
    /// with the old one.
    fn unfold(&mut self, change: &Change) {
        let owner = Owner::Signer(change.signer.clone());
        if !matches!(change.item, Item::Dnskey | Item::Ns) {
            return;
        }
        let places: Vec<Place> = self.case.places.public(&owner).cloned().collect();
        for place in places {
            let current = self
                .case
                .log
                .track(&place, &change.item)
                .and_then(Track::current);
            let signed_by = match change.signed_by() {
                Some(keys) => keys,
                None => {
                    let before = current.into_iter().flat_map(|version| &version.signed_by);
                    let given = self.own_entry_points(change);
                    before.chain(&given).cloned().collect()
                }
            };
            let version = Version {
                data: change.wanted.data.clone(),
                ttl: change.wanted.ttl,
                signed_by,
                expires: BTreeMap::new(),
                first_seen: self.now,
                last_seen: self.now,
            };
            self.write(&place, &change.item, &version);
        }
    }

    /// The keys by which a signer signs the DNSKEY RRset that it is given: every KSK and CSK of its own.
    fn own_entry_points(&self, change: &Change) -> Vec<Rdata> {
        if change.item != Item::Dnskey {
            return Vec::new();
        }
        let own = self.case.keys.of(&change.signer);
        let is_entry_point = |key: &&Rdata| {
            Dnskey::parse(key).is_some_and(|key| key.flags & SECURE_ENTRY_POINT != 0)
        };
        let given = own.filter(|key| change.wanted.data.contains(key));
        given.filter(is_entry_point).cloned().collect()
    }

    /// The parent's RRsets count as what they are and as what signals, these changes among them, ask
    /// of it.
    fn outstanding(&mut self, changes: &[Change]) {
        let case = self.case;
        let delegated = outstanding::delegated(case);
        let is_asked = |place: &Place| {
            place
                .ns
                .as_ref()
                .is_some_and(|ns| delegated.contains(&ns.0))
        };
        let mut ds: Vec<_> = outstanding::requested_ds(case, is_asked, self.now);
        let mut ns: Vec<_> = outstanding::requested_ns(case, is_asked, self.now);
        for change in changes {
            let owner = Owner::Signer(change.signer.clone());
            if !case.places.public(&owner).any(&is_asked) || change.wanted.data.is_empty() {
                continue;
            }
            match change.item {
                Item::Cds => ds.push(change.wanted.data.clone()),
                Item::Csync => ns.extend(outstanding::ns_at(case, &change.signer)),
                _ => {}
            }
        }
        // What a signal asks for while NS changes under it is the new NS.
        for change in changes.iter().filter(|change| change.item == Item::Ns) {
            if outstanding::has_csync(case, &change.signer) {
                ns.push(change.wanted.data.clone());
            }
        }
        let parents: Vec<Place> = case.places.public(&Owner::Parent).cloned().collect();
        for (item, all) in [(Item::Ds, ds), (Item::Delegation, ns)] {
            for place in &parents {
                let current = case.log.track(place, &item).and_then(Track::current);
                for data in &all {
                    if current.is_some_and(|current| current.data == *data) {
                        continue;
                    }
                    let version = Version {
                        data: data.clone(),
                        ttl: current.map_or(0, |current| current.ttl),
                        signed_by: Default::default(),
                        expires: BTreeMap::new(),
                        first_seen: self.now,
                        last_seen: self.now,
                    };
                    self.write(place, &item, &version);
                }
            }
        }
    }
}
