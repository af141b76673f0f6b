//! DNS messages: questions are built, answers are read ([`Reply`]).
//!
//! Reading is lenient where an agent must judge: one record that does not parse never costs the
//! message; its octets are kept under its type. The envelope is hickory's.

mod bounds;
mod reply;

use hickory_proto::{
    ProtoError,
    op::{DEFAULT_MAX_PAYLOAD_LEN, Edns, EmitAndCount, Header, Query, emit_message_parts},
    rr::{DNSClass, RData, RecordData as _, rdata::NULL},
    serialize::binary::{BinDecodable, BinDecoder, BinEncoder, NameEncoding},
};

pub use bounds::Bounds;
pub use hickory_proto::{
    op::{Message, ResponseCode},
    rr::Record,
};
pub use reply::{Reply, find};

use crate::{
    name::{Name, RecordType},
    rdata::Rdata,
    rrset::RrSet,
    signature::Rrsig,
};

/// A name and a type: what is asked. The class is always IN.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question {
    // First, because telling types apart is cheaper than telling names apart.
    /// The type.
    pub rtype: RecordType,
    /// The name.
    pub name: Name,
}

impl Question {
    /// A question.
    pub fn new(name: Name, rtype: RecordType) -> Self {
        Self { name, rtype }
    }
}

impl std::fmt::Display for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.rtype)
    }
}

/// An iterative query: RD clear, EDNS with DO and CD, as validators ask authoritative servers.
///
/// Written out, because a survey asks millions of them.
pub fn query(id: u16, question: &Question) -> Vec<u8> {
    let name = question.name.octets();
    let mut octets = Vec::with_capacity(HEADER_OCTETS + name.len() + 4 + OPT.len());
    octets.extend(id.to_be_bytes());
    // CD; one question, one additional record.
    octets.extend([0, 0x10, 0, 1, 0, 0, 0, 0, 0, 1]);
    octets.extend(name);
    octets.extend(u16::from(question.rtype).to_be_bytes());
    octets.extend(u16::from(DNSClass::IN).to_be_bytes());
    octets.extend(OPT);
    octets
}

/// Octets of a header.
const HEADER_OCTETS: usize = 12;
/// EDNS (RFC 6891 §6.1.2): the root, OPT, the longest datagram, version 0 with DO, no options.
const OPT: [u8; 11] = {
    let [high, low] = DEFAULT_MAX_PAYLOAD_LEN.to_be_bytes();
    [0, 0, 41, high, low, 0, 0, 0x80, 0, 0, 0]
};

/// Encodes a message. One that cannot be encoded (over 64 KiB) becomes a bare SERVFAIL.
pub fn encode(message: &Message) -> Vec<u8> {
    message.to_vec().unwrap_or_else(|_| {
        let error = Message::error_msg(message.id, message.op_code, ResponseCode::ServFail);
        // Twelve octets of header always fit.
        error.to_vec().unwrap_or_default()
    })
}

/// Encodes a message whose octets are signed: no name is compressed against the question.
///
/// hickory-server writes the question of an answer as it came and forgets where its name stands. An
/// answer that passes through it keeps its octets, and thereby its TSIG, only if it is encoded likewise.
pub fn encode_apart(message: &Message) -> Vec<u8> {
    let mut octets = Vec::new();
    let emitted = emit_message_parts(
        &message.metadata,
        &mut QuestionApart(&message.queries),
        &mut message.answers.iter(),
        &mut message.authorities.iter(),
        &mut message.additionals.iter(),
        message.edns.as_ref(),
        message.signature.as_deref(),
        &mut BinEncoder::new(&mut octets),
    );
    match emitted {
        Ok(_) => octets,
        Err(_) => encode(message),
    }
}

/// Makes data what our servers write: hickory would compress the names in some.
pub(crate) fn keep_data_as_octets(message: &mut Message) {
    let sections = [
        &mut message.answers,
        &mut message.authorities,
        &mut message.additionals,
    ];
    for record in sections.into_iter().flatten() {
        if !record.data.is_update() {
            let data = Rdata::from_parsed(&record.data);
            record.data = data.to_wire_data(record.record_type());
        }
    }
}

