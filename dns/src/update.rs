//! Dynamic update (RFC 2136), both ways: agents build messages, simulated servers read them.

use std::fmt;

use hickory_proto::{
    op::{Message, MessageType, OpCode, Query},
    rr::{DNSClass, RData, Record, RecordData},
};

use crate::{
    message::records,
    name::{Name, RecordType},
    rdata::Rdata,
    rrset::RrSet,
};

/// A condition that the zone must meet, or nothing is changed (RFC 2136 §2.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prerequisite {
    /// The RRset exists with exactly these data; TTLs are not compared.
    Is(RrSet),
    /// There is no RRset of this name and type.
    Absent(Name, RecordType),
}

/// One change (RFC 2136 §2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Adds these records; the RRset takes their TTL.
    Add(RrSet),
    /// Deletes these records.
    Remove(RrSet),
    /// Deletes the RRset.
    Clear(Name, RecordType),
}

impl Change {
    /// The type of the RRset that it changes.
    pub fn rtype(&self) -> RecordType {
        match self {
            Self::Add(set) | Self::Remove(set) => set.rtype,
            Self::Clear(_, rtype) => *rtype,
        }
    }

    /// The owner name of the RRset that it changes.
    pub fn name(&self) -> &Name {
        match self {
            Self::Add(set) | Self::Remove(set) => &set.name,
            Self::Clear(name, _) => name,
        }
    }
}

/// An update of one zone: all of it, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The zone.
    pub zone: Name,
    /// All must hold.
    pub prerequisites: Vec<Prerequisite>,
    /// In order.
    pub changes: Vec<Change>,
}

/// Why an update message cannot be read: FORMERR for its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadUpdate(pub &'static str);

impl fmt::Display for BadUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed update: {}", self.0)
    }
}

impl std::error::Error for BadUpdate {}

impl Update {
    /// *Make this RRset exactly this set*: if it still is `seen` (nothing, if `None`), clear it and
    /// add `wanted`; an empty `wanted` leaves it cleared.
    pub fn replace(zone: Name, seen: Option<&RrSet>, wanted: &RrSet) -> Self {
        let (name, rtype) = (wanted.name.clone(), wanted.rtype);
        let prerequisite = match seen {
            Some(seen) => Prerequisite::Is(seen.clone()),
            None => Prerequisite::Absent(name.clone(), rtype),
        };
        let mut changes = vec![Change::Clear(name, rtype)];
        if !wanted.data.is_empty() {
            changes.push(Change::Add(wanted.clone()));
        }
        Self {
            zone,
            prerequisites: vec![prerequisite],
            changes,
        }
    }

    /// The same by single records, for RRsets that must never be cleared as a whole (DNSKEY, NS):
    /// records of `seen` that are not wanted go, wanted ones that were not seen come.
    pub fn adjust(zone: Name, seen: &RrSet, wanted: &RrSet) -> Self {
        let only = |of: &RrSet, but: &RrSet| RrSet {
            data: of.data.difference(&but.data).cloned().collect(),
            ..of.clone()
        };
        let mut added = only(wanted, seen);
        added.ttl = wanted.ttl;
        let changes = [Change::Add(added), Change::Remove(only(seen, wanted))];
        let is_empty = |change: &Change| match change {
            Change::Add(set) | Change::Remove(set) => set.data.is_empty(),
            Change::Clear(..) => false,
        };
        Self {
            zone,
            prerequisites: vec![Prerequisite::Is(seen.clone())],
            changes: changes
                .into_iter()
                .filter(|change| !is_empty(change))
                .collect(),
        }
    }

    /// Joins two updates of one zone into one that is applied as a whole.
    pub fn and(mut self, other: Self) -> Self {
        debug_assert_eq!(self.zone, other.zone, "an update is of one zone");
        self.prerequisites.extend(other.prerequisites);
        self.changes.extend(other.changes);
        self
    }

