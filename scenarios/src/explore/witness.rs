//! The oracle against concrete resolvers on drawn worlds, both ways.
//!
//! Half of the worlds have deliberate defects, so that there is something to be found. What the oracle
//! calls unsafe is replayed in a resolver that keeps to the witness, and must be Bogus; where it says safe,
//! no resolver of the run may get Bogus. Anything else is a contradiction: a defect of this software.

use std::collections::BTreeMap;

use counterpoint_dns::{
    oracle::{Fetched, Property, Quantifier, Violation},
    stream::stream,
};
use rand::RngExt as _;

use super::{
    generate::{Drawn, Swarm, draw, seed_of},
    sabotage::Defect,
    trial::direction,
};
use crate::{
    run::{
        replay::{Case, Replayed, replay_under},
        verdict,
    },
    scenario::{Scenario, What, time::print_span},
};

/// How many defects a bad world is given: one alone seldom harms.
const DEFECTS: usize = 4;

/// What came of one world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The defects that were put in.
    pub defects: Vec<&'static str>,
    /// How many violations the oracle found, by property.
    pub violations: BTreeMap<Property, u64>,
    /// How many witnesses were replayed and Bogus, by quantifier.
    pub bogus: BTreeMap<Quantifier, u64>,
    /// How many were not replayed, by reason.
    pub not_replayed: BTreeMap<&'static str, u64>,
    /// How often resolvers of the run got Bogus themselves.
    pub met: u64,
    /// Resolutions that they made.
    pub resolutions: u64,
    /// What resolvers and oracle do not agree about.
    pub contradictions: Vec<String>,
}

/// The world of run `run` of the campaign `seed`, and its defects if it has any.
pub fn world(seed: u64, run: u64) -> (Drawn, Vec<Defect>) {
    let seed = seed_of(seed, run);
    let mut drawn = draw(seed, &Swarm::default());
    let mut chance = stream(seed, "witness");
    let all = Defect::all();
    let count = if chance.random_bool(0.5) { DEFECTS } else { 0 };
    let mut defects: Vec<Defect> = (0..count)
        .map(|_| all[chance.random_range(0..all.len())])
        .collect();
    defects.sort_unstable();
    defects.dedup();
    for defect in &defects {
        drawn.scenario = defect.planted(&drawn.scenario);
    }
    (drawn, defects)
}

/// Plays one world twice: as it is, and with every witness replayed.
pub fn hear(seed: u64, run: u64) -> Heard {
    let (drawn, defects) = world(seed, run);
    let scenario = drawn.scenario;
    let (played, cases) = replay_under(&scenario, direction(&scenario));
    let mut heard = Heard {
        defects: defects.into_iter().map(Defect::name).collect(),
        violations: BTreeMap::new(),
        bogus: BTreeMap::new(),
        not_replayed: BTreeMap::new(),
        met: played.tallies.iter().map(|tally| tally.bogus).sum(),
        resolutions: played
            .tallies
            .iter()
            .map(|tally| tally.secure + tally.insecure + tally.bogus + tally.failed)
            .sum(),
        contradictions: Vec::new(),
    };
    for (zone, recorder) in &played.stage.world.recorders {
        let history = recorder.history();
        let found = verdict::disagreements_of(&scenario, &played, zone, &history);
        heard.contradictions.extend(found);
    }
    for case in &cases {
        let violation = &case.violation;
        *heard.violations.entry(violation.property).or_default() += 1;
        if let Some(why) = unplayable(&scenario, violation) {
            *heard.not_replayed.entry(why).or_default() += 1;
            continue;
        }
        match &case.replayed {
            Replayed::Bogus(_) => *heard.bogus.entry(violation.quantifier).or_default() += 1,
            Replayed::NotShown => {
                let why = "it begins before the run, or at its very end";
                *heard.not_replayed.entry(why).or_default() += 1;
            }
            Replayed::NotBogus(got) => heard.contradictions.push(told(&scenario, case, got)),
        }
    }
    heard
}

/// Why no resolver can be asked about this violation, if none can.
fn unplayable(scenario: &Scenario, violation: &Violation) -> Option<&'static str> {
    let mut events = scenario.events.iter();
    match violation.property {
        Property::NeverInsecure => Some("no DS: a validator is content"),
        Property::Reachable => Some("no server: nobody gets Bogus"),
        Property::NoFalseDenial => Some("a false denial is Secure"),
        Property::Secure if violation.profile == "strict-dnskey" => {
            Some("strict-dnskey: replays ask a resolver that is not")
        }
        // A pair of DNSKEY and answer fails under any DS that caches hold; a replay asks the parent.
        Property::Secure if events.any(|event| event.what == What::GoInsecure {}) => {
            Some("the parent has no DS any more")
        }
        Property::Secure if was_referred_before(violation) => {
            Some("the DS went before the keys came, and a replay asks for a referral in between")
        }
        Property::Secure => None,
    }
}

/// Whether its resolver had a DS and the referral beside it, and was led by them to keys when the parent
/// served that DS no longer. A replay asks for the DS alone; the referral that it then needs brings the
/// newer DS.
fn was_referred_before(violation: &Violation) -> bool {
    let witness = &violation.witness;
    let mut fetches = [Some(&witness.earlier), witness.later.as_ref()]
        .into_iter()
        .flatten();
    let keys = fetches.find(|fetch| fetch.what == Fetched::Dnskey);
    let ds = witness.under.as_ref();
    violation.quantifier == Quantifier::OneResolver
        && keys
            .zip(ds)
            .is_some_and(|(keys, ds)| ds.what == Fetched::Ds && ds.served_until <= keys.at)
}

fn told(scenario: &Scenario, case: &Case, got: &str) -> String {
    let violation = &case.violation;
    let from = violation.from.max(scenario.start) - scenario.start;
    format!(
        "{} for {}, {}: unsafe from {}, and the replay says {got}",
        violation.property,
        violation.profile,
        violation.quantifier,
        print_span(from)
    )
}
