//! Who may act, and whether now: what the registry and the policy say, whatever the child asks for.

use super::{Finding, Rule, case::Case};
use crate::{
    policy::{InitialAccept, RolloverAccept},
    registry::Lock,
    verdict::Outcome::{Delay, Oob, Refuse},
};

/// Only once something is asked for: a child that asks for nothing needs no refusal.
pub const ACCESS_RULES: [Rule; 8] = [
    OPTED_OUT,
    // D-13: a lock of the registrar's is none of ours.
    SERVER_LOCK,
    Rule::new("D-19", "REGISTRAR_AUTOMATES", Refuse, registrar_automates),
    // D-18, D-20: only a DS RRset ends it, never a serial.
    Rule::new("D-17", "SUSPENDED", Oob, suspended).also(&["D-18", "D-20"]),
    // K-13, X-12: without a DS RRset ordinary validation is no help.
    Rule::new("B-01", "BOOTSTRAP_NEVER", Refuse, bootstrap_never).also(&["K-13", "X-12"]),
    Rule::new("B-01", "ROLLOVER_REFUSED", Refuse, rollover_refused),
    Rule::new("D-19", "REGISTRAR_CANNOT_DISABLE", Refuse, cannot_disable),
    Rule::new("B-04", "REGISTRATION_RECENT", Delay, registration_recent),
];

/// The same for CSYNC.
pub const OPTED_OUT: Rule = Rule::new("K-16", "OPTED_OUT", Refuse, opted_out);
/// The same for CSYNC.
pub const SERVER_LOCK: Rule = Rule::new("D-14", "SERVER_LOCK", Refuse, server_lock).also(&["D-13"]);

/// K-16 (RFC 7344 §9).
fn opted_out(case: &mut Case<'_>) -> Finding {
    let facts = &case.gathered.facts;
    if facts.opted_out {
        return Some(vec!["automation is not wanted for this child".into()]);
    }
    let registrar = facts.registrar.as_deref().unwrap_or_default();
    let opted_out = case.policy.registrar(facts).opt_out;
    opted_out.then(|| vec![format!("automation is not wanted by registrar {registrar}")])
}

/// D-14: RFC 10026 §6.1 says that it must not; some registries differ, and state it.
fn server_lock(case: &mut Case<'_>) -> Finding {
    let locked = case
        .gathered
        .facts
        .locks
        .contains(&Lock::ServerUpdateProhibited);
    (locked && case.policy.server_lock_suspends)
        .then(|| vec!["serverUpdateProhibited, and this registry's policy heeds it".into()])
}

/// D-19 (RFC 10026 §7.1): who automates twice automates against himself.
fn registrar_automates(case: &mut Case<'_>) -> Finding {
    let facts = &case.gathered.facts;
    let automates = facts.registrar_automates || case.policy.registrar(facts).automates;
    automates.then(|| vec!["the registrar automates DS itself".into()])
}

/// D-17 (RFC 10026 §7.1): what another channel removed is not set again from a CDS left over, nor by the
/// scan that finds it removed.
fn suspended(case: &mut Case<'_>) -> Finding {
    let is_secure = case.gathered.delegation.ds.is_some();
    let suspension = case.gathered.state.suspension_if(is_secure, case.now)?;
    Some(vec![format!(
        "{}, seen {}; a DS RRset set by any channel ends this",
        suspension.why, suspension.since
    )])
}

/// B-01, K-13 (RFC 7344 §6.1).
fn bootstrap_never(case: &mut Case<'_>) -> Finding {
    let is_first = case.gathered.delegation.ds.is_none();
    (is_first && case.policy.initial.accept == InitialAccept::Never)
        .then(|| vec!["this parent sets no first DS RRset on request".into()])
}

/// B-01.
fn rollover_refused(case: &mut Case<'_>) -> Finding {
    let is_change = case.gathered.delegation.ds.is_some() && !case.request.wanted.ds.is_empty();
    (is_change && case.policy.rollover.accept == RolloverAccept::Never)
        .then(|| vec!["this parent changes no DS RRset on request".into()])
}

/// D-19: who could not go back shall not be led in.
fn cannot_disable(case: &mut Case<'_>) -> Finding {
    let facts = &case.gathered.facts;
    let cannot = !facts.registrar_can_disable || case.policy.registrar(facts).cannot_disable;
    (cannot && case.gathered.delegation.ds.is_none())
        .then(|| vec!["the registrar offers no way to disable DNSSEC".into()])
}

/// B-04 (RFC 8078 §3.2): a name that has just changed hands.
fn registration_recent(case: &mut Case<'_>) -> Finding {
    let changed = case.gathered.facts.changed?;
    let until = changed + case.policy.initial.registration_quiet;
    (case.gathered.delegation.ds.is_none() && case.now < until).then(|| {
        vec![format!(
            "changed at the registry {changed}; not before {until}"
        )]
    })
}