    /// The message.
    pub fn to_message(&self, id: u16) -> Message {
        let mut message = Message::new(id, MessageType::Query, OpCode::Update);
        message.add_query(Query::query((&self.zone).into(), RecordType::SOA));
        let bare = |name: &Name, rtype: RecordType, class: DNSClass| {
            let mut record = Record::update0(name.into(), 0, rtype);
            record.dns_class = class;
            record
        };
        for prerequisite in &self.prerequisites {
            match prerequisite {
                // RFC 2136 §2.4.2: RRset exists (value dependent), TTL zero.
                Prerequisite::Is(set) => {
                    message.answers.extend(records(&RrSet {
                        ttl: 0,
                        ..set.clone()
                    }));
                }
                // RFC 2136 §2.4.3.
                Prerequisite::Absent(name, rtype) => {
                    message.answers.push(bare(name, *rtype, DNSClass::NONE));
                }
            }
        }
        for change in &self.changes {
            match change {
                Change::Add(set) => message.authorities.extend(records(set)),
                // RFC 2136 §2.5.4: class NONE, TTL zero.
                Change::Remove(set) => {
                    let zeroed = RrSet {
                        ttl: 0,
                        ..set.clone()
                    };
                    message
                        .authorities
                        .extend(records(&zeroed).map(|mut record| {
                            record.dns_class = DNSClass::NONE;
                            record
                        }));
                }
                // RFC 2136 §2.5.2: class ANY, no data.
                Change::Clear(name, rtype) => {
                    message.authorities.push(bare(name, *rtype, DNSClass::ANY));
                }
            }
        }
        message
    }

    /// Reads a message.
    pub fn from_message(message: &Message) -> Result<Self, BadUpdate> {
        let [zone] = message.queries.as_slice() else {
            return Err(BadUpdate("the zone section must hold exactly one record"));
        };
        if message.op_code != OpCode::Update || zone.query_type() != RecordType::SOA {
            return Err(BadUpdate("the zone section must be of type SOA"));
        }
        let mut prerequisites = Vec::new();
        let mut sets: Vec<RrSet> = Vec::new();
        for record in &message.answers {
            let (name, rtype) = (Name::from(&record.name), record.record_type());
            match record.dns_class {
                DNSClass::NONE if record.data.is_update() => {
                    prerequisites.push(Prerequisite::Absent(name, rtype));
                }
                DNSClass::IN if !record.data.is_update() => merge(&mut sets, record),
                _ => return Err(BadUpdate("this form of prerequisite is not supported")),
            }
        }
        prerequisites.extend(sets.into_iter().map(Prerequisite::Is));
        let mut changes = Vec::new();
        for record in &message.authorities {
            let (name, rtype) = (Name::from(&record.name), record.record_type());
            let data = |data: &RData| [Rdata::from_parsed(data)];
            let set = || RrSet::new(name.clone(), rtype, record.ttl, data(&record.data));
            changes.push(match record.dns_class {
                DNSClass::ANY if record.data.is_update() && rtype != RecordType::ANY => {
                    Change::Clear(name, rtype)
                }
                DNSClass::NONE if !record.data.is_update() => Change::Remove(set()),
                DNSClass::IN if !record.data.is_update() => Change::Add(set()),
                _ => return Err(BadUpdate("this form of change is not supported")),
            });
        }
        Ok(Self {
            zone: zone.name().into(),
            prerequisites,
            changes,
        })
    }
}

fn merge(sets: &mut Vec<RrSet>, record: &Record) {
    let (name, rtype) = (Name::from(&record.name), record.record_type());
    let data = Rdata::from_parsed(&record.data);
    match sets
        .iter_mut()
        .find(|set| set.name == name && set.rtype == rtype)
    {
        Some(set) => {
            set.data.insert(data);
        }
        None => sets.push(RrSet::new(name, rtype, 0, [data])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        message::{decode, encode},
        name::parse_name,
    };

    #[test]
    fn an_update_survives_the_wire() {
        let zone = parse_name("example.test.").unwrap();
        let address = |last: u8| Rdata::address([192, 0, 2, last].into());
        let set =
            |data: &[Rdata]| RrSet::new(zone.clone(), RecordType::A, 300, data.iter().cloned());
        let replace = Update::replace(zone.clone(), None, &set(&[address(1), address(2)]));
        let adjust = Update::adjust(
            zone.clone(),
            &set(&[address(1), address(2)]),
            &set(&[address(3)]),
        );
        for update in [replace, adjust.clone()] {
            let wire = encode(&update.to_message(9));
            let read = Update::from_message(&decode(&wire).unwrap()).unwrap();
            let rewritten = encode(&read.to_message(9));
            assert_eq!(rewritten, wire);
        }
        assert_eq!(adjust.changes.len(), 2);
    }
}
