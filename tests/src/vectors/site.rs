//! One server of the child: what it serves, signed by whom, and in which ways it is at fault.
//!
//! Owns the step from the words of a [`Site`](super::layer::Site) to wire octets.

use std::{cell::Cell, collections::BTreeMap, rc::Rc};

use counterpoint_dns::{
    agent::{Peer, Server, Transport},
    message::{Message, Question, ResponseCode, decode, encode, records, signature_record},
    name::{Name, RecordType, parse_name},
    rdata::{Rdata, Soa},
    rrset::RrSet,
    signature::Rrsig,
    time::Timestamp,
};
use counterpoint_simnet::{
    answer::answer,
    contents::Contents,
    denial::Denial,
    published::{Plan, Published, Served},
};
use hickory_proto::{
    op::{OpCode, Query},
    rr::{RData, rdata::NULL},
};

use super::{
    hashed::Hashed,
    keys::{Key, Keys},
    layer,
    record::{Reader, rtype},
    span::instant,
};

/// TTL of everything at the child that has no other, seconds.
const TTL: u32 = 300;
/// TTL of negative answers of the child, seconds.
const NEGATIVE_TTL: u32 = 60;

/// How a question is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// As it should be.
    Answers,
    /// Not at all.
    Silent,
    /// With this response code.
    Fails(ResponseCode),
    /// Without authority and without data.
    Lame,
    /// Over UDP with TC set and without data; over TCP as it should be.
    Truncated,
}

impl Behaviour {
    fn parse(word: &str) -> Result<Self, String> {
        Ok(match word {
            "well" => Self::Answers,
            "silent" => Self::Silent,
            "SERVFAIL" => Self::Fails(ResponseCode::ServFail),
            "REFUSED" => Self::Fails(ResponseCode::Refused),
            "NOTIMP" => Self::Fails(ResponseCode::NotImp),
            "lame" => Self::Lame,
            "truncated" => Self::Truncated,
            _ => {
                return Err(format!(
                    "answers `{word}`: write well, silent, SERVFAIL, REFUSED, NOTIMP, lame or truncated"
                ));
            }
        })
    }
}

/// What a site must know of the case around it.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// The child.
    pub child: &'a Name,
    /// The keys.
    pub keys: &'a Keys,
    /// The nameserver names by server label.
    pub hosts: &'a BTreeMap<String, Name>,
    /// Addresses of nameserver names within the child.
    pub addresses: &'a [RrSet],
    /// When the case began.
    pub begin: Timestamp,
}

impl Around<'_> {
    /// A server label's nameserver name, or a name.
    pub fn host(&self, text: &str) -> Result<Name, String> {
        if let Some(host) = self.hosts.get(text) {
            return Ok(host.clone());
        }
        match text.ends_with('.') {
            true => parse_name(text).map_err(|error| error.to_string()),
            false => Err(format!("`{text}` is no server; a name ends in a dot")),
        }
    }

    /// `OWNER TYPE` and the data below it.
    pub fn set(&self, owner_and_type: &str, ttl: u32, data: &[String]) -> Result<RrSet, String> {
        let bad = || format!("records.\"{owner_and_type}\": write `OWNER TYPE`");
        let (owner, kind) = owner_and_type.split_once(' ').ok_or_else(bad)?;
        let (owner, kind) = (self.host(owner)?, rtype(kind)?);
        let reader = self.reader();
        let read = |text: &String| match kind {
            RecordType::NS => self.host(text).map(|host| Rdata::name(&host)),
            _ => reader.data(kind, text),
        };
        let data: Vec<Rdata> = data.iter().map(read).collect::<Result<_, _>>()?;
        Ok(RrSet::new(owner, kind, ttl, data))
    }

    /// Reads record data.
    pub fn reader(&self) -> Reader<'_> {
        Reader {
            zone: self.child,
            keys: self.keys,
        }
    }
}

/// A server of the child.
#[derive(Debug)]
pub struct Site {
    zone: Name,
    serial: u32,
    contents: Contents,
    /// Who signs a type, from when until when.
    plans: BTreeMap<RecordType, Vec<Plan>>,
    /// Who signs every other type.
    plan: Vec<Plan>,
    owner: BTreeMap<RecordType, Name>,
    bogus: Vec<RecordType>,
    behaviours: BTreeMap<RecordType, Behaviour>,
    behaviour: Behaviour,
    moves: Vec<RecordType>,
    is_hashed: bool,
    published: Option<(Published, Hashed)>,
}

