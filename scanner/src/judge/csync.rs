//! The rules for CSYNC (RFC 7477, RFC 9975 §3.2).

use std::collections::BTreeSet;

use counterpoint_dns::{
    name::RecordType,
    rdata::{Csync, serial_lt},
    signature::Verifier,
    time::Timestamp,
};

use super::{
    CSYNC, CSYNC_PATIENCE, Finding, Rule,
    accept::{CSYNC_ACCEPTANCES, first_to_accept, not_acceptable},
    access::{OPTED_OUT, SERVER_LOCK},
    case::{Case, line},
    cds_chain::SILENT,
    csync_data as data, first_to_stop, found,
    proposal::Proposal,
};
use crate::{
    config::Sabotage,
    gather::{Answer, Gathered, Sequence, Server},
    policy::{Approval, Policy},
    state::{Guard, Guards},
    verdict::{Change, Outcome, Verdict},
};

use Outcome::{Abort, Delay, Ignore, Noop, Oob, Refuse};

/// Types that are never copied, whoever asks (C-23).
const FORBIDDEN: [RecordType; 5] = [
    RecordType::DS,
    RecordType::DNSKEY,
    RecordType::CDS,
    RecordType::CDNSKEY,
    RecordType::CSYNC,
];

/// All of them, in order.
pub const CSYNC_RULES: [Rule; 28] = [
    Rule::new("X-02", "NO_RESPONSE", Abort, no_response),
    Rule::new("C-26", "CSYNC_ABSENT", Noop, absent),
    Rule::new("C-12", "CSYNC_GRANDCHILD", Abort, data::grandchild),
    Rule::new("X-03", "SERVER_SILENT", Delay, broke_off),
    Rule::new("C-01", "CSYNC_NOT_ALONE", Ignore, not_alone),
    Rule::new("C-02", "CSYNC_UNREADABLE", Abort, unreadable),
    Rule::new("C-23", "CSYNC_FORBIDDEN_TYPE", Ignore, forbidden_type),
    Rule::new("C-04", "CSYNC_UNKNOWN_TYPE", Ignore, unknown_type),
    Rule::new("C-05", "CSYNC_UNKNOWN_FLAG", Ignore, unknown_flag),
    Rule::new("X-13", "CSYNC_INCONSISTENT", Abort, inconsistent)
        .also(&["X-04"])
        .unless(Sabotage::NoConsistency),
    Rule::new("C-09", "CSYNC_SOA_MOVED", Abort, data::soa_moved).unless(Sabotage::NoSecondSoa),
    Rule::new("C-14", "CSYNC_NS_ABSENT", Abort, data::ns_absent),
    // M-05: each denial by itself, whatever its kind.
    Rule::new("C-02", "CSYNC_NOT_SECURE", Abort, data::not_secure).also(&["C-03", "M-05"]),
    Rule::new("C-11", "CSYNC_REPLAYED", Ignore, replayed).unless(Sabotage::NoReplayGuard),
    Rule::new("X-14", "CSYNC_SERIAL_DISAGREES", Abort, serials_disagree)
        .unless(Sabotage::NoConsistency),
    Rule::new("C-07", "CSYNC_SOA_BEHIND", Abort, soa_behind),
    Rule::new("X-15", "CSYNC_DATA_INCONSISTENT", Abort, data::data_differ)
        .also(&["X-04"])
        .unless(Sabotage::NoConsistency),
    Rule::new("C-20", "CSYNC_GLUE_LOST", Abort, data::glue_lost),
    Rule::new("C-13", "CSYNC_STATUS_QUO", Noop, data::status_quo),
    OPTED_OUT,
    SERVER_LOCK,
    Rule::new("C-06", "CSYNC_NOT_IMMEDIATE", Oob, not_immediate),
    Rule::new("C-06", "CSYNC_NEEDS_APPROVAL", Oob, needs_approval),
    Rule::new("C-15", "NS_POLICY", Refuse, data::too_few),
    Rule::new("X-16", "GLUE_POLICY", Refuse, data::glue_policy),
    Rule::new(
        "X-17",
        "NEW_SERVER_NOT_READY",
        Abort,
        data::new_server_not_ready,
    )
    .unless(Sabotage::NoContinuity),
    Rule::new("M-01", "PAIR_BROKEN", Abort, data::pair_broken).unless(Sabotage::NoContinuity),
    Rule::new("T-06", "CACHES_BREAK", Abort, data::caches_break).unless(Sabotage::NoContinuity),
];

/// The last one, once nothing else is in the way.
pub const PATIENCE: [Rule; 1] = [SILENT];

/// Judges what CSYNC asks for.
pub fn judge_csync(
    gathered: &Gathered,
    policy: &Policy,
    now: Timestamp,
    verifier: &mut Verifier,
) -> Verdict {
    let mut case = Case::new(gathered, policy, now, verifier);
    // Once consistent, every reading asks for the same.
    case.proposal = sequences(gathered)
        .find_map(|(_, sequence)| Proposal::read(&gathered.delegation, sequence, policy));
    first_to_stop(&CSYNC, &mut case, policy)
        .or_else(|| first_to_stop(&CSYNC_PATIENCE, &mut case, policy))
        .unwrap_or_else(|| accept(&mut case))
}

