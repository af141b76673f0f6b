//! Record data of delegations in presentation form (RFC 1035 §5.1, RFC 4034 §5.3), and back.

use std::net::{Ipv4Addr, Ipv6Addr};

use counterpoint_dns::{
    name::{RecordType, parse_name},
    rdata::{Ds, Rdata},
};
use data_encoding::HEXUPPER;

/// The types that a delegation consists of.
pub const TYPES: [RecordType; 4] = [
    RecordType::NS,
    RecordType::DS,
    RecordType::A,
    RecordType::AAAA,
];

/// Presentation form; a name always ends with a dot.
pub fn present(rtype: RecordType, data: &Rdata) -> String {
    match (rtype, Ds::parse(data)) {
        (RecordType::DS | RecordType::CDS, Some(ds)) => {
            let Ds {
                tag,
                algorithm,
                digest_type,
                digest,
            } = ds;
            format!(
                "{tag} {algorithm} {digest_type} {}",
                HEXUPPER.encode(&digest)
            )
        }
        _ => data.present(rtype),
    }
}

/// The data of presentation form; nothing, if it is none of this type.
pub fn parse(rtype: RecordType, text: &str) -> Option<Rdata> {
    match rtype {
        RecordType::NS => parse_name(text).ok().map(|name| Rdata::name(&name)),
        RecordType::A => {
            let address: Ipv4Addr = text.parse().ok()?;
            Some(Rdata::address(address.into()))
        }
        RecordType::AAAA => {
            let address: Ipv6Addr = text.parse().ok()?;
            Some(Rdata::address(address.into()))
        }
        RecordType::DS => parse_ds(&Vec::from_iter(text.split_whitespace())),
        _ => None,
    }
}

/// A DS record's data from its words; the digest may be in several.
pub fn parse_ds(words: &[&str]) -> Option<Rdata> {
    let ds = Ds::from_text(&words.join(" "))?;
    // B-12: no DS record has algorithm 0.
    (ds.algorithm != 0).then(|| ds.to_rdata())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_presented_is_read_back() {
        for (rtype, text) in [
            (RecordType::NS, "ns1.example."),
            (RecordType::A, "192.0.2.1"),
            (RecordType::AAAA, "2001:db8::1"),
            (RecordType::DS, "12345 13 2 00FFAB"),
        ] {
            let data = parse(rtype, text).unwrap();
            assert_eq!(present(rtype, &data), text);
        }
        for (rtype, text) in [
            (RecordType::DS, "0 0 0 00"),
            (RecordType::DS, "12345 13 2 0"),
            (RecordType::DS, "12345 13 2"),
            (RecordType::DS, "70000 13 2 00"),
            (RecordType::A, "2001:db8::1"),
            (RecordType::AAAA, "192.0.2.1"),
            (RecordType::NS, "a..b"),
            (RecordType::TXT, "x"),
        ] {
            assert_eq!(parse(rtype, text), None, "{text}");
        }
    }
}
