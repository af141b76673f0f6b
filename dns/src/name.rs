//! Domain names, compared by labels and without regard to case (RFC 4343), never as strings.

use std::fmt;

use hickory_proto::serialize::binary::BinDecodable as _;

pub use hickory_proto::rr::{Name, RecordType};

/// A text that is not a domain name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadName {
    /// The text as found.
    pub text: String,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a domain name: {}", self.text, self.why)
    }
}

impl std::error::Error for BadName {}

/// Parses an absolute name; a missing final dot is added.
pub fn parse_name(text: &str) -> Result<Name, BadName> {
    let bad = |why: String| BadName {
        text: text.into(),
        why,
    };
    if text.is_empty() {
        return Err(bad("it is empty (the root is written `.`)".into()));
    }
    // hickory refuses labels such as `0/25` (RFC 2317 §4), and reads escapes as octal numbers.
    let read = match text.contains(['\\', '/']) {
        true => labels(text)
            .ok_or_else(|| bad("an escape or a label is malformed".into()))
            .map(Name::from_labels)?,
        false => Name::from_ascii(text),
    };
    let mut name = read.map_err(|error| bad(error.to_string()))?;
    name.set_fqdn(true);
    Ok(name)
}

/// The labels of presentation form (RFC 1035 §5.1): `\X` is X, `\DDD` the octet of that decimal number.
fn labels(text: &str) -> Option<Vec<Vec<u8>>> {
    let mut labels = vec![Vec::new()];
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        let label = labels.last_mut()?;
        match octet {
            b'.' => labels.push(Vec::new()),
            b'\\' => {
                let first = octets.next()?;
                let digit = |octet: u8| char::from(octet).to_digit(10);
                label.push(match digit(first) {
                    None => first,
                    Some(hundreds) => {
                        let (tens, ones) = (digit(octets.next()?)?, digit(octets.next()?)?);
                        u8::try_from(hundreds * 100 + tens * 10 + ones).ok()?
                    }
                });
            }
            b'!'..=b'~' => label.push(octet),
            _ => return None,
        }
    }
    if labels.last().is_some_and(Vec::is_empty) {
        labels.pop();
    }
    let is_sound = labels.iter().all(|label| !label.is_empty());
    is_sound.then_some(labels)
}

/// The uncompressed wire form, lower-cased (RFC 4034 §6.2).
pub fn canonical_wire(name: &Name) -> Vec<u8> {
    let mut wire = Vec::with_capacity(name.len() + 1);
    for label in name.iter() {
        wire.push(label.len() as u8);
        wire.extend(label.iter().map(u8::to_ascii_lowercase));
    }
    wire.push(0);
    wire
}

/// Reads an uncompressed name from the front of `wire`; returns it with what follows.
pub fn split_name(wire: &[u8]) -> Option<(Name, &[u8])> {
    let mut end = 0;
    loop {
        let length = *wire.get(end)?;
        // More is no length but a pointer (RFC 1035 §4.1.4).
        if length > 63 {
            return None;
        }
        end += 1 + usize::from(length);
        if length == 0 {
            let (name, rest) = wire.split_at_checked(end)?;
            return Some((Name::from_bytes(name).ok()?, rest));
        }
    }
}

/// Whether `name` is `zone` or lies below it.
pub fn is_at_or_below(name: &Name, zone: &Name) -> bool {
    zone.zone_of(name)
}

/// The number of labels, the root not counted and a leading `*` not counted (RFC 4034 §3.1.3).
pub fn rrsig_labels(name: &Name) -> u8 {
    name.num_labels()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_split_from_what_follows() {
        let (name, rest) = split_name(b"\x03wWw\x04test\0rest").unwrap();
        assert!(name.eq_case(&parse_name("wWw.test.").unwrap()));
        assert!(name.is_fqdn());
        assert_eq!(rest, b"rest");
        assert_eq!(split_name(b"\0"), Some((Name::root(), &[][..])));
    }

    #[test]
    fn what_is_no_whole_uncompressed_name_is_refused() {
        let too_long = [&[63; 64 * 4][..], b"\0"].concat();
        let pointer = [b"\x01a\xc0\0", &[0; 256][..]].concat();
        for wire in [&b""[..], b"\x04tes", b"\x04test", &too_long, &pointer] {
            assert_eq!(split_name(wire), None, "{wire:?}");
        }
    }

    #[test]
    fn odd_but_printable_labels_survive_their_text() {
        for text in [
            "0/25.2.0.192.in-addr.arpa.",
            r"a\.b.test.",
            r"\;.test.",
            "*.test.",
            "_x.test.",
        ] {
            let name = parse_name(text).unwrap();
            assert_eq!(parse_name(&name.to_string()).as_ref(), Ok(&name), "{text}");
        }
        assert_eq!(parse_name(r"\065.test."), parse_name("a.test."));
        assert_eq!(parse_name(r"a\.b.test.").unwrap().num_labels(), 2);
        for text in ["a..b", r"a\", r"\999.test.", r"a\ b/c d.", "a/..b", ""] {
            assert!(parse_name(text).is_err(), "{text}");
        }
    }
}