/// C-13, C-17: everything that was asked for, at once (C-03).
fn accept(case: &mut Case<'_>) -> Verdict {
    let Some(acceptance) = first_to_accept(&CSYNC_ACCEPTANCES, case) else {
        return not_acceptable();
    };
    let Some(proposal) = case.proposal.take() else {
        let why = vec!["no CSYNC could be read".into()];
        return Verdict::without_change(Abort, "C-02", "CSYNC_UNREADABLE", why);
    };
    let change = Change {
        child: case.gathered.child().clone(),
        sets: proposal.sets,
    };
    let guards: Guards = sequences(case.gathered)
        .filter_map(|(server, sequence)| {
            let guard = Guard {
                hosts: server.hosts.clone(),
                csync: processed_serial(sequence),
                soa: sequence.serials().0,
                ..Guard::default()
            };
            Some((server.address?, guard))
        })
        .collect();
    Verdict {
        outcome: Outcome::Accept,
        rule: acceptance.id,
        reason: acceptance.reason,
        evidence: vec![change.to_string()],
        change: Some(change),
        guards,
    }
}

/// The servers that have a CSYNC, with their readings.
pub fn sequences(gathered: &Gathered) -> impl Iterator<Item = (&Server, &Sequence)> {
    gathered
        .servers
        .iter()
        .filter_map(|server| Some((server, server.sequence.as_ref()?)))
        .filter(|(_, sequence)| sequence.csync.present().is_some())
}

/// Evidence against each reading that has something against it.
pub fn against(case: &Case<'_>, check: impl Fn(&Csync, &Sequence) -> Option<String>) -> Finding {
    let lines = sequences(case.gathered).filter_map(|(server, sequence)| {
        let record = sequence.record()?;
        Some(line(server, check(&record, sequence)?))
    });
    found(lines.collect())
}

/// The serial by which C-11 orders: the CSYNC's own, if it is bound to the SOA, else the SOA's.
fn processed_serial(sequence: &Sequence) -> Option<u32> {
    let csync = sequence.record()?;
    match csync.flags & Csync::SOA_MINIMUM != 0 {
        true => Some(csync.serial),
        false => sequence.serials().0,
    }
}

fn no_response(case: &mut Case<'_>) -> Finding {
    let any = case
        .servers()
        .any(|(_, server)| server.csync().is_response());
    let lines = case
        .servers()
        .map(|(_, server)| line(server, server.csync()));
    match any {
        true => None,
        false if case.gathered.servers.is_empty() => Some(vec!["no server".into()]),
        false => found(lines.collect()),
    }
}

/// C-26 (RFC 7477 §4.5).
fn absent(case: &mut Case<'_>) -> Finding {
    let any = case
        .servers()
        .any(|(_, server)| server.csync().present().is_some());
    (!any).then(|| vec!["no CSYNC anywhere".into()])
}

/// a reading without its end says nothing yet; once patience is over, C-02 speaks.
fn broke_off(case: &mut Case<'_>) -> Finding {
    let broken = case
        .servers()
        .filter(|(_, server)| server.broke_off() && !server.given_up);
    found(
        broken
            .map(|(_, server)| line(server, "the reading broke off; to be tried again"))
            .collect(),
    )
}

/// C-01 (RFC 7477 §2): only one CSYNC record.
fn not_alone(case: &mut Case<'_>) -> Finding {
    let lines = sequences(case.gathered).filter_map(|(server, sequence)| {
        let count = sequence.csync.present()?.set.data.len();
        (count > 1).then(|| line(server, format!("{count} CSYNC records")))
    });
    found(lines.collect())
}

/// C-02: what is missing cannot be acted on. Covers a reading that broke off.
fn unreadable(case: &mut Case<'_>) -> Finding {
    let mut evidence = Vec::new();
    for (_, server) in case.servers() {
        match (&server.sequence, &server.csync) {
            (Some(sequence), _) if sequence.csync.is_unusable() => {
                evidence.push(line(server, format!("CSYNC: {}", sequence.csync)));
            }
            (Some(sequence), _)
                if sequence.csync.present().is_some() && sequence.record().is_none() =>
            {
                evidence.push(line(server, "its CSYNC cannot be read"));
            }
            // Nothing was read, or the reading broke off before the CSYNC.
            (sequence, Answer::Present(_))
                if sequence
                    .as_ref()
                    .is_none_or(|sequence| sequence.csync == Answer::NotAsked) =>
            {
                evidence.push(line(server, "its CSYNC was not read"));
            }
            _ => {}
        }
    }
    found(evidence)
}

/// C-23 (RFC 7477 §5): keys have their own, stricter way.
fn forbidden_type(case: &mut Case<'_>) -> Finding {
    against(case, |csync, _| {
        let listed = csync.types.iter().find(|rtype| FORBIDDEN.contains(rtype))?;
        Some(format!("lists {listed}"))
    })
}

