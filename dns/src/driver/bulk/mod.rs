//! Very many questions at once from one thread, over few sockets that are used again.
//!
//! The driver in [`agent`](super::agent) opens a socket for each question, which costs more than
//! asking. Here questions leave through a changing pool of UDP sockets ([`ports`]) and through one
//! stream for each server ([`streams`]). Nothing blocks but [`Bulk::wait`].
//!
//! # Who can forge an answer
//!
//! An answer counts if it comes from the address and port that was asked, to the port that asked,
//! with the id and the very octets of the question. Somebody off the path must guess the id (16 bits,
//! from the agent's stream) and which of the open ports the question left from: each is bound to a
//! number drawn from the whole unprivileged range, is drawn anew for every question, and is replaced
//! after [`ports::USES_MAX`] of them, so that a port that was found out is of no use for long
//! (RFC 5452 §9.2). A wrong guess is passed over, and the question stays open.

pub mod ports;
pub mod streams;

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    net::SocketAddr,
    time::Duration,
};

use mio::{Events, Poll, Token};

use self::{ports::Ports, streams::Streams};
use super::agent::Options;
use crate::{
    agent::{AskId, Transport},
    stream::Stream,
    time::Timestamp,
};

/// How many events are taken at once.
const EVENTS_MAX: usize = 256;
/// Tokens from here on are streams'.
const STREAMS_FROM: usize = 1 << 32;
/// Octets of a message header.
const HEADER_OCTETS: usize = 12;

/// What became of a question: the answer's octets, or nothing.
pub type Came = (AskId, Option<Vec<u8>>);

/// A question under way.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    id: AskId,
    to: SocketAddr,
    octets: Vec<u8>,
}

impl Asked {
    fn message_id(&self) -> u16 {
        message_id(&self.octets)
    }

    /// Whether `octets` are an answer to this very question, as far as can be told without reading it.
    fn is_answered_by(&self, octets: &[u8]) -> bool {
        let question = question(&self.octets);
        octets.len() >= HEADER_OCTETS
            && message_id(octets) == self.message_id()
            && octets[2] & 0x80 != 0
            && octets[4..6] == self.octets[4..6]
            && octets
                .get(HEADER_OCTETS..HEADER_OCTETS + question.len())
                .is_some_and(|theirs| theirs.eq_ignore_ascii_case(question))
    }
}

fn message_id(octets: &[u8]) -> u16 {
    u16::from_be_bytes([octets[0], octets[1]])
}

/// The question section's octets: name, type, class. Whoever asks compresses nothing in it.
fn question(octets: &[u8]) -> &[u8] {
    let mut end = HEADER_OCTETS;
    while let Some(length) = octets.get(end).filter(|length| **length != 0) {
        end += 1 + usize::from(*length);
    }
    octets.get(HEADER_OCTETS..end + 5).unwrap_or_default()
}

/// Where a question is.
#[derive(Clone, Copy, Debug)]
enum Place {
    Port(usize, u16),
    Stream(usize, u16),
}

/// The sockets of one thread.
#[derive(Debug)]
pub struct Bulk {
    options: Options,
    poll: Poll,
    events: Events,
    ports: Ports,
    streams: Streams,
    places: BTreeMap<AskId, Place>,
    /// Deadlines, each in order, because everybody has the same patience.
    deadlines: BTreeMap<Transport, VecDeque<(Timestamp, AskId)>>,
    came: VecDeque<Came>,
}

