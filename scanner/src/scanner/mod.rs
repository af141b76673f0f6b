//! The agent: when it scans, whom, and what becomes of the verdicts.
//!
//! Owns the times, the runs under way, and the order *persist, then act*. It judges nothing itself.

mod braking;
mod publish;
mod scan;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use counterpoint_dns::{
    agent::{Agent, Input, Output, Peer, Record, Server, Transport},
    exchange::Exchanges,
    name::Name,
    stream::Stream,
    time::Timestamp,
    validate::shared::SharedVerifier,
};
use rand::{RngExt as _, SeedableRng as _};

use crate::{
    apply::UpdateRequest,
    config::Config,
    delegation::{Asked, ParentRequest, ParentZone},
    ledger::{About, Ledger, note},
    notified::{Heard, Notified},
    patience::Patience,
    state::Memory,
    survey::Survey,
    verdict::Change,
};

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
    Parent(Asked, ParentRequest),
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
    /// Those of them whose update's effect is not known: only a zone that was asked for afterwards
    /// tells it.
    doubtful: BTreeSet<Name>,
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
    stream: Stream,
    exchanges: Exchanges<Tag>,
    survey: Survey,
    next_scan: Timestamp,
    wanted: Wanted,
    /// What the look at the parent's zone that is under way is for.
    transfer: Option<Wanted>,
    /// The parent's zone as it was transferred last.
    zone: Option<ParentZone>,
    patience: Patience,
    /// Children that a NOTIFY spoke of.
    notified: Notified,
    memory: Memory,
    /// Updates that wait to be sent (again), by time.
    sending: BTreeMap<Name, Timestamp>,
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
        let unreadable = memory.unreadable.iter().map(|(key, why)| {
            let text = format!("left out, the next scan begins without it: {why}");
            note(&config.parent, "record", key, text)
        });
        let outbox = unreadable.collect();
        let sending = memory.pending.iter();
        let sending = sending
            .map(|(child, pending)| (child.clone(), pending.due))
            .collect();
        // Nothing is drawn for it from the stream itself.
        let key = stream.clone().random();
        let survey = Survey::new(config.clone(), Stream::from_rng(&mut stream));
        Self {
            next_scan: config.first_scan,
            exchanges: Exchanges::new(Stream::from_rng(&mut stream)),
            notified: Notified::new(config.policy.notify.clone(), key),
            config,
            stream,
            survey,
            wanted: Wanted::default(),
            transfer: None,
            zone: None,
            patience: Patience::default(),
            memory,
            sending,
            ledger: Ledger::default(),
            outbox,
        }
    }

    /// Uses a verifier that others use too.
    pub fn sharing(mut self, verifier: SharedVerifier) -> Self {
        self.survey = self.survey.sharing(verifier);
        self
    }

    /// The last verdict of one kind about a child: `IGNORE K-04 SIGNER_NOT_IN_DS (evidence)`.
    pub fn said(&self, child: &Name, about: About) -> Option<String> {
        self.ledger.said(child, about)
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
        self.exchanges.sent() + self.survey.sent()
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
            .filter(|(child, until)| *until <= now && !self.survey.is_under_way(child))
            .map(|(child, _)| child.clone())
            .collect();
        let (survey, memory) = (&self.survey, &self.memory);
        let notified = self
            .notified
            .take_due(now, |child| is_busy(survey, memory, child));
        self.wanted.some.extend(notified);
        // They are in hand already, if a transfer for them is under way.
        let in_hand = self.transfer.as_ref();
        self.wanted.some.extend(waiting.into_iter().filter(|child| {
            !in_hand.is_some_and(|wanted| wanted.all || wanted.some.contains(child))
        }));
        if self.transfer.is_none() && !self.wanted.is_empty() {
            self.look_at_zone(now);
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
}

/// Whether a child is being asked, or a change of its delegation is not made yet: the next look has to
/// wait for that.
fn is_busy(survey: &Survey, memory: &Memory, child: &Name) -> bool {
    survey.is_under_way(child) || memory.pending.contains_key(child)
}

impl Agent for Scanner {
    type Command = Command;

    fn handle(&mut self, now: Timestamp, input: Input<Command>) {
        let came = match input {
            Input::Answer { id, bytes } if Survey::owns(id) => {
                self.survey.handle(now, Input::Answer { id, bytes });
                None
            }
            Input::Failure { id } if Survey::owns(id) => {
                self.survey.handle(now, Input::Failure { id });
                None
            }
            Input::Command(Command::ScanNow) => {
                self.wanted.all = true;
                self.wanted.impatient = true;
                None
            }
            Input::Answer { id, bytes } => self.exchanges.answered(id, bytes),
            Input::Failure { id } => self.exchanges.failed(id),
            Input::Web { .. } | Input::Wake => None,
        };
        match came {
            Some((Tag::Parent(Asked::Serial, request), came)) => {
                self.serial_came(&request, &came, now);
            }
            Some((Tag::Parent(Asked::All, request), came)) => self.zone_came(&request, &came, now),
            Some((Tag::Update(child, request), came)) => {
                self.update_answered(&child, &request, came, now);
            }
            None => {}
        }
        self.take_findings(now);
        self.advance(now);
    }

    fn poll(&mut self, now: Timestamp) -> Option<Output> {
        // What is to be durable comes before what it makes happen.
        let own = self.outbox.pop_front().or_else(|| self.exchanges.poll());
        own.or_else(|| self.survey.poll(now))
    }

    fn wake_at(&self) -> Option<Timestamp> {
        let waiting = self
            .patience
            .times()
            .filter(|(child, _)| !self.survey.is_under_way(child))
            .map(|(_, until)| until);
        let sending = self.sending.values().copied();
        let waiting = self.transfer.is_none().then_some(waiting);
        let times = waiting.into_iter().flatten().chain(sending);
        let notified = {
            let is_busy = |child: &Name| is_busy(&self.survey, &self.memory, child);
            self.notified.wake_at(is_busy)
        };
        times
            .chain(notified)
            .chain([self.next_scan])
            .chain(self.survey.wake_at())
            .min()
    }
}

impl Server for Scanner {
    /// Takes a NOTIFY (N-08 to N-12). Before the zone was seen every name may be a child.
    fn respond(
        &mut self,
        now: Timestamp,
        from: Peer,
        _via: Transport,
        request: &[u8],
    ) -> Option<Vec<u8>> {
        let zone = self.zone.as_ref();
        let is_child = |name: &Name| zone.is_none_or(|zone| zone.delegations.contains_key(name));
        let parent = &self.config.parent;
        let heard = self
            .notified
            .respond(request, from.ip(), parent, is_child, now);
        let (answer, heard) = heard;
        if let Heard::Due(question) = heard {
            let text = format!("from {}", from.ip());
            let heard = note(&question.name, "notify", &question.rtype.to_string(), text);
            self.outbox.push_back(heard);
        }
        self.advance(now);
        answer
    }
}
