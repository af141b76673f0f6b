//! How a zone of the world denies what it does not have, as a scenario says it.

use counterpoint_simnet::denial::{self, Hashing};

use crate::scenario::{Denial, Nsec3};

/// The method, with the parameters of NSEC3.
pub fn denial(method: Denial, nsec3: &Nsec3) -> denial::Denial {
    let hashing = |opt_out| Hashing {
        iterations: u16::try_from(nsec3.iterations).unwrap_or(u16::MAX),
        salt: nsec3.octets().unwrap_or_default(),
        opt_out,
    };
    match method {
        Denial::Nsec => denial::Denial::Nsec,
        Denial::Nsec3 => denial::Denial::Nsec3(hashing(false)),
        Denial::Nsec3OptOut => denial::Denial::Nsec3(hashing(true)),
        Denial::Compact => denial::Denial::Compact,
    }
}
