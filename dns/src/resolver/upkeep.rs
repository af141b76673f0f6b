//! What a resolver does without being asked: it asks for things again before they run out, keeps to the
//! child's NS RRset, gives up on questions that take too long, and answers with what has run out when
//! nothing else comes (RFC 8767).

use std::{collections::BTreeSet, time::Duration};

use crate::{
    message::{Question, ResponseCode},
    name::{Name, RecordType},
    resolver::{
        Resolver,
        cache::{Cut, Held},
        job::Job,
        judge::Verdict,
        resolution::{Resolution, Status},
    },
    time::Timestamp,
};

/// An NS RRset that lives shorter is not kept alive by asking again.
const REFRESHED_LEAST: Duration = Duration::from_secs(10);

/// How often a resolver did what only some resolvers do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Answers that had run out (RFC 8767).
    pub stale: u64,
    /// Answers asked for ahead of time.
    pub prefetched: u64,
    /// NS RRsets asked for ahead of time.
    pub refreshed: u64,
    /// Denials made of NSEC records held (RFC 8198).
    pub denied: u64,
    /// Failures told again (RFC 9520).
    pub remembered: u64,
    /// Questions given up on.
    pub gave_up: u64,
}

/// What is due when.
#[derive(Clone, Debug, Default)]
pub(super) struct Upkeep {
    /// Jobs, by when they have taken too long.
    deadlines: BTreeSet<(Timestamp, u64)>,
    /// Zones, by when their NS RRsets are asked for again.
    refreshes: BTreeSet<(Timestamp, Name)>,
    /// What was done.
    pub counts: Counts,
}

impl Upkeep {
    /// A job must have ended by `at`.
    pub fn expect(&mut self, at: Timestamp, job: u64) {
        self.deadlines.insert((at, job));
    }

    /// This NS RRset shall not run out.
    pub fn refresh(&mut self, cut: &Cut) {
        let life = cut.expires - cut.fetched;
        if life >= REFRESHED_LEAST {
            let at = cut.expires.before(life / 10);
            self.refreshes.retain(|(_, zone)| *zone != cut.child);
            self.refreshes.insert((at, cut.child.clone()));
        }
    }

    /// When something is due.
    pub fn next_at(&self) -> Option<Timestamp> {
        let deadline = self.deadlines.first().map(|(at, _)| *at);
        let refresh = self.refreshes.first().map(|(at, _)| *at);
        deadline.into_iter().chain(refresh).min()
    }
}

impl Resolver {
    /// Does what is due.
    pub(super) fn tend(&mut self, now: Timestamp) {
        while let Some((at, number)) = self.upkeep.deadlines.first().copied()
            && at <= now
        {
            self.upkeep.deadlines.pop_first();
            let Some(job) = self.jobs.get(&number) else {
                continue;
            };
            self.upkeep.counts.gave_up += 1;
            let resolution = Resolution {
                ticket: job.ticket,
                question: job.question.clone(),
                status: Status::Failed("it took too long".into()),
                rcode: ResponseCode::ServFail,
                answer: None,
                from: None,
                masked_by_retry: job.masked,
                cached: false,
                remembered: false,
            };
            self.finish(now, number, resolution);
        }
        while let Some((at, _)) = self.upkeep.refreshes.first()
            && *at <= now
        {
            if let Some((_, zone)) = self.upkeep.refreshes.pop_first() {
                self.upkeep.counts.refreshed += 1;
                let question = Question::new(zone, RecordType::NS);
                self.begin(now, Job::unasked(question, now));
            }
        }
    }

    /// Drops the deadlines of jobs that have ended.
    pub(super) fn forget_deadlines(&mut self) {
        let jobs = &self.jobs;
        self.upkeep
            .deadlines
            .retain(|(_, number)| jobs.contains_key(number));
    }

    /// Asks for an answer again that was given from the cache and has not long to live.
    pub(super) fn prefetch(&mut self, now: Timestamp, resolution: &Resolution) {
        let wanted = self.config.prefetch;
        if wanted.percent == 0 && wanted.left == 0 || !resolution.cached {
            return;
        }
        let Some(entry) = self.cache.answer(&resolution.question, now, now) else {
            return;
        };
        let (life, left) = (entry.expires - entry.fetched, entry.left(now));
        let is_late = left * 100 <= life * wanted.percent.into()
            || left <= Duration::from_secs(wanted.left.into());
        if is_late && life >= Duration::from_secs(wanted.eligible.into()) {
            self.upkeep.counts.prefetched += 1;
            self.begin(now, Job::unasked(resolution.question.clone(), now));
        }
    }

    /// What has run out, where nothing else came: as it was judged when it came.
    pub(super) fn stale_instead(&mut self, now: Timestamp, failed: Resolution) -> Resolution {
        if self.config.stale == 0 || !matches!(failed.status, Status::Failed(_)) {
            return failed;
        }
        let least = now.before(Duration::from_secs(self.config.stale.into()));
        let Some(entry) = self.cache.expired(&failed.question, least) else {
            return failed;
        };
        let status = match entry.verdict {
            Some(Verdict::Secure(_)) => Status::Secure,
            Some(Verdict::Insecure) => Status::Insecure,
            Some(Verdict::Bogus(_)) | None => return failed,
        };
        self.upkeep.counts.stale += 1;
        let (rcode, answer) = match &entry.held {
            Held::Answer(signed, _) => (ResponseCode::NoError, Some(signed.clone())),
            Held::NoName(_) => (ResponseCode::NXDomain, None),
            Held::NoData(_) | Held::Alias(..) => (ResponseCode::NoError, None),
        };
        Resolution {
            status,
            rcode,
            answer,
            from: Some(entry.from),
            ..failed
        }
    }
}
