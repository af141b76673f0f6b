//! What a resolver holds: answers, positive and negative, and delegations, each until its TTL ends.
//!
//! Owns lifetimes and the bound on size. Knows neither servers nor trust: a verdict found at fetch is
//! carried along, never looked at.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc, time::Duration};

use crate::{
    message::Question,
    name::{Name, RecordType},
    resolver::judge::Verdict,
    rrset::SignedRrSet,
    time::Timestamp,
};

/// How many entries are held before the soonest to expire are dropped.
const ENTRIES_MAX: usize = 1 << 17;

/// What a server said about a name and a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// The RRset, with the NSEC records that came along (a wildcard's expansion needs them).
    Answer(SignedRrSet, Vec<SignedRrSet>),
    /// The name is an alias of another.
    Alias(SignedRrSet, Vec<SignedRrSet>, Name),
    /// The type is absent: SOA and NSEC records.
    NoData(Vec<SignedRrSet>),
    /// The name is absent: SOA and NSEC records.
    NoName(Vec<SignedRrSet>),
}

/// One thing held.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Unlike any other entry's.
    pub id: u64,
    /// To what it was the answer.
    pub question: Question,
    /// What was said.
    pub held: Held,
    /// The zone whose server said it.
    pub zone: Name,
    /// That server.
    pub from: IpAddr,
    /// When.
    pub fetched: Timestamp,
    /// Until when it may be used.
    pub expires: Timestamp,
    /// What validation at fetch found.
    pub verdict: Option<Verdict>,
}

impl Entry {
    /// The time left at `now`.
    pub fn left(&self, now: Timestamp) -> Duration {
        self.expires - now
    }

    /// Whether it may be used: it lives, or it came for a job that began at `since` (a TTL of zero
    /// serves the question for which it was fetched, RFC 1035 §3.2.1).
    fn is_usable(&self, now: Timestamp, since: Timestamp) -> bool {
        now < self.expires || self.fetched >= since
    }
}

/// The servers of a zone, as the parent or the child itself named them. Their addresses live as
/// long as the names, so that a zone whose servers it names itself is not lost half-way.
#[derive(Clone, Debug)]
pub(super) struct Cut {
    /// The zone that they serve.
    pub child: Name,
    /// Names of the servers.
    pub names: Vec<Name>,
    /// Their addresses, as far as they came along.
    pub glue: BTreeMap<Name, Vec<IpAddr>>,
    /// Those that came with what was held before, and until when they may be used.
    pub inherited: BTreeMap<Name, Timestamp>,
    /// The server on which the child's apex was found, where no referral led to it.
    pub found_at: Option<IpAddr>,
    /// When it came.
    pub fetched: Timestamp,
    /// Until when it may be used.
    pub expires: Timestamp,
}

impl Cut {
    /// The addresses of a server that may be used at `now`.
    pub fn addresses(&self, name: &Name, now: Timestamp) -> Option<&Vec<IpAddr>> {
        let until = self.inherited.get(name);
        let addresses = self.glue.get(name);
        addresses.filter(|_| until.is_none_or(|until| now < *until))
    }

    fn is_usable(&self, now: Timestamp, since: Timestamp) -> bool {
        now < self.expires || self.fetched >= since
    }
}

/// The cache of one resolver.
#[derive(Clone, Debug, Default)]
pub(super) struct Cache {
    entries: BTreeMap<Question, Arc<Entry>>,
    cuts: BTreeMap<Name, Arc<Cut>>,
    own: BTreeMap<Name, Arc<Cut>>,
    next: u64,
    links: u64,
}

impl Cache {
    /// A number that no entry has yet.
    pub fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Whether there is an entry whose TTL has not ended.
    pub fn holds(&self, question: &Question, now: Timestamp) -> bool {
        self.entries
            .get(question)
            .is_some_and(|entry| now < entry.expires)
    }

    /// Holds an entry, in place of an older one for the same.
    pub fn hold(&mut self, now: Timestamp, entry: Entry) {
        if self.entries.len() >= ENTRIES_MAX {
            shrink(&mut self.entries, now, |entry| entry.expires);
        }
        let rtype = match entry.held {
            Held::Alias(..) => RecordType::CNAME,
            // All types are absent with the name (RFC 2308 §5).
            Held::NoName(..) => RecordType::ANY,
            _ => entry.question.rtype,
        };
        if matches!(entry.question.rtype, RecordType::DS | RecordType::DNSKEY) {
            self.links += 1;
        }
        let key = Question::new(entry.question.name.clone(), rtype);
        self.entries.insert(key, Arc::new(entry));
    }

