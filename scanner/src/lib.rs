//! The parental agent (RFC 7344): finds CDS, CDNSKEY and CSYNC in the children of one zone, judges
//! them, and changes the delegation where every rule allows it.
//!
//! A [`Scanner`] is one state machine without clock, socket or disk. Each scan it
//!
//! 1. transfers the parent's zone from its primary: [`delegation`] owns what NS, DS and glue are there;
//! 2. has the delegations surveyed ([`survey`]): every address of every nameserver is asked
//!    ([`gather`], RFC 9975 §3), and for a first DS RRset what its operators vouch for (RFC 9615);
//! 3. and what came back is judged, as a pure function of it ([`judge`]), of what is remembered
//!    ([`state`]), of what the registry knows ([`registry`]) and of the [`policy`]: the rules are
//!    tables, each rule with its ID, its reason code, its outcome and its switch;
//! 4. carries an accepted change to the parent as one dynamic update that holds only if the delegation
//!    is still what was judged ([`apply`]), after persisting it ([`state`]).
//!
//! In every outcome but [`Outcome::Accept`] the parent's RRsets stay what they are, to the octet.
//! It refuses to know how the child's signers are coordinated, and it learns no delegation from
//! anywhere but the parent's own zone (RFC 9615 §4.3).

pub mod apply;
#[cfg(feature = "tool")]
pub mod brakes;
#[cfg(feature = "tool")]
pub mod cli;
pub mod config;
#[cfg(feature = "net")]
pub mod crew;
pub mod delegation;
#[cfg(feature = "tool")]
pub mod epp;
pub mod gather;
#[cfg(feature = "tool")]
pub mod input;
pub mod judge;
mod ledger;
pub mod notices;
pub mod notified;
#[cfg(feature = "tool")]
pub mod output;
mod patience;
#[cfg(feature = "tool")]
pub mod plan;
pub mod policy;
pub mod registry;
pub mod scanner;
pub mod schedule;
pub mod spelling;
pub mod state;
pub mod survey;
pub mod verdict;

pub use config::{Config, Sabotage};
pub use gather::{Answer, Gathered};
pub use judge::{judge_cds, judge_csync};
pub use ledger::About;
pub use policy::{Continuity, Policy};
pub use registry::Facts;
pub use scanner::{Command, Scanner};
pub use state::ChildState;
pub use survey::{Finding, Subject, Survey};
pub use verdict::{Change, Outcome, Replacement, Verdict};
