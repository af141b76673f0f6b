//! An iterative, validating resolver with a cache, as an [`Agent`]: it does no I/O and is told the time.
//!
//! - [`config`] – what it is told at birth; [`iana`] – of the public root; [`resolution`] – what it is asked and what it says
//! - `walk` – the next thing that a question needs, as a function of the cache: down the delegations
//!   (`servers`), up the chain of trust (`trust`)
//! - `fetch` – one question to the servers of one zone, server after server
//! - `reading` – what a reply is; `judge` – whether it chains; `memo` – verdicts already found
//! - `cache` – answers and delegations until their TTL ends; `store` – for how long; `job` – one question in progress
//!
//! A job walks from its question through the cache until something is missing, waits for one fetch,
//! and walks again. With [`Validation::AtFetch`] the walk begins at the chain of trust, so that every
//! answer can be judged when it comes; with [`Validation::BehindCache`] answers are cached first and
//! judged at every question. *Bogus* is said only of data that somebody served; silence, lameness,
//! SERVFAIL, loops and limits are *failed*.
//!
//! - `products` – configurations that resemble products; `failures` – failures that are remembered
//!   (RFC 9520); `upkeep` – what is done unasked: prefetching, refreshing NS, giving up, stale answers
//!   (RFC 8767); `denials` – denials from NSEC records held (RFC 8198); `pace` – who was fast
//!
//! Left out: DNAME. Each question begins with whatever the cache holds, but for
//! [`Resolver::resolve_fresh`], which also asks its way down label by label.

mod cache;
pub mod config;
mod denials;
mod failures;
mod fetch;
pub mod iana;
mod job;
mod judge;
mod memo;
mod pace;
mod products;
mod reading;
pub mod resolution;
mod servers;
mod store;
mod trust;
mod upkeep;
mod walk;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::{IpAddr, SocketAddr},
};

use crate::{
    agent::{Agent, AskId, Input, Note, Output},
    exchange::{Exchanges, Outcome, Unanswered},
    message::Question,
    name::Name,
    name::RecordType,
    resolver::{
        cache::Cache,
        denials::Denials,
        failures::Failures,
        fetch::{Fetch, Gain},
        job::{Job, Stuck},
        memo::Memo,
        pace::Pace,
        upkeep::Upkeep,
        walk::{Need, Walk},
    },
    stream::Stream,
    time::Timestamp,
    validate::shared::SharedVerifier,
};

pub use config::{Config, Prefetch, Selection, Validation, View};
pub use resolution::{Command, Resolution, Status};
pub use upkeep::Counts;

/// Where its request numbers begin, so that they never meet those of an agent around it.
const FIRST_ASK: u64 = 1 << 63;
/// Where the tickets begin that [`Resolver::resolve`] gives out.
const FIRST_TICKET: u64 = 1 << 63;
/// How many fetches one question may wait for.
const FETCHES_MAX: usize = 96;
/// How many resolutions wait to be taken before the oldest is dropped.
const FINISHED_MAX: usize = 1 << 16;

/// What a fetch is known by: the question, and the zone whose servers are asked.
type FetchKey = (Question, Name);

/// The resolver.
#[derive(Debug)]
pub struct Resolver {
    config: Config,
    stream: Stream,
    exchanges: Exchanges<(FetchKey, IpAddr)>,
    cache: Cache,
    memo: Memo,
    denials: Denials,
    failures: Failures,
    pace: Pace,
    upkeep: Upkeep,
    verifier: SharedVerifier,
    pins: BTreeSet<IpAddr>,
    jobs: BTreeMap<u64, Job>,
    jobs_begun: u64,
    fetches: BTreeMap<FetchKey, Fetch>,
    runnable: VecDeque<u64>,
    finished: VecDeque<Resolution>,
    notes: VecDeque<Note>,
    announce: bool,
    tickets: u64,
}

impl Resolver {
    /// A resolver with an empty cache; message ids and the choice of servers come from `stream`.
    pub fn new(config: Config, mut stream: Stream) -> Self {
        let ids = rand_chacha::rand_core::SeedableRng::from_rng(&mut stream);
        Self {
            config,
            stream,
            exchanges: Exchanges::new(ids).numbered_from(FIRST_ASK),
            cache: Cache::default(),
            memo: Memo::default(),
            denials: Denials::default(),
            failures: Failures::default(),
            pace: Pace::default(),
            upkeep: Upkeep::default(),
            verifier: SharedVerifier::default(),
            pins: BTreeSet::new(),
            jobs: BTreeMap::new(),
            jobs_begun: 0,
            fetches: BTreeMap::new(),
            runnable: VecDeque::new(),
            finished: VecDeque::new(),
            notes: VecDeque::new(),
            announce: false,
            tickets: FIRST_TICKET,
        }
    }

