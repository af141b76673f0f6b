//! From an answer to what it shows: an RRset, the proof that there is none, or nothing that counts.
//!
//! Owns what a usable answer is: authoritative, whole, and to the question. REFUSED, SERVFAIL,
//! silence and truncation are *unknown*.

use counterpoint_dns::{
    exchange::Outcome,
    message::{Question, Reply, ResponseCode, find},
    name::{Name, RecordType, is_at_or_below},
    rdata::{Rdata, Soa},
    rrset::{RrSet, SignedRrSet},
};

use crate::{log::Unknown, place::Item};

/// What one answer shows of one item.
pub(crate) type Shown = (Item, Result<SignedRrSet, Unknown>);

/// What the answer to `question`, asked for `item`, shows: of a delegation its glue as well.
pub(crate) fn read(zone: &Name, item: &Item, question: &Question, outcome: &Outcome) -> Vec<Shown> {
    let reply = match outcome {
        Outcome::Reply(reply) => reply,
        Outcome::Unanswered(why) => {
            return vec![(item.clone(), Err(Unknown::Silent(why.to_string())))];
        }
        Outcome::Raw(_) => {
            return vec![(item.clone(), Err(Unknown::Silent("no answer".into())))];
        }
    };
    match (usable(reply), item) {
        (Err(why), _) => vec![(item.clone(), Err(why))],
        (Ok(()), Item::Delegation) => delegation(zone, reply),
        (Ok(()), _) => vec![(item.clone(), authoritative(question, reply))],
    }
}

fn usable(reply: &Reply) -> Result<(), Unknown> {
    match reply.rcode {
        _ if reply.truncated => Err(Unknown::Silent("its answer is truncated".into())),
        ResponseCode::NoError | ResponseCode::NXDomain => Ok(()),
        code => Err(Unknown::NotAuthoritative(format!("it answers {code}"))),
    }
}

fn authoritative(question: &Question, reply: &Reply) -> Result<SignedRrSet, Unknown> {
    if !reply.authoritative {
        return Err(Unknown::NotAuthoritative(
            "it answers without authority".into(),
        ));
    }
    if let Some(signed) = reply.answer_for(question) {
        return Ok(signed.clone());
    }
    // RFC 2308 §5: how long caches keep the denial.
    let mut soas = reply.authority.iter().filter_map(|signed| {
        let soa = signed.set.data.iter().find_map(Soa::parse)?;
        (signed.set.rtype == RecordType::SOA).then_some(signed.set.ttl.min(soa.minimum))
    });
    match soas.next() {
        Some(ttl) if reply.answer.is_empty() => Ok(SignedRrSet {
            set: RrSet::new(question.name.clone(), question.rtype, ttl, []),
            signatures: Vec::new(),
        }),
        _ => Err(Unknown::NotAuthoritative(
            "its answer neither has the RRset nor denies it".into(),
        )),
    }
}

/// The NS RRset of a referral, with glue: it has no authority (RFC 1034 §4.2.1).
fn delegation(zone: &Name, reply: &Reply) -> Vec<Shown> {
    let referral = find(&reply.authority, zone, RecordType::NS);
    let Some(ns) = referral.filter(|_| !reply.authoritative && reply.answer.is_empty()) else {
        let why = Unknown::NotAuthoritative("it gives no referral".into());
        return vec![(Item::Delegation, Err(why))];
    };
    let mut shown = vec![(Item::Delegation, Ok(ns.clone()))];
    let names = ns.set.data.iter().filter_map(Rdata::as_name);
    for name in names.filter(|name| is_at_or_below(name, zone)) {
        for rtype in Item::ADDRESS_TYPES {
            let glue = find(&reply.additional, &name, rtype).cloned();
            let none = || SignedRrSet {
                set: RrSet::new(name.clone(), rtype, ns.set.ttl, []),
                signatures: Vec::new(),
            };
            shown.push((
                Item::Address(name.clone(), rtype),
                Ok(glue.unwrap_or_else(none)),
            ));
        }
    }
    shown
}
