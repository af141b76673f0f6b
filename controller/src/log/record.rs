//! The log of a zone as one record, and back.
//!
//! Owns its form: each datum stands there once, and versions name their data by place. Signers serve the
//! same keys at every instance, so that a zone at rest is few kilobytes to read at a restart. Earlier
//! versions wrote a record a track; those are read, and replaced when the log is written next.

use std::collections::{BTreeMap, BTreeSet};

use counterpoint_dns::{agent::Record, name::Name, rdata::Rdata, time::Timestamp};
use serde::{Deserialize, Serialize};

use super::{Log, Track, Version};
use crate::{
    place::{Item, Place},
    store,
};

/// What a record says.
#[derive(Serialize, Deserialize)]
struct Stored {
    /// All data of all versions, in hexadecimal.
    data: Vec<Datum>,
    places: Vec<StoredPlace>,
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Datum(#[serde(with = "store::datum")] Rdata);

#[derive(Serialize, Deserialize)]
struct StoredPlace {
    place: Place,
    tracks: Vec<StoredTrack>,
}

#[derive(Serialize, Deserialize)]
struct StoredTrack {
    item: Item,
    versions: Vec<StoredVersion>,
    #[serde(with = "store::instants")]
    unseen_until: Vec<Timestamp>,
    #[serde(
        with = "store::maybe_instant",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    unknown_since: Option<Timestamp>,
}

/// A version; its data and keys by their places in the record's data.
#[derive(Serialize, Deserialize)]
struct StoredVersion {
    data: Vec<usize>,
    ttl: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    signed_by: Vec<usize>,
    #[serde(with = "store::instant")]
    first_seen: Timestamp,
    #[serde(with = "store::instant")]
    last_seen: Timestamp,
}

/// One track, as earlier versions wrote it.
#[derive(Deserialize)]
struct Single {
    place: Place,
    item: Item,
    track: Track,
}

impl Log {
    /// The record of all tracks, and what it replaces.
    pub(crate) fn records(&mut self, zone: &Name) -> impl Iterator<Item = Record> + use<> {
        self.is_whole = true;
        let whole = store::record(format!("log/{zone}"), &self.stored());
        let single = std::mem::take(&mut self.single).into_iter();
        let forgotten = single.map(|key| Record {
            key,
            value: String::new(),
        });
        [whole].into_iter().chain(forgotten)
    }

    /// Whether any of it is written down as earlier versions did.
    pub(crate) fn is_outdated(&self) -> bool {
        !self.single.is_empty()
    }

    /// Takes a record back. `None`: it cannot be read.
    pub(crate) fn restore(&mut self, record: &Record) -> Option<()> {
        // log/ZONE, or log/ZONE/PLACE/ITEM; the former comes first, and is newer.
        if record.key.matches('/').count() > 1 {
            self.single.push(record.key.clone());
            let Single { place, item, track } = store::read(record)?;
            if !self.is_whole {
                let tracks = self.tracks.entry(place).or_default();
                tracks.insert(item, track);
            }
            return Some(());
        }
        let Stored { data, places } = store::read(record)?;
        let of = |StoredPlace { place, tracks }| {
            let tracks = tracks.into_iter().map(|track| track.read(&data));
            Some((place, tracks.collect::<Option<_>>()?))
        };
        self.tracks = places.into_iter().map(of).collect::<Option<_>>()?;
        self.is_whole = true;
        Some(())
    }

    fn stored(&self) -> Stored {
        let tracks = self.tracks.values().flat_map(BTreeMap::values);
        let versions = tracks.flat_map(|track| &track.versions);
        let data = versions.flat_map(|version| version.data.iter().chain(&version.signed_by));
        let mut data = Vec::from_iter(data);
        data.sort_unstable();
        data.dedup();
        let numbers = |set: &BTreeSet<Rdata>| {
            let found = set.iter().map(|datum| data.binary_search(&datum));
            // All are among them.
            found.filter_map(Result::ok).collect()
        };
        let version = |version: &Version| StoredVersion {
            data: numbers(&version.data),
            ttl: version.ttl,
            signed_by: numbers(&version.signed_by),
            first_seen: version.first_seen,
            last_seen: version.last_seen,
        };
        let track = |(item, track): (&Item, &Track)| StoredTrack {
            item: item.clone(),
            versions: track.versions.iter().map(version).collect(),
            unseen_until: track.unseen_until.clone(),
            unknown_since: track.unknown_since,
        };
        let place = |(place, tracks): (&Place, &BTreeMap<Item, Track>)| StoredPlace {
            place: place.clone(),
            tracks: tracks.iter().map(track).collect(),
        };
        Stored {
            places: self.tracks.iter().map(place).collect(),
            data: data.into_iter().cloned().map(Datum).collect(),
        }
    }
}

impl StoredTrack {
    fn read(self, data: &[Datum]) -> Option<(Item, Track)> {
        let set = |numbers: Vec<usize>| {
            let data = numbers
                .into_iter()
                .map(|number| Some(data.get(number)?.0.clone()));
            data.collect::<Option<BTreeSet<Rdata>>>()
        };
        let version = |version: StoredVersion| {
            Some(Version {
                data: set(version.data)?,
                ttl: version.ttl,
                signed_by: set(version.signed_by)?,
                expires: BTreeMap::new(),
                first_seen: version.first_seen,
                last_seen: version.last_seen,
            })
        };
        let versions = self.versions.into_iter().map(version);
        let track = Track {
            versions: versions.collect::<Option<_>>()?,
            unseen_until: self.unseen_until,
            unknown_since: self.unknown_since,
            ..Track::default()
        };
        Some((self.item, track))
    }
}

#[cfg(test)]
mod tests {
    use counterpoint_dns::{
        name::parse_name,
        rrset::{RrSet, SignedRrSet},
    };

    use super::*;
    use crate::{
        config::Config,
        log::{Timestamp, Unknown},
        place::{NsName, Owner},
    };

    const ZONE: &str = "example.test.";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn place(number: u8) -> Place {
        let name = parse_name("ns.alpha.test.").unwrap();
        Place {
            owner: Owner::Signer("alpha".into()),
            address: ([192, 0, 2, number], 53).into(),
            ns: Some(NsName(name)),
        }
    }

    /// What these instances showed of the DNSKEY RRset: at this time, this key.
    fn seen(shown: &[(u8, i64, u8)]) -> Log {
        let mut log = Log::default();
        for (instance, seconds, key) in shown {
            let name = parse_name(ZONE).unwrap();
            let key = Rdata::from_octets([*key; 36]);
            let set = RrSet::new(name, Item::Dnskey.rtype(), 60, [key]);
            let signatures = Vec::new();
            let shown = Ok(SignedRrSet { set, signatures });
            let place = place(*instance);
            log.observe(at(*seconds), &place, &Item::Dnskey, shown, Config::MAX_TTL);
        }
        log
    }

    fn written(log: &mut Log) -> Vec<Record> {
        log.records(&parse_name(ZONE).unwrap()).collect()
    }

    /// The tracks as far as they are written down.
    fn lasting(log: &Log) -> Vec<(Place, Item, Track)> {
        let tracks = log.tracks().map(|(place, item, track)| {
            let track = Track {
                asked: None,
                unknown: None,
                signatures: None,
                ..track.clone()
            };
            (place.clone(), item.clone(), track)
        });
        tracks.collect()
    }

    #[test]
    fn all_tracks_come_back_from_one_record() {
        let mut log = seen(&[(1, 0, 7), (2, 0, 7), (1, 9, 8), (2, 10, 8)]);
        let silent = Err(Unknown::Silent("no answer".into()));
        log.observe(at(20), &place(2), &Item::Dnskey, silent, Config::MAX_TTL);
        let records = written(&mut log);
        assert_eq!(records.len(), 1);
        let mut restored = Log::default();
        restored.restore(&records[0]).unwrap();
        assert_eq!(lasting(&restored), lasting(&log));
        assert_eq!(written(&mut restored), records);
        let wrong = records[0].value.replace("\"data\":[0]", "\"data\":[9]");
        let wrong = Record {
            value: wrong,
            ..records[0].clone()
        };
        assert_eq!(Log::default().restore(&wrong), None, "no such datum");
    }

    #[test]
    fn data_cost_the_same_at_any_number_of_instances() {
        let octets = |instances: u8| {
            let shown = Vec::from_iter((0..instances).map(|instance| (instance, 0, 7)));
            let records = written(&mut seen(&shown));
            let key = "07".repeat(36);
            assert_eq!(records[0].value.matches(&key).count(), 1);
            records[0].value.len()
        };
        let (one, ten) = (octets(1), octets(10));
        assert!(ten - one < 9 * 300, "{one} octets, {ten} octets");
    }

    /// A record as earlier versions wrote it.
    fn single(instance: u8) -> Record {
        let key = format!("log/{ZONE}/alpha/ns.alpha.test./192.0.2.{instance} DNSKEY");
        let value = format!(
            "{{\"place\":{{\"owner\":{{\"Signer\":\"alpha\"}},\"address\":\"192.0.2.{instance}:53\",\
             \"ns\":\"ns.alpha.test.\"}},\"item\":\"Dnskey\",\"track\":{{\"versions\":[{{\"data\":[\"{}\"],\
             \"ttl\":60,\"first_seen\":0,\"last_seen\":0}}],\"unseen_until\":[0],\"unknown_since\":null}}}}",
            "07".repeat(36)
        );
        Record { key, value }
    }

    #[test]
    fn records_of_single_tracks_are_read_and_replaced() {
        let mut log = Log::default();
        let old = [single(1), single(2)];
        old.iter().for_each(|record| log.restore(record).unwrap());
        assert!(log.is_outdated());
        assert_eq!(lasting(&log), lasting(&seen(&[(1, 0, 7), (2, 0, 7)])));
        let records = written(&mut log);
        assert!(!log.is_outdated());
        assert_eq!(records[0].key, "log/example.test.");
        let forgotten = records[1..].iter();
        let forgotten = forgotten.map(|record| (&*record.key, &*record.value));
        let replaced = old.iter().map(|record| (&*record.key, ""));
        assert_eq!(Vec::from_iter(forgotten), Vec::from_iter(replaced));
    }

    #[test]
    fn who_was_killed_while_replacing_them_keeps_what_is_newer() {
        let newer = written(&mut seen(&[(1, 0, 7), (1, 9, 8)])).remove(0);
        let mut log = Log::default();
        let records = [newer.clone(), single(1)];
        assert!(newer.key < records[1].key, "as stores give them");
        records
            .iter()
            .for_each(|record| log.restore(record).unwrap());
        assert!(log.is_outdated(), "to be deleted still");
        assert_eq!(written(&mut log)[0], newer);
    }
}
