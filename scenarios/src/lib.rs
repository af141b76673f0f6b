//! Scenario files: language, runner, verdicts.

pub mod diagnostic;
pub mod load;
pub mod outcome;
pub mod runner;
pub mod scenario;
