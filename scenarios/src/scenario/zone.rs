//! `[[zone]]` and the records in it.

use std::{collections::BTreeMap, fmt, net::IpAddr, time::Duration};

use counterpoint_dns::{
    name::{Name, RecordType, canonical_wire, parse_name},
    rdata::Rdata,
    rrset::RrSet,
};

use super::{
    dynamic::Dynamic,
    setting::{Setting, names, quote, settings},
    time::{Ttl, days, hours, minutes, parse_span},
};
use crate::{
    diagnostic::{nearest, one_of},
    load::reader::Field,
};

names! {
    /// The division of labour between owner and signers.
    pub enum Model {
        ServeOnly = "serve-only",
        /// RFC 8901 §2.1.1: a common KSK.
        One = "1",
        /// RFC 8901 §2.1.2: own KSKs.
        Two = "2",
        Three = "3",
        Inline = "inline",
        Hybrid = "hybrid",
    }
}

settings! {
    /// How long secondaries wait (RFC 1035 §3.3.13).
    pub struct SoaTimers {
        /// From a success to the next question.
        refresh "refresh": Duration = hours(1),
        /// From a failure to the next.
        retry "retry": Duration = minutes(10),
        /// From the last success to the end of service.
        expire "expire": Duration = days(14),
    }
}

settings! {
    /// `[[zone]]`: a signed zone below the parent.
    pub struct Zone {
        /// Its name.
        name "name": Name = Name::root(),
        /// The division of labour.
        model "model": Model = Model::Two,
        /// Those that serve it at the start; its group's, if it has one.
        signers "signers": Vec<String> = Vec::new(),
        /// The group whose signers serve it.
        group "group": Option<String> = None,
        /// Who holds the zone, where one does.
        primary "primary": Option<String> = None,
        /// Who holds the common keys, where there are any.
        ksk_holder "ksk-holder": String = "owner".into(),
        /// The timers of its SOA record: how long secondaries wait.
        soa "soa": SoaTimers = SoaTimers::default(),
        /// Whether it starts with a DS.
        secure "secure": bool = true,
        /// Its records, beside SOA, NS and what DNSSEC adds.
        records "records": Vec<Record> = Vec::new(),
        /// Answers that depend on asker or time.
        dynamic "dynamic": Vec<Dynamic> = Vec::new(),
    }
}

/// One record, its names relative to the zone unless they end in a dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Owner.
    pub owner: WrittenName,
    /// TTL; none: the signer's default.
    pub ttl: Option<Ttl>,
    /// Data.
    pub data: Data,
}

/// A name as a record writes it: `@`, `www` or `www.example.`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WrittenName {
    /// Below the zone, or its apex: without a final dot.
    Relative(Name),
    /// With a final dot.
    Absolute(Name),
}

impl WrittenName {
    /// Parses it; a name without a final dot is relative.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "@" {
            return Ok(Self::Relative(Name::root()));
        }
        let name =
            parse_name(text).map_err(|error| format!("`{text}` is no name: {}", error.why))?;
        Ok(match text.ends_with('.') {
            true => Self::Absolute(name),
            false => Self::Relative(name),
        })
    }

    /// The name in `zone`; `None` if it would be too long to exist.
    pub fn within(&self, zone: &Name) -> Option<Name> {
        match self {
            Self::Absolute(name) => Some(name.clone()),
            Self::Relative(name) => name.append_domain(zone).ok(),
        }
    }
}

impl fmt::Display for WrittenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Relative(name) if name.is_root() => f.write_str("@"),
            Self::Relative(name) => {
                let text = name.to_string();
                f.write_str(text.strip_suffix('.').unwrap_or(&text))
            }
            Self::Absolute(name) => name.fmt(f),
        }
    }
}

/// The data of a record, by type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// A and AAAA.
    Address(IpAddr),
    /// TXT.
    Text(Vec<String>),
    /// MX: preference and host.
    Mail(u16, WrittenName),
    /// CNAME.
    Alias(WrittenName),
    /// NS: a delegation out of the zone.
    NameServer(WrittenName),
    /// SRV: priority, weight, port and host.
    Service([u16; 3], WrittenName),
}

