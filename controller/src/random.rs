//! What nobody may guess: tokens, and parts of file names.

use std::io;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use ring::rand::{SecureRandom as _, SystemRandom};

/// So many octets from the system.
fn octets<const N: usize>() -> io::Result<[u8; N]> {
    let mut octets = [0; N];
    let filled = SystemRandom::new().fill(&mut octets);
    filled.map_err(|_| io::Error::other("the system gives no randomness"))?;
    Ok(octets)
}

/// So many octets, in hexadecimal.
pub(crate) fn hex<const N: usize>() -> io::Result<String> {
    Ok(HEXLOWER.encode(&octets::<N>()?))
}

/// A token of 256 bits, with a mark by which a leaked one is recognised.
pub(crate) fn token() -> io::Result<String> {
    let secret = BASE64URL_NOPAD.encode(&octets::<32>()?);
    Ok(format!("cpt_{secret}"))
}
