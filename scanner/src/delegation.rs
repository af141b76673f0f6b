//! The parent's zone as its primary gives it (AXFR, RFC 5936), and the delegations in it.
//!
//! NS, DS and glue come from here only: what a child says about its own delegation is a request,
//! never a fact (RFC 9615 §4.3). A transfer that is not complete is an error, never half a zone.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::IpAddr,
};

use counterpoint_dns::{
    message::{Message, Question, Reply, ResponseCode, decode, query},
    name::{Name, RecordType},
    rdata::{Ds, Soa},
    rrset::RrSet,
    time::Timestamp,
    transfer::split_first,
    tsig::{RequestMac, TsigFault, TsigKey},
};

/// One delegation of the parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegation {
    /// The delegated name.
    pub child: Name,
    /// Its NS RRset at the parent.
    pub ns: RrSet,
    /// Its DS RRset, if it is secure.
    pub ds: Option<RrSet>,
    /// Address records at the parent of the names in `ns`, and of names below the child.
    pub glue: BTreeMap<(Name, RecordType), RrSet>,
    /// Names of `glue` that other delegations use as well: not this child's alone to remove.
    pub shared: BTreeSet<Name>,
}

impl Delegation {
    /// The nameserver names.
    pub fn hosts(&self) -> BTreeSet<Name> {
        self.ns
            .data
            .iter()
            .filter_map(|data| data.as_name())
            .collect()
    }

    /// The DS records.
    pub fn ds_records(&self) -> Vec<Ds> {
        let sets = self.ds.iter().flat_map(|set| &set.data);
        sets.filter_map(Ds::parse).collect()
    }

    /// The addresses of `host` that the parent has as glue.
    pub fn glue_of(&self, host: &Name) -> impl Iterator<Item = IpAddr> {
        [RecordType::A, RecordType::AAAA]
            .into_iter()
            .filter_map(|rtype| self.glue.get(&(host.clone(), rtype)))
            .flat_map(|set| set.data.iter().filter_map(|data| data.as_address()))
    }
}

/// Who operates a nameserver: the domain that its name lies in, in lower case.
pub fn operator_of(host: &Name) -> Name {
    host.base_name().to_lowercase()
}

/// Everything that the scanner needs of the parent's zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentZone {
    /// Serial of the SOA.
    pub serial: u32,
    /// The delegations, by child.
    pub delegations: BTreeMap<Name, Delegation>,
    /// Every address in the zone, by name: where a new nameserver name may be found.
    pub addresses: BTreeMap<Name, BTreeSet<IpAddr>>,
}

/// Why there is no zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadTransfer(pub String);

impl fmt::Display for BadTransfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the transfer of the parent's zone failed: {}", self.0)
    }
}

impl std::error::Error for BadTransfer {}

/// What is asked of the parent's primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The serial of its zone: as long as that is the same, so is the zone (RFC 1034 §4.3.5).
    Serial,
    /// All of it.
    All,
}

/// A question to the parent's primary: what is needed to judge its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentRequest {
    id: u16,
    zone: Name,
    mac: Option<RequestMac>,
}

impl ParentRequest {
    /// Asks for `what` of `zone`. The request, signed if there is a key, and its octets.
    pub fn new(
        id: u16,
        zone: &Name,
        what: Asked,
        tsig: Option<&TsigKey>,
        now: Timestamp,
    ) -> (Self, Vec<u8>) {
        let rtype = match what {
            Asked::Serial => RecordType::SOA,
            Asked::All => RecordType::AXFR,
        };
        let plain = query(id, &Question::new(zone.clone(), rtype));
        let (octets, mac) = match (tsig, decode(&plain)) {
            (Some(key), Ok(message)) => {
                let (octets, mac) = key.sign_request(message, now);
                (octets, Some(mac))
            }
            _ => (plain, None),
        };
        let zone = zone.clone();
        (Self { id, zone, mac }, octets)
    }

    /// Reads the serial that the primary's zone has.
    pub fn read_serial(
        &self,
        octets: &[u8],
        tsig: Option<&TsigKey>,
        now: Timestamp,
    ) -> Result<u32, BadTransfer> {
        let message = match tsig.zip(self.mac.as_ref()) {
            Some((key, mac)) => key.check_answer(mac, octets, now).map_err(bad)?,
            None => decode(octets).map_err(bad)?,
        };
        self.check(&message)?;
        let reply = Reply::from_message(&message);
        let mut sets = reply.answer.iter().map(|signed| &signed.set);
        let soa = sets.find(|set| set.rtype == RecordType::SOA && set.name == self.zone);
        let soa = soa.and_then(|set| set.data.iter().find_map(Soa::parse));
        let lacks = || BadTransfer("its primary shows no SOA".into());
        soa.map(|soa| soa.serial).ok_or_else(lacks)
    }

