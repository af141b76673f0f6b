//! A [`Server`] for whoever knocks, by UDP and TCP, in which nothing grows with the number of knocks.
//!
//! [`server`](crate::driver::server) begins a task for every datagram: for servers whose clients are
//! known. Here datagrams are answered one by one where they are read, and what comes faster than that is
//! dropped by the system; connections, their messages and the octets of each are counted.

use std::{cell::RefCell, io, net::SocketAddr, rc::Rc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UdpSocket},
    time::timeout,
};

use super::connections::{self, Limits};
use crate::{
    agent::{Server, Transport},
    driver::{clock::Clock, server::bind},
};

/// Longer requests are not read.
const OCTETS_MAX: usize = 4_096;
/// How long the next message of a connection may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many messages one connection may bring.
const MESSAGES_MAX: usize = 64;
const LIMITS: Limits = Limits {
    connections_max: 256,
    of_address_max: 8,
};

/// Both sockets of one port.
#[derive(Debug)]
pub struct Door {
    udp: UdpSocket,
    tcp: TcpListener,
    address: SocketAddr,
}

impl Door {
    /// Opens them. Port 0 stands for any that is free for both.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let (udp, tcp) = bind(address).await?;
        let address = udp.local_addr()?;
        Ok(Self { udp, tcp, address })
    }

    /// The address, with the port that was really taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers every request by `server`, for ever. Needs a `LocalSet`.
    pub async fn attend<S: Server + 'static>(self, server: Rc<RefCell<S>>) {
        let talk = |stream, peer| talk(stream, peer, server.clone());
        let streams = connections::accept(vec![self.tcp], LIMITS, talk, |_| {});
        tokio::join!(datagrams(&self.udp, &server), streams);
    }
}

async fn datagrams<S: Server>(socket: &UdpSocket, server: &RefCell<S>) {
    let mut octets = [0; OCTETS_MAX];
    loop {
        // An error here is that of an earlier answer, to somebody who is gone.
        let Ok((length, from)) = socket.recv_from(&mut octets).await else {
            tokio::task::yield_now().await;
            continue;
        };
        let request = &octets[..length];
        let answer = server
            .borrow_mut()
            .respond(Clock.now(), from, Transport::Udp, request);
        if let Some(answer) = answer {
            // Where there is no room for it, the other side asks again.
            let _ = socket.try_send_to(&answer, from);
        }
    }
}

/// One connection, until either side has enough of it.
async fn talk<S: Server>(mut stream: TcpStream, peer: SocketAddr, server: Rc<RefCell<S>>) {
    let _ = stream.set_nodelay(true);
    for _ in 0..MESSAGES_MAX {
        let exchange = async {
            let length = usize::from(stream.read_u16().await?);
            if length > OCTETS_MAX {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let mut request = vec![0; length];
            stream.read_exact(&mut request).await?;
            let answer = server
                .borrow_mut()
                .respond(Clock.now(), peer, Transport::Tcp, &request);
            let Some(answer) = answer else {
                return Ok(());
            };
            let length = u16::try_from(answer.len()).unwrap_or(u16::MAX);
            let framed = [&length.to_be_bytes(), answer.as_slice()].concat();
            stream.write_all(&framed).await
        };
        if !matches!(timeout(PATIENCE, exchange).await, Ok(Ok(()))) {
            return;
        }
    }
}
