//! The multi-signer controller: processes as step tables, and the engine that runs them.

mod command;
mod config;
mod controller;
mod report;
mod sabotage;

pub use command::Command;
pub use config::{CdsAfter, Config, Parent, Safety, Signer, SignerName, Zone};
pub use controller::Controller;
pub use report::{Outcome, ProcessReport, StepReport};
pub use sabotage::{Sabotage, UnknownSabotage};
