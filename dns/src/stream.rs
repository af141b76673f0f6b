//! Randomness as an argument: one stream for each actor, derived from a seed and the actor's name,
//! so that adding an actor does not shift the others.

use rand_chacha::rand_core::SeedableRng;
use ring::digest::{Context, SHA256};

/// A reproducible stream of randomness.
pub type Stream = rand_chacha::ChaCha8Rng;

/// The 32 octets that belong to `actor` under `seed`: for keys.
pub fn octets(seed: u64, actor: &str) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(&seed.to_be_bytes());
    context.update(actor.as_bytes());
    let mut octets = [0; 32];
    octets.copy_from_slice(context.finish().as_ref());
    octets
}

/// The stream that belongs to `actor` under `seed`.
pub fn stream(seed: u64, actor: &str) -> Stream {
    Stream::from_seed(octets(seed, actor))
}
