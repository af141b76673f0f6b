//! What an authoritative server answers from a version of a zone (RFC 1034 §4.3.2, RFC 4035 §3.1):
//! authoritative data, referrals with glue and DS or its denial, NODATA, NXDOMAIN, wildcards.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use counterpoint_dns::{
    agent::Transport,
    message::{Question, ResponseCode, encode, records, signature_record},
    name::{Name, RecordType, canonical_wire},
    rdata::Rdata,
    rrset::RrSet,
};
use hickory_proto::{
    op::{Edns, Message, OpCode, Query},
    rr::Record,
};

use crate::{
    denial::Denial,
    published::{Published, Served},
};

/// No message of a transfer takes more, before it is signed and closed: what is left of 65,535.
const TRANSFER_OCTETS: usize = 60_000;
/// Type, class, TTL and length of a record (RFC 1035 §4.1.3).
const RECORD_FIELDS: usize = 10;
/// What an RRSIG says before its signer's name (RFC 4034 §3.1).
const RRSIG_FIELDS: usize = 18;
/// Octets of a UDP answer to somebody without EDNS.
const PLAIN_UDP_MAX: u16 = 512;

/// Answers `request`, a query, from `zone`, or REFUSED if there is no such zone here.
pub fn answer(zone: Option<&Published>, request: &Message, via: Transport) -> Vec<u8> {
    let mut response = Message::response(request.id, request.op_code);
    response.metadata.recursion_desired = request.recursion_desired;
    response.metadata.checking_disabled = request.checking_disabled;
    response.queries.clone_from(&request.queries);
    if let Some(edns) = &request.edns {
        let mut own = Edns::new();
        own.set_max_payload(edns.max_payload())
            .set_dnssec_ok(edns.flags().dnssec_ok);
        response.set_edns(own);
    }
    let [query] = request.queries.as_slice() else {
        response.metadata.response_code = ResponseCode::FormErr;
        return encode(&response);
    };
    let question = Question::new(query.name().into(), query.query_type());
    match zone {
        None => response.metadata.response_code = ResponseCode::Refused,
        Some(zone) => Answering::new(zone, request).answer(&question, &mut response),
    }
    let octets = encode(&response);
    let room = request
        .edns
        .as_ref()
        .map_or(PLAIN_UDP_MAX, Edns::max_payload);
    if via == Transport::Udp && octets.len() > usize::from(room) {
        let mut cut = response.truncate();
        cut.metadata.truncation = true;
        return encode(&cut);
    }
    octets
}

/// SERVFAIL: there was such a zone here, and what is left of it is too old (RFC 1034 §4.3.5).
pub fn failure(request: &Message) -> Vec<u8> {
    encode(&Message::error_msg(
        request.id,
        request.op_code,
        ResponseCode::ServFail,
    ))
}

/// The zone as an AXFR answer (RFC 5936): SOA, everything else, SOA again, in as many messages as that
/// takes. Their id is 0.
pub fn transfer(zone: &Published) -> Vec<Message> {
    let begin = || {
        let mut message = Message::response(0, OpCode::Query);
        message.metadata.authoritative = true;
        message.add_query(Query::query((&zone.zone).into(), RecordType::AXFR));
        message
    };
    let Some(soa) = zone.apex(RecordType::SOA) else {
        let mut failed = begin();
        failed.metadata.response_code = ResponseCode::ServFail;
        return vec![failed];
    };
    let others = zone
        .all()
        .filter(|served| served.set.rtype != RecordType::SOA);
    let (mut messages, mut message, mut octets) = (Vec::new(), begin(), 0);
    for served in [soa].into_iter().chain(others) {
        octets += octets_max(served);
        if octets > TRANSFER_OCTETS {
            messages.push(std::mem::replace(&mut message, begin()));
            octets = octets_max(served);
        }
        let made = served.signatures().iter();
        let made = made.map(|rrsig| signature_record(&served.set, rrsig));
        message.answers.extend(records(&served.set).chain(made));
    }
    message.answers.extend(records(&soa.set));
    messages.push(message);
    messages
}

