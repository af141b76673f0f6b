//! The rules for what CDS and CDNSKEY lead to: who signed them, and what the new DS RRset would do.

use std::collections::BTreeSet;

use counterpoint_dns::{
    name::RecordType,
    rdata::{Ds, serial_lt},
    rrset::SignedRrSet,
    validate::keys_of,
};

use super::{
    Finding, Rule,
    caches::{self, Unfolding},
    case::{Case, line},
    chain::{breaks_continuity, broken_pairs},
    found,
};
use crate::{config::Sabotage, gather::Server, policy::RolloverAccept, verdict::Outcome};

/// The same in the table for first DS RRsets.
pub const NOT_REPRESENTABLE: Rule = Rule::new(
    "X-11",
    "KEY_NOT_REPRESENTABLE",
    Outcome::Abort,
    not_representable,
);
/// The same in the table for first DS RRsets.
pub const DIGESTS_UNEQUAL: Rule =
    Rule::new("K-15", "DIGESTS_UNEQUAL", Outcome::Abort, digests_unequal);
/// The same in the table for first DS RRsets.
pub const NOT_VALIDATABLE: Rule = Rule::new(
    "D-03",
    "DS_NOT_VALIDATABLE",
    Outcome::Abort,
    not_validatable,
);
/// The same in the table for first DS RRsets.
pub const ALGORITHM_MISSING: Rule = Rule::new(
    "M-03",
    "PROVIDER_LACKS_ALGORITHM",
    Outcome::Abort,
    algorithm_missing,
);
/// The same in the table for first DS RRsets.
pub const PAIR_BROKEN: Rule =
    Rule::new("M-01", "PAIR_BROKEN", Outcome::Abort, pair_broken).unless(Sabotage::NoContinuity);
/// The same in the table for first DS RRsets.
pub const CACHES: Rule = Rule::new("T-06", "CACHES_BREAK", Outcome::Abort, caches_break)
    .also(&["T-03", "T-05"])
    .unless(Sabotage::NoContinuity);
/// The same in the tables for first DS RRsets and for CSYNC.
pub const SILENT: Rule = Rule::new("X-03", "SERVER_SILENT", Outcome::Delay, silent).also(&["X-01"]);

/// RFC 10026 §4.2.1: algorithms that are recommended for validation (D-03).
const RECOMMENDED: [u8; 8] = [5, 7, 8, 10, 13, 14, 15, 16];

/// The signals of the servers whose DNSKEY RRset is not merely late.
fn verifiable<'a>(case: &Case<'a>) -> Vec<(usize, &'a Server, &'a SignedRrSet)> {
    let mut signals = case.signals();
    signals.retain(|(_, server, _)| !server.may_yet_say(&server.dnskey));
    signals
}

/// K-10: the RRset validates, under the DNSKEY RRset of the server that serves it (M-02).
pub fn bogus(case: &mut Case<'_>) -> Finding {
    let mut evidence = Vec::new();
    for (at, server, signed) in verifiable(case) {
        // First the keys that K-04 will ask for: one signature then serves both rules.
        let secure = case.chain(at).and_then(|chain| {
            case.signed_by(&chain.anchored, signed)
                .or_else(|_| case.signed_by(&chain.keys, signed))
        });
        evidence.extend(secure.err().map(|why| line(server, why)));
    }
    found(evidence)
}

/// K-04, B-10 (RFC 7344 §4.1, Signer): by a key that is in the DNSKEY RRset *and* in the DS RRset.
pub fn signer_not_in_ds(case: &mut Case<'_>) -> Finding {
    let mut evidence = Vec::new();
    for (at, server, signed) in verifiable(case) {
        let signed = case
            .chain(at)
            .and_then(|chain| case.signed_by(&chain.anchored, signed));
        evidence.extend(signed.err().map(|why| line(server, why)));
    }
    found(evidence)
}

