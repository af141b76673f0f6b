//! The operator's tool against servers on loopback: what it writes, what it changes, what it refuses,
//! and what is left when it is killed.

mod apply;
mod audit;
mod bad;
mod crash;
mod daemon;
mod epp;
mod epp_commands;
mod fuzz;
mod hostile;
mod kit;
mod mass;
mod notices;
mod restore;
mod silence;
mod watch;
mod watch_flood;
mod watch_killed;
mod watch_told;