    /// Uses a verifier that others use too.
    pub fn sharing(mut self, verifier: SharedVerifier) -> Self {
        self.verifier = verifier;
        self
    }

    /// Gives a [`Note`] of each resolution as well, for a resolver that nobody stands around.
    pub fn announcing(mut self) -> Self {
        self.announce = true;
        self
    }

    /// Whether a request is a resolver's.
    pub fn owns(id: AskId) -> bool {
        id.0 >= FIRST_ASK
    }

    /// Begins a question; the ticket returns in its [`Resolution`]. Such tickets have the top bit set.
    pub fn resolve(&mut self, now: Timestamp, question: Question) -> u64 {
        let ticket = self.tickets;
        self.tickets += 1;
        self.begin(now, Job::new(ticket, question, now));
        ticket
    }

    /// Begins a question with an empty cache and QNAME minimisation (RFC 9156): for what must be
    /// learned from the zone itself, now, and from no ancestor of it (RFC 9615 §5.2).
    pub fn resolve_fresh(&mut self, now: Timestamp, question: Question) -> u64 {
        let ticket = self.tickets;
        self.tickets += 1;
        self.begin(now, Job::fresh(ticket, question, now));
        ticket
    }

    /// The next question that has ended.
    pub fn take_resolution(&mut self) -> Option<Resolution> {
        self.finished.pop_front()
    }

    /// Whether no question is in progress.
    pub fn is_idle(&self) -> bool {
        self.jobs.is_empty()
    }

    /// How many signatures were really verified so far, by all who share the verifier.
    pub fn verifications(&self) -> u64 {
        self.verifier.verifications()
    }

    /// How many requests it has sent.
    pub fn sent(&self) -> u64 {
        self.exchanges.sent()
    }

    /// How often it did what only some resolvers do.
    pub fn counts(&self) -> Counts {
        Counts {
            denied: self.denials.made(),
            remembered: self.failures.told(),
            ..self.upkeep.counts
        }
    }

    /// What it was told at birth.
    pub fn config(&self) -> &Config {
        &self.config
    }

    fn begin(&mut self, now: Timestamp, job: Job) {
        self.jobs_begun += 1;
        if let Some(patience) = self.config.patience {
            self.upkeep.expect(now + patience, self.jobs_begun);
        }
        self.jobs.insert(self.jobs_begun, job);
        self.runnable.push_back(self.jobs_begun);
        self.run(now);
    }

    /// Walks for every job that can go on.
    fn run(&mut self, now: Timestamp) {
        while let Some(number) = self.runnable.pop_front() {
            let Some(job) = self.jobs.get(&number) else {
                continue;
            };
            if let Some(resolution) = self.failures.recall(job, now) {
                self.finish(now, number, resolution);
                continue;
            }
            let mut walk = Walk {
                config: &self.config,
                cache: &mut self.cache,
                memo: &mut self.memo,
                denials: &mut self.denials,
                verifier: &self.verifier,
                job,
                now,
                path: Vec::new(),
                horizon: Timestamp::MAX,
                depth: 0,
            };
            match walk.run() {
                Ok(resolution) => self.finish(now, number, resolution),
                Err(need) => self.fetch(now, number, *need),
            }
        }
    }

    fn finish(&mut self, now: Timestamp, number: u64, resolution: Resolution) {
        let Some(job) = self.jobs.remove(&number) else {
            return;
        };
        if self.config.patience.is_some() {
            self.forget_deadlines();
        }
        self.failures.note(&job, &resolution, &self.config, now);
        if job.unasked {
            return;
        }
        let resolution = self.stale_instead(now, resolution);
        self.prefetch(now, &resolution);
        if self.announce {
            self.notes.push_back(Note {
                zone: String::new(),
                kind: "resolved",
                subject: resolution.question.to_string(),
                text: resolution.status.to_string(),
            });
        }
        if self.finished.len() >= FINISHED_MAX {
            self.finished.pop_front();
        }
        self.finished.push_back(resolution);
    }

    /// Has `job` wait for a fetch, a new one or one in progress.
    fn fetch(&mut self, now: Timestamp, number: u64, need: Need) {
        let Some(job) = self.jobs.get_mut(&number) else {
            return;
        };
        job.fetches += 1;
        if job.fetches > FETCHES_MAX {
            let why = format!("it took more than {FETCHES_MAX} fetches");
            job.stuck.insert(need.question, Stuck::Failed(why.clone()));
            job.stuck.insert(job.question.clone(), Stuck::Failed(why));
            self.runnable.push_back(number);
            return;
        }
        let key = (need.question.clone(), need.zone.clone());
        if let Some(fetch) = self.fetches.get_mut(&key) {
            fetch.waiters.insert(number);
            return;
        }
        let fetch = Fetch::new(need, number, job.probed.clone(), &self.config, &self.pins);
        self.fetches.insert(key.clone(), fetch);
        self.ask_next(now, key);
    }

