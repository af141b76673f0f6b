//! The instances of a world behind sockets, UDP and TCP.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    convert::Infallible,
    fmt, io,
    net::{IpAddr, SocketAddr},
};

use counterpoint_dns::driver::server::{Desk, Listener};
use counterpoint_simnet::world::World;

/// The sockets of every instance. Dropped, they are closed.
pub struct Wires {
    desk: Desk,
    port: u16,
    listeners: BTreeMap<IpAddr, Listener>,
}

/// An address cannot be listened at.
#[derive(Debug)]
pub struct Unheard {
    /// The address.
    pub address: SocketAddr,
    /// Why not.
    pub error: io::Error,
}

impl fmt::Display for Unheard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, error } = self;
        let help = match error.kind() {
            io::ErrorKind::PermissionDenied => {
                "run as root, or in `unshare -rn`, or choose another `--port` (for dig: resolvers follow \
                 delegations to port 53 alone)"
            }
            io::ErrorKind::AddrInUse => "somebody listens there: end it, or choose another `--net`",
            io::ErrorKind::AddrNotAvailable => {
                "no interface has this address: choose a `--net` in 127.0.0.0/8, or give it to one"
            }
            _ => "choose another `--net` or `--port`",
        };
        write!(f, "cannot listen at {address}: {error}\n  help: {help}")
    }
}

impl Wires {
    /// No sockets yet; those that come have this port.
    pub fn new(port: u16) -> Self {
        Self {
            desk: Desk::default(),
            port,
            listeners: BTreeMap::new(),
        }
    }

    /// Listens for every instance of `world`, at its own address, where nobody listens yet.
    pub async fn cover(&mut self, world: &World) -> Result<(), Unheard> {
        let instances = world.operators.iter().flat_map(|owner| &owner.instances);
        for instance in instances {
            if let Entry::Vacant(place) = self.listeners.entry(instance.address) {
                let address = SocketAddr::new(instance.address, self.port);
                let listener = self.desk.listen(address).await;
                place.insert(listener.map_err(|error| Unheard { address, error })?);
            }
        }
        Ok(())
    }

    /// Answers as the instances of `world` do, for as long as it is awaited.
    pub async fn attend(&mut self, world: &mut World) -> Infallible {
        loop {
            let inquiry = self.desk.next().await;
            let (to, from, via) = (inquiry.to.ip(), inquiry.from, inquiry.via);
            let answer = world.serve_outsider(to, from, via, &inquiry.request);
            inquiry.answer(answer);
        }
    }
}
