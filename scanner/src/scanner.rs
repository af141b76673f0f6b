//! The agent: when it scans, whom, and what becomes of the verdicts.
//!
//! Owns the times, the runs under way, and the order *persist, then act*. It judges nothing itself.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::IpAddr,
    time::Duration,
};

use counterpoint_dns::{
    agent::{Agent, Input, Output, Record, Transport},
    exchange::{Exchanges, Outcome as Came},
    name::Name,
    signature::Verifier,
    stream::Stream,
    time::Timestamp,
};
use rand::{RngExt as _, SeedableRng as _};

use crate::{
    apply::{Applied, UpdateRequest, update},
    config::{Config, Policy},
    delegation::{Delegation, ParentZone, TransferRequest},
    gather::{
        Answer, Gathered,
        phase::{Slot, Target},
        run::{Run, Surroundings, Want},
    },
    judge::{judge_cds, judge_csync},
    ledger::{About, Ledger, note},
    patience::Patience,
    state::{self, Memory, Pending},
    verdict::{Change, Outcome, Verdict},
};

/// How long after its time a change is still made: what was judged earlier is judged again.
const OVERDUE_MAX: Duration = Duration::from_secs(3_600);
/// The pause before an update is sent again that nobody answered.
const UPDATE_PAUSE: Duration = Duration::from_secs(60);

/// What a scanner can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Scan every child now. The verdicts are those of a scan in time (K-14).
    ScanNow,
}

/// What an exchange is about.
#[derive(Clone, Debug)]
enum Tag {
    Transfer(TransferRequest),
    Child(Name, Target, Slot),
    Update(Name, UpdateRequest),
}

/// The children that the next scan is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Wanted {
    /// All of them.
    all: bool,
    /// Those that wait for silent servers as well.
    impatient: bool,
    /// These.
    some: BTreeSet<Name>,
}

impl Wanted {
    fn is_empty(&self) -> bool {
        !self.all && self.some.is_empty()
    }
}

/// The parental agent of one zone.
#[derive(Debug)]
pub struct Scanner {
    config: Config,
    policy: Policy,
    stream: Stream,
    exchanges: Exchanges<Tag>,
    verifier: Verifier,
    next_scan: Timestamp,
    wanted: Wanted,
    /// What the transfer under way is for.
    transfer: Option<Wanted>,
    addresses: BTreeMap<Name, BTreeSet<IpAddr>>,
    runs: BTreeMap<Name, Run>,
    patience: Patience,
    memory: Memory,
    /// Updates that wait to be sent (again), by time.
    sending: BTreeMap<Name, Timestamp>,
    /// Updates whose effect is only known when the zone is seen again.
    doubtful: BTreeSet<Name>,
    ledger: Ledger,
    outbox: VecDeque<Output>,
}

impl Scanner {
    /// A scanner that remembers nothing.
    pub fn new(config: Config, stream: Stream) -> Self {
        Self::restore(config, stream, [])
    }

    /// A scanner that goes on where its records end.
    pub fn restore(
        config: Config,
        mut stream: Stream,
        records: impl IntoIterator<Item = Record>,
    ) -> Self {
        let memory = Memory::restore(records);
        let sending = memory.pending.iter();
        let sending = sending
            .map(|(child, pending)| (child.clone(), pending.due))
            .collect();
        Self {
            policy: config.policy(),
            next_scan: config.first_scan,
            exchanges: Exchanges::new(Stream::from_rng(&mut stream)),
            config,
            stream,
            verifier: Verifier::default(),
            wanted: Wanted::default(),
            transfer: None,
            addresses: BTreeMap::new(),
            runs: BTreeMap::new(),
            patience: Patience::default(),
            memory,
            sending,
            doubtful: BTreeSet::new(),
            ledger: Ledger::default(),
            outbox: VecDeque::new(),
        }
    }