    /// Holds a delegation, in place of an older one.
    pub fn delegate(&mut self, now: Timestamp, cut: Cut) {
        if self.cuts.len() >= ENTRIES_MAX {
            shrink(&mut self.cuts, now, |cut| cut.expires);
        }
        self.cuts.insert(cut.child.clone(), Arc::new(cut));
    }

    /// Holds what a zone says of its servers, in place of what it said before. An address that it
    /// leaves out this time is kept from the last, for as long as it was good for then.
    pub fn adopt(&mut self, now: Timestamp, mut cut: Cut) {
        if self.own.len() >= ENTRIES_MAX {
            shrink(&mut self.own, now, |cut| cut.expires);
        }
        let before = [self.own.get(&cut.child), self.cuts.get(&cut.child)];
        for before in before.into_iter().flatten() {
            for (name, addresses) in &before.glue {
                let until = before.inherited.get(name).copied();
                let until = until.unwrap_or(before.expires);
                if now < until && cut.names.contains(name) && !cut.glue.contains_key(name) {
                    cut.glue.insert(name.clone(), addresses.clone());
                    cut.inherited.insert(name.clone(), until);
                }
            }
        }
        self.own.insert(cut.child.clone(), Arc::new(cut));
    }

    /// Drops what a zone says of its servers.
    pub fn disown(&mut self, zone: &Name) {
        self.own.remove(zone);
    }

    /// Drops everything.
    pub fn flush(&mut self) {
        self.links += 1;
        self.entries.clear();
        self.cuts.clear();
        self.own.clear();
    }

    /// What is held in answer to `question`: the RRset or its absence, an alias, or no such name.
    pub fn answer(
        &self,
        question: &Question,
        now: Timestamp,
        since: Timestamp,
    ) -> Option<Arc<Entry>> {
        let at = |rtype: RecordType| {
            let key = Question::new(question.name.clone(), rtype);
            let entry = self.entries.get(&key)?;
            entry.is_usable(now, since).then(|| Arc::clone(entry))
        };
        let found = self.entries.get(question);
        let exact = found.filter(|entry| entry.is_usable(now, since));
        exact
            .cloned()
            .or_else(|| at(RecordType::CNAME))
            .or_else(|| at(RecordType::ANY))
    }

    /// What answers `question` and expired after `least`, or has not yet.
    pub fn expired(&self, question: &Question, least: Timestamp) -> Option<Arc<Entry>> {
        let found = self.entries.get(question)?;
        (least < found.expires).then(|| Arc::clone(found))
    }

    /// A number that changes whenever a link of a chain of trust comes or goes before its time.
    pub fn links(&self) -> u64 {
        self.links
    }

    /// What `zone` says of its servers.
    pub fn own(&self, zone: &Name, now: Timestamp, since: Timestamp) -> Option<Arc<Cut>> {
        let cut = self.own.get(zone)?;
        cut.is_usable(now, since).then(|| Arc::clone(cut))
    }

    /// The delegation of `child`.
    pub fn cut(&self, child: &Name, now: Timestamp, since: Timestamp) -> Option<Arc<Cut>> {
        let cut = self.cuts.get(child)?;
        cut.is_usable(now, since).then(|| Arc::clone(cut))
    }
}

/// Drops what has expired and, if that is not enough, the eighth that expires soonest.
fn shrink<K: Ord + Clone, V>(
    map: &mut BTreeMap<K, Arc<V>>,
    now: Timestamp,
    expires: impl Fn(&V) -> Timestamp,
) {
    map.retain(|_, value| now < expires(value));
    if map.len() < ENTRIES_MAX {
        return;
    }
    let mut ends: Vec<Timestamp> = map.values().map(|value| expires(value)).collect();
    ends.sort_unstable();
    let cutoff = ends[ends.len() / 8];
    map.retain(|_, value| cutoff < expires(value));
}
