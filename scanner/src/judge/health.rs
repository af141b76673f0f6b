//! What is found without a request: reported, never acted upon (RFC 10026 §4.2.1).

use super::{
    Finding, Rule,
    case::{Case, line},
    found,
};
use crate::verdict::Outcome::Noop;

/// Asked when nothing is requested, if DNSKEY was asked for.
pub const HEALTH_RULES: [Rule; 1] = [Rule::new("D-06", "DS_BROKEN", Noop, ds_broken)];

/// D-06: the DS RRset that is there validates every server's DNSKEY RRset.
fn ds_broken(case: &mut Case<'_>) -> Finding {
    if !case.policy.ds.recheck || case.gathered.delegation.ds.is_none() {
        return None;
    }
    let mut evidence = Vec::new();
    for (at, server) in case.servers() {
        if server.dnskey.is_response() {
            evidence.extend(case.chain(at).err().map(|why| line(server, why)));
        }
    }
    found(evidence)
}
