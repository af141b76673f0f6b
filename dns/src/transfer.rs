//! Messages as octets, record by record: for zone transfers (RFC 5936), where one record in a million
//! that a library does not know must cost nothing, and where signatures cover octets.

use std::fmt;

use crate::{
    name::{Name, RecordType, canonical_wire, read_name},
    rdata::Rdata,
};

/// The length of a message header (RFC 1035 §4.1.1).
const HEADER_OCTETS: usize = 12;

/// A message whose records are not as long as they say, or whose names lead nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed message: {}", self.0)
    }
}

impl std::error::Error for Malformed {}

/// One record, its data as they came.
#[derive(Clone, Debug)]
pub struct RawRecord<'a> {
    /// Owner name.
    pub owner: Name,
    /// Type.
    pub rtype: RecordType,
    /// Class.
    pub class: u16,
    /// TTL, seconds.
    pub ttl: u32,
    /// Where in the message the record begins.
    pub at: usize,
    message: &'a [u8],
    data_at: usize,
    length: usize,
}

impl RawRecord<'_> {
    /// The data as they came: names in them may be compressed.
    pub fn octets(&self) -> &[u8] {
        // The walk has checked that they are there.
        &self.message[self.data_at..self.data_at + self.length]
    }

    /// The data of a type that begins with names (RFC 1035 §3.3), these uncompressed and in lower case.
    pub fn expand(&self, names: usize) -> Result<Rdata, Malformed> {
        let mut at = self.data_at;
        let mut octets = Vec::with_capacity(self.length + 32);
        for _ in 0..names {
            let (name, after) = name_at(self.message, at)?;
            octets.extend(canonical_wire(&name));
            at = after;
        }
        let rest = self.message.get(at..self.data_at + self.length);
        octets.extend(rest.ok_or(Malformed("a name is longer than its record"))?);
        Ok(Rdata::from_octets(octets))
    }
}

/// A message taken apart.
#[derive(Clone, Debug)]
pub struct RawMessage<'a> {
    /// Message id.
    pub id: u16,
    /// Whether it is a response.
    pub is_response: bool,
    /// Response code, without its extension.
    pub rcode: u8,
    /// Answer section.
    pub answers: Vec<RawRecord<'a>>,
    /// The last record of the additional section.
    pub last_additional: Option<RawRecord<'a>>,
}

impl<'a> RawMessage<'a> {
    /// Walks over a message.
    pub fn read(message: &'a [u8]) -> Result<Self, Malformed> {
        match Self::walk(message)? {
            (read, end) if end == message.len() => Ok(read),
            _ => Err(Malformed("octets after its last record")),
        }
    }

    /// Walks over the message that these octets begin with, to its end.
    fn walk(message: &'a [u8]) -> Result<(Self, usize), Malformed> {
        let header = message
            .get(..HEADER_OCTETS)
            .ok_or(Malformed("shorter than a header"))?;
        let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let mut at = HEADER_OCTETS;
        for _ in 0..word(4) {
            at = name_at(message, at)?.1 + 4;
        }
        let mut answers = Vec::with_capacity(usize::from(word(6)));
        for _ in 0..word(6) {
            let (record, after) = read_record(message, at)?;
            answers.push(record);
            at = after;
        }
        let mut last_additional = None;
        for section in [8, 10] {
            for _ in 0..word(section) {
                let (record, after) = read_record(message, at)?;
                at = after;
                last_additional = (section == 10).then_some(record);
            }
        }
        let read = Self {
            id: word(0),
            is_response: header[2] & 0x80 != 0,
            rcode: header[3] & 0x0f,
            answers,
            last_additional,
        };
        Ok((read, at))
    }
}

/// The first message of an answer that may have several, one behind the other (RFC 5936 §2.2), and the
/// octets of the others.
pub fn split_first(answer: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let (_, end) = RawMessage::walk(answer)?;
    Ok(answer.split_at(end))
}

fn read_record(message: &[u8], at: usize) -> Result<(RawRecord<'_>, usize), Malformed> {
    let (owner, fixed_at) = name_at(message, at)?;
    let data_at = fixed_at + 10;
    let fixed = message
        .get(fixed_at..data_at)
        .ok_or(Malformed("a record ends after the message"))?;
    let word = |at: usize| u16::from_be_bytes([fixed[at], fixed[at + 1]]);
    let length = usize::from(word(8));
    if message.len() < data_at + length {
        return Err(Malformed("a record ends after the message"));
    }
    let record = RawRecord {
        owner,
        rtype: RecordType::from(word(0)),
        class: word(2),
        ttl: u32::from(word(4)) << 16 | u32::from(word(6)),
        at,
        message,
        data_at,
        length,
    };
    Ok((record, data_at + length))
}

/// A name at this offset, and the offset behind it.
fn name_at(message: &[u8], at: usize) -> Result<(Name, usize), Malformed> {
    read_name(message, at).ok_or(Malformed("a name that cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        message::{Message, encode, records},
        name::parse_name,
        rdata::Soa,
        rrset::RrSet,
    };
    use hickory_proto::op::OpCode;

    #[test]
    fn records_are_those_that_were_encoded_names_compressed_or_not() {
        let zone = parse_name("Example.test.").unwrap();
        let host = parse_name("ns1.example.test.").unwrap();
        let soa = Soa {
            mname: host.clone(),
            rname: zone.clone(),
            serial: 7,
            refresh: 1,
            retry: 2,
            expire: 3,
            minimum: 4,
        };
        let sets = [
            RrSet::new(zone.clone(), RecordType::SOA, 60, [soa.to_rdata()]),
            RrSet::new(zone.clone(), RecordType::NS, 70, [Rdata::name(&host)]),
        ];
        let mut message = Message::response(4_711, OpCode::Query);
        message.answers = sets.iter().flat_map(records).collect();
        let octets = encode(&message);
        let read = RawMessage::read(&octets).unwrap();
        assert_eq!((read.id, read.is_response, read.rcode), (4_711, true, 0));
        let found: Vec<(RecordType, u32, Rdata)> = read
            .answers
            .iter()
            .map(|record| {
                let names = if record.rtype == RecordType::SOA {
                    2
                } else {
                    1
                };
                (record.rtype, record.ttl, record.expand(names).unwrap())
            })
            .collect();
        let expected = sets.map(|set| (set.rtype, set.ttl, set.data.first().unwrap().clone()));
        assert_eq!(found, expected);
        for length in 0..octets.len() {
            assert!(RawMessage::read(&octets[..length]).is_err());
        }
    }

    #[test]
    fn names_that_point_at_themselves_end() {
        let mut octets = vec![0; HEADER_OCTETS];
        octets.extend([192, 12]);
        assert!(name_at(&octets, 12).is_err());
        assert!(name_at(&[1], 0).is_err());
    }
}
