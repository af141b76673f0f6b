//! One question and its answer, as octets, over hickory-client's streams.

use std::{io, net::SocketAddr, time::Duration};

use futures_util::StreamExt as _;
use hickory_client::{
    DnsStreamHandle as _, NetError,
    runtime::{RuntimeProvider as _, TokioRuntimeProvider},
    tcp::TcpStream,
    udp::UdpStream,
};
use hickory_proto::op::SerialMessage;

use crate::agent::Transport;

/// The length of a message header; nothing shorter is a message.
const HEADER_OCTETS: usize = 12;
/// The bit of the third octet that marks answers.
const ANSWER_BIT: u8 = 0x80;

/// Sends `request` to `to` and waits for its answer. Whoever asks bounds the time.
pub(super) async fn ask(
    to: SocketAddr,
    via: Transport,
    request: Vec<u8>,
    patience: Duration,
) -> io::Result<Vec<u8>> {
    if request.len() < HEADER_OCTETS || request.len() > usize::from(u16::MAX) {
        let why = format!("a message of {} octets cannot be sent", request.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    match via {
        Transport::Udp => over_udp(to, request).await,
        Transport::Tcp => over_tcp(to, request, patience).await,
    }
}

/// From a fresh socket. What comes from elsewhere, or with another id, is passed over: anybody can
/// send it.
async fn over_udp(to: SocketAddr, request: Vec<u8>) -> io::Result<Vec<u8>> {
    let (stream, mut sender) = UdpStream::new(to, None, None, false, TokioRuntimeProvider::new());
    let mut stream = stream.await.map_err(to_io)?;
    let id = [request[0], request[1]];
    let message = SerialMessage::new(request, to);
    sender.send(message).map_err(to_io)?;
    while let Some(came) = stream.next().await {
        let came = came?;
        if came.addr() == to && is_answer(id, came.bytes()) {
            return Ok(came.into_parts().0);
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

/// Over a connection of its own.
async fn over_tcp(to: SocketAddr, request: Vec<u8>, patience: Duration) -> io::Result<Vec<u8>> {
    let connecting = TokioRuntimeProvider::new().connect_tcp(to, None, Some(patience));
    let (stream, mut sender) = TcpStream::with_future(connecting, to, patience);
    let mut stream = stream.await?;
    let message = SerialMessage::new(request, to);
    sender.send(message).map_err(to_io)?;
    match stream.next().await {
        Some(came) => Ok(came?.into_parts().0),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn is_answer(id: [u8; 2], octets: &[u8]) -> bool {
    octets.len() >= HEADER_OCTETS && octets[..2] == id && octets[2] & ANSWER_BIT != 0
}

fn to_io(error: NetError) -> io::Error {
    io::Error::other(error)
}
