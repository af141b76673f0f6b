//! The observation log: which instance served what, from when, until when, as far as was seen.
//!
//! Owns what waits and guard rest on. Knows nothing of processes. *Unknown* never becomes a version:
//! an instance that does not answer goes on serving whatever it may serve.

mod record;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use counterpoint_dns::{
    key::Dnskey,
    rdata::{Rdata, Soa},
    rrset::SignedRrSet,
    signature::Rrsig,
    time::Timestamp,
    validate::shared::SharedVerifier,
};
use serde::{Deserialize, Serialize};

use crate::{
    place::{Item, Place},
    store,
};

/// After a longer silence on our side, other versions may have come and gone unseen.
const WATCHED_AT_LEAST_EVERY: Duration = Duration::from_secs(4_200);
/// How long versions are kept after no cache holds them any more.
const KEPT_AFTERWARDS: Duration = Duration::from_secs(86_400);

/// Why it is not known what an instance serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// It was not asked.
    NotAsked,
    /// It did not answer.
    Silent(String),
    /// It answered, but not with authority: REFUSED, SERVFAIL, a referral.
    NotAuthoritative(String),
    /// It answered what is not authentic.
    Bogus(String),
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked => f.write_str("not asked yet"),
            Self::Silent(why) | Self::NotAuthoritative(why) => f.write_str(why),
            Self::Bogus(why) => write!(f, "bogus: {why}"),
        }
    }
}

/// One version of one RRset at one instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Version {
    /// The data; none for a proof that there are none. Not kept of SOA, whose serial moves.
    #[serde(with = "store::data")]
    pub data: BTreeSet<Rdata>,
    /// TTL as served, seconds; of a denial, what RFC 2308 §5 makes of it.
    pub ttl: u32,
    /// The keys whose signatures on it verify.
    #[serde(
        with = "store::data",
        default,
        skip_serializing_if = "BTreeSet::is_empty"
    )]
    pub signed_by: BTreeSet<Rdata>,
    /// When each of those signatures expires, as it was seen last.
    #[serde(skip)]
    pub expires: BTreeMap<Rdata, Timestamp>,
    /// When it was first seen.
    #[serde(with = "store::instant")]
    pub first_seen: Timestamp,
    /// When it was last seen, as far as was written down.
    #[serde(with = "store::instant")]
    pub last_seen: Timestamp,
}

impl Version {
    /// The TTL as a span.
    pub(crate) fn ttl(&self) -> Duration {
        Duration::from_secs(self.ttl.into())
    }
}

/// All that was seen of one RRset at one instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Track {
    /// In the order in which they were seen.
    pub versions: Vec<Version>,
    /// When something that nobody saw may have been replaced by what was seen then.
    #[serde(with = "store::instants")]
    pub unseen_until: Vec<Timestamp>,
    /// Since when it has not answered with authority.
    #[serde(with = "store::maybe_instant", default)]
    pub unknown_since: Option<Timestamp>,
    /// When it was last asked.
    #[serde(skip)]
    pub asked: Option<Timestamp>,
    /// Why the last answer is not usable, if it is not.
    #[serde(skip)]
    pub unknown: Option<Unknown>,
    /// The last SOA, where that was asked for.
    #[serde(skip)]
    pub soa: Option<Soa>,
    /// The signatures of what was shown last, and how often the known keys had changed by then.
    #[serde(skip)]
    signatures: Option<(u64, Vec<Rrsig>)>,
}

impl Track {
    /// The version that was served when this was last known.
    pub(crate) fn current(&self) -> Option<&Version> {
        self.versions.last()
    }

    /// What was shown by an answer at or after `since`.
    pub(crate) fn shown_since(&self, since: Timestamp) -> Result<&Version, Unknown> {
        match (&self.unknown, self.asked) {
            (_, None) => Err(Unknown::NotAsked),
            (_, Some(asked)) if asked < since => Err(Unknown::NotAsked),
            (Some(why), _) => Err(why.clone()),
            (None, _) => self.current().ok_or(Unknown::NotAsked),
        }
    }

