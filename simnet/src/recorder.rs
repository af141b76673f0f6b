//! Writes the history that the oracle reads: every change of what an instance serves.

use std::{collections::BTreeMap, net::IpAddr, rc::Rc, sync::Arc, time::Duration};

use counterpoint_dns::{
    key::Dnskey,
    name::{Name, RecordType},
    oracle::history::{
        Address, Answer, Ds, History, Instance, InstanceId, Key, KeyId, Side, Signature, Span,
        Version,
    },
    rdata::{self, Rdata},
    time::Timestamp,
};

use crate::{
    catalogue as describe,
    published::{Published, Served},
};

/// The history of one zone while it is being written.
#[derive(Clone, Debug)]
pub struct Recorder {
    zone: Name,
    history: History,
    instances: BTreeMap<String, InstanceId>,
    hosts: BTreeMap<Name, Vec<InstanceId>>,
    /// Who answers, or answered, at which address.
    addresses: BTreeMap<IpAddr, InstanceId>,
    keys: BTreeMap<Dnskey, KeyId>,
    matched: BTreeMap<rdata::Ds, KeyId>,
    /// What each instance serves now: indices of open versions.
    open: BTreeMap<InstanceId, Open>,
}

#[derive(Clone, Debug, Default)]
struct Open {
    ds: Option<usize>,
    dnskey: Option<usize>,
    ns: Option<usize>,
    answers: BTreeMap<Vec<Signature>, usize>,
    catalogue: Option<usize>,
    /// By the name that they are of.
    addresses: BTreeMap<InstanceId, usize>,
    lame_since: Option<Timestamp>,
    out_since: Option<Timestamp>,
    /// How many faults have taken it out of order.
    out_by: u32,
}

impl Recorder {
    /// An empty history of `zone`.
    pub fn new(zone: Name) -> Self {
        let history = History {
            zone: zone.to_string(),
            ..History::default()
        };
        Self {
            zone,
            history,
            instances: BTreeMap::new(),
            hosts: BTreeMap::new(),
            addresses: BTreeMap::new(),
            keys: BTreeMap::new(),
            matched: BTreeMap::new(),
            open: BTreeMap::new(),
        }
    }

    /// Makes an instance known, with the nameserver name that leads to it. A child instance is lame
    /// until it serves.
    pub fn instance(&mut self, name: &str, host: &Name, side: Side, address: IpAddr) {
        let id = self.moved(name, side, address);
        self.hosts.entry(host.clone()).or_default().push(id);
    }

    /// Makes an instance known to which address records alone lead.
    pub fn moved(&mut self, name: &str, side: Side, address: IpAddr) -> InstanceId {
        let id = InstanceId(self.history.instances.len() as u32);
        self.history.instances.push(Instance {
            name: name.into(),
            side,
        });
        self.instances.insert(name.into(), id);
        self.addresses.insert(address, id);
        let lame_since = (side == Side::Child).then_some(Timestamp::MIN);
        self.open.insert(
            id,
            Open {
                lame_since,
                ..Open::default()
            },
        );
        id
    }

    /// Makes a key known under the label that reports use.
    pub fn key(&mut self, key: &Dnskey, label: String) {
        if self.keys.contains_key(key) {
            return;
        }
        let id = KeyId(self.history.keys.len() as u32);
        let facts = Key {
            label,
            algorithm: key.algorithm,
            usable: key.is_usable(),
        };
        self.history.keys.push(facts);
        self.keys.insert(key.clone(), id);
    }

    /// The label of a key, or its tag.
    pub fn label(&self, key: &Dnskey) -> String {
        match self.keys.get(key) {
            Some(id) => self.history.keys[id.0 as usize].label.clone(),
            None => format!("({})", key.tag()),
        }
    }

    /// The label of the key that a DS names, or its tag.
    pub fn label_of_ds(&self, zone: &Name, ds: &rdata::Ds) -> String {
        match self.keys.keys().find(|key| key.matches(zone, ds)) {
            Some(key) => self.label(key),
            None => format!("({})", ds.tag),
        }
    }

