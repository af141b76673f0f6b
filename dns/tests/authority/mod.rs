//! A small world for the resolver's tests: signed zones in memory, servers with moods, and a driver
//! that carries questions to them and answers back without any delay.

#![allow(dead_code, reason = "each test file uses its own part of it")]

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use counterpoint_dns::{
    agent::{Agent, Input, Output},
    key::{Algorithm, DIGEST_SHA256, SECURE_ENTRY_POINT, SigningKey, ZONE_KEY},
    message::{Question, ResponseCode, decode, encode, records, signature_record},
    name::{Name, RecordType, parse_name},
    rdata::{Ds, Nsec, Rdata, Soa},
    resolver::{Config, Resolution, Resolver},
    rrset::{RrSet, SignedRrSet},
    signature::Rrsig,
    stream,
    time::Timestamp,
};
use hickory_proto::op::{Message, OpCode, Query};

/// The name in this text.
pub fn name(text: &str) -> Name {
    parse_name(text).unwrap()
}

/// The question for this name and type.
pub fn ask(text: &str, rtype: RecordType) -> Question {
    Question::new(name(text), rtype)
}

/// The address 192.0.2.`last`.
pub fn ip(last: u8) -> IpAddr {
    [192, 0, 2, last].into()
}

/// The keys of one signer.
#[derive(Clone)]
pub struct Signer {
    pub ksk: SigningKey,
    pub zsk: SigningKey,
}

impl Signer {
    /// The signer of this name: the same name gives the same keys.
    pub fn new(label: &str) -> Self {
        let key = |role: &str, flags| {
            let seed = stream::octets(7, &format!("{label}/{role}"));
            SigningKey::from_seed(Algorithm::EcdsaP256Sha256, flags, seed)
        };
        Self {
            ksk: key("ksk", ZONE_KEY | SECURE_ENTRY_POINT),
            zsk: key("zsk", ZONE_KEY),
        }
    }

    /// The DS of its KSK.
    pub fn ds(&self, zone: &str) -> Ds {
        self.ksk.public().ds(&name(zone), DIGEST_SHA256).unwrap()
    }
}

/// The unsigned content of a zone.
#[derive(Clone)]
pub struct Zone {
    pub apex: Name,
    pub sets: BTreeMap<(Name, RecordType), RrSet>,
}

impl Zone {
    /// A zone with a SOA (minimum 300) and these servers.
    pub fn new(apex: &str, servers: &[&str]) -> Self {
        let mut zone = Self {
            apex: name(apex),
            sets: BTreeMap::new(),
        };
        let soa = Soa {
            mname: name(servers[0]),
            rname: name("hostmaster.test."),
            serial: 1,
            refresh: 3600,
            retry: 600,
            expire: 86_400,
            minimum: 300,
        };
        zone.add(apex, RecordType::SOA, 3600, soa.to_rdata());
        zone.with_ns(apex, servers)
    }

    /// Adds one record.
    pub fn add(&mut self, owner: &str, rtype: RecordType, ttl: u32, data: Rdata) {
        let owner = name(owner);
        let fresh = || RrSet::new(owner.clone(), rtype, ttl, []);
        let set = self.sets.entry((owner.clone(), rtype));
        set.or_insert_with(fresh).data.insert(data);
    }

    /// The same with an NS RRset of TTL 3600: its own at the apex, a delegation elsewhere.
    pub fn with_ns(mut self, owner: &str, servers: &[&str]) -> Self {
        self.sets.remove(&(name(owner), RecordType::NS));
        for server in servers {
            self.add(owner, RecordType::NS, 3600, Rdata::name(&name(server)));
        }
        self
    }

    /// The same with an address of TTL 600.
    pub fn with_a(mut self, owner: &str, address: IpAddr) -> Self {
        self.add(owner, RecordType::A, 600, Rdata::address(address));
        self
    }

    /// The same with a DS record of TTL 3600.
    pub fn with_ds(mut self, owner: &str, ds: Ds) -> Self {
        self.add(owner, RecordType::DS, 3600, ds.to_rdata());
        self
    }

