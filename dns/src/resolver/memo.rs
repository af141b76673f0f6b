//! Verdicts of the validator in front of a cache, each found once for as long as it cannot change.
//!
//! A verdict on an entry changes with the entry, with what is trusted about its zone, and with time:
//! the first two are numbers that are never used twice, the third is the end of the signatures used.
//! Only good verdicts are kept, because a bogus one may become good as time passes.

use std::collections::BTreeMap;

use crate::{
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
}

#[derive(Clone, Debug)]
struct Found {
    by: u64,
    at: Timestamp,
    until: Timestamp,
}

impl Memo {
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
