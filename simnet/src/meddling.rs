//! What somebody on the way makes of messages: refusals, truncated answers, and lies.
//!
//! The forger knows everything that is public and has a key of its own, which nobody vouches for. It
//! hands out another's data without signatures, under signatures that were made for the true data, or
//! under its own. What it hands out is known by [`is_forged`] wherever it turns up.

use std::{collections::BTreeSet, net::IpAddr, sync::LazyLock, time::Duration};

use counterpoint_dns::{
    key::{Algorithm, DIGEST_SHA256, Dnskey, SigningKey},
    message::{ResponseCode, decode, encode, records, signature_record},
    name::{Name, RecordType},
    rdata::{Csync, Ds, Rdata},
    rrset::RrSet,
    signature::Rrsig,
    stream::{Stream, octets},
    time::Timestamp,
};
use hickory_proto::{
    op::{Message, MessageType, OpCode},
    rr::Record,
};
use rand::RngExt as _;

use crate::{keys::KeyKind, published::Published};

/// Where forged addresses lead (RFC 5737): nobody listens there.
const ADDRESS: [u8; 4] = [203, 0, 113, 66];
/// The same for AAAA (RFC 3849).
const ADDRESS_6: u128 = 0x2001_0db8_0000_0000_0000_0000_0000_0bad;
/// The TTL of what the forger made up, seconds.
const TTL: u32 = 3_600;
/// How long the forger's signatures hold, before and after.
const VALIDITY: Duration = Duration::from_secs(86_400);
/// A request to remove the DS RRset (RFC 8078 §4).
const DELETE_CDS: [u8; 5] = [0, 0, 0, 0, 0];
const DELETE_CDNSKEY: [u8; 5] = [0, 0, 3, 0, 0];

/// How a lie is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// Not at all.
    Unsigned,
    /// By the signatures that belong to the truth.
    Borrowed,
    /// By the forger's own key.
    Own,
}

/// A refusal of `request` with this code.
pub fn refused(request: &[u8], code: ResponseCode) -> Option<Vec<u8>> {
    let mut answer = response(request)?;
    answer.metadata.response_code = code;
    Some(encode(&answer))
}

/// The answer to an update that its addressee never hears of: all is well, says somebody without a key.
pub fn pretended(request: &[u8]) -> Option<Vec<u8>> {
    response(request)
        .filter(|answer| answer.op_code == OpCode::Update)
        .map(|answer| encode(&answer))
}

/// An answer without content, to one who shall ask again by TCP.
pub fn truncated(answer: &[u8]) -> Option<Vec<u8>> {
    let answer = decode(answer).ok()?;
    let mut cut = answer.truncate();
    cut.metadata.truncation = true;
    Some(encode(&cut))
}

/// An answer that says something else; `None`: there is nothing to lie about.
pub fn forged(answer: &[u8], chance: &mut Stream, now: Timestamp) -> Option<Vec<u8>> {
    let mut message = decode(answer).ok()?;
    let question = message.queries.first().cloned()?;
    if message.signature.is_some() || question.query_type() == RecordType::AXFR {
        return Some(spoilt(answer));
    }
    if message.op_code != OpCode::Query {
        return None;
    }
    let manners = [Manner::Unsigned, Manner::Borrowed, Manner::Own];
    let manner = manners[chance.random_range(0..manners.len())];
    let forger = Forger { manner, now };
    let mut is_other = false;
    if message.answers.is_empty() && message.metadata.authoritative {
        let made_up = forger.made_up(&question.name().into(), question.query_type());
        is_other = !made_up.is_empty();
        if is_other {
            message.metadata.response_code = ResponseCode::NoError;
            message.answers = made_up;
            message.authorities.clear();
        }
    } else {
        for section in [&mut message.answers, &mut message.authorities] {
            let other = forger.section(section);
            is_other |= *section != other;
            *section = other;
        }
    }
    is_other.then(|| encode(&message))
}

/// Whether these data of `name` are the forger's.
pub fn is_forged(name: &Name, rtype: RecordType, data: &Rdata) -> bool {
    let key = key();
    match rtype {
        RecordType::DS | RecordType::CDS => {
            Ds::parse(data).is_some_and(|ds| key.public().matches(name, &ds))
        }
        _ => lie(name, rtype, Manner::Own).contains(data),
    }
}

/// The forger's data in a zone, as `example.test. DS`.
pub fn forged_in(zone: &Published) -> impl Iterator<Item = String> {
    let all = zone.all().map(|served| &served.set);
    let forged = all.filter(|set| {
        let mut data = set.data.iter();
        data.any(|data| is_forged(&set.name, set.rtype, data))
    });
    forged.map(|set| format!("{} {}", set.name, set.rtype))
}

struct Forger {
    manner: Manner,
    now: Timestamp,
}

impl Forger {
    /// The RRset that was not there.
    fn made_up(&self, name: &Name, rtype: RecordType) -> Vec<Record> {
        let set = RrSet::new(name.clone(), rtype, TTL, lie(name, rtype, self.manner));
        match set.data.is_empty() {
            true => Vec::new(),
            false => self.signed(&set, name),
        }
    }

