//! Zone keys: DNSKEY records, their tags and digests, and the private halves that sign.
//!
//! A key is made from a seed, so that a world can be made again to the octet. Ed25519 is done by
//! `ring`; P-256 by `p256`, because a reproducible signer needs the nonces of RFC 6979, which `ring`
//! does not offer for signing; P-384 likewise by `p384`; RSA by `ring`, with exponents from seeds and one
//! modulus for all. Verification is `ring`'s for these and for what else real zones are
//! signed with.

use std::{fmt, sync::Arc};

use data_encoding::BASE64;
use p256::ecdsa::signature::Signer as _;
use ring::{
    digest::{Context, SHA256, SHA384, digest},
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, Ed25519KeyPair, KeyPair as _,
        RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RsaParameters, RsaPublicKeyComponents,
        UnparsedPublicKey, VerificationAlgorithm,
    },
};

use crate::{
    name::{Name, canonical_wire},
    rdata::{Ds, Rdata},
    rsa::Rsa,
};

/// Zone key flag (RFC 4034 §2.1.1).
pub const ZONE_KEY: u16 = 0x0100;
/// Revoke flag (RFC 5011 §7).
pub const REVOKED: u16 = 0x0080;
/// Secure entry point flag (RFC 4034 §2.1.1): a hint for people and controllers only.
pub const SECURE_ENTRY_POINT: u16 = 0x0001;

/// Digest type SHA-256 (RFC 4509).
pub const DIGEST_SHA256: u8 = 2;
/// Digest type SHA-384 (RFC 6605).
pub const DIGEST_SHA384: u8 = 4;

/// The numbers of all algorithms whose signatures can be verified: RSA with SHA-1 (twice), SHA-256 and
/// SHA-512, ECDSA P-256 and P-384, Ed25519. Ed448 is not among them.
pub const VERIFIABLE: [u8; 7] = [5, 7, 8, 10, 13, 14, 15];

/// The algorithms in which this software can sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// 8, RFC 5702: keys of a simulated world only, for they share a modulus.
    RsaSha256,
    /// 13, RFC 6605.
    EcdsaP256Sha256,
    /// 14, RFC 6605.
    EcdsaP384Sha384,
    /// 15, RFC 8080.
    Ed25519,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::RsaSha256,
        Self::EcdsaP256Sha256,
        Self::EcdsaP384Sha384,
        Self::Ed25519,
    ];

    /// The number in the IANA registry.
    pub const fn number(self) -> u8 {
        match self {
            Self::RsaSha256 => 8,
            Self::EcdsaP256Sha256 => 13,
            Self::EcdsaP384Sha384 => 14,
            Self::Ed25519 => 15,
        }
    }

    /// The algorithm of that number, if it can be used here.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.number() == number)
    }
}

/// A DNSKEY or CDNSKEY record's fields (RFC 4034 §2.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dnskey {
    /// Flags.
    pub flags: u16,
    /// Protocol; anything but 3 makes the key useless.
    pub protocol: u8,
    /// Algorithm number.
    pub algorithm: u8,
    /// The public key.
    pub public: Arc<[u8]>,
}

impl Dnskey {
    /// Parses DNSKEY and CDNSKEY data.
    pub fn parse(data: &Rdata) -> Option<Self> {
        let [flags_high, flags_low, protocol, algorithm, public @ ..] = data.octets() else {
            return None;
        };
        Some(Self {
            flags: u16::from_be_bytes([*flags_high, *flags_low]),
            protocol: *protocol,
            algorithm: *algorithm,
            public: public.into(),
        })
    }

