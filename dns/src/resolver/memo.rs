//! Verdicts of the validator in front of a cache, each found once for as long as it cannot change.
//!
//! A verdict on an entry changes with the entry, with what is trusted about its zone, and with time:
//! the first two are numbers that are never used twice, the third is the end of the signatures used.
//! What is trusted about a zone is kept in the same way, under a number for all DS and DNSKEY RRsets.
//! Only good verdicts are kept, because a bogus one may become good as time passes.

use std::collections::BTreeMap;

use crate::{
    name::Name,
    resolver::{
        cache::Entry,
        judge::{Trust, Verdict, judge},
    },
    signature::Verifier,
    time::Timestamp,
    validate::Policy,
};

/// How many verdicts are kept before the memo starts anew.
const VERDICTS_MAX: usize = 1 << 16;

/// The verdicts found so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Memo {
    found: BTreeMap<u64, Found>,
    trusts: BTreeMap<Name, Known>,
}

/// What was trusted about a zone while the cache's links had this number.
#[derive(Clone, Debug)]
struct Known {
    trust: Trust,
    links: u64,
    at: Timestamp,
    until: Timestamp,
}

#[derive(Clone, Debug)]
struct Found {
    by: u64,
    at: Timestamp,
    until: Timestamp,
}

impl Memo {
    /// What is trusted about a zone, and until when, if that has been found and nothing has changed.
    pub fn trust(&self, zone: &Name, links: u64, now: Timestamp) -> Option<(Trust, Timestamp)> {
        let known = self.trusts.get(zone)?;
        let holds = known.links == links && known.at <= now && now < known.until;
        holds.then(|| (known.trust.clone(), known.until))
    }

    /// Keeps what was found at `now` to be trusted about a zone until then.
    pub fn keep_trust(
        &mut self,
        zone: &Name,
        links: u64,
        now: Timestamp,
        until: Timestamp,
        trust: &Trust,
    ) {
        if matches!(trust, Trust::Bogus(_)) {
            return;
        }
        if self.trusts.len() >= VERDICTS_MAX {
            self.trusts.clear();
        }
        let known = Known {
            trust: trust.clone(),
            links,
            at: now,
            until,
        };
        self.trusts.insert(zone.clone(), known);
    }

    /// The verdict on `entry` under `trust` at `now`.
    pub fn verdict(
        &mut self,
        entry: &Entry,
        trust: &Trust,
        policy: &Policy,
        now: Timestamp,
        verifier: &mut Verifier,
    ) -> Verdict {
        let by = match trust {
            Trust::Insecure => return Verdict::Insecure,
            Trust::Bogus(why) => return Verdict::Bogus(why.clone()),
            // A strict validator's algorithms come from the DS RRset, which has no part in the key.
            Trust::Keys(_, algorithms) if !algorithms.is_empty() => None,
            trust => Some(trust.number()),
        };
        if let (Some(by), Some(found)) = (by, self.found.get(&entry.id))
            && found.by == by
            && found.at <= now
            && now <= found.until
        {
            return Verdict::Secure(found.until);
        }
        let question = &entry.question;
        let verdict = judge(
            question,
            &entry.held,
            &entry.zone,
            trust,
            policy,
            now,
            verifier,
        );
        if let (Some(by), Verdict::Secure(until)) = (by, &verdict) {
            if self.found.len() >= VERDICTS_MAX {
                self.found.clear();
            }
            let (at, until) = (now, *until);
            self.found.insert(entry.id, Found { by, at, until });
        }
        verdict
    }
}
