//! TCP: one stream for each server, used for every question to it (RFC 7766 §6.2.1) until it is idle.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io::{self, Read as _, Write as _},
    net::SocketAddr,
    time::Duration,
};

use mio::{Interest, Registry, Token, net::TcpStream};

use super::{Asked, Came, STREAMS_FROM, message_id};
use crate::{agent::AskId, time::Timestamp};

/// How many questions wait in one stream before another is opened.
const UNDER_WAY_MAX: usize = 128;
/// A stream without questions is closed after this.
const IDLE_MAX: Duration = Duration::from_secs(5);
/// How much is read at once.
const READ_OCTETS: usize = 65_536;
/// The longest message in a stream, with its length in front (RFC 1035 §4.2.2).
const MESSAGE_OCTETS_MAX: u64 = 2 + 65_535;

#[derive(Debug)]
struct Stream {
    socket: TcpStream,
    to: SocketAddr,
    under_way: BTreeMap<u16, Asked>,
    /// What is not written yet.
    out: Vec<u8>,
    /// What came and is no whole message yet.
    partial: Vec<u8>,
    answers: u64,
    /// How much may still come: one message for each question.
    allowance: u64,
    last_used: Timestamp,
}

/// All streams of one thread.
#[derive(Debug, Default)]
pub(super) struct Streams {
    next: usize,
    streams: BTreeMap<usize, Stream>,
    by_server: BTreeMap<SocketAddr, usize>,
    /// Streams that have something to write.
    unwritten: BTreeSet<usize>,
    buffer: Vec<u8>,
    /// Questions that went on in another stream.
    pub(super) moved: Vec<(AskId, usize)>,
}

impl Streams {
    /// Puts a question into its server's stream; returns the stream.
    pub(super) fn ask(
        &mut self,
        asked: Asked,
        registry: &Registry,
        now: Timestamp,
    ) -> io::Result<usize> {
        let message_id = asked.message_id();
        let has_room = |stream: &Stream| {
            stream.under_way.len() < UNDER_WAY_MAX && !stream.under_way.contains_key(&message_id)
        };
        let known = self.by_server.get(&asked.to).copied();
        let known = known.filter(|at| self.streams.get(at).is_some_and(has_room));
        let at = match known {
            Some(at) => at,
            None => self.connect(asked.to, registry, now)?,
        };
        let stream = self.streams.get_mut(&at).ok_or(io::ErrorKind::NotFound)?;
        stream.last_used = now;
        stream.allowance += MESSAGE_OCTETS_MAX;
        // A message is at most 65,535 octets: whoever asks has looked.
        stream.out.extend((asked.octets.len() as u16).to_be_bytes());
        stream.out.extend(&asked.octets);
        stream.under_way.insert(message_id, asked);
        self.unwritten.insert(at);
        Ok(at)
    }

    /// Writes what was asked since the last time: many questions in one piece.
    pub(super) fn write(&mut self) {
        while let Some(at) = self.unwritten.pop_first() {
            if let Some(stream) = self.streams.get_mut(&at) {
                // If it is not connected yet, or broken, its event tells.
                let _ = stream.write();
            }
        }
    }

