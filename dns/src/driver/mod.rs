//! The second driver: the agents and servers of the simulated world, unmodified, on real sockets.
//!
//! - [`agent`] – carries out what an [`Agent`](crate::agent::Agent) wants: records, questions, notes
//! - [`bulk`] – the same questions by the thousand, from a thread of one's own
//! - [`chance`] – the only place that asks the system for randomness
//! - [`server`] – puts a [`Server`](crate::agent::Server) behind UDP and TCP sockets
//! - [`store`] – where records become durable; `sqlite` (feature of that name) – the store that lasts
//! - [`clock`] – the only place in the workspace that reads the time of day for something that is decided
//! - `daemon` (feature of that name) – what every daemon needs: connections of strangers, journal, metrics, systemd
//! - [`http`] – one request to a web interface and its answer
//! - `wire` – one question and its answer, as octets; `relay` – octets through hickory-server's types
//!
//! All but [`bulk`] runs on one tokio thread; a machine that decides is never called from two tasks at once.
//! Nothing here knows what any message means.
//!
//! # What hickory does here
//!
//! Questions leave through `hickory-client` (the crate is called `hickory-net` since 0.26): its
//! `UdpStream` binds a fresh socket with a random port for each question (RFC 5452 §9.2), its
//! `TcpStream` frames messages by two octets of length (RFC 7766 §8). Both carry octets as they are,
//! with the ids that the agent chose, which hickory's own `Client` does not: it makes its own ids and
//! checks TSIG by itself.
//!
//! Requests come in through `hickory-server`: its `Server` owns the sockets, its `RequestHandler` is
//! ours. What passes through unchanged and what does not is said in [`server`].

pub mod agent;
pub mod bulk;
pub mod chance;
pub mod clock;
#[cfg(feature = "daemon")]
pub mod daemon;
pub mod http;
mod relay;
pub mod server;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod store;
mod wire;
