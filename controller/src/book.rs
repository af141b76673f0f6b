//! The address book: which addresses nameserver names have, and by which keys the parent signs.
//!
//! Owns when they are looked up anew. What the operator declares is never looked up; what a resolver
//! finds bogus, or not at all, leaves the book as it was.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use counterpoint_dns::{
    agent::{Agent as _, AskId, Input, Output},
    exchange::Outcome,
    key::Dnskey,
    message::Question,
    name::{Name, RecordType},
    rdata::Rdata,
    resolver::{Resolution, Resolver, Status},
    stream::Stream,
    time::Timestamp,
    validate::shared::SharedVerifier,
};

use crate::{config::Config, observation::Shown, place::Item, trust::Trust};

/// How soon a failed look-up is tried again.
const RETRY: Duration = Duration::from_secs(300);
/// No look-up is repeated sooner, whatever the TTL says.
const LEAST: Duration = Duration::from_secs(60);

/// What one look-up gave.
#[derive(Clone, Debug, Default)]
struct Entry {
    data: Vec<Rdata>,
    until: Option<Timestamp>,
    /// Why the last look-up gave nothing.
    trouble: Option<String>,
    /// Whether a chain from the trust anchor leads to the data, when they last were found.
    is_secure: Option<bool>,
}

/// The addresses of nameserver names, as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct Book {
    resolver: Option<Resolver>,
    entries: BTreeMap<Question, Entry>,
    pending: BTreeMap<u64, Question>,
    /// Nothing has to be looked up before.
    due: Option<Timestamp>,
    verifier: SharedVerifier,
}

impl Book {
    /// An empty book; with a resolver, if one is configured.
    pub(crate) fn new(config: &Config, stream: Stream) -> Self {
        let resolver = config.resolver.clone();
        Self {
            resolver: resolver.map(|resolver| Resolver::new(resolver, stream)),
            ..Self::default()
        }
    }

    /// Uses a verifier that others use too.
    pub(crate) fn share(&mut self, verifier: SharedVerifier) {
        let resolver = self.resolver.take();
        self.resolver = resolver.map(|resolver| resolver.sharing(verifier.clone()));
        self.verifier = verifier;
    }

    /// The addresses of a name, as declared or found. `None`: nobody knows.
    pub(crate) fn addresses(&self, config: &Config, name: &Name) -> Option<Vec<IpAddr>> {
        if let Some(declared) = config.addresses.get(name) {
            return Some(declared.clone());
        }
        let types = [RecordType::A, RecordType::AAAA];
        let entries = types.map(|rtype| self.entries.get(&Question::new(name.clone(), rtype)));
        let data = entries.into_iter().flatten().flat_map(|entry| &entry.data);
        let found: Vec<IpAddr> = data.filter_map(Rdata::as_address).collect();
        (!found.is_empty()).then_some(found)
    }

    /// What a look-up finds that is only made when it is wanted: nothing if it is bogus, or if
    /// there is no resolver. `None`: it is under way.
    pub(crate) fn look_up(&mut self, now: Timestamp, question: &Question) -> Option<Vec<Rdata>> {
        let entry = self.entries.get(question);
        if let Some(entry) = entry.filter(|entry| entry.until.is_some_and(|until| until > now)) {
            let is_sound = entry.trouble.is_none();
            return Some(entry.data.iter().filter(|_| is_sound).cloned().collect());
        }
        let Some(resolver) = &mut self.resolver else {
            return Some(Vec::new());
        };
        if !self.pending.values().any(|pending| pending == question) {
            let ticket = resolver.resolve(now, question.clone());
            self.pending.insert(ticket, question.clone());
        }
        None
    }

    /// The addresses of a host, as declared or looked up now. `None`: the look-up is under way.
    pub(crate) fn look_up_host(
        &mut self,
        config: &Config,
        now: Timestamp,
        host: &Name,
    ) -> Option<Vec<IpAddr>> {
        if let Some(declared) = config.addresses.get(host) {
            return Some(declared.clone());
        }
        let resolver = self.resolver.as_ref();
        let is_v6 = resolver.is_some_and(|resolver| resolver.config().v6);
        let mut found = self.look_up(now, &Question::new(host.clone(), RecordType::A))?;
        if is_v6 {
            found.extend(self.look_up(now, &Question::new(host.clone(), RecordType::AAAA))?);
        }
        Some(found.iter().filter_map(Rdata::as_address).collect())
    }

