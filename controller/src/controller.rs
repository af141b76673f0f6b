//! The agent: commands and answers in, records, questions and notes out.
//!
//! Owns what the zones share: exchanges, addresses, the order of requests. Every zone has its own
//! engine.

#[cfg(feature = "tool")]
use std::collections::BTreeSet;
use std::collections::{BTreeMap, VecDeque};

use counterpoint_dns::{
    agent::{Agent, AskId, Input, Note, Output, Record},
    exchange::{Exchanges, Outcome as Exchanged},
    name::{Name, parse_name},
    resolver::Resolver,
    stream::Stream,
    time::Timestamp,
    validate::shared::SharedVerifier,
};

use rand_chacha::rand_core::SeedableRng as _;

use crate::{
    agenda::Agenda,
    book::Book,
    command::{Command, RolledKey},
    common::owner,
    config::{Config, SignerName, Zone},
    engine::{Engine, Request},
    io::{Io, Purpose, Tag},
    notify::Notices,
    process::Kind,
    report::ProcessReport,
    updater::{Answer, Paces},
};

#[cfg(feature = "tool")]
use crate::{forecast::Forecast, survey::Sights};

/// Keeps zones valid while their signers change.
pub struct Controller {
    config: Config,
    engines: BTreeMap<Name, Engine>,
    exchanges: Exchanges<Tag>,
    outbox: VecDeque<Output>,
    book: Book,
    agenda: Agenda,
    notices: Notices,
    paces: Paces,
    next_id: u32,
    started: bool,
}

impl Controller {
    /// One that knows what `config` says, and nothing else.
    pub fn new(config: Config, stream: Stream) -> Self {
        Self::restore(config, stream, [])
    }

    /// One that goes on where another, whose records these are, was stopped. Zones that are no
    /// longer declared are left alone.
    pub fn restore(
        config: Config,
        mut stream: Stream,
        records: impl IntoIterator<Item = Record>,
    ) -> Self {
        let zones = config.zones.keys();
        let mut engines: BTreeMap<Name, Engine> = zones
            .map(|zone| (zone.clone(), Engine::new(&config, zone.clone())))
            .collect();
        let mut outbox = VecDeque::new();
        for record in records {
            let mut parts = record.key.splitn(3, '/');
            let (Some(kind), Some(zone)) = (parts.next(), parts.next()) else {
                continue;
            };
            let engine = parse_name(zone)
                .ok()
                .and_then(|zone| engines.get_mut(&zone));
            if engine.is_some_and(|engine| engine.restore(&config, kind, &record).is_none()) {
                outbox.push_back(Output::Note(Note {
                    zone: zone.into(),
                    kind: "warning",
                    subject: "restore".into(),
                    text: format!("the record `{}` cannot be read and is ignored", record.key),
                }));
            }
        }
        let book = Book::new(&config, Stream::from_rng(&mut stream));
        let last = engines.values().filter_map(Engine::last_id).max();
        Self {
            config,
            engines,
            exchanges: Exchanges::new(stream),
            outbox,
            book,
            agenda: Agenda::default(),
            notices: Notices::default(),
            paces: Paces::default(),
            next_id: last.map_or(0, |last| last + 1),
            started: false,
        }
    }

    /// Uses a verifier that others use too.
    pub fn sharing(mut self, verifier: SharedVerifier) -> Self {
        self.book.share(verifier.clone());
        for engine in self.engines.values_mut() {
            engine.share(verifier.clone());
        }
        self
    }

    /// Every process so far, in the order in which they were asked for.
    pub fn report(&self) -> Vec<ProcessReport> {
        let mut all: Vec<(u32, ProcessReport)> = self
            .engines
            .values()
            .flat_map(|engine| engine.reports(&self.config))
            .collect();
        all.sort_by_key(|(id, _)| *id);
        all.into_iter().map(|(_, report)| report).collect()
    }

    /// Who serves `zone`, by what was declared and done.
    pub fn members(&self, zone: &Name) -> Vec<SignerName> {
        let engine = self.engines.get(zone);
        let members = engine.map(|engine| engine.members(&self.config));
        members.into_iter().flatten().collect()
    }

    /// How the open processes of `zone` would go, and after them what `asked` asks for.
    #[cfg(feature = "tool")]
    pub(crate) fn forecast(
        &self,
        zone: &Name,
        asked: &[Request],
        sights: &Sights,
        now: Timestamp,
    ) -> Vec<Forecast> {
        let engine = self.engines.get(zone);
        engine.map_or(Vec::new(), |engine| {
            engine.forecast(&self.config, asked, sights, now)
        })
    }

    /// Who takes part in the open processes of `zone`.
    #[cfg(feature = "tool")]
    pub(crate) fn open_signers(&self, zone: &Name) -> BTreeSet<SignerName> {
        let engine = self.engines.get(zone);
        engine.map_or(BTreeSet::new(), Engine::open_signers)
    }

