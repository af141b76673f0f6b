//! The rules for CDS and CDNSKEY (RFC 7344, RFC 8078, RFC 9975 §3.1, RFC 10026 §4).

use counterpoint_dns::{name::RecordType, rrset::RrSet, signature::Verifier, time::Timestamp};

use super::{
    Finding, Rule,
    case::{Case, line},
    cds_chain as chain, first_to_stop, found,
    request::{Asked, Request, Wish},
};
use crate::{
    config::Sabotage,
    gather::{Gathered, Server},
    policy::Policy,
    state::Guards,
    verdict::{Change, Outcome, Replacement, Verdict},
};

use Outcome::{Abort, Delay, Ignore, Noop, Refuse};

/// Rules about the request itself: they need CDS and CDNSKEY only.
pub const REQUEST_RULES: [Rule; 9] = [
    Rule::new("X-02", "NO_RESPONSE", Abort, no_response),
    Rule::new("K-03", "CDS_NOT_AT_APEX", Ignore, not_at_apex),
    Rule::new("K-01", "NOTHING_REQUESTED", Noop, nothing_requested)
        .unless(Sabotage::AbsentMeansDelete),
    Rule::new("B-09", "MALFORMED_DELETE", Ignore, malformed_delete)
        .unless(Sabotage::DeleteAnyShape),
    Rule::new("X-11", "CDS_UNREADABLE", Abort, unreadable),
    Rule::new("K-11", "STATUS_QUO", Noop, status_quo),
    Rule::new("X-10", "DELETE_INCONSISTENT", Abort, delete_inconsistent)
        .unless(Sabotage::NoConsistency),
    // K-07 asks for the same; X-09 says what "match" means.
    Rule::new("X-09", "CDS_CDNSKEY_MISMATCH", Abort, types_differ).unless(Sabotage::NoConsistency),
    // M-04: one signer that publishes only its own keys is found here.
    Rule::new("X-08", "CDS_INCONSISTENT", Abort, servers_differ).unless(Sabotage::NoConsistency),
];

/// Rules about signatures and effects: they need DNSKEY and SOA as well.
pub const CHAIN_RULES: [Rule; 9] = [
    Rule::new("K-10", "CDS_BOGUS", Ignore, chain::bogus),
    // B-10: a delete request is signed like any other.
    Rule::new("K-04", "SIGNER_NOT_IN_DS", Ignore, chain::signer_not_in_ds)
        .unless(Sabotage::AnySignature),
    Rule::new("K-09", "CDS_REPLAYED", Ignore, chain::replayed).unless(Sabotage::NoReplayGuard),
    Rule::new(
        "X-11",
        "KEY_NOT_REPRESENTABLE",
        Abort,
        chain::not_representable,
    ),
    Rule::new("K-15", "DIGESTS_UNEQUAL", Abort, chain::digests_unequal),
    Rule::new("B-01", "DELETE_REFUSED", Refuse, chain::delete_refused),
    Rule::new("K-05", "CONTINUITY", Ignore, chain::continuity).unless(Sabotage::NoContinuity),
    Rule::new("M-01", "PAIR_BROKEN", Abort, chain::pair_broken).unless(Sabotage::NoContinuity),
    Rule::new("X-03", "SERVER_SILENT", Delay, chain::silent),
];

/// Judges what CDS and CDNSKEY ask for, as far as that can be told without keys: a verdict that
/// changes nothing, or none yet.
pub fn judge_request(gathered: &Gathered, policy: &Policy, now: Timestamp) -> Option<Verdict> {
    // No rule about the request looks at a signature.
    let mut verifier = Verifier::default();
    let mut case = Case::new(gathered, policy, now, &mut verifier);
    case.request = Request::read(gathered, &policy.ds.digests);
    first_to_stop(&REQUEST_RULES, &mut case, policy)
}

