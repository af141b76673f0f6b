//! From the observation log to an oracle's history.
//!
//! Owns how an observation becomes a version, and how a change may unfold: from now on any instance
//! may serve the new version while any other goes on with the old one, and the parent's RRsets count
//! as what they are and as what signals ask of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use counterpoint_dns::{
    key::Dnskey,
    name::Name,
    oracle::history::{
        Answer, Ds as DsRecord, History, Instance, InstanceId, Key, KeyId, Side, Signature, Span,
        Version as Judged,
    },
    rdata::{Ds, Rdata},
    time::Timestamp,
};

use crate::{
    case::Case,
    log::{Track, Version},
    outstanding,
    place::{Item, Owner, Place},
    process::{Kind, Turn},
    updater::Change,
};

/// Writes the history of one zone, as it was seen and as it may go on.
pub(super) struct Builder<'a> {
    case: &'a Case<'a>,
    now: Timestamp,
    history: History,
    instances: BTreeMap<Place, InstanceId>,
    keys: BTreeMap<Rdata, KeyId>,
    /// Versions that signers may bring about when they do what they are asked.
    ahead: Vec<(Place, Item, Version)>,
}

/// The parent's own key, which signs every DS RRset.
const PARENT_KEY: KeyId = KeyId(0);

impl<'a> Builder<'a> {
    /// One that knows the instances.
    pub(super) fn new(case: &'a Case<'a>, now: Timestamp) -> Self {
        let mut builder = Self {
            case,
            now,
            history: History {
                zone: case.zone.to_string(),
                ..History::default()
            },
            instances: BTreeMap::new(),
            keys: BTreeMap::new(),
            ahead: Vec::new(),
        };
        builder.history.keys.push(Key {
            label: "the parent's".into(),
            algorithm: 0,
            usable: true,
        });
        for (place, _, _) in case.log.tracks().filter(|(place, _, _)| place.is_public()) {
            builder.instance(place);
        }
        builder
    }

    /// The id of an instance.
    fn instance(&mut self, place: &Place) -> InstanceId {
        let next = InstanceId(self.history.instances.len() as u32);
        let id = *self.instances.entry(place.clone()).or_insert(next);
        if id == next {
            self.history.instances.push(Instance {
                name: place.to_string(),
                side: match place.owner {
                    Owner::Parent => Side::Parent,
                    Owner::Signer(_) => Side::Child,
                },
            });
        }
        id
    }

    fn key(&mut self, data: &Rdata) -> Option<KeyId> {
        let key = Dnskey::parse(data)?;
        let next = KeyId(self.history.keys.len() as u32);
        let id = *self.keys.entry(data.clone()).or_insert(next);
        if id == next {
            let owner = self.case.keys.owner(data);
            let owner = owner.map_or_else(|| "nobody's".into(), |name| name.to_string());
            self.history.keys.push(Key {
                label: format!("{owner} key {}", key.tag()),
                algorithm: key.algorithm,
                usable: key.is_usable(),
            });
        }
        Some(id)
    }

    /// Signers refresh their signatures: that they will expire one day is not this change's fault.
    fn signatures(&mut self, version: &Version) -> Vec<Signature> {
        let keys: Vec<KeyId> = version
            .signed_by
            .iter()
            .filter_map(|key| self.key(key))
            .collect();
        keys.into_iter().map(for_ever).collect()
    }

    fn keys(&mut self, data: &BTreeSet<Rdata>) -> Vec<KeyId> {
        data.iter().filter_map(|key| self.key(key)).collect()
    }

    fn ds(&mut self, data: &BTreeSet<Rdata>) -> Vec<DsRecord> {
        let known: Vec<(Dnskey, KeyId)> = self
            .keys
            .iter()
            .filter_map(|(data, id)| Some((Dnskey::parse(data)?, *id)))
            .collect();
        let records = data.iter().filter_map(Ds::parse);
        records
            .map(|ds| DsRecord {
                key: known
                    .iter()
                    .find(|(key, _)| key.matches(self.case.zone, &ds))
                    .map(|(_, id)| *id),
                algorithm: ds.algorithm,
                digest_type: ds.digest_type,
            })
            .collect()
    }

    fn named(&self, data: &BTreeSet<Rdata>) -> Vec<InstanceId> {
        let names: Vec<Name> = data.iter().filter_map(Rdata::as_name).collect();
        let places = names.iter().flat_map(|name| self.case.places.named(name));
        places
            .filter_map(|place| self.instances.get(place).copied())
            .collect()
    }

