//! What no rule stops: which acceptance it is, and the change that follows.
//!
//! Acceptances are a table as well: each says when it applies, and a case that none applies to is
//! refused. Owns the TTLs of a changed DS RRset (RFC 10026 §4.2).

use counterpoint_dns::{name::RecordType, rrset::RrSet};

use super::{case::Case, initial, is_on};
use crate::{
    state::{Guard, Guards},
    verdict::{
        Change,
        Outcome::{self, Noop, Refuse},
        Replacement, Verdict,
    },
};

/// One way for a request to be accepted.
#[derive(Clone, Copy, Debug)]
pub struct Acceptance {
    /// Its ID, as `K-02`.
    pub id: &'static str,
    /// Other IDs that it serves.
    pub also: &'static [&'static str],
    /// Stable reason code.
    pub reason: &'static str,
    applies: fn(&Case<'_>) -> bool,
}

impl Acceptance {
    /// What switches it off, as `accept/K-02/CDS_ACCEPTED`.
    pub fn switch(&self) -> String {
        super::switch(TABLE, self.id, self.reason)
    }
}

const TABLE: &str = "accept";

/// For CDS and CDNSKEY.
pub const DS_ACCEPTANCES: [Acceptance; 4] = [
    Acceptance {
        id: "B-08",
        also: &[],
        reason: "DELETE_ACCEPTED",
        applies: |case| case.request.wanted.ds.is_empty(),
    },
    Acceptance {
        id: "A-09",
        // Authenticity is established: there is no hold-down.
        also: &["D-16"],
        reason: "BOOTSTRAP_ACCEPTED",
        applies: |case| is_first(case) && initial::path(case) == initial::Path::Signals,
    },
    Acceptance {
        id: "B-05",
        also: &[],
        reason: "BOOTSTRAP_AFTER_DELAY",
        applies: |case| is_first(case) && initial::path(case) == initial::Path::Delay,
    },
    Acceptance {
        id: "K-02",
        // One sight is enough; standby keys and either type alone are welcome.
        also: &["B-02", "B-03", "K-08"],
        reason: "CDS_ACCEPTED",
        applies: |case| !is_first(case) && !case.request.wanted.ds.is_empty(),
    },
];

/// For the TTL of a DS RRset that was changed a while ago.
pub const TTL_RESTORED: Acceptance = Acceptance {
    id: "D-04",
    also: &["D-05"],
    reason: "TTL_RESTORED",
    applies: |_| true,
};

/// For CSYNC.
pub const CSYNC_ACCEPTANCES: [Acceptance; 1] = [Acceptance {
    id: "C-13",
    also: &["C-08", "C-16", "C-17", "C-18", "C-19", "C-21", "C-22"],
    reason: "CSYNC_ACCEPTED",
    applies: |case| case.proposal.is_some(),
}];

fn is_first(case: &Case<'_>) -> bool {
    case.gathered.delegation.ds.is_none() && !case.request.wanted.ds.is_empty()
}

/// The first acceptance that applies and is not switched off.
pub fn first_to_accept(table: &'static [Acceptance], case: &Case<'_>) -> Option<Acceptance> {
    let on = |entry: &&Acceptance| is_on(case.policy, TABLE, entry.id, entry.reason);
    let mut open = table.iter().filter(on);
    open.find(|entry| (entry.applies)(case)).copied()
}

/// What becomes of a case that no acceptance is for.
pub fn not_acceptable() -> Verdict {
    let why = vec!["no acceptance applies to it".into()];
    Verdict::without_change(Refuse, "B-01", "NOT_ACCEPTABLE", why)
}

/// K-02: the DS RRset becomes exactly what was asked for. Its TTL is low for a while (D-04); that of
/// the old one was not lowered first (D-05).
pub fn ds(case: &mut Case<'_>) -> Verdict {
    let delegation = &case.gathered.delegation;
    let records = case.request.wanted.ds.iter().map(|ds| ds.to_rdata());
    let normal = match &delegation.ds {
        Some(ds) => ds.ttl,
        None => seconds(case.policy.ds.ttl),
    };
    let ttl = match seconds(case.policy.ds.ttl_after_change) {
        0 => normal,
        low => low.min(normal),
    };
    let mut wanted = RrSet::new(delegation.child.clone(), RecordType::DS, ttl, records);
    // B-12: whatever led here.
    debug_assert!(case.request.wanted.ds.iter().all(|ds| ds.algorithm != 0));
    let same = |seen: &RrSet| seen.data == wanted.data;
    if delegation.ds.as_ref().map_or(wanted.data.is_empty(), same) {
        let why = vec!["the DS RRset is what is asked for".into()];
        return Verdict::without_change(Noop, "K-11", "STATUS_QUO", why);
    }
    if wanted.data.is_empty() {
        wanted.ttl = normal;
    }
    let Some(acceptance) = first_to_accept(&DS_ACCEPTANCES, case) else {
        return not_acceptable();
    };
    let change = Change {
        child: delegation.child.clone(),
        sets: vec![
            Replacement::of(delegation.ds.as_ref(), wanted),
            Replacement::keep(&delegation.ns),
        ],
    };
    let evidence = vec![change.to_string(), format!("asked for at {}", names(case))];
    Verdict {
        outcome: Outcome::Accept,
        rule: acceptance.id,
        reason: acceptance.reason,
        evidence,
        change: Some(change),
        guards: guards(case),
    }
}

/// D-04, T-05 (RFC 10026 §4.2.2): the TTL returns, once the previous DS RRset has left every cache.
pub fn restore(case: &Case<'_>) -> Option<Verdict> {
    let delegation = &case.gathered.delegation;
    let restore = case.gathered.state.restore?;
    let seen = delegation.ds.as_ref()?;
    if case.now < restore.not_before
        || seen.ttl == restore.ttl
        || !is_on(case.policy, TABLE, TTL_RESTORED.id, TTL_RESTORED.reason)
    {
        return None;
    }
    let wanted = RrSet {
        ttl: restore.ttl,
        ..seen.clone()
    };
    let change = Change {
        child: delegation.child.clone(),
        sets: vec![Replacement::of(Some(seen), wanted)],
    };
    Some(Verdict {
        outcome: Outcome::Accept,
        rule: TTL_RESTORED.id,
        reason: TTL_RESTORED.reason,
        evidence: vec![format!("TTL {} → {}", seen.ttl, restore.ttl)],
        change: Some(change),
        guards: Guards::new(),
    })
}

fn seconds(span: std::time::Duration) -> u32 {
    u32::try_from(span.as_secs()).unwrap_or(u32::MAX)
}

/// What is remembered of each server (K-09).
fn guards(case: &mut Case<'_>) -> Guards {
    let mut guards = Guards::new();
    for (at, server, signed) in case.signals() {
        let (inception, Some(address)) = (case.newest_inception(at, signed), server.address) else {
            continue;
        };
        let guard: &mut Guard = guards.entry(address).or_default();
        guard.hosts.clone_from(&server.hosts);
        match signed.set.rtype {
            RecordType::CDS => guard.cds = inception,
            _ => guard.cdnskey = inception,
        }
    }
    guards
}

fn names(case: &Case<'_>) -> String {
    let names: Vec<String> = case
        .servers()
        .filter(|(_, server)| !server.is_silent())
        .map(|(_, server)| server.to_string())
        .collect();
    names.join(", ")
}
