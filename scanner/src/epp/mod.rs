//! EPP (RFC 5730): how a registry's own database is told of a change, where the parent's zone is made
//! from that.
//!
//! A [`Session`](session::Session) talks over any stream; [`client`] gives it one over TLS (RFC 5734).
//! Commands and answers are data, [`command`] and [`answer`]; [`delegated`] makes the commands that lead
//! from what a registry has to what a plan wants, and [`series`] sends them. None of them knows what a scanner finds, nor when a
//! change is due.

pub mod answer;
pub mod client;
pub mod code;
pub mod command;
pub mod delegated;
pub mod frame;
pub mod series;
pub mod session;
mod xml;
