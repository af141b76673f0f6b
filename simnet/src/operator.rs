//! Operators: who runs which server addresses and keeps which zones. The root, the parent and each
//! signer are one operator each.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    rc::Rc,
    time::Duration,
};

use counterpoint_dns::{
    agent::{Peer, Server, Transport},
    message::{ResponseCode, decode, encode},
    name::{Name, RecordType, read_name},
    stream::Stream,
    time::Timestamp,
    tsig::{TsigKey, check_request, refuse},
    update::Update,
    web,
};
use hickory_proto::op::{Message, MessageType, OpCode};

use crate::{
    answer,
    choice::Asker,
    clock::Skew,
    desec::Desec,
    primary::Primary,
    published::{Published, Served},
    update,
};

/// Where the question of a message begins (RFC 1035 §4.1.1).
const HEADER_OCTETS: usize = 12;

/// One server address with its own copies of zones, which lag behind the primary's.
#[derive(Debug)]
pub struct Instance {
    /// What reports and scenarios call it: `alpha/ns1`.
    pub name: String,
    /// The nameserver name that leads to it.
    pub host: Name,
    /// Its address.
    pub address: IpAddr,
    /// Which of its operator's nameservers it is, from 0.
    pub number: usize,
    /// Another address has taken its place.
    pub is_left: bool,
    /// Nobody answers there any more.
    pub(crate) is_gone: bool,
    /// What it serves now.
    copies: BTreeMap<Name, Rc<Published>>,
    /// How often it gave such an answer again.
    pub(crate) repeated: u64,
    /// No later version arrives before this: versions do not overtake one another.
    pub(crate) last_arrival: Timestamp,
    /// Zones whose newer versions wait until a `stale` fault ends.
    pub(crate) withheld: BTreeMap<Name, Option<Rc<Published>>>,
    /// How many faults keep newer versions from it.
    pub(crate) held_by: u32,
    /// Zones that it served until their source was not heard of for too long.
    pub(crate) expired: BTreeSet<Name>,
    /// Versions that a `replay` fault will serve again, by the instant at which they were kept.
    pub(crate) kept: BTreeMap<Timestamp, BTreeMap<Name, Rc<Published>>>,
}

impl Instance {
    /// An instance that serves nothing yet.
    pub fn new(name: String, host: Name, address: IpAddr, number: usize) -> Self {
        Self {
            name,
            host,
            address,
            number,
            is_left: false,
            is_gone: false,
            copies: BTreeMap::new(),
            repeated: 0,
            last_arrival: Timestamp::MIN,
            withheld: BTreeMap::new(),
            held_by: 0,
            expired: BTreeSet::new(),
            kept: BTreeMap::new(),
        }
    }

    /// The version of `zone` that it serves now.
    pub fn copy(&self, zone: &Name) -> Option<&Rc<Published>> {
        self.copies.get(zone)
    }

    /// Every zone that it serves now, as it does.
    pub(crate) fn copies(&self) -> impl Iterator<Item = (Name, Rc<Published>)> {
        let copies = self.copies.iter();
        copies.map(|(zone, version)| (zone.clone(), Rc::clone(version)))
    }

    /// Keeps what it serves now, to serve it again.
    pub(crate) fn keep(&mut self, now: Timestamp) {
        self.kept.insert(now, self.copies.clone());
    }

    /// Serves this version from now on; with `None` the zone no longer.
    pub(crate) fn serve(&mut self, zone: &Name, version: Option<Rc<Published>>) {
        match version {
            Some(version) => {
                self.expired.remove(zone);
                self.copies.insert(zone.clone(), version)
            }
            None => self.copies.remove(zone),
        };
    }
}

