//! Chance that nobody can foresee, for what must not be guessed: ids, ports, tokens.

use std::io;

use rand_chacha::rand_core::SeedableRng as _;
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::stream::Stream;

/// So many octets from the system.
pub fn octets<const N: usize>() -> io::Result<[u8; N]> {
    let mut octets = [0; N];
    let filled = SystemRandom::new().fill(&mut octets);
    filled.map_err(|_| io::Error::other("the system gives no randomness"))?;
    Ok(octets)
}

/// A stream seeded by the system.
pub fn stream() -> io::Result<Stream> {
    Ok(Stream::from_seed(octets()?))
}