/// C-04 (RFC 7477 §2.1.1.2.1).
fn unknown_type(case: &mut Case<'_>) -> Finding {
    let known = [RecordType::NS, RecordType::A, RecordType::AAAA];
    against(case, |csync, _| {
        let listed = csync.types.iter().find(|rtype| !known.contains(rtype))?;
        Some(format!("lists {listed}"))
    })
}

/// C-05 (RFC 7477 §2.1.1.2).
fn unknown_flag(case: &mut Case<'_>) -> Finding {
    against(case, |csync, _| {
        let unknown = csync.flags & !(Csync::IMMEDIATE | Csync::SOA_MINIMUM);
        (unknown != 0).then(|| format!("flags {:#06x}", csync.flags))
    })
}

/// the same everywhere, or nothing; no CSYNC at all is a response as well.
fn inconsistent(case: &mut Case<'_>) -> Finding {
    let show = |server: &Server| {
        let csync = server.sequence.as_ref().and_then(Sequence::record);
        csync.map(|csync| {
            let types: BTreeSet<RecordType> = csync.types.iter().copied().collect();
            let immediate = csync.flags & Csync::IMMEDIATE != 0;
            (immediate, types)
        })
    };
    let responses = || {
        case.servers()
            .map(|(_, server)| server)
            .filter(|server| server.csync().is_response())
    };
    let first = responses().next().map(show)?;
    if responses().all(|server| show(server) == first) {
        return None;
    }
    let lines = responses().map(|server| {
        let what = match show(server) {
            Some((immediate, types)) => {
                let types: Vec<String> = types.iter().map(ToString::to_string).collect();
                let flag = if immediate { "immediate " } else { "" };
                format!("CSYNC {flag}{}", types.join(" "))
            }
            None => "no CSYNC".into(),
        };
        line(server, what)
    });
    found(lines.collect())
}

/// C-11 (RFC 7477 §3.1): older than what this very server had when it was last processed. One CSYNC may
/// bind several versions of the zone: of these the SOA tells which is older.
fn replayed(case: &mut Case<'_>) -> Finding {
    let mut evidence = Vec::new();
    for (server, sequence) in sequences(case.gathered) {
        let guard = case.guard(server);
        let (serial, soa) = (processed_serial(sequence), sequence.serials().0);
        let was_before = |now: Option<u32>, before: Option<u32>| {
            now.zip(before)
                .filter(|(now, before)| serial_lt(*now, *before))
        };
        let is_the_same = serial.is_some() && serial == guard.csync;
        let older = was_before(serial, guard.csync).map(|pair| ("serial", pair));
        let older = older.or_else(|| {
            let older = was_before(soa, guard.soa).filter(|_| is_the_same);
            older.map(|pair| ("the same CSYNC, SOA serial", pair))
        });
        if let Some((what, (now, before))) = older {
            let what = format!("{what} {now}, processed before: {before}");
            evidence.push(line(server, what));
        }
    }
    found(evidence)
}

/// Whether the SOA is behind the serial that the CSYNC binds it to (RFC 1982). Without the flag the
/// serial means nothing (C-08).
fn is_behind(policy: &Policy, csync: &Csync, sequence: &Sequence) -> bool {
    if policy.has(Sabotage::IgnoreSoaminimum) {
        return false;
    }
    let is_bound = csync.flags & Csync::SOA_MINIMUM != 0;
    let soa = sequence.serials().0;
    is_bound && soa.is_none_or(|soa| serial_lt(soa, csync.serial))
}

fn those_behind(case: &Case<'_>) -> Finding {
    against(case, |csync, sequence| {
        is_behind(case.policy, csync, sequence).then(|| {
            let soa = sequence
                .serials()
                .0
                .map_or("none".into(), |soa| soa.to_string());
            format!("SOA serial {soa}, the CSYNC waits for {}", csync.serial)
        })
    })
}

/// each judged by its own SOA, and not all come to the same.
fn serials_disagree(case: &mut Case<'_>) -> Finding {
    let behind = those_behind(case)?;
    (behind.len() < sequences(case.gathered).count()).then_some(behind)
}

/// C-07 (RFC 7477 §2.1.1.1): no server has what the CSYNC waits for.
fn soa_behind(case: &mut Case<'_>) -> Finding {
    let behind = those_behind(case)?;
    (behind.len() == sequences(case.gathered).count()).then_some(behind)
}

/// C-06 (RFC 7477 §3).
fn not_immediate(case: &mut Case<'_>) -> Finding {
    against(case, |csync, _| {
        let is_immediate = csync.flags & Csync::IMMEDIATE != 0;
        (!is_immediate).then(|| "the immediate flag is clear".into())
    })
}

/// C-06: the parent may want approval even so.
fn needs_approval(case: &mut Case<'_>) -> Finding {
    let always = case.policy.csync.approval == Approval::Always;
    always.then(|| vec!["this parent approves every CSYNC by other means".into()])
}