/// K-09 (RFC 7344 §6.2): strictly older than what was accepted from the same server.
pub fn replayed(case: &mut Case<'_>) -> Finding {
    let mut evidence = Vec::new();
    for (at, server, signed) in case.signals() {
        let guard = case.guard(server);
        let before = match signed.set.rtype {
            RecordType::CDS => guard.cds,
            _ => guard.cdnskey,
        };
        let (Some(now), Some(before)) = (case.newest_inception(at, signed), before) else {
            continue;
        };
        if serial_lt(now, before) {
            let what = format!(
                "{} signed at {now}, accepted before: {before}",
                signed.set.rtype
            );
            evidence.push(line(server, what));
        }
    }
    found(evidence)
}

/// all keys that are named are honoured, or none.
pub fn not_representable(case: &mut Case<'_>) -> Finding {
    let keys = &case.request.wanted.without_digest;
    let show =
        |tag: u16| format!("no eligible digest of key {tag} is published or can be computed");
    found(keys.iter().map(|key| show(key.tag())).collect())
}

/// K-15: a validator may honour only the strongest digest type of the whole RRset.
pub fn digests_unequal(case: &mut Case<'_>) -> Finding {
    let unequal = case.request.wanted.no_common_type;
    unequal.then(|| vec!["no digest type can be had for every key".into()])
}

/// B-01: whether the DS RRset may be removed is a policy of its own.
pub fn delete_refused(case: &mut Case<'_>) -> Finding {
    let refused =
        case.request.wanted.ds.is_empty() && case.policy.delete.accept == RolloverAccept::Never;
    refused.then(|| vec!["this parent does not remove DS RRsets on request".into()])
}

/// D-03 (RFC 10026 §4.2.1): some record of it can be used by every validator.
fn not_validatable(case: &mut Case<'_>) -> Finding {
    let wanted = &case.request.wanted.ds;
    let digests = &case.policy.validation.digests;
    let usable = |ds: &Ds| RECOMMENDED.contains(&ds.algorithm) && digests.contains(&ds.digest_type);
    let none = !wanted.is_empty() && !wanted.iter().any(usable);
    none.then(|| vec!["no record of the new DS RRset is for every validator".into()])
}

/// M-03 (RFC 8901 §4): every signer has a key of every algorithm of the DS RRset.
fn algorithm_missing(case: &mut Case<'_>) -> Finding {
    let wanted: BTreeSet<u8> = case
        .request
        .wanted
        .ds
        .iter()
        .map(|ds| ds.algorithm)
        .collect();
    let lacks = |server: &Server| {
        let keys = keys_of(server.dnskey.present()?);
        let there: BTreeSet<u8> = keys.iter().map(|key| key.algorithm).collect();
        let missing = wanted.difference(&there).next()?;
        Some(line(server, format!("no key of algorithm {missing}")))
    };
    found(
        case.servers()
            .filter_map(|(_, server)| lacks(server))
            .collect(),
    )
}

/// T-06: would every cache that can exist still validate, holding the old DS RRset or the new?
fn caches_break(case: &mut Case<'_>) -> Finding {
    let wanted = case.request.wanted.ds.clone();
    match wanted.is_empty() {
        true => None,
        false => found(caches::unsafe_after(case, Unfolding::Ds(&wanted))),
    }
}

pub fn continuity(case: &mut Case<'_>) -> Finding {
    let new = case.request.wanted.ds.clone();
    match new.is_empty() {
        true => None,
        false => found(breaks_continuity(case, &new)),
    }
}

/// M-01; going insecure is the way out of a broken pair, and is not refused for it.
pub fn pair_broken(case: &mut Case<'_>) -> Finding {
    if case.request.wanted.ds.is_empty() {
        return None;
    }
    let servers: Vec<&Server> = case.servers().map(|(_, server)| server).collect();
    found(broken_pairs(case, &servers))
}

/// a server that gave no response is tried again before it is judged without it.
pub fn silent(case: &mut Case<'_>) -> Finding {
    let silent = case
        .servers()
        .filter(|(_, server)| server.is_silent() && !server.given_up);
    found(
        silent
            .map(|(_, server)| line(server, "no response; to be tried again"))
            .collect(),
    )
}
