//! What is trusted about a zone, and the verdict on what is held of it.
//!
//! The part of a walk that goes up, by DS and DNSKEY RRsets to the trust anchor.

use std::{collections::BTreeSet, mem, sync::Arc};

use crate::{
    message::Question,
    name::{Name, RecordType},
    rdata::Ds,
    resolver::{
        cache::{Entry, Held},
        config::Validation,
        judge::{Trust, Verdict},
        walk::{Stop, Walk},
    },
    time::Timestamp,
    validate::{denial::is_of_delegation, ds_of, keys_of},
};

impl Walk<'_> {
    /// What an answer is judged by when it comes; None if it is not.
    pub(super) fn trust_at_fetch(
        &mut self,
        question: &Question,
        zone: &Name,
    ) -> Result<Option<Trust>, Stop> {
        match self.config.validation {
            Validation::AtFetch => self.trust_for(question, zone).map(Some),
            Validation::BehindCache | Validation::Off => Ok(None),
        }
    }

    /// What an answer to `question` from `zone` is judged by.
    pub(super) fn trust_for(&mut self, question: &Question, zone: &Name) -> Result<Trust, Stop> {
        match question.rtype == RecordType::DNSKEY && question.name == *zone {
            true => self.anchor(zone),
            false => self.trust(zone),
        }
    }

    /// What is trusted about a zone's DNSKEY RRset.
    pub(super) fn anchor(&mut self, zone: &Name) -> Result<Trust, Stop> {
        if self.config.validation == Validation::Off {
            return Ok(Trust::Insecure);
        }
        if zone.is_root() {
            return Ok(self.by_ds(self.config.trust_anchor.clone(), 0));
        }
        let entry = self.obtain(&Question::new(zone.clone(), RecordType::DS))?;
        Ok(match (self.verdict(&entry)?, &entry.held) {
            (Verdict::Insecure, _) => Trust::Insecure,
            (Verdict::Bogus(why), _) => Trust::Bogus(self.blame(&entry, &why)),
            (Verdict::Secure(_), Held::Answer(ds, _)) => self.by_ds(ds_of(ds), entry.id),
            (Verdict::Secure(_), Held::NoData(proof))
                if is_of_delegation(proof, &entry.zone, zone) =>
            {
                Trust::Insecure
            }
            (Verdict::Secure(_), _) => Trust::Bogus(format!(
                "{zone} DS from {}: it proves that this is no delegation",
                entry.from
            )),
        })
    }

    pub(super) fn by_ds(&self, ds: Vec<Ds>, number: u64) -> Trust {
        let is_usable = self.config.policy.usable(&ds).next().is_some();
        match is_usable {
            true => Trust::Ds(ds.into(), number),
            false => Trust::Insecure,
        }
    }

    /// What is trusted about a zone's data.
    pub(super) fn trust(&mut self, zone: &Name) -> Result<Trust, Stop> {
        if self.config.validation != Validation::BehindCache {
            return self.find_trust(zone);
        }
        let links = self.cache.links();
        if let Some((trust, until)) = self.memo.trust(zone, links, self.now) {
            self.horizon = self.horizon.min(until);
            return Ok(trust);
        }
        let outer = mem::replace(&mut self.horizon, Timestamp::MAX);
        let found = self.find_trust(zone);
        let until = mem::replace(&mut self.horizon, outer);
        self.horizon = self.horizon.min(until);
        let trust = found?;
        self.memo.keep_trust(zone, links, self.now, until, &trust);
        Ok(trust)
    }

    fn find_trust(&mut self, zone: &Name) -> Result<Trust, Stop> {
        let ds = match self.anchor(zone)? {
            Trust::Ds(ds, _) => ds,
            other => return Ok(other),
        };
        let entry = self.obtain(&Question::new(zone.clone(), RecordType::DNSKEY))?;
        Ok(match self.verdict(&entry)? {
            Verdict::Insecure => Trust::Insecure,
            Verdict::Bogus(why) => Trust::Bogus(self.blame(&entry, &why)),
            Verdict::Secure(_) => {
                let policy = &self.config.policy;
                let mut algorithms = BTreeSet::new();
                if policy.every_ds_algorithm {
                    algorithms.extend(policy.usable(&ds).map(|ds| ds.algorithm));
                }
                if policy.every_dnskey_algorithm
                    && let Held::Answer(keys, _) = &entry.held
                {
                    algorithms.extend(policy.algorithms_of(&keys_of(keys)));
                }
                Trust::Keys(entry, algorithms)
            }
        })
    }

    /// The verdict on an entry: the one found when it came, or the one that the cache gives now.
    pub(super) fn verdict(&mut self, entry: &Arc<Entry>) -> Result<Verdict, Stop> {
        if let Some(verdict) = &entry.verdict {
            return Ok(verdict.clone());
        }
        if self.config.validation == Validation::Off {
            return Ok(Verdict::Insecure);
        }
        let trust = self.trust_for(&entry.question, &entry.zone)?;
        let mut verifier = self.verifier.lock();
        let policy = &self.config.policy;
        let verdict = self
            .memo
            .verdict(entry, &trust, policy, self.now, &mut verifier);
        self.horizon = self.horizon.min(entry.expires);
        if let Verdict::Secure(until) = verdict {
            self.horizon = self.horizon.min(until);
        }
        Ok(verdict)
    }
}
