//! One question to one server, over UDP: what a person does with `dig`.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

use counterpoint_dns::message::{Question, Reply, query};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(3);
/// The largest datagram that is taken whole.
const OCTETS_MAX: usize = 4_096;

/// Where a message has the bit that says that a resolver validated it (RFC 4035 §3.2.3).
const AUTHENTIC_DATA: (usize, u8) = (3, 0x20);

/// What a server said.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The message.
    pub reply: Reply,
    /// Whether it says that it validated the data.
    pub is_authentic: bool,
}

/// The answer of the server at `at`. Recursion is desired and answers are to be validated; who does
/// neither passes over it.
pub fn ask(at: SocketAddr, question: &Question) -> io::Result<Answer> {
    let socket = UdpSocket::bind(("127.0.0.1", 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut request = query(1, question);
    // RD set, CD clear (RFC 4035 §3.2.2).
    request[2] |= 1;
    request[3] &= !0x10;
    socket.send_to(&request, at)?;
    let mut octets = [0; OCTETS_MAX];
    let length = socket.recv(&mut octets)?;
    let reply = Reply::parse(&octets[..length]).map_err(io::Error::other)?;
    let (at, bit) = AUTHENTIC_DATA;
    let is_authentic = octets[at] & bit != 0;
    Ok(Answer {
        reply,
        is_authentic,
    })
}