/// No more than this it takes to encode an RRset and its signatures.
fn octets_max(served: &Served) -> usize {
    let data = served.set.data.iter().map(|data| data.octets().len());
    let made = served
        .signatures()
        .iter()
        .map(|rrsig| RRSIG_FIELDS + canonical_wire(&rrsig.signer).len() + rrsig.signature.len());
    let each = canonical_wire(&served.set.name).len() + RECORD_FIELDS;
    data.chain(made).map(|octets| each + octets).sum()
}

struct Answering<'a> {
    zone: &'a Published,
    wants_signatures: bool,
}

impl<'a> Answering<'a> {
    fn new(zone: &'a Published, request: &Message) -> Self {
        let wants = request
            .edns
            .as_ref()
            .is_some_and(|edns| edns.flags().dnssec_ok);
        Self {
            zone,
            wants_signatures: wants,
        }
    }

    fn answer(&self, question: &Question, response: &mut Message) {
        if let Some(cut) = self.zone.cut_above(&question.name)
            && !(*cut == question.name && question.rtype == RecordType::DS)
        {
            return self.refer(cut, response);
        }
        response.metadata.authoritative = true;
        let name = &question.name;
        if let Some(types) = self.at(name) {
            let found = types
                .get(&question.rtype)
                .or_else(|| types.get(&RecordType::CNAME));
            return match found {
                Some(served) => self.put(served, &mut response.answers),
                None => self.deny(|| self.zone.proves_no_type(name), response),
            };
        }
        if self.has_descendants(name) {
            return self.deny(|| self.zone.proves_no_type(name), response);
        }
        let encloser = self.closest_encloser(name);
        let Ok(wildcard) = encloser.prepend_label("*") else {
            return self.deny(Vec::new, response);
        };
        match self.zone.sets.get(&wildcard) {
            Some(types) => match types.get(&question.rtype) {
                Some(served) => {
                    self.put_as(served, name, &mut response.answers);
                    let proof = || self.zone.proves_expansion(name, &encloser);
                    self.put_all(proof, &mut response.authorities);
                }
                None => self.deny(|| self.zone.proves_no_type_at(&wildcard, name), response),
            },
            None => {
                // Compact denial says so in its NSEC (RFC 9824 §3.1).
                if self.zone.denial != Denial::Compact {
                    response.metadata.response_code = ResponseCode::NXDomain;
                }
                self.deny(|| self.zone.proves_no_name(name, &wildcard), response);
            }
        }
    }

