//! The controller's tool against servers on loopback: a signer joins, another leaves, through any death of
//! the tool; what it says beforehand, what it refuses, and what its audit log proves.

mod declared;
mod desec;
mod kit;
mod look;
mod migrate;
mod tsig;
mod web;
