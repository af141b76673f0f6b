//! The agents and servers of the simulated world on real loopback sockets: what is played elsewhere
//! on virtual time runs here by the clock of the machine, unmodified.
//!
//! Every server listens at its own address of the world, on a port of its own that is free; the drivers
//! know the way. So tests run side by side, and without the right to open port 53.

mod driver;
mod hickory;
mod join;
mod kit;
mod scan;
