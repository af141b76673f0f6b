//! The survey of children: subjects in, findings out.
//!
//! A [`Survey`] is an agent. Told a [`Subject`], it asks every server of that delegation what a verdict
//! needs and gives a [`Finding`]: what was gathered, and the verdicts. Children are surveyed at the same
//! time and independently of each other. It owns the questions under way; it refuses to know where
//! subjects come from, when they are due, and what becomes of a verdict.

mod finding;
mod meter;
pub mod pace;
mod report;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

use counterpoint_dns::{
    agent::{Agent, AskId, Input, Output},
    exchange::{Exchanges, Outcome as Came},
    name::{Name, RecordType},
    resolver::{self, Resolution, Resolver, Status},
    stream::Stream,
    time::Timestamp,
    validate::shared::SharedVerifier,
};
use rand::{RngExt as _, SeedableRng as _};

pub use self::finding::Finding;
use self::{
    meter::{Excess, Meters},
    pace::{Limits, Pace},
    report::reports,
};

use crate::{
    config::{Config, Depth},
    delegation::{Delegation, operator_of},
    gather::{
        Answer, Gathered,
        phase::{Slot, Target, ZoneAddresses},
        run::{Run, Surroundings, Want},
    },
    registry::Facts,
    state::ChildState,
};

/// Its requests are numbered from here on; those of its resolver lie above.
const FIRST_ASK: u64 = 1 << 61;

/// A child to be surveyed, with everything that is known of it beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The delegation as the parent has it.
    pub delegation: Delegation,
    /// What is remembered of it.
    pub state: ChildState,
    /// What the registry's own data say of it.
    pub facts: Facts,
    /// Servers that were silent for the whole retry schedule.
    pub given_up: BTreeSet<String>,
    /// Where errors are to be reported (RFC 9567), if the NOTIFY that brought this about named a place.
    pub report_to: Option<Name>,
}

/// Numbers runs: names are dear to compare.
type RunId = u64;

/// Where the answer to a question belongs.
#[derive(Clone, Debug)]
struct Place {
    run: RunId,
    target: Target,
    slot: Slot,
}

/// Surveys children.
#[derive(Debug)]
pub struct Survey {
    config: Config,
    exchanges: Exchanges<Place>,
    resolver: Option<Resolver>,
    /// What each run has cost so far.
    meters: Meters,
    /// For which run each of the resolver's tickets is.
    lookups: BTreeMap<u64, RunId>,
    verifier: SharedVerifier,
    zone: Arc<dyn ZoneAddresses>,
    // Boxed: a run is large, and is taken out and put back with every answer.
    runs: BTreeMap<RunId, Box<Run>>,
    run_of: BTreeMap<Name, RunId>,
    /// Where errors of runs are to be reported.
    report_to: BTreeMap<RunId, Name>,
    next_run: RunId,
    findings: VecDeque<Finding>,
    /// Holds questions back; without it they leave as they come.
    pace: Option<Pace>,
    /// Children whose survey begins later, with the place of each in time.
    later: BTreeMap<(Timestamp, Name), Subject>,
    jitter: Stream,
}

impl Survey {
    /// A survey of nothing yet.
    pub fn new(mut config: Config, mut stream: Stream) -> Self {
        let verifier = SharedVerifier::default();
        let bounds = config.policy.bounds.clone();
        let bad_max = Some(bounds.bad_signatures_max);
        config.policy.validation.tolerance.bad_signatures_max = bad_max;
        let resolver = config.resolver.clone().map(|mut config| {
            config.policy.tolerance.bad_signatures_max = bad_max;
            config.bounds = bounds.of_rrset();
            let stream = Stream::from_rng(&mut stream);
            Resolver::new(config, stream).sharing(verifier.clone())
        });
        // A stream that nobody draws from unless there are limits: runs without stay what they are.
        let jitter = stream.clone();
        Self {
            pace: None,
            later: BTreeMap::new(),
            jitter,
            exchanges: Exchanges::new(stream).numbered_from(FIRST_ASK),
            config,
            resolver,
            meters: Meters::new(bounds),
            lookups: BTreeMap::new(),
            verifier,
            zone: Arc::new(BTreeMap::new()),
            runs: BTreeMap::new(),
            run_of: BTreeMap::new(),
            report_to: BTreeMap::new(),
            next_run: 0,
            findings: VecDeque::new(),
        }
    }

