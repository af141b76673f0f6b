//! Worlds on real wires, and real validators that judge them: delv, Unbound and PowerDNS Recursor, each
//! beside our resolver with the profile that resembles it, asked the same questions before a jump and after.
//!
//! It needs Debian's packages, which CI must have, and port 53 on loopback. Without them it says so and
//! passes.

mod cases;
mod chance;
mod dnsviz;
mod faults;
mod judges;
mod ours;
mod redo;
mod world;

use std::{io, net::UdpSocket};

use counterpoint_farm::software;

/// Whether the machine has what the tests need: these programs, and port 53.
fn is_able(programs: &[&str]) -> bool {
    if !software::is_able(programs) {
        return false;
    }
    match UdpSocket::bind("127.69.255.254:53") {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            eprintln!("SKIPPED: port 53: {error}");
            false
        }
        bound => bound.map(|_| true).unwrap(),
    }
}
