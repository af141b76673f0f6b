//! What a log shows of one zone, and the oracle's history of it.
//!
//! Owns what a log leaves open. Between the last look that showed one version and the first that showed
//! the next, either counts as served. What was served before the first look, and since the last, counts as
//! what that look showed. What an instance that did not answer served, nobody knows: the log says for how
//! long. Who was said to be dead is taken to serve nothing since it fell silent.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use counterpoint_dns::{
    name::Name,
    oracle::history::{History, Span},
    rdata::Rdata,
    time::{Timestamp, human},
};

use super::{Declared, Observed, Seen, seen::track_name};
use crate::{
    config::{Config, SignerName},
    log::Version,
    place::{Item, Owner, Place},
    scribe::{Ground, Scribe},
};

/// What a log shows of one zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// The oracle's history.
    pub history: History,
    /// The first look.
    pub from: Timestamp,
    /// The last.
    pub until: Timestamp,
    /// How many looks there were.
    pub looks: u64,
    /// What nobody saw, for people.
    pub unobserved: Vec<String>,
}

/// What was seen of one RRset at one instance.
#[derive(Debug)]
struct Traced {
    place: Place,
    item: Item,
    versions: Vec<Sighting>,
    /// When it was not known what it serves; and whether it answered without authority.
    unknown: Vec<(Timestamp, Timestamp, bool)>,
    /// Why, last.
    why: String,
}

/// One version, with the first and the last look that showed it.
#[derive(Debug)]
struct Sighting {
    version: Version,
    first: Timestamp,
    last: Timestamp,
}

/// All lines of one zone.
#[derive(Debug)]
pub(super) struct ZoneLog {
    zone: Name,
    max_ttl: BTreeMap<SignerName, Duration>,
    traces: BTreeMap<String, Traced>,
    owners: BTreeMap<Rdata, SignerName>,
    /// How many looks there were.
    pub looks: u64,
    from: Timestamp,
    until: Timestamp,
    /// When it was to become insecure.
    pub insecure: Option<Timestamp>,
    /// Who was said to be dead when it left.
    dead: BTreeSet<SignerName>,
}

impl ZoneLog {
    /// One of which nothing was seen.
    pub(super) fn new(zone: Name) -> Self {
        Self {
            zone,
            max_ttl: BTreeMap::new(),
            traces: BTreeMap::new(),
            owners: BTreeMap::new(),
            looks: 0,
            from: Timestamp::MAX,
            until: Timestamp::MIN,
            insecure: None,
            dead: BTreeSet::new(),
        }
    }

    /// A bound that was longer once may still bind.
    pub(super) fn declare(&mut self, declared: &Declared) {
        for signer in declared.max_ttl.keys() {
            let bound = self.max_ttl.entry(signer.clone()).or_default();
            *bound = (*bound).max(declared.max_ttl(signer).unwrap_or_default());
        }
    }

    /// Takes what a round of looks showed.
    pub(super) fn observe(&mut self, observed: Observed) -> Result<(), String> {
        let Observed {
            since,
            news,
            same,
            dead,
        } = observed;
        self.dead.extend(dead);
        for name in same {
            let known = self.traces.get_mut(&name);
            let trace =
                known.ok_or_else(|| format!("`same` names `{name}`, seen nowhere before"))?;
            if let Some(last) = trace.versions.last_mut() {
                last.last = last.last.max(since);
            }
            self.looked(since);
        }
        for seen in news {
            self.looked(seen.at);
            self.see(seen);
        }
        Ok(())
    }

    fn looked(&mut self, at: Timestamp) {
        self.looks += 1;
        self.from = self.from.min(at);
        self.until = self.until.max(at);
    }

    fn see(&mut self, seen: Seen) {
        let Seen {
            at,
            place,
            item,
            version,
            unknown,
            lame,
        } = seen;
        if let (Owner::Signer(signer), Some(version)) = (&place.owner, &version) {
            for key in &version.signed_by {
                let owner = self.owners.entry(key.clone());
                owner.or_insert_with(|| signer.clone());
            }
        }
        let name = track_name(&place, &item);
        let trace = self.traces.entry(name).or_insert_with(|| Traced {
            place,
            item,
            versions: Vec::new(),
            unknown: Vec::new(),
            why: String::new(),
        });
        if let Some((_, until, _)) = trace.unknown.last_mut() {
            *until = (*until).min(at);
        }
        match version {
            Some(version) => match trace.versions.last_mut() {
                Some(last) if is_same(&last.version, &version) => last.last = at,
                _ => trace.versions.push(Sighting {
                    version,
                    first: at,
                    last: at,
                }),
            },
            None => {
                trace.unknown.push((at, Timestamp::MAX, lame));
                trace.why = unknown.unwrap_or_default();
            }
        }
    }