    /// Uses a verifier that others use too.
    pub fn sharing(mut self, verifier: SharedVerifier) -> Self {
        self.resolver = self
            .resolver
            .map(|resolver| resolver.sharing(verifier.clone()));
        self.verifier = verifier;
        self
    }

    /// Asks no faster than this, and nobody who is not to be asked.
    pub fn paced(mut self, limits: Limits) -> Self {
        self.jitter = Stream::from_rng(&mut self.jitter);
        self.pace = Some(Pace::new(limits));
        self
    }

    /// Whether a request is a survey's.
    pub fn owns(id: AskId) -> bool {
        id.0 >= FIRST_ASK
    }

    /// Knows from now on where the parent's zone says that nameservers are.
    pub fn set_zone_addresses(&mut self, zone: Arc<dyn ZoneAddresses>) {
        self.zone = zone;
    }

    /// Begins the survey of a child, now or as jitter has it. A child that is under way already goes on
    /// as it is.
    pub fn begin(&mut self, subject: Subject, now: Timestamp) {
        let jitter = self.pace.as_ref().map(|pace| pace.limits().jitter);
        let nanos = jitter.map_or(0, |jitter| jitter.as_nanos() as u64);
        if nanos == 0 {
            return self.begin_now(subject, now);
        }
        let start = now + Duration::from_nanos(self.jitter.random_range(0..=nanos));
        let child = subject.delegation.child.clone();
        self.later.insert((start, child), subject);
    }

    fn begin_now(&mut self, subject: Subject, now: Timestamp) {
        if self.is_under_way(&subject.delegation.child) {
            return;
        }
        let id = self.next_run;
        self.next_run += 1;
        self.run_of.insert(subject.delegation.child.clone(), id);
        if let Some(agent) = subject.report_to {
            self.report_to.insert(id, agent);
        }
        self.meters.begin(id, now);
        let gathered = Gathered::new(subject.delegation, subject.state, subject.facts);
        let lot = match self.config.depth {
            Depth::Glance => self.exchanges.message_id(),
            Depth::Signals | Depth::Everything => 0,
        };
        let (run, wants) = Run::start(gathered, subject.given_up, lot, self.around(now));
        self.pursue(id, Box::new(run), wants, now);
        // What the resolver has in its cache is there already.
        self.take_resolutions(now);
    }

    /// The next finding, in the order in which they came to be.
    pub fn take_finding(&mut self) -> Option<Finding> {
        self.findings.pop_front()
    }

    /// Whether this child is under way.
    pub fn is_under_way(&self, child: &Name) -> bool {
        self.run_of.contains_key(child)
    }

    /// How many children are under way.
    pub fn under_way(&self) -> usize {
        self.runs.len() + self.later.len()
    }

    /// How many requests were sent to servers of children, retries included.
    pub fn sent(&self) -> u64 {
        self.exchanges.sent()
    }