    /// How often each reason code was given.
    pub fn reasons(&self) -> BTreeMap<&'static str, u64> {
        self.ledger.reasons()
    }

    /// Accepted changes that are not yet made.
    pub fn pending(&self) -> impl Iterator<Item = (&Name, Timestamp, &Change)> {
        let pending = self.memory.pending.iter();
        pending.map(|(child, pending)| (child, pending.due, &pending.change))
    }

    /// How many requests it has sent.
    pub fn sent(&self) -> u64 {
        self.exchanges.sent()
    }

    fn around(&self, now: Timestamp) -> Surroundings<'_> {
        Surroundings {
            config: &self.config,
            policy: &self.policy,
            zone: &self.addresses,
            resolves: false,
            now,
        }
    }

    /// Does everything whose time has come.
    fn advance(&mut self, now: Timestamp) {
        if self.next_scan <= now {
            self.next_scan = now + self.config.interval;
            self.wanted.all = true;
        }
        let waiting: Vec<Name> = self
            .patience
            .times()
            .filter(|(child, until)| *until <= now && !self.runs.contains_key(*child))
            .map(|(child, _)| child.clone())
            .collect();
        // They are in hand already, if a transfer for them is under way.
        let in_hand = self.transfer.as_ref();
        self.wanted.some.extend(waiting.into_iter().filter(|child| {
            !in_hand.is_some_and(|wanted| wanted.all || wanted.some.contains(child))
        }));
        if self.transfer.is_none() && !self.wanted.is_empty() {
            self.ask_for_zone(now);
        }
        let due: Vec<Name> = self
            .sending
            .iter()
            .filter(|(_, at)| **at <= now)
            .map(|(child, _)| child.clone())
            .collect();
        for child in due {
            self.send_update(&child, now);
        }
    }

    fn ask_for_zone(&mut self, now: Timestamp) {
        self.transfer = Some(std::mem::take(&mut self.wanted));
        let id = self.exchanges.message_id();
        let tsig = self.config.tsig.as_ref();
        let (request, octets) = TransferRequest::new(id, &self.config.parent, tsig, now);
        let to = self.config.parent_primary;
        self.exchanges
            .ask_raw(to, Transport::Tcp, octets, Tag::Transfer(request));
    }

    fn zone_came(&mut self, request: &TransferRequest, came: Came, now: Timestamp) {
        let wanted = self.transfer.take().unwrap_or_default();
        let zone = match came {
            Came::Raw(octets) => request.read(&octets, self.config.tsig.as_ref(), now),
            Came::Reply(_) => return,
            Came::Unanswered(why) => Err(crate::delegation::BadTransfer(why.to_string())),
        };
        let parent = self.config.parent.clone();
        match zone {
            Ok(zone) => {
                self.ledger.settle(&parent);
                self.scan(zone, &wanted, now);
            }
            Err(error) => {
                let text = error.to_string();
                let said = self
                    .ledger
                    .say(&parent, About::Delegation, "TRANSFER_FAILED", text);
                self.outbox.extend(said);
                // those that do not wait for the next scan anyway wait for their next turn.
                for child in wanted.some {
                    self.patience.wait(&child, [].iter(), &[UPDATE_PAUSE], now);
                }
            }
        }
    }

    /// Begins the scan of every child that is wanted.
    fn scan(&mut self, zone: ParentZone, wanted: &Wanted, now: Timestamp) {
        let ParentZone {
            delegations,
            addresses,
            ..
        } = zone;
        self.addresses = addresses;
        self.patience
            .retain(|child| delegations.contains_key(child));
        for child in std::mem::take(&mut self.doubtful) {
            self.settle_doubt(&child, delegations.get(&child));
        }
        for (child, delegation) in delegations {
            let waits = self.patience.waits(&child, now) && !wanted.impatient;
            let is_wanted = wanted.some.contains(&child) || wanted.all && !waits;
            let is_busy =
                self.runs.contains_key(&child) || self.memory.pending.contains_key(&child);
            if !is_wanted || is_busy {
                continue;
            }
            if delegation.ds.is_none() {
                // ordinary validation says nothing about a child without a DS RRset.
                let text = "X-12 ignore: the delegation has no DS RRset".into();
                let said =
                    self.ledger
                        .say(&child, About::Delegation, "BOOTSTRAP_NOT_SUPPORTED", text);
                self.outbox.extend(said);
                self.patience.forget(&child);
                continue;
            }
            let guards = self.memory.guards.get(&child).cloned().unwrap_or_default();
            let given_up = self.patience.given_up(&child, &self.config.retry);
            let gathered = Gathered::new(delegation, guards);
            let (run, wants) = Run::start(gathered, given_up, self.around(now));
            self.runs.insert(child.clone(), run);
            self.pursue(&child, wants, now);
        }
    }

    /// Carries out what a run wants, and judges it once it has everything.
    fn pursue(&mut self, child: &Name, wants: Vec<Want>, now: Timestamp) {
        for want in wants {
            match want {
                Want::Ask {
                    to,
                    via,
                    question,
                    target,
                    slot,
                } => {
                    let tag = Tag::Child(child.clone(), target, slot);
                    self.exchanges.ask_via(to, via, question, tag);
                }
                Want::Resolve(_) => {}
            }
        }
        if self.runs.get(child).is_some_and(Run::is_done)
            && let Some(run) = self.runs.remove(child)
        {
            self.conclude(child, run.gathered, now);
        }
    }

    fn child_answered(
        &mut self,
        child: &Name,
        target: Target,
        slot: &Slot,
        came: Came,
        now: Timestamp,
    ) {
        let answer = match came {
            Came::Reply(reply) => Answer::from_reply(reply),
            Came::Raw(_) => return,
            Came::Unanswered(why) => Answer::Unusable(why.to_string()),
        };
        let Some(mut run) = self.runs.remove(child) else {
            return;
        };
        let wants = run.answered(target, slot, answer, self.around(now));
        self.runs.insert(child.clone(), run);
        self.pursue(child, wants, now);
    }

    fn conclude(&mut self, child: &Name, gathered: Gathered, now: Timestamp) {
        let (policy, verifier) = (&self.policy, &mut self.verifier);
        let config = &self.config;
        let ds = config
            .cds
            .then(|| judge_cds(&gathered, policy, now, verifier));
        let mut csync = config
            .csync
            .then(|| judge_csync(&gathered, policy, now, verifier));
        let accepted = |verdict: &Option<Verdict>| {
            let verdict = verdict.as_ref();
            verdict.is_some_and(|verdict| verdict.outcome == Outcome::Accept)
        };
        if accepted(&ds) && accepted(&csync) {
            // each was judged by the other's present state. One at a time.
            let why = vec!["the DS RRset changes first; to be judged again after that".into()];
            let later = Verdict::without_change(Outcome::Delay, "X-17", "DS_CHANGE_FIRST", why);
            csync = Some(later);
        }
        let mut is_silent = false;
        for (about, verdict) in [(About::Ds, ds), (About::Csync, csync)] {
            let Some(verdict) = verdict else {
                continue;
            };
            let said = self.ledger.verdict(child, about, &verdict);
            self.outbox.extend(said);
            is_silent |= verdict.reason == "SERVER_SILENT";
            if verdict.outcome == Outcome::Accept {
                self.accept(child, verdict, now);
            }
        }
        if is_silent {
            let servers = gathered.servers.iter();
            self.patience.wait(child, servers, &self.config.retry, now);
        } else {
            self.patience.forget(child);
        }
    }

    /// Makes an acceptance durable. Its effect comes later.
    fn accept(&mut self, child: &Name, verdict: Verdict, now: Timestamp) {
        let Some(change) = verdict.change else {
            return;
        };
        let guards = self.memory.guards.entry(child.clone()).or_default();
        state::merge(guards, &verdict.guards);
        let (shortest, longest) = self.config.publish_delay.clone().into_inner();
        let nanos = |span: Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        let range = nanos(shortest)..=nanos(longest.max(shortest));
        let due = now + Duration::from_nanos(self.stream.random_range(range));
        let rule = verdict.rule.into();
        let pending = Pending { due, rule, change };
        self.memory.pending.insert(child.clone(), pending);
        self.sending.insert(child.clone(), due);
        let records = [
            self.memory.guard_record(child),
            self.memory.pending_record(child),
        ];
        self.outbox.extend(records.map(Output::Persist));
    }

    fn send_update(&mut self, child: &Name, now: Timestamp) {
        self.sending.remove(child);
        let Some(pending) = self.memory.pending.get(child) else {
            return;
        };
        if now - pending.due > OVERDUE_MAX {
            let text = format!("K-12 abort: its time was {}; judged again", pending.due);
            let said = self
                .ledger
                .say(child, About::Delegation, "VERDICT_EXPIRED", text);
            self.outbox.extend(said);
            self.drop_pending(child);
            return;
        }
        let update = update(&self.config.parent, &pending.change);
        let id = self.exchanges.message_id();
        let (request, octets) = UpdateRequest::new(id, &update, self.config.tsig.as_ref(), now);
        let (to, tag) = (
            self.config.parent_primary,
            Tag::Update(child.clone(), request),
        );
        self.exchanges.ask_raw(to, Transport::Tcp, octets, tag);
    }

    fn update_answered(
        &mut self,
        child: &Name,
        request: &UpdateRequest,
        came: Came,
        now: Timestamp,
    ) {
        let answer = match came {
            Came::Raw(octets) => request.read(&octets, self.config.tsig.as_ref(), now),
            _ => None,
        };
        match answer {
            // Nobody knows whether it was made; made twice it has no second effect, because the
            // prerequisites hold only once.
            None => {
                self.sending.insert(child.clone(), now + UPDATE_PAUSE);
            }
            Some(Applied::Done) => self.applied(child, "applied"),
            Some(Applied::ParentChanged) => {
                self.doubtful.insert(child.clone());
                self.wanted.some.insert(child.clone());
            }
            Some(refused @ Applied::Refused(_)) => {
                let text = format!("abort: {refused}");
                let said = self
                    .ledger
                    .say(child, About::Delegation, "UPDATE_REFUSED", text);
                self.outbox.extend(said);
                self.drop_pending(child);
            }
        }
    }

    /// The prerequisites did not hold: the change is there already, or the parent has moved on.
    fn settle_doubt(&mut self, child: &Name, delegation: Option<&Delegation>) {
        let Some(pending) = self.memory.pending.get(child) else {
            return;
        };
        let is_made = delegation.is_some_and(|delegation| has(delegation, &pending.change));
        if is_made {
            self.applied(child, "applied before");
            return;
        }
        let text = "abort: the delegation is no longer what was judged; judged again".into();
        let said = self
            .ledger
            .say(child, About::Delegation, "PARENT_CHANGED", text);
        self.outbox.extend(said);
        self.drop_pending(child);
    }

    fn applied(&mut self, child: &Name, how: &str) {
        if let Some(pending) = self.memory.pending.get(child) {
            let text = format!("{} {how}: {}", pending.rule, pending.change);
            let types: BTreeSet<String> = pending
                .change
                .changed()
                .map(|set| set.rtype.to_string())
                .collect();
            let subject = Vec::from_iter(types).join("+");
            self.outbox
                .push_back(note(child, "applied", &subject, text));
        }
        self.ledger.settle(child);
        self.drop_pending(child);
    }

    fn drop_pending(&mut self, child: &Name) {
        self.memory.pending.remove(child);
        self.sending.remove(child);
        let record = self.memory.pending_record(child);
        self.outbox.push_back(Output::Persist(record));
    }
}