    /// What was, what is, and beside it what these changes and outstanding signals may make of it.
    pub(super) fn history(mut self, changes: &[Change]) -> History {
        let log = self.case.log;
        // Keys first, so that every DS finds its own.
        for (_, _, track) in log.tracks().filter(|(_, item, _)| **item == Item::Dnskey) {
            for version in &track.versions {
                self.keys(&version.data);
            }
        }
        for change in changes.iter().filter(|change| change.item == Item::Dnskey) {
            self.keys(&change.wanted.data);
        }
        for (place, item, track) in log.tracks().filter(|(place, _, _)| place.is_public()) {
            self.past(place, item, track);
        }
        self.lame();
        for change in changes {
            self.unfold(change);
        }
        self.outstanding(changes);
        for (place, item, version) in std::mem::take(&mut self.ahead) {
            let instance = self.instance(&place);
            self.version(instance, &item, &version, self.now, Timestamp::MAX);
        }
        let has_ds = self.case.process.kind != Kind::GoInsecure
            && self
                .history
                .ds
                .iter()
                .any(|version| !version.content.is_empty());
        self.history.must_be_secure = has_ds.then_some((self.now, Timestamp::MAX));
        self.history
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
                        Turn::New(_) | Turn::SignAlso | Turn::RetireOld => continue,
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
            let instance = self.instance(&place);
            let (from, until) = (self.now, Timestamp::MAX);
            self.history.lame.push(Span {
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
                let instance = self.instance(place);
                let until = Timestamp::MAX;
                self.history.lame.push(Span {
                    instance,
                    from,
                    until,
                });
            }
        }
    }

    fn past(&mut self, place: &Place, item: &Item, track: &Track) {
        let instance = self.instance(place);
        let is_dead = self.case.process.dead
            && matches!(&place.owner, Owner::Signer(signer) if self.case.process.is_about(signer));
        let end = match track.unknown_since {
            Some(silent) if is_dead => silent,
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
            self.version(instance, item, version, from, until);
        }
    }

    fn version(
        &mut self,
        instance: InstanceId,
        item: &Item,
        version: &Version,
        from: Timestamp,
        until: Timestamp,
    ) {
        let signatures = self.signatures(version);
        let ttl = version.ttl();
        macro_rules! judged {
            ($content:expr, $ttl:expr, $signatures:expr) => {
                Judged {
                    instance,
                    from,
                    until,
                    ttl: $ttl,
                    signatures: $signatures,
                    content: $content,
                }
            };
        }
        match item {
            Item::Ds => {
                let content = self.ds(&version.data);
                let signed = vec![for_ever(PARENT_KEY)];
                self.history.ds.push(judged!(content, ttl, signed));
            }
            Item::Dnskey => {
                let content = self.keys(&version.data);
                self.history.dnskey.push(judged!(content, ttl, signatures));
            }
            Item::Ns | Item::Delegation => {
                let content = self.named(&version.data);
                self.history.ns.push(judged!(content, ttl, signatures));
            }
            Item::Soa => {
                // It stands for every answer of this instance: same keys, the longest TTL there is.
                let example = "an answer of the zone".into();
                let longest = self.longest_ttl(instance).max(ttl);
                self.history
                    .answers
                    .push(judged!(Answer { example }, longest, signatures));
            }
            Item::Cds | Item::Cdnskey | Item::Csync | Item::Address(..) => {}
        }
    }

    fn longest_ttl(&self, instance: InstanceId) -> Duration {
        let mut places = self.instances.iter();
        let place = places
            .find(|(_, id)| **id == instance)
            .map(|(place, _)| place);
        let declared = place.and_then(|place| match &place.owner {
            Owner::Signer(name) => self.case.config.signers.get(name),
            Owner::Parent => None,
        });
        declared.map_or(Duration::ZERO, |signer| signer.max_ttl)
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
            let instance = self.instance(&place);
            let current = self
                .case
                .log
                .track(&place, &change.item)
                .and_then(Track::current);
            let version = Version {
                data: change.wanted.data.clone(),
                ttl: change.wanted.ttl,
                signed_by: current
                    .map(|version| version.signed_by.clone())
                    .unwrap_or_default(),
                first_seen: self.now,
                last_seen: self.now,
            };
            self.version(instance, &change.item, &version, self.now, Timestamp::MAX);
        }
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
        let ignored = outstanding::are_ignored(case);
        let mut ds: Vec<_> = outstanding::requested_ds(case, is_asked, self.now);
        let mut ns: Vec<_> = outstanding::requested_ns(case, is_asked, self.now);
        for change in changes.iter().filter(|_| !ignored) {
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
            if outstanding::has_csync(case, &change.signer) && !ignored {
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
                    let instance = self.instance(place);
                    let version = Version {
                        data: data.clone(),
                        ttl: current.map_or(0, |current| current.ttl),
                        signed_by: BTreeSet::new(),
                        first_seen: self.now,
                        last_seen: self.now,
                    };
                    self.version(instance, &item, &version, self.now, Timestamp::MAX);
                }
            }
        }
    }
}

fn for_ever(key: KeyId) -> Signature {
    Signature {
        key,
        inception: Timestamp::MIN,
        expiration: Timestamp::MAX,
    }
}