    /// What is known of the parent's keys.
    pub(crate) fn trust(&self, config: &Config) -> Trust {
        let anchored = config.resolver.as_ref();
        if anchored.is_none_or(|resolver| resolver.trust_anchor.is_empty()) {
            return Trust::Blind;
        }
        let entry = self.entries.get(&parent_keys(config));
        match entry.map(|entry| (entry, entry.is_secure)) {
            Some((entry, Some(true))) => {
                Trust::Keys(entry.data.iter().filter_map(Dnskey::parse).collect())
            }
            Some((_, Some(false))) => Trust::Blind,
            Some((entry, None)) => Trust::Unknown(entry.trouble.clone().unwrap_or_default()),
            None => Trust::Unknown("not found yet".into()),
        }
    }

    /// What an answer of the parent shows, as far as it is authentic.
    pub(crate) fn check(
        &self,
        config: &Config,
        question: &Question,
        outcome: &Outcome,
        shown: Shown,
        now: Timestamp,
    ) -> Shown {
        // Keys are read for what they are needed for.
        if shown.0 != Item::Ds {
            return shown;
        }
        let parent = &config.parent.zone;
        let trust = self.trust(config);
        trust.check(parent, question, outcome, shown, now, &self.verifier)
    }

    /// What went wrong when these names were looked up, if anything did.
    pub(crate) fn trouble<'a>(&self, names: impl IntoIterator<Item = &'a Name>) -> String {
        let names: Vec<&Name> = names.into_iter().collect();
        let mut entries = self
            .entries
            .iter()
            .filter(|(question, _)| names.contains(&&question.name));
        let trouble = entries.find_map(|(_, entry)| entry.trouble.clone());
        trouble.unwrap_or_else(|| "not found yet".into())
    }

    /// The parent's nameservers, as declared or found.
    pub(crate) fn parent_ns(&self, config: &Config) -> Vec<Name> {
        if !config.parent.ns.is_empty() {
            return config.parent.ns.clone();
        }
        let ns = Question::new(config.parent.zone.clone(), RecordType::NS);
        let entry = self.entries.get(&ns);
        let data = entry.into_iter().flat_map(|entry| &entry.data);
        data.filter_map(Rdata::as_name).collect()
    }

    /// Looks up what is not known, or not any more.
    pub(crate) fn refresh(&mut self, config: &Config, now: Timestamp) {
        let Some(resolver) = &mut self.resolver else {
            return;
        };
        if self.due.is_some_and(|due| now < due) {
            return;
        }
        let is_v6 = resolver.config().v6;
        let mut wanted = vec![parent_keys(config)];
        if config.parent.ns.is_empty() {
            wanted.push(Question::new(config.parent.zone.clone(), RecordType::NS));
        }
        let parent_ns = self.parent_ns(config);
        let signers = config.signers.values();
        let foreign = signers.flat_map(|signer| {
            let declared = &signer.in_zone_addresses;
            signer
                .ns
                .iter()
                .filter(move |name| !declared.contains_key(*name))
        });
        for name in parent_ns.iter().chain(foreign) {
            if !config.addresses.contains_key(name) {
                wanted.push(Question::new(name.clone(), RecordType::A));
                wanted.extend(is_v6.then(|| Question::new(name.clone(), RecordType::AAAA)));
            }
        }
        let mut due = Timestamp::MAX;
        for question in wanted {
            let until = self.entries.get(&question).and_then(|entry| entry.until);
            if let Some(until) = until.filter(|until| *until > now) {
                due = due.min(until);
                continue;
            }
            if self.pending.values().any(|pending| *pending == question) {
                continue;
            }
            if let Some(resolver) = &mut self.resolver {
                let ticket = resolver.resolve(now, question.clone());
                self.pending.insert(ticket, question);
            }
        }
        // What is found resets it.
        self.due = Some(due);
    }

    /// Takes an answer, or the failure, of one of its own questions.
    pub(crate) fn handle(&mut self, now: Timestamp, id: AskId, bytes: Option<Vec<u8>>) {
        if let Some(resolver) = &mut self.resolver {
            let input = match bytes {
                Some(bytes) => Input::Answer { id, bytes },
                None => Input::Failure { id },
            };
            resolver.handle(now, input);
        }
    }

    /// Writes down what was found. Whether the last look-up under way has ended.
    pub(crate) fn settle(&mut self, config: &Config, now: Timestamp) -> bool {
        let mut ended = false;
        while let Some(found) = self.resolver.as_mut().and_then(Resolver::take_resolution) {
            ended = true;
            self.take(now, found);
            // A parent's nameservers have names of their own.
            self.refresh(config, now);
        }
        ended && self.pending.is_empty()
    }

    fn take(&mut self, now: Timestamp, found: Resolution) {
        let Some(question) = self.pending.remove(&found.ticket) else {
            return;
        };
        self.due = None;
        let entry = self.entries.entry(question).or_default();
        entry.until = Some(now + RETRY);
        entry.trouble = match &found.status {
            Status::Secure | Status::Insecure if found.answer.is_some() => None,
            status => Some(format!("{}: {status}", found.question)),
        };
        if matches!(found.status, Status::Secure | Status::Insecure) {
            entry.data.clear();
            entry.is_secure = match found.status {
                Status::Secure => found.answer.as_ref().map(|_| true),
                _ => Some(false),
            };
            if let Some(answer) = found.answer {
                let ttl = Duration::from_secs(answer.set.ttl.into());
                entry.until = Some(now + ttl.max(LEAST));
                entry.data = answer.set.data.into_iter().collect();
            }
        }
    }

    /// Whether no look-up is under way.
    #[cfg(feature = "tool")]
    pub(crate) fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    /// What it wants asked.
    pub(crate) fn poll(&mut self, now: Timestamp) -> Option<Output> {
        self.resolver.as_mut()?.poll(now)
    }

    /// Questions sent so far.
    pub(crate) fn sent(&self) -> u64 {
        self.resolver.as_ref().map_or(0, Resolver::sent)
    }
}

