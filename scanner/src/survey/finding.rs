//! What the survey of one child came to: what was gathered, and the verdicts.

use counterpoint_dns::{signature::Verifier, time::Timestamp};

use super::meter::Excess;
use crate::{
    gather::Gathered,
    judge::{judge_cds, judge_csync, sighting, sighting_hold},
    policy::Policy,
    state::ChildState,
    verdict::{Outcome, Verdict},
};

/// What the survey of one child came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Everything that the verdicts rest on.
    pub gathered: Gathered,
    /// On CDS and CDNSKEY, if they are looked for.
    pub ds: Option<Verdict>,
    /// On CSYNC, if it is looked for; never of an insecure child.
    pub csync: Option<Verdict>,
}

impl Finding {
    /// Judges what was gathered.
    pub fn judged(
        gathered: Gathered,
        policy: &Policy,
        now: Timestamp,
        verifier: &mut Verifier,
    ) -> Self {
        let (wants_ds, wants_csync) = looked_for(&gathered, policy);
        let ds = wants_ds.then(|| judge_cds(&gathered, policy, now, verifier));
        let mut csync = wants_csync.then(|| judge_csync(&gathered, policy, now, verifier));
        if is_accepted(&ds) && is_accepted(&csync) {
            // each was judged by the other's present state. One at a time.
            let why = vec!["the DS RRset changes first; to be judged again after that".into()];
            let later = Verdict::without_change(Outcome::Delay, "X-17", "DS_CHANGE_FIRST", why);
            csync = Some(later);
        }
        Self {
            gathered,
            ds,
            csync,
        }
    }

    /// Of a child that costs too much: whatever it asks for, it is not judged.
    pub(super) fn beyond(excess: &Excess, gathered: Gathered, policy: &Policy) -> Self {
        let (wants_ds, wants_csync) = looked_for(&gathered, policy);
        Self {
            gathered,
            ds: wants_ds.then(|| excess.verdict()),
            csync: wants_csync.then(|| excess.verdict()),
        }
    }

    /// Moves the state of the child on: who serves it, and whether what it asks for still stands (B-05,
    /// K-12). What comes of an acceptance is for whoever carries it out.
    pub fn remember(&self, state: &mut ChildState, policy: &Policy, now: Timestamp) {
        let servers = self.gathered.servers.iter();
        let found = servers.filter_map(|server| Some((server.address?, &server.hosts)));
        state.is_served_by(&self.gathered.delegation.hosts(), found);
        if let Some(verdict) = &self.ds {
            let sighting = sighting(&self.gathered, verdict);
            state.sighted(&sighting, &sighting_hold(&self.gathered, policy), now);
        }
    }
}

/// Whether CDS and CDNSKEY are looked for, and whether CSYNC is. C-02: of an insecure child no CSYNC
/// can be used.
fn looked_for(gathered: &Gathered, policy: &Policy) -> (bool, bool) {
    let is_secure = gathered.delegation.ds.is_some();
    (policy.cds, policy.csync.enabled && is_secure)
}

fn is_accepted(verdict: &Option<Verdict>) -> bool {
    let verdict = verdict.as_ref();
    verdict.is_some_and(|verdict| verdict.outcome == Outcome::Accept)
}
