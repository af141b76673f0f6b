//! Hexadecimal, as records and plans have it.

/// The octets of hexadecimal digits, of either case; nothing, if they are none.
pub fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.chars().map(|digit| digit.to_digit(16));
    let digits: Vec<u8> = digits
        .map(|digit| digit.map(|value| value as u8))
        .collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let octets = pairs.iter().map(|[high, low]| high << 4 | low);
    rest.is_empty().then(|| octets.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_octets_are_read_and_nothing_else() {
        assert_eq!(parse_hex("00fFaB"), Some(vec![0x00, 0xff, 0xab]));
        assert_eq!(parse_hex(""), Some(Vec::new()));
        for text in ["0", "000", "0g", "+1", "é0"] {
            assert_eq!(parse_hex(text), None, "{text}");
        }
    }
}
