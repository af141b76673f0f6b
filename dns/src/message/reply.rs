//! Answers, read in one pass from the wire into RRsets with their signatures.
//!
//! A survey reads millions of them, so the types that they are made of are read here; whatever is
//! rarer or odd goes the way of [`decode`](super::decode), and comes out as it would there.

use std::collections::BTreeMap;

use hickory_proto::{
    op::{Header, Query},
    rr::{DNSClass, RecordData as _},
    serialize::binary::{BinDecodable as _, BinDecoder},
};

use super::{BadMessage, Message, Question, Record, ResponseCode, read_record};
use crate::{
    name::{Name, RecordType, canonical_wire, read_name, split_name},
    rdata::Rdata,
    rrset::{RrSet, SignedRrSet},
    signature::Rrsig,
};

/// Where the first question's name stands, and the pointer to it (RFC 1035 §4.1.4).
const QUESTION_AT: u16 = 12;
const TO_QUESTION: [u8; 2] = [0xc0, QUESTION_AT as u8];

/// An answer, its records grouped into RRsets with their signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Message id.
    pub id: u16,
    /// Response code.
    pub rcode: ResponseCode,
    /// AA: the server answers with authority.
    pub authoritative: bool,
    /// TC: ask again over a stream.
    pub truncated: bool,
    /// What was asked.
    pub question: Option<Question>,
    /// Answer section.
    pub answer: Vec<SignedRrSet>,
    /// Authority section.
    pub authority: Vec<SignedRrSet>,
    /// Additional section.
    pub additional: Vec<SignedRrSet>,
}

impl Reply {
    /// Reads an answer from the wire.
    pub fn parse(octets: &[u8]) -> Result<Self, BadMessage> {
        let mut decoder = BinDecoder::new(octets);
        let Header {
            mut metadata,
            counts,
        } = Header::read(&mut decoder).map_err(bad)?;
        let mut question = None;
        for _ in 0..counts.queries {
            let asked = read_question(octets, &mut decoder)?;
            question.get_or_insert(asked);
        }
        let mut reader = Reader {
            octets,
            decoder,
            question: question.as_ref().map(|question| &question.name),
            high_rcode: 0,
        };
        let answer = reader.section(counts.answers)?;
        let authority = reader.section(counts.authorities)?;
        let additional = reader.section(counts.additionals)?;
        metadata.merge_response_code(reader.high_rcode);
        Ok(Self {
            id: metadata.id,
            rcode: metadata.response_code,
            authoritative: metadata.authoritative,
            truncated: metadata.truncation,
            question,
            answer,
            authority,
            additional,
        })
    }

    /// Reads a decoded answer.
    pub fn from_message(message: &Message) -> Self {
        let section = |records: &[Record]| group(records.iter().filter_map(Item::of).collect());
        Self {
            id: message.id,
            rcode: message.response_code,
            authoritative: message.authoritative,
            truncated: message.truncation,
            question: message.queries.first().map(of_query),
            answer: section(&message.answers),
            authority: section(&message.authorities),
            additional: section(&message.additionals),
        }
    }

    /// The RRset of this name and type in the answer section.
    pub fn answer_for(&self, question: &Question) -> Option<&SignedRrSet> {
        find(&self.answer, &question.name, question.rtype)
    }

    /// Whether it is proper for `question` to this id: a response that somebody else forged or
    /// that answers another question is none.
    pub fn answers(&self, id: u16, question: &Question) -> bool {
        self.id == id && self.question.as_ref() == Some(question)
    }
}

/// The RRset of this name and type in a section.
pub fn find<'a>(
    section: &'a [SignedRrSet],
    name: &Name,
    rtype: RecordType,
) -> Option<&'a SignedRrSet> {
    section
        .iter()
        .find(|signed| signed.set.rtype == rtype && signed.set.name == *name)
}

/// The next question of a message.
fn read_question(octets: &[u8], decoder: &mut BinDecoder<'_>) -> Result<Question, BadMessage> {
    let at = decoder.index();
    let (name, after) = read_name(octets, at).ok_or_else(|| bad("a name that cannot be read"))?;
    decoder.read_slice(after - at).map_err(bad)?;
    // The type, and the class, which is not looked at.
    let fixed = decoder.read_slice(4).map_err(bad)?.unverified();
    let rtype = u16::from_be_bytes([fixed[0], fixed[1]]);
    Ok(Question::new(name, rtype.into()))
}

