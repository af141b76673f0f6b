//! The agents of a run: their seats in the world, and their restarts.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use counterpoint_controller::{Command as ControllerCommand, Controller, Outcome};
use counterpoint_dns::{
    agent::{Agent, Input, Note, Output, Record, Server},
    name::Name,
    resolver::{self, Resolver},
    stream::{Stream, stream},
    validate::shared::SharedVerifier,
};
use counterpoint_scanner::{Command as ScannerCommand, Scanner};
use counterpoint_simnet::{
    clock::Skew,
    topology::Stage,
    world::{Heard, SeatId, World},
};

use super::{
    direction::{Cut, Direction, Who},
    plan, resolvers,
};
use crate::scenario::{Range, Scenario, Target};

/// An agent in its seat, with what it asked to be kept.
pub struct Seated<A> {
    /// Its place in the world.
    pub seat: SeatId,
    /// The agent.
    pub agent: A,
    /// How many of its outputs were carried out.
    pub outputs: u64,
    /// After how many it is stopped.
    cut: Option<u64>,
    who: String,
    /// How far its clock is off.
    clock: Skew,
}

/// What agents asked to be made durable, by key.
pub type Store = BTreeMap<String, String>;

impl<A: Agent> Seated<A> {
    /// Gives an agent a seat, and lets it say what it wants.
    pub fn new(world: &mut World, address: IpAddr, who: &str, agent: A) -> Self {
        Self {
            seat: world.seat(address),
            agent,
            outputs: 0,
            cut: None,
            who: who.into(),
            clock: Skew::NONE,
        }
    }

    /// Stopped after so many outputs, if any.
    fn cut_after(mut self, cut: Option<u64>) -> Self {
        self.cut = cut;
        self
    }

    /// With a clock that is off.
    fn with_clock(mut self, clock: Skew) -> Self {
        self.clock = clock;
        self
    }

    /// Its clock is off from now on: what it waits for comes sooner or later.
    fn set_clock(&mut self, world: &mut World, clock: Skew) {
        self.clock = clock;
        self.await_its_time(world);
    }

    fn await_its_time(&self, world: &mut World) {
        let at = self.agent.wake_at().map(|at| self.clock.when(at));
        world.wake(self.seat, at);
    }

    /// Whether it has been stopped.
    pub fn is_cut(&self) -> bool {
        self.cut == Some(self.outputs)
    }

    /// Hands it an input and carries out what it wants then. Returns its notes.
    pub fn handle(
        &mut self,
        world: &mut World,
        store: &mut Store,
        input: Input<A::Command>,
    ) -> Vec<Note> {
        self.agent.handle(self.clock.shows(world.now()), input);
        self.drain(world, store)
    }

    /// Has it answer a request, and carries out what it wants then. Who was stopped is silent.
    fn respond(&mut self, world: &mut World, store: &mut Store, heard: &Heard)
    where
        A: Server,
    {
        let is_silent = self.is_cut();
        let mut answer = || {
            let Heard {
                from, via, bytes, ..
            } = heard;
            let now = self.clock.shows(world.now());
            self.agent.respond(now, *from, *via, bytes)
        };
        let answer = if is_silent { None } else { answer() };
        world.answer(heard, answer);
        self.drain(world, store);
    }

    /// Carries out what it wants. Returns its notes.
    pub fn drain(&mut self, world: &mut World, store: &mut Store) -> Vec<Note> {
        let mut notes = Vec::new();
        while !self.is_cut()
            && let Some(output) = self.agent.poll(self.clock.shows(world.now()))
        {
            self.outputs += 1;
            match output {
                Output::Persist(Record { key, value }) if value.is_empty() => {
                    store.remove(&key);
                }
                Output::Persist(Record { key, value }) => {
                    store.insert(key, value);
                }
                Output::Note(note) => notes.push(note),
                ask @ (Output::Ask { .. } | Output::Web { .. }) => world.carry(self.seat, ask),
            }
        }
        self.await_its_time(world);
        let now = world.now();
        for note in &notes {
            let text = [note.zone.as_str(), &note.subject, &note.text].join(" ");
            world.log.line(now, &self.who, note.kind, text.trim());
        }
        notes
    }
}

