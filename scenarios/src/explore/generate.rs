//! Scenarios drawn from a seed: legal files all of them, and such that a correct controller and a
//! correct scanner keep every cache valid and bring every process to an end.
//!
//! Owns the ranges. What is drawn is plain data: the same as a person could write.

mod agents;
mod events;
mod faults;
mod forged;
mod hand_made;
mod models;
mod products;
mod quirks;
mod rolls;

use std::{collections::BTreeSet, time::Duration};

use counterpoint_dns::{
    name::{Name, parse_name},
    stream::{Stream, octets, stream},
};
use rand::RngExt as _;

use super::feature::{self, Feature};
use crate::scenario::{
    Algorithm, Group, Interface, KeyLayout, Model, NamesIn, Profile, Range, Record, Scenario,
    Servers, Signer, Ttl, Zone,
    time::{hours, minutes, print_span, seconds},
};

const SIGNERS: [&str; 4] = ["alpha", "beta", "gamma", "delta"];
const ZONES: [&str; 2] = ["example.test.", "other.test."];
/// What stands before it makes a name that ends as the first zone's does, and is not in it.
const LOOKALIKE: &str = "example.test.";
/// TTLs of a world in which they are all alike.
const ALIKE: [u32; 4] = [60, 300, 3_600, 21_600];
/// TTLs drawn one by one.
const TTLS: [u32; 9] = [1, 30, 60, 300, 900, 3_600, 7_200, 21_600, 86_400];
/// Longest lag of an instance.
const LAGS: [Duration; 6] = [
    seconds(0),
    seconds(1),
    seconds(30),
    minutes(2),
    minutes(10),
    hours(1),
];

/// Longest absence of the controller.
const LONGEST_CRASH: Duration = hours(3);

/// The seed of run `run` of the campaign `seed`: 63 bits, for a file holds no more.
pub fn seed_of(seed: u64, run: u64) -> u64 {
    let octets = octets(seed, &format!("run/{run}"));
    let mut first = [0; 8];
    first.copy_from_slice(&octets[..8]);
    u64::from_be_bytes(first) >> 1
}

/// What may be drawn, and who judges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swarm {
    /// The features of which each run enables some.
    pub allowed: BTreeSet<Feature>,
    /// Who judges; none: as files that say nothing.
    pub profiles: Option<Vec<Profile>>,
}

impl Default for Swarm {
    fn default() -> Self {
        Self {
            allowed: feature::usual(),
            profiles: None,
        }
    }
}

/// A drawn scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// What it may contain.
    pub features: BTreeSet<Feature>,
    /// The scenario; the guard is off, for the tables must be safe alone.
    pub scenario: Scenario,
}

/// The scenario of `seed`.
pub fn draw(seed: u64, swarm: &Swarm) -> Drawn {
    let mut chance = stream(seed, "explore");
    let features = feature::swarm(&swarm.allowed, &mut chance);
    let mut drawing = Drawing {
        chance,
        features,
        scenario: Scenario::default(),
        left: BTreeSet::new(),
    };
    drawing.scenario.seed = seed;
    drawing.scenario.title = format!("drawn from seed {seed}");
    drawing.scenario.controller.guard = false;
    if let Some(profiles) = &swarm.profiles {
        drawing.scenario.judge.profiles.clone_from(profiles);
    }
    drawing.settle_features();
    drawing.world();
    drawing.agents();
    match (drawing.has(Feature::Forged), drawing.is_by_hand()) {
        (true, _) => drawing.forged(),
        _ if drawing.has(Feature::HandMade) => drawing.hand_made(),
        (_, true) => drawing.signals(),
        _ => drawing.requests(),
    }
    drawing.quirks();
    drawing.faults();
    if !drawing.is_by_hand() || drawing.has(Feature::HandMade) {
        drawing.unhurried();
    }
    let Drawing {
        features,
        mut scenario,
        ..
    } = drawing;
    for (index, event) in scenario.events.iter_mut().enumerate() {
        event.number = index + 1;
    }
    for (index, fault) in scenario.faults.iter_mut().enumerate() {
        fault.number = index + 1;
    }
    Drawn { features, scenario }
}

