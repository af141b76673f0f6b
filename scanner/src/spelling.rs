//! How a delete request is written (RFC 8078 §4, B-08).
//!
//! The RFC's own spelling is no legal hexadecimal or Base64, and libraries choke on it. Both
//! spellings are read; the long one, which every tool reads, is written.

use counterpoint_dns::{name::RecordType, rdata::Rdata};

/// Type, spellings with the one that is written first, and the data.
const DELETES: [(RecordType, [&str; 2], &[u8]); 2] = [
    (RecordType::CDS, ["0 0 0 00", "0 0 0 0"], &[0, 0, 0, 0, 0]),
    (
        RecordType::CDNSKEY,
        ["0 3 0 AA==", "0 3 0 0"],
        &[0, 0, 3, 0, 0],
    ),
];

/// The data of a delete request, if this is how one is written; any other text is none.
pub fn read_delete(rtype: RecordType, text: &str) -> Option<Rdata> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let written = words.join(" ");
    let mut deletes = DELETES.iter();
    deletes
        .find(|(known, spellings, _)| *known == rtype && spellings.contains(&written.as_str()))
        .map(|(_, _, octets)| Rdata::from_octets(*octets))
}

/// Presentation form; of a delete request the long spelling.
pub fn write(rtype: RecordType, data: &Rdata) -> String {
    let mut deletes = DELETES.iter();
    deletes
        .find(|(known, _, octets)| *known == rtype && *octets == data.octets())
        .map_or_else(|| data.present(rtype), |(_, [long, _], _)| (*long).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpoint_dns::{key::Dnskey, rdata::Ds};

    #[test]
    fn b_08_both_spellings_are_read_and_the_long_one_is_written() {
        for (rtype, [long, short], octets) in DELETES {
            for text in [long, short, &format!("  {}  ", short.replace(' ', "   "))] {
                let data = read_delete(rtype, text).unwrap();
                assert_eq!(data.octets(), octets);
                assert_eq!(write(rtype, &data), long);
            }
        }
        let cds = read_delete(RecordType::CDS, "0 0 0 0").unwrap();
        assert!(Ds::parse(&cds).is_some_and(|ds| ds.is_delete()));
        let cdnskey = read_delete(RecordType::CDNSKEY, "0 3 0 0").unwrap();
        assert!(Dnskey::parse(&cdnskey).is_some_and(|key| key.is_delete()));
        // B-09: near misses are not delete requests.
        for text in [
            "0 0 0 01",
            "1 0 0 00",
            "0 0 2 00",
            "0 0 0",
            "0 0 0 0 0",
            "0 3 0 0",
        ] {
            assert_eq!(read_delete(RecordType::CDS, text), None, "{text}");
        }
        let real = Rdata::from_octets([0x30, 0x39, 15, 2, 0xab]);
        assert_eq!(write(RecordType::CDS, &real), real.present(RecordType::CDS));
    }
}