    fn around(&self, now: Timestamp) -> Surroundings<'_> {
        Surroundings {
            config: &self.config,
            policy: &self.config.policy,
            zone: &*self.zone,
            resolves: self.resolver.is_some(),
            now,
        }
    }

    /// Carries out what a run wants, and judges it once it has everything.
    fn pursue(&mut self, id: RunId, run: Box<Run>, wants: Vec<Want>, now: Timestamp) {
        let servers = run.gathered.servers.len() + run.gathered.added.len();
        if let Err(excess) = self.meters.serves(servers) {
            self.runs.insert(id, run);
            return self.cut_short(id, &excess, now);
        }
        for want in wants {
            match want {
                Want::Ask {
                    to,
                    via,
                    question,
                    target,
                    slot,
                } => {
                    let place = Place {
                        run: id,
                        target,
                        slot,
                    };
                    self.exchanges.ask_via(to, via, question, place);
                }
                Want::Resolve(question) => {
                    if let Some(resolver) = &mut self.resolver {
                        let ticket = resolver.resolve(now, question);
                        self.lookups.insert(ticket, id);
                    }
                }
                Want::Vouch(question) => {
                    if let Some(resolver) = &mut self.resolver {
                        let ticket = resolver.resolve_fresh(now, question);
                        self.lookups.insert(ticket, id);
                    }
                }
            }
        }
        match run.is_done() {
            true => {
                self.end(id, &run);
                self.conclude(id, run.gathered, now);
            }
            false => {
                self.runs.insert(id, run);
            }
        }
    }

    fn next_output(&mut self, now: Timestamp) -> Option<Output> {
        let own = self.exchanges.poll();
        own.or_else(|| self.resolver.as_mut()?.poll(now))
    }

    /// Who operates the server that a question is for, if any limit minds that. The resolver's questions
    /// go to servers above the children, which are limited by address.
    fn operator_for(&self, output: &Output) -> Option<Name> {
        let Output::Ask { id, .. } = output else {
            return None;
        };
        let pace = self.pace.as_ref()?;
        if !pace.limits().minds_operators() {
            return None;
        }
        let place = self.exchanges.tag(*id)?;
        let server = self.runs.get(&place.run)?.server(place.target)?;
        server.hosts.first().map(operator_of)
    }

    /// Answers for a server that is not to be asked.
    fn refuse(&mut self, id: AskId, why: String, now: Timestamp) {
        if Resolver::owns(id) {
            self.resolver_takes(now, Input::Failure { id });
            self.take_resolutions(now);
        } else if let Some((place, came)) = self.exchanges.refuse(id, why) {
            self.answered(place, came, now);
        }
    }

    fn resolver_takes(&mut self, now: Timestamp, input: Input<resolver::Command>) {
        if let Some(resolver) = &mut self.resolver {
            resolver.handle(now, input);
        }
    }

    fn answered(&mut self, place: Place, came: Came, now: Timestamp) {
        let answer = match came {
            Came::Reply(reply) => Answer::from_reply(reply),
            Came::Unanswered(why) => Answer::Unusable(why.to_string()),
            Came::Raw(_) => return,
        };
        let Some(mut run) = self.runs.remove(&place.run) else {
            return;
        };
        let wants = run.answered(place.target, &place.slot, answer, self.around(now));
        self.pursue(place.run, run, wants, now);
    }

    /// Hands on what the resolver has found by now. Only what it vouches for counts.
    fn take_resolutions(&mut self, now: Timestamp) {
        loop {
            let taken = self.resolver.as_mut().and_then(Resolver::take_resolution);
            let Some(resolution) = taken else {
                return;
            };
            let Some(id) = self.lookups.remove(&resolution.ticket) else {
                continue;
            };
            let Some(mut run) = self.runs.remove(&id) else {
                continue;
            };
            let wants = match resolution.question.rtype {
                RecordType::CDS | RecordType::CDNSKEY => run.vouched(resolution, self.around(now)),
                _ => {
                    let host = resolution.question.name.clone();
                    run.resolved(&host, addresses_in(&resolution), self.around(now))
                }
            };
            self.pursue(id, run, wants, now);
        }
    }

    fn conclude(&mut self, id: RunId, gathered: Gathered, now: Timestamp) {
        let finding = {
            let verifier = &mut *self.verifier.lock();
            Finding::judged(gathered, &self.config.policy, now, verifier)
        };
        self.found(id, finding, now);
    }

    /// Reports what went wrong, if somebody is to be told, and hands the finding on.
    fn found(&mut self, id: RunId, finding: Finding, now: Timestamp) {
        if let Some(agent) = self.report_to.remove(&id)
            && let Some(resolver) = &mut self.resolver
        {
            // Nobody waits for the answer: to be asked is to be told.
            for question in reports(&finding, &agent) {
                resolver.resolve_fresh(now, question);
            }
        }
        self.findings.push_back(finding);
    }

    /// Ends the survey of a child that costs too much.
    fn cut_short(&mut self, id: RunId, excess: &Excess, now: Timestamp) {
        let Some(run) = self.runs.remove(&id) else {
            return;
        };
        self.end(id, &run);
        self.exchanges.give_up(|place| place.run == id);
        let finding = Finding::beyond(excess, run.gathered, &self.config.policy);
        self.found(id, finding, now);
    }

    fn end(&mut self, id: RunId, run: &Run) {
        self.run_of.remove(run.gathered.child());
        self.meters.end(id);
    }

    /// Takes an answer of a child's server; nothing, if the exchange goes on, or the child costs too much.
    fn exchanged(&mut self, id: AskId, bytes: Vec<u8>, now: Timestamp) -> Option<(Place, Came)> {
        let run = self.exchanges.tag(id).map(|place| place.run);
        let octets = bytes.len();
        let came = self.exchanges.answered(id, bytes);
        let run = run?;
        let reply = match &came {
            Some((_, Came::Reply(reply))) => Some(reply),
            _ => None,
        };
        match self.meters.take(run, octets, reply) {
            Ok(()) => came,
            Err(excess) => {
                self.cut_short(run, &excess, now);
                None
            }
        }
    }

    /// Ends the surveys whose time is up.
    fn expire(&mut self, now: Timestamp) {
        while let Some((id, excess)) = self.meters.expired(now) {
            self.cut_short(id, &excess, now);
        }
    }
}

