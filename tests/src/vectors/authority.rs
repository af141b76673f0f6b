//! The servers around the child: root, parent, signalling zones. They are without fault, but for the
//! state that a case wants of a signalling zone.

use std::{cell::Cell, net::IpAddr, rc::Rc, time::Duration};

use counterpoint_dns::{
    agent::{Peer, Server, Transport},
    key::{Algorithm, DIGEST_SHA256, SigningKey},
    message::{Message, ResponseCode, decode, encode},
    name::{Name, RecordType},
    rdata::{Ds, Rdata, Soa},
    rrset::RrSet,
    stream::octets,
    time::Timestamp,
    tsig::{TsigKey, check_request, refuse},
    update::Update,
};
use counterpoint_simnet::{
    answer::answer,
    clock::Skew,
    contents::Contents,
    keys::{KeyKind, OwnKey},
    primary::{Jitter, Primary, Signing},
    update,
};
use hickory_proto::op::OpCode;

/// TTL of infrastructure, seconds.
const TTL: u32 = 3_600;

/// How a zone is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Secure,
    /// Not at all.
    Insecure,
    /// By signatures that have expired.
    Bogus,
}

/// Whoever serves one zone: its nameserver, and its primary for those who have the key.
#[derive(Debug)]
pub struct Authority {
    /// The zone.
    pub primary: Primary,
    /// Where it is served.
    pub address: IpAddr,
    tsig: TsigKey,
    is_delegated_secure: bool,
    /// The same zone as it answers at names that it should refer for.
    forgery: Option<Primary>,
}

impl Authority {
    /// A zone at `address`, which its only nameserver `ns.ZONE` has.
    pub fn new(zone: Name, address: IpAddr, state: State, tsig: TsigKey) -> Self {
        let mut contents = Contents::new(zone.clone());
        let host = host_of(&zone);
        contents.put(RrSet::new(
            zone.clone(),
            RecordType::NS,
            TTL,
            [Rdata::name(&host)],
        ));
        contents.put(RrSet::new(
            host.clone(),
            RecordType::A,
            TTL,
            [Rdata::address(address)],
        ));
        let soa = Soa {
            mname: host.clone(),
            rname: host,
            serial: 1,
            refresh: 3_600,
            retry: 600,
            expire: 86_400,
            minimum: 60,
        };
        let mut primary = Primary::new(contents, zone.clone(), soa, TTL, Rc::new(Cell::new(0)));
        let seed = octets(1, &format!("zone {zone}"));
        let key = OwnKey {
            kind: KeyKind::Csk,
            key: SigningKey::from_seed(Algorithm::Ed25519, KeyKind::Csk.flags(), seed),
            is_active: true,
            is_published: true,
            may_leave: false,
            order: 0,
        };
        let days = |count: u64| Duration::from_secs(86_400 * count);
        if state != State::Insecure {
            primary.keys.own.insert("csk".into(), key);
            primary.signing = Some(Signing {
                validity: days(400),
                resign_before: days(1),
                jitter: Jitter::default(),
                denial: Default::default(),
                dnskey_ttl: TTL,
                clock: match state {
                    State::Bogus => Skew::behind(days(500)),
                    _ => Skew::NONE,
                },
            });
        }
        Self {
            primary,
            address,
            tsig,
            is_delegated_secure: state != State::Insecure,
            forgery: None,
        }
    }

    /// Answers with these RRsets at their names itself, signed by its own key, although the names are
    /// delegated away.
    pub fn forge(&mut self, sets: Vec<RrSet>) {
        let (zone, tsig) = (self.primary.zone().clone(), self.tsig.clone());
        let mut forgery = Self::new(zone, self.address, State::Secure, tsig).primary;
        for set in sets {
            forgery.contents.put(set);
        }
        self.forgery = Some(forgery);
    }

    /// The DS records of its key; none if it is delegated insecurely.
    pub fn ds(&self) -> Vec<Ds> {
        let zone = self.primary.zone();
        let keys = self.primary.keys.published().into_iter();
        let keys = keys.filter(|_| self.is_delegated_secure);
        keys.filter_map(|key| key.ds(zone, DIGEST_SHA256)).collect()
    }

    /// Adds the delegation of `below`, with glue.
    pub fn delegate(&mut self, below: &Authority) {
        let zone = below.primary.zone();
        let host = host_of(zone);
        let ds: Vec<Rdata> = below.ds().iter().map(Ds::to_rdata).collect();
        let contents = &mut self.primary.contents;
        contents.put(RrSet::new(
            zone.clone(),
            RecordType::NS,
            TTL,
            [Rdata::name(&host)],
        ));
        contents.put(RrSet::new(zone.clone(), RecordType::DS, TTL, ds));
        contents.put(RrSet::new(
            host,
            RecordType::A,
            TTL,
            [Rdata::address(below.address)],
        ));
    }
}

fn host_of(zone: &Name) -> Name {
    zone.prepend_label("ns").unwrap_or_else(|_| zone.clone())
}

impl Server for Authority {
    fn respond(
        &mut self,
        now: Timestamp,
        _from: Peer,
        via: Transport,
        request: &[u8],
    ) -> Option<Vec<u8>> {
        // What was changed by hand or by an update is published at once.
        self.primary.publish(now);
        let message = decode(request).ok()?;
        let query = message.queries.first()?;
        let asked = Name::from(query.name());
        let is_transfer = query.query_type() == RecordType::AXFR;
        if let Some(forgery) = &mut self.forgery
            && asked != *forgery.zone()
            && forgery.contents.sets().any(|set| set.name == asked)
        {
            forgery.publish(now);
            let published = forgery.published();
            return Some(answer(published.map(|zone| &**zone), &message, via));
        }
        let is_signed = message.signature.is_some();
        if message.op_code == OpCode::Query && !is_transfer && !is_signed {
            let published = self.primary.published();
            return Some(answer(published.map(|zone| &**zone), &message, via));
        }
        let checked = match check_request([&self.tsig], request, now) {
            Ok(checked) => checked,
            Err(fault) => return Some(refuse(&message, &fault, now)),
        };
        if is_transfer {
            return Some(match self.primary.published() {
                Some(zone) if zone.zone == asked => {
                    checked.sign_all(zone.transfer(message.id.to_be_bytes()), now)
                }
                _ => {
                    let code = ResponseCode::NotAuth;
                    let refusal = Message::error_msg(message.id, OpCode::Query, code);
                    checked.sign_octets(encode(&refusal), now)
                }
            });
        }
        if message.op_code == OpCode::Query {
            let published = self.primary.published();
            let plain = answer(published.map(|zone| &**zone), &message, via);
            return Some(checked.sign_anew(plain, now));
        }
        let mut answer = Message::response(message.id, message.op_code);
        answer.metadata.response_code = match Update::from_message(&message) {
            Ok(update) => update::apply(&mut self.primary, &update, now),
            Err(_) => ResponseCode::FormErr,
        };
        Some(checked.sign_answer(answer, now))
    }
}
