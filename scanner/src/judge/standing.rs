//! Requests that have to stand for a while: the rules, and what a scan's verdict means for them.

use std::time::Duration;

use counterpoint_dns::{
    name::RecordType,
    time::{Timestamp, human},
};
use data_encoding::HEXLOWER;
use ring::digest::{Context, SHA256};

use super::{Finding, case::Case, initial};
use crate::{
    gather::Gathered,
    policy::Policy,
    state::{Candidate, FailedRuns, HoldDown, Sighting},
    verdict::Verdict,
};

/// Reason codes of rules that are asked last: whatever they stop is sound and only has to stand.
const STANDING: [&str; 4] = ["HOLD_DOWN", "DEFERRED", "DELETE_DEFERRED", "VANTAGE_POINTS"];

/// What all servers together say: SHA-256 of their CDS and CDNSKEY records, in hexadecimal. Nothing
/// where none of them responded.
pub fn fingerprint(gathered: &Gathered) -> Option<String> {
    let mut records = Vec::new();
    let mut any = false;
    for server in &gathered.servers {
        for (rtype, answer) in [
            (RecordType::CDS, &server.cds),
            (RecordType::CDNSKEY, &server.cdnskey),
        ] {
            any |= answer.is_response();
            let set = answer.present().map(|signed| &signed.set.data);
            let data = set.into_iter().flatten();
            records.extend(data.map(|data| (u16::from(rtype), data.clone())));
        }
    }
    records.sort();
    records.dedup();
    let mut context = Context::new(&SHA256);
    for (rtype, data) in &records {
        context.update(&rtype.to_be_bytes());
        context.update(&(data.octets().len() as u64).to_be_bytes());
        context.update(data.octets());
    }
    any.then(|| HEXLOWER.encode(context.finish().as_ref()))
}

/// What a scan's verdict means for the request that stands.
pub fn sighting(gathered: &Gathered, verdict: &Verdict) -> Sighting {
    let waits = |answer: &crate::Answer| answer.is_unusable();
    let is_partial = gathered
        .servers
        .iter()
        .any(|server| !server.given_up && (waits(&server.cds) || waits(&server.cdnskey)));
    let before = gathered.state.candidate.as_ref();
    match fingerprint(gathered) {
        Some(now) if STANDING.contains(&verdict.reason) => Sighting::Seen(now),
        None => Sighting::Failed,
        Some(now) if before.is_some_and(|before| before.fingerprint == now) => Sighting::Failed,
        Some(_) if is_partial => Sighting::Failed,
        Some(_) => Sighting::Changed,
    }
}

/// How the request of this child has to stand.
pub fn sighting_hold(gathered: &Gathered, policy: &Policy) -> HoldDown {
    match gathered.delegation.ds {
        None => policy.initial.hold(),
        Some(_) => HoldDown {
            period: policy.rollover.deferral.max(policy.delete.deferral),
            checks: 1,
            spacing: Duration::ZERO,
            gap_max: None,
            failed_runs: FailedRuns::Ignore,
        },
    }
}

/// B-05, A-15 (RFC 8078 §3.3): without authentication a request has to stand.
pub fn hold_down(case: &mut Case<'_>) -> Finding {
    match initial::path(case) {
        initial::Path::Signals => None,
        initial::Path::Delay => stands(case, &case.policy.initial.hold()),
    }
}

/// K-12 (RFC 7344 §6.1).
pub fn deferred(case: &mut Case<'_>) -> Finding {
    match case.request.wanted.ds.is_empty() {
        true => None,
        false => stands_for(case, case.policy.rollover.deferral),
    }
}

/// K-12 (RFC 7344 §6.1).
pub fn delete_deferred(case: &mut Case<'_>) -> Finding {
    match case.request.wanted.ds.is_empty() {
        true => stands_for(case, case.policy.delete.deferral),
        false => None,
    }
}

fn stands_for(case: &Case<'_>, period: Duration) -> Finding {
    if period.is_zero() {
        return None;
    }
    let hold = HoldDown {
        period,
        ..sighting_hold(case.gathered, case.policy)
    };
    stands(case, &hold)
}

fn stands(case: &Case<'_>, hold: &HoldDown) -> Finding {
    let fingerprint = fingerprint(case.gathered).unwrap_or_default();
    let before = case.gathered.state.candidate.as_ref();
    let candidate = Candidate::after(before, &fingerprint, hold, case.now);
    (!candidate.has_stood(hold)).then(|| vec![told(&candidate, hold)])
}

fn told(candidate: &Candidate, hold: &HoldDown) -> String {
    let until: Timestamp = candidate.first_seen + hold.period;
    format!(
        "seen alike since {}, in {} of {} runs; it has to stand {}, until {until}",
        candidate.first_seen,
        candidate.runs.min(hold.checks),
        hold.checks,
        human(hold.period),
    )
}
