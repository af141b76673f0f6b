//! The scenario language and the command line around it.

mod bad;
mod language;
