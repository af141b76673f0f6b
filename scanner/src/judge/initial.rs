//! The rules for a first DS RRset (RFC 9615, RFC 8078 §3 and §5): they need signals, DNSKEY and SOA.
//!
//! There is no DS RRset to validate by yet. Either authenticated signals vouch for the request, or it
//! has to stand for a while; in both cases the zone must validate under what would be published.

use counterpoint_dns::{name::is_at_or_below, rdata::Rdata};

use super::{
    Finding, Rule,
    case::{Case, line},
    cds_chain as chain, found, standing,
};
use crate::{
    config::Sabotage,
    gather::{Answer, Server, Signal, Vouched},
    policy::InitialAccept,
    verdict::Outcome::{Abort, Delay},
};

/// All of them, in order. Any failure of the authenticated way aborts it (RFC 9615 §4.2).
pub const INITIAL_RULES: [Rule; 19] = [
    Rule::new("A-01", "DS_EXISTS", Abort, ds_exists),
    Rule::new("A-02", "NO_OUTSIDE_NAMESERVER", Abort, all_in_domain),
    Rule::new("A-12", "SIGNAL_NAME_TOO_LONG", Abort, name_too_long),
    // the apex, at every server of the parent's NS RRset.
    Rule::new("A-04", "APEX_UNANSWERED", Abort, apex_unanswered).also(&["A-03"]),
    // every nameserver name outside.: by fresh, minimised questions.
    Rule::new("A-06", "SIGNAL_NOT_SECURE", Abort, signal_not_secure)
        .also(&["A-05", "A-13", "A-14"]),
    Rule::new("A-08", "SIGNAL_ZONE_CUT", Abort, signal_zone_cut),
    Rule::new("A-06", "SIGNAL_MISSING", Abort, signal_missing),
    Rule::new("A-07", "SIGNAL_DIFFERS", Abort, signal_differs),
    chain::NOT_REPRESENTABLE,
    chain::DIGESTS_UNEQUAL,
    chain::NOT_VALIDATABLE,
    Rule::new("B-14", "CDS_BOGUS", Abort, chain::bogus),
    Rule::new("B-14", "WOULD_NOT_VALIDATE", Abort, chain::continuity)
        .unless(Sabotage::NoContinuity),
    chain::ALGORITHM_MISSING,
    chain::PAIR_BROKEN,
    chain::CACHES,
    chain::SILENT,
    Rule::new("B-05", "HOLD_DOWN", Delay, standing::hold_down).also(&["A-15"]),
    Rule::new("B-13", "VANTAGE_POINTS", Delay, vantage_points),
];

/// What vouches for a first DS RRset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// Authenticated signals.
    Signals,
    /// That it stands for a while.
    Delay,
}

/// signals first, by policy. Where somebody gave signals, or gave something bogus in their
/// place, the other way is closed.
pub fn path(case: &Case<'_>) -> Path {
    let answers = || case.gathered.signals.iter().flat_map(Signal::answers);
    let speaks = |answer: &Vouched| {
        matches!(
            answer,
            Vouched::Present(_) | Vouched::Bogus(_) | Vouched::Failed(_)
        )
    };
    match case.policy.initial.accept {
        InitialAccept::AfterDelay => Path::Delay,
        InitialAccept::Rfc9615ElseAfterDelay if !answers().any(speaks) => Path::Delay,
        _ => Path::Signals,
    }
}

/// Evidence, where signals have to vouch.
fn by_signals(case: &Case<'_>, evidence: impl FnOnce() -> Vec<String>) -> Finding {
    match path(case) {
        Path::Signals => found(evidence()),
        Path::Delay => None,
    }
}

/// A-01 (RFC 9615 §4.2, step 1).
fn ds_exists(case: &mut Case<'_>) -> Finding {
    let exists = case.gathered.delegation.ds.is_some();
    exists.then(|| vec!["there is a DS RRset; it is changed by RFC 7344".into()])
}

/// A-02 (RFC 9615 §4.2, step 1): nobody outside the child could vouch for it.
fn all_in_domain(case: &mut Case<'_>) -> Finding {
    let child = case.gathered.child();
    let hosts = case.gathered.delegation.hosts();
    by_signals(case, || {
        match hosts.iter().all(|host| is_at_or_below(host, child)) {
            true => vec!["all nameserver names lie within the child".into()],
            false => Vec::new(),
        }
    })
}

