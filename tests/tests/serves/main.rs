//! The controller as a daemon, over real TLS: its operations with right and wrong askers, what survives a
//! kill, what is told while it happens, the page in a browser, and that no secret shows anywhere.

mod browser;
mod certificates;
mod client;
mod crash;
mod daemon;
mod desec;
mod fuzz;
mod live;
mod many;
mod operations;
mod page;
mod remote;
mod resources;
mod secrets;

// The world of the local tool's tests, and its files.
#[allow(dead_code, reason = "those tests use more of it")]
#[path = "../controller/kit.rs"]
mod kit;
#[allow(dead_code, reason = "those tests use more of it")]
#[path = "../controller/web.rs"]
mod web;
