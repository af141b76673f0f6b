//! Exploration: draws scenarios, plays them, and makes of each failure a file that a person can read.
//!
//! Owns how scenarios are drawn ([`generate`]), what counts as a failure ([`trial`]), how one is made
//! small ([`shrink`]) and told ([`story`]), and the searches built on that: many seeds ([`campaign`]),
//! every deliberate defect ([`sabotage`]), a crash after every output ([`crash`]), every choice of a
//! bounded world ([`exhaustive`]). Knows no terminal and no clock: those are the command line's.

pub mod bound;
pub mod campaign;
pub mod coverage;
pub mod crash;
pub mod exhaustive;
pub mod feature;
pub mod folder;
pub mod generate;
pub mod sabotage;
pub mod shrink;
pub mod story;
pub mod sweep;
pub mod trial;
pub mod witness;
