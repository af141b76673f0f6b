//! Tests that span crates, and the part of them that more than one uses.

pub mod command;
pub mod dnsviz;
pub mod fuzz;
pub mod registry;
pub mod vectors;
