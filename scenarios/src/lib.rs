//! Scenario files: language, runner, verdicts.
//!
//! A scenario is one TOML file. [`load`] turns it into a [`scenario::Scenario`], or into every
//! mistake in it as a [`diagnostic::Diagnostic`]; [`run`] plays it; [`expectations`] compares the
//! [`outcome::Outcome`] with what the file expects; [`report`] makes the data of all reports of it; [`audit`] judges what a controller saw of the real
//! world; [`serve`] puts its world on real wires; [`cli`] is the shell around all that.

pub mod audit;
pub mod cli;
pub mod diagnostic;
pub mod draws;
pub mod expectations;
pub mod explore;
mod lint;
pub mod load;
pub mod outcome;
mod pool;
pub mod probe;
pub mod rehearsal;
pub mod report;
pub mod run;
pub mod scenario;
pub mod serve;
pub mod study;
pub mod zone_file;
