//! Replays a witness of the oracle in a real resolver: fetched in that order, from those servers, at
//! those instants, it must get Bogus.
//!
//! A `one-resolver` witness is replayed in a validating resolver, an `any-cache` witness in a
//! validator behind a cache that does not validate. The world is played again; at the instants of the
//! witness the resolver is asked, and every question about the zone that it has goes to the server
//! that the witness names, as some NS RRset in some cache would have sent it there.

use std::{collections::BTreeSet, net::IpAddr};

use counterpoint_dns::{
    agent::{Agent, Input, Output},
    message::{Question, decode},
    name::{Name, RecordType, parse_name},
    oracle::{
        self, Fetch, Fetched, Property, Quantifier, Violation,
        history::{History, Side},
    },
    resolver::{Config, Resolution, Resolver, Validation},
    stream::stream,
    time::Timestamp,
};
use counterpoint_simnet::world::World;

use super::{
    direction::Direction,
    plan,
    play::{self, Played},
    resolvers, verdict,
};
use crate::scenario::Scenario;

/// One step of a replay: at this instant the resolver asks this, and the zone answers from there.
#[derive(Clone, Debug)]
struct Step {
    at: Timestamp,
    question: Question,
    /// Whether it is asked with an empty cache.
    is_fresh: bool,
}

/// What a replay brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// The resolver got Bogus, as the oracle said.
    Bogus(String),
    /// It did not: the oracle or the resolver is wrong.
    NotBogus(String),
    /// The violation is none that a validator could show.
    NotShown,
}

/// One violation and what its replay brought.
#[derive(Clone, Debug)]
pub struct Case {
    /// The zone.
    pub zone: Name,
    /// What the oracle found.
    pub violation: Violation,
    /// What the resolver said.
    pub replayed: Replayed,
}

/// Plays `scenario`, asks the oracle, and replays every witness in the same world played again.
pub fn replay_all(scenario: &Scenario) -> Vec<Case> {
    replay_under(scenario, Direction::default()).1
}

/// The same under `direction`, with the world as it was played first.
pub fn replay_under(scenario: &Scenario, direction: Direction) -> (Played, Vec<Case>) {
    let played = play::play_under(scenario, direction);
    let found = verdict::violations(scenario, &played);
    let mut replays = Vec::new();
    let mut cases = Vec::new();
    for (zone, violation) in found {
        let history = played.stage.world.recorders[&zone].history();
        let address = |name: &str| played.stage.address(name);
        let mut profiles = scenario.judge.profiles.iter().map(resolvers::judged);
        let profile = profiles.find(|profile| profile.name == violation.profile);
        let profile = profile.unwrap_or_else(oracle::Profile::liberal);
        let config = resolvers::believing(plan::agent_resolver(&played.stage), &profile);
        let replay = Replay::new(&zone, &violation, &history, config, address);
        // What began before the start, or begins at the very end, cannot be played.
        let replay = replay.filter(|replay| replay.next_at() >= Some(scenario.start));
        let index = replay.map(|replay| {
            replays.push(replay);
            replays.len() - 1
        });
        cases.push((
            Case {
                zone,
                violation,
                replayed: Replayed::NotShown,
            },
            index,
        ));
    }
    let (_, replays) = play::play_with(scenario, direction, replays);
    let cases = cases
        .into_iter()
        .map(|(mut case, index)| {
            if let Some(index) = index {
                case.replayed = replays[index].result();
            }
            case
        })
        .collect();
    (played, cases)
}

/// A replay in progress, to be advanced by the player of the world.
#[derive(Debug)]
pub struct Replay {
    zone: Name,
    resolver: Resolver,
    steps: Vec<Step>,
    next: usize,
    parents: BTreeSet<IpAddr>,
    children: BTreeSet<IpAddr>,
    ds_from: Option<IpAddr>,
    dnskey_from: Option<IpAddr>,
    answer_from: Option<IpAddr>,
    last: Option<Resolution>,
}