fn parent_keys(config: &Config) -> Question {
    Question::new(config.parent.zone.clone(), RecordType::DNSKEY)
}

#[cfg(test)]
mod tests {
    use counterpoint_dns::{
        message::ResponseCode,
        name::parse_name,
        notify::{DSYNC, Dsync},
        rrset::{RrSet, SignedRrSet},
        stream::stream,
    };

    use super::*;

    fn dsync() -> Question {
        Question::new(parse_name("_dsync.test.").unwrap(), DSYNC)
    }

    /// What a look-up at this time finds that ends like this.
    fn found(book: &mut Book, seconds: i64, status: Status) -> usize {
        let (now, question) = (Timestamp::from_seconds(seconds), dsync());
        assert_eq!(book.look_up(now, &question), None, "it is under way");
        assert_eq!(book.look_up(now, &question), None);
        assert_eq!(book.pending.len(), 1, "and not asked twice");
        let ticket = *book.pending.keys().next().unwrap();
        let dsync = Dsync::notify(RecordType::CDS, parse_name("a.test.").unwrap(), 53);
        let set = RrSet::new(question.name.clone(), DSYNC, 3_600, [dsync.to_rdata()]);
        let signatures = Vec::new();
        book.take(
            now,
            Resolution {
                ticket,
                question: question.clone(),
                status,
                rcode: ResponseCode::NoError,
                answer: Some(SignedRrSet { set, signatures }),
                from: None,
                masked_by_retry: false,
                cached: false,
                remembered: false,
            },
        );
        book.look_up(now, &question).unwrap().len()
    }

    /// RFC 9859 §4.1, §5: a parent need not be signed, but what is bogus is not believed, nor what was
    /// there before it.
    #[test]
    fn what_is_bogus_is_not_found() {
        let mut config = Config::new(parse_name("test.").unwrap());
        let resolver = counterpoint_dns::resolver::Config::new(Vec::new(), Vec::new());
        config.resolver = Some(resolver);
        let mut book = Book::new(&config, stream(1, "book"));
        assert_eq!(found(&mut book, 0, Status::Secure), 1);
        let bogus = Status::Bogus("no signature".into());
        assert_eq!(found(&mut book, 3_600, bogus), 0);
        assert_eq!(found(&mut book, 7_200, Status::Insecure), 1);
    }
}
