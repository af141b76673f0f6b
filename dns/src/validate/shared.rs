//! One memo of verifications for several agents.
//!
//! A world is one thread and a resolver on real sockets is one task, so the lock is never contended;
//! it is a mutex and not a `RefCell` only so that agents can be spawned on any tokio runtime.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::signature::Verifier;

/// A handle on a [`Verifier`]; clones share it.
#[derive(Clone, Debug, Default)]
pub struct SharedVerifier(Arc<Mutex<Verifier>>);

impl SharedVerifier {
    /// The verifier, for as long as the guard lives. Do not hold two guards at once.
    pub fn lock(&self) -> MutexGuard<'_, Verifier> {
        // A memo of pure answers stays true whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many signatures were really verified so far, by all who share it.
    pub fn verifications(&self) -> u64 {
        self.lock().verifications()
    }
}