    /// Reads the answer: one message or several, one behind the other, which hold the whole zone, from SOA
    /// to SOA (RFC 5936 §2.2).
    pub fn read(
        &self,
        octets: &[u8],
        tsig: Option<&TsigKey>,
        now: Timestamp,
    ) -> Result<ParentZone, BadTransfer> {
        let (first, mut rest) = split_first(octets).map_err(bad)?;
        let signed = tsig.zip(self.mac.as_ref());
        let mut message = match signed {
            Some((key, mac)) => key.check_answer(mac, first, now).map_err(bad)?,
            None => decode(first).map_err(bad)?,
        };
        self.check(&message)?;
        let mut chain = signed.map(|(key, mac)| key.check_chain(mac));
        if let Some(chain) = chain.as_mut().filter(|_| !rest.is_empty()) {
            chain.take(first, now).map_err(bad)?;
        }
        while !rest.is_empty() {
            let (next, others) = split_first(rest).map_err(bad)?;
            if let Some(chain) = &mut chain {
                chain.take(next, now).map_err(bad)?;
            }
            let next = decode(next).map_err(bad)?;
            self.check(&next)?;
            message.answers.extend(next.answers);
            rest = others;
            if rest.is_empty() && chain.as_ref().is_some_and(|chain| !chain.is_closed()) {
                return Err(bad(TsigFault::Missing));
            }
        }
        // The sequence of records is closed by the SOA that opened it: short of that it is partial.
        let whole = message.answers.len() >= 2
            && message.answers.first() == message.answers.last()
            && message.answers[0].record_type() == RecordType::SOA
            && Name::from(&message.answers[0].name) == self.zone;
        if !whole {
            return Err(BadTransfer(format!(
                "its {} records do not run from SOA to SOA",
                message.answers.len()
            )));
        }
        ParentZone::from_reply(&self.zone, &Reply::from_message(&message))
    }

    fn check(&self, message: &Message) -> Result<(), BadTransfer> {
        if message.id != self.id {
            return Err(bad("the answer is to another request"));
        }
        match message.response_code {
            ResponseCode::NoError => Ok(()),
            refused => Err(bad(refused)),
        }
    }
}

fn bad(why: impl fmt::Display) -> BadTransfer {
    BadTransfer(why.to_string())
}

impl ParentZone {
    /// Sorts the records of a whole zone.
    pub fn from_reply(zone: &Name, reply: &Reply) -> Result<Self, BadTransfer> {
        let sets = || reply.answer.iter().map(|signed| &signed.set);
        let serial = sets()
            .find(|set| set.rtype == RecordType::SOA)
            .and_then(|set| set.data.iter().find_map(Soa::parse))
            .map(|soa| soa.serial)
            .ok_or_else(|| BadTransfer("its SOA cannot be read".into()))?;
        let mut delegations: BTreeMap<Name, Delegation> = sets()
            .filter(|set| set.rtype == RecordType::NS && set.name != *zone)
            .map(|ns| {
                let delegation = Delegation {
                    child: ns.name.clone(),
                    ns: ns.clone(),
                    ds: None,
                    glue: BTreeMap::new(),
                    shared: BTreeSet::new(),
                };
                (ns.name.clone(), delegation)
            })
            .collect();
        let mut users: BTreeMap<Name, BTreeSet<Name>> = BTreeMap::new();
        for delegation in delegations.values() {
            for host in delegation.hosts() {
                let by = users.entry(host).or_default();
                by.insert(delegation.child.clone());
            }
        }
        let mut addresses: BTreeMap<Name, BTreeSet<IpAddr>> = BTreeMap::new();
        for set in sets() {
            match set.rtype {
                RecordType::DS => {
                    if let Some(delegation) = delegations.get_mut(&set.name) {
                        delegation.ds = Some(set.clone());
                    }
                }
                RecordType::A | RecordType::AAAA => {
                    let known = addresses.entry(set.name.clone()).or_default();
                    known.extend(set.data.iter().filter_map(|data| data.as_address()));
                    let nobody = BTreeSet::new();
                    let used_by = users.get(&set.name).unwrap_or(&nobody);
                    let mut concerned = used_by.clone();
                    concerned.extend(delegations_above(&set.name, zone, &delegations));
                    for child in concerned {
                        let Some(delegation) = delegations.get_mut(&child) else {
                            continue;
                        };
                        if used_by.iter().any(|other| *other != child) {
                            delegation.shared.insert(set.name.clone());
                        }
                        let key = (set.name.clone(), set.rtype);
                        delegation.glue.insert(key, set.clone());
                    }
                }
                _ => {}
            }
        }
        Ok(Self {
            serial,
            delegations,
            addresses,
        })
    }
}

