//! What nobody may guess: tokens, and parts of file names.

use std::io;

use counterpoint_dns::driver::chance::octets;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

/// So many octets, in hexadecimal.
pub(crate) fn hex<const N: usize>() -> io::Result<String> {
    Ok(HEXLOWER.encode(&octets::<N>()?))
}

/// A token of 256 bits, with a mark by which a leaked one is recognised.
pub(crate) fn token() -> io::Result<String> {
    let secret = BASE64URL_NOPAD.encode(&octets::<32>()?);
    Ok(format!("cpt_{secret}"))
}
