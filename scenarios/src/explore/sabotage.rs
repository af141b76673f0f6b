//! The sabotage score: which deliberate defects does which scenario catch?
//!
//! A file of the library kills a defect if what it expects no longer comes true with it (or, where the
//! file has the defect, without it). A drawn scenario kills it if it is good without and fails with it.
//! The guard is off: it would refuse the controller's defects itself.

use super::{
    generate::{Swarm, draw, seed_of},
    shrink::{Shrunk, TRIES_MAX, shrink_by},
    trial::{Class, Trial, attempt},
};
use crate::{
    expectations, pool,
    run::run,
    scenario::{ControllerSabotage, ScannerSabotage, Scenario},
};

/// A deliberate defect of either agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Defect {
    /// Of the controller.
    Controller(ControllerSabotage),
    /// Of the scanner.
    Scanner(ScannerSabotage),
}

impl Defect {
    /// All that the language has.
    pub fn all() -> Vec<Self> {
        let controller = ControllerSabotage::ALL
            .iter()
            .copied()
            .map(Self::Controller);
        controller
            .chain(ScannerSabotage::ALL.iter().copied().map(Self::Scanner))
            .collect()
    }

    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Controller(defect) => defect.name(),
            Self::Scanner(defect) => defect.name(),
        }
    }

    fn is_in(self, scenario: &Scenario) -> bool {
        match self {
            Self::Controller(defect) => scenario.controller.sabotage.contains(&defect),
            Self::Scanner(defect) => scenario.scanner.sabotage.contains(&defect),
        }
    }

    /// The scenario with it; the guard is off.
    pub fn planted(self, scenario: &Scenario) -> Scenario {
        let mut planted = scenario.clone();
        planted.controller.guard = false;
        match self {
            Self::Controller(defect) => planted.controller.sabotage.push(defect),
            Self::Scanner(defect) => planted.scanner.sabotage.push(defect),
        }
        planted
    }

    fn taken_out(self, scenario: &Scenario) -> Scenario {
        let mut without = scenario.clone();
        match self {
            Self::Controller(defect) => {
                without.controller.sabotage.retain(|other| *other != defect)
            }
            Self::Scanner(defect) => without.scanner.sabotage.retain(|other| *other != defect),
        }
        without
    }
}

/// Who looks for a defect: each must find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hunter {
    /// The files of the library.
    Library,
    /// Drawn scenarios.
    Drawn,
}

/// Defects that somebody need not catch, and why nobody could. Who is listed and catches it all the same
/// fails the score as well: the entry is stale.
pub const SURVIVORS: &[(&str, Hunter, &str)] = &[(
    "no-recheck-at-deadline",
    Hunter::Drawn,
    "what was seen must be undone by hand while caches are waited for: drawn, that harms the correct \
         tables as well, where it comes a little too late",
)];

/// Why a defect may survive `hunter`, if it may.
pub fn excuse(defect: Defect, hunter: Hunter) -> Option<&'static str> {
    SURVIVORS
        .iter()
        .find(|(name, from, _)| *name == defect.name() && *from == hunter)
        .map(|(_, _, why)| *why)
}

/// The first file of `library` that kills `defect`; those that have it come first.
pub fn killed_by_file(defect: Defect, library: &[(String, Scenario)]) -> Option<&str> {
    let (with, without): (Vec<_>, Vec<_>) = library
        .iter()
        .partition(|(_, scenario)| defect.is_in(scenario));
    let of_it = with
        .into_iter()
        .map(|file| (file, defect.taken_out(&file.1)));
    // A scenario about another defect says nothing about this one.
    let sound = without.into_iter().filter(|(_, scenario)| {
        scenario.controller.sabotage.is_empty() && scenario.scanner.sabotage.is_empty()
    });
    let others = sound.map(|file| (file, defect.planted(&file.1)));
    let mut changed = of_it.chain(others);
    changed
        .find(|((_, scenario), changed)| is_unmet(scenario, changed))
        .map(|((path, _), _)| path.as_str())
}

fn is_unmet(scenario: &Scenario, changed: &Scenario) -> bool {
    let outcome = run(changed);
    outcome.internal_error.is_some() || !expectations::unmet(&scenario.expect, &outcome).is_empty()
}

/// A drawn scenario that kills a defect.
#[derive(Clone, Debug, PartialEq)]
pub struct Kill {
    /// The number of the run.
    pub run: u64,
    /// How it fails.
    pub class: Class,
    /// The scenario, the defect in it.
    pub scenario: Scenario,
}

/// The first of `runs` drawn scenarios of the campaign `seed` that kills `defect`.
pub fn killed_by_drawn(defect: Defect, seed: u64, runs: u64, threads: usize) -> Option<Kill> {
    let swarm = Swarm::default();
    let numbers: Vec<u64> = (0..runs).collect();
    let mut kill = None;
    pool::in_order(
        &numbers,
        threads,
        |run| try_one(defect, seed, *run, &swarm),
        |_, found| {
            if kill.is_none() {
                kill = found;
            }
            kill.is_none()
        },
    );
    kill
}

fn try_one(defect: Defect, seed: u64, run: u64, swarm: &Swarm) -> Option<Kill> {
    let drawn = draw(seed_of(seed, run), swarm).scenario;
    let scenario = defect.planted(&drawn);
    let class = attempt(&scenario)
        .worst()
        .cloned()
        .filter(|class| !class.is_internal())?;
    // It is the defect's doing only if it does not happen without.
    is_good(&drawn).then_some(Kill {
        run,
        class,
        scenario,
    })
}

fn is_good(scenario: &Scenario) -> bool {
    attempt(scenario).failures.is_empty()
}

/// The killing scenario made small: one that is still good without the defect.
pub fn shrunk(defect: Defect, kill: &Kill) -> Option<Shrunk> {
    let play = |scenario: &Scenario| {
        let trial = attempt(scenario);
        match trial.failures.is_empty() || is_good(&defect.taken_out(scenario)) {
            true => trial,
            false => Trial::default(),
        }
    };
    shrink_by(&kill.scenario, &kill.class, TRIES_MAX, &play)
}
