//! How many questions many zones at rest cost together, and that nobody else pays for it.

mod world;

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
    time::Duration,
};

use counterpoint_controller::{Command, Controller, SignerName, Zone};
use counterpoint_dns::{
    agent::{Agent as _, AskId, Input, Output},
    message::decode,
    name::Name,
    stream::stream,
    time::Timestamp,
};
use world::{World, name};

const ZONES: usize = 200;
const A_SECOND: u32 = 10;
/// How long a question waits for its answer, which never comes.
const PATIENCE: Duration = Duration::from_secs(2);

/// Very many zones, of which no server ever answers anything: the dearest watch that there is.
struct Silence {
    now: Timestamp,
    controller: Controller,
    under_way: BTreeSet<(Timestamp, AskId)>,
    asked: BTreeMap<Name, Vec<Timestamp>>,
}

impl Silence {
    fn new() -> Self {
        let World {
            now, mut config, ..
        } = World::new();
        let alpha: BTreeSet<SignerName> = ["alpha".into()].into();
        let zones = (0..ZONES).map(|number| (zone(number), Zone::Signers(alpha.clone())));
        config.zones = zones.collect();
        config.questions_per_second = NonZeroU32::new(A_SECOND);
        Self {
            now,
            controller: Controller::new(config, stream(1, "controller")),
            under_way: BTreeSet::new(),
            asked: BTreeMap::new(),
        }
    }

    fn handle(&mut self, input: Input<Command>) {
        self.controller.handle(self.now, input);
        while let Some(output) = self.controller.poll(self.now) {
            if let Output::Ask { id, bytes, .. } = output {
                let request = decode(&bytes).unwrap();
                let zone = request.queries[0].name().into();
                self.asked.entry(zone).or_default().push(self.now);
                self.under_way.insert((self.now + PATIENCE, id));
            }
        }
    }

    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            let given_up = self.under_way.first().copied();
            let wake = self.controller.wake_at().unwrap_or(Timestamp::MAX);
            let next = given_up.map_or(wake, |(at, _)| at.min(wake));
            if next > end {
                self.now = end;
                return;
            }
            self.now = self.now.max(next);
            match given_up {
                Some((at, id)) if at <= wake => {
                    self.under_way.pop_first();
                    self.handle(Input::Failure { id });
                }
                _ => self.handle(Input::Wake),
            }
        }
    }

    /// How many questions were asked in the last `span`.
    fn asked_in(&self, span: Duration) -> u64 {
        let since = self.now.before(span);
        let times = self.asked.values().flatten();
        times.filter(|at| **at > since).count() as u64
    }
}

fn zone(number: usize) -> Name {
    name(&format!("z{number}.test."))
}

#[test]
fn zones_at_rest_ask_within_the_budget_and_use_it() {
    let mut world = Silence::new();
    let minute = Duration::from_secs(60);
    let budget = u64::from(A_SECOND) * minute.as_secs();
    // Whoever is woken asks all that it has to.
    let at_once = 10;
    for number in 0..10 {
        world.pass(minute);
        let asked = world.asked_in(minute);
        assert!(
            (budget - at_once..=budget + at_once).contains(&asked),
            "{asked} questions in minute {number}, not {budget}"
        );
    }
    assert!(world.asked_in(10 * minute) <= 10 * budget + at_once);
    assert_eq!(world.asked.len(), ZONES, "each had its turn");
}

/// What a zone at rest leaves to be read at a restart: records, and their octets; and how much the audit
/// log was told. So many signers are declared that never served it.
fn kept(strangers: usize) -> (usize, usize, usize) {
    let mut world = World::with(|config| {
        config.audit = true;
        let beta = config.signers[&SignerName::from("beta")].clone();
        for number in 0..strangers {
            let name = SignerName::from(format!("stranger-{number}").as_str());
            config.signers.insert(name, beta.clone());
        }
    });
    world.start();
    world.pass(Duration::from_secs(7_200));
    let octets = world
        .store
        .iter()
        .map(|(key, value)| key.len() + value.len());
    let told = world.notes.iter().map(|(_, note)| note.text.len());
    (world.store.len(), octets.sum(), told.sum())
}

#[test]
fn a_zone_at_rest_leaves_little_to_read_at_a_restart() {
    let (records, octets, told) = kept(0);
    assert_eq!(records, 3, "its log, its keys, and when all was seen");
    assert!(octets < 4_000, "{octets} octets");
    assert_eq!(
        kept(100),
        (records, octets, told),
        "whoever else is declared"
    );
}

#[test]
fn an_open_process_does_not_wait_for_the_budget() {
    let mut world = Silence::new();
    world.pass(Duration::from_secs(60));
    let busy = zone(ZONES - 1);
    assert!(!world.asked.contains_key(&busy), "it is far from its turn");
    let began = world.now;
    world.handle(Input::Command(Command::Join {
        zone: busy.clone(),
        signer: "beta".into(),
    }));
    world.pass(Duration::from_secs(600));
    let looks = Vec::from_iter(BTreeSet::from_iter(world.asked[&busy].clone()));
    assert_eq!(looks[0], began);
    // Three tries of two seconds, then a pause from one minute on, which doubles.
    let seconds = looks.iter().map(|at| (*at - began).as_secs());
    assert_eq!(
        Vec::from_iter(seconds),
        [0, 2, 4, 66, 68, 70, 192, 194, 196, 438, 440, 442]
    );
}