    /// Whether this is, to the signature, what was shown last, and the same keys are known.
    fn is_repeated(&self, signed: &SignedRrSet, keys_changed: u64) -> bool {
        let SignedRrSet { set, signatures } = signed;
        let last = self.signatures.as_ref();
        self.unknown.is_none()
            && self.unknown_since.is_none()
            && last.is_some_and(|(changed, last)| *changed == keys_changed && last == signatures)
            && self.current().is_some_and(|last| {
                let is_same = match &self.soa {
                    Some(soa) => set.data.iter().find_map(Soa::parse).as_ref() == Some(soa),
                    None => last.data == set.data,
                };
                is_same && last.ttl == set.ttl
            })
    }

    /// Takes one answer; whether anything is worth writing down.
    fn observe(&mut self, now: Timestamp, shown: Result<Version, Unknown>) -> bool {
        let asked = self.asked.replace(now);
        let version = match shown {
            Ok(version) => version,
            Err(why) => {
                self.unknown = Some(why);
                let news = self.unknown_since.is_none();
                self.unknown_since.get_or_insert(now);
                return news;
            }
        };
        // It serves the zone again: nobody knows what it began with.
        if let Some(Unknown::NotAuthoritative(_)) = self.unknown.take()
            && !self.versions.is_empty()
        {
            self.unseen_until.push(now);
        }
        let mut news = self.unknown_since.take().is_some();
        match self.versions.last_mut() {
            Some(last)
                if (&last.data, last.ttl, &last.signed_by)
                    == (&version.data, version.ttl, &version.signed_by) =>
            {
                last.last_seen = now;
                last.expires = version.expires;
            }
            last => {
                let watched = last.is_some_and(|last| {
                    now - asked.unwrap_or(last.last_seen).max(last.last_seen)
                        <= WATCHED_AT_LEAST_EVERY
                });
                if !watched {
                    self.unseen_until.push(now);
                }
                self.versions.push(version);
                news = true;
            }
        }
        news
    }

    /// Forgets what no cache has held for long.
    fn prune(&mut self, now: Timestamp, max_ttl: Duration) {
        self.unseen_until
            .retain(|until| *until + max_ttl + KEPT_AFTERWARDS > now);
        let ends: Vec<Timestamp> = self.versions.iter().skip(1).map(|v| v.first_seen).collect();
        let mut ends = ends.into_iter();
        self.versions.retain(|version| match ends.next() {
            Some(end) => end + version.ttl().max(max_ttl) + KEPT_AFTERWARDS > now,
            None => true,
        });
    }
}

/// All tracks of one zone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    tracks: BTreeMap<Place, BTreeMap<Item, Track>>,
    /// Keys that are known although nobody serves them.
    announced: BTreeSet<Rdata>,
    /// How often the keys that are known may have changed.
    keys_changed: u64,
    verifier: SharedVerifier,
    /// It was read from one record for all of it.
    is_whole: bool,
    /// Records of single tracks, as earlier versions wrote them.
    single: Vec<String>,
}

impl Log {
    /// Uses a verifier that others use too.
    pub(crate) fn share(&mut self, verifier: SharedVerifier) {
        self.verifier = verifier;
    }

    /// Who verifies.
    pub(crate) fn verifier(&self) -> &SharedVerifier {
        &self.verifier
    }

    /// Signatures by this key are recognised although nobody serves it.
    pub(crate) fn announce(&mut self, key: &Rdata) {
        self.keys_changed += 1;
        self.announced.insert(key.clone());
    }

    /// Up to `at` everything that does not change was seen: there is no gap of a restart.
    pub(crate) fn watched_until(&mut self, at: Timestamp) {
        for (item, track) in self.tracks.values_mut().flatten() {
            if item.is_watched() && track.unknown_since.is_none() {
                track.asked = track.asked.max(Some(at));
            }
        }
    }

    /// One track.
    pub(crate) fn track(&self, place: &Place, item: &Item) -> Option<&Track> {
        self.tracks.get(place)?.get(item)
    }