    /// What is at this name: nothing, if that is but a hash (RFC 5155 §7.2.8).
    fn at(&self, name: &Name) -> Option<&'a BTreeMap<RecordType, Rc<Served>>> {
        let types = self.zone.sets.get(name)?;
        let is_hash = types.keys().all(|rtype| *rtype == RecordType::NSEC3);
        (!is_hash).then_some(types)
    }

    /// RFC 4035 §3.1.4: the delegation's NS, its DS or the proof that there is none, and glue.
    fn refer(&self, cut: &Name, response: &mut Message) {
        let Some(ns) = self.zone.get(cut, RecordType::NS) else {
            return;
        };
        self.put(ns, &mut response.authorities);
        if self.wants_signatures {
            match self.zone.get(cut, RecordType::DS) {
                Some(ds) => self.put(ds, &mut response.authorities),
                None => self.put_all(|| self.zone.proves_no_type(cut), &mut response.authorities),
            }
        }
        for host in ns.set.data.iter().filter_map(Rdata::as_name) {
            for rtype in [RecordType::A, RecordType::AAAA] {
                if let Some(glue) = self.zone.get(&host, rtype) {
                    response.additionals.extend(records(&glue.set));
                }
            }
        }
    }

    /// The SOA and its proof, TTLs cut to the negative TTL (RFC 2308 §3).
    fn deny(&self, proof: impl FnOnce() -> Vec<Option<Rc<Served>>>, response: &mut Message) {
        if let Some(soa) = self.zone.apex(RecordType::SOA) {
            self.put(soa, &mut response.authorities);
            let minimum = soa
                .set
                .data
                .first()
                .and_then(counterpoint_dns::rdata::Soa::parse);
            let ttl = minimum.map_or(soa.set.ttl, |fields| fields.minimum.min(soa.set.ttl));
            response
                .authorities
                .iter_mut()
                .for_each(|record| record.ttl = record.ttl.min(ttl));
        }
        self.put_all(proof, &mut response.authorities);
    }

    /// Each record of a proof once, for those who ask for signatures.
    fn put_all(&self, proof: impl FnOnce() -> Vec<Option<Rc<Served>>>, section: &mut Vec<Record>) {
        if !self.wants_signatures {
            return;
        }
        let mut seen = BTreeSet::new();
        for served in proof().iter().flatten() {
            if seen.insert(served.set.name.clone()) {
                self.put(served, section);
            }
        }
    }

    fn put(&self, served: &Served, section: &mut Vec<Record>) {
        section.extend(records(&served.set));
        if self.wants_signatures {
            let made = served.signatures().iter();
            section.extend(made.map(|rrsig| signature_record(&served.set, rrsig)));
        }
    }

    fn put_as(&self, served: &Served, owner: &Name, section: &mut Vec<Record>) {
        let expanded = RrSet {
            name: owner.clone(),
            ..served.set.clone()
        };
        if self.zone.denial == Denial::Compact
            && let Some(made) = self.zone.signed_at_once(expanded.clone())
        {
            return self.put(&made, section);
        }
        section.extend(records(&expanded));
        if self.wants_signatures {
            let made = served.signatures().iter();
            section.extend(made.map(|rrsig| signature_record(&expanded, rrsig)));
        }
    }

    fn has_descendants(&self, name: &Name) -> bool {
        let after = self.zone.sets.range(name..).map(|(other, _)| other);
        after
            .take_while(|other| name.zone_of(other))
            .any(|other| other != name)
    }

    fn closest_encloser(&self, name: &Name) -> Name {
        let mut encloser = name.base_name();
        while !self.zone.sets.contains_key(&encloser) && !self.has_descendants(&encloser) {
            if encloser.is_root() {
                break;
            }
            encloser = encloser.base_name();
        }
        encloser
    }
}

#[cfg(test)]
mod tests {
    use counterpoint_dns::{message::decode, name::parse_name, rdata::Soa};

    use super::*;
    use crate::published::Sets;

    #[test]
    fn a_large_zone_takes_several_messages() {
        let zone = parse_name("test.").unwrap();
        let soa = Soa {
            mname: zone.clone(),
            rname: zone.clone(),
            serial: 1,
            refresh: 1,
            retry: 1,
            expire: 1,
            minimum: 1,
        };
        let mut sets = Sets::new();
        let mut put = |name: &Name, rtype, data| {
            let set = RrSet::new(name.clone(), rtype, 60, [data]);
            let served = Served::new(set, Vec::new(), zone.clone(), Rc::default());
            let of_name = sets.entry(name.clone()).or_default();
            of_name.insert(rtype, Rc::new(served));
        };
        put(&zone, RecordType::SOA, soa.to_rdata());
        for number in 0..3_000 {
            let host = parse_name(&format!("host-{number}.test.")).unwrap();
            let address = Rdata::address([192, 0, 2, 1].into());
            put(&host, RecordType::A, address);
        }
        let published = Published::new(zone.clone(), 1, sets);
        let messages: Vec<Vec<u8>> = published.transfer([0, 7]).collect();
        assert!(messages.len() > 1);
        let fits = |octets: &Vec<u8>| octets.len() <= usize::from(u16::MAX);
        assert!(messages.iter().all(fits));
        let messages = messages.iter().map(|octets| decode(octets).unwrap());
        let answers = messages.inspect(|message| assert_eq!(message.id, 7));
        let records: Vec<Record> = answers.flat_map(|message| message.answers).collect();
        assert_eq!(records.len(), 3_002);
        assert_eq!(records.first(), records.last());
    }
}