struct QuestionApart<'a>(&'a [Query]);

impl EmitAndCount for QuestionApart<'_> {
    fn emit(&mut self, encoder: &mut BinEncoder<'_>) -> Result<usize, ProtoError> {
        let mut octets = Vec::new();
        let mut apart = BinEncoder::new(&mut octets);
        apart.set_name_encoding(NameEncoding::Uncompressed);
        apart.emit_all(self.0.iter())?;
        let from = encoder.offset();
        encoder.emit_vec(&octets)?;
        if !self.0.is_empty() {
            // It fills a place in the table of names, and matches none.
            encoder.store_label_pointer(from, from + octets.len());
        }
        Ok(self.0.len())
    }
}

/// The records of an RRset, as they go on the wire.
pub fn records(set: &RrSet) -> impl Iterator<Item = Record> {
    set.data
        .iter()
        .map(|data| Record::from_rdata((&set.name).into(), set.ttl, data.to_wire_data(set.rtype)))
}

/// The RRSIG record of a signature over `set`.
pub fn signature_record(set: &RrSet, rrsig: &Rrsig) -> Record {
    let data = rrsig.to_rdata().to_wire_data(RecordType::RRSIG);
    Record::from_rdata((&set.name).into(), set.ttl, data)
}

/// Why octets are not a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadMessage(pub String);

impl std::fmt::Display for BadMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "not a DNS message: {}", self.0)
    }
}

impl std::error::Error for BadMessage {}

/// Decodes a message, keeping records whose data do not parse as octets under their type.
pub fn decode(octets: &[u8]) -> Result<Message, BadMessage> {
    Message::from_vec(octets).or_else(|_| decode_leniently(octets))
}

/// Record by record; only names, lengths and the header must be sound.
fn decode_leniently(octets: &[u8]) -> Result<Message, BadMessage> {
    let bad = |error: &dyn std::fmt::Display| BadMessage(error.to_string());
    let mut decoder = BinDecoder::new(octets);
    let Header { metadata, counts } = Header::read(&mut decoder).map_err(|error| bad(&error))?;
    let mut message = Message::new(metadata.id, metadata.message_type, metadata.op_code);
    message.metadata = metadata;
    for _ in 0..counts.queries {
        message
            .queries
            .push(Query::read(&mut decoder).map_err(|error| bad(&error))?);
    }
    for (section, count) in [counts.answers, counts.authorities, counts.additionals]
        .into_iter()
        .enumerate()
    {
        for _ in 0..count {
            let record = read_record(octets, &mut decoder)?;
            match (section, &record.data) {
                (0, _) => message.answers.push(record),
                (1, _) => message.authorities.push(record),
                (_, RData::OPT(_) | RData::Update0(RecordType::OPT)) => {
                    let edns = Edns::from(&record);
                    message.metadata.merge_response_code(edns.rcode_high());
                    message.edns = Some(edns);
                }
                (_, RData::TSIG(_)) => {
                    let tsig = record.map(|data| match data {
                        RData::TSIG(tsig) => Some(tsig),
                        _ => None,
                    });
                    message.signature = tsig.map(Box::new);
                }
                _ => message.additionals.push(record),
            }
        }
    }
    Ok(message)
}

