//! The conformance vectors of `scanner/vectors`, played in memory and over sockets.

mod play;
