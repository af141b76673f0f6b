//! An agent stopped after its nth output and restored from its records there, for every n: "killed
//! between any two effects", enumerated.

use super::trial::{Trial, attempt, attempt_with, direction};
pub use crate::run::direction::{Cut, Who};
use crate::{
    pool,
    run::{direction::Direction, play::play_under},
    scenario::Scenario,
};

/// How many outputs each agent has in a run without a crash; `None` if that run fails.
pub fn outputs(scenario: &Scenario) -> Option<Vec<(Who, u64)>> {
    if attempt(scenario).worst().is_some() {
        return None;
    }
    let cast = play_under(scenario, direction(scenario)).cast;
    let controller = cast
        .controller
        .map(|seated| (Who::Controller, seated.outputs));
    let scanner = cast.scanner.map(|seated| (Who::Scanner, seated.outputs));
    Some(controller.into_iter().chain(scanner).collect())
}

/// Plays `scenario` once for each of `outputs`; hands each trial to `done`. Returns how many.
pub fn everywhere(
    scenario: &Scenario,
    outputs: &[(Who, u64)],
    threads: usize,
    mut done: impl FnMut(Cut, Trial),
) -> u64 {
    let cuts = |(who, count): &(Who, u64)| {
        let who = *who;
        (1..=*count).map(move |after| Cut { who, after })
    };
    let cuts: Vec<Cut> = outputs.iter().flat_map(cuts).collect();
    let play = |cut: &Cut| {
        let direction = Direction {
            cut: Some(*cut),
            ..direction(scenario)
        };
        attempt_with(scenario, |scenario| play_under(scenario, direction))
    };
    pool::in_order(&cuts, threads, play, |cut, trial| {
        done(*cut, trial);
        true
    });
    cuts.len() as u64
}
