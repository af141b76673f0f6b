//! The multi-signer controller: processes as step tables, and the engine that runs them.

mod case;
mod checks;
mod command;
mod config;
mod controller;
mod deadlines;
mod decide;
mod engine;
mod guard;
mod io;
mod keys;
mod log;
mod observation;
mod outstanding;
mod place;
mod process;
mod report;
mod sabotage;
mod store;
mod targets;
mod updater;
mod waits;

pub use command::Command;
pub use config::{CdsAfter, Config, Parent, Safety, Signer, SignerName, Zone};
pub use controller::Controller;
pub use report::{Outcome, ProcessReport, StepReport};
pub use sabotage::{Sabotage, UnknownSabotage};