fn read_record<'a>(octets: &'a [u8], decoder: &mut BinDecoder<'a>) -> Result<Record, BadMessage> {
    let start = decoder.index() as u16;
    let mut attempt = decoder.clone(start);
    if let Ok(record) = Record::read(&mut attempt) {
        *decoder = BinDecoder::new(octets).clone(attempt.index() as u16);
        return Ok(record);
    }
    let short = || BadMessage("a record ends after the message".into());
    let name =
        hickory_proto::rr::Name::read(decoder).map_err(|error| BadMessage(error.to_string()))?;
    let mut word = || {
        decoder
            .read_u16()
            .map(|value| value.unverified())
            .map_err(|_| short())
    };
    let (rtype, class, ttl_high, ttl_low, length) = (word()?, word()?, word()?, word()?, word()?);
    let data = decoder
        .read_vec(usize::from(length))
        .map_err(|_| short())?
        .unverified();
    let code = RecordType::from(rtype);
    let ttl = u32::from(ttl_high) << 16 | u32::from(ttl_low);
    // Without data it is none for an RRset; as unknown data hickory wants some.
    let data = match data.is_empty() {
        true => RData::Update0(code),
        false => RData::Unknown {
            code,
            rdata: NULL::with(data),
        },
    };
    let mut record = Record::from_rdata(name, ttl, data);
    record.dns_class = DNSClass::from(class);
    Ok(record)
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::{MessageType, OpCode};

    use super::*;
    use crate::{
        name::parse_name,
        rdata::{Csync, Rdata},
    };

    fn edns() -> Edns {
        let mut edns = Edns::new();
        edns.set_max_payload(DEFAULT_MAX_PAYLOAD_LEN).set_version(0);
        edns.set_dnssec_ok(true);
        edns
    }

    #[test]
    fn a_query_is_what_hickory_would_write() {
        for name in [".", "test.", "ExAmple.test.", "*.a\\.b.test."] {
            let question = Question::new(parse_name(name).unwrap(), RecordType::CSYNC);
            let mut message = Message::new(4_711, MessageType::Query, OpCode::Query);
            message.metadata.checking_disabled = true;
            message.add_query(Query::query((&question.name).into(), question.rtype));
            message.set_edns(edns());
            assert_eq!(query(4_711, &question), encode(&message), "{name}");
        }
    }

    fn response(sets: &[RrSet]) -> Message {
        let mut message = Message::response(7, OpCode::Query);
        message.add_query(Query::query((&sets[0].name).into(), sets[0].rtype));
        sets.iter()
            .for_each(|set| message.answers.extend(records(set)));
        message.set_edns(edns());
        message
    }

    #[test]
    fn one_odd_record_never_costs_the_message() {
        let name = parse_name("example.test.").unwrap();
        let csync = Csync {
            serial: 1,
            flags: 0x0105,
            types: vec![RecordType::NS],
        };
        let odd = RrSet::new(name.clone(), RecordType::CSYNC, 60, [csync.to_rdata()]);
        let key = RrSet::new(
            name.clone(),
            RecordType::DNSKEY,
            60,
            [Rdata::from_octets([1, 0, 9, 15, 1, 2, 3])],
        );
        let fine = RrSet::new(
            name.clone(),
            RecordType::A,
            60,
            [Rdata::address([1; 4].into())],
        );
        let wire = encode(&response(&[odd.clone(), key.clone(), fine.clone()]));
        assert!(
            Message::from_vec(&wire).is_err(),
            "the library alone refuses it"
        );
        let reply = Reply::parse(&wire).unwrap();
        let sets: Vec<RrSet> = reply.answer.into_iter().map(|signed| signed.set).collect();
        assert_eq!(sets, [odd, key, fine]);
    }

    #[test]
    fn a_record_that_lost_its_data_beside_an_odd_one_is_no_record() {
        let name = parse_name("example.test.").unwrap();
        let odd = RrSet::new(
            name.clone(),
            RecordType::DNSKEY,
            60,
            [Rdata::from_octets([1, 0, 9, 15, 1, 2, 3])],
        );
        let mut wire = encode(&response(&[odd]));
        // An A without data.
        wire[11] += 1;
        wire.extend([0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
        let message = decode(&wire).unwrap();
        assert_eq!(message.answers.len(), 1);
        assert!(
            message
                .additionals
                .iter()
                .all(|record| record.data.is_update())
        );
    }

    #[test]
    fn cutting_a_message_anywhere_is_an_error_and_no_panic() {
        let name = parse_name("example.test.").unwrap();
        let set = RrSet::new(name, RecordType::A, 60, [Rdata::address([1; 4].into())]);
        let wire = encode(&response(&[set]));
        for length in 0..wire.len() {
            let _ = Reply::parse(&wire[..length]);
        }
        assert!(Reply::parse(&wire[..20]).is_err());
    }
}
