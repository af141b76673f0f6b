//! A simulated DNS world on virtual time.

pub mod answer;
pub mod by_hand;
mod catalogue;
pub mod choice;
pub mod clock;
pub mod contents;
pub mod denial;
pub mod describe;
pub mod desec;
pub mod habits;
pub mod keys;
pub mod log;
pub mod meddling;
pub mod network;
pub mod operator;
pub mod primary;
mod proof;
pub mod published;
mod push;
pub mod recorder;
pub mod rolls;
pub mod secondary;
mod sources;
pub mod topology;
mod twins;
pub mod update;
pub mod world;