    /// Reads presentation form (RFC 4034 §2.2): `257 3 13 mdsswUyr…`, the key in one word or several.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let key = Self {
            flags: words.next()?.parse().ok()?,
            protocol: words.next()?.parse().ok()?,
            algorithm: words.next()?.parse().ok()?,
            public: BASE64
                .decode(words.collect::<String>().as_bytes())
                .ok()?
                .into(),
        };
        (!key.public.is_empty()).then_some(key)
    }

    /// The record's data.
    pub fn to_rdata(&self) -> Rdata {
        Rdata::from_octets([&self.head(), &*self.public].concat())
    }

    /// The record's data up to the public key.
    fn head(&self) -> [u8; 4] {
        let [high, low] = self.flags.to_be_bytes();
        [high, low, self.protocol, self.algorithm]
    }

    /// The key tag (RFC 4034, appendix B).
    pub fn tag(&self) -> u16 {
        let head =
            u32::from(self.flags) + (u32::from(self.protocol) << 8 | u32::from(self.algorithm));
        let public = self.public.chunks(2).map(|pair| match pair {
            [high, low] => u32::from(*high) << 8 | u32::from(*low),
            _ => u32::from(pair[0]) << 8,
        });
        let sum = head + public.sum::<u32>();
        (sum + (sum >> 16)) as u16
    }

    /// The DS of this key in `zone` with digest type `digest_type`, if that type can be computed.
    pub fn ds(&self, zone: &Name, digest_type: u8) -> Option<Ds> {
        let algorithm = match digest_type {
            DIGEST_SHA256 => &SHA256,
            DIGEST_SHA384 => &SHA384,
            _ => return None,
        };
        let mut digest = Context::new(algorithm);
        digest.update(&canonical_wire(zone));
        digest.update(&self.head());
        digest.update(&self.public);
        Some(Ds {
            tag: self.tag(),
            algorithm: self.algorithm,
            digest_type,
            digest: digest.finish().as_ref().to_vec(),
        })
    }

    /// Whether `ds` is this key's: tag, algorithm and digest (RFC 4035 §5.2).
    pub fn matches(&self, zone: &Name, ds: &Ds) -> bool {
        ds.tag == self.tag()
            && ds.algorithm == self.algorithm
            && self
                .ds(zone, ds.digest_type)
                .is_some_and(|own| own.digest == ds.digest)
    }

    /// Whether validators may use it on zone data: a zone key, protocol 3, not revoked.
    pub fn is_usable(&self) -> bool {
        self.protocol == 3 && self.flags & ZONE_KEY != 0 && self.flags & REVOKED == 0
    }

    /// Whether the secure entry point flag is set.
    pub fn is_sep(&self) -> bool {
        self.flags & SECURE_ENTRY_POINT != 0
    }

    /// Exactly `0 3 0 0`: the request to remove the DS RRset (RFC 8078 §4).
    pub fn is_delete(&self) -> bool {
        (self.flags, self.protocol, self.algorithm) == (0, 3, 0) && *self.public == [0]
    }

    /// Whether this key made `signature` over `octets`. False for algorithms not known here.
    pub fn verify(&self, octets: &[u8], signature: &[u8]) -> bool {
        match self.algorithm {
            5 | 7 => self.verify_rsa(
                &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
                octets,
                signature,
            ),
            8 => self.verify_rsa(
                &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
                octets,
                signature,
            ),
            10 => self.verify_rsa(
                &RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
                octets,
                signature,
            ),
            13 => self.verify_ecdsa(&ECDSA_P256_SHA256_FIXED, octets, signature),
            14 => self.verify_ecdsa(&ECDSA_P384_SHA384_FIXED, octets, signature),
            15 => UnparsedPublicKey::new(&ED25519, &self.public)
                .verify(octets, signature)
                .is_ok(),
            _ => false,
        }
    }

    fn verify_ecdsa(
        &self,
        algorithm: &'static dyn VerificationAlgorithm,
        octets: &[u8],
        signature: &[u8],
    ) -> bool {
        // The DNS leaves out the octet that says "uncompressed point" (RFC 6605 §4).
        let point = [&[4], &*self.public].concat();
        let key = UnparsedPublicKey::new(algorithm, &point);
        key.verify(octets, signature).is_ok()
    }

    /// RFC 3110 §2: the length of the exponent in one octet, or in two after a zero; the exponent;
    /// the modulus.
    fn verify_rsa(&self, parameters: &RsaParameters, octets: &[u8], signature: &[u8]) -> bool {
        let (length, rest) = match &*self.public {
            [0, high, low, rest @ ..] => (u16::from_be_bytes([*high, *low]), rest),
            [length, rest @ ..] => (u16::from(*length), rest),
            [] => return false,
        };
        let Some((e, n)) = rest.split_at_checked(usize::from(length)) else {
            return false;
        };
        let key = RsaPublicKeyComponents {
            n: strip(n),
            e: strip(e),
        };
        key.verify(parameters, octets, signature).is_ok()
    }
}

/// A big number without zeros in front.
fn strip(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|octet| **octet == 0).count();
    &number[zeros..]
}

/// A key with its private half.
#[derive(Clone)]
pub struct SigningKey {
    public: Dnskey,
    private: Private,
}

#[derive(Clone)]
enum Private {
    Ed25519(Arc<Ed25519KeyPair>),
    P256(Arc<p256::ecdsa::SigningKey>),
    P384(Arc<p384::ecdsa::SigningKey>),
    Rsa(Arc<Rsa>),
}

impl SigningKey {
    /// The key of this seed. The same seed gives the same key; the flags are not part of it.
    pub fn from_seed(algorithm: Algorithm, flags: u16, seed: [u8; 32]) -> Self {
        let (private, public): (_, Arc<[u8]>) = match algorithm {
            Algorithm::Ed25519 => {
                let pair = Ed25519KeyPair::from_seed_unchecked(&seed)
                    .expect("32 octets are a seed of Ed25519");
                let public = pair.public_key().as_ref().into();
                (Private::Ed25519(Arc::new(pair)), public)
            }
            Algorithm::EcdsaP256Sha256 => {
                let pair = p256_key(seed);
                let point = pair.verifying_key().to_encoded_point(false);
                let public = point.as_bytes()[1..].into();
                (Private::P256(Arc::new(pair)), public)
            }
            Algorithm::EcdsaP384Sha384 => {
                let pair = p384_key(seed);
                let point = pair.verifying_key().to_encoded_point(false);
                let public = point.as_bytes()[1..].into();
                (Private::P384(Arc::new(pair)), public)
            }
            Algorithm::RsaSha256 => {
                let pair = Rsa::from_seed(seed);
                let public = pair.public.clone().into();
                (Private::Rsa(Arc::new(pair)), public)
            }
        };
        let public = Dnskey {
            flags,
            protocol: 3,
            algorithm: algorithm.number(),
            public,
        };
        Self { public, private }
    }

