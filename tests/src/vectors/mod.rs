//! The conformance vectors of a parental agent, and what plays them.
//!
//! - [`layer`] – the format; [`mod@file`] – the files
//! - [`keys`], [`record`], [`span`] – from words to data
//! - [`site`], [`hashed`], [`authority`], [`town`] – the servers of a case
//! - [`story`] – what happens, and what is expected; told by a [`Carrier`](story::Carrier)
//! - [`memory`], [`sockets`] – the two carriers

pub mod authority;
pub mod file;
pub mod hashed;
pub mod keys;
pub mod layer;
pub mod memory;
pub mod record;
pub mod site;
pub mod sockets;
pub mod span;
pub mod story;
pub mod town;