    /// The same with an alias of TTL 600.
    pub fn with_cname(mut self, owner: &str, target: &str) -> Self {
        self.add(owner, RecordType::CNAME, 600, Rdata::name(&name(target)));
        self
    }

    /// The same with the keys of these signers in its DNSKEY RRset, TTL 3600.
    pub fn with_keys(mut self, signers: &[&Signer]) -> Self {
        for key in signers.iter().flat_map(|signer| [&signer.ksk, &signer.zsk]) {
            let apex = self.apex.to_string();
            self.add(&apex, RecordType::DNSKEY, 3600, key.public().to_rdata());
        }
        self
    }

    /// As served without signatures.
    pub fn unsigned(&self) -> Served {
        Served::new(self, None)
    }

    /// As served by `signer`, valid from an hour before `now` for `days`.
    pub fn signed(&self, signer: &Signer, now: Timestamp, days: i64) -> Served {
        let from = Timestamp::from_seconds(now.as_seconds() - 3600);
        let until = Timestamp::from_seconds(now.as_seconds() + days * 86_400);
        Served::new(self, Some((signer, from, until)))
    }
}

/// A zone as one server has it.
#[derive(Clone)]
pub struct Served {
    pub apex: Name,
    pub sets: BTreeMap<(Name, RecordType), SignedRrSet>,
    cuts: BTreeSet<Name>,
    signed: bool,
}

impl Served {
    fn new(zone: &Zone, by: Option<(&Signer, Timestamp, Timestamp)>) -> Self {
        let apex = &zone.apex;
        let is_cut =
            |(owner, rtype): &&(Name, RecordType)| *rtype == RecordType::NS && owner != apex;
        let cuts: BTreeSet<Name> = zone
            .sets
            .keys()
            .filter(is_cut)
            .map(|key| key.0.clone())
            .collect();
        let below_cut = |owner: &Name| cuts.iter().any(|cut| cut != owner && cut.zone_of(owner));
        let mut sets = zone.sets.clone();
        if by.is_some() {
            let owners: BTreeSet<&Name> = zone
                .sets
                .keys()
                .map(|key| &key.0)
                .filter(|owner| !below_cut(owner))
                .collect();
            let owners: Vec<&Name> = owners.into_iter().collect();
            for (index, owner) in owners.iter().enumerate() {
                let next = owners[(index + 1) % owners.len()].clone();
                let mut types: Vec<RecordType> = zone
                    .sets
                    .keys()
                    .filter(|key| key.0 == **owner)
                    .map(|key| key.1)
                    .collect();
                if cuts.contains(owner) {
                    types.retain(|rtype| matches!(rtype, RecordType::NS | RecordType::DS));
                }
                types.extend([RecordType::NSEC, RecordType::RRSIG]);
                let data = Nsec { next, types }.to_rdata();
                let set = RrSet::new((*owner).clone(), RecordType::NSEC, 300, [data]);
                sets.insert(((*owner).clone(), RecordType::NSEC), set);
            }
        }
        let sign = |set: RrSet| {
            let at_cut =
                cuts.contains(&set.name) && !matches!(set.rtype, RecordType::DS | RecordType::NSEC);
            let signatures = match by {
                Some((signer, from, until)) if !at_cut && !below_cut(&set.name) => {
                    let key = match set.rtype {
                        RecordType::DNSKEY | RecordType::CDS | RecordType::CDNSKEY => &signer.ksk,
                        _ => &signer.zsk,
                    };
                    vec![Rrsig::sign(&set, key, apex, from, until)]
                }
                _ => Vec::new(),
            };
            SignedRrSet { set, signatures }
        };
        Self {
            apex: apex.clone(),
            sets: sets
                .into_iter()
                .map(|(key, set)| (key, sign(set)))
                .collect(),
            signed: by.is_some(),
            cuts,
        }
    }

