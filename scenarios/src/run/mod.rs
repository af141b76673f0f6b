//! Runs a scenario: the same controller and scanner as in production, in the simulated world, judged
//! by the oracle.

pub mod cast;
mod denial;
pub mod direction;
pub mod faults;
mod late;
pub mod models;
pub mod plan;
pub mod play;
pub mod replay;
pub mod resolvers;
pub mod script;
pub mod verdict;
mod witnesses;

use self::direction::{Cut, Direction, Who};
use crate::{outcome::Outcome, scenario::Scenario};

/// Plays `scenario` to its end and judges it.
pub fn run(scenario: &Scenario) -> Outcome {
    verdict::outcome(scenario, play::play(scenario))
}

/// The same with a controller that is stopped as soon as so many of its outputs have been carried out,
/// and restored from its records.
pub fn run_with_cut(scenario: &Scenario, outputs: u64) -> Outcome {
    let cut = Cut {
        who: Who::Controller,
        after: outputs,
    };
    let direction = Direction {
        cut: Some(cut),
        ..Direction::default()
    };
    verdict::outcome(scenario, play::play_under(scenario, direction))
}