impl Agent for Survey {
    type Command = Subject;

    fn handle(&mut self, now: Timestamp, input: Input<Subject>) {
        let resolvers = match &input {
            Input::Answer { id, .. } | Input::Failure { id } => Resolver::owns(*id),
            Input::Command(_) | Input::Web { .. } | Input::Wake => false,
        };
        if let Input::Answer { id, .. } | Input::Failure { id } = &input
            && let Some(pace) = &mut self.pace
        {
            pace.ended(*id);
        }
        let came = match input {
            Input::Command(subject) => {
                self.begin(subject, now);
                None
            }
            Input::Answer { id, bytes } if resolvers => {
                self.resolver_takes(now, Input::Answer { id, bytes });
                None
            }
            Input::Failure { id } if resolvers => {
                self.resolver_takes(now, Input::Failure { id });
                None
            }
            Input::Answer { id, bytes } => self.exchanged(id, bytes, now),
            Input::Failure { id } => self.exchanges.failed(id),
            Input::Web { .. } => None,
            Input::Wake => {
                self.resolver_takes(now, Input::Wake);
                None
            }
        };
        self.expire(now);
        if let Some((place, came)) = came {
            self.answered(place, came, now);
        }
        self.take_resolutions(now);
    }

    fn poll(&mut self, now: Timestamp) -> Option<Output> {
        while let Some(entry) = self.later.first_entry()
            && entry.key().0 <= now
        {
            let subject = entry.remove();
            self.begin_now(subject, now);
        }
        if self.pace.is_none() {
            return self.next_output(now);
        }
        while let Some(output) = self.next_output(now) {
            if let Output::Ask { id, to, .. } = &output
                && self
                    .pace
                    .as_ref()
                    .is_some_and(|pace| !pace.limits().allows(to.ip()))
            {
                let (id, why) = (*id, format!("{} is for special use: not asked", to.ip()));
                self.refuse(id, why, now);
                continue;
            }
            let operator = self.operator_for(&output);
            let pace = self.pace.as_mut();
            let given_back = pace.and_then(|pace| pace.offer(output, operator, now));
            if given_back.is_some() {
                return given_back;
            }
        }
        while let Some(output) = self.pace.as_mut()?.poll(now) {
            match &output {
                // The child that it was for is surveyed no longer.
                Output::Ask { id, .. }
                    if !Resolver::owns(*id) && self.exchanges.tag(*id).is_none() =>
                {
                    self.pace.as_mut()?.ended(*id);
                }
                _ => return Some(output),
            }
        }
        None
    }

    fn wake_at(&self) -> Option<Timestamp> {
        let resolving = self.resolver.as_ref().and_then(Resolver::wake_at);
        let pace = self.pace.as_ref().and_then(Pace::wake_at);
        let later = self.later.first_key_value().map(|((start, _), _)| *start);
        let meters = self.meters.wake_at();
        let all = [resolving, pace, later, meters].into_iter();
        all.flatten().min()
    }
}

/// The addresses of a resolution that is not bogus and did not fail.
fn addresses_in(resolution: &Resolution) -> Vec<IpAddr> {
    let is_good = matches!(resolution.status, Status::Secure | Status::Insecure);
    let answer = resolution.answer.iter().filter(|_| is_good);
    answer
        .flat_map(|signed| signed.set.data.iter().filter_map(|data| data.as_address()))
        .collect()
}

#[cfg(test)]
mod tests;