/// A scenario in the making.
struct Drawing {
    chance: Stream,
    features: BTreeSet<Feature>,
    scenario: Scenario,
    /// Signers that were asked to leave.
    left: BTreeSet<String>,
}

impl Drawing {
    fn has(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }

    /// Whether there is no controller.
    fn is_by_hand(&self) -> bool {
        self.has(Feature::ByHand) || self.has(Feature::Forged) || self.has(Feature::HandMade)
    }

    /// Whether the owner of the zone holds the KSK. It has one place, and signs for one group.
    fn has_common_ksk(&self) -> bool {
        self.has(Feature::CommonKsk) && !self.is_by_hand()
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.chance.random_range(0..from.len())].clone()
    }

    /// One time in `n`.
    fn one_in(&mut self, n: u32) -> bool {
        self.chance.random_range(0..n) == 0
    }

    /// A span up to `most`, in whole seconds.
    fn up_to(&mut self, most: Duration) -> Duration {
        seconds(self.chance.random_range(0..=most.as_secs()))
    }

    fn world(&mut self) {
        let count = match self.has(Feature::ManySigners) {
            true => self.pick(&[3, 4]),
            false => 2,
        };
        let algorithm = match self.has(Feature::P256) {
            true => Algorithm::Ecdsap256sha256,
            false => Algorithm::Ed25519,
        };
        let alike = self.pick(&ALIKE);
        let record_ttls = [self.ttl(alike), self.ttl(alike)];
        for name in &SIGNERS[..count] {
            let signer = self.signer(name, alike, algorithm, &record_ttls);
            self.scenario.signers.push(signer);
        }
        let parent = [self.ttl(alike), self.ttl(alike), self.ttl(alike)];
        let lag = self.lag();
        let servers = self.servers();
        let table = &mut self.scenario.parent;
        [table.ds_ttl, table.ns_ttl, table.negative_ttl] = parent;
        table.propagation = lag;
        table.servers = servers;
        self.zones(count, &record_ttls);
        self.models();
    }

    fn signer(&mut self, name: &str, alike: u32, algorithm: Algorithm, records: &[Ttl]) -> Signer {
        let mut signer = Signer::named(name);
        signer.dnskey_ttl = self.ttl(alike);
        signer.ns_ttl = self.ttl(alike);
        signer.default_ttl = self.ttl(alike);
        signer.negative_ttl = self.ttl(alike);
        let own = [
            signer.dnskey_ttl,
            signer.ns_ttl,
            signer.default_ttl,
            signer.negative_ttl,
        ];
        let longest = own.iter().chain(records).copied().max();
        signer.max_ttl = longest.unwrap_or(signer.max_ttl);
        signer.servers = Servers::Count(self.servers());
        signer.propagation = self.lag();
        signer.algorithm = algorithm;
        if self.has_common_ksk() {
            signer.interface = Interface::SignedRrset;
        } else if self.has(Feature::Csk) && self.one_in(2) {
            signer.keys = KeyLayout::Csk;
        }
        if self.has(Feature::Lookalike) && self.one_in(2) {
            signer.names_in = Some(NamesIn::Domain(named(&format!("{name}{LOOKALIKE}"))));
        }
        let is_in_zone = self.has(Feature::InZone) && signer.names_in.is_none();
        if is_in_zone && !self.has(Feature::Zones) && self.one_in(2) {
            signer.names_in = Some(NamesIn::Zone);
        }
        signer
    }

    fn zones(&mut self, signers: usize, record_ttls: &[Ttl]) {
        let count = match self.has(Feature::Zones) && !self.has(Feature::Forged) {
            true => 2,
            false => 1,
        };
        // Somebody must be left who can join, unless there is nobody to ask for it.
        let is_full = self.is_by_hand() || self.has(Feature::DeadLeaver);
        let most = if is_full { signers } else { signers - 1 };
        let group = self.has(Feature::Group).then(|| "g1".to_owned());
        let shared = self.members(most);
        let model = match self.has_common_ksk() {
            true => Model::One,
            false => Model::Two,
        };
        for name in &ZONES[..count] {
            let members = match group {
                Some(_) => shared.clone(),
                None => self.members(most),
            };
            let texts = [
                "www A 192.0.2.1".to_owned(),
                format!("mail {} AAAA 2001:db8::1", record_ttls[0].seconds()),
                format!("@ {} TXT \"first\"", record_ttls[1].seconds()),
            ];
            self.scenario.zones.push(Zone {
                name: named(name),
                signers: members,
                group: group.clone(),
                model,
                records: texts
                    .iter()
                    .filter_map(|text| Record::parse(text).ok())
                    .collect(),
                ..Zone::default()
            });
        }
        if self.has(Feature::MixedAlgorithms) && !self.has_common_ksk() {
            // Only of those outside: a zone that starts with signers of two algorithms is broken.
            let other = match self.has(Feature::P256) {
                true => Algorithm::Ed25519,
                false => Algorithm::Ecdsap256sha256,
            };
            let zones = &self.scenario.zones;
            let is_outside = |name: &String| zones.iter().all(|zone| !zone.signers.contains(name));
            let signers = self.scenario.signers.iter_mut();
            for signer in signers.filter(|signer| is_outside(&signer.name)) {
                signer.algorithm = other;
            }
        }
        if let Some(name) = group {
            self.scenario.groups.push(Group {
                name,
                signers: shared,
            });
        }
    }

    /// Those who serve a zone at the start.
    fn members(&mut self, most: usize) -> Vec<String> {
        let several = self.is_by_hand() || self.has(Feature::DeadLeaver);
        let least = if several { 2 } else { 1 };
        let count = self.chance.random_range(least..=most);
        SIGNERS[..count]
            .iter()
            .map(|name| (*name).to_owned())
            .collect()
    }

    /// A TTL; `alike` in a world in which they are all alike.
    fn ttl(&mut self, alike: u32) -> Ttl {
        let one_by_one = self.pick(&TTLS);
        let nudged = match self.chance.random_range(0..8_u32) {
            0 => one_by_one + 1,
            1 => one_by_one - 1,
            _ => one_by_one,
        };
        Ttl::from_seconds(if self.has(Feature::Ttls) {
            nudged
        } else {
            alike
        })
    }

    fn lag(&mut self) -> Range {
        let most = self.pick(&LAGS);
        match self.has(Feature::Lags) {
            true => Range::new(seconds(0), most),
            false => Range::new(seconds(0), seconds(5)),
        }
    }

    fn servers(&mut self) -> u32 {
        let other = self.pick(&[1, 1, 2, 3]);
        if self.has(Feature::Instances) {
            other
        } else {
            2
        }
    }

    /// The longest TTL that anything has.
    fn longest_ttl(&self) -> Duration {
        let parent = &self.scenario.parent;
        let signers = self.scenario.signers.iter().map(|signer| signer.max_ttl);
        let all = signers.chain([parent.ds_ttl, parent.ns_ttl, parent.negative_ttl]);
        all.max().unwrap_or_default().span()
    }

    /// About how long one process takes.
    fn process_span(&self) -> Duration {
        let scanner = &self.scenario.scanner;
        self.longest_ttl() * 3 + (scanner.interval + scanner.publish_delay.high) * 3 + minutes(20)
    }
}

/// A name that is known to be one.
fn named(text: &str) -> Name {
    parse_name(text).unwrap_or_else(|_| Name::root())
}

fn whole_minutes(span: Duration) -> Duration {
    minutes(span.as_secs() / 60)
}

/// What a drawn scenario is, in one line.
pub fn summary(drawn: &Drawn) -> String {
    let features: Vec<&str> = drawn
        .features
        .iter()
        .map(|feature| feature.name())
        .collect();
    let last = drawn.scenario.events.iter().map(|event| event.at).max();
    format!(
        "{} signers, {} events until {}, {} faults: {}",
        drawn.scenario.signers.len(),
        drawn.scenario.events.len(),
        print_span(last.unwrap_or_default()),
        drawn.scenario.faults.len(),
        features.join(" ")
    )
}