impl Server for Instance {
    fn respond(
        &mut self,
        now: Timestamp,
        from: Peer,
        via: Transport,
        request: &[u8],
    ) -> Option<Vec<u8>> {
        if self.expired.is_empty()
            && let Some(known) = remembered(&self.copies, Some, via, request)
        {
            self.repeated += 1;
            return Some(known);
        }
        let message = decode(request).ok()?;
        if message.metadata.message_type != MessageType::Query {
            return None;
        }
        Some(match (message.op_code, message.queries.first()) {
            (OpCode::Query, Some(query)) => {
                let name = query.name().into();
                let zone = closest(&self.copies, &name, query.query_type());
                match self.expired.iter().any(|zone| zone.zone_of(&name)) {
                    true => answer::failure(&message),
                    false => {
                        let asker = Asker {
                            address: from.ip(),
                            now,
                        };
                        answer(zone.map(|zone| &**zone), &message, via, request, asker)
                    }
                }
            }
            (OpCode::Query, None) => answer::answer(None, &message, via),
            (other, _) => encode(&Message::error_msg(message.id, other, ResponseCode::NotImp)),
        })
    }
}

/// The answer that a version of the zone remembers, without a look at the rest of the request.
fn remembered<'a, Z>(
    zones: &'a BTreeMap<Name, Z>,
    version: impl Fn(&'a Z) -> Option<&'a Rc<Published>>,
    via: Transport,
    request: &[u8],
) -> Option<Vec<u8>> {
    let (name, end) = read_name(request, HEADER_OCTETS)?;
    let rtype = request.get(end..end + 2)?.try_into().ok()?;
    let zone = closest(zones, &name, u16::from_be_bytes(rtype).into())?;
    version(zone)?.remembered(via, request)
}

/// The answer of a zone, which it remembers, unless the next one who asks may get another.
fn answer(
    zone: Option<&Published>,
    message: &Message,
    via: Transport,
    request: &[u8],
    asker: Asker,
) -> Vec<u8> {
    let octets = answer::answer_to(zone, message, via, asker);
    let name = message.queries.first().map(|query| query.name().into());
    if let Some((zone, name)) = zone.zip(name)
        && !zone.chooses(&name)
    {
        zone.remember(via, request, &octets);
    }
    octets
}

/// The deepest zone at or above `name`; for DS the deepest above it, if there is one (RFC 4035 §3.1.4.1).
fn closest<'a, Z>(zones: &'a BTreeMap<Name, Z>, name: &Name, rtype: RecordType) -> Option<&'a Z> {
    let above = |name: &Name| (!name.is_root()).then(|| name.base_name());
    let mut all = std::iter::successors(Some(name.clone()), above);
    let found = all.find_map(|name| zones.get_key_value(&name));
    match found {
        Some((zone, _)) if rtype == RecordType::DS && zone == name => {
            let above = all.find_map(|name| zones.get(&name));
            above.or(found.map(|(_, zone)| zone))
        }
        other => other.map(|(_, zone)| zone),
    }
}

/// Somebody who runs servers.
#[derive(Debug)]
pub struct Operator {
    /// Its name in scenarios: `alpha`, `parent`, `root`.
    pub name: String,
    /// Its server addresses.
    pub instances: Vec<Instance>,
    /// The zones that it keeps.
    pub primaries: BTreeMap<Name, Primary>,
    /// Where updates and transfers go; no NS record names it.
    pub primary_address: IpAddr,
    /// Who may update.
    pub tsig: TsigKey,
    /// Its web interface, if it has one; then it takes no dynamic updates.
    pub web: Option<Desec>,
    /// Whether anybody but its own people can change its zones.
    pub is_open: bool,
    /// How long a change takes to reach an instance.
    pub propagation: RangeInclusive<Duration>,
    /// How far its clock is off: that of its signatures, and of what it believes of requests.
    pub clock: Skew,
    /// How long each signature takes.
    pub signing_time: Duration,
    /// When all signatures that were ordered are made.
    pub(crate) busy_until: Timestamp,
    /// The operator's own randomness.
    pub(crate) stream: Stream,
    /// Zones that were updated since they were last published.
    pub(crate) touched: Vec<Name>,
    /// How often a whole zone was asked for.
    pub(crate) transfers: u64,
    /// How many updates came.
    pub(crate) updates: u64,
    /// How often the primary gave an answer that it, or an instance, had given before.
    pub(crate) repeated: u64,
}

impl Operator {
    /// Where updates go.
    pub fn update_address(&self) -> SocketAddr {
        SocketAddr::new(self.primary_address, 53)
    }

