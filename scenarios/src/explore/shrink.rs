//! From a failing scenario to a small one that fails in the same way.
//!
//! First whatever can go goes: events, faults, zones, signers, settings. Then times become those that
//! a person would write. A step is taken only if the smaller scenario is a legal file and still has a
//! failure of the same class; so what comes out fails for the reason that went in.

mod drop;
mod times;

use counterpoint_dns::name::Name;

use super::trial::{Class, Trial, attempt};
use crate::{load::load, run::plan::first_signers, scenario::Scenario};

/// A small scenario, and what it took.
#[derive(Clone, Debug, PartialEq)]
pub struct Shrunk {
    /// The scenario.
    pub scenario: Scenario,
    /// How it fails.
    pub class: Class,
    /// How it comes about, in prose.
    pub story: String,
    /// How often a smaller one was played.
    pub tries: u64,
}

/// Bounds the work: a scenario is small enough when this much did not make it smaller.
pub const TRIES_MAX: u64 = 600;

/// Shrinks `scenario`, which fails with `class`, by at most `tries_max` runs; `None` if it does not
/// fail that way.
pub fn shrink(scenario: &Scenario, class: &Class, tries_max: u64) -> Option<Shrunk> {
    shrink_by(scenario, class, tries_max, &attempt)
}

/// The same with another way to play.
pub fn shrink_by(
    scenario: &Scenario,
    class: &Class,
    tries_max: u64,
    play: &dyn Fn(&Scenario) -> Trial,
) -> Option<Shrunk> {
    let story = story_of(&play(scenario), class)?;
    let mut shrinker = Shrinker {
        play,
        shrunk: Shrunk {
            scenario: scenario.clone(),
            class: class.clone(),
            story,
            tries: 1,
        },
        tries_max,
    };
    loop {
        let before = shrinker.shrunk.scenario.clone();
        shrinker.drop();
        shrinker.round();
        if shrinker.shrunk.scenario == before || shrinker.is_spent() {
            return Some(shrinker.shrunk);
        }
    }
}

/// The prose of the failure of this class.
fn story_of(trial: &Trial, class: &Class) -> Option<String> {
    let found = trial
        .failures
        .iter()
        .find(|failure| failure.class == *class);
    found.map(|failure| failure.story.clone())
}

struct Shrinker<'a> {
    play: &'a dyn Fn(&Scenario) -> Trial,
    shrunk: Shrunk,
    tries_max: u64,
}

impl Shrinker<'_> {
    fn is_spent(&self) -> bool {
        self.shrunk.tries >= self.tries_max
    }

    /// Takes `smaller` if it is another legal file and fails in the same way.
    fn accept(&mut self, mut smaller: Scenario) -> bool {
        renumber(&mut smaller);
        let shrunk = &self.shrunk.scenario;
        if self.is_spent()
            || smaller == *shrunk
            || !still_leads_there(&smaller, shrunk)
            || !is_legal(&smaller)
        {
            return false;
        }
        self.shrunk.tries += 1;
        match story_of(&(self.play)(&smaller), &self.shrunk.class) {
            Some(story) => {
                self.shrunk.story = story;
                self.shrunk.scenario = smaller;
                true
            }
            None => false,
        }
    }

    /// Takes `change` if it leads to a smaller scenario that fails in the same way.
    fn try_with(&mut self, change: impl FnOnce(&mut Scenario)) -> bool {
        let mut smaller = self.shrunk.scenario.clone();
        change(&mut smaller);
        self.accept(smaller)
    }
}

/// Whether whoever must be delegated to in the end still can be: what leads there is left as it is.
fn still_leads_there(smaller: &Scenario, scenario: &Scenario) -> bool {
    let is_untouched =
        || smaller.events == scenario.events && members(smaller) == members(scenario);
    scenario.expect.signers.is_none() || is_untouched()
}

/// Each zone, and who serves it at the start.
fn members(scenario: &Scenario) -> Vec<(&Name, Vec<String>)> {
    let zones = scenario.zones.iter();
    zones
        .map(|zone| (&zone.name, first_signers(scenario, zone)))
        .collect()
}

/// Whether a file with this scenario in it loads as this scenario.
pub fn is_legal(scenario: &Scenario) -> bool {
    load("shrunk.toml", &scenario.to_toml()).is_ok_and(|read| read == *scenario)
}

/// Events and faults are numbered from 1.
fn renumber(scenario: &mut Scenario) {
    for (index, event) in scenario.events.iter_mut().enumerate() {
        event.number = index + 1;
    }
    for (index, fault) in scenario.faults.iter_mut().enumerate() {
        fault.number = index + 1;
    }
}