const TYPES: [&str; 7] = ["A", "AAAA", "TXT", "MX", "CNAME", "NS", "SRV"];
const SHAPE: &str = "expected \"owner [ttl] type data\", as \"www 300 A 192.0.2.1\"";

impl Record {
    /// Parses `www 300 A 192.0.2.1`; the TTL may be left out or be a span as `5m`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words = split_words(text)?;
        let [owner, rest @ ..] = words.as_slice() else {
            return Err("it is empty".into());
        };
        let (ttl, rest) = match rest {
            [word, rest @ ..] if word.starts_with(|c: char| c.is_ascii_digit()) => {
                (Some(parse_ttl(word)?), rest)
            }
            rest => (None, rest),
        };
        let [rtype, data @ ..] = rest else {
            return Err("it has no type".into());
        };
        Ok(Self {
            owner: WrittenName::parse(owner)?,
            ttl,
            data: Data::parse(rtype, data)?,
        })
    }

    /// The type.
    pub fn rtype(&self) -> RecordType {
        match &self.data {
            Data::Address(IpAddr::V4(_)) => RecordType::A,
            Data::Address(IpAddr::V6(_)) => RecordType::AAAA,
            Data::Text(_) => RecordType::TXT,
            Data::Mail(..) => RecordType::MX,
            Data::Alias(_) => RecordType::CNAME,
            Data::NameServer(_) => RecordType::NS,
            Data::Service(..) => RecordType::SRV,
        }
    }

    /// The owner name in `zone`; `None` if the name would be too long to exist.
    pub fn owner_in(&self, zone: &Name) -> Option<Name> {
        self.owner.within(zone)
    }

    /// The data in `zone`; `None` if a name would be too long to exist.
    pub fn rdata_in(&self, zone: &Name) -> Option<Rdata> {
        let named = |numbers: &[u16], name: &WrittenName| {
            let mut octets: Vec<u8> = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
            octets.extend(canonical_wire(&name.within(zone)?));
            Some(Rdata::from_octets(octets))
        };
        match &self.data {
            Data::Address(address) => Some(Rdata::address(*address)),
            Data::Alias(name) | Data::NameServer(name) => named(&[], name),
            Data::Mail(preference, host) => named(&[*preference], host),
            Data::Service(numbers, host) => named(numbers, host),
            Data::Text(strings) => {
                let octets = strings.iter().flat_map(|string| {
                    // The parser refuses strings beyond 255 octets.
                    let length = u8::try_from(string.len()).unwrap_or(u8::MAX);
                    std::iter::once(length).chain(string.bytes().take(usize::from(length)))
                });
                Some(Rdata::from_octets(octets.collect::<Vec<u8>>()))
            }
        }
    }
}

/// The RRsets of `records` in `zone`: one for each owner and type, with the least TTL of its records.
pub fn rrsets(records: &[Record], zone: &Name, default_ttl: Ttl) -> Vec<RrSet> {
    let mut sets: BTreeMap<(Name, RecordType), RrSet> = BTreeMap::new();
    for record in records {
        let (Some(owner), Some(data)) = (record.owner_in(zone), record.rdata_in(zone)) else {
            continue;
        };
        let ttl = record.ttl.unwrap_or(default_ttl).seconds();
        let rtype = record.rtype();
        let set = sets
            .entry((owner.clone(), rtype))
            .or_insert_with(|| RrSet::new(owner, rtype, ttl, []));
        set.ttl = set.ttl.min(ttl);
        set.data.insert(data);
    }
    sets.into_values().collect()
}