/// Every agent of a run.
pub struct Cast {
    /// The multi-signer controller, while it runs.
    pub controller: Option<Seated<Controller>>,
    /// What it persisted.
    pub controller_store: Store,
    /// The parental agent.
    pub scanner: Option<Seated<Scanner>>,
    /// What it persisted.
    pub scanner_store: Store,
    /// Concrete resolvers, in the order of the scenario.
    pub resolvers: Vec<Seated<Resolver>>,
    /// Who verifies for all of them. Whether a key made a signature is the same for everybody.
    pub verifier: SharedVerifier,
    /// What the controller told when it began.
    pub opening: Vec<Note>,
    /// Whose clocks are off, and how far.
    clocks: BTreeMap<Target, Skew>,
    is_audited: bool,
    starts: u32,
    cuts: Vec<Cut>,
}

impl Cast {
    /// Seats everybody.
    pub fn new(scenario: &Scenario, stage: &mut Stage, direction: Direction) -> Self {
        let seed = scenario.seed;
        let mut cast = Self {
            controller: None,
            controller_store: Store::new(),
            scanner: None,
            scanner_store: Store::new(),
            resolvers: Vec::new(),
            verifier: SharedVerifier::default(),
            opening: Vec::new(),
            clocks: BTreeMap::new(),
            is_audited: direction.is_audited,
            starts: 0,
            cuts: direction.cut.into_iter().collect(),
        };
        if scenario.controller.enabled {
            cast.opening = cast.start_controller(scenario, stage);
        }
        if scenario.scanner.enabled {
            let chance = stream(seed, "scanner");
            cast.start_scanner(scenario, stage, chance, direction.first_scan);
        }
        for (number, resolver) in scenario.resolvers.iter().enumerate() {
            let config = resolvers::config(stage, resolver);
            let config = resolver::Config {
                trust_anchor: match direction.is_gullible {
                    true => Vec::new(),
                    false => config.trust_anchor,
                },
                ..config
            };
            let who = format!("resolver/{}", resolver.name);
            let agent = Resolver::new(config, stream(seed, &who)).sharing(cast.verifier.clone());
            let address = plan::resolver_address(number);
            cast.resolvers
                .push(Seated::new(&mut stage.world, address, &who, agent));
        }
        cast
    }

    /// Seats the scanner, which goes on from what it persisted. Its first scan begins at
    /// `first_scan`, else at a drawn time.
    fn start_scanner(
        &mut self,
        scenario: &Scenario,
        stage: &mut Stage,
        mut chance: Stream,
        first_scan: Option<Duration>,
    ) {
        let phase = Range::new(Duration::ZERO, scenario.scanner.interval).draw(&mut chance);
        let config = plan::scanner_config(scenario, stage, first_scan.unwrap_or(phase));
        let records = records(&self.scanner_store);
        let agent = Scanner::restore(config, chance, records).sharing(self.verifier.clone());
        let cut = self.take_cut(Who::Scanner);
        let world = &mut stage.world;
        let seated = Seated::new(world, plan::SCANNER_ADDRESS, "scanner", agent);
        if let Some(address) = plan::notify_address(scenario) {
            world.listen(seated.seat, address);
        }
        let clock = self.clock(&Target::Scanner);
        let mut seated = seated.cut_after(cut).with_clock(clock);
        seated.drain(world, &mut self.scanner_store);
        self.scanner = Some(seated);
    }

    /// Restores whoever was stopped in mid-work. Returns the notes of the controller.
    pub fn revive(&mut self, scenario: &Scenario, stage: &mut Stage) -> Vec<Note> {
        if self.scanner.as_ref().is_some_and(Seated::is_cut)
            && let Some(seated) = self.scanner.take()
        {
            stage.world.leave_seat(seated.seat);
            let chance = stream(scenario.seed, "scanner/restored");
            self.start_scanner(scenario, stage, chance, Some(Duration::ZERO));
        }
        match self.controller.as_ref().is_some_and(Seated::is_cut) {
            true => {
                self.stop_controller(&mut stage.world);
                self.start_controller(scenario, stage)
            }
            false => Vec::new(),
        }
    }

