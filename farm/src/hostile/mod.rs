//! A hostile authoritative server: a child for each row of a table, each of which misbehaves in its way.
//!
//! UDP and TCP, an address for each child, threads of its own, no library in between. It owns what
//! is sent, how, and how slowly; it refuses to know what a scanner should make of it.
//!
//! - [`table`] – the ways to misbehave
//! - `site` – the zone that is served, with what is too much in it
//! - `wire` – messages to the octet

mod site;
pub mod table;
mod wire;

use std::{
    collections::BTreeMap,
    io::{self, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use counterpoint_dns::{
    agent::Transport,
    name::{Name, is_at_or_below},
    time::Timestamp,
};

use self::{
    site::Site,
    table::{Act, MISBEHAVIOURS, Misbehaviour},
    wire::Question,
};
use crate::zone::below;

/// Between two octets of an answer that drips.
const DRIP: Duration = Duration::from_millis(100);
/// How often it is looked whether it is to end.
const LOOK: Duration = Duration::from_millis(50);
/// Longer than any question.
const QUESTION_MAX: usize = 4_096;

/// What all threads share.
#[derive(Debug)]
struct Shared {
    /// With the address of each.
    sites: BTreeMap<&'static str, (Misbehaviour, Site, IpAddr)>,
    elsewhere: UdpSocket,
    ends: AtomicBool,
    flooded: AtomicU64,
}

/// The server; it stops when dropped.
#[derive(Debug)]
pub struct Hostile {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Hostile {
    /// Serves the children of `zone`, one at each of these addresses, with signatures that hold around
    /// `now`. Fails if there are fewer addresses than children.
    pub fn open(zone: &Name, addresses: &[SocketAddr], now: Timestamp) -> io::Result<Self> {
        if addresses.len() < MISBEHAVIOURS.len() {
            let need = MISBEHAVIOURS.len();
            return Err(io::Error::other(format!("{need} addresses are needed")));
        }
        let mut sites = BTreeMap::new();
        for (way, address) in MISBEHAVIOURS.into_iter().zip(addresses) {
            let name = below(zone, way.name)?;
            let host = below(zone, &format!("ns-{}", way.name))?;
            let more = (way.more)(&name);
            let site = Site::new(name, &host, &more, now);
            sites.insert(way.name, (way, site, address.ip()));
        }
        let other = IpAddr::from(Ipv4Addr::LOCALHOST);
        let shared = Arc::new(Shared {
            sites,
            elsewhere: UdpSocket::bind((other, 0))?,
            ends: AtomicBool::new(false),
            flooded: AtomicU64::new(0),
        });
        let mut hostile = Self {
            shared: shared.clone(),
            threads: Vec::new(),
        };
        for address in &addresses[..MISBEHAVIOURS.len()] {
            let (udp, tcp) = (UdpSocket::bind(address)?, TcpListener::bind(address)?);
            udp.set_read_timeout(Some(LOOK))?;
            tcp.set_nonblocking(true)?;
            let (for_udp, for_tcp) = (shared.clone(), shared.clone());
            hostile.threads.extend([
                thread::spawn(move || for_udp.serve_udp(&udp)),
                thread::spawn(move || for_tcp.serve_tcp(&tcp)),
            ]);
        }
        Ok(hostile)
    }

    /// Its children as a list of delegations: `child host/address DS …`.
    pub fn delegations(&self) -> String {
        let sites = self.shared.sites.values();
        let lines = sites.map(|(_, site, address)| {
            let (name, host) = (&site.name, &site.host);
            format!("{name} {host}/{address} DS {}\n", site.ds())
        });
        lines.collect()
    }

    /// How many octets it got rid of where it sends without end.
    pub fn flooded(&self) -> u64 {
        self.shared.flooded.load(Ordering::Relaxed)
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // One that panicked has said so.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn ends(&self) -> bool {
        self.ends.load(Ordering::Relaxed)
    }

    /// What is done about a request.
    fn acts(&self, request: &[u8], via: Transport) -> Vec<Act> {
        let Some(question) = Question::read(request) else {
            return Vec::new();
        };
        let mut sites = self.sites.values();
        let whose = sites.find(|(_, site, _)| is_at_or_below(&question.name, &site.name));
        match whose {
            Some((way, site, _)) => (way.does)(site, &question, via),
            None => vec![Act::Send(question.refused())],
        }
    }

    fn serve_udp(&self, socket: &UdpSocket) {
        let mut request = [0; QUESTION_MAX];
        while !self.ends() {
            let Ok((length, from)) = socket.recv_from(&mut request) else {
                continue;
            };
            for act in self.acts(&request[..length], Transport::Udp) {
                // What cannot be sent is lost, like any datagram.
                let _ = match act {
                    Act::Send(octets) => socket.send_to(&octets, from),
                    Act::SendFromElsewhere(octets) => self.elsewhere.send_to(&octets, from),
                    Act::Drip(_) | Act::Hang | Act::Flood(_) => Ok(0),
                };
            }
        }
    }

    fn serve_tcp(self: &Arc<Self>, listener: &TcpListener) {
        let mut serving = Vec::new();
        while !self.ends() {
            let Ok((stream, _)) = listener.accept() else {
                pause(LOOK / 10);
                continue;
            };
            let shared = self.clone();
            // A connection that breaks is the other side's to notice.
            serving.push(thread::spawn(move || drop(shared.converse(stream))));
        }
        for thread in serving {
            let _ = thread.join();
        }
    }

    fn converse(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(LOOK))?;
        stream.set_write_timeout(Some(LOOK))?;
        stream.set_nodelay(true)?;
        let mut came = Vec::new();
        while !self.ends() {
            let mut octets = [0; QUESTION_MAX];
            match stream.read(&mut octets) {
                Ok(0) => return Ok(()),
                Ok(length) => came.extend(&octets[..length]),
                Err(error) if is_not_yet(&error) => continue,
                Err(error) => return Err(error),
            }
            while let Some((length, rest)) = came.split_first_chunk()
                && let Some(request) = rest.get(..u16::from_be_bytes(*length).into())
            {
                let acts = self.acts(request, Transport::Tcp);
                came.drain(..2 + request.len());
                for act in acts {
                    self.act(&mut stream, act)?;
                }
            }
        }
        Ok(())
    }

    fn act(&self, stream: &mut TcpStream, act: Act) -> io::Result<()> {
        match act {
            Act::Send(octets) | Act::SendFromElsewhere(octets) => {
                stream.write_all(&framed(&octets))
            }
            Act::Drip(octets) => {
                for octet in framed(&octets) {
                    if self.ends() {
                        break;
                    }
                    stream.write_all(&[octet])?;
                    pause(DRIP);
                }
                Ok(())
            }
            Act::Hang => {
                while !self.ends() {
                    pause(LOOK);
                }
                Ok(())
            }
            Act::Flood(octets) => {
                while !self.ends() {
                    match stream.write(&octets) {
                        Ok(length) => {
                            self.flooded.fetch_add(length as u64, Ordering::Relaxed);
                        }
                        Err(error) if is_not_yet(&error) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(())
            }
        }
    }
}

fn framed(octets: &[u8]) -> Vec<u8> {
    let length = octets.len().min(usize::from(u16::MAX)) as u16;
    let octets = &octets[..length.into()];
    [&length.to_be_bytes()[..], octets].concat()
}

fn is_not_yet(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

#[expect(
    clippy::disallowed_methods,
    reason = "whoever is slow on purpose is so in real time"
)]
fn pause(time: Duration) {
    thread::sleep(time);
}
