//! UDP: a pool of sockets on ports drawn at random, a few for each family, replaced as they wear out.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use mio::{Interest, Registry, Token, net::UdpSocket};
use rand::RngExt as _;

use super::{Asked, Came, message_id};
use crate::stream::Stream;

/// How many sockets of one family take questions at a time.
const OPEN: usize = 16;
/// After so many questions a port is replaced.
pub const USES_MAX: u32 = 2_048;
/// How many ports are tried until one is free.
const TRIES: usize = 64;
/// The first port that needs no privilege.
const PORT_MIN: u16 = 1_024;
/// How many datagrams are taken before the other sockets have their turn.
pub const TURN_MAX: usize = 64;
/// Longer than any datagram.
const DATAGRAM_MAX: usize = 65_536;

#[derive(Debug)]
struct Port {
    socket: UdpSocket,
    under_way: BTreeMap<u16, Asked>,
    uses: u32,
}

/// All sockets of one thread.
#[derive(Debug)]
pub(super) struct Ports {
    stream: Stream,
    next: usize,
    ports: BTreeMap<usize, Port>,
    /// Those that take questions, by family: IPv4, IPv6.
    open: [Vec<usize>; 2],
    buffer: Vec<u8>,
}

impl Ports {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            next: 0,
            ports: BTreeMap::new(),
            open: [Vec::new(), Vec::new()],
            buffer: vec![0; DATAGRAM_MAX],
        }
    }

    /// Sends a question; returns the socket that it left through.
    pub(super) fn ask(&mut self, asked: Asked, registry: &Registry) -> io::Result<usize> {
        let family = usize::from(asked.to.is_ipv6());
        let place = self.stream.random_range(0..OPEN);
        let at = match self.open[family].get(place) {
            Some(at) => *at,
            None => self.open_one(family, registry)?,
        };
        let message_id = asked.message_id();
        let port = self.ports.get_mut(&at).ok_or(io::ErrorKind::NotFound)?;
        if port.under_way.contains_key(&message_id) {
            // One in thousands: the agent asks again with another id.
            return Err(io::ErrorKind::AddrInUse.into());
        }
        // What the system has no room for is lost on the way, like any datagram.
        match port.socket.send_to(&asked.octets, asked.to) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            _ => {}
        }
        port.under_way.insert(message_id, asked);
        port.uses += 1;
        if port.uses >= USES_MAX {
            // It takes no more questions, and is closed once its last one is answered.
            self.open[family].retain(|open| *open != at);
        }
        Ok(at)
    }

    /// Takes everything that came in at a socket.
    pub(super) fn is_ready(&mut self, at: usize, registry: &Registry, came: &mut VecDeque<Came>) {
        let Some(port) = self.ports.get_mut(&at) else {
            return;
        };
        // Any error but "nothing more" is about some datagram sent earlier: its deadline tells.
        for turn in 0.. {
            if turn == TURN_MAX {
                // What is left makes the socket ready again; if that fails, deadlines tell.
                let again = Interest::READABLE;
                let _ = registry.reregister(&mut port.socket, Token(at), again);
                break;
            }
            match port.socket.recv_from(&mut self.buffer) {
                Ok((length, from)) => {
                    let octets = &self.buffer[..length];
                    if length >= 2
                        && let message_id = message_id(octets)
                        && let Some(asked) = port.under_way.get(&message_id)
                        && asked.to == from
                        && asked.is_answered_by(octets)
                    {
                        came.push_back((asked.id, Some(octets.to_vec())));
                        port.under_way.remove(&message_id);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => {}
            }
        }
        self.close_if_done(at, registry);
    }

    /// Waits no longer for an answer.
    pub(super) fn forget(&mut self, at: usize, message_id: u16, registry: &Registry) {
        if let Some(port) = self.ports.get_mut(&at) {
            port.under_way.remove(&message_id);
        }
        self.close_if_done(at, registry);
    }

    fn close_if_done(&mut self, at: usize, registry: &Registry) {
        let is_done = |port: &Port| port.uses >= USES_MAX && port.under_way.is_empty();
        if self.ports.get(&at).is_some_and(is_done)
            && let Some(mut port) = self.ports.remove(&at)
        {
            // The socket is closed whatever this says.
            let _ = registry.deregister(&mut port.socket);
        }
    }

    fn open_one(&mut self, family: usize, registry: &Registry) -> io::Result<usize> {
        let any: IpAddr = match family {
            0 => Ipv4Addr::UNSPECIFIED.into(),
            _ => Ipv6Addr::UNSPECIFIED.into(),
        };
        let mut socket = Err(io::ErrorKind::AddrInUse.into());
        for _ in 0..TRIES {
            let port = self.stream.random_range(PORT_MIN..=u16::MAX);
            socket = UdpSocket::bind(SocketAddr::new(any, port));
            if socket.is_ok() {
                break;
            }
        }
        let mut socket = socket?;
        let at = self.next;
        self.next += 1;
        registry.register(&mut socket, Token(at), Interest::READABLE)?;
        let port = Port {
            socket,
            under_way: BTreeMap::new(),
            uses: 0,
        };
        self.ports.insert(at, port);
        self.open[family].push(at);
        Ok(at)
    }
}
