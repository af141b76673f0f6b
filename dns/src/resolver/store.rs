//! Putting what came into the cache: what for, and for how long.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use crate::{
    message::{Question, Reply, find},
    name::{Name, RecordType},
    rdata::Soa,
    resolver::{
        FetchKey, Resolver,
        cache::{Cut, Entry, Held},
        config::View,
        judge::{Trust, Verdict},
        reading::{Referral, addresses_in, names_of},
    },
    rrset::SignedRrSet,
    time::Timestamp,
};

impl Resolver {
    pub(super) fn hold_referral(
        &mut self,
        now: Timestamp,
        server: IpAddr,
        zone: &Name,
        referral: Referral,
        ds: Option<(Held, Option<Verdict>)>,
    ) {
        let question = Question::new(referral.child.clone(), RecordType::DS);
        // RFC 2181 §5.4.1: what a referral carries along does not take the place of what is held.
        let ds = ds.filter(|_| !self.cache.holds(&question, now));
        if let Some((held, verdict)) = ds {
            self.hold(now, server, &question, zone, held, verdict);
        }
        let cut = Cut {
            child: referral.child,
            names: referral.names,
            glue: referral.glue,
            inherited: BTreeMap::new(),
            found_at: referral.is_apex.then_some(server),
            fetched: now,
            expires: now + seconds(self.config.clamp(referral.ttl)),
        };
        self.cache.delegate(now, cut);
    }

    /// The child's NS RRset beside an answer: it takes the place of the one held (child-centric).
    pub(super) fn hold_servers(
        &mut self,
        now: Timestamp,
        server: IpAddr,
        key: &FetchKey,
        reply: &Reply,
    ) {
        let zone = &key.1;
        let Some(ns) = find(&reply.authority, zone, RecordType::NS) else {
            return;
        };
        let question = Question::new(zone.clone(), RecordType::NS);
        let held = Held::Answer(ns.clone(), Vec::new());
        let verdict = self.fetches.get(key).and_then(|fetch| {
            let verifier = &mut self.verifier.lock();
            // A DNSKEY RRset is judged by DS, which says nothing about other data.
            match fetch.need.trust {
                Some(Trust::Ds(..)) => Some(Verdict::Bogus(String::new())),
                _ => fetch.judge(&question, &held, &self.config, now, verifier),
            }
        });
        if !matches!(verdict, Some(Verdict::Bogus(_))) {
            self.adopt(now, zone, &held, verdict.as_ref(), &reply.additional);
            self.hold(now, server, &question, zone, held, verdict);
        }
    }

    /// Follows what a zone says of its servers (child-centric).
    pub(super) fn adopt(
        &mut self,
        now: Timestamp,
        zone: &Name,
        held: &Held,
        verdict: Option<&Verdict>,
        additional: &[SignedRrSet],
    ) {
        let Held::Answer(ns, _) = held else {
            return;
        };
        let names = names_of(ns);
        let cut = Cut {
            child: zone.clone(),
            glue: addresses_in(additional, zone, &names),
            names,
            inherited: BTreeMap::new(),
            found_at: None,
            fetched: now,
            expires: now + seconds(self.config.clamp(ttl_of(held, verdict, now))),
        };
        if self.config.view == View::Sticky {
            self.upkeep.refresh(&cut);
        }
        self.cache.adopt(now, cut);
    }

    pub(super) fn hold(
        &mut self,
        now: Timestamp,
        from: IpAddr,
        question: &Question,
        zone: &Name,
        held: Held,
        verdict: Option<Verdict>,
    ) {
        let ttl = ttl_of(&held, verdict.as_ref(), now);
        let ttl = match held {
            Held::NoData(_) | Held::NoName(_) => {
                ttl.min(self.config.negative_ttl_max.unwrap_or(u32::MAX))
            }
            _ => ttl,
        };
        let expires = now + seconds(self.config.clamp(ttl));
        if self.config.aggressive && matches!(verdict, Some(Verdict::Secure(_))) {
            let by_hash = self.config.aggressive_nsec3;
            self.denials.take(zone, &held, from, expires, by_hash);
        }
        let entry = Entry {
            id: self.cache.number(),
            question: question.clone(),
            held,
            zone: zone.clone(),
            from,
            fetched: now,
            expires,
            verdict,
        };
        self.cache.hold(now, entry);
    }
}

/// For how many seconds something may be held: its TTL; what was found secure no longer than its
/// original TTL and its signatures (RFC 4035 §5.3.3).
fn ttl_of(held: &Held, verdict: Option<&Verdict>, now: Timestamp) -> u32 {
    let original = |signed: &SignedRrSet| {
        let ttls = signed.signatures.iter().map(|rrsig| rrsig.original_ttl);
        signed.set.ttl.min(ttls.min().unwrap_or(u32::MAX))
    };
    let is_secure = matches!(verdict, Some(Verdict::Secure(_)));
    let plain = |signed: &SignedRrSet| match is_secure {
        true => original(signed),
        false => signed.set.ttl,
    };
    let ttl = match held {
        Held::Answer(signed, _) | Held::Alias(signed, ..) => plain(signed),
        Held::NoData(proof) | Held::NoName(proof) => proof
            .iter()
            .map(|signed| {
                // RFC 2308 §5: the SOA RRset's TTL, and the minimum in it.
                let is_soa = signed.set.rtype == RecordType::SOA;
                let soa = signed.set.data.first().filter(|_| is_soa);
                let minimum = soa.and_then(Soa::parse).map(|soa| soa.minimum);
                plain(signed).min(minimum.unwrap_or(u32::MAX))
            })
            .min()
            // Without a SOA it is not cached at all (RFC 2308 §5).
            .unwrap_or(0),
    };
    match verdict {
        Some(Verdict::Secure(until)) => {
            let left = (*until - now).as_secs();
            ttl.min(u32::try_from(left).unwrap_or(u32::MAX))
        }
        _ => ttl,
    }
}

fn seconds(ttl: u32) -> Duration {
    Duration::from_secs(ttl.into())
}