    fn get(&self, owner: &Name, rtype: RecordType) -> Option<&SignedRrSet> {
        self.sets.get(&(owner.clone(), rtype))
    }

    /// The NSEC record at `name`, or else the one that covers it.
    fn nsec(&self, name: &Name) -> Option<&SignedRrSet> {
        let nsecs = self
            .sets
            .iter()
            .filter(|((owner, rtype), _)| *rtype == RecordType::NSEC && owner <= name);
        nsecs
            .max_by_key(|((owner, _), _)| owner.clone())
            .map(|(_, signed)| signed)
    }

    fn exists(&self, name: &Name) -> bool {
        self.sets.keys().any(|(owner, _)| name.zone_of(owner))
    }

    fn respond(&self, question: &Question, message: &mut Message) {
        let Question { name, rtype } = question;
        let cut = self
            .cuts
            .iter()
            .find(|cut| cut.zone_of(name) && !(*rtype == RecordType::DS && *cut == name));
        if let Some(cut) = cut {
            return self.refer(cut, message);
        }
        message.metadata.authoritative = true;
        if let Some(signed) = self
            .get(name, *rtype)
            .or_else(|| self.get(name, RecordType::CNAME))
        {
            return put(&mut message.answers, signed);
        }
        if self.exists(name) {
            return self.deny(&[name], message);
        }
        let mut encloser = name.base_name();
        while !self.exists(&encloser) {
            encloser = encloser.base_name();
        }
        let wildcard = encloser.prepend_label("*").unwrap();
        if let Some(signed) = self
            .get(&wildcard, *rtype)
            .or_else(|| self.get(&wildcard, RecordType::CNAME))
        {
            let mut expanded = signed.clone();
            expanded.set.name = name.clone();
            put(&mut message.answers, &expanded);
            self.nsec(name)
                .into_iter()
                .for_each(|nsec| put(&mut message.authorities, nsec));
            return;
        }
        if !self.exists(&wildcard) {
            message.metadata.response_code = ResponseCode::NXDomain;
        }
        self.deny(&[name, &wildcard], message);
    }

    fn refer(&self, cut: &Name, message: &mut Message) {
        let ns = self.get(cut, RecordType::NS).unwrap();
        put(&mut message.authorities, ns);
        if let Some(ds) = self.get(cut, RecordType::DS) {
            put(&mut message.authorities, ds);
        } else if self.signed {
            self.nsec(cut)
                .into_iter()
                .for_each(|nsec| put(&mut message.authorities, nsec));
        }
        for server in ns.set.data.iter().filter_map(Rdata::as_name) {
            let glue = self.get(&server, RecordType::A);
            glue.into_iter()
                .for_each(|glue| put(&mut message.additionals, glue));
        }
    }

    fn deny(&self, names: &[&Name], message: &mut Message) {
        put(
            &mut message.authorities,
            self.get(&self.apex, RecordType::SOA).unwrap(),
        );
        let proofs: BTreeMap<&Name, &SignedRrSet> = names
            .iter()
            .filter_map(|name| self.nsec(name))
            .map(|signed| (&signed.set.name, signed))
            .collect();
        proofs
            .values()
            .for_each(|signed| put(&mut message.authorities, signed));
    }
}

/// Puts an RRset and its signatures into a section.
pub fn put(section: &mut Vec<hickory_proto::rr::Record>, signed: &SignedRrSet) {
    section.extend(records(&signed.set));
    let signatures = signed.signatures.iter();
    section.extend(signatures.map(|rrsig| signature_record(&signed.set, rrsig)));
}

/// How a server treats questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// As it should.
    Fine,
    /// Not at all.
    Silent,
    /// With this response code.
    Refuses(ResponseCode),
    /// Without authority, as a cache would.
    Lame,
    /// With octets that are no message.
    Babbles,
}

/// A change of each answer before it leaves.
pub type Tamper = Arc<dyn Fn(&Question, &mut Message) + Send + Sync>;

/// One server.
pub struct Server {
    pub zones: Vec<Served>,
    pub mood: Mood,
    pub tamper: Option<Tamper>,
}

