//! Question and answer between an agent and one server: ids, retries, and TCP after truncation.
//!
//! An agent owns one [`Exchanges`] and tags each question with what it wants to remember about it.
//! An answer with the wrong id or to another question counts as no answer.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    net::SocketAddr,
};

use rand::RngExt as _;

use crate::{
    agent::{AskId, Output, Transport},
    message::{Question, Reply, query},
    stream::Stream,
    web,
};

/// How often a question is sent over UDP before its server counts as silent.
const TRIES: u8 = 3;

/// Why there is no usable answer. Nothing is known about what the server holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unanswered {
    /// No answer within the driver's patience, after every retry.
    Silent,
    /// Something came that is no answer to the question.
    Garbage(String),
    /// It was not even asked.
    NotAsked(String),
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => f.write_str("no answer"),
            Self::Garbage(why) => write!(f, "no usable answer ({why})"),
            Self::NotAsked(why) => f.write_str(why),
        }
    }
}

#[derive(Clone, Debug)]
enum Sent {
    Question {
        id: u16,
        question: Question,
        tries_left: u8,
    },
    Raw,
}

#[derive(Clone, Debug)]
struct Outstanding<T> {
    tag: T,
    to: SocketAddr,
    via: Transport,
    sent: Sent,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A question's answer.
    Reply(Reply),
    /// The octets that answer a raw request.
    Raw(Vec<u8>),
    /// Nothing usable.
    Unanswered(Unanswered),
}

/// The outstanding exchanges of one agent, each tagged with a `T`.
#[derive(Clone, Debug)]
pub struct Exchanges<T> {
    stream: Stream,
    next: u64,
    outstanding: BTreeMap<AskId, Outstanding<T>>,
    web: BTreeMap<AskId, T>,
    outbox: VecDeque<Output>,
    sent: u64,
}

impl<T> Exchanges<T> {
    /// No exchange yet; message ids come from `stream`.
    pub fn new(stream: Stream) -> Self {
        Self {
            stream,
            next: 0,
            outstanding: BTreeMap::new(),
            web: BTreeMap::new(),
            outbox: VecDeque::new(),
            sent: 0,
        }
    }

    /// Names its requests from `first` on, so that an agent inside another agent keeps its own range.
    pub fn numbered_from(mut self, first: u64) -> Self {
        self.next = first;
        self
    }

    /// Asks `question` of `to`, over UDP first, over TCP if the answer is truncated.
    pub fn ask(&mut self, to: SocketAddr, question: Question, tag: T) {
        self.ask_via(to, Transport::Udp, question, tag);
    }

    /// Asks `question` of `to` over `via`.
    pub fn ask_via(&mut self, to: SocketAddr, via: Transport, question: Question, tag: T) {
        let id = self.stream.random();
        let bytes = query(id, &question);
        self.send(
            to,
            via,
            bytes,
            tag,
            Sent::Question {
                id,
                question,
                tries_left: TRIES - 1,
            },
        );
    }

    /// Sends a request made elsewhere, once; its answer comes back as octets.
    pub fn ask_raw(&mut self, to: SocketAddr, via: Transport, bytes: Vec<u8>, tag: T) {
        self.send(to, via, bytes, tag, Sent::Raw);
    }

    /// Sends a request to a web interface, once.
    pub fn ask_web(&mut self, request: web::Request, tag: T) {
        let id = self.number();
        self.web.insert(id, tag);
        let request = Box::new(request);
        self.outbox.push_back(Output::Web { id, request });
    }

    /// Takes the answer of a web interface. `None` if it is not ours.
    pub fn web_answered(&mut self, id: AskId) -> Option<T> {
        self.web.remove(&id)
    }

    /// A fresh message id, for requests made elsewhere.
    pub fn message_id(&mut self) -> u16 {
        self.stream.random()
    }

