//! Signatures in algorithms that this software only verifies: made by OpenSSL 3 over the octets
//! `counterpoint`, with keys that were thrown away.

use counterpoint_dns::key::{Dnskey, VERIFIABLE, ZONE_KEY};

const MESSAGE: &[u8] = b"counterpoint";
/// An RSA modulus of 1,024 bits; the exponent is 65,537.
const MODULUS: &str = "\
    da2de0aba35ad346bfbdc1a26a6c1c8ef91e7fc5bda163a824f57ffca38fc03b724db925e61e1bfcffb554b4\
    363a27c4116b553248c1bbc63079730ff1d4638e4e36286b8fde7ec353f8cd54b39c7caf861298584168c7e8\
    faa11f6fc026c3a2016aeaa36d247dc61961886b2d7c917aa7f7aa98f12317f9dde72a6b4976c643";
/// `openssl dgst -sha1 -sign`.
const RSA_SHA1: &str = "\
    16a12e969bc13a02badf3ff121a8760a39a57dd3bbc39ebf80232ec8df12a2518a47ef4e804adf8fc4102393\
    dce7f6fc35a2cc475a5c417a91dbb038e421b4a2bf861c55ecca8d2ef7806cb412387b63380e03e5896f6d9d\
    ec71c6e969509c2cc3f8387effb22cc852fcf8dfa74507adf7cf6f5e2131a5c3256f4909300b40d8";
/// `openssl dgst -sha256 -sign`.
const RSA_SHA256: &str = "\
    42fd7f885bfb9b5d66e62d836a04219e4cac40a337e50537d00c56bd4c398d455634543ea9c625e52b8a7045\
    68561b28af998b27e06dc0f0ce554a341e9799ee2f94ace5aad92fded1561f41be787e80671e039ce1fef5b6\
    425c92ec763aa0f120b8a00c3a327cbc2d7356e3809b5afd363b2be113ae6ae150924ab3580c339b";
/// `openssl dgst -sha512 -sign`.
const RSA_SHA512: &str = "\
    b00af2797904719a7887d2c1bdeef4ff7a183fbdd3cd0b70e29fd960b787c5e722a4cff04ada3283e8de9e6f\
    e28e5c6af22e2c4733352b6147180645aeeea2037f43cd7234bc7e0971c623f6421429af1e8d92fd1c4aaf90\
    bac719a3bfdcbdb7d801e943396cb16c192bed7215c697bd915811eb2f90856667a6404fe1c0d29f";
/// A point of the curve P-384.
const P384: &str = "\
    40ce5fa88ef09ccb7340aab75e23d09ac5c5603873140b536243d63b05ca2ca46582c4fc7498de65a226fc1a\
    681aa75a3919937bab7ebd6d4be9cee1a8f1e6762c1f4c1bf94d53350768d2bab7f8caa59de72a2c501850d4\
    de05a1ab321c95cf";
/// `openssl dgst -sha384 -sign`, as two numbers of 48 octets (RFC 6605 §4).
const P384_SHA384: &str = "\
    b71a44414860d9a3c5fc9ab4dc4d7475c490837d02303fbf11c57716c1126807d0a8d8913a9fcd502f33db15\
    ede25b34f280e9a12da1a002d56e198a750c5f6cfc33fac8867c86bb8aa6765841c13f1516691788dabc7972\
    d9f6cd01471ecd37";

fn octets(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

fn key(algorithm: u8, public: Vec<u8>) -> Dnskey {
    Dnskey {
        flags: ZONE_KEY,
        protocol: 3,
        algorithm,
        public: public.into(),
    }
}

/// RFC 3110 §2, with the length of the exponent in `length` octets.
fn rsa(length: &[u8]) -> Vec<u8> {
    [length, &[1, 0, 1], &octets(MODULUS)].concat()
}

#[test]
fn signatures_of_openssl_verify_and_no_others() {
    let vectors = [
        (5, rsa(&[3]), RSA_SHA1),
        (7, rsa(&[3]), RSA_SHA1),
        (8, rsa(&[3]), RSA_SHA256),
        (8, rsa(&[0, 0, 3]), RSA_SHA256),
        (10, rsa(&[3]), RSA_SHA512),
        (14, octets(P384), P384_SHA384),
    ];
    for (algorithm, public, signature) in vectors {
        assert!(VERIFIABLE.contains(&algorithm));
        let signature = octets(signature);
        let right = key(algorithm, public.clone());
        assert!(right.verify(MESSAGE, &signature), "{algorithm}");
        assert!(!right.verify(b"Counterpoint", &signature), "{algorithm}");
        for other in VERIFIABLE.into_iter().filter(|other| *other != algorithm) {
            let same_hash = [algorithm, other]
                .iter()
                .all(|number| [5, 7].contains(number));
            let verified = key(other, public.clone()).verify(MESSAGE, &signature);
            assert_eq!(verified, same_hash, "{algorithm} as {other}");
        }
        let mut wrong = signature;
        wrong[20] ^= 1;
        assert!(!right.verify(MESSAGE, &wrong), "{algorithm}");
    }
}

#[test]
fn a_key_that_is_no_key_verifies_nothing() {
    for algorithm in 0..=u8::MAX {
        for public in [
            vec![],
            vec![0],
            vec![0, 0],
            vec![3, 1, 0],
            vec![0; 64],
            vec![255; 300],
        ] {
            assert!(!key(algorithm, public).verify(MESSAGE, &octets(RSA_SHA256)));
        }
    }
}