/// Judges what CDS and CDNSKEY ask for.
pub fn judge_cds(
    gathered: &Gathered,
    policy: &Policy,
    now: Timestamp,
    verifier: &mut Verifier,
) -> Verdict {
    let mut case = Case::new(gathered, policy, now, verifier);
    case.request = Request::read(gathered, &policy.ds.digests);
    first_to_stop(&REQUEST_RULES, &mut case, policy)
        .or_else(|| first_to_stop(&CHAIN_RULES, &mut case, policy))
        .unwrap_or_else(|| accept(&mut case))
}

/// K-02: the DS RRset becomes exactly what was asked for, with the TTL that it has now.
fn accept(case: &mut Case<'_>) -> Verdict {
    let delegation = &case.gathered.delegation;
    let wanted = case.request.wanted.ds.iter().map(|ds| ds.to_rdata());
    let ttl = delegation
        .ds
        .as_ref()
        .map_or(delegation.ns.ttl, |ds| ds.ttl);
    let wanted = RrSet::new(delegation.child.clone(), RecordType::DS, ttl, wanted);
    let (rule, reason) = match wanted.data.is_empty() {
        true => ("B-08", "DELETE_ACCEPTED"),
        false => ("K-02", "CDS_ACCEPTED"),
    };
    let mut guards = Guards::new();
    for (at, server, signed) in case.signals() {
        let (inception, Some(address)) = (case.newest_inception(at, signed), server.address) else {
            continue;
        };
        let guard = guards.entry(address).or_default();
        match signed.set.rtype {
            RecordType::CDS => guard.cds = inception,
            _ => guard.cdnskey = inception,
        }
    }
    let change = Change {
        child: delegation.child.clone(),
        sets: vec![
            Replacement::of(delegation.ds.as_ref(), wanted),
            Replacement::keep(&delegation.ns),
        ],
    };
    if change.changed().next().is_none() {
        let why = vec!["the DS RRset is what is asked for".into()];
        return Verdict::without_change(Noop, "K-11", "STATUS_QUO", why);
    }
    let evidence = vec![change.to_string(), format!("asked for at {}", names(case))];
    Verdict {
        outcome: Outcome::Accept,
        rule,
        reason,
        evidence,
        change: Some(change),
        guards,
    }
}

fn names(case: &Case<'_>) -> String {
    let names: Vec<String> = case
        .servers()
        .filter(|(_, server)| !server.is_silent())
        .map(|(_, server)| server.to_string())
        .collect();
    names.join(", ")
}

/// consistency is over received responses; without any there is nothing to judge.
fn no_response(case: &mut Case<'_>) -> Finding {
    let any = case
        .request
        .asked
        .iter()
        .any(|asked| asked.wishes().next().is_some());
    let why = |server: &Server| match server.address {
        Some(_) => line(server, &server.cds),
        None => server.to_string(),
    };
    match any {
        true => None,
        false if case.gathered.servers.is_empty() => Some(vec!["no server".into()]),
        false => found(case.servers().map(|(_, server)| why(server)).collect()),
    }
}

/// K-03 (RFC 7344 §4.1, Location).
fn not_at_apex(case: &mut Case<'_>) -> Finding {
    let child = case.gathered.child();
    let strays = case
        .signals()
        .into_iter()
        .filter(|(_, _, signed)| signed.set.name != *child);
    found(
        strays
            .map(|(_, server, signed)| {
                line(
                    server,
                    format!("{} at {}", signed.set.rtype, signed.set.name),
                )
            })
            .collect(),
    )
}

/// K-01 (RFC 7344 §4.1): absence asks for nothing.
fn nothing_requested(case: &mut Case<'_>) -> Finding {
    let wished = case.request.asked.iter().flat_map(|asked| asked.wishes());
    let none = !wished.into_iter().any(Wish::is_present);
    none.then(|| vec!["neither CDS nor CDNSKEY anywhere".into()])
}

/// B-09 (RFC 8078 §4): algorithm 0 in any other shape.
fn malformed_delete(case: &mut Case<'_>) -> Finding {
    wishes_with(
        case,
        |wish| wish.malformed,
        "algorithm 0, but not the one record of RFC 8078 §4",
    )
}