impl Site {
    /// Reads what one server serves.
    pub fn new(words: &layer::Site, around: &Around<'_>) -> Result<Self, String> {
        let (child, reader) = (around.child, around.reader());
        let ttl = |rtype: RecordType| ttl_of(&words.ttl, rtype, TTL);
        let mut contents = Contents::new(child.clone());
        for set in around.addresses {
            contents.put(set.clone());
        }
        let hosts = words.ns.clone().unwrap_or_default();
        let hosts: Vec<Rdata> = hosts
            .iter()
            .map(|host| around.host(host).map(|host| Rdata::name(&host)))
            .collect::<Result<_, _>>()?;
        contents.put(RrSet::new(
            child.clone(),
            RecordType::NS,
            ttl(RecordType::NS),
            hosts,
        ));
        for (rtype, data) in [
            (RecordType::DNSKEY, &words.dnskey),
            (RecordType::CDS, &words.cds),
            (RecordType::CDNSKEY, &words.cdnskey),
            (RecordType::CSYNC, &words.csync),
        ] {
            let data = data.iter().flatten().map(|text| reader.data(rtype, text));
            let data: Vec<Rdata> = data.collect::<Result<_, _>>()?;
            contents.put(RrSet::new(child.clone(), rtype, ttl(rtype), data));
        }
        for (at, data) in &words.records {
            let kind = rtype(at.rsplit(' ').next().unwrap_or_default())?;
            contents.put(around.set(at, ttl(kind), data.as_deref().unwrap_or_default())?);
        }
        let mut site = Self {
            zone: child.clone(),
            serial: words.serial.unwrap_or(1),
            contents,
            plans: BTreeMap::new(),
            plan: Vec::new(),
            owner: BTreeMap::new(),
            bogus: types(&words.bogus)?,
            behaviours: BTreeMap::new(),
            behaviour: Behaviour::Answers,
            moves: types(&words.moves)?,
            is_hashed: match words.denial.as_deref() {
                None | Some("nsec") => false,
                Some("nsec3") => true,
                Some(other) => return Err(format!("denial `{other}`: write nsec or nsec3")),
            },
            published: None,
        };
        site.sign(words, around)?;
        for (kind, owner) in &words.owner {
            let owner = parse_name(owner.as_deref().unwrap_or_default());
            site.owner
                .insert(rtype(kind)?, owner.map_err(|error| error.to_string())?);
        }
        for (kind, word) in &words.answers {
            let behaviour = Behaviour::parse(word.as_deref().unwrap_or_default())?;
            match kind.as_str() {
                "all" => site.behaviour = behaviour,
                kind => _ = site.behaviours.insert(rtype(kind)?, behaviour),
            }
        }
        Ok(site)
    }

    /// Who signs what: keys of the right kind whose private half is here, unless told otherwise.
    fn sign(&mut self, words: &layer::Site, around: &Around<'_>) -> Result<(), String> {
        let time = |text: &Option<String>, default: &str| {
            instant(around.begin, text.as_deref().unwrap_or(default))
        };
        let (from, until) = (
            time(&words.inception, "-1d")?,
            time(&words.expiration, "90d")?,
        );
        let plan = |key: &Key, (inception, expiration)| Plan {
            key: key.signing.clone(),
            inception,
            expiration,
        };
        let here = words.signers.as_ref().or(words.dnskey.as_ref());
        let here = here
            .into_iter()
            .flatten()
            .map(|label| around.keys.get(label));
        let here: Vec<&Key> = here.collect::<Result<_, _>>()?;
        let by = |chooses: fn(&Key) -> bool, times| -> Vec<Plan> {
            let chosen = here.iter().filter(|key| chooses(key));
            chosen.map(|key| plan(key, times)).collect()
        };
        self.plan = by(|key| key.signs_data, (from, until));
        let keys = [RecordType::DNSKEY, RecordType::CDS, RecordType::CDNSKEY];
        for rtype in keys {
            self.plans
                .insert(rtype, by(|key| key.signs_keys, (from, until)));
        }
        for (kind, times) in &words.validity {
            let Some((from, until)) = times else { continue };
            let times = (instant(around.begin, from)?, instant(around.begin, until)?);
            let kind = rtype(kind)?;
            let chooses: fn(&Key) -> bool = match keys.contains(&kind) {
                true => |key| key.signs_keys,
                false => |key| key.signs_data,
            };
            self.plans.insert(kind, by(chooses, times));
        }
        for (kind, labels) in &words.sign {
            let kind = rtype(kind)?;
            let times = self.plans.get(&kind).and_then(|plans| plans.first());
            let times = times.map_or((from, until), |plan| (plan.inception, plan.expiration));
            let labels = labels.iter().flatten().map(|label| around.keys.get(label));
            let keys: Vec<&Key> = labels.collect::<Result<_, _>>()?;
            self.plans
                .insert(kind, keys.into_iter().map(|key| plan(key, times)).collect());
        }
        for kind in types(&words.unsigned)? {
            self.plans.insert(kind, Vec::new());
        }
        Ok(())
    }