    /// When the zone must be signed.
    pub fn must_be_secure(&mut self, from: Timestamp, until: Timestamp) {
        self.history.must_be_secure = Some((from, until));
    }

    /// A parent instance serves this version of the parent zone from now on.
    pub fn parent_serves(&mut self, instance: &str, parent: &Published, now: Timestamp) {
        let Some(&id) = self.instances.get(instance) else {
            return;
        };
        if let Some(ns) = parent.get(&self.zone, RecordType::NS) {
            self.ns(id, ns, now);
            self.addresses(id, parent, now);
            if let Some(served) = parent.ds_or_denial(&self.zone) {
                self.ds(id, &served, now);
            }
        }
    }

    /// A child instance serves this version of the zone from now on.
    pub fn child_serves(&mut self, instance: &str, zone: &Published, now: Timestamp) {
        let Some(&id) = self.instances.get(instance) else {
            return;
        };
        if let Some(open) = self.open.get_mut(&id)
            && let Some(from) = open.lame_since.take()
            && from < now
        {
            self.history.lame.push(Span {
                instance: id,
                from,
                until: now,
            });
        }
        if let Some(served) = zone.apex(RecordType::DNSKEY) {
            let keys = served.set.data.iter().filter_map(Dnskey::parse);
            let content = keys
                .filter_map(|key| self.keys.get(&key).copied())
                .collect();
            let version = self.version(id, served, content, now);
            let open = self.open.entry(id).or_default();
            replace(&mut self.history.dnskey, &mut open.dnskey, version, now);
        } else if let Some(soa) = zone.apex(RecordType::SOA) {
            // An unsigned zone says that it has no keys, for as long as denials are held.
            let version = self.version(id, soa, Vec::new(), now);
            let open = self.open.entry(id).or_default();
            replace(&mut self.history.dnskey, &mut open.dnskey, version, now);
        }
        if let Some(served) = zone.apex(RecordType::NS) {
            self.ns(id, served, now);
        }
        self.addresses(id, zone, now);
        self.answers(id, zone, now);
        self.catalogue(id, zone, now);
    }

    /// A child instance does not serve the zone any more.
    pub fn child_stops(&mut self, instance: &str, now: Timestamp) {
        let Some(&id) = self.instances.get(instance) else {
            return;
        };
        let open = self.open.insert(
            id,
            Open {
                lame_since: Some(now),
                ..Open::default()
            },
        );
        let open = open.unwrap_or_default();
        end(&mut self.history.dnskey, open.dnskey, now);
        end(&mut self.history.ns, open.ns, now);
        end(&mut self.history.catalogues, open.catalogue, now);
        for index in open.addresses.into_values() {
            end(&mut self.history.addresses, Some(index), now);
        }
        for index in open.answers.into_values() {
            end(&mut self.history.answers, Some(index), now);
        }
        if let Some(entry) = self.open.get_mut(&id) {
            entry.out_since = open.out_since;
            entry.out_by = open.out_by;
        }
    }

    /// An injected fault takes an instance out of order, or brings it back.
    pub fn outage(&mut self, instance: &str, is_out: bool, now: Timestamp) {
        let Some(&id) = self.instances.get(instance) else {
            return;
        };
        let open = self.open.entry(id).or_default();
        open.out_by = match is_out {
            true => open.out_by + 1,
            false => open.out_by.saturating_sub(1),
        };
        if is_out {
            open.out_since.get_or_insert(now);
        } else if open.out_by == 0
            && let Some(from) = open.out_since.take()
        {
            self.history.outages.push(Span {
                instance: id,
                from,
                until: now,
            });
        }
    }

    /// The history: what is served now counts as served for ever.
    pub fn history(&self) -> History {
        let mut history = self.history.clone();
        for (&instance, open) in &self.open {
            let still = |from| Span {
                instance,
                from,
                until: Timestamp::MAX,
            };
            history.lame.extend(open.lame_since.map(still));
            history.outages.extend(open.out_since.map(still));
        }
        history
    }