    /// Questions and updates sent so far.
    pub fn sent(&self) -> u64 {
        self.exchanges.sent() + self.book.sent()
    }

    fn start(&mut self, now: Timestamp) {
        if !self.started {
            self.started = true;
            self.book.refresh(&self.config, now);
            self.each(now, Engine::start);
        }
    }

    fn each(&mut self, now: Timestamp, act: impl Fn(&mut Engine, &mut Io<'_>)) {
        let zones: Vec<Name> = self.engines.keys().cloned().collect();
        for zone in zones {
            self.with(now, &zone, &act);
        }
    }

    /// Lets one zone's engine act. `None` if there is no such zone.
    fn with<T>(
        &mut self,
        now: Timestamp,
        zone: &Name,
        act: impl FnOnce(&mut Engine, &mut Io<'_>) -> T,
    ) -> Option<T> {
        let engine = self.engines.get_mut(zone)?;
        let mut io = Io {
            now,
            config: &self.config,
            exchanges: &mut self.exchanges,
            outbox: &mut self.outbox,
            book: &self.book,
            notices: &mut self.notices,
            paces: &mut self.paces,
            next_id: &mut self.next_id,
        };
        let done = act(engine, &mut io);
        io.drain();
        self.agenda.set(zone, engine.wake_at());
        Some(done)
    }

    /// Lets the zones act whose time has come: those at rest as far as the budget goes.
    fn wake(&mut self, now: Timestamp) {
        let budget = self.config.questions_per_second;
        for zone in self.agenda.take_due(now) {
            let is_at_rest = self.engines.get(&zone).is_some_and(Engine::is_at_rest);
            match budget {
                Some(_) if is_at_rest => self.agenda.queue(zone),
                _ => drop(self.with(now, &zone, Engine::wake)),
            }
        }
        while let Some(a_second) = budget
            && let Some(zone) = self.agenda.take_turn(now)
        {
            let before = self.exchanges.sent();
            self.with(now, &zone, Engine::wake);
            self.agenda
                .pay(now, self.exchanges.sent() - before, a_second);
        }
    }

    /// Takes what became of a question. What a zone at rest asks then, be it the same once more, is
    /// within the budget too.
    fn came(
        &mut self,
        now: Timestamp,
        id: AskId,
        take: impl FnOnce(&mut Exchanges<Tag>) -> Option<(Tag, Exchanged)>,
    ) {
        let before = self.exchanges.sent();
        let asker = self.exchanges.tag(id).map(|tag| tag.zone.clone());
        if let Some((tag, outcome)) = take(&mut self.exchanges) {
            self.exchanged(now, tag, &outcome);
        }
        let asker = asker.and_then(|zone| self.engines.get(&zone));
        if let Some(a_second) = self.config.questions_per_second
            && asker.is_some_and(Engine::is_at_rest)
        {
            self.agenda
                .pay(now, self.exchanges.sent() - before, a_second);
        }
    }

    fn command(&mut self, now: Timestamp, command: Command) {
        match command {
            Command::Join { zone, signer } => {
                self.request(now, &zone, Request::of(Kind::Join, signer));
            }
            Command::Leave { zone, signer, dead } => {
                let leave = Request::of(Kind::Leave, signer);
                self.request(now, &zone, Request { dead, ..leave });
            }
            Command::Replace { zone, from, to } => {
                let after = self.request(now, &zone, Request::of(Kind::Join, to));
                let leave = Request::of(Kind::Leave, from);
                self.request(now, &zone, Request { after, ..leave });
            }
            Command::GroupAdd { group, signer } => {
                for zone in self.zones_of(&group) {
                    self.request(now, &zone, Request::of(Kind::Join, signer.clone()));
                }
            }
            Command::GroupRemove { group, signer } => {
                for zone in self.zones_of(&group) {
                    self.request(now, &zone, Request::of(Kind::Leave, signer.clone()));
                }
            }
            Command::Roll { zone, signer, key } => {
                let kind = match key {
                    RolledKey::Zsk => Kind::RollZsk,
                    RolledKey::Ksk => Kind::RollKsk,
                    RolledKey::Csk => Kind::RollCsk,
                };
                let request = match kind {
                    Kind::RollKsk if signer == owner() => Request::of_group(kind),
                    _ => Request::of(kind, signer),
                };
                self.request(now, &zone, request);
            }
            Command::RollAlgorithm { zone, to } => {
                let algorithm = Some(to);
                let roll = Request::of_group(Kind::RollAlgorithm);
                self.request(now, &zone, Request { algorithm, ..roll });
            }
            Command::GoInsecure { zone } => {
                self.request(now, &zone, Request::of_group(Kind::GoInsecure));
            }
            Command::Announce { zone, signer, keys } => {
                let known = self.with(now, &zone, |engine, io| engine.announce(io, &signer, &keys));
                self.refuse_unknown(&zone, known);
            }
            Command::KskHolder { zone, is_out } => {
                if let Some(common) = self.config.common_ksks.get_mut(&zone) {
                    common.is_out = is_out;
                }
            }
            Command::Step { zone } => {
                let known = self.with(now, &zone, |engine, io| engine.step(io));
                self.refuse_unknown(&zone, known);
            }
            Command::Cancel { zone } => {
                let known = self.with(now, &zone, |engine, io| engine.cancel(io));
                self.refuse_unknown(&zone, known);
            }
        }
    }

    fn refuse_unknown<T>(&mut self, zone: &Name, known: Option<T>) -> Option<T> {
        if known.is_none() {
            self.refuse(&zone.to_string(), "no such zone is under control".into());
        }
        known
    }

    /// The zones of a group; none is worth telling.
    fn zones_of(&mut self, group: &str) -> Vec<Name> {
        let zones = self.config.zones.iter();
        let of_group = |zone: &Zone| matches!(zone, Zone::Group(name) if name == group);
        let found: Vec<Name> = zones
            .filter(|(_, zone)| of_group(zone))
            .map(|(name, _)| name.clone())
            .collect();
        if found.is_empty() {
            self.refuse("", format!("no zone belongs to a group `{group}`"));
        }
        found
    }

    fn request(&mut self, now: Timestamp, zone: &Name, request: Request) -> Option<u32> {
        let id = self.with(now, zone, |engine, io| engine.request(io, request));
        self.refuse_unknown(zone, id)
    }

    fn refuse(&mut self, zone: &str, text: String) {
        self.outbox.push_back(Output::Note(Note {
            zone: zone.into(),
            kind: "refused",
            subject: String::new(),
            text,
        }));
    }

    /// Uses what was looked up, and looks up what a NOTIFY needs.
    fn settle(&mut self, now: Timestamp) {
        loop {
            let (book, exchanges) = (&mut self.book, &mut self.exchanges);
            self.notices.advance(&self.config, book, exchanges, now);
            if !self.book.settle(&self.config, now) {
                break;
            }
            self.each(now, Engine::located);
        }
    }

    fn exchanged(&mut self, now: Timestamp, tag: Tag, outcome: &Exchanged) {
        let Tag { zone, what } = tag;
        if let Purpose::Notify(notified) = &what {
            let outbox = &mut self.outbox;
            return self.notices.answered(notified, outcome, outbox, now);
        }
        self.with(now, &zone, |engine, io| match what {
            Purpose::Notify(_) => {}
            Purpose::Look(look) => engine.looked(io, *look, outcome),
            Purpose::Update(sent) => {
                let answer = match outcome {
                    Exchanged::Raw(bytes) => Some(Answer::Dns(bytes)),
                    Exchanged::Reply(_) | Exchanged::Unanswered(_) => None,
                };
                engine.wrote(io, *sent, answer.as_ref());
            }
        });
    }
}

impl Agent for Controller {
    type Command = Command;

    fn handle(&mut self, now: Timestamp, input: Input<Command>) {
        self.start(now);
        match input {
            Input::Answer { id, bytes } if Resolver::owns(id) => {
                self.book.handle(now, id, Some(bytes));
            }
            Input::Failure { id } if Resolver::owns(id) => self.book.handle(now, id, None),
            Input::Command(command) => self.command(now, command),
            Input::Answer { id, bytes } => {
                self.came(now, id, |exchanges| exchanges.answered(id, bytes));
            }
            Input::Failure { id } => self.came(now, id, |exchanges| exchanges.failed(id)),
            Input::Web { id, answer } => {
                if let Some(Tag { zone, what }) = self.exchanges.web_answered(id)
                    && let Purpose::Update(sent) = what
                {
                    self.with(now, &zone, |engine, io| {
                        if let Err(why) = &answer {
                            let signer = sent.signer.to_string();
                            let text = format!("no answer of {signer}: {why}");
                            io.note(&zone, "warning", signer, text);
                        }
                        let answer = answer.as_ref().ok().map(Answer::Web);
                        engine.wrote(io, *sent, answer.as_ref());
                    });
                }
            }
            Input::Wake => {
                self.book.refresh(&self.config, now);
                self.wake(now);
            }
        }
        self.settle(now);
        self.outbox
            .extend(std::iter::from_fn(|| self.exchanges.poll()));
        self.outbox
            .extend(std::iter::from_fn(|| self.book.poll(now)));
    }

    fn poll(&mut self, now: Timestamp) -> Option<Output> {
        self.start(now);
        self.outbox
            .extend(std::iter::from_fn(|| self.book.poll(now)));
        self.outbox.pop_front()
    }

    fn wake_at(&self) -> Option<Timestamp> {
        match self.started {
            false => Some(Timestamp::MIN),
            true => [self.agenda.next(), self.notices.wake_at()]
                .into_iter()
                .flatten()
                .min(),
        }
    }
}