impl Bulk {
    /// No socket yet; ports are drawn from `stream`, which nobody must be able to foresee.
    pub fn new(options: Options, stream: Stream) -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(EVENTS_MAX),
            ports: Ports::new(stream),
            streams: Streams::default(),
            options,
            places: BTreeMap::new(),
            deadlines: BTreeMap::new(),
            came: VecDeque::new(),
        })
    }

    /// Asks. Whatever goes wrong is an answer that does not come.
    pub fn ask(
        &mut self,
        id: AskId,
        to: SocketAddr,
        via: Transport,
        octets: Vec<u8>,
        now: Timestamp,
    ) {
        if octets.len() < HEADER_OCTETS || octets.len() > usize::from(u16::MAX) {
            self.came.push_back((id, None));
            return;
        }
        let to = self.options.route(to);
        let asked = Asked { id, to, octets };
        let registry = self.poll.registry();
        let message_id = asked.message_id();
        let place = match via {
            Transport::Udp => self
                .ports
                .ask(asked, registry)
                .map(|at| Place::Port(at, message_id)),
            Transport::Tcp => self
                .streams
                .ask(asked, registry, now)
                .map(|at| Place::Stream(at, message_id)),
        };
        let Ok(place) = place else {
            self.came.push_back((id, None));
            return;
        };
        self.places.insert(id, place);
        let patience = self.options.patience(via);
        let deadlines = self.deadlines.entry(via).or_default();
        deadlines.push_back((now + patience, id));
    }

    /// How many questions are under way.
    pub fn under_way(&self) -> usize {
        self.places.len()
    }

    /// What came, in the order in which it came.
    pub fn take(&mut self) -> Option<Came> {
        self.came.pop_front()
    }

    /// Waits until something comes, but not beyond `longest` nor the next deadline.
    pub fn wait(&mut self, longest: Option<Duration>, now: Timestamp) -> io::Result<()> {
        self.streams.write();
        let due = self.next_deadline().map(|due| due - now);
        let limit = [longest, due].into_iter().flatten().min();
        let limit = match self.came.is_empty() {
            true => limit,
            false => Some(Duration::ZERO),
        };
        match self.poll.poll(&mut self.events, limit) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        let registry = self.poll.registry();
        let came = &mut self.came;
        for event in &self.events {
            let Token(token) = event.token();
            match token.checked_sub(STREAMS_FROM) {
                Some(at) => self.streams.is_ready(at, registry, now, came),
                None => self.ports.is_ready(token, registry, came),
            }
        }
        for (id, at) in self.streams.moved.drain(..) {
            if let Some(Place::Stream(old, _)) = self.places.get_mut(&id) {
                *old = at;
            }
        }
        let longest = self.options.octets_max;
        for (id, octets) in came.iter_mut() {
            self.places.remove(id);
            if octets.as_ref().is_some_and(|octets| octets.len() > longest) {
                *octets = None;
            }
        }
        Ok(())
    }

    /// Gives up what nobody answered in time, and streams that nobody needs any more.
    pub fn expire(&mut self, now: Timestamp) {
        let registry = self.poll.registry();
        for deadlines in self.deadlines.values_mut() {
            while let Some((due, id)) = deadlines.front().copied()
                && (due <= now || !self.places.contains_key(&id))
            {
                deadlines.pop_front();
                match self.places.remove(&id) {
                    Some(Place::Port(at, message_id)) => {
                        self.ports.forget(at, message_id, registry);
                    }
                    Some(Place::Stream(at, message_id)) => self.streams.forget(at, message_id),
                    None => continue,
                }
                self.came.push_back((id, None));
            }
        }
        self.streams.close_idle(registry, now);
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        let fronts = self.deadlines.values().filter_map(VecDeque::front);
        fronts.map(|(due, _)| *due).min()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::{TcpListener, UdpSocket},
        thread,
    };

    use super::*;
    use crate::{
        driver::clock::Clock,
        message::{Question, query},
        name::{RecordType, parse_name},
        stream::stream,
    };

    fn request(id: u16) -> Vec<u8> {
        let name = parse_name("example.test.").unwrap();
        query(id, &Question::new(name, RecordType::CDS))
    }

    fn answer_to(request: &[u8]) -> Vec<u8> {
        let mut answer = request.to_vec();
        answer[2] |= 0x80;
        answer
    }

    fn next(bulk: &mut Bulk) -> Came {
        loop {
            let now = Clock.now();
            bulk.wait(None, now).unwrap();
            bulk.expire(Clock.now());
            if let Some(came) = bulk.take() {
                return came;
            }
        }
    }

    fn bulk(patience: Duration) -> Bulk {
        let options = Options {
            patience_udp: patience,
            patience_tcp: patience,
            ..Options::default()
        };
        Bulk::new(options, stream(1, "ports")).unwrap()
    }

    #[test]
    fn what_is_not_the_answer_is_passed_over() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let at = server.local_addr().unwrap();
        let forger = UdpSocket::bind("127.0.0.1:0").unwrap();
        let serving = thread::spawn(move || {
            let mut octets = [0; 512];
            let (length, from) = server.recv_from(&mut octets).unwrap();
            let right = answer_to(&octets[..length]);
            let other = |change: fn(&mut Vec<u8>)| {
                let mut wrong = right.clone();
                change(&mut wrong);
                wrong.push(1);
                server.send_to(&wrong, from).unwrap();
            };
            other(|wrong| wrong[1] ^= 1);
            other(|wrong| wrong[2] &= 0x7f);
            other(|wrong| wrong[14] = b'z');
            other(|wrong| wrong.truncate(13));
            forger.send_to(&[&*right, &[1]].concat(), from).unwrap();
            server.send_to(&right, from).unwrap();
        });
        let mut bulk = bulk(Duration::from_secs(5));
        bulk.ask(AskId(7), at, Transport::Udp, request(1), Clock.now());
        assert_eq!(next(&mut bulk), (AskId(7), Some(answer_to(&request(1)))));
        assert_eq!(bulk.under_way(), 0);
        serving.join().unwrap();
    }

    #[test]
    fn what_is_left_after_a_turn_is_taken_in_the_next() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let at = server.local_addr().unwrap();
        let mut bulk = bulk(Duration::from_secs(2));
        bulk.ask(AskId(1), at, Transport::Udp, request(1), Clock.now());
        let mut octets = [0; 512];
        let (length, from) = server.recv_from(&mut octets).unwrap();
        // More than one turn, and no more than a socket holds.
        for _ in 0..ports::TURN_MAX + 4 {
            server.send_to(&answer_to(&request(2)), from).unwrap();
        }
        server.send_to(&answer_to(&octets[..length]), from).unwrap();
        assert_eq!(next(&mut bulk), (AskId(1), Some(answer_to(&request(1)))));
    }

    #[test]
    fn a_stream_that_never_ends_is_ended() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = server.local_addr().unwrap();
        let serving = thread::spawn(move || {
            let (mut stream, _) = server.accept().unwrap();
            // Empty messages, until nobody reads them any more; it must not take long.
            (0..10_000)
                .take_while(|_| stream.write_all(&[0; 10_000]).is_ok())
                .count()
        });
        let mut bulk = bulk(Duration::from_secs(60));
        bulk.ask(AskId(1), at, Transport::Tcp, request(1), Clock.now());
        assert_eq!(next(&mut bulk), (AskId(1), None));
        assert!(serving.join().unwrap() < 10_000, "all of it was read");
    }

    #[test]
    fn a_stream_that_hangs_holds_up_nothing_that_is_asked_later() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = server.local_addr().unwrap();
        let serving = thread::spawn(move || {
            // The first stream is read and never answered; it is held on to.
            let hanging = server.accept().unwrap();
            let (mut stream, _) = server.accept().unwrap();
            let mut octets = [0; 512];
            let length = stream.read(&mut octets).unwrap();
            let answer = answer_to(&octets[2..length]);
            stream.write_all(&[&octets[..2], &answer].concat()).unwrap();
            drop(hanging);
        });
        let mut bulk = bulk(Duration::from_secs(1));
        for (id, expected) in [(1, None), (2, Some(answer_to(&request(2))))] {
            bulk.ask(
                AskId(id.into()),
                at,
                Transport::Tcp,
                request(id),
                Clock.now(),
            );
            assert_eq!(next(&mut bulk), (AskId(id.into()), expected));
        }
        serving.join().unwrap();
    }

    #[test]
    fn silence_ends_with_patience() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let at = server.local_addr().unwrap();
        let mut bulk = bulk(Duration::from_millis(20));
        bulk.ask(AskId(1), at, Transport::Udp, request(1), Clock.now());
        assert_eq!(next(&mut bulk), (AskId(1), None));
        assert_eq!(bulk.under_way(), 0);
    }

    #[test]
    fn ports_change_as_they_wear_out() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let at = server.local_addr().unwrap();
        let mut bulk = bulk(Duration::from_secs(5));
        let mut ports = std::collections::BTreeSet::new();
        let mut octets = [0; 512];
        let asked = ports::USES_MAX * 3;
        for id in 0..asked {
            bulk.ask(
                AskId(id.into()),
                at,
                Transport::Udp,
                request(id as u16),
                Clock.now(),
            );
            let (length, from) = server.recv_from(&mut octets).unwrap();
            server.send_to(&answer_to(&octets[..length]), from).unwrap();
            ports.insert(from.port());
            assert!(next(&mut bulk).1.is_some());
        }
        assert!(ports.len() >= 16, "{} ports", ports.len());
    }

    #[test]
    fn one_stream_carries_all_questions_and_is_replaced_when_it_ends() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = server.local_addr().unwrap();
        let serving = thread::spawn(move || {
            // The first stream ends after one answer; the second answers in pieces.
            for answers in [1, 2] {
                let (mut stream, _) = server.accept().unwrap();
                for _ in 0..answers {
                    let mut length = [0; 2];
                    stream.read_exact(&mut length).unwrap();
                    let mut octets = vec![0; u16::from_be_bytes(length).into()];
                    stream.read_exact(&mut octets).unwrap();
                    let answer = [&length[..], &answer_to(&octets)].concat();
                    for piece in answer.chunks(9) {
                        stream.write_all(piece).unwrap();
                    }
                }
            }
        });
        let mut bulk = bulk(Duration::from_secs(5));
        for id in 0..3 {
            bulk.ask(
                AskId(id),
                at,
                Transport::Tcp,
                request(id as u16),
                Clock.now(),
            );
            let expected = answer_to(&request(id as u16));
            assert_eq!(next(&mut bulk), (AskId(id), Some(expected)));
        }
        serving.join().unwrap();
    }
}
