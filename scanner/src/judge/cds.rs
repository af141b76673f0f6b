//! The rules for CDS and CDNSKEY (RFC 7344, RFC 8078, RFC 9975 §3.1, RFC 10026 §4).

use counterpoint_dns::{signature::Verifier, time::Timestamp};

use super::{
    ACCESS, CHAIN, Finding, HEALTH, INITIAL, REQUEST, Rule, accept,
    case::{Case, line},
    cds_chain as chain, first_to_stop, found,
    request::{Asked, Request, Wish},
    standing,
};
use crate::{
    config::Sabotage,
    gather::{Gathered, Server},
    policy::Policy,
    verdict::{Outcome, Verdict},
};

use Outcome::{Abort, Delay, Ignore, Noop, Refuse};

/// Rules about the request itself: they need CDS and CDNSKEY only.
pub const REQUEST_RULES: [Rule; 10] = [
    Rule::new("X-02", "NO_RESPONSE", Abort, no_response),
    Rule::new("K-03", "CDS_NOT_AT_APEX", Ignore, not_at_apex),
    Rule::new("K-01", "NOTHING_REQUESTED", Noop, nothing_requested)
        .unless(Sabotage::AbsentMeansDelete),
    Rule::new("B-09", "MALFORMED_DELETE", Ignore, malformed_delete)
        .unless(Sabotage::DeleteAnyShape),
    Rule::new("X-11", "CDS_UNREADABLE", Abort, unreadable),
    Rule::new("B-11", "DELETE_WITHOUT_DS", Noop, delete_without_ds),
    Rule::new("K-11", "STATUS_QUO", Noop, status_quo).also(&["X-06"]),
    Rule::new("X-10", "DELETE_INCONSISTENT", Abort, delete_inconsistent)
        .also(&["X-04"])
        .unless(Sabotage::NoConsistency),
    // K-07 asks for the same; X-09 says what "match" means.
    Rule::new("X-09", "CDS_CDNSKEY_MISMATCH", Abort, types_differ)
        .also(&["K-07", "D-01", "X-04"])
        .unless(Sabotage::NoConsistency),
    // M-04: one signer that publishes only its own keys is found here.
    Rule::new("X-08", "CDS_INCONSISTENT", Abort, servers_differ)
        .also(&["M-04", "D-01", "X-04"])
        .unless(Sabotage::NoConsistency),
];

/// Rules about signatures and effects: they need DNSKEY and SOA as well.
pub const CHAIN_RULES: [Rule; 14] = [
    // X-07, M-02, M-05: every answer by itself, under the keys of the server that gave it.
    Rule::new("K-10", "CDS_BOGUS", Ignore, chain::bogus).also(&["X-07", "M-02"]),
    Rule::new("K-04", "SIGNER_NOT_IN_DS", Ignore, chain::signer_not_in_ds)
        .also(&["B-10"])
        .unless(Sabotage::AnySignature),
    Rule::new("K-09", "CDS_REPLAYED", Ignore, chain::replayed).unless(Sabotage::NoReplayGuard),
    chain::NOT_REPRESENTABLE,
    chain::DIGESTS_UNEQUAL,
    Rule::new("B-01", "DELETE_REFUSED", Refuse, chain::delete_refused),
    chain::NOT_VALIDATABLE,
    Rule::new("K-05", "CONTINUITY", Ignore, chain::continuity)
        .also(&["D-02", "M-06"])
        .unless(Sabotage::NoContinuity),
    chain::ALGORITHM_MISSING,
    chain::PAIR_BROKEN,
    chain::CACHES,
    chain::SILENT,
    Rule::new("K-12", "DELETE_DEFERRED", Delay, standing::delete_deferred),
    Rule::new("K-12", "DEFERRED", Delay, standing::deferred),
];

/// Judges what CDS and CDNSKEY ask for, as far as that can be told without keys: a verdict that
/// changes nothing, or none yet.
pub fn judge_request(gathered: &Gathered, policy: &Policy, now: Timestamp) -> Option<Verdict> {
    // No rule about the request looks at a signature.
    let mut verifier = Verifier::default();
    let mut case = Case::new(gathered, policy, now, &mut verifier);
    case.request = Request::read(gathered, policy);
    first_to_stop(&REQUEST, &mut case, policy).or_else(|| first_to_stop(&ACCESS, &mut case, policy))
}

/// Judges what CDS and CDNSKEY ask for.
pub fn judge_cds(
    gathered: &Gathered,
    policy: &Policy,
    now: Timestamp,
    verifier: &mut Verifier,
) -> Verdict {
    let mut case = Case::new(gathered, policy, now, verifier);
    case.request = Request::read(gathered, policy);
    if let Some(verdict) = first_to_stop(&REQUEST, &mut case, policy) {
        // Nothing is asked for: time to look after what is there.
        return match verdict.outcome {
            Noop => accept::restore(&case)
                .or_else(|| first_to_stop(&HEALTH, &mut case, policy))
                .unwrap_or(verdict),
            _ => verdict,
        };
    }
    let rest = match gathered.delegation.ds {
        Some(_) => &CHAIN,
        None => &INITIAL,
    };
    first_to_stop(&ACCESS, &mut case, policy)
        .or_else(|| first_to_stop(rest, &mut case, policy))
        .unwrap_or_else(|| accept::ds(&mut case))
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

/// B-11 (RFC 8078 §4): there is nothing to delete.
fn delete_without_ds(case: &mut Case<'_>) -> Finding {
    if case.gathered.delegation.ds.is_some() {
        return None;
    }
    let mut wishes = case
        .request
        .asked
        .iter()
        .flat_map(|asked| asked.wishes())
        .filter(|wish| wish.is_present())
        .peekable();
    let any = wishes.peek().is_some();
    (any && wishes.all(|wish| wish.delete && wish.keys.is_empty()))
        .then(|| vec!["there is no DS RRset to remove".into()])
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