impl Server {
    /// The answer, or silence.
    pub fn respond(&self, request: &[u8]) -> Option<Vec<u8>> {
        let request = decode(request).unwrap();
        let query = request.queries.first().unwrap();
        let question = Question::new(query.name().clone(), query.query_type());
        let mut message = Message::response(request.id, OpCode::Query);
        message.add_query(Query::query(question.name.clone(), question.rtype));
        match self.mood {
            Mood::Silent => return None,
            Mood::Babbles => return Some(vec![1, 2, 3]),
            Mood::Refuses(rcode) => message.metadata.response_code = rcode,
            Mood::Fine | Mood::Lame => self.fill(&question, &mut message),
        }
        if self.mood == Mood::Lame {
            message.metadata.authoritative = false;
        }
        if let Some(tamper) = &self.tamper {
            tamper(&question, &mut message);
        }
        Some(encode(&message))
    }

    fn fill(&self, question: &Question, message: &mut Message) {
        let is_parents = question.rtype == RecordType::DS && !question.name.is_root();
        let above = |zone: &&Served| zone.apex.zone_of(&question.name);
        let strictly = |zone: &&Served| above(zone) && !(is_parents && zone.apex == question.name);
        let closest = |zones: &mut dyn Iterator<Item = &Served>| -> Option<Served> {
            zones.max_by_key(|zone| zone.apex.num_labels()).cloned()
        };
        let zone = closest(&mut self.zones.iter().filter(strictly))
            .or_else(|| closest(&mut self.zones.iter().filter(above)));
        match zone {
            Some(zone) => zone.respond(question, message),
            None => message.metadata.response_code = ResponseCode::Refused,
        }
    }
}

/// Servers by address, and a log of what they were asked.
#[derive(Default)]
pub struct World {
    pub servers: BTreeMap<IpAddr, Server>,
    pub asked: Vec<(IpAddr, Question)>,
}

impl World {
    /// The server at 192.0.2.`last` from now on serves these zones.
    pub fn serve(&mut self, last: u8, zones: impl IntoIterator<Item = Served>) {
        let server = Server {
            zones: zones.into_iter().collect(),
            mood: Mood::Fine,
            tamper: None,
        };
        self.servers.insert(ip(last), server);
    }

    /// From now on the server at 192.0.2.`last` is in this mood.
    pub fn mood(&mut self, last: u8, mood: Mood) {
        self.servers.get_mut(&ip(last)).unwrap().mood = mood;
    }

    /// From now on each answer of 192.0.2.`last` is changed.
    pub fn tamper(
        &mut self,
        last: u8,
        tamper: impl Fn(&Question, &mut Message) + Send + Sync + 'static,
    ) {
        self.servers.get_mut(&ip(last)).unwrap().tamper = Some(Arc::new(tamper));
    }

    /// Carries messages until the resolver has nothing more to say.
    pub fn drive(&mut self, resolver: &mut Resolver, now: Timestamp) {
        while let Some(output) = resolver.poll(now) {
            let Output::Ask { id, to, bytes, .. } = output else {
                continue;
            };
            assert!(Resolver::owns(id));
            let query = decode(&bytes).unwrap().queries[0].clone();
            let question = Question::new(query.name().clone(), query.query_type());
            self.asked.push((to.ip(), question));
            let answer = self
                .servers
                .get(&to.ip())
                .and_then(|server| server.respond(&bytes));
            let input = match answer {
                Some(bytes) => Input::Answer { id, bytes },
                None => Input::Failure { id },
            };
            resolver.handle(now, input);
        }
    }

    /// Asks and drives until the end.
    pub fn resolve(
        &mut self,
        resolver: &mut Resolver,
        now: Timestamp,
        question: Question,
    ) -> Resolution {
        let ticket = resolver.resolve(now, question.clone());
        self.drive(resolver, now);
        let resolution = resolver.take_resolution().expect("every question ends");
        assert_eq!(
            (resolution.ticket, &resolution.question),
            (ticket, &question)
        );
        assert!(resolver.is_idle());
        resolution
    }
}