    /// Where anything was looked at.
    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        self.tracks.keys()
    }

    /// All of them.
    pub(crate) fn tracks(&self) -> impl Iterator<Item = (&Place, &Item, &Track)> {
        self.tracks.iter().flat_map(|(place, tracks)| {
            let tracks = tracks.iter();
            tracks.map(move |(item, track)| (place, item, track))
        })
    }

    /// What `place` has shown of `item` since `since`.
    pub(crate) fn shown(
        &self,
        place: &Place,
        item: &Item,
        since: Timestamp,
    ) -> Result<&Version, Unknown> {
        self.track(place, item)
            .map_or(Err(Unknown::NotAsked), |track| track.shown_since(since))
    }

    /// Takes an answer that is, to the signature, the one before; whether it is. Nobody has to verify it
    /// again.
    pub(crate) fn repeats(
        &mut self,
        now: Timestamp,
        place: &Place,
        item: &Item,
        shown: &SignedRrSet,
    ) -> bool {
        let tracks = self.tracks.get_mut(place);
        let track = tracks.and_then(|tracks| tracks.get_mut(item));
        let Some(track) = track.filter(|track| track.is_repeated(shown, self.keys_changed)) else {
            return false;
        };
        track.asked = Some(now);
        let last = track.versions.last_mut();
        last.into_iter().for_each(|last| last.last_seen = now);
        true
    }

    /// Takes one answer. Whether the track must be written down.
    pub(crate) fn observe(
        &mut self,
        now: Timestamp,
        place: &Place,
        item: &Item,
        shown: Result<SignedRrSet, Unknown>,
        max_ttl: Duration,
    ) -> bool {
        let version = shown.map(|signed| {
            let expires = self.signers_of(&signed, now);
            let signed_by = expires.keys().cloned().collect();
            let (soa, data) = match item {
                Item::Soa => (signed.set.data.iter().find_map(Soa::parse), BTreeSet::new()),
                _ => (None, signed.set.data),
            };
            let version = Version {
                data,
                ttl: signed.set.ttl,
                signed_by,
                expires,
                first_seen: now,
                last_seen: now,
            };
            (version, soa, signed.signatures)
        });
        let tracks = self.tracks.entry(place.clone()).or_default();
        let track = tracks.entry(item.clone()).or_default();
        let shown = match version {
            Ok((version, soa, signatures)) => {
                track.soa = soa;
                track.signatures = Some((self.keys_changed, signatures));
                Ok(version)
            }
            Err(why) => Err(why),
        };
        let news = track.observe(now, shown);
        if news {
            track.prune(now, max_ttl);
            self.keys_changed += u64::from(*item == Item::Dnskey);
        }
        news
    }

    /// Takes for seen what is expected: `signed_by` and all.
    #[cfg(feature = "tool")]
    pub(crate) fn foresee(
        &mut self,
        now: Timestamp,
        place: &Place,
        item: &Item,
        data: &BTreeSet<Rdata>,
        ttl: u32,
        signed_by: BTreeSet<Rdata>,
    ) {
        let tracks = self.tracks.entry(place.clone()).or_default();
        let track = tracks.entry(item.clone()).or_default();
        let version = Version {
            data: data.clone(),
            ttl,
            // What is foreseen is renewed in time.
            expires: signed_by
                .iter()
                .map(|key| (key.clone(), Timestamp::MAX))
                .collect(),
            signed_by,
            first_seen: now,
            last_seen: now,
        };
        track.observe(now, Ok(version));
        self.keys_changed += 1;
    }

    /// The keys, of those seen anywhere, whose signatures on `signed` verify, and until when they hold.
    fn signers_of(&self, signed: &SignedRrSet, now: Timestamp) -> BTreeMap<Rdata, Timestamp> {
        let dnskeys = self.tracks.values().filter_map(|of| of.get(&Item::Dnskey));
        let versions = dnskeys.flat_map(|track| &track.versions);
        let known = versions.flat_map(|version| &version.data);
        let mut verifier = self.verifier.lock();
        let mut last = |key: Dnskey| {
            let rrsigs = signed.signatures.iter();
            let made = rrsigs.filter(|rrsig| verifier.made_by(&signed.set, rrsig, &key));
            made.map(|rrsig| rrsig.validity(now).1).max()
        };
        let mut tried = BTreeSet::new();
        let untried = known
            .chain(&signed.set.data)
            .chain(&self.announced)
            .filter(|data| tried.insert(*data));
        untried
            .filter_map(|data| Some((data.clone(), last(Dnskey::parse(data)?)?)))
            .collect()
    }
}
