//! A simulated DNS world on virtual time.

pub mod answer;
pub mod by_hand;
mod catalogue;
pub mod contents;
pub mod describe;
pub mod desec;
pub mod keys;
pub mod log;
pub mod network;
pub mod operator;
pub mod primary;
pub mod published;
mod push;
pub mod recorder;
pub mod rolls;
pub mod topology;
pub mod update;
pub mod world;
