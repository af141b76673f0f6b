//! Runs a scenario: the same controller and scanner as in production, in the simulated world, judged
//! by the oracle.

pub mod cast;
pub mod direction;
pub mod plan;
pub mod play;
pub mod replay;
pub mod script;
pub mod verdict;

use crate::{outcome::Outcome, scenario::Scenario};

/// Plays `scenario` to its end and judges it.
pub fn run(scenario: &Scenario) -> Outcome {
    verdict::outcome(scenario, play::play(scenario))
}