    fn ns(&mut self, id: InstanceId, served: &Served, now: Timestamp) {
        let hosts = served.set.data.iter().filter_map(Rdata::as_name);
        let mut content: Vec<InstanceId> = hosts
            .filter_map(|host| self.hosts.get(&host))
            .flatten()
            .copied()
            .collect();
        content.sort_unstable();
        let version = self.version(id, served, content, now);
        let open = self.open.entry(id).or_default();
        replace(&mut self.history.ns, &mut open.ns, version, now);
    }

    /// The nameserver names inside the zone, each with the instance that it led to at first.
    pub(crate) fn hosts_inside(&self) -> impl Iterator<Item = (&Name, InstanceId)> {
        let inside = self
            .hosts
            .iter()
            .filter(|(host, _)| self.zone.zone_of(host));
        inside.filter_map(|(host, ids)| Some((host, *ids.first()?)))
    }

    /// The addresses of nameserver names inside the zone: glue, or the zone's own.
    fn addresses(&mut self, id: InstanceId, zone: &Published, now: Timestamp) {
        let inside = self.hosts_inside();
        let inside: Vec<(Name, InstanceId)> = inside.map(|(host, of)| (host.clone(), of)).collect();
        for (host, of) in inside {
            let open = self.open.entry(id).or_default();
            let mut open = open.addresses.remove(&of);
            let served = [RecordType::A, RecordType::AAAA];
            let served: Vec<_> = served
                .iter()
                .filter_map(|rtype| zone.get(&host, *rtype))
                .collect();
            match served.first() {
                None => end(&mut self.history.addresses, open.take(), now),
                Some(first) => {
                    let data = served.iter().flat_map(|served| &served.set.data);
                    let leads_to = data.filter_map(Rdata::as_address);
                    let leads_to = leads_to.filter_map(|ip| self.addresses.get(&ip).copied());
                    let content = Address {
                        of,
                        leads_to: leads_to.collect(),
                    };
                    let version = self.version(id, first, content, now);
                    replace(&mut self.history.addresses, &mut open, version, now);
                }
            }
            if let Some(index) = open {
                let entry = self.open.entry(id).or_default();
                entry.addresses.insert(of, index);
            }
        }
    }

    fn ds(&mut self, id: InstanceId, served: &Served, now: Timestamp) {
        let records = match served.set.rtype {
            RecordType::DS => served
                .set
                .data
                .iter()
                .filter_map(rdata::Ds::parse)
                .collect(),
            _ => Vec::new(),
        };
        let mut content = Vec::with_capacity(records.len());
        for ds in records {
            let (algorithm, digest_type) = (ds.algorithm, ds.digest_type);
            content.push(Ds {
                key: self.matching(ds),
                algorithm,
                digest_type,
            });
        }
        let version = self.version(id, served, content, now);
        let open = self.open.entry(id).or_default();
        replace(&mut self.history.ds, &mut open.ds, version, now);
    }

    fn matching(&mut self, ds: rdata::Ds) -> Option<KeyId> {
        if let Some(id) = self.matched.get(&ds) {
            return Some(*id);
        }
        let mut keys = self.keys.iter();
        let (_, &id) = keys.find(|(key, _)| key.matches(&self.zone, &ds))?;
        self.matched.insert(ds, id);
        Some(id)
    }