/// A-12 (RFC 9615 §4.4).
fn name_too_long(case: &mut Case<'_>) -> Finding {
    let long = case
        .gathered
        .signals
        .iter()
        .filter(|signal| signal.name.is_none());
    by_signals(case, || {
        long.map(|signal| format!("the signalling name under {} is too long", signal.host))
            .collect()
    })
}

/// A-03, A-04 (RFC 9615 §4.2, step 2): every server, without exception.
fn apex_unanswered(case: &mut Case<'_>) -> Finding {
    let unanswered = |server: &Server| {
        let answers = [("CDS", &server.cds), ("CDNSKEY", &server.cdnskey)];
        let missing = answers
            .into_iter()
            .find(|(_, answer)| !answer.is_response());
        missing.map(|(what, answer)| line(server, format!("{what}: {answer}")))
    };
    by_signals(case, || {
        case.servers()
            .filter_map(|(_, server)| unanswered(server))
            .collect()
    })
}

/// What is wrong with the signals, one by one.
fn each_signal(case: &Case<'_>, check: impl Fn(&Signal, &Vouched) -> Option<String>) -> Finding {
    by_signals(case, || {
        let signals = case.gathered.signals.iter();
        signals
            .flat_map(|signal| signal.answers().map(move |answer| (signal, answer)))
            .filter_map(|(signal, answer)| Some(format!("{signal}: {}", check(signal, answer)?)))
            .collect()
    })
}

/// A-06 (RFC 9615 §4.2, step 3).
fn signal_not_secure(case: &mut Case<'_>) -> Finding {
    each_signal(case, |_, answer| match answer {
        Vouched::Present(_) | Vouched::Absent => None,
        other => Some(other.to_string()),
    })
}

/// A-08 (RFC 9615 §4.1): a signer of that very name is the apex of a zone there.
fn signal_zone_cut(case: &mut Case<'_>) -> Finding {
    each_signal(case, |signal, answer| match (answer, &signal.name) {
        (Vouched::Present(signed), Some(name)) => signed
            .signatures
            .iter()
            .any(|rrsig| rrsig.signer == *name)
            .then(|| "it is the apex of a zone of its own".into()),
        _ => None,
    })
}

/// nothing there at all.
fn signal_missing(case: &mut Case<'_>) -> Finding {
    let silent = case
        .gathered
        .signals
        .iter()
        .filter(|signal| signal.answers().all(|answer| *answer == Vouched::Absent));
    by_signals(case, || {
        silent
            .map(|signal| format!("{signal}: neither CDS nor CDNSKEY"))
            .collect()
    })
}

/// A-07 (RFC 9615 §4.2, step 4): per type, the same at the apex of every server and at every name.
fn signal_differs(case: &mut Case<'_>) -> Finding {
    let apex = |answer: fn(&Server) -> &Answer| {
        let mut servers = case
            .servers()
            .map(move |(_, server)| (server, answer(server)));
        servers.find_map(|(_, answer)| answer.is_response().then(|| data_of(answer)))
    };
    let expected = [apex(|server| &server.cds), apex(|server| &server.cdnskey)];
    by_signals(case, || {
        let mut evidence = Vec::new();
        for signal in &case.gathered.signals {
            for ((what, answer), expected) in ["CDS", "CDNSKEY"]
                .into_iter()
                .zip(signal.answers())
                .zip(&expected)
            {
                let there: Option<Vec<Rdata>> = match answer {
                    Vouched::Present(signed) => Some(signed.set.data.iter().cloned().collect()),
                    Vouched::Absent => Some(Vec::new()),
                    _ => continue,
                };
                if there != *expected {
                    evidence.push(format!("{signal}: {what} differs from the apex"));
                }
            }
        }
        evidence
    })
}

fn data_of(answer: &Answer) -> Vec<Rdata> {
    let set = answer.present().map(|signed| &signed.set.data);
    set.into_iter().flatten().cloned().collect()
}

/// B-13 (RFC 8078 §5).
fn vantage_points(case: &mut Case<'_>) -> Finding {
    let (seen, wanted) = (
        case.gathered.vantage_points,
        case.policy.initial.vantage_points,
    );
    (seen < wanted).then(|| vec![format!("seen from {seen} of {wanted} vantage points")])
}