    /// A section with all data replaced that the forger has others for.
    fn section(&self, records: &[Record]) -> Vec<Record> {
        let mut made = BTreeSet::new();
        let mut section = Vec::with_capacity(records.len());
        for record in records {
            let name = Name::from(&record.name);
            let signature = signature(record);
            let rtype = signature
                .as_ref()
                .map_or(record.record_type(), |rrsig| rrsig.covered);
            let lies = lie(&name, rtype, self.manner);
            // A delegation is not signed, and an address that is wrong leads nowhere.
            if lies.is_empty() || rtype == RecordType::NS {
                let keeps = signature.is_none() || self.manner != Manner::Unsigned;
                section.extend(keeps.then(|| record.clone()));
                continue;
            }
            if signature.is_some() {
                section.extend((self.manner == Manner::Borrowed).then(|| record.clone()));
                continue;
            }
            if made.insert((name.clone(), rtype)) {
                let mut set = RrSet::new(name.clone(), rtype, record.ttl, lies);
                if rtype == RecordType::DNSKEY && self.manner != Manner::Own {
                    // One more among those that are true.
                    let of_it = |one: &&Record| one.record_type() == rtype;
                    let others = records.iter().filter(of_it);
                    set.data
                        .extend(others.map(|one| Rdata::from_parsed(&one.data)));
                }
                section.extend(self.signed(&set, &zone(records, &name)));
            }
        }
        section
    }

    /// The RRset as records, signed if it is the manner.
    fn signed(&self, set: &RrSet, zone: &Name) -> Vec<Record> {
        let mut all: Vec<Record> = records(set).collect();
        if self.manner == Manner::Own {
            let (from, until) = (self.now.before(VALIDITY), self.now + VALIDITY);
            let rrsig = Rrsig::sign(set, key(), zone, from, until);
            all.push(signature_record(set, &rrsig));
        }
        all
    }
}

/// Whose signatures stand in a section; the owner's own, if there are none.
fn zone(records: &[Record], owner: &Name) -> Name {
    let mut signatures = records.iter().filter_map(signature);
    signatures
        .next()
        .map_or_else(|| owner.clone(), |rrsig| rrsig.signer)
}

fn signature(record: &Record) -> Option<Rrsig> {
    let is_one = record.record_type() == RecordType::RRSIG;
    is_one
        .then(|| Rrsig::parse(&Rdata::from_parsed(&record.data)))
        .flatten()
}

/// The forger's keys: one that signs keys and data, and one that would sign data.
static KEYS: LazyLock<[SigningKey; 2]> = LazyLock::new(|| {
    [KeyKind::Csk, KeyKind::Zsk]
        .map(|kind| SigningKey::from_seed(Algorithm::Ed25519, kind.flags(), octets(0, "forger")))
});

/// The forger's key that signs keys and data.
fn key() -> &'static SigningKey {
    &KEYS[0]
}

/// What the forger says of `name`; nothing, if it does not lie about such data.
fn lie(name: &Name, rtype: RecordType, manner: Manner) -> Vec<Rdata> {
    let asks_to_delete = manner == Manner::Unsigned;
    let data = match rtype {
        RecordType::A => Some(Rdata::address(IpAddr::from(ADDRESS))),
        RecordType::AAAA => Some(Rdata::address(IpAddr::from(ADDRESS_6.to_be_bytes()))),
        RecordType::NS => name.prepend_label("forged").ok().map(|ns| Rdata::name(&ns)),
        RecordType::TXT => Rdata::from_text(rtype, "\"forged\""),
        RecordType::CDS if asks_to_delete => Some(Rdata::from_octets(DELETE_CDS)),
        RecordType::CDNSKEY if asks_to_delete => Some(Rdata::from_octets(DELETE_CDNSKEY)),
        RecordType::DNSKEY => {
            return KEYS.iter().map(|key| key.public().to_rdata()).collect();
        }
        RecordType::CDNSKEY => Some(Dnskey::to_rdata(key().public())),
        RecordType::DS | RecordType::CDS => {
            let ds = key().public().ds(name, DIGEST_SHA256);
            ds.map(|ds| ds.to_rdata())
        }
        RecordType::CSYNC => {
            let csync = Csync {
                serial: 0,
                flags: 1,
                types: vec![RecordType::NS],
            };
            Some(csync.to_rdata())
        }
        _ => None,
    };
    data.into_iter().collect()
}

/// An empty answer to `request`.
fn response(request: &[u8]) -> Option<Message> {
    let request = decode(request).ok()?;
    if request.metadata.message_type != MessageType::Query {
        return None;
    }
    let mut answer = Message::response(request.id, request.op_code);
    answer.queries.clone_from(&request.queries);
    Some(answer)
}

/// The same octets but for one, where a checksum notices.
fn spoilt(answer: &[u8]) -> Vec<u8> {
    let mut other = answer.to_vec();
    let middle = other.len() / 2;
    other.iter_mut().skip(middle).take(1).for_each(|o| *o ^= 1);
    other
}