/// Whether the delegation is what the change makes of it.
fn has(delegation: &Delegation, change: &Change) -> bool {
    use counterpoint_dns::name::RecordType;
    change.changed().all(|set| {
        let there = match set.rtype {
            RecordType::DS => delegation.ds.as_ref(),
            RecordType::NS => Some(&delegation.ns),
            rtype => delegation.glue.get(&(set.name.clone(), rtype)),
        };
        match there {
            Some(there) => there.data == set.wanted.data,
            None => set.wanted.data.is_empty(),
        }
    })
}

impl Agent for Scanner {
    type Command = Command;

    fn handle(&mut self, now: Timestamp, input: Input<Command>) {
        let came = match input {
            Input::Command(Command::ScanNow) => {
                self.wanted.all = true;
                self.wanted.impatient = true;
                None
            }
            Input::Answer { id, bytes } => self.exchanges.answered(id, bytes),
            Input::Failure { id } => self.exchanges.failed(id),
            Input::Wake => None,
        };
        match came {
            Some((Tag::Transfer(request), came)) => self.zone_came(&request, came, now),
            Some((Tag::Child(child, target, slot), came)) => {
                self.child_answered(&child, target, &slot, came, now);
            }
            Some((Tag::Update(child, request), came)) => {
                self.update_answered(&child, &request, came, now);
            }
            None => {}
        }
        self.advance(now);
    }

    fn poll(&mut self, _now: Timestamp) -> Option<Output> {
        // What is to be durable comes before what it makes happen.
        self.outbox.pop_front().or_else(|| self.exchanges.poll())
    }

    fn wake_at(&self) -> Option<Timestamp> {
        let waiting = self
            .patience
            .times()
            .filter(|(child, _)| !self.runs.contains_key(*child))
            .map(|(_, until)| until);
        let sending = self.sending.values().copied();
        let waiting = self.transfer.is_none().then_some(waiting);
        let times = waiting.into_iter().flatten().chain(sending);
        times.chain([self.next_scan]).min()
    }
}