fn of_query(query: &Query) -> Question {
    Question::new(query.name().into(), query.query_type())
}

fn bad(error: impl std::fmt::Display) -> BadMessage {
    BadMessage(error.to_string())
}

/// A record of class IN that has data.
struct Item {
    name: Name,
    ttl: u32,
    data: Data,
}

enum Data {
    Plain(RecordType, Rdata),
    Signature(Rrsig),
}

impl Item {
    fn of(record: &Record) -> Option<Self> {
        if record.dns_class != DNSClass::IN || record.data.is_update() {
            return None;
        }
        let data = Rdata::from_parsed(&record.data);
        Some(Self {
            name: (&record.name).into(),
            ttl: record.ttl,
            data: match record.record_type() {
                RecordType::RRSIG => Data::Signature(Rrsig::parse(&data)?),
                rtype => Data::Plain(rtype, data),
            },
        })
    }
}

/// The records of a message that are not read yet.
struct Reader<'a> {
    octets: &'a [u8],
    decoder: BinDecoder<'a>,
    question: Option<&'a Name>,
    /// The upper bits of the response code (RFC 6891 §6.1.3).
    high_rcode: u8,
}

impl<'a> Reader<'a> {
    fn section(&mut self, count: u16) -> Result<Vec<SignedRrSet>, BadMessage> {
        let mut items = Vec::new();
        for _ in 0..count {
            items.extend(self.item()?);
        }
        Ok(group(items))
    }

    /// The next record; nothing if it is none for an RRset.
    fn item(&mut self) -> Result<Option<Item>, BadMessage> {
        let start = self.decoder.index();
        let name = self.name()?;
        let fixed = self.decoder.read_slice(10).map_err(bad)?.unverified();
        let word = |at: usize| u16::from_be_bytes([fixed[at], fixed[at + 1]]);
        let (rtype, class) = (RecordType::from(word(0)), DNSClass::from(word(2)));
        let ttl = u32::from(word(4)) << 16 | u32::from(word(6));
        let length = usize::from(word(8));
        let data_at = self.decoder.index();
        let data = self.decoder.read_slice(length).map_err(bad)?.unverified();
        if rtype == RecordType::OPT {
            self.high_rcode = (ttl >> 24) as u8;
        }
        if class != DNSClass::IN || rtype == RecordType::OPT || data.is_empty() {
            return Ok(None);
        }
        let item = match self.data(rtype, data, data_at) {
            Some(data) => Some(Item { name, ttl, data }),
            None => Item::of(&read_record(self.octets, &mut self.at(start))?),
        };
        Ok(item)
    }

    /// A name; mostly it is that of the question.
    fn name(&mut self) -> Result<Name, BadMessage> {
        let rest = self.octets.get(self.decoder.index()..).unwrap_or_default();
        match self.question {
            Some(name) if rest.starts_with(&TO_QUESTION) => {
                self.decoder.read_slice(TO_QUESTION.len()).map_err(bad)?;
                Ok(name.clone())
            }
            _ => {
                let at = self.decoder.index();
                let (name, after) =
                    read_name(self.octets, at).ok_or_else(|| bad("a name that cannot be read"))?;
                self.decoder.read_slice(after - at).map_err(bad)?;
                Ok(name)
            }
        }
    }

    /// Data of the types that answers about delegations and keys are made of, in canonical form.
    fn data(&self, rtype: RecordType, data: &[u8], at: usize) -> Option<Data> {
        use RecordType::{A, AAAA, CDNSKEY, CDS, CSYNC, DNSKEY, DS, NS, NSEC, NSEC3, RRSIG, SOA};
        let octets = match rtype {
            A if data.len() == 4 => Rdata::from_octets(data),
            AAAA if data.len() == 16 => Rdata::from_octets(data),
            CDNSKEY | CDS | CSYNC | DNSKEY | DS | NSEC3 => Rdata::from_octets(data),
            // Its name must not be compressed, and keeps its case (RFC 6840 §5.1).
            NSEC => split_name(data).map(|_| Rdata::from_octets(data))?,
            NS => self.with_names(1, 0, at, data.len())?,
            SOA => self.with_names(2, 20, at, data.len())?,
            RRSIG => return Rrsig::read(data).map(Data::Signature),
            _ => return None,
        };
        Some(Data::Plain(rtype, octets))
    }

