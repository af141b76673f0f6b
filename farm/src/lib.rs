//! Real nameservers on loopback, each with as many signed zones as wanted: for tests and benches.
//!
//! A [`Farm`] is a parent zone, operators with servers of their own (NSD, Knot DNS, BIND), and
//! children whose [`State`] says what they publish and what a parent should make of it. Everything
//! lies in one temporary directory and listens on addresses of 127.66.0.0/16 only; all of it is gone
//! when the farm is dropped, on panic too.
//!
//! - [`zone`] – signs a zone and writes it as a zone file
//! - [`state`] – the table of what children publish
//! - [`child`], [`operator`], [`parent`], [`root`] – who has which records and keys
//! - [`software`] – how each server is told about its zones
//! - [`ground`], [`daemon`] – addresses, files, processes
//! - [`farm`] – all of it together
//! - [`trial`] – policy and key for a scanner that is tried on it
//! - [`group`] – one zone, several servers that sign it by themselves, and resolvers that judge
//! - [`ask`] – one question to one server
//! - [`hostile`] – a server whose children each misbehave in their way
//!
//! It refuses to know what a scanner does: it only says what there is, and what should be there after.

pub mod ask;
pub mod child;
pub mod daemon;
pub mod farm;
pub mod ground;
pub mod group;
pub mod hostile;
pub mod operator;
pub mod parent;
pub mod root;
pub mod software;
pub mod state;
pub mod trial;
pub mod zone;

pub use child::{After, Child};
pub use farm::{Farm, Plan};
pub use group::{Group, Signing};
pub use hostile::Hostile;
pub use operator::OperatorPlan;
pub use software::Software;
pub use state::State;
