//! The conformance vectors of `scanner/vectors`, played in memory and over sockets.

mod dnssec_cds;
mod format;
mod play;
mod switch_off;