    /// So many names, perhaps compressed, then so many octets.
    fn with_names(&self, names: usize, rest: usize, at: usize, length: usize) -> Option<Rdata> {
        let mut octets = Vec::with_capacity(128);
        let (mut rest_at, end) = (at, at + length);
        for _ in 0..names {
            let (name, after) = read_name(self.octets, rest_at)?;
            octets.extend(canonical_wire(&name));
            rest_at = after;
        }
        if rest_at + rest != end {
            return None;
        }
        octets.extend(self.octets.get(rest_at..end)?);
        Some(Rdata::from_octets(octets))
    }

    fn at(&self, index: usize) -> BinDecoder<'a> {
        // Pointers reach as far, and so does a message.
        BinDecoder::new(self.octets).clone(index as u16)
    }
}

/// Groups a section's records by name and type, in order of first appearance. The TTL is the lowest
/// of the RRs' (RFC 2181 §5.2). Signatures join what they cover; one without an RRset makes none.
fn group(items: Vec<Item>) -> Vec<SignedRrSet> {
    let mut groups = Groups::default();
    let mut signatures = Vec::new();
    for Item { name, ttl, data } in items {
        let (rtype, data) = match data {
            Data::Plain(rtype, data) => (rtype, data),
            Data::Signature(rrsig) => {
                signatures.push((name, ttl, rrsig));
                continue;
            }
        };
        match groups.find(rtype, &name) {
            Some(signed) => {
                signed.set.ttl = signed.set.ttl.min(ttl);
                signed.set.data.insert(data);
            }
            None => groups.add(RrSet::new(name, rtype, ttl, [data])),
        }
    }
    for (name, ttl, rrsig) in signatures {
        if let Some(signed) = groups.find(rrsig.covered, &name) {
            signed.set.ttl = signed.set.ttl.min(ttl);
            signed.signatures.push(rrsig);
        }
    }
    groups.sets
}

/// So few RRsets are searched one by one: most sections have one or two, a whole zone has many.
const FEW: usize = 8;

/// RRsets under way, each found by its type and name.
#[derive(Default)]
struct Groups {
    sets: Vec<SignedRrSet>,
    /// Of all sets, once they are more than a few.
    index: BTreeMap<(RecordType, Name), usize>,
}

impl Groups {
    fn find(&mut self, rtype: RecordType, name: &Name) -> Option<&mut SignedRrSet> {
        if self.sets.len() > FEW {
            let at = *self.index.get(&(rtype, name.clone()))?;
            return self.sets.get_mut(at);
        }
        let mut sets = self.sets.iter_mut();
        sets.find(|signed| signed.set.rtype == rtype && signed.set.name == *name)
    }

