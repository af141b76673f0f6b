//! Where a farm stands: a temporary directory and a network of its own, 127.66.N.0/24.
//!
//! The network is claimed by a socket, so that farms of several processes do not meet. Servers listen
//! on port 53 where that is allowed, because resolvers follow delegations nowhere else.

use std::{
    collections::BTreeMap,
    fs, io,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// Where nameservers are believed to listen.
const PORT: u16 = 53;
/// Where they listen if nobody may have port 53.
const PORT_UNPRIVILEGED: u16 = 5_366;
/// The host that claims a network.
const CLAIM: u8 = 254;

/// A place for one farm. Everything is taken back when it is dropped.
#[derive(Debug)]
pub struct Ground {
    folder: TempDir,
    net: u8,
    port: u16,
    on_interface: Vec<Ipv4Addr>,
    _claim: UdpSocket,
}

impl Ground {
    /// Takes a network that nobody has. Fails if there is none, or no room for files.
    pub fn take() -> io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("counterpoint-farm-")
            .tempdir()?;
        for net in 0..=u8::MAX {
            let claim = Ipv4Addr::new(127, 66, net, CLAIM);
            for port in [PORT, PORT_UNPRIVILEGED] {
                match UdpSocket::bind((claim, port)) {
                    Ok(socket) => {
                        return Ok(Self {
                            folder,
                            net,
                            port,
                            on_interface: Vec::new(),
                            _claim: socket,
                        });
                    }
                    Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                    Err(_) => break,
                }
            }
        }
        Err(io::Error::other(
            "every network of 127.66.0.0/16 is taken: stop other farms",
        ))
    }

    /// Its directory.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A directory inside it.
    pub fn subfolder(&self, name: &str) -> io::Result<PathBuf> {
        let folder = self.folder().join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// One of its addresses.
    pub fn address(&self, host: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, 66, self.net, host)
    }

    /// The port on which servers really listen.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether that is where resolvers look for them.
    pub fn is_privileged(&self) -> bool {
        self.port == PORT
    }

    /// Puts an address on the loopback interface: BIND listens on no other. One that a killed farm
    /// left there is taken over: the network is ours.
    pub fn put_on_interface(&mut self, address: Ipv4Addr) -> io::Result<()> {
        ip("replace", address).map_err(|error| {
            io::Error::other(format!(
                "{error}; BIND listens on addresses of an interface only: run as root, or in \
                 `unshare -rn`"
            ))
        })?;
        self.on_interface.push(address);
        Ok(())
    }

    /// Where each of these servers is really found.
    pub fn routes(&self, addresses: &[Ipv4Addr]) -> BTreeMap<SocketAddr, SocketAddr> {
        let addresses = addresses.iter().filter(|_| !self.is_privileged());
        addresses
            .map(|address| ((*address, PORT).into(), (*address, self.port).into()))
            .collect()
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        for address in &self.on_interface {
            // What cannot be taken back stays until the next start of the machine; it hurts nobody.
            let _ = ip("del", *address);
        }
    }
}

/// `ip addr WHAT`; what it says about a failure is the error.
fn ip(what: &str, address: Ipv4Addr) -> io::Result<()> {
    let address = format!("{address}/32");
    let arguments = ["addr", what, &address, "dev", "lo"];
    let done = Command::new("ip").args(arguments).output()?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(io::Error::other(format!(
        "`ip {}` failed: {}",
        arguments.join(" "),
        said.trim()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::software::is_able;

    #[test]
    fn an_address_that_a_killed_farm_left_is_taken_over_and_taken_back() {
        if !is_able(&["ip"]) {
            return;
        }
        let mut ground = Ground::take().unwrap();
        if !ground.is_privileged() {
            eprintln!("SKIPPED: not root");
            return;
        }
        let address = ground.address(99);
        ip("add", address).unwrap();
        ground.put_on_interface(address).unwrap();
        drop(ground);
        assert!(ip("del", address).is_err(), "{address} is still there");
    }
}
