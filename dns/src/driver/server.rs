//! Puts a [`Server`] behind the UDP and TCP sockets of `hickory-server`.
//!
//! hickory owns sockets, framing and idle connections. Each request goes, as the octets that came, to
//! a [`Desk`], where one task answers for any number of [`Listener`]s; so servers need be neither
//! `Send` nor `Sync`, and see one request at a time, as in the simulated world.
//!
//! # Where hickory-server 0.26.3 is not transparent
//!
//! - It decodes a request before its handler sees it. What its decoder refuses – one odd CSYNC in an
//!   update is enough – is answered FORMERR by hickory; answers that arrive as requests are dropped.
//! - Its handler returns a message, not octets, and hickory encodes it. An unsigned answer keeps every
//!   record in its place, but hickory does not compress names against the question, so that its
//!   octets are more than ours; too many for a datagram, they are cut off with TC set.
//! - A TSIG signs octets. Signed answers pass unchanged because [`CheckedRequest::sign_answer`] encodes
//!   the question as hickory-server does. Whether an answer survives to the octet is checked for each;
//!   one that would not (signed by other code, or too long for a datagram) becomes SERVFAIL, never an
//!   answer with a broken signature.
//!
//! [`CheckedRequest::sign_answer`]: crate::tsig::CheckedRequest::sign_answer

use std::{io, net::SocketAddr, time::Duration};

use hickory_server::Server as Sockets;
use tokio::{
    net::{TcpListener, UdpSocket},
    sync::{mpsc, oneshot},
};

use super::{clock::Clock, relay::Relay};
use crate::agent::{Peer, Server, Transport};

/// A connection on which nothing is asked for this long is closed.
const IDLE_MAX: Duration = Duration::from_secs(10);
/// How many answers one connection may wait to take.
const ANSWERS_MAX: usize = 32;
/// How many requests may wait at a desk before the sockets are no longer read.
const INQUIRIES_MAX: usize = 1_024;
/// How often another port is tried, when one is free for UDP only.
const PORTS_TRIED_MAX: usize = 16;

/// A request that waits for its answer.
#[derive(Debug)]
pub struct Inquiry {
    /// The address at which it arrived.
    pub to: SocketAddr,
    /// Who asks.
    pub from: Peer,
    /// How it travelled.
    pub via: Transport,
    /// The octets, as they came.
    pub request: Vec<u8>,
    /// Where the answer goes.
    pub(super) reply: oneshot::Sender<Option<Vec<u8>>>,
}

impl Inquiry {
    /// Answers with these octets, or with silence.
    pub fn answer(self, octets: Option<Vec<u8>>) {
        // Whoever asked may have given up.
        let _ = self.reply.send(octets);
    }
}

/// Where the requests of listeners come together.
#[derive(Debug)]
pub struct Desk {
    sender: mpsc::Sender<Inquiry>,
    inquiries: mpsc::Receiver<Inquiry>,
}

impl Default for Desk {
    fn default() -> Self {
        let (sender, inquiries) = mpsc::channel(INQUIRIES_MAX);
        Self { sender, inquiries }
    }
}

impl Desk {
    /// Listens at `address`, over UDP and TCP. Port 0 stands for any that is free for both.
    pub async fn listen(&self, address: SocketAddr) -> io::Result<Listener> {
        let (udp, tcp) = bind(address).await?;
        let address = udp.local_addr()?;
        let desk = self.sender.clone();
        let mut sockets = Sockets::new(Relay { address, desk });
        sockets.register_socket(udp);
        sockets.register_listener(tcp, IDLE_MAX, ANSWERS_MAX);
        Ok(Listener { address, sockets })
    }

    /// The next request.
    pub async fn next(&mut self) -> Inquiry {
        let next = self.inquiries.recv().await;
        next.expect("the desk holds a sender itself")
    }

    /// Answers every request by `server`, for as long as it is awaited.
    pub async fn attend(&mut self, server: &mut impl Server, clock: Clock) {
        loop {
            let inquiry = self.next().await;
            let (from, via) = (inquiry.from, inquiry.via);
            let answer = server.respond(clock.now(), from, via, &inquiry.request);
            inquiry.answer(answer);
        }
    }
}

/// The sockets of one address. Dropped, it stops listening at once.
pub struct Listener {
    address: SocketAddr,
    sockets: Sockets<Relay>,
}

impl Listener {
    /// The address, with the port that was really taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening.
    pub async fn close(mut self) -> io::Result<()> {
        let closed = self.sockets.shutdown_gracefully().await;
        closed.map_err(io::Error::other)
    }
}

/// Both sockets on one port.
pub(super) async fn bind(address: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let mut tried = 0;
    loop {
        let udp = UdpSocket::bind(address).await?;
        match TcpListener::bind(udp.local_addr()?).await {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error) if address.port() != 0 || tried == PORTS_TRIED_MAX => return Err(error),
            Err(_) => tried += 1,
        }
    }
}