/// a key that cannot be read cannot be honoured.
fn unreadable(case: &mut Case<'_>) -> Finding {
    wishes_with(
        case,
        |wish| wish.unreadable,
        "a record cannot be read, or is no zone key",
    )
}

fn wishes_with(case: &mut Case<'_>, is_so: fn(&Wish) -> bool, what: &str) -> Finding {
    let servers = case.servers().zip(&case.request.asked);
    found(
        servers
            .filter(|(_, asked)| asked.wishes().any(is_so))
            .map(|((_, server), _)| line(server, what))
            .collect(),
    )
}

/// K-11, X-06: what is asked for, wherever something is asked for, is what is there already.
fn status_quo(case: &mut Case<'_>) -> Finding {
    let mut wishes = case
        .request
        .asked
        .iter()
        .flat_map(|asked| asked.wishes())
        .filter(|wish| wish.is_present());
    let first = wishes.next()?;
    if !wishes.all(|wish| wish.agrees_with(first)) {
        return None;
    }
    let wanted = &case.request.wanted;
    let is_whole = wanted.without_digest.is_empty() && !wanted.no_common_type;
    let current = case.gathered.delegation.ds_records().into_iter().collect();
    (is_whole && wanted.ds == current)
        .then(|| vec![format!("the DS RRset is {} already", first.show())])
}

/// some ask for deletion, some do not.
fn delete_inconsistent(case: &mut Case<'_>) -> Finding {
    let wishes = || case.request.asked.iter().flat_map(|asked| asked.wishes());
    // X-09 compares a type that nobody serves with nothing.
    let by_server = || {
        case.request.asked.iter().filter_map(|asked| {
            let mut wishes = asked.wishes().peekable();
            wishes.peek()?;
            Some(wishes.any(|wish| wish.delete))
        })
    };
    let mixed = by_server().any(|delete| delete) && !by_server().all(|delete| delete)
        || wishes().any(|wish| wish.delete)
            && wishes().any(|wish| wish.is_present() && !wish.delete);
    mixed.then(|| show_all(case))
}

/// X-09, K-07: CDS and CDNSKEY of one server name the same keys, as soon as anybody serves both.
fn types_differ(case: &mut Case<'_>) -> Finding {
    let asked = &case.request.asked;
    let serves =
        |wish: fn(&Asked) -> Option<&Wish>| asked.iter().filter_map(wish).any(Wish::is_present);
    if !serves(|asked| asked.cds.as_ref()) || !serves(|asked| asked.cdnskey.as_ref()) {
        return None;
    }
    let differ = |asked: &Asked| match (&asked.cds, &asked.cdnskey) {
        (Some(cds), Some(cdnskey)) => !cds.matches(cdnskey),
        _ => false,
    };
    asked.iter().any(differ).then(|| show_all(case))
}

/// X-08, M-04: every server names the same keys.
fn servers_differ(case: &mut Case<'_>) -> Finding {
    let asked = &case.request.asked;
    let agree = |wish: fn(&Asked) -> Option<&Wish>| {
        let mut wishes = asked.iter().filter_map(wish);
        match wishes.next() {
            Some(first) => wishes.all(|wish| wish.agrees_with(first)),
            None => true,
        }
    };
    let agree = agree(|asked| asked.cds.as_ref()) && agree(|asked| asked.cdnskey.as_ref());
    (!agree).then(|| show_all(case))
}

fn show_all(case: &Case<'_>) -> Vec<String> {
    let show = |wish: &Option<Wish>| wish.as_ref().map_or("no answer".into(), Wish::show);
    case.servers()
        .zip(&case.request.asked)
        .map(|((_, server), asked)| {
            let (cds, cdnskey) = (show(&asked.cds), show(&asked.cdnskey));
            line(server, format!("CDS {cds} CDNSKEY {cdnskey}"))
        })
        .collect()
}