    /// What its web interface answers, if it has one; at the primary's address.
    pub fn web_answer(&mut self, now: Timestamp, request: &web::Request) -> Option<web::Answer> {
        let web = self.web.as_mut()?;
        let (answer, touched) = web.respond(now, request, &mut self.primaries);
        self.touched.extend(touched);
        Some(answer)
    }

    /// Orders what is new in `version` to be signed: the next change waits behind it.
    pub(crate) fn sign(&mut self, before: Option<&Published>, version: &Published, now: Timestamp) {
        if self.signing_time.is_zero() {
            return;
        }
        let is_new = |served: &&Rc<Served>| {
            let old = before.and_then(|before| before.get(&served.set.name, served.set.rtype));
            old.is_none_or(|old| !Rc::ptr_eq(old, served))
        };
        let signatures = version
            .all()
            .filter(is_new)
            .map(|served| served.plans.len());
        let takes = self.signing_time * signatures.sum::<usize>() as u32;
        self.busy_until = self.busy_until.max(now) + takes;
    }

    /// Its instance of this name: `ns1`, `1`.
    pub fn instance(&self, short: &str) -> Option<&Instance> {
        self.instances
            .iter()
            .find(|instance| instance.name.rsplit('/').next() == Some(short))
    }
}

/// The primary: answers queries from its newest versions, transfers, and takes updates.
impl Server for Operator {
    fn respond(
        &mut self,
        now: Timestamp,
        _from: Peer,
        via: Transport,
        request: &[u8],
    ) -> Option<Vec<u8>> {
        if let Some(known) = remembered(&self.primaries, Primary::published, via, request) {
            self.repeated += 1;
            return Some(known);
        }
        let clock = self.clock.shows(now);
        let message = decode(request).ok()?;
        if message.metadata.message_type != MessageType::Query {
            return None;
        }
        let zone = Name::from(message.queries.first()?.name());
        let rtype = message.queries.first()?.query_type();
        match message.op_code {
            OpCode::Query if rtype == RecordType::AXFR => {
                self.transfers += 1;
                let published = self.primaries.get(&zone).and_then(Primary::published);
                let checked = match check_request([&self.tsig], request, clock) {
                    Ok(checked) => checked,
                    Err(fault) => return Some(refuse(&message, &fault, clock)),
                };
                Some(match published {
                    Some(published) => {
                        checked.sign_all(published.transfer(message.id.to_be_bytes()), clock)
                    }
                    None => {
                        let code = ResponseCode::NotAuth;
                        let refusal = Message::error_msg(message.id, OpCode::Query, code);
                        checked.sign_octets(encode(&refusal), clock)
                    }
                })
            }
            OpCode::Query => {
                let primary = closest(&self.primaries, &zone, rtype);
                let published = primary.and_then(Primary::published);
                let published = published.map(|zone| &**zone);
                if message.signature.is_none() {
                    return Some(answer(published, &message, via, request, Asker::NOBODY));
                }
                let answer = answer::answer(published, &message, via);
                Some(match check_request([&self.tsig], request, clock) {
                    Ok(checked) => checked.sign_anew(answer, clock),
                    Err(fault) => refuse(&message, &fault, clock),
                })
            }
            OpCode::Update if self.web.is_none() && self.is_open => {
                self.updates += 1;
                let checked = match check_request([&self.tsig], request, clock) {
                    Ok(checked) => checked,
                    Err(fault) => return Some(refuse(&message, &fault, clock)),
                };
                let code = match (
                    Update::from_message(&message),
                    self.primaries.get_mut(&zone),
                ) {
                    (Err(_), _) => ResponseCode::FormErr,
                    (Ok(_), None) => ResponseCode::NotAuth,
                    (Ok(update), Some(primary)) => {
                        let code = update::apply(primary, &update, clock);
                        if code == ResponseCode::NoError {
                            self.touched.push(zone);
                        }
                        code
                    }
                };
                let mut answer = Message::response(message.id, OpCode::Update);
                answer.metadata.response_code = code;
                Some(checked.sign_answer(answer, clock))
            }
            other => Some(encode(&Message::error_msg(
                message.id,
                other,
                ResponseCode::NotImp,
            ))),
        }
    }
}
