//! Names as octets whose order is the canonical order of names (RFC 4034 §6.1).
//!
//! Labels from the root down, lower-cased, each closed by a zero octet: a name's descendants are the
//! keys that begin with its key. Takes a quarter of what a parsed name takes.

use counterpoint_dns::name::Name;

/// The key of the name with these labels, rightmost first, the root's not among them.
pub fn key_of_labels<'a>(labels: impl Iterator<Item = &'a [u8]>) -> Box<[u8]> {
    let mut key = Vec::with_capacity(32);
    for label in labels {
        for octet in label {
            match octet.to_ascii_lowercase() {
                // Zero closes a label; it and its escape keep their order.
                low @ (0 | 1) => key.extend([1, low + 1]),
                octet => key.push(octet),
            }
        }
        key.push(0);
    }
    key.into()
}

/// The key of a name.
pub fn key_of(name: &Name) -> Box<[u8]> {
    key_of_labels(name.from_root())
}

/// The name of a key, in lower case.
pub fn name_of(key: &[u8]) -> Name {
    let mut labels: Vec<Vec<u8>> = Vec::new();
    let mut label = Vec::new();
    let mut octets = key.iter();
    while let Some(octet) = octets.next() {
        match octet {
            0 => labels.push(std::mem::take(&mut label)),
            1 => label.extend(octets.next().map(|low| low - 1)),
            octet => label.push(*octet),
        }
    }
    labels.reverse();
    // A key was made from a name, so its labels make one.
    Name::from_labels(labels).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpoint_dns::name::parse_name;

    #[test]
    fn keys_keep_names_and_their_canonical_order() {
        // RFC 4034 §6.1, its own example.
        let names = [
            "example.",
            "a.example.",
            "yljkjljk.a.example.",
            "Z.a.example.",
            "zABC.a.EXAMPLE.",
            "z.example.",
            r"\000.z.example.",
            r"\001.z.example.",
            r"\002.z.example.",
            "*.z.example.",
            r"\200.z.example.",
        ];
        let names = names.map(|text| parse_name(text).unwrap());
        let keys: Vec<Box<[u8]>> = names.iter().map(key_of).collect();
        assert!(keys.is_sorted(), "{keys:?}");
        for (name, key) in names.iter().zip(&keys) {
            assert_eq!(name_of(key), name.to_lowercase());
        }
        assert!(keys[2].starts_with(&keys[1]) && !keys[5].starts_with(&keys[1]));
        assert_eq!(name_of(&key_of(&Name::root())), Name::root());
    }
}
