//! What every daemon needs, whatever it decides.
//!
//! - [`connections`] – TCP connections of strangers, so many at a time
//! - [`strangers`] – a [`Server`](crate::agent::Server) for whoever knocks, by UDP and TCP, everything bounded
//! - [`journal`] – what happens, as JSON lines on standard error
//! - [`metrics`] – counts, as Prometheus reads them
//! - [`systemd`] – readiness and signs of life, told to the service manager
//!
//! Nothing here knows what any of it is about.

pub mod connections;
pub mod journal;
pub mod metrics;
pub mod strangers;
pub mod systemd;
