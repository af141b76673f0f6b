//! The scanner against children that do everything right, and against one wrong thing at a time.

mod access;
mod bootstrap;
mod cds_accepted;
mod cds_refused;
mod csync_accepted;
mod csync_policy;
mod csync_refused;
mod kit;
mod lives;
mod page;
mod signed_root;
mod story;
mod vector;
mod world;
