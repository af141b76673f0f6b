//! Questions that failed, remembered so that nobody is asked again too soon (RFC 9520, RFC 4035 §4.7).

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use crate::{
    message::{Question, ResponseCode},
    resolver::{
        config::Config,
        job::Job,
        resolution::{Resolution, Status},
    },
    time::Timestamp,
};

/// How many failures are remembered before all of them are forgotten.
const FAILURES_MAX: usize = 1 << 14;

/// The failures that still count.
#[derive(Clone, Debug, Default)]
pub(super) struct Failures {
    known: BTreeMap<Question, Failure>,
    told: u64,
}

#[derive(Clone, Debug)]
struct Failure {
    status: Status,
    from: Option<IpAddr>,
    until: Timestamp,
}

impl Failures {
    /// Remembers a resolution that failed just now, if the configuration wants it.
    pub fn note(&mut self, job: &Job, resolution: &Resolution, config: &Config, now: Timestamp) {
        let ttl = match resolution.status {
            Status::Bogus(_) => config.bogus_ttl,
            Status::Failed(_) => config.failure_ttl,
            Status::Secure | Status::Insecure => 0,
        };
        if ttl == 0 || resolution.remembered || job.fresh {
            return;
        }
        if self.known.len() >= FAILURES_MAX {
            self.known.clear();
        }
        let failure = Failure {
            status: resolution.status.clone(),
            from: resolution.from,
            until: now + Duration::from_secs(ttl.into()),
        };
        self.known.insert(job.question.clone(), failure);
    }

    /// What is remembered of the question of a job that has asked nobody yet.
    pub fn recall(&mut self, job: &Job, now: Timestamp) -> Option<Resolution> {
        if self.known.is_empty() || job.fetches > 0 || job.fresh || job.unasked {
            return None;
        }
        let failure = self.known.get(&job.question)?;
        if failure.until <= now {
            self.known.remove(&job.question);
            return None;
        }
        self.told += 1;
        Some(Resolution {
            ticket: job.ticket,
            question: job.question.clone(),
            status: failure.status.clone(),
            rcode: ResponseCode::ServFail,
            answer: None,
            from: failure.from,
            masked_by_retry: false,
            cached: true,
            remembered: true,
        })
    }

    /// How often one was told again.
    pub fn told(&self) -> u64 {
        self.told
    }
}
