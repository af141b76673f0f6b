//! From observed versions to an oracle's history.
//!
//! Owns how a version of an RRset at an instance becomes one that caches could hold. Knows neither
//! how it will go on (`guard`) nor where it was written down (`audit`).

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use counterpoint_dns::{
    key::Dnskey,
    name::Name,
    oracle::history::{
        Answer, Ds as DsRecord, History, Instance, InstanceId, Key, KeyId, Side, Signature,
        Version as Judged,
    },
    rdata::{Ds, Rdata},
    time::Timestamp,
};

use crate::{
    config::SignerName,
    log::Version,
    place::{Item, Owner, Place},
};

/// The parent's own key, which signs every DS RRset.
const PARENT_KEY: KeyId = KeyId(0);

/// What must be known beside the versions.
pub(crate) trait Ground {
    /// The zone.
    fn zone(&self) -> &Name;
    /// Who generated a key.
    fn owner(&self, key: &Rdata) -> Option<&SignerName>;
    /// Every instance that a nameserver name leads to.
    fn named(&self, name: &Name) -> Vec<&Place>;
    /// No TTL at this signer was ever longer.
    fn max_ttl(&self, signer: &SignerName) -> Duration;
}

/// Writes the history of one zone.
pub(crate) struct Scribe<'a, G> {
    /// What is known.
    pub ground: &'a G,
    /// What was written so far.
    pub history: History,
    instances: BTreeMap<Place, InstanceId>,
    keys: BTreeMap<Rdata, KeyId>,
}

impl<'a, G: Ground> Scribe<'a, G> {
    /// An empty history.
    pub(crate) fn new(ground: &'a G) -> Self {
        let mut history = History {
            zone: ground.zone().to_string(),
            ..History::default()
        };
        history.keys.push(Key {
            label: "the parent's".into(),
            algorithm: 0,
            usable: true,
        });
        Self {
            ground,
            history,
            instances: BTreeMap::new(),
            keys: BTreeMap::new(),
        }
    }

    /// The id of an instance.
    pub(crate) fn instance(&mut self, place: &Place) -> InstanceId {
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
            let owner = self.ground.owner(data);
            let owner = owner.map_or_else(|| "nobody's".into(), |name| name.to_string());
            self.history.keys.push(Key {
                label: format!("{owner} key {}", key.tag()),
                algorithm: key.algorithm,
                usable: key.is_usable(),
            });
        }
        Some(id)
    }

    /// Takes note of keys. Every key that a DS may name must be known before that DS is written.
    pub(crate) fn keys(&mut self, data: &BTreeSet<Rdata>) -> Vec<KeyId> {
        data.iter().filter_map(|key| self.key(key)).collect()
    }

    /// Signers refresh their signatures: that they will expire one day is no change's fault.
    fn signatures(&mut self, version: &Version) -> Vec<Signature> {
        let keys = self.keys(&version.signed_by);
        keys.into_iter().map(for_ever).collect()
    }

    fn ds(&self, data: &BTreeSet<Rdata>) -> Vec<DsRecord> {
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
                    .find(|(key, _)| key.matches(self.ground.zone(), &ds))
                    .map(|(_, id)| *id),
                algorithm: ds.algorithm,
                digest_type: ds.digest_type,
            })
            .collect()
    }

    fn named(&self, data: &BTreeSet<Rdata>) -> Vec<InstanceId> {
        let names: Vec<Name> = data.iter().filter_map(Rdata::as_name).collect();
        let places = names.iter().flat_map(|name| self.ground.named(name));
        places
            .filter_map(|place| self.instances.get(place).copied())
            .collect()
    }

    /// Writes that `place` served `version` of `item` from `from` until `until`.
    pub(crate) fn version(
        &mut self,
        place: &Place,
        item: &Item,
        version: &Version,
        from: Timestamp,
        until: Timestamp,
    ) {
        let instance = self.instance(place);
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
                let longest = match &place.owner {
                    Owner::Signer(name) => self.ground.max_ttl(name).max(ttl),
                    Owner::Parent => ttl,
                };
                self.history
                    .answers
                    .push(judged!(Answer { example }, longest, signatures));
            }
            // No validator asks for signals.
            Item::Cds | Item::Cdnskey | Item::Csync | Item::Address(..) | Item::Signal(..) => {}
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
