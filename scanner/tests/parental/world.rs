//! A parent and the servers of a child in memory, on virtual time, all on the wire.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    time::Duration,
};

use counterpoint_dns::{
    agent::{Agent as _, Input, Note, Output, Record, Transport},
    message::{Question, ResponseCode, decode, encode, records, signature_record},
    name::{Name, RecordType},
    rdata::{Rdata, Soa},
    rrset::{RrSet, SignedRrSet},
    stream::stream,
    time::Timestamp,
    tsig::{TsigKey, check_request},
    update::{Change, Prerequisite, Update},
};
use counterpoint_scanner::{Command, Config, Scanner, policy::InitialAccept};
use hickory_proto::op::{Message, OpCode, Query};

use crate::{kit::*, signed_root::SignedRoot};

/// Where the parent's primary listens.
pub fn primary() -> SocketAddr {
    "192.0.2.53:53".parse().unwrap()
}

/// The parent's primary.
#[derive(Debug)]
pub struct Parent {
    pub sets: BTreeMap<(Name, RecordType), RrSet>,
    pub key: TsigKey,
    /// What is outside the parent's zone.
    pub elsewhere: BTreeMap<(Name, RecordType), RrSet>,
    /// The root, where it is signed, and what it was asked.
    pub root: Option<SignedRoot>,
    pub resolved: Vec<Question>,
    /// It finds fault with every prerequisite.
    pub stubborn: bool,
    /// Updates that came, with what became of them.
    pub updates: Vec<(Update, ResponseCode)>,
    /// Answers to updates are lost.
    pub deaf: bool,
    /// An update that is on its way until the next one comes, if the first is to be.
    pub held: Option<Vec<Vec<u8>>>,
    pub transfers: usize,
    /// The zone as it was shown last, and its serial then.
    served: BTreeMap<(Name, RecordType), RrSet>,
    serial: u32,
}

impl Parent {
    fn new(case: &Case) -> Self {
        let delegation = case.delegation();
        let zone = name("test.");
        let soa = Soa {
            mname: zone.clone(),
            rname: zone.clone(),
            serial: 1,
            refresh: 1,
            retry: 1,
            expire: 1,
            minimum: 1,
        };
        let mut sets = vec![
            RrSet::new(zone.clone(), RecordType::SOA, 3600, [soa.to_rdata()]),
            delegation.ns,
        ];
        sets.extend(delegation.ds);
        sets.extend(delegation.glue.into_values());
        for site in &case.sites {
            let data = [Rdata::address(site.address.ip())];
            sets.push(RrSet::new(site.host.clone(), RecordType::A, 3600, data));
        }
        let insecure = [Rdata::name(&name("ns1.alpha.test."))];
        sets.push(RrSet::new(
            name("insecure.test."),
            RecordType::NS,
            3600,
            insecure,
        ));
        let sets = sets
            .into_iter()
            .map(|set| ((set.name.clone(), set.rtype), set));
        Self {
            sets: sets.collect(),
            key: TsigKey::hmac_sha256(name("scanner."), b"secret"),
            elsewhere: BTreeMap::new(),
            root: None,
            resolved: Vec::new(),
            stubborn: false,
            updates: Vec::new(),
            deaf: false,
            held: None,
            transfers: 0,
            served: BTreeMap::new(),
            serial: 0,
        }
    }

    pub fn set(&self, owner: &Name, rtype: RecordType) -> Option<&RrSet> {
        self.sets.get(&(owner.clone(), rtype))
    }

    fn respond(&mut self, now: Timestamp, request: &[u8]) -> Option<Vec<u8>> {
        let key = self.key.clone();
        let checked = check_request([&key], request, now).ok()?;
        let mut answer = Message::response(checked.message.id, checked.message.op_code);
        if checked.message.op_code == OpCode::Update {
            match &mut self.held {
                Some(held) if held.is_empty() => {
                    held.push(request.to_vec());
                    return None;
                }
                held => {
                    for earlier in held.take().into_iter().flatten() {
                        self.respond(now, &earlier);
                    }
                }
            }
            let update = Update::from_message(&checked.message).unwrap();
            answer.metadata.response_code = self.update(update);
            if self.deaf {
                return None;
            }
        } else {
            let soa = &self.soa();
            answer.add_query(checked.message.queries[0].clone());
            answer.answers = records(soa).collect();
            if checked.message.queries[0].query_type() == RecordType::SOA {
                return Some(checked.sign_answer(answer, now));
            }
            self.transfers += 1;
            let others = self
                .sets
                .values()
                .filter(|set| set.rtype != RecordType::SOA);
            answer.answers.extend(others.flat_map(records));
            answer.answers.extend(records(soa));
        }
        Some(checked.sign_answer(answer, now))
    }

