//! Readiness and signs of life, told to the service manager as sd_notify(3) does: one datagram to the
//! socket that `NOTIFY_SOCKET` names.

use std::{
    env, io,
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            ffi::OsStrExt as _,
            net::{SocketAddr, UnixDatagram},
        },
    },
    time::Duration,
};

use super::journal;

/// Tells `state`, as `READY=1`; nobody, if nobody asked.
pub fn tell(state: &str) {
    let Some(name) = env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    let send = || -> io::Result<()> {
        let address = match name.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(&name)?,
        };
        UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address)?;
        Ok(())
    };
    if let Err(error) = send() {
        journal::event("unheard", &[("state", state), ("why", &error.to_string())]);
    }
}

/// How often a sign of life is due (`WATCHDOG=1`): twice in the time that the service manager waits for
/// one (sd_watchdog_enabled(3)). Never, if it waits for none.
pub fn sign_of_life_every() -> Option<Duration> {
    let micros: u64 = env::var("WATCHDOG_USEC").ok()?.parse().ok()?;
    let ours = env::var("WATCHDOG_PID").map_or(Ok(std::process::id()), |pid| pid.parse());
    let is_ours = ours.is_ok_and(|pid| pid == std::process::id());
    (is_ours && micros > 0).then(|| Duration::from_micros(micros) / 2)
}
