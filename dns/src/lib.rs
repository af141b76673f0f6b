//! Names, RRsets, keys, signing, validation, the resolver and the cache calculus: everything decided without I/O.

pub mod agent;
#[cfg(feature = "net")]
pub mod driver;
pub mod exchange;
pub mod key;
pub mod message;
pub mod name;
pub mod notify;
pub mod nsec3;
pub mod oracle;
pub mod pace;
pub mod pkcs8;
pub mod rdata;
pub mod resolver;
pub mod rrset;
mod rsa;
pub mod signature;
pub mod stream;
pub mod time;
pub mod transfer;
pub mod tsig;
pub mod update;
pub mod validate;
pub mod web;
