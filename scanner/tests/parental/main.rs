//! The scanner against children that do everything right, and against one wrong thing at a time.

mod cds_accepted;
mod cds_refused;
mod csync_accepted;
mod csync_refused;
mod kit;
mod story;
mod vector;
mod world;
