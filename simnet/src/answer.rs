//! What an authoritative server answers from a version of a zone (RFC 1034 §4.3.2, RFC 4035 §3.1):
//! authoritative data, referrals with glue and DS or its denial, NODATA, NXDOMAIN, wildcards.

use std::{collections::BTreeSet, rc::Rc};

use counterpoint_dns::{
    agent::Transport,
    message::{Question, ResponseCode, encode, records, signature_record},
    name::{Name, RecordType},
    rdata::Rdata,
    rrset::RrSet,
};
use hickory_proto::{
    op::{Edns, Message, OpCode, Query},
    rr::Record,
};

use crate::published::{Published, Served};

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

/// The zone as one AXFR answer (RFC 5936): SOA, everything else, SOA again. The message id is 0.
pub fn transfer(zone: &Published) -> Message {
    let mut response = Message::response(0, OpCode::Query);
    response.metadata.authoritative = true;
    response.add_query(Query::query((&zone.zone).into(), RecordType::AXFR));
    let put = |served: &Rc<Served>, into: &mut Vec<Record>| {
        into.extend(records(&served.set));
        into.extend(
            served
                .signatures()
                .iter()
                .map(|rrsig| signature_record(&served.set, rrsig)),
        );
    };
    let Some(soa) = zone.apex(RecordType::SOA) else {
        response.metadata.response_code = ResponseCode::ServFail;
        return response;
    };
    put(soa, &mut response.answers);
    for served in zone
        .all()
        .filter(|served| served.set.rtype != RecordType::SOA)
    {
        put(served, &mut response.answers);
    }
    response.answers.extend(records(&soa.set));
    response
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
        if let Some(types) = self.zone.sets.get(&question.name) {
            let found = types
                .get(&question.rtype)
                .or_else(|| types.get(&RecordType::CNAME));
            return match found {
                Some(served) => self.put(served, &mut response.answers),
                None => {
                    self.deny(&[self.zone.get(&question.name, RecordType::NSEC)], response);
                }
            };
        }
        if self.has_descendants(&question.name) {
            return self.deny(&[self.covering(&question.name)], response);
        }
        let encloser = self.closest_encloser(&question.name);
        let Ok(wildcard) = encloser.prepend_label("*") else {
            return self.deny(&[], response);
        };
        let covering = self.covering(&question.name);
        match self.zone.sets.get(&wildcard) {
            Some(types) => match types.get(&question.rtype) {
                Some(served) => {
                    self.put_as(served, &question.name, &mut response.answers);
                    self.put_all(&[covering], &mut response.authorities);
                }
                None => {
                    self.deny(
                        &[covering, self.zone.get(&wildcard, RecordType::NSEC)],
                        response,
                    );
                }
            },
            None => {
                response.metadata.response_code = ResponseCode::NXDomain;
                self.deny(&[covering, self.covering(&wildcard)], response);
            }
        }
    }

    /// RFC 4035 §3.1.4: the delegation's NS, its DS or the proof that there is none, and glue.
    fn refer(&self, cut: &Name, response: &mut Message) {
        let Some(ns) = self.zone.get(cut, RecordType::NS) else {
            return;
        };
        self.put(ns, &mut response.authorities);
        if self.wants_signatures {
            let ds = self.zone.get(cut, RecordType::DS);
            let denial = || self.zone.get(cut, RecordType::NSEC);
            if let Some(served) = ds.or_else(denial) {
                self.put(served, &mut response.authorities);
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

    /// The SOA and these NSECs, each once, TTLs cut to the negative TTL (RFC 2308 §3).
    fn deny(&self, proofs: &[Option<&Rc<Served>>], response: &mut Message) {
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
        self.put_all(proofs, &mut response.authorities);
    }

    fn put_all(&self, proofs: &[Option<&Rc<Served>>], section: &mut Vec<Record>) {
        if !self.wants_signatures {
            return;
        }
        let mut seen = BTreeSet::new();
        for served in proofs
            .iter()
            .flatten()
            .filter(|served| seen.insert(&served.set.name))
        {
            self.put(served, section);
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
        section.extend(records(&expanded));
        if self.wants_signatures {
            let made = served.signatures().iter();
            section.extend(made.map(|rrsig| signature_record(&expanded, rrsig)));
        }
    }

    /// The NSEC whose span holds `name`: the one of the last name before it that has one.
    fn covering(&self, name: &Name) -> Option<&'a Rc<Served>> {
        let before = self.zone.sets.range(..name).rev();
        before
            .filter_map(|(_, types)| types.get(&RecordType::NSEC))
            .next()
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
