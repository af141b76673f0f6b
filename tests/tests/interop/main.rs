//! Real servers, real resolvers, and the project's own two agents between them: a zone of BIND becomes
//! one of BIND and Knot, then of BIND, Knot and PowerDNS, then of Knot and PowerDNS, whereupon BIND is
//! stopped; and at last a key of PowerDNS rolls. The parent is a BIND that the scanner changes.
//!
//! Judged all the while, by four kinds of judges, and not one failure is allowed; and afterwards by the
//! oracle, from the controller's audit log. As judges that never protest prove nothing, they also judge
//! a group whose keys were not exchanged, and must protest.
//!
//! It needs Debian's packages, which CI must have, and port 53 on loopback. Without them it says so
//! and passes.

mod direct;
mod judges;
mod story;

use std::io;

use counterpoint_dns::{driver::clock::Clock, name::parse_name};
use counterpoint_farm::{
    Group, Signing,
    group::{PROGRAMS, Plan},
    software::is_able,
};

/// Every TTL, seconds.
const TTL: u32 = 2;

/// A group of these, if the machine can have one.
fn group(signers: &[Signing]) -> Option<Group> {
    if !is_able(&PROGRAMS) {
        return None;
    }
    let plan = Plan {
        parent: parse_name("bench.").unwrap(),
        label: "example".into(),
        signers: signers.to_vec(),
        ttl: TTL,
        seed: 4_711,
        now: Clock.now(),
    };
    match Group::open(&plan) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            eprintln!("SKIPPED: {error}");
            None
        }
        opened => Some(opened.unwrap()),
    }
}
