//! Would it validate for every cache that can exist? The cache calculus is asked (T-06, RFC 7583).
//!
//! Owns how one scan becomes a history: what every server says now it has always said and goes on
//! saying; the parent changes now, and caches hold what was there for its TTL. Any mix of old and new
//! DS or NS, of any server's DNSKEY RRset and any server's data, is then judged; only what *begins*
//! to fail with the change counts, because what fails already is no fault of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use counterpoint_dns::{
    key::Dnskey,
    name::Name,
    oracle::{
        DigestChoice, NsView, Profile, Quantifier,
        history::{
            Answer, Ds as JudgedDs, History, Instance, InstanceId, Key, KeyId, Side, Signature,
            Span, Version,
        },
        judge_by,
    },
    rdata::Ds,
    rrset::SignedRrSet,
    time::Timestamp,
    validate::keys_of,
};

use super::case::Case;
use crate::{gather::Server, policy::Continuity};

/// What changes at the parent.
#[derive(Clone, Copy, Debug)]
pub enum Unfolding<'a> {
    /// The DS RRset becomes this.
    Ds(&'a BTreeSet<Ds>),
    /// The NS RRset becomes this.
    Ns(&'a BTreeSet<Name>),
}

/// The parent's only instance, and its own key.
const PARENT: InstanceId = InstanceId(0);
const PARENT_KEY: KeyId = KeyId(0);

/// How some possible cache fails after the change; nothing if none does.
pub fn unsafe_after(case: &mut Case<'_>, change: Unfolding<'_>) -> Vec<String> {
    let history = history(case, change);
    let strongest = Profile {
        name: "strongest digest only".into(),
        digest_choice: DigestChoice::StrongestOnly,
        ..Profile::liberal()
    };
    let mut profiles = vec![Profile::liberal(), strongest];
    if case.policy.rollover.continuity == Continuity::Strict {
        profiles.push(Profile::strict_ds());
    }
    let judged = profiles.into_iter().find_map(|profile| {
        // What the child says of its own NS RRset it says already; the parent answers for its own.
        let profile = profile.viewed(NsView::ParentCentric);
        let any_cache = [Quantifier::AnyCache];
        let judgement = judge_by(&any_cache, &history, &profile, case.now, Timestamp::MAX);
        judgement.violations.into_iter().next()
    });
    let told = judged.map(|violation| violation.prose(&history, case.now));
    told.into_iter().collect()
}

fn history(case: &mut Case<'_>, change: Unfolding<'_>) -> History {
    let delegation = &case.gathered.delegation;
    let mut builder = Builder {
        history: History {
            zone: delegation.child.to_string(),
            ..History::default()
        },
        keys: BTreeMap::new(),
    };
    builder.history.instances.push(Instance {
        name: "parent".into(),
        side: Side::Parent,
    });
    builder.history.keys.push(Key {
        label: "the parent's".into(),
        algorithm: 0,
        usable: true,
    });
    let servers: Vec<&Server> = case
        .gathered
        .servers
        .iter()
        .chain(&case.gathered.added)
        .collect();
    // Keys first, so that every DS finds its own and every signature its maker.
    let published = servers.iter().filter_map(|server| server.dnskey.present());
    for key in published.flat_map(keys_of) {
        builder.key(&key);
    }
    for server in &servers {
        builder.server(case, server);
    }
    let ds = delegation.ds_records().into_iter().collect();
    let ds_ttl = delegation.ds.as_ref().map_or(0, |ds| ds.ttl);
    let ns = delegation.hosts();
    let (new_ds, new_ns) = match change {
        Unfolding::Ds(new) => (new, &ns),
        Unfolding::Ns(new) => (&ds, new),
    };
    for (from, until, ds) in [
        (Timestamp::MIN, case.now, &ds),
        (case.now, Timestamp::MAX, new_ds),
    ] {
        let content = builder.ds(&delegation.child, ds);
        let version = version(
            PARENT,
            (from, until),
            ds_ttl,
            vec![for_ever(PARENT_KEY)],
            content,
        );
        builder.history.ds.push(version);
    }
    for (from, until, ns) in [
        (Timestamp::MIN, case.now, &ns),
        (case.now, Timestamp::MAX, new_ns),
    ] {
        let named = servers.iter().enumerate();
        let content = named
            .filter(|(_, server)| !server.hosts.is_disjoint(ns))
            .map(|(at, _)| instance(at))
            .collect();
        let version = version(
            PARENT,
            (from, until),
            delegation.ns.ttl,
            Vec::new(),
            content,
        );
        builder.history.ns.push(version);
    }
    builder.history
}

/// Writes a history.
struct Builder {
    history: History,
    keys: BTreeMap<Dnskey, KeyId>,
}

impl Builder {
    fn key(&mut self, key: &Dnskey) -> KeyId {
        let next = KeyId(self.history.keys.len() as u32);
        let id = *self.keys.entry(key.clone()).or_insert(next);
        if id == next {
            self.history.keys.push(Key {
                label: format!("key {}", key.tag()),
                algorithm: key.algorithm,
                usable: key.is_usable(),
            });
        }
        id
    }

    fn ds(&self, child: &Name, records: &BTreeSet<Ds>) -> Vec<JudgedDs> {
        let key_of = |ds: &Ds| {
            let mut keys = self.keys.iter();
            keys.find(|(key, _)| key.matches(child, ds))
                .map(|(_, id)| *id)
        };
        let judged = |ds: &Ds| JudgedDs {
            key: key_of(ds),
            algorithm: ds.algorithm,
            digest_type: ds.digest_type,
        };
        records.iter().map(judged).collect()
    }

    /// Whose signatures on it hold. Signers refresh them: that they expire one day is no fault of a
    /// change.
    fn signatures(&self, case: &mut Case<'_>, signed: &SignedRrSet) -> Vec<Signature> {
        let mut made = BTreeSet::new();
        for rrsig in &signed.signatures {
            for (key, id) in &self.keys {
                let is_its = (key.tag(), key.algorithm) == (rrsig.tag, rrsig.algorithm);
                if is_its
                    && rrsig.covers(case.now)
                    && case.verifier.made_by(&signed.set, rrsig, key)
                {
                    made.insert(*id);
                }
            }
        }
        made.into_iter().map(for_ever).collect()
    }

    /// One server, and what it says.
    fn server(&mut self, case: &mut Case<'_>, server: &Server) {
        let at = instance(self.history.instances.len() - 1);
        self.history.instances.push(Instance {
            name: server.to_string(),
            side: Side::Child,
        });
        let always = (Timestamp::MIN, Timestamp::MAX);
        let (Some(dnskey), Some(soa)) = (server.dnskey.present(), server.soa.present()) else {
            let (from, until) = always;
            let instance = at;
            self.history.lame.push(Span {
                instance,
                from,
                until,
            });
            return;
        };
        let content = keys_of(dnskey).iter().map(|key| self.key(key)).collect();
        let signatures = self.signatures(case, dnskey);
        let keys = version(at, always, dnskey.set.ttl, signatures, content);
        self.history.dnskey.push(keys);
        // It stands for every answer of this server.
        let example = "an answer of the zone".into();
        let signatures = self.signatures(case, soa);
        let answer = version(at, always, soa.set.ttl, signatures, Answer { example });
        self.history.answers.push(answer);
    }
}

/// The instance of the server at this position.
fn instance(at: usize) -> InstanceId {
    InstanceId(at as u32 + 1)
}

fn version<C>(
    instance: InstanceId,
    (from, until): (Timestamp, Timestamp),
    ttl: u32,
    signatures: Vec<Signature>,
    content: C,
) -> Version<C> {
    Version {
        instance,
        from,
        until,
        ttl: Duration::from_secs(ttl.into()),
        signatures,
        content,
    }
}

fn for_ever(key: KeyId) -> Signature {
    Signature {
        key,
        inception: Timestamp::MIN,
        expiration: Timestamp::MAX,
    }
}
