//! The cache calculus: does resolution validate at every instant, for every cache that can exist?

pub mod history;