    /// What was seen, as the oracle reads it.
    pub(super) fn witnessed(&self) -> Witnessed {
        let mut scribe = Scribe::new(self);
        let public = || {
            let traces = self.traces.values();
            traces.filter(|trace| trace.place.is_public())
        };
        for trace in public() {
            scribe.instance(&trace.place);
        }
        for trace in public().filter(|trace| trace.item == Item::Dnskey) {
            for one in &trace.versions {
                scribe.keys(&one.version.data);
            }
        }
        for trace in public() {
            let mut from = Timestamp::MIN;
            let ends = trace.versions.iter().skip(1).map(|next| next.first);
            let ends = ends.chain([self.end(trace)]);
            for (one, until) in trace.versions.iter().zip(ends) {
                scribe.version(&trace.place, &trace.item, &one.version, from, until);
                from = one.last;
            }
            let is_child = trace.place.owner != Owner::Parent;
            let lame = trace.unknown.iter().filter(|(.., lame)| *lame && is_child);
            for (from, until, _) in lame {
                let instance = scribe.instance(&trace.place);
                scribe.history.lame.push(Span {
                    instance,
                    from: *from,
                    until: *until,
                });
            }
        }
        let mut history = scribe.history;
        let had_ds = history.ds.iter().any(|version| !version.content.is_empty());
        let until = self.insecure.unwrap_or(Timestamp::MAX);
        let secure_from = self.secure_from().filter(|_| had_ds);
        history.must_be_secure = secure_from.map(|from| (from, until));
        Witnessed {
            history,
            from: self.from,
            until: self.until,
            looks: self.looks,
            unobserved: self.unobserved(),
        }
    }

    /// From when the zone must be secure: of one that began without DS, once no cache holds a denial any
    /// more. `None`: some instance of the parent never showed a DS RRset.
    fn secure_from(&self) -> Option<Timestamp> {
        let mut from = self.from;
        let traces = self.traces.values();
        for trace in traces.filter(|trace| trace.item == Item::Ds && trace.place.is_public()) {
            let first = trace.versions.first();
            if let Some(denial) = first.filter(|first| first.version.data.is_empty()) {
                let next = trace.versions.get(1)?;
                from = from.max(next.first + denial.version.ttl());
            }
        }
        Some(from)
    }

    /// When the last version of a track was served no longer: that of a signer which was said to be dead,
    /// when it fell silent for good.
    fn end(&self, trace: &Traced) -> Timestamp {
        let is_dead =
            matches!(&trace.place.owner, Owner::Signer(signer) if self.dead.contains(signer));
        let last = trace.unknown.last().filter(|_| is_dead);
        let silent = last.filter(|(_, until, _)| *until == Timestamp::MAX);
        silent.map_or(Timestamp::MAX, |(from, ..)| *from)
    }

    fn unobserved(&self) -> Vec<String> {
        let mut unobserved = Vec::new();
        for (name, trace) in self
            .traces
            .iter()
            .filter(|(_, trace)| trace.place.is_public())
        {
            if trace.versions.is_empty() {
                unobserved.push(format!("{name}: never seen ({})", trace.why));
                continue;
            }
            for (from, until, _) in &trace.unknown {
                let until = (*until).min(self.until);
                let (why, span) = (&trace.why, human(until - *from));
                unobserved.push(format!("{name}: from {from} until {until}, {span} ({why})"));
            }
        }
        unobserved
    }
}

/// Whether two versions are one: when they were seen does not matter.
fn is_same(one: &Version, other: &Version) -> bool {
    (&one.data, one.ttl, &one.signed_by) == (&other.data, other.ttl, &other.signed_by)
}

impl Ground for ZoneLog {
    fn zone(&self) -> &Name {
        &self.zone
    }

    fn owner(&self, key: &Rdata) -> Option<&SignerName> {
        self.owners.get(key)
    }

    fn named(&self, name: &Name) -> Vec<&Place> {
        let places = self.traces.values().map(|trace| &trace.place);
        let named = places.filter(|place| place.ns.as_ref().is_some_and(|ns| ns.0 == *name));
        Vec::from_iter(named.collect::<BTreeSet<&Place>>())
    }

    fn max_ttl(&self, signer: &SignerName) -> Duration {
        let declared = self.max_ttl.get(signer).copied();
        declared.unwrap_or(Config::MAX_TTL)
    }
}
