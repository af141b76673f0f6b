//! The scenario language and the command line around it.

mod bad;
mod language;
mod outcome;
mod round_trip;
mod serve;
mod shell;
