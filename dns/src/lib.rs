//! Names, RRsets, keys, signing, validation, the resolver and the cache calculus: everything decided without I/O.

pub mod oracle;
pub mod time;
