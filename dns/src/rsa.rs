//! RSA key pairs of a simulated world, made from seeds.
//!
//! To find two primes takes a second, and such a key must be made again to the octet. So all of them share
//! one modulus, made once and printed here, and differ in their exponents: different DNSKEY records,
//! tags and signatures, of the size that real ones have. **They protect nothing**; nothing outside of
//! a simulated world or a rehearsal may sign with them.

use ring::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    rsa::{KeyPair, KeyPairComponents, PublicKeyComponents},
    signature::RSA_PKCS1_SHA256,
};

/// A key pair.
pub(crate) struct Rsa {
    pair: KeyPair,
    /// The public half as a DNSKEY record has it (RFC 3110 §2).
    pub(crate) public: Vec<u8>,
}

impl Rsa {
    /// The pair of this seed.
    pub(crate) fn from_seed(seed: [u8; 32]) -> Self {
        let (p, q) = (Big::parse(P), Big::parse(Q));
        let (below_p, below_q) = (p.minus_one(), q.minus_one());
        let totient = below_p.times(&below_q);
        let e = exponent(seed, &totient);
        let exponent = e.to_be_bytes();
        let modulus = p.times(&q).octets();
        let components = KeyPairComponents {
            public_key: PublicKeyComponents {
                n: modulus.clone(),
                e: exponent.to_vec(),
            },
            d: totient.inverse_of(e).octets(),
            p: p.octets(),
            q: q.octets(),
            dP: below_p.inverse_of(e).octets(),
            dQ: below_q.inverse_of(e).octets(),
            qInv: Big::parse(Q_INVERSE).octets(),
        };
        let pair = KeyPair::from_components(&components).expect("the constants are a key of RSA");
        let length = exponent.len() as u8;
        let public = [&[length], &exponent[..], &modulus].concat();
        Self { pair, public }
    }

    /// Signs as RFC 5702 §3.1 says; the padding has no randomness.
    pub(crate) fn sign(&self, octets: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public().modulus_len()];
        let chance = SystemRandom::new();
        self.pair
            .sign(&RSA_PKCS1_SHA256, &chance, octets, &mut signature)
            .expect("the modulus has room for a digest");
        signature
    }
}

/// The first exponent of 32 bits from the seed that has an inverse.
fn exponent(mut seed: [u8; 32], totient: &Big) -> u32 {
    loop {
        let word = u32::from_be_bytes([seed[0], seed[1], seed[2], seed[3]]);
        // Odd, and as long as any other.
        let e = word | 0x8000_0001;
        if inverse(totient.modulo(e), e).is_some() {
            return e;
        }
        let hash = digest(&SHA256, &seed);
        seed.copy_from_slice(hash.as_ref());
    }
}

/// The inverse of `of` modulo `modulus`, if there is one.
fn inverse(of: u32, modulus: u32) -> Option<u32> {
    let (mut a, mut b) = (i64::from(of), i64::from(modulus));
    let (mut x, mut y) = (1_i64, 0_i64);
    while b != 0 {
        let quotient = a / b;
        (a, b) = (b, a - quotient * b);
        (x, y) = (y, x - quotient * y);
    }
    (a == 1).then(|| x.rem_euclid(i64::from(modulus)) as u32)
}

/// A big number, its least 32 bits first.
struct Big(Vec<u32>);

impl Big {
    fn parse(hexadecimal: &str) -> Self {
        let digit = |digit: u8| char::from(digit).to_digit(16).unwrap_or(0);
        let words = hexadecimal.as_bytes().rchunks(8);
        Self(
            words
                .map(|word| word.iter().fold(0, |value, d| value << 4 | digit(*d)))
                .collect(),
        )
    }

    /// Big-endian, without zeros in front.
    fn octets(&self) -> Vec<u8> {
        let words = self.0.iter().rev();
        let octets = words.flat_map(|word| word.to_be_bytes());
        octets.skip_while(|octet| *octet == 0).collect()
    }

    /// The one before it; it is odd.
    fn minus_one(&self) -> Self {
        let mut words = self.0.clone();
        words[0] -= 1;
        Self(words)
    }

