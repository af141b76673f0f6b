//! Aggressive use of NSEC and NSEC3 records (RFC 8198): what came to prove one denial denies other names too.
//!
//! Owns the records, by zone and in canonical order, NSEC3 by their parameters and hashes. Whether they prove
//! anything is judged as if a server had sent them.

use std::{collections::BTreeMap, net::IpAddr, ops::Bound, sync::Arc};

use crate::{
    message::Question,
    name::{Name, RecordType},
    nsec3::{self, Nsec3},
    resolver::{
        cache::{Entry, Held},
        judge::{Trust, Verdict},
        walk::Walk,
    },
    rrset::SignedRrSet,
    time::Timestamp,
};

/// How many records of one zone are held before all of them are dropped.
const RECORDS_MAX: usize = 1 << 14;
/// Types that are found by other ways: links of the chain, and what leads to servers.
const NEVER_DENIED: [RecordType; 3] = [RecordType::DS, RecordType::DNSKEY, RecordType::NS];

/// The records held.
#[derive(Clone, Debug, Default)]
pub(super) struct Denials {
    zones: BTreeMap<Name, Zone>,
    made: u64,
}

#[derive(Clone, Debug, Default)]
struct Zone {
    /// By owner.
    nsec: BTreeMap<Name, Record>,
    nsec3: BTreeMap<Parameters, Chain>,
    soa: Option<Record>,
}

/// Iterations and salt (RFC 5155 §3.1).
type Parameters = (u16, Vec<u8>);

/// NSEC3 records of the same parameters, by the hash that owns them.
type Chain = BTreeMap<Vec<u8>, Record>;

#[derive(Clone, Debug)]
struct Record {
    signed: SignedRrSet,
    from: IpAddr,
    expires: Timestamp,
}

impl Denials {
    /// Takes in the records that came with something found Secure; NSEC3 if `by_hash`.
    pub fn take(
        &mut self,
        zone: &Name,
        held: &Held,
        from: IpAddr,
        expires: Timestamp,
        by_hash: bool,
    ) {
        let (Held::NoData(proof) | Held::NoName(proof) | Held::Answer(_, proof)) = held else {
            return;
        };
        for signed in proof {
            let record = || Record {
                signed: signed.clone(),
                from,
                expires,
            };
            let known = self.zones.entry(zone.clone()).or_default();
            match signed.set.rtype {
                RecordType::SOA => known.soa = Some(record()),
                RecordType::NSEC => {
                    if known.nsec.len() >= RECORDS_MAX {
                        known.nsec.clear();
                    }
                    known.nsec.insert(signed.set.name.clone(), record());
                }
                RecordType::NSEC3 if by_hash => known.take_hashed(zone, signed, record),
                _ => {}
            }
        }
    }

    /// Sets of records that may deny `name` at `now`, each with the SOA RRset in front.
    fn about(&self, zone: &Name, name: &Name, now: Timestamp) -> Vec<Vec<&Record>> {
        let Some(known) = self.zones.get(zone) else {
            return Vec::new();
        };
        let Some(soa) = known.soa.as_ref().filter(|soa| now < soa.expires) else {
            return Vec::new();
        };
        let above = std::iter::successors(Some(name.clone()), |name| {
            (name != zone && !name.is_root()).then(|| name.base_name())
        });
        let above = Vec::from_iter(above);
        let wildcards = above.iter().skip(1);
        let wildcards = Vec::from_iter(wildcards.filter_map(|name| name.prepend_label("*").ok()));
        let by_name = known.nearest(std::iter::once(name).chain(&wildcards), now);
        let hashed = known.nsec3.iter().map(|(parameters, chain)| {
            let names = above.iter().chain(&wildcards);
            nearest_hashed(parameters, chain, names, now)
        });
        let sets = std::iter::once(by_name).chain(hashed);
        sets.filter(|set| !set.is_empty())
            .map(|set| std::iter::once(soa).chain(set).collect())
            .collect()
    }

    /// How many denials were made of them.
    pub fn made(&self) -> u64 {
        self.made
    }
}

impl Zone {
    fn take_hashed(&mut self, zone: &Name, signed: &SignedRrSet, record: impl Fn() -> Record) {
        let data = signed.set.data.first().and_then(Nsec3::parse);
        let data = data.filter(Nsec3::is_usable);
        let Some((hash, data)) = nsec3::hash_in(&signed.set.name, zone).zip(data) else {
            return;
        };
        if self.nsec3.values().map(BTreeMap::len).sum::<usize>() >= RECORDS_MAX {
            self.nsec3.clear();
        }
        let chain = self.nsec3.entry((data.iterations, data.salt));
        chain.or_default().insert(hash, record());
    }

    /// The NSEC records at or before each of `names`.
    fn nearest<'a>(&self, names: impl Iterator<Item = &'a Name>, now: Timestamp) -> Vec<&Record> {
        let before = names.filter_map(|name| self.nsec.range(..=name).next_back());
        distinct(before.map(|(_, record)| record), now)
    }
}

/// The NSEC3 records at or before the hash of each of `names`; the last one is before the first, too.
fn nearest_hashed<'z, 'a>(
    (iterations, salt): &Parameters,
    chain: &'z Chain,
    names: impl Iterator<Item = &'a Name>,
    now: Timestamp,
) -> Vec<&'z Record> {
    let before = names.filter_map(|name| {
        let hash = nsec3::hash(name, *iterations, salt);
        let upto = (Bound::Unbounded, Bound::Included(hash.as_slice()));
        let before = chain.range::<[u8], _>(upto).next_back();
        before.or_else(|| chain.last_key_value())
    });
    distinct(before.map(|(_, record)| record), now)
}

/// Each of those that are held at `now`, once.
fn distinct<'a>(records: impl Iterator<Item = &'a Record>, now: Timestamp) -> Vec<&'a Record> {
    let mut found: Vec<&Record> = Vec::new();
    for record in records.filter(|record| now < record.expires) {
        if !found
            .iter()
            .any(|one| one.signed.set.name == record.signed.set.name)
        {
            found.push(record);
        }
    }
    found
}

impl Walk<'_> {
    /// An answer made of denials held, which is held in turn.
    pub(super) fn denied(
        &mut self,
        question: &Question,
        zone: &Name,
        trust: Option<&Trust>,
    ) -> Option<Arc<Entry>> {
        let trust = trust.filter(|trust| matches!(trust, Trust::Keys(..)))?;
        if NEVER_DENIED.contains(&question.rtype) || self.job.fresh || self.job.unasked {
            return None;
        }
        let sets = self.denials.about(zone, &question.name, self.now);
        let policy = &self.config.policy;
        for records in sets {
            let Some(from) = records.get(1).map(|record| record.from) else {
                continue;
            };
            let Some(expires) = records.iter().map(|record| record.expires).min() else {
                continue;
            };
            let proof: Vec<SignedRrSet> = records.iter().map(|one| one.signed.clone()).collect();
            for held in [Held::NoName(proof.clone()), Held::NoData(proof)] {
                let verifier = &mut self.verifier.lock();
                let found = crate::resolver::judge::judge(
                    question, &held, zone, trust, policy, self.now, verifier,
                );
                let Verdict::Secure(until) = found else {
                    continue;
                };
                self.denials.made += 1;
                let entry = Entry {
                    id: self.cache.number(),
                    question: question.clone(),
                    held,
                    zone: zone.clone(),
                    from,
                    fetched: self.now,
                    expires: expires.min(until),
                    verdict: Some(Verdict::Secure(until)),
                };
                self.cache.hold(self.now, entry);
                return self.cache.answer(question, self.now, self.job.started);
            }
        }
        None
    }
}