/// The start of every story.
pub const START: Timestamp = Timestamp::from_seconds(1_767_225_600);

/// `START` plus so many seconds.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(START.as_seconds() + seconds)
}

/// The addresses: the root, test, and the two signers of example.test.
pub const ROOT: u8 = 1;
/// See [`ROOT`].
pub const TEST: u8 = 2;
/// See [`ROOT`].
pub const A: u8 = 3;
/// See [`ROOT`].
pub const B: u8 = 4;
/// The server of insecure.test and other.test.
pub const OTHER: u8 = 5;

/// The usual world, to be changed by each story.
pub struct Story {
    pub world: World,
    pub now: Timestamp,
    pub root: Signer,
    pub test: Signer,
    pub a: Signer,
    pub b: Signer,
    pub parent: Zone,
    pub child: Zone,
}

impl Story {
    /// Root → test → example.test, which two signers sign; insecure.test beside it.
    pub fn new(now: Timestamp) -> Self {
        let signer = Signer::new;
        let (root, test, a, b) = (signer("root"), signer("test"), signer("a"), signer("b"));
        let parent = Zone::new("test.", &["ns.test."])
            .with_a("ns.test.", ip(TEST))
            .with_keys(&[&test])
            .with_ns("example.test.", &["ns1.example.test.", "ns2.example.test."])
            .with_a("ns1.example.test.", ip(A))
            .with_a("ns2.example.test.", ip(B))
            .with_ds("example.test.", a.ds("example.test."))
            .with_ds("example.test.", b.ds("example.test."))
            .with_ns("insecure.test.", &["ns.insecure.test."])
            .with_a("ns.insecure.test.", ip(OTHER));
        let child = Zone::new("example.test.", &["ns1.example.test.", "ns2.example.test."])
            .with_a("ns1.example.test.", ip(A))
            .with_a("ns2.example.test.", ip(B))
            .with_a("www.example.test.", ip(80))
            .with_a("*.wild.example.test.", ip(81))
            .with_a("deep.er.example.test.", ip(82))
            .with_cname("alias.example.test.", "www.example.test.");
        let mut story = Self {
            world: World::default(),
            now,
            parent,
            child,
            root,
            test,
            a,
            b,
        };
        let top = Zone::new(".", &["ns.test."])
            .with_keys(&[&story.root])
            .with_ns("test.", &["ns.test."])
            .with_a("ns.test.", ip(TEST))
            .with_ds("test.", story.test.ds("test."));
        story.world.serve(ROOT, [top.signed(&story.root, now, 30)]);
        let insecure = Zone::new("insecure.test.", &["ns.insecure.test."])
            .with_a("ns.insecure.test.", ip(OTHER))
            .with_a("www.insecure.test.", ip(90));
        story.world.serve(OTHER, [insecure.unsigned()]);
        story.serve_parent();
        let both = story.child.clone().with_keys(&[&story.a, &story.b]);
        story.serve_child(A, &both, &story.a.clone(), 30);
        story.serve_child(B, &both, &story.b.clone(), 30);
        story
    }

    /// Serves `parent` as it is now.
    pub fn serve_parent(&mut self) {
        let served = self.parent.signed(&self.test, self.now, 30);
        self.world.serve(TEST, [served]);
    }

    /// One signer serves this from now on.
    pub fn serve_child(&mut self, last: u8, zone: &Zone, signer: &Signer, days: i64) {
        self.world
            .serve(last, [zone.signed(signer, self.now, days)]);
    }

    /// A configuration that trusts the root's key.
    pub fn config(&self) -> Config {
        Config::new(vec![ip(ROOT)], vec![self.root.ds(".")])
    }

    /// A resolver of that configuration.
    pub fn resolver(&self, config: Config) -> Resolver {
        Resolver::new(config, stream::stream(7, "resolver"))
    }
}