    /// Its SOA record; the serial is another one whenever the zone is.
    fn soa(&mut self) -> RrSet {
        if self.served != self.sets {
            self.serial += 1;
            self.served = self.sets.clone();
        }
        let mut soa = self.set(&name("test."), RecordType::SOA).unwrap().clone();
        let read = soa.data.iter().find_map(Soa::parse).unwrap();
        let serial = self.serial;
        soa.data = [Soa { serial, ..read }.to_rdata()].into();
        soa
    }

    /// The only nameserver of the root that the resolver knows, and it knows everything.
    fn resolve(&mut self, request: &[u8]) -> Vec<u8> {
        let request = decode(request).unwrap();
        let query = &request.queries[0];
        let mut answer = Message::response(request.id, OpCode::Query);
        answer.metadata.authoritative = true;
        answer.add_query(query.clone());
        let question = Question::new(query.name().into(), query.query_type());
        self.resolved.push(question.clone());
        if let Some(root) = &self.root {
            root.respond(&question, &mut answer);
            return encode(&answer);
        }
        match self
            .elsewhere
            .get(&(query.name().into(), query.query_type()))
        {
            Some(set) => answer.answers = records(set).collect(),
            None => {
                let soa = self.set(&name("test."), RecordType::SOA).unwrap();
                let root = RrSet {
                    name: name("."),
                    ..soa.clone()
                };
                answer.authorities = records(&root).collect();
            }
        }
        encode(&answer)
    }

    fn update(&mut self, update: Update) -> ResponseCode {
        let holds = |prerequisite: &Prerequisite| match prerequisite {
            Prerequisite::Is(set) => {
                self.set(&set.name, set.rtype).map(|set| &set.data) == Some(&set.data)
            }
            Prerequisite::Absent(owner, rtype) => self.set(owner, *rtype).is_none(),
        };
        let code = match !self.stubborn && update.prerequisites.iter().all(holds) {
            true => ResponseCode::NoError,
            false => ResponseCode::NXRRSet,
        };
        self.updates.push((update.clone(), code));
        if code != ResponseCode::NoError {
            return code;
        }
        for change in update.changes {
            match change {
                Change::Clear(owner, rtype) => {
                    self.sets.remove(&(owner, rtype));
                }
                Change::Add(set) => {
                    let key = (set.name.clone(), set.rtype);
                    let there = self.sets.entry(key).or_insert(RrSet {
                        data: Default::default(),
                        ..set.clone()
                    });
                    there.data.extend(set.data);
                    there.ttl = set.ttl;
                }
                Change::Remove(set) => {
                    let there = self.sets.get_mut(&(set.name, set.rtype)).unwrap();
                    there.data.retain(|data| !set.data.contains(data));
                }
            }
        }
        code
    }
}

/// All of it.
#[derive(Debug)]
pub struct World {
    pub now: Timestamp,
    pub parent: Parent,
    pub sites: Vec<Site>,
    pub scanner: Scanner,
    pub config: Config,
    pub notes: Vec<Note>,
    pub records: BTreeMap<String, String>,
    pub asked: Vec<(SocketAddr, Question, Transport)>,
    /// The scanner is killed after so many outputs, and comes back.
    pub kill_after: Option<usize>,
    /// The parent's zone travels longer than anything else.
    pub is_zone_late: bool,
}

impl World {
    /// Signatures hold for a day on either side of [`NOW`], when it begins.
    pub fn new(case: Case, adjust: impl FnOnce(&mut Config)) -> Self {
        let parent = Parent::new(&case);
        let mut config = Config::new(name("test."), primary(), NOW);
        config.tsig = Some(parent.key.clone());
        config.publish_delay = Duration::from_secs(120)..=Duration::from_secs(120);
        config.policy.initial.accept = InitialAccept::Never;
        config.policy.ds.ttl_after_change = Duration::ZERO;
        adjust(&mut config);
        Self {
            now: NOW,
            parent,
            sites: case.sites.into_iter().chain(case.added).collect(),
            scanner: Scanner::new(config.clone(), stream(1, "scanner")),
            config,
            notes: Vec::new(),
            records: BTreeMap::new(),
            asked: Vec::new(),
            kill_after: None,
            is_zone_late: false,
        }
    }

