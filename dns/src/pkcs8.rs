//! Private keys as PKCS#8 (RFC 5958) in PEM (RFC 7468), as openssl writes and reads them.
//!
//! Owns the two shapes of each algorithm that are met: with and without the public half. A text that is
//! neither is no key; nothing here shows one.

use data_encoding::BASE64;

use crate::key::{Algorithm, SigningKey};

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";
/// Octets of a private key, in both algorithms.
const SECRET: usize = 32;

/// What stands before the 32 secret octets.
const SHAPES: [(Algorithm, &[u8]); 3] = [
    // RFC 8410 §7.
    (
        Algorithm::Ed25519,
        b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20",
    ),
    // RFC 5915 in RFC 5958, without the public half.
    (
        Algorithm::EcdsaP256Sha256,
        b"\x30\x41\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x04\x27\x30\x25\x02\x01\x01\x04\x20",
    ),
    // The same with it.
    (
        Algorithm::EcdsaP256Sha256,
        b"\x30\x81\x87\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x04\x6d\x30\x6b\x02\x01\x01\x04\x20",
    ),
];

/// The PEM text of the key that [`SigningKey::from_seed`] makes of this seed; `None`: keys of that
/// algorithm are not kept in files.
pub fn to_pem(algorithm: Algorithm, seed: [u8; SECRET]) -> Option<String> {
    let (_, head) = SHAPES.iter().find(|(of, _)| *of == algorithm)?;
    let body = BASE64.encode(&[*head, &seed].concat());
    Some(format!("{BEGIN}\n{body}\n{END}\n"))
}

/// The key of a PEM text, with these DNSKEY flags; `None`: it is no private key of an algorithm in which
/// this software can sign.
pub fn from_pem(text: &str, flags: u16) -> Option<SigningKey> {
    let body = text.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let body: String = body.split_whitespace().collect();
    let octets = BASE64.decode(body.as_bytes()).ok()?;
    SHAPES.iter().find_map(|(algorithm, head)| {
        let rest = octets.strip_prefix(*head)?;
        let seed = rest.get(..SECRET)?.try_into().ok()?;
        let has_public = head.get(1) == Some(&0x81);
        (has_public || rest.len() == SECRET).then(|| SigningKey::from_seed(*algorithm, flags, seed))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_nothing_else_is() {
        assert_eq!(to_pem(Algorithm::RsaSha256, [7; SECRET]), None);
        for algorithm in [Algorithm::EcdsaP256Sha256, Algorithm::Ed25519] {
            let text = to_pem(algorithm, [7; SECRET]).unwrap();
            let key = SigningKey::from_seed(algorithm, 257, [7; SECRET]);
            let read = from_pem(&text, 257).unwrap();
            assert_eq!(read.public(), key.public());
            let cut = text.replace("Bwc=", "");
            let other = to_pem(algorithm, [8; SECRET]).unwrap();
            assert_ne!(from_pem(&other, 257).unwrap().public(), key.public());
            for bad in ["", "Bwc", &text[1..], &cut.replace("BwcHB", "")] {
                assert!(from_pem(bad, 257).is_none(), "{bad}");
            }
        }
    }

    /// Made by `openssl genpkey -algorithm ed25519` and its public half by `openssl pkey -pubout`.
    #[test]
    fn a_key_of_openssl_is_read() {
        let text = "-----BEGIN PRIVATE KEY-----\n\
                    MC4CAQAwBQYDK2VwBCIEID9z4Jww2g0SVeeqbFYdg+2xAgr9Tnx7r3/OXhqFT1xR\n\
                    -----END PRIVATE KEY-----\n";
        let public = "257 3 15 Hxsnq8eihDWwpxX5D/STzQy/0Bgst0bCTRrzclOTYI4=";
        let expected = crate::key::Dnskey::from_text(public).unwrap();
        assert_eq!(from_pem(text, 257).unwrap().public(), &expected);
        let text = "-----BEGIN PRIVATE KEY-----\n\
                    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgMRujQMbKYZsohUMT\n\
                    u3CV4J2keij3YJsw984BdrMu1UyhRANCAAS0iRKnlWltxadVO3EXc/CDpgJHbrgX\n\
                    yI+vI2bg/Io8tGMqkMMFNZgbCUFzwEaIdApXAlhRGU9a/6t1PH8LqX3Z\n\
                    -----END PRIVATE KEY-----\n";
        let public = "257 3 13 tIkSp5VpbcWnVTtxF3Pwg6YCR264F8iPryNm4PyKPLRjKpDDBTWYGwlBc8BGiHQKVwJYURlPWv+rdTx/C6l92Q==";
        let expected = crate::key::Dnskey::from_text(public).unwrap();
        assert_eq!(from_pem(text, 257).unwrap().public(), &expected);
    }
}