    /// The zone as it is served now, and its chain of hashes.
    fn published(&mut self) -> &(Published, Hashed) {
        let Self {
            zone,
            serial,
            contents,
            plans,
            plan,
            is_hashed,
            ..
        } = &*self;
        let publish = || {
            let soa = Soa {
                mname: zone.clone(),
                rname: zone.clone(),
                serial: *serial,
                refresh: 3_600,
                retry: 600,
                expire: 86_400,
                minimum: NEGATIVE_TTL,
            };
            let soa = RrSet::new(zone.clone(), RecordType::SOA, TTL, [soa.to_rdata()]);
            let counter = Rc::new(Cell::new(0));
            let mut sets: BTreeMap<Name, BTreeMap<RecordType, Rc<Served>>> = BTreeMap::new();
            let denials = match plan.is_empty() {
                true => Vec::new(),
                false => Denial::Nsec.chain(contents, zone, NEGATIVE_TTL),
            };
            let (denials, hashed) = match is_hashed {
                true => (Vec::new(), denials),
                false => (denials, Vec::new()),
            };
            let signers = plans.get(&RecordType::NSEC3).unwrap_or(plan);
            let hashed = Hashed::new(zone, &hashed, signers);
            for set in contents.sets().cloned().chain([soa]).chain(denials) {
                let plans = match contents.is_authoritative(&set) {
                    true => plans.get(&set.rtype).unwrap_or(plan).clone(),
                    false => Vec::new(),
                };
                let (name, rtype) = (set.name.clone(), set.rtype);
                let served = Served::new(set, plans, zone.clone(), Rc::clone(&counter));
                sets.entry(name).or_default().insert(rtype, Rc::new(served));
            }
            (Published::new(zone.clone(), *serial, sets), hashed)
        };
        if self.published.is_none() {
            self.published = Some(publish());
        }
        self.published.as_ref().expect("it was just made")
    }

    /// As the zone has it, but under the name and with the signatures that the case wants.
    fn answer(&mut self, question: &Question, request: &Message, via: Transport) -> Message {
        let stray = self
            .owner
            .get(&question.rtype)
            .filter(|_| question.name == self.zone);
        let mut asked = request.clone();
        if let Some(owner) = stray {
            asked.queries = vec![Query::query(owner.into(), question.rtype)];
        }
        let (published, hashed) = self.published();
        let octets = answer(Some(published), &asked, via);
        let mut message = decode(&octets).expect("our own answer");
        message.queries.clone_from(&request.queries);
        let wants_proof = request.edns.as_ref();
        let wants_proof = wants_proof.is_some_and(|edns| edns.flags().dnssec_ok);
        if wants_proof && message.authoritative && message.answers.is_empty() {
            for served in hashed.proof(&question.name) {
                let made = served.signatures().iter();
                let made = made.map(|rrsig| signature_record(&served.set, rrsig));
                message.authorities.extend(records(&served.set).chain(made));
            }
        }
        let sections = [&mut message.answers, &mut message.authorities];
        for record in sections.into_iter().flatten() {
            let data = Rdata::from_parsed(&record.data);
            let covered = Rrsig::parse(&data).map(|rrsig| rrsig.covered);
            if record.record_type() == RecordType::RRSIG
                && covered.is_some_and(|covered| self.bogus.contains(&covered))
            {
                let mut octets = data.octets().to_vec();
                if let Some(last) = octets.last_mut() {
                    *last ^= 1;
                }
                let rdata = NULL::with(octets);
                record.data = RData::Unknown {
                    code: RecordType::RRSIG,
                    rdata,
                };
            }
        }
        message
    }
}

impl Server for Site {
    fn respond(
        &mut self,
        _now: Timestamp,
        _from: Peer,
        via: Transport,
        request: &[u8],
    ) -> Option<Vec<u8>> {
        let request = decode(request).ok()?;
        let query = request.queries.first()?;
        let question = Question::new(query.name().into(), query.query_type());
        if !self.zone.zone_of(&question.name) {
            return Some(answer(None, &request, via));
        }
        let mut bare = Message::response(request.id, OpCode::Query);
        bare.queries.clone_from(&request.queries);
        let behaviour = self.behaviours.get(&question.rtype);
        match behaviour.copied().unwrap_or(self.behaviour) {
            Behaviour::Silent => return None,
            Behaviour::Fails(code) => bare.metadata.response_code = code,
            Behaviour::Lame => {}
            Behaviour::Truncated if via == Transport::Udp => {
                bare.metadata.authoritative = true;
                bare.metadata.truncation = true;
            }
            Behaviour::Truncated | Behaviour::Answers => {
                bare = self.answer(&question, &request, via);
            }
        }
        if self.moves.contains(&question.rtype) {
            self.serial = self.serial.wrapping_add(1);
            self.published = None;
        }
        Some(encode(&bare))
    }
}

/// The types of a list of words.
fn types(words: &Option<layer::Words>) -> Result<Vec<RecordType>, String> {
    words.iter().flatten().map(|word| rtype(word)).collect()
}

/// The TTL of a type, seconds.
pub fn ttl_of(ttls: &layer::Map<u32>, rtype: RecordType, default: u32) -> u32 {
    ttls.get(&rtype.to_string())
        .copied()
        .flatten()
        .unwrap_or(default)
}
