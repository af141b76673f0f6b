//! Zone keys: DNSKEY records, their tags and digests, and the private halves that sign.
//!
//! A key is made from a seed, so that a world can be made again to the octet. Ed25519 is done by
//! `ring`; P-256 by `p256`, because a reproducible signer needs the nonces of RFC 6979, which `ring`
//! does not offer for signing. Verification is `ring`'s for both.

use std::{fmt, sync::Arc};

use p256::ecdsa::signature::Signer as _;
use ring::{
    digest::{Context, SHA256, SHA384, digest},
    signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey,
        VerificationAlgorithm,
    },
};

use crate::{
    name::{Name, canonical_wire},
    rdata::{Ds, Rdata},
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

/// The algorithms in which this software can sign and validate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// 13, RFC 6605.
    EcdsaP256Sha256,
    /// 15, RFC 8080.
    Ed25519,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::EcdsaP256Sha256, Self::Ed25519];

    /// The number in the IANA registry.
    pub const fn number(self) -> u8 {
        match self {
            Self::EcdsaP256Sha256 => 13,
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
        let verify = |algorithm: &'static dyn VerificationAlgorithm, public: &[u8]| {
            UnparsedPublicKey::new(algorithm, public)
                .verify(octets, signature)
                .is_ok()
        };
        match Algorithm::from_number(self.algorithm) {
            Some(Algorithm::Ed25519) => verify(&ED25519, &self.public),
            Some(Algorithm::EcdsaP256Sha256) => {
                // The DNS leaves out the octet that says "uncompressed point" (RFC 6605 §4).
                let point = [&[4], &*self.public].concat();
                verify(&ECDSA_P256_SHA256_FIXED, &point)
            }
            None => false,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        name::{RecordType, parse_name},
        rrset::RrSet,
        signature::{Rrsig, Verifier},
        time::Timestamp,
    };

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