    fn times(&self, other: &Self) -> Self {
        let mut words = vec![0_u32; self.0.len() + other.0.len()];
        for (at, a) in self.0.iter().enumerate() {
            let mut carry = 0;
            for (offset, b) in other.0.iter().enumerate() {
                let place = &mut words[at + offset];
                let sum = u64::from(*a) * u64::from(*b) + u64::from(*place) + carry;
                *place = sum as u32;
                carry = sum >> 32;
            }
            words[at + other.0.len()] = carry as u32;
        }
        Self(words)
    }

    fn modulo(&self, divisor: u32) -> u32 {
        let words = self.0.iter().rev();
        let divisor = u64::from(divisor);
        words.fold(0, |rest, word| {
            ((u64::from(rest) << 32 | u64::from(*word)) % divisor) as u32
        })
    }

    /// The inverse of `e` modulo this number: (1 + k · this) / e, with the k for which that has no rest.
    fn inverse_of(&self, e: u32) -> Self {
        let k = inverse(self.modulo(e), e).map_or(0, |inverse| e - inverse);
        let mut carry = 1;
        let mut words: Vec<u32> = Vec::with_capacity(self.0.len() + 1);
        for word in &self.0 {
            let sum = u64::from(*word) * u64::from(k) + carry;
            words.push(sum as u32);
            carry = sum >> 32;
        }
        words.push(carry as u32);
        let mut rest = 0;
        for word in words.iter_mut().rev() {
            let value = rest << 32 | u64::from(*word);
            *word = (value / u64::from(e)) as u32;
            rest = value % u64::from(e);
        }
        Self(words)
    }
}

/// A prime of 1024 bits.
const P: &str = "\
    e526a42049becb2c4d6fdd26545c96bd175d9a90b47c389bf6673f58234810f320090f3fe26fa3de\
    62253682c43ea60fb5f405c984601d95b576a0a9873b4199f2512d22328df4f9de7e8729f58034c0\
    589c583703673aba4c4c309a21777a7e73b79bbdcd13dcf4c28a245b05569169801b637d28bda492\
    54e36db9360e6e0b";
/// Another.
const Q: &str = "\
    d39e3b71ba871c71c8d64bb7ec31248a3080f83636c67c082de23ca9b0ffa9c320eb7cf51450bd39\
    8ce92c8d24e442172be0d237fa30c52fa029359459612a8f1a696a6746bbbbbdae9c4613320d3416\
    accf06deb70540af917c50edc7d50a8ac3c25fe0fe1131f48c348573e04f4f4824ca0734caeb7817\
    d959715f3d569c79";
/// The inverse of the second modulo the first.
const Q_INVERSE: &str = "\
    32f324406deea173cf167507de7ff3665f3afaf7d0aac1a65f76d63cca595218def903d4bb4a1616\
    fff433bc60e4410fbaf6730a8ba5586349fffa3cd46d15fea47caa1bcd1bc6f76230e39495f253da\
    6df521642164523848a7dabd42727284ed3e2ef3ea50957a5fca059a9c26637517bb355c7d3b418e\
    c347463802f26903";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_has_a_key_of_its_own_which_it_makes_again() {
        let public = |seed: u8| Rsa::from_seed([seed; 32]).public;
        for seed in 0..=u8::MAX {
            let (one, next) = (public(seed), public(seed.wrapping_add(1)));
            assert_eq!(one.len(), 1 + 4 + 256, "RFC 3110 §2");
            assert_ne!(one, next);
            assert_eq!(one, public(seed));
        }
    }

    #[test]
    fn an_inverse_is_one() {
        for (of, modulus, expected) in [(3, 7, Some(5)), (2, 4, None), (0, 5, None)] {
            assert_eq!(inverse(of, modulus), expected, "{of} modulo {modulus}");
        }
        let even = Big(vec![10]);
        assert_eq!(even.inverse_of(7).octets(), [3], "3 · 7 = 2 · 10 + 1");
    }
}
