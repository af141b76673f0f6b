//! Chance that nobody can foresee: the seed of what must not be guessed, as ids and ports.

use std::io;

use rand_chacha::rand_core::SeedableRng as _;
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::stream::Stream;

/// A stream seeded by the system.
pub fn stream() -> io::Result<Stream> {
    let mut seed = [0; 32];
    SystemRandom::new()
        .fill(&mut seed)
        .map_err(|_| io::Error::other("the system gives no randomness"))?;
    Ok(Stream::from_seed(seed))
}