    fn clock(&self, who: &Target) -> Skew {
        self.clocks.get(who).copied().unwrap_or_default()
    }

    /// An agent's clock is off by so much more from now on.
    pub fn shift_clock(&mut self, world: &mut World, scenario: &Scenario, who: &Target, by: Skew) {
        let clock = self.clock(who) + by;
        self.clocks.insert(who.clone(), clock);
        match who {
            Target::Controller => {
                let seated = self.controller.as_mut();
                seated.into_iter().for_each(|s| s.set_clock(world, clock));
            }
            Target::Scanner => {
                let seated = self.scanner.as_mut();
                seated.into_iter().for_each(|s| s.set_clock(world, clock));
            }
            Target::Resolver(name) => {
                let all = scenario.resolvers.iter().zip(&mut self.resolvers);
                all.filter(|(resolver, _)| resolver.name == *name)
                    .for_each(|(_, seated)| seated.set_clock(world, clock));
            }
            _ => {}
        }
    }

    /// Each agent is stopped once.
    fn take_cut(&mut self, who: Who) -> Option<u64> {
        let index = self.cuts.iter().position(|cut| cut.who == who)?;
        Some(self.cuts.swap_remove(index).after)
    }

    /// Starts the controller from what it persisted, if it does not run.
    pub fn start_controller(&mut self, scenario: &Scenario, stage: &mut Stage) -> Vec<Note> {
        if self.controller.is_some() {
            return Vec::new();
        }
        let mut config = plan::controller_config(scenario, stage);
        config.audit = self.is_audited;
        let chance = stream(scenario.seed, &format!("controller/{}", self.starts));
        self.starts += 1;
        let records = records(&self.controller_store);
        let agent = Controller::restore(config, chance, records).sharing(self.verifier.clone());
        let cut = self.take_cut(Who::Controller);
        let world = &mut stage.world;
        let seated = Seated::new(world, plan::CONTROLLER_ADDRESS, "controller", agent);
        let clock = self.clock(&Target::Controller);
        let mut seated = seated.cut_after(cut).with_clock(clock);
        // A restarted agent looks at the time before anything else.
        let notes = seated.handle(world, &mut self.controller_store, Input::Wake);
        self.controller = Some(seated);
        notes
    }

    /// Ends the controller; what is under way never reaches it.
    pub fn stop_controller(&mut self, world: &mut World) {
        if let Some(seated) = self.controller.take() {
            world.leave_seat(seated.seat);
        }
    }

    /// Tells the controller to do something. `false` if it does not run.
    pub fn command(&mut self, world: &mut World, command: ControllerCommand) -> Option<Vec<Note>> {
        let seated = self.controller.as_mut().filter(|seated| !seated.is_cut())?;
        Some(seated.handle(world, &mut self.controller_store, Input::Command(command)))
    }

    /// With whom this process of a zone is under way, by what the controller says.
    pub fn under_way(&self, zone: &Name, process: &str) -> Vec<String> {
        let seated = self.controller.iter();
        let reports = seated.flat_map(|seated| seated.agent.report());
        let under_way = reports.filter(|report| {
            let is_asked_for = report.zone == *zone && report.process == process;
            is_asked_for && !report.outcome.is_final() && report.outcome != Outcome::Queued
        });
        under_way.map(|report| report.signer).collect()
    }

    /// Hands a request to the agent that listens for it.
    pub fn hear(&mut self, world: &mut World, heard: &Heard) {
        match &mut self.scanner {
            Some(seated) if seated.seat == heard.seat => {
                seated.respond(world, &mut self.scanner_store, heard);
            }
            _ => world.answer(heard, None),
        }
    }

    /// Tells the scanner to scan now.
    pub fn scan_now(&mut self, world: &mut World) {
        if let Some(seated) = self.scanner.as_mut() {
            let command = Input::Command(ScannerCommand::ScanNow);
            seated.handle(world, &mut self.scanner_store, command);
        }
    }
}

/// What was persisted, as agents are restored from it.
fn records(store: &Store) -> Vec<Record> {
    let record = |(key, value): (&String, &String)| Record {
        key: key.clone(),
        value: value.clone(),
    };
    store.iter().map(record).collect()
}
