//! The multi-signer controller: it keeps a zone that several signers sign valid while signers join,
//! leave and roll their keys (RFC 8901 model 2, draft-ietf-dnsop-dnssec-automation), for every cache
//! that can exist.
//!
//! A [`Controller`] is an [`Agent`](counterpoint_dns::agent::Agent): it takes `now` and inputs and
//! gives outputs, and has neither clock nor sockets. Tell it what there is ([`Config`]), what to do
//! ([`Command`]), carry out its outputs in their order, and ask for [`Controller::report`]. It comes
//! back from the dead by [`Controller::restore`] with the records that it wanted kept: requests, the
//! row on which each process stands, announced deadlines, whose key is whose, and what was seen when.
//!
//! # How it works
//!
//! A process is a table (`process::join`, `process::leave`, …) of rows: a goal, and at whom;
//! [`process_graph`] prints them. One engine runs every table:
//!
//! 1. *observe* – ask every instance of everybody whom the row names, directly. What is not
//!    authoritative, whole and to the question is *unknown*, and unknown is never equal to anything
//!    (`observation`, `log`);
//! 2. *decide* – a pure function of what was seen, the state of the process, and `now` (`decide`,
//!    `targets`, `checks`; `deadlines` and `waits` for how long caches hold what was replaced;
//!    `outstanding` for signals that the parent may still act upon; `keys` for whose key is whose);
//! 3. *apply* – after the guard has judged every way in which the change can unfold (`guard`), as one
//!    update to each signer, with what was seen as its prerequisite (`updater`);
//! 4. observe again: NOERROR is not success.
//!
//! A wait asks nothing for itself until its deadline, then looks once more; a watch backs off from
//! [`Config::poll`] to an hour. So a process costs questions in proportion to its steps.
//!
//! When a watch over the parent begins, the parent is told by NOTIFY(CDS) or NOTIFY(CSYNC), if it
//! publishes where (DSYNC, RFC 9859; `notify`). Nothing waits for that.
//!
//! A group at rest is watched in the same way, and goes on being watched, once an hour, while a
//! process runs: a foreign key that vanished is put back and a new own key is imported at once
//! (`additions`), inside any process. A new key is the beginning of a roll: the matching process
//! follows it; what it removes waits for its turn. A signer that rolls by itself must publish a key
//! for an hour, a DNSKEY TTL and the safety before it signs with it.
//!
//! What only a signer can do – make a key, sign with it, drop it – it is asked to do by a note
//! (`process::turn`); whoever reads the notes does it, or sees to it. Doing it twice must be harmless.
//!
//! # What it tells
//!
//! [`Note`](counterpoint_dns::agent::Note)s, with these kinds and subjects:
//!
//! | kind | subject | when |
//! |---|---|---|
//! | `process` | `join` | a process begins |
//! | `queued` | `join` | a request waits for the process before it |
//! | `step` | `join/5` | a step begins |
//! | `apply` | `join/2` | one RRset of one signer is about to be written: what comes, what goes |
//! | `wait` | `join/5` | a deadline is known: what for, until when |
//! | `watch` | `join/4` | somebody else must act, and will |
//! | `blocked` | `join/1` | a person must act: by whom it is blocked, why, what to do |
//! | `allowed` | `join/2` | the operator allows a step of a zone that goes step by step |
//! | `guard` | `join/6` | a change was refused: the witness. `blocked` follows |
//! | `warning` | `join/1` | a difference with its consequence; a step that must be done again |
//! | `repair` | `rest`, `join` | what is lacking is added at once: like `apply` |
//! | `detected` | `roll-zsk` | a signer has begun a roll by itself |
//! | `new-zsk`, `sign-with-new-zsk`, `drop-old-zsk` (`-ksk`, `-csk`), `sign-also`, `retire-old`, `drop-old-algorithm`, `unsign` | the signer | its turn: what it must do now (it may be told twice) |
//! | `cancel` | `join` | a process is to be run back |
//! | `released` | the signer | who leaves may stop answering (it may be told twice after a restart) |
//! | `done` | `join` | a process has ended well |
//! | `declared`, `observed` | – , `join/5` | for the [`audit`] log, if [`Config::audit`]: JSON |
//! | `notify` | `CDS`, `CSYNC` | how telling the parent ended: acknowledged, refused, or not answered |
//! | `limited` | the signer | it wants to be left in peace for a while |
//! | `refused` | `join` | a request cannot be carried out; nothing was changed |
//!
//! # What it does not do
//!
//! Other interfaces than dynamic update and deSEC's. It does not know beforehand how fast a signer
//! rolls: one that is too fast is told so when it is seen.

mod additions;
mod agenda;
#[cfg(feature = "tool")]
pub mod api;
pub mod audit;
mod book;
mod case;
mod checks;
#[cfg(feature = "tool")]
pub mod cli;
mod command;
mod common;
mod config;
mod controller;
mod deadlines;
mod decide;
#[cfg(feature = "tool")]
pub mod declarations;
mod engine;
#[cfg(feature = "tool")]
pub mod forecast;
mod guard;
mod io;
#[cfg(feature = "tool")]
mod keeper;
mod keys;
mod log;
mod notify;
mod observation;
mod outstanding;
mod place;
mod process;
#[cfg(feature = "tool")]
mod random;
mod report;
mod rolls;
mod sabotage;
mod scribe;
#[cfg(feature = "tool")]
mod serve;
#[cfg(feature = "tool")]
mod setup;
mod signals;
mod store;
#[cfg(feature = "tool")]
mod survey;
mod targets;
mod trust;
mod updater;
mod waits;

pub use command::{Command, RolledKey};
pub use common::{CommonKsk, OWNER};
pub use config::{
    CdsAfter, Config, DdnsAccess, DesecAccess, Interface, KskRoll, Limits, Model, Parent, Safety,
    Signer, SignerName, Zone,
};
pub use controller::Controller;
pub use process::graph::{GraphFormat, process_graph, process_names, process_steps};
pub use report::{Outcome, ProcessReport, StepReport};
pub use sabotage::{Sabotage, UnknownSabotage};