    /// Asks the next server, or gives the fetch up.
    fn ask_next(&mut self, now: Timestamp, key: FetchKey) {
        let Some(fetch) = self.fetches.get_mut(&key) else {
            return;
        };
        let pace = (self.config.selection == Selection::Fastest).then_some(&self.pace);
        if let Some(server) = fetch.next_server(&mut self.stream, pace) {
            fetch.asked = now;
            let to = SocketAddr::new(server, self.config.port);
            self.exchanges.ask(to, key.0.clone(), (key, server));
            return;
        }
        let stuck = fetch.stuck();
        self.release(&key, |job| {
            job.stuck.insert(key.0.clone(), stuck.clone());
        });
    }

    /// Ends a fetch and sets its waiters going.
    fn release(&mut self, key: &FetchKey, tell: impl Fn(&mut Job)) {
        let Some(fetch) = self.fetches.remove(key) else {
            return;
        };
        for number in fetch.waiters {
            if let Some(job) = self.jobs.get_mut(&number) {
                tell(job);
                self.runnable.push_back(number);
            }
        }
    }

    fn take(&mut self, now: Timestamp, came: Option<((FetchKey, IpAddr), Outcome)>) {
        let Some(((key, server), outcome)) = came else {
            return;
        };
        let Some(fetch) = self.fetches.get_mut(&key) else {
            return;
        };
        let outcome = match outcome {
            Outcome::Reply(reply) => match self.config.bounds.excess(&reply) {
                None => Ok(reply),
                Some(why) => Err(Unanswered::Garbage(why)),
            },
            Outcome::Raw(_) => return,
            Outcome::Unanswered(why) => Err(why),
        };
        let reply = match outcome {
            Ok(reply) => reply,
            Err(why) => {
                fetch.note_failure(server, why);
                if self.config.selection == Selection::Fastest {
                    self.pace.silent(server);
                }
                self.ask_next(now, key);
                return self.run(now);
            }
        };
        if self.config.selection == Selection::Fastest {
            self.pace.answered(server, now - fetch.asked);
        }
        let gain = fetch.reply(server, &reply, &self.config, now, &mut self.verifier.lock());
        let masked = fetch.is_masked();
        match gain {
            Gain::Nothing => self.ask_next(now, key),
            Gain::Apexes(apexes) => self.release(&key, |job| {
                job.probed.extend(apexes.iter().cloned());
            }),
            Gain::Referral(referral, ds) => {
                self.hold_referral(now, server, &key.1, *referral, ds);
                self.release(&key, |job| job.masked |= masked);
            }
            Gain::Held(held, verdict) => {
                if self.config.view != View::ParentCentric {
                    self.hold_servers(now, server, &key, &reply);
                    if key.0 == Question::new(key.1.clone(), RecordType::NS) {
                        self.adopt(now, &key.1, &held, verdict.as_ref(), &reply.additional);
                    }
                }
                self.hold(now, server, &key.0, &key.1, held, verdict);
                self.release(&key, |job| job.masked |= masked);
            }
        }
        self.run(now);
    }
}

impl Agent for Resolver {
    type Command = Command;

    fn handle(&mut self, now: Timestamp, input: Input<Command>) {
        match input {
            Input::Command(Command::Resolve { ticket, question }) => {
                self.begin(now, Job::new(ticket, question, now));
            }
            Input::Command(Command::Flush) => {
                self.cache.flush();
                self.denials = Denials::default();
                self.failures = Failures::default();
            }
            Input::Command(Command::Pin(pins)) => self.pins = pins,
            Input::Answer { id, bytes } => {
                let came = self.exchanges.answered(id, bytes);
                self.take(now, came);
            }
            Input::Failure { id } => {
                let came = self.exchanges.failed(id);
                self.take(now, came);
            }
            Input::Wake => self.tend(now),
            Input::Web { .. } => {}
        }
    }

    fn poll(&mut self, _now: Timestamp) -> Option<Output> {
        let note = self.notes.pop_front().map(Output::Note);
        note.or_else(|| self.exchanges.poll())
    }

    /// When a question has taken too long, or an NS RRset is to be asked for again; that servers are
    /// silent, the driver reports.
    fn wake_at(&self) -> Option<Timestamp> {
        self.upkeep.next_at()
    }
}
