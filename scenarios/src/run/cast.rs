//! The agents of a run: their seats in the world, and their restarts.

use std::{collections::BTreeMap, net::IpAddr};

use counterpoint_controller::{Command as ControllerCommand, Controller};
use counterpoint_dns::{
    agent::{Agent, Input, Note, Output, Record},
    name::Name,
    resolver::{self, Resolver},
    stream::stream,
    validate::shared::SharedVerifier,
};
use counterpoint_scanner::{Command as ScannerCommand, Scanner};
use counterpoint_simnet::{
    topology::Stage,
    world::{SeatId, World},
};

use super::plan;
use crate::scenario::Scenario;

/// An agent in its seat, with what it asked to be kept.
pub struct Seated<A> {
    /// Its place in the world.
    pub seat: SeatId,
    /// The agent.
    pub agent: A,
    /// It dies when it has had so many outputs carried out; none: it lives on.
    pub fuse: Option<u64>,
    /// How many outputs were carried out.
    pub outputs: u64,
    who: String,
}

/// What agents asked to be made durable, by key.
pub type Store = BTreeMap<String, String>;

impl<A: Agent> Seated<A> {
    /// Gives an agent a seat, and lets it say what it wants.
    pub fn new(world: &mut World, address: IpAddr, who: &str, agent: A) -> Self {
        Self {
            seat: world.seat(address),
            agent,
            fuse: None,
            outputs: 0,
            who: who.into(),
        }
    }

    /// Whether it must die now.
    pub fn is_spent(&self) -> bool {
        self.fuse == Some(0)
    }

    /// Hands it an input and carries out what it wants then. Returns its notes.
    pub fn handle(
        &mut self,
        world: &mut World,
        store: &mut Store,
        input: Input<A::Command>,
    ) -> Vec<Note> {
        self.agent.handle(world.now(), input);
        self.drain(world, store)
    }

    /// Carries out what it wants. Returns its notes.
    pub fn drain(&mut self, world: &mut World, store: &mut Store) -> Vec<Note> {
        let mut notes = Vec::new();
        while let Some(output) = self.agent.poll(world.now()) {
            if self.is_spent() {
                break;
            }
            self.fuse = self.fuse.map(|left| left - 1);
            self.outputs += 1;
            match output {
                Output::Persist(Record { key, value }) if value.is_empty() => {
                    store.remove(&key);
                }
                Output::Persist(Record { key, value }) => {
                    store.insert(key, value);
                }
                Output::Note(note) => notes.push(note),
                ask @ Output::Ask { .. } => world.carry(self.seat, ask),
            }
        }
        world.wake(self.seat, self.agent.wake_at());
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
    starts: u32,
}

impl Cast {
    /// Seats everybody.
    pub fn new(scenario: &Scenario, stage: &mut Stage) -> Self {
        let seed = scenario.seed;
        let mut cast = Self {
            controller: None,
            controller_store: Store::new(),
            scanner: None,
            scanner_store: Store::new(),
            resolvers: Vec::new(),
            verifier: SharedVerifier::default(),
            starts: 0,
        };
        if scenario.controller.enabled {
            cast.start_controller(scenario, stage);
        }
        if scenario.scanner.enabled {
            let mut chance = stream(seed, "scanner");
            let phase =
                crate::scenario::Range::new(std::time::Duration::ZERO, scenario.scanner.interval);
            let config = plan::scanner_config(scenario, stage, phase.draw(&mut chance));
            let agent = Scanner::new(config, chance).sharing(cast.verifier.clone());
            let world = &mut stage.world;
            let mut seated = Seated::new(world, plan::SCANNER_ADDRESS, "scanner", agent);
            seated.drain(world, &mut cast.scanner_store);
            cast.scanner = Some(seated);
        }
        for (number, resolver) in scenario.resolvers.iter().enumerate() {
            let config = plan::resolver(stage, resolver.profile());
            let config = resolver::Config {
                servers_tries: resolver.give_up.tries as usize,
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

    /// Starts the controller from what it persisted, if it does not run.
    pub fn start_controller(&mut self, scenario: &Scenario, stage: &mut Stage) -> Vec<Note> {
        if self.controller.is_some() {
            return Vec::new();
        }
        let config = plan::controller_config(scenario, stage);
        let chance = stream(scenario.seed, &format!("controller/{}", self.starts));
        self.starts += 1;
        let records = self.controller_store.iter();
        let records: Vec<Record> = records
            .map(|(key, value)| Record {
                key: key.clone(),
                value: value.clone(),
            })
            .collect();
        let agent = Controller::restore(config, chance, records).sharing(self.verifier.clone());
        let world = &mut stage.world;
        let mut seated = Seated::new(world, plan::CONTROLLER_ADDRESS, "controller", agent);
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
        let seated = self
            .controller
            .as_mut()
            .filter(|seated| !seated.is_spent())?;
        Some(seated.handle(world, &mut self.controller_store, Input::Command(command)))
    }

    /// Who is leaving a zone now, by what the controller says.
    pub fn leaving(&self, zone: &Name) -> Vec<String> {
        let seated = self.controller.iter();
        let reports = seated.flat_map(|seated| seated.agent.report());
        let leaving = reports.filter(|report| {
            report.zone == *zone && report.process == "leave" && !report.outcome.is_final()
        });
        leaving.map(|report| report.signer).collect()
    }

    /// Tells the scanner to scan now.
    pub fn scan_now(&mut self, world: &mut World) {
        if let Some(seated) = self.scanner.as_mut() {
            let command = Input::Command(ScannerCommand::ScanNow);
            seated.handle(world, &mut self.scanner_store, command);
        }
    }
}