    fn add(&mut self, set: RrSet) {
        let signatures = Vec::new();
        self.sets.push(SignedRrSet { set, signatures });
        if self.sets.len() > FEW {
            for (at, SignedRrSet { set, .. }) in self.sets.iter().enumerate().skip(self.index.len())
            {
                self.index.insert((set.rtype, set.name.clone()), at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hickory_proto::{
        op::{Edns, OpCode},
        rr::{
            RData,
            rdata::{MX, NS, NULL, SOA},
        },
    };

    use super::*;
    use crate::{
        message::{decode, encode},
        name::parse_name,
        rdata::Nsec,
    };

    fn name(text: &str) -> Name {
        parse_name(text).unwrap()
    }

    fn octets(rtype: u16, data: &[u8]) -> RData {
        let (code, data) = (RecordType::from(rtype), data.to_vec());
        let rdata = NULL::with(data);
        RData::Unknown { code, rdata }
    }

    /// Compressed names, mixed case, every type that is read here, types that are not, and odd ones.
    fn message() -> Message {
        let apex = name("Example.TEST.");
        let below = |label: &str| apex.prepend_label(label).unwrap();
        let host = |label: &str| hickory_proto::rr::Name::from(&below(label));
        let soa = SOA::new(host("Primary"), host("mail"), 7, 1, 2, 3, 4);
        let nsec = Nsec {
            next: below("A"),
            types: vec![RecordType::SOA, RecordType::CDS],
        };
        let nsec = nsec.to_rdata();
        let rrsig = |covered: u16| {
            let fields = [&covered.to_be_bytes()[..], &[13, 2], &[9; 14]].concat();
            octets(
                46,
                &[&fields, &canonical_wire(&apex)[..], &[7; 64]].concat(),
            )
        };
        let mut message = Message::response(7, OpCode::Query);
        message.metadata.authoritative = true;
        message.add_query(Query::query((&apex).into(), RecordType::CDS));
        let mut add = |section: usize, owner: &Name, data: RData| {
            let mut record = Record::from_rdata(owner.into(), 60, data);
            record.ttl += message.answers.len() as u32;
            match section {
                0 => message.answers.push(record),
                1 => message.authorities.push(record),
                _ => message.additionals.push(record),
            }
        };
        add(0, &apex, rrsig(59));
        for (rtype, data) in [
            (1, &[192, 0, 2, 1][..]),
            (1, &[192, 0, 2]),
            (28, &[1; 16]),
            (43, &[0, 1, 13, 2, 9]),
            (59, &[0, 0, 0, 0, 0]),
            (60, &[0, 0, 3, 0, 0]),
            (48, &[1, 0, 9, 15, 1, 2, 3]),
            (62, &[0, 0, 0, 1, 1, 5, 0, 1, 0x20]),
            (50, &[1, 0, 0, 0, 0, 1, 8, 0, 1, 0x20]),
            (50, &[9]),
            (47, &[63]),
            (46, &[0; 18]),
            (2, &[3, b'a']),
            (65_280, &[1, 2, 3]),
        ] {
            add(0, &apex, octets(rtype, data));
        }
        add(0, &below("b"), octets(28, &[2; 16]));
        add(1, &apex, RData::SOA(soa));
        add(1, &apex, rrsig(6));
        add(1, &apex, octets(47, nsec.octets()));
        add(1, &apex, RData::NS(NS(host("ns"))));
        add(1, &apex, RData::NS(NS(host("NS"))));
        add(1, &apex, RData::NS(NS(host("ns2"))));
        add(2, &apex, RData::MX(MX::new(10, host("Mail"))));
        add(2, &apex, RData::Update0(RecordType::TXT));
        let mut chaos = Record::from_rdata(host("ns"), 60, octets(1, &[1; 4]));
        chaos.dns_class = DNSClass::CH;
        message.additionals.push(chaos);
        message.metadata.response_code = ResponseCode::BADVERS;
        let mut edns = Edns::new();
        edns.set_rcode_high(1);
        message.set_edns(edns);
        message
    }

    fn both_ways(octets: &[u8]) -> [Option<Reply>; 2] {
        let decoded = decode(octets).map(|message| Reply::from_message(&message));
        [Reply::parse(octets).ok(), decoded.ok()]
    }

    #[test]
    fn one_pass_reads_what_decoding_reads() {
        let octets = encode(&message());
        let [here, there] = both_ways(&octets);
        let here = here.unwrap();
        assert_eq!(here.answer.len(), 12, "{:#?}", here.answer);
        assert_eq!(u16::from(here.rcode), 16);
        assert_eq!(Some(here), there);
        for length in 0..octets.len() {
            let [here, there] = both_ways(&octets[..length]);
            assert_eq!(here, there, "{length}");
        }
    }

    #[test]
    fn whatever_comes_is_an_error_or_an_answer() {
        let octets = encode(&message());
        for at in 0..octets.len() {
            for change in [1, 0x3f, 0x80, 0xc0, 0xff] {
                let mut wrong = octets.clone();
                wrong[at] ^= change;
                let [here, there] = both_ways(&wrong);
                assert_eq!(here.is_some(), there.is_some(), "{at} {change}");
            }
        }
    }
}
