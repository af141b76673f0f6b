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

#[cfg(test)]
mod tests {
    use counterpoint_dns::{exchange::Unanswered, name::parse_name};

    use super::*;

    fn zone() -> Name {
        parse_name("example.test.").unwrap()
    }

    fn set(name: &str, rtype: RecordType, data: Rdata) -> SignedRrSet {
        SignedRrSet {
            set: RrSet::new(parse_name(name).unwrap(), rtype, 3_600, [data]),
            signatures: Vec::new(),
        }
    }

    fn soa() -> SignedRrSet {
        let soa = Soa {
            mname: zone(),
            rname: zone(),
            serial: 1,
            refresh: 1,
            retry: 1,
            expire: 1,
            minimum: 900,
        };
        set("example.test.", RecordType::SOA, soa.to_rdata())
    }

    fn reply(item: &Item) -> Reply {
        Reply {
            id: 1,
            rcode: ResponseCode::NoError,
            authoritative: true,
            truncated: false,
            question: Some(Question::new(zone(), item.rtype())),
            answer: Vec::new(),
            authority: Vec::new(),
            additional: Vec::new(),
        }
    }

    fn shown(item: &Item, reply: Reply) -> Result<SignedRrSet, Unknown> {
        let question = Question::new(zone(), item.rtype());
        read(&zone(), item, &question, &Outcome::Reply(reply))
            .remove(0)
            .1
    }

    #[test]
    fn only_an_authoritative_whole_answer_shows_anything() {
        let item = Item::Ds;
        let ds = set("example.test.", RecordType::DS, Rdata::from_octets([1; 36]));
        let fine = Reply {
            answer: vec![ds.clone()],
            ..reply(&item)
        };
        assert_eq!(shown(&item, fine.clone()), Ok(ds));
        let refused = Reply {
            rcode: ResponseCode::Refused,
            ..fine.clone()
        };
        let lame = Reply {
            authoritative: false,
            ..fine.clone()
        };
        let cut = Reply {
            truncated: true,
            ..fine
        };
        for unusable in [refused, lame, cut, reply(&item)] {
            assert!(shown(&item, unusable.clone()).is_err(), "{unusable:?}");
        }
        let question = Question::new(zone(), RecordType::DS);
        let silent = Outcome::Unanswered(Unanswered::Silent);
        assert!(read(&zone(), &item, &question, &silent)[0].1.is_err());
    }

    #[test]
    fn a_denial_is_an_empty_set_for_as_long_as_caches_keep_it() {
        let item = Item::Csync;
        let denial = Reply {
            authority: vec![soa()],
            ..reply(&item)
        };
        let shown = shown(&item, denial).unwrap();
        assert!(shown.set.data.is_empty() && shown.set.ttl == 900);
    }

    #[test]
    fn a_delegation_is_a_referral_with_all_its_glue() {
        let item = Item::Delegation;
        let host = parse_name("ns1.example.test.").unwrap();
        let ns = set("example.test.", RecordType::NS, Rdata::name(&host));
        let address = Rdata::address([192, 0, 2, 1].into());
        let glue = set("ns1.example.test.", RecordType::A, address);
        let referral = Reply {
            authoritative: false,
            authority: vec![ns.clone()],
            additional: vec![glue.clone()],
            ..reply(&item)
        };
        let question = Question::new(zone(), RecordType::NS);
        let outcome = Outcome::Reply(referral.clone());
        let all = read(&zone(), &item, &question, &outcome);
        let a = Item::Address(host.clone(), RecordType::A);
        let aaaa = Item::Address(host, RecordType::AAAA);
        assert_eq!(all[0], (item.clone(), Ok(ns)));
        assert_eq!(all[1], (a, Ok(glue)));
        assert!(all[2].0 == aaaa && all[2].1.as_ref().unwrap().set.data.is_empty());
        let own = Reply {
            authoritative: true,
            ..referral
        };
        assert!(
            shown(&item, own).is_err(),
            "the child's own NS is no delegation"
        );
    }
}