    /// Takes an answer. `None` if the exchange goes on (retry, TCP) or is not ours.
    pub fn answered(&mut self, id: AskId, bytes: Vec<u8>) -> Option<(T, Outcome)> {
        let exchange = self.outstanding.remove(&id)?;
        let Sent::Question {
            id: message_id,
            ref question,
            ..
        } = exchange.sent
        else {
            return Some((exchange.tag, Outcome::Raw(bytes)));
        };
        match Reply::parse(&bytes) {
            Ok(reply) if !reply.answers(message_id, question) => self.retry(
                exchange,
                Unanswered::Garbage("it answers another question".into()),
            ),
            Ok(reply) if reply.truncated && exchange.via == Transport::Udp => {
                let question = question.clone();
                self.ask_via(exchange.to, Transport::Tcp, question, exchange.tag);
                None
            }
            // A stream carries all of it (RFC 7766 §5): half an answer is none.
            Ok(reply) if reply.truncated => {
                let why = "it is cut off, and came over a stream".into();
                self.retry(exchange, Unanswered::Garbage(why))
            }
            Ok(reply) => Some((exchange.tag, Outcome::Reply(reply))),
            Err(error) => self.retry(exchange, Unanswered::Garbage(error.to_string())),
        }
    }

    /// Takes a failure. `None` if the question is asked again or is not ours.
    pub fn failed(&mut self, id: AskId) -> Option<(T, Outcome)> {
        if let Some(tag) = self.web.remove(&id) {
            return Some((tag, Outcome::Unanswered(Unanswered::Silent)));
        }
        let exchange = self.outstanding.remove(&id)?;
        self.retry(exchange, Unanswered::Silent)
    }

    /// Ends an exchange whose request is not carried out.
    pub fn refuse(&mut self, id: AskId, why: String) -> Option<(T, Outcome)> {
        let exchange = self.outstanding.remove(&id)?;
        Some((exchange.tag, Outcome::Unanswered(Unanswered::NotAsked(why))))
    }

    /// Gives up every exchange whose tag is one of these: late answers are nobody's.
    pub fn give_up(&mut self, is_one: impl Fn(&T) -> bool) {
        self.outstanding
            .retain(|_, exchange| !is_one(&exchange.tag));
        let outstanding = &self.outstanding;
        self.outbox.retain(|output| match output {
            Output::Ask { id, .. } => outstanding.contains_key(id),
            _ => true,
        });
    }

    /// What is remembered about an exchange that is outstanding.
    pub fn tag(&self, id: AskId) -> Option<&T> {
        self.outstanding.get(&id).map(|exchange| &exchange.tag)
    }

    /// The next request to carry out.
    pub fn poll(&mut self) -> Option<Output> {
        self.outbox.pop_front()
    }

    /// Whether nothing is outstanding.
    pub fn is_idle(&self) -> bool {
        self.outstanding.is_empty() && self.web.is_empty()
    }

    /// Requests sent so far, retries included.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Forgets every outstanding exchange; late answers are ignored.
    pub fn forget(&mut self) {
        self.outstanding.clear();
        self.web.clear();
        self.outbox.clear();
    }

    fn retry(&mut self, exchange: Outstanding<T>, why: Unanswered) -> Option<(T, Outcome)> {
        let Outstanding { tag, to, via, sent } = exchange;
        match sent {
            Sent::Question {
                question,
                tries_left,
                ..
            } if tries_left > 0 => {
                let id = self.stream.random();
                let bytes = query(id, &question);
                let sent = Sent::Question {
                    id,
                    question,
                    tries_left: tries_left - 1,
                };
                self.send(to, via, bytes, tag, sent);
                None
            }
            _ => Some((tag, Outcome::Unanswered(why))),
        }
    }

    fn send(&mut self, to: SocketAddr, via: Transport, bytes: Vec<u8>, tag: T, sent: Sent) {
        let id = self.number();
        self.outstanding
            .insert(id, Outstanding { tag, to, via, sent });
        self.outbox.push_back(Output::Ask { id, to, via, bytes });
    }

    fn number(&mut self) -> AskId {
        self.next += 1;
        self.sent += 1;
        AskId(self.next - 1)
    }
}