    fn respond(&mut self, to: SocketAddr, via: Transport, request: &[u8]) -> Option<Vec<u8>> {
        if to == primary() && via == Transport::Udp {
            return Some(self.parent.resolve(request));
        }
        if to == primary() {
            return self.parent.respond(self.now, request);
        }
        let site = self
            .sites
            .iter()
            .find(|site| site.address == to && !site.dead)?;
        let request = decode(request).unwrap();
        let query = &request.queries[0];
        let question = Question::new(query.name().into(), query.query_type());
        self.asked.push((to, question.clone(), via));
        let mut answer = Message::response(request.id, OpCode::Query);
        answer.metadata.authoritative = true;
        answer.add_query(Query::query((&question.name).into(), question.rtype));
        // RFC 8901 §10: large DNSKEY answers do not fit into datagrams.
        if question.rtype == RecordType::DNSKEY && via == Transport::Udp {
            answer.metadata.truncation = true;
            return Some(encode(&answer));
        }
        let all = |signed: &SignedRrSet| {
            let signatures = signed.signatures.iter();
            let signatures = signatures.map(|rrsig| signature_record(&signed.set, rrsig));
            records(&signed.set).chain(signatures).collect::<Vec<_>>()
        };
        match site.serves(&question.name, question.rtype, false) {
            Some(signed) => answer.answers = all(&signed),
            None => answer.authorities = site.denial(&question.name).iter().flat_map(all).collect(),
        }
        Some(encode(&answer))
    }

    /// Carries out outputs until there are no more.
    pub fn settle(&mut self) {
        let (mut inputs, mut late) = (VecDeque::new(), VecDeque::new());
        loop {
            while let Some(output) = self.scanner.poll(self.now) {
                if self.kill_after == Some(0) {
                    self.kill_after = None;
                    inputs.clear();
                    late.clear();
                    self.restart();
                    continue;
                }
                self.kill_after = self.kill_after.map(|left| left - 1);
                match output {
                    Output::Persist(Record { key, value }) if value.is_empty() => {
                        self.records.remove(&key);
                    }
                    Output::Persist(Record { key, value }) => {
                        self.records.insert(key, value);
                    }
                    Output::Note(note) => self.notes.push(note),
                    Output::Web { request, .. } => panic!("what for? {request:?}"),
                    Output::Ask { id, to, via, bytes } => {
                        let transfers = self.parent.transfers;
                        let input = match self.respond(to, via, &bytes) {
                            Some(bytes) => Input::Answer { id, bytes },
                            None => Input::Failure { id },
                        };
                        let is_late = self.is_zone_late && self.parent.transfers > transfers;
                        let queue = if is_late { &mut late } else { &mut inputs };
                        queue.push_back(input);
                    }
                }
            }
            match inputs.pop_front().or_else(|| late.pop_front()) {
                Some(input) => self.scanner.handle(self.now, input),
                None => return,
            }
        }
    }

    /// Lives until `until` after the beginning.
    pub fn live(&mut self, until: Duration) {
        let until = NOW + until;
        for _ in 0..10_000 {
            self.settle();
            match self.scanner.wake_at() {
                Some(at) if at <= until => {
                    assert!(at > self.now || self.now == NOW, "a wake-up in the past");
                    self.now = self.now.max(at);
                    self.scanner.handle(self.now, Input::Wake);
                }
                _ => {
                    self.now = until;
                    return;
                }
            }
        }
        panic!("it wakes up all the time");
    }

    /// Lives for this many minutes after the beginning.
    pub fn minutes(&mut self, minutes: u64) {
        self.live(Duration::from_secs(60 * minutes));
    }

    /// Somebody wants a scan.
    pub fn scan_now(&mut self) {
        self.scanner
            .handle(self.now, Input::Command(Command::ScanNow));
        self.settle();
    }

    /// The scanner is killed and comes back with what it made durable.
    pub fn restart(&mut self) {
        let records = self.records.iter().map(|(key, value)| Record {
            key: key.clone(),
            value: value.clone(),
        });
        let config = Config {
            first_scan: self.now,
            ..self.config.clone()
        };
        self.scanner = Scanner::restore(config, stream(2, "scanner"), records);
        self.scanner.handle(self.now, Input::Wake);
    }

    /// The subjects of the notes of one kind, in order.
    pub fn said(&self, kind: &str) -> Vec<&str> {
        let notes = self.notes.iter().filter(|note| note.kind == kind);
        let ours = notes.filter(|note| note.zone == child().to_string());
        ours.map(|note| note.subject.as_str()).collect()
    }

    /// The DS RRset at the parent.
    pub fn ds(&self) -> Vec<Rdata> {
        let set = self.parent.set(&child(), RecordType::DS);
        set.into_iter()
            .flat_map(|set| set.data.iter().cloned())
            .collect()
    }
}

/// DS data of these keys, in the order of an RRset.
pub fn ds_of(labels: &[&str]) -> Vec<Rdata> {
    let mut all: Vec<Rdata> = labels.iter().map(|label| ds(label)).collect();
    all.sort();
    all
}