    fn connect(
        &mut self,
        to: SocketAddr,
        registry: &Registry,
        now: Timestamp,
    ) -> io::Result<usize> {
        let mut socket = TcpStream::connect(to)?;
        // Questions are small and wait for nothing.
        let _ = socket.set_nodelay(true);
        let at = self.next;
        self.next += 1;
        let both = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut socket, Token(STREAMS_FROM + at), both)?;
        let stream = Stream {
            socket,
            to,
            under_way: BTreeMap::new(),
            out: Vec::new(),
            partial: Vec::new(),
            answers: 0,
            allowance: 0,
            last_used: now,
        };
        self.streams.insert(at, stream);
        self.by_server.insert(to, at);
        Ok(at)
    }

    /// Writes what waits and reads what came. A stream that ends takes its questions along; those in
    /// a stream that worked before may only have met its end, and are asked in a new one.
    pub(super) fn is_ready(
        &mut self,
        at: usize,
        registry: &Registry,
        now: Timestamp,
        came: &mut VecDeque<Came>,
    ) {
        let Some(stream) = self.streams.get_mut(&at) else {
            return;
        };
        let goes_on = stream
            .write()
            .and_then(|()| stream.read(&mut self.buffer, came));
        if goes_on.is_ok() {
            return;
        }
        let Some(stream) = self.close(at, registry) else {
            return;
        };
        let lost: Vec<Asked> = stream.under_way.into_values().collect();
        for asked in lost {
            let id = asked.id;
            let again = match stream.answers {
                0 => None,
                _ => self.ask(asked, registry, now).ok(),
            };
            match again {
                Some(at) => self.moved.push((id, at)),
                None => came.push_back((id, None)),
            }
        }
    }

    /// Waits no longer for an answer. What is asked next has a stream of its own: one that hangs must not
    /// hold up all that is asked after it.
    pub(super) fn forget(&mut self, at: usize, message_id: u16) {
        if let Some(stream) = self.streams.get_mut(&at) {
            stream.under_way.remove(&message_id);
            if self.by_server.get(&stream.to) == Some(&at) {
                self.by_server.remove(&stream.to);
            }
        }
    }

    /// Closes streams without questions.
    pub(super) fn close_idle(&mut self, registry: &Registry, now: Timestamp) {
        let is_idle =
            |stream: &Stream| stream.under_way.is_empty() && now - stream.last_used >= IDLE_MAX;
        let idle = self.streams.iter().filter(|(_, stream)| is_idle(stream));
        let idle: Vec<usize> = idle.map(|(at, _)| *at).collect();
        for at in idle {
            self.close(at, registry);
        }
    }

    fn close(&mut self, at: usize, registry: &Registry) -> Option<Stream> {
        let mut stream = self.streams.remove(&at)?;
        if self.by_server.get(&stream.to) == Some(&at) {
            self.by_server.remove(&stream.to);
        }
        // The socket is closed whatever this says.
        let _ = registry.deregister(&mut stream.socket);
        Some(stream)
    }
}

impl Stream {
    fn write(&mut self) -> io::Result<()> {
        while !self.out.is_empty() {
            match self.socket.write(&self.out) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.out.drain(..count);
                }
                Err(error) if is_not_now(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn read(&mut self, buffer: &mut Vec<u8>, came: &mut VecDeque<Came>) -> io::Result<()> {
        buffer.resize(READ_OCTETS, 0);
        loop {
            match self.socket.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    // Whoever sends without end keeps nobody here: its stream ends.
                    self.allowance = self
                        .allowance
                        .checked_sub(count as u64)
                        .ok_or(io::ErrorKind::InvalidData)?;
                    self.partial.extend(&buffer[..count]);
                    self.take_messages(came);
                }
                Err(error) if is_not_now(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    fn take_messages(&mut self, came: &mut VecDeque<Came>) {
        let mut rest = self.partial.as_slice();
        while let Some((length, after)) = rest.split_first_chunk()
            && let Some((octets, after)) =
                after.split_at_checked(u16::from_be_bytes(*length).into())
        {
            rest = after;
            if octets.len() >= 2
                && let message_id = message_id(octets)
                && let Some(asked) = self.under_way.get(&message_id)
                && asked.is_answered_by(octets)
            {
                came.push_back((asked.id, Some(octets.to_vec())));
                self.under_way.remove(&message_id);
                self.answers += 1;
                // What an answer did not use is not saved up.
                let open = self.under_way.len() as u64 * MESSAGE_OCTETS_MAX;
                self.allowance = self.allowance.min(open);
            }
        }
        let taken = self.partial.len() - rest.len();
        self.partial.drain(..taken);
    }
}

fn is_not_now(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected | io::ErrorKind::Interrupted
    )
}