impl Replay {
    /// The replay of `violation`; `None` if it is none that a validator could show.
    pub fn new(
        zone: &Name,
        violation: &Violation,
        history: &History,
        config: Config,
        address: impl Fn(&str) -> Option<IpAddr>,
    ) -> Option<Self> {
        if violation.property != Property::Secure {
            return None;
        }
        let validation = match violation.quantifier {
            Quantifier::AnyCache => Validation::BehindCache,
            Quantifier::OneResolver => Validation::AtFetch,
        };
        let mut config = config.validation(validation);
        if violation.quantifier == Quantifier::AnyCache {
            config.ttl_max = None; // the cache in front does not clamp
        }
        let witness = &violation.witness;
        let mut fetches: Vec<&Fetch> = witness.under.iter().collect();
        fetches.push(&witness.earlier);
        fetches.extend(&witness.later);
        let on = |side: Side| -> BTreeSet<IpAddr> {
            let instances = history
                .instances
                .iter()
                .filter(|instance| instance.side == side);
            instances
                .filter_map(|instance| address(&instance.name))
                .collect()
        };
        let mut replay = Self {
            zone: zone.clone(),
            resolver: Resolver::new(config, stream(1, "replay")),
            steps: Vec::new(),
            next: 0,
            parents: on(Side::Parent),
            children: on(Side::Child),
            ds_from: None,
            dnskey_from: None,
            answer_from: None,
            last: None,
        };
        let has_ds = fetches.iter().any(|fetch| fetch.what == Fetched::Ds);
        let mut judged = None;
        for fetch in fetches {
            let server = address(&history.instances.get(fetch.instance.0 as usize)?.name);
            let question = match &fetch.what {
                Fetched::Ds => {
                    replay.ds_from = server;
                    Question::new(zone.clone(), RecordType::DS)
                }
                Fetched::Dnskey => {
                    replay.dnskey_from = server;
                    Question::new(zone.clone(), RecordType::DNSKEY)
                }
                Fetched::Answer(example) => {
                    replay.answer_from = server;
                    question_of(example)?
                }
                Fetched::Ns | Fetched::Address(_) | Fetched::Denial(_) => return None,
            };
            // What fails is the answer, or the DNSKEY RRset where the DS does not fit.
            let rank = match fetch.what {
                Fetched::Ds => 0,
                Fetched::Dnskey => 1,
                _ => 2,
            };
            if judged.as_ref().is_none_or(|(before, _)| *before < rank) {
                judged = Some((rank, question.clone()));
            }
            // Behind a cache it may be somebody else's fetch: nothing that came with an earlier one is in its
            // way, neither a DS that came with the keys nor keys that came with the answer. Keys that are
            // to fail under a DS held go by that one.
            let is_fresh = violation.quantifier == Quantifier::AnyCache
                && match fetch.what {
                    Fetched::Ds => true,
                    Fetched::Dnskey => !has_ds,
                    _ => false,
                };
            replay.steps.push(Step {
                at: fetch.at,
                question,
                is_fresh,
            });
        }
        replay.steps.sort_by_key(|step| step.at);
        let (_, question) = judged?;
        let at = replay.steps.last()?.at.max(violation.from);
        let is_fresh = false;
        replay.steps.push(Step {
            at,
            question,
            is_fresh,
        });
        Some(replay)
    }

    /// When it wants to be advanced next.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.steps.get(self.next).map(|step| step.at)
    }

    /// Carries out every step whose instant has come.
    pub fn advance(&mut self, world: &mut World) {
        while let Some(step) = self
            .steps
            .get(self.next)
            .filter(|step| step.at <= world.now())
            .cloned()
        {
            self.next += 1;
            match step.is_fresh {
                true => self.resolver.resolve_fresh(world.now(), step.question),
                false => self.resolver.resolve(world.now(), step.question),
            };
            self.exchange(world);
            while let Some(resolution) = self.resolver.take_resolution() {
                self.last = Some(resolution);
            }
        }
    }

    /// What it brought.
    pub fn result(&self) -> Replayed {
        match &self.last {
            Some(last) if last.status.is_bogus() => Replayed::Bogus(last.status.to_string()),
            Some(last) => Replayed::NotBogus(format!("{}: {}", last.question, last.status)),
            None => Replayed::NotBogus("nothing was asked".into()),
        }
    }

    fn exchange(&mut self, world: &mut World) {
        let now = world.now();
        while let Some(output) = self.resolver.poll(now) {
            let Output::Ask { id, to, bytes, .. } = output else {
                continue;
            };
            let server = self.server_for(to.ip(), &bytes).unwrap_or(to.ip());
            let input = match world.ask_directly(server, &bytes) {
                Some(bytes) => Input::Answer { id, bytes },
                None => Input::Failure { id },
            };
            self.resolver.handle(now, input);
        }
    }

    /// The server that the witness names for what is asked of `to`, if it names one.
    fn server_for(&self, to: IpAddr, request: &[u8]) -> Option<IpAddr> {
        if self.parents.contains(&to) {
            // The DS comes with the referral, too.
            return self.ds_from;
        }
        let message = decode(request).ok()?;
        let query = message.queries.first()?;
        if !self.children.contains(&to) || !self.zone.zone_of(&query.name().into()) {
            return None;
        }
        match query.query_type() {
            RecordType::DNSKEY => self.dnskey_from,
            _ => self.answer_from,
        }
    }
}

/// `www.example.test. A`, as a question.
fn question_of(example: &str) -> Option<Question> {
    let (name, rtype) = example.split_once(' ')?;
    Some(Question::new(parse_name(name).ok()?, rtype.parse().ok()?))
}