    /// The DNSKEY record of this key.
    pub fn public(&self) -> &Dnskey {
        &self.public
    }

    /// Signs; the same octets give the same signature.
    pub fn sign(&self, octets: &[u8]) -> Vec<u8> {
        match &self.private {
            Private::Ed25519(pair) => pair.sign(octets).as_ref().to_vec(),
            Private::P256(pair) => {
                let signature: p256::ecdsa::Signature = pair.sign(octets);
                signature.to_bytes().to_vec()
            }
            Private::P384(pair) => {
                let signature: p384::ecdsa::Signature = pair.sign(octets);
                signature.to_bytes().to_vec()
            }
            Private::Rsa(pair) => pair.sign(octets),
        }
    }
}

/// The private half is never shown.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

/// The first hash of the seed that is a scalar of the curve: the seed itself in all but 1 of 2³² cases.
fn p256_key(mut seed: [u8; 32]) -> p256::ecdsa::SigningKey {
    loop {
        if let Ok(key) = p256::ecdsa::SigningKey::from_bytes(&seed.into()) {
            return key;
        }
        let hash = digest(&SHA256, &seed);
        seed.copy_from_slice(hash.as_ref());
    }
}

/// The first hash of the seed that is a scalar of the curve: nearly all of 48 octets are.
fn p384_key(seed: [u8; 32]) -> p384::ecdsa::SigningKey {
    let mut hash = digest(&SHA384, &seed);
    loop {
        if let Ok(key) = p384::ecdsa::SigningKey::from_slice(hash.as_ref()) {
            return key;
        }
        hash = digest(&SHA384, hash.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        name::{RecordType, parse_name},
        rrset::RrSet,
        signature::{Rrsig, Verifier},
        time::Timestamp,
    };

    /// RFC 6605 §6.1.
    #[test]
    fn a_key_and_its_ds_are_read_from_text() {
        let key = "257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edb \
                   krSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==";
        let ds = "55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17";
        let (key, ds) = (Dnskey::from_text(key).unwrap(), Ds::from_text(ds).unwrap());
        assert!(key.matches(&parse_name("example.net.").unwrap(), &ds));
        for text in ["", "257 3 13", "257 3 13 !", "257 3 x GojI"] {
            assert_eq!(Dnskey::from_text(text), None, "{text}");
        }
        for text in ["", "1 13 2", "1 13 2 abc", "70000 13 2 ab"] {
            assert_eq!(Ds::from_text(text), None, "{text}");
        }
    }

    #[test]
    fn a_signature_verifies_under_its_key_and_no_other() {
        let zone = parse_name("Example.TEST.").unwrap();
        let www = parse_name("WWW.example.test.").unwrap();
        let data = [
            Rdata::address([192, 0, 2, 1].into()),
            Rdata::address([192, 0, 2, 0].into()),
        ];
        let set = RrSet::new(www, RecordType::A, 300, data);
        let (from, until) = (
            Timestamp::from_seconds(1_000),
            Timestamp::from_seconds(2_000),
        );
        for algorithm in Algorithm::ALL {
            let key = SigningKey::from_seed(algorithm, ZONE_KEY, [7; 32]);
            let other = SigningKey::from_seed(algorithm, ZONE_KEY, [8; 32]);
            let rrsig = Rrsig::sign(&set, &key, &zone, from, until);
            assert_eq!(
                rrsig,
                Rrsig::sign(&set, &key, &zone, from, until),
                "reproducible"
            );
            assert_eq!(Rrsig::parse(&rrsig.to_rdata()).as_ref(), Some(&rrsig));
            let mut verifier = Verifier::default();
            assert!(verifier.made_by(&set, &rrsig, key.public()));
            assert!(verifier.made_by(&set, &rrsig, key.public()));
            assert_eq!(
                verifier.verifications(),
                1,
                "the second answer is remembered"
            );
            let impostor = Rrsig {
                tag: other.public().tag(),
                ..rrsig.clone()
            };
            assert!(!verifier.made_by(&set, &impostor, other.public()));
            let mut fewer = set.clone();
            fewer.data.pop_first();
            assert!(!verifier.made_by(&fewer, &rrsig, key.public()));
            assert!(rrsig.covers(until) && !rrsig.covers(Timestamp::from_seconds(2_001)));
            assert!(rrsig.covers(from) && !rrsig.covers(Timestamp::from_seconds(999)));
        }
    }
}
