//! A small world for the resolver's tests: signed zones in memory, servers with moods, and a driver
//! that carries questions to them and answers back without any delay.

#![allow(dead_code, reason = "each test file uses its own part of it")]

pub mod story;
pub mod zone;

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use counterpoint_dns::{
    agent::{Agent, Input, Output},
    key::{Algorithm, DIGEST_SHA256, SECURE_ENTRY_POINT, SigningKey, ZONE_KEY},
    message::{Question, ResponseCode, decode, encode, records, signature_record},
    name::{Name, RecordType, parse_name},
    rdata::Ds,
    resolver::{Resolution, Resolver},
    rrset::SignedRrSet,
    stream,
    time::Timestamp,
};
use hickory_proto::op::{Message, OpCode, Query};

use zone::Served;

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
        let question = Question::new(query.name().into(), query.query_type());
        let mut message = Message::response(request.id, OpCode::Query);
        message.add_query(Query::query((&question.name).into(), question.rtype));
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
            let question = Question::new(query.name().into(), query.query_type());
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