impl Data {
    fn parse(rtype: &str, words: &[String]) -> Result<Self, String> {
        let rtype = rtype.to_ascii_uppercase();
        let wrong = |shape: &str| Err(format!("the data of {rtype} is {shape}"));
        match (rtype.as_str(), words) {
            ("A", [address]) => match address.parse() {
                Ok(v4) => Ok(Self::Address(IpAddr::V4(v4))),
                Err(_) => wrong("an IPv4 address"),
            },
            ("AAAA", [address]) => match address.parse() {
                Ok(v6) => Ok(Self::Address(IpAddr::V6(v6))),
                Err(_) => wrong("an IPv6 address"),
            },
            ("TXT", [_, ..]) if words.iter().all(|word| word.len() < 256) => {
                Ok(Self::Text(words.to_vec()))
            }
            ("MX", [preference, host]) => match preference.parse() {
                Ok(preference) => Ok(Self::Mail(preference, WrittenName::parse(host)?)),
                Err(_) => wrong("a preference and a host"),
            },
            ("CNAME", [name]) => Ok(Self::Alias(WrittenName::parse(name)?)),
            ("NS", [name]) => Ok(Self::NameServer(WrittenName::parse(name)?)),
            ("SRV", [priority, weight, port, host]) => {
                match (priority.parse(), weight.parse(), port.parse()) {
                    (Ok(priority), Ok(weight), Ok(port)) => Ok(Self::Service(
                        [priority, weight, port],
                        WrittenName::parse(host)?,
                    )),
                    _ => wrong("priority, weight, port and host"),
                }
            }
            ("A", _) => wrong("one IPv4 address"),
            ("AAAA", _) => wrong("one IPv6 address"),
            ("TXT", _) => wrong("one or more strings of at most 255 octets"),
            ("MX", _) => wrong("a preference and a host"),
            ("CNAME" | "NS", _) => wrong("one name"),
            ("SRV", _) => wrong("priority, weight, port and host"),
            _ => Err(match nearest(&rtype, TYPES) {
                Some(near) => format!("there is no type `{rtype}` here; did you mean `{near}`?"),
                None => format!("its type is none of {}", one_of(TYPES)),
            }),
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.owner)?;
        if let Some(ttl) = self.ttl {
            write!(f, " {}", ttl.seconds())?;
        }
        write!(f, " {}", self.rtype())?;
        match &self.data {
            Data::Address(address) => write!(f, " {address}"),
            Data::Text(strings) => strings
                .iter()
                .try_for_each(|string| write!(f, " \"{}\"", escape(string))),
            Data::Mail(preference, host) => write!(f, " {preference} {}", host),
            Data::Alias(name) | Data::NameServer(name) => write!(f, " {}", name),
            Data::Service([priority, weight, port], host) => {
                write!(f, " {priority} {weight} {port} {}", host)
            }
        }
    }
}

impl Setting for Record {
    fn read(field: &Field<'_>) -> Option<Self> {
        let text = field.text("a record as \"www 300 A 192.0.2.1\"")?;
        match Self::parse(text) {
            Ok(record) => Some(record),
            Err(why) => field.fail(
                "bad-record",
                format!("`{text}` is not a record: {why}"),
                |d| d.expected(SHAPE),
            ),
        }
    }

    fn print(&self) -> Option<String> {
        Some(quote(&self.to_string()))
    }

    fn words() -> Vec<&'static str> {
        TYPES.to_vec()
    }
}

/// Splits at spaces; double quotes keep spaces, a backslash keeps the next character.
fn split_words(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '\\' => {
                let kept = letters.next().ok_or("it ends in a backslash")?;
                if !quoted {
                    word.get_or_insert_default().push('\\');
                }
                word.get_or_insert_default().push(kept);
            }
            space if space.is_whitespace() && !quoted => words.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    if quoted {
        return Err("a quote is not closed".into());
    }
    words.extend(word);
    Ok(words)
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

fn parse_ttl(word: &str) -> Result<Ttl, String> {
    let seconds = match word.parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => match parse_span(word) {
            Ok(span) => span.as_secs(),
            Err(_) => return Err(format!("`{word}` is no TTL")),
        },
    };
    match u32::try_from(seconds) {
        Ok(seconds) if seconds <= Ttl::MAX.seconds() => Ok(Ttl::from_seconds(seconds)),
        _ => Err("its TTL is more than 2^31-1 seconds".into()),
    }
}
