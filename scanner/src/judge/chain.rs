//! Would it still validate? Rules that look at the effect of a change, over pairs of servers.

use std::collections::BTreeSet;

use counterpoint_dns::{
    rdata::Ds,
    validate::{Policy as Validation, dnskey_by_ds, keys_of},
};

use super::case::{Case, line};
use crate::{
    gather::{Answer, Server},
    policy::Continuity,
};

/// K-05, D-02, D-03, M-06 (RFC 7344 §4.1): every server's own DNSKEY RRset validates under the new
/// DS RRset; under `strict` so by every algorithm that is in it.
pub fn breaks_continuity(case: &mut Case<'_>, new: &BTreeSet<Ds>) -> Vec<String> {
    let new: Vec<Ds> = new.iter().cloned().collect();
    let strict = case.policy.rollover.continuity == Continuity::Strict;
    let policy = Validation {
        every_ds_algorithm: strict,
        ..case.policy.validation.clone()
    };
    let mut evidence = Vec::new();
    if strict {
        let strange: BTreeSet<u8> = new
            .iter()
            .map(|ds| ds.algorithm)
            .filter(|algorithm| !policy.algorithms.contains(algorithm))
            .collect();
        evidence.extend(strange.iter().map(|algorithm| {
            format!("algorithm {algorithm} of the new DS RRset cannot be checked here")
        }));
    }
    for (_, server) in case.servers() {
        match &server.dnskey {
            Answer::Present(dnskey) => {
                let child = case.gathered.child();
                let link = dnskey_by_ds(child, &new, dnskey, &policy, case.now, case.verifier);
                if let Err(broken) = link {
                    evidence.push(line(server, format!("DNSKEY under the new DS: {broken}")));
                }
            }
            // Silence is for X-03: first patience, then without those that said nothing at all.
            answer if !server.may_yet_say(answer) => {
                evidence.push(line(server, format!("DNSKEY: {answer}")))
            }
            _ => {}
        }
    }
    evidence
}

/// M-01 (RFC 8901 §3): what server X signed validates by the keys that server Y publishes, for all
/// X and Y: a validator may have its answer from the one and its keys from the other.
pub fn broken_pairs(case: &mut Case<'_>, servers: &[&Server]) -> Vec<String> {
    let mut evidence = Vec::new();
    for server in servers {
        for (what, answer) in [("SOA", &server.soa), ("DNSKEY", &server.dnskey)] {
            if answer.present().is_none() && !server.may_yet_say(answer) {
                evidence.push(line(server, format!("{what}: {answer}")));
            }
        }
    }
    for keeper in servers {
        let Some(dnskey) = keeper.dnskey.present() else {
            continue;
        };
        let keys = keys_of(dnskey);
        for answerer in servers {
            let Some(soa) = answerer.soa.present() else {
                continue;
            };
            if let Err(broken) = case.signed_by(&keys, soa) {
                evidence.push(format!("{answerer} under the keys of {keeper}: {broken}"));
            }
        }
    }
    evidence
}

/// X-17 (RFC 9975 §3.2): a server that would newly be asked knows the zone, and its DNSKEY RRset
/// validates under the DS RRset that is there.
pub fn unready(case: &mut Case<'_>, server: &Server) -> Option<String> {
    if server.address.is_none() {
        return Some(line(server, "its address cannot be found"));
    }
    let Answer::Present(soa) = &server.soa else {
        return Some(line(server, format!("SOA: {}", server.soa)));
    };
    match case.chain_of(&server.dnskey) {
        Err(why) => Some(line(server, why)),
        Ok(chain) => case
            .signed_by(&chain.keys, soa)
            .err()
            .map(|why| line(server, why)),
    }
}