    /// Answers collapse into classes by their signatures, each with the longest TTL.
    fn answers(&mut self, id: InstanceId, zone: &Published, now: Timestamp) {
        let mut classes: BTreeMap<Vec<Signature>, Rc<Served>> = BTreeMap::new();
        let own = [RecordType::DNSKEY, RecordType::CDS, RecordType::CDNSKEY];
        for served in zone
            .everything()
            .filter(|served| !own.contains(&served.set.rtype))
        {
            // Delegations and glue carry no signature and are not validated.
            if zone.cut_above(&served.set.name).is_some() && served.facts().next().is_none() {
                continue;
            }
            let class = classes
                .entry(self.signatures(served))
                .or_insert_with(|| served.clone());
            if example_rank(class) < example_rank(served) {
                *class = Rc::clone(served);
            }
        }
        let mut still = BTreeMap::new();
        let mut before = self
            .open
            .get(&id)
            .map(|open| open.answers.clone())
            .unwrap_or_default();
        for (signatures, served) in classes {
            let ttl = Duration::from_secs(served.set.ttl.into());
            let kept = before.remove(&signatures);
            let index = match kept {
                Some(index) if self.history.answers[index].ttl == ttl => index,
                replaced => {
                    end(&mut self.history.answers, replaced, now);
                    let example = format!("{} {}", served.set.name, served.set.rtype);
                    let version = self.version(id, &served, Answer { example }, now);
                    self.history.answers.push(version);
                    self.history.answers.len() - 1
                }
            };
            still.insert(signatures, index);
        }
        for index in before.into_values() {
            end(&mut self.history.answers, Some(index), now);
        }
        self.open.entry(id).or_default().answers = still;
    }

    /// What there is and what is denied, where that has changed.
    fn catalogue(&mut self, id: InstanceId, zone: &Published, now: Timestamp) {
        let ttl = Duration::from_secs(describe::ttl(zone).into());
        let before = self.open.get(&id).and_then(|open| open.catalogue);
        let before = before.map(|index| &self.history.catalogues[index]);
        if before.is_some_and(|before| before.ttl == ttl && describe::is(zone, &before.content)) {
            return;
        }
        // Its other instances say the same mostly.
        let mut known = self.history.catalogues.iter().rev().take(8);
        let known = known.find(|version| describe::is(zone, &version.content));
        let content = match known {
            Some(version) => Arc::clone(&version.content),
            None => Arc::new(describe::catalogue(zone)),
        };
        let version = Version {
            instance: id,
            from: now,
            until: Timestamp::MAX,
            ttl,
            signatures: Vec::new(),
            content,
        };
        let open = self.open.entry(id).or_default();
        replace(
            &mut self.history.catalogues,
            &mut open.catalogue,
            version,
            now,
        );
    }

    fn signatures(&self, served: &Served) -> Vec<Signature> {
        let signature = |(key, inception, expiration): (&Dnskey, _, _)| {
            self.keys.get(key).map(|&key| Signature {
                key,
                inception,
                expiration,
            })
        };
        served.facts().filter_map(signature).collect()
    }

    fn version<C>(
        &self,
        id: InstanceId,
        served: &Served,
        content: C,
        now: Timestamp,
    ) -> Version<C> {
        Version {
            instance: id,
            from: now,
            until: Timestamp::MAX,
            ttl: Duration::from_secs(served.set.ttl.into()),
            signatures: self.signatures(served),
            content,
        }
    }
}

/// Which answer stands for its class: the one with the longest TTL, and of those what people ask for.
fn example_rank(served: &Served) -> (u32, u8) {
    let rank = match served.set.rtype {
        RecordType::A | RecordType::AAAA => 2,
        RecordType::SOA | RecordType::NSEC => 0,
        _ => 1,
    };
    (served.set.ttl, rank)
}

/// Opens `version` in place of the open one, unless it says the same.
fn replace<C: PartialEq>(
    versions: &mut Vec<Version<C>>,
    open: &mut Option<usize>,
    version: Version<C>,
    now: Timestamp,
) {
    if let Some(index) = *open {
        let before = &versions[index];
        let is_same = before.content == version.content
            && before.ttl == version.ttl
            && before.signatures == version.signatures;
        if is_same {
            return;
        }
    }
    end(versions, *open, now);
    *open = Some(versions.len());
    versions.push(version);
}

fn end<C>(versions: &mut [Version<C>], open: Option<usize>, now: Timestamp) {
    if let Some(version) = open.and_then(|index| versions.get_mut(index)) {
        version.until = now;
    }
}
