//! The scanner against children that do everything right, and against one wrong thing at a time.

mod cds;
mod csync;
mod kit;
mod story;
mod world;