/// The delegations at or above a name.
fn delegations_above(
    name: &Name,
    zone: &Name,
    delegations: &BTreeMap<Name, Delegation>,
) -> Vec<Name> {
    let mut above = Vec::new();
    let mut at = name.clone();
    while at != *zone && !at.is_root() {
        if delegations.contains_key(&at) {
            above.push(at.clone());
        }
        at = at.base_name();
    }
    above
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpoint_dns::{
        message::{encode, records},
        name::parse_name,
        rdata::Rdata,
        tsig::check_request,
    };

    fn zone_message(id: u16, closing: bool) -> Vec<u8> {
        let zone = parse_name("test.").unwrap();
        let child = parse_name("example.test.").unwrap();
        let host = parse_name("ns1.alpha.test.").unwrap();
        let soa = Soa {
            mname: zone.clone(),
            rname: zone.clone(),
            serial: 7,
            refresh: 1,
            retry: 1,
            expire: 1,
            minimum: 1,
        };
        let set = |name: &Name, rtype, data| RrSet::new(name.clone(), rtype, 60, [data]);
        let soa = set(&zone, RecordType::SOA, soa.to_rdata());
        let mut message =
            decode(&query(id, &Question::new(zone.clone(), RecordType::AXFR))).unwrap();
        let sets = [
            soa.clone(),
            set(&zone, RecordType::NS, Rdata::name(&host)),
            set(&child, RecordType::NS, Rdata::name(&host)),
            set(&child, RecordType::DS, Rdata::from_octets([0, 1, 13, 2, 9])),
            set(&host, RecordType::A, Rdata::address([192, 0, 2, 1].into())),
        ];
        message.answers = sets.iter().flat_map(records).collect();
        if closing {
            message.answers.extend(records(&soa));
        }
        encode(&message)
    }

    #[test]
    fn a_whole_transfer_gives_the_delegations_with_their_glue() {
        let zone = parse_name("test.").unwrap();
        let (request, _) =
            ParentRequest::new(9, &zone, Asked::All, None, Timestamp::from_seconds(0));
        let now = Timestamp::from_seconds(0);
        let read = request.read(&zone_message(9, true), None, now).unwrap();
        let serial = request.read_serial(&zone_message(9, true), None, now);
        assert_eq!(serial, Ok(read.serial));
        assert_eq!((read.serial, read.delegations.len()), (7, 1));
        let delegation = &read.delegations[&parse_name("example.test.").unwrap()];
        assert_eq!(delegation.ds_records().len(), 1);
        let host = parse_name("ns1.alpha.test.").unwrap();
        assert_eq!(delegation.glue_of(&host).count(), 1);
    }

    #[test]
    fn a_zone_may_take_several_messages_each_of_them_signed() {
        let zone = parse_name("test.").unwrap();
        let key = TsigKey::hmac_sha256(parse_name("k.").unwrap(), b"secret");
        let now = Timestamp::from_seconds(1_767_225_600);
        let (plain, _) = ParentRequest::new(9, &zone, Asked::All, None, now);
        let whole = plain.read(&zone_message(9, true), None, now);
        let (request, octets) = ParentRequest::new(9, &zone, Asked::All, Some(&key), now);
        let checked = check_request([&key], &octets, now).unwrap();
        let message = decode(&zone_message(9, true)).unwrap();
        let parts = message.answers.chunks(2).map(|answers| {
            let mut part = message.clone();
            part.answers = answers.to_vec();
            encode(&part)
        });
        let parts: Vec<Vec<u8>> = parts.collect();
        let read = |octets: &[u8]| request.read(octets, Some(&key), now);
        let answer = checked.sign_all(parts.iter().cloned(), now);
        assert!(whole.is_ok());
        assert_eq!(read(&answer), whole);
        let (first, others) = split_first(&answer).unwrap();
        let (_, third) = split_first(others).unwrap();
        for partial in [first, &answer[..answer.len() - third.len()]] {
            let why = read(partial).unwrap_err().to_string();
            assert!(why.contains("do not run from SOA to SOA"), "{why}");
        }
        let without_second = [first, third].concat();
        assert!(read(&without_second).is_err(), "covered by no signature");
        let unsigned = [first, &parts[1], &parts[2]].concat();
        assert_eq!(read(&unsigned), Err(bad(TsigFault::Missing)));
    }

    #[test]
    fn a_partial_or_foreign_transfer_is_an_error_never_half_a_zone() {
        let zone = parse_name("test.").unwrap();
        let now = Timestamp::from_seconds(0);
        let (request, _) = ParentRequest::new(9, &zone, Asked::All, None, now);
        let read = |octets: &[u8]| request.read(octets, None, now);
        assert!(read(&zone_message(9, false)).is_err());
        assert!(read(&zone_message(8, true)).is_err());
        assert!(read(&[0; 5]).is_err());
    }
}
