//! Aggressive use of NSEC records (RFC 8198): what came to prove one denial denies other names too.
//!
//! Owns the records, by zone and in canonical order. Whether they prove anything is judged as if a server
//! had sent them. NSEC3 records are not used.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use crate::{
    message::Question,
    name::{Name, RecordType},
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

/// The NSEC records held.
#[derive(Clone, Debug, Default)]
pub(super) struct Denials {
    zones: BTreeMap<Name, Zone>,
    made: u64,
}

#[derive(Clone, Debug, Default)]
struct Zone {
    /// By owner.
    nsec: BTreeMap<Name, Record>,
    soa: Option<Record>,
}

#[derive(Clone, Debug)]
struct Record {
    signed: SignedRrSet,
    from: IpAddr,
    expires: Timestamp,
}

impl Denials {
    /// Takes in the records that came with something found Secure.
    pub fn take(&mut self, zone: &Name, held: &Held, from: IpAddr, expires: Timestamp) {
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
                _ => {}
            }
        }
    }

    /// The records that may deny `name` at `now`: those at or before it and before the wildcards that it
    /// could have been made from, with the SOA RRset.
    fn about(&self, zone: &Name, name: &Name, now: Timestamp) -> Vec<&Record> {
        let Some(known) = self.zones.get(zone) else {
            return Vec::new();
        };
        let Some(soa) = known.soa.as_ref().filter(|soa| now < soa.expires) else {
            return Vec::new();
        };
        let before = |name: &Name| {
            let (_, record) = known.nsec.range(..=name).next_back()?;
            (now < record.expires).then_some(record)
        };
        let Some(first) = before(name) else {
            return Vec::new();
        };
        let mut found = vec![soa, first];
        let mut above = name.clone();
        while above != *zone && !above.is_root() {
            above = above.base_name();
            let wildcard = above.prepend_label("*").ok();
            if let Some(record) = wildcard.and_then(|wildcard| before(&wildcard))
                && !found.iter().any(|one| one.signed == record.signed)
            {
                found.push(record);
            }
        }
        found
    }

    /// How many denials were made of them.
    pub fn made(&self) -> u64 {
        self.made
    }
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
        let records = self.denials.about(zone, &question.name, self.now);
        let from = records.get(1)?.from;
        let expires = records.iter().map(|record| record.expires).min()?;
        let proof: Vec<SignedRrSet> = records.iter().map(|one| one.signed.clone()).collect();
        let policy = &self.config.policy;
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
        None
    }
}
