//! The seam between deciding and doing: servers answer, agents pursue, drivers carry.
//!
//! Whatever decides is a state machine that takes `now` and inputs and gives outputs: no clock, no
//! socket, no disk, no randomness of its own. Two drivers run the same machines: the event queue of
//! the simulated world, and the tokio driver on real sockets.

use std::{fmt, net::SocketAddr};

use crate::{time::Timestamp, web};

/// Who sent a request.
pub type Peer = SocketAddr;

/// How a request travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// Datagrams: may be lost; answers may be truncated.
    Udp,
    /// A stream: slower, whole.
    Tcp,
}

/// Answers requests: a signer's instance, a parent's, the scanner's NOTIFY listener.
pub trait Server {
    /// The answer to `request`, or silence. That of a transfer may take several messages, one behind the
    /// other.
    fn respond(
        &mut self,
        now: Timestamp,
        from: Peer,
        via: Transport,
        request: &[u8],
    ) -> Option<Vec<u8>>;
}

/// Names one outstanding request of one agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AskId(pub u64);

/// Pursues something over time: a controller, a scanner, a resolver.
///
/// A driver calls [`Agent::handle`] for every input and when [`Agent::wake_at`] has come, then
/// [`Agent::poll`] until it has nothing more to say, carrying out each output before it polls again.
pub trait Agent {
    /// What it can be told to do.
    type Command;

    /// Takes one input.
    fn handle(&mut self, now: Timestamp, input: Input<Self::Command>);

    /// The next thing that it wants done.
    fn poll(&mut self, now: Timestamp) -> Option<Output>;

    /// When it wants [`Input::Wake`], if nothing else happens before.
    fn wake_at(&self) -> Option<Timestamp>;
}

/// What reaches an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input<C> {
    /// Somebody asks it to do something.
    Command(C),
    /// The answer to a request.
    Answer {
        /// Which request.
        id: AskId,
        /// The octets, as they came.
        bytes: Vec<u8>,
    },
    /// The answer to a request to a web interface.
    Web {
        /// Which request.
        id: AskId,
        /// The answer, or why there is none.
        answer: Result<web::Answer, String>,
    },
    /// No answer came within the driver's patience, or the transport failed.
    Failure {
        /// Which request.
        id: AskId,
    },
    /// The time that it asked for has come.
    Wake,
}

/// What an agent wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Make this durable before any later output takes effect.
    Persist(Record),
    /// Send a request; its answer or failure comes back with the same id.
    Ask {
        /// Names it; never reused by this agent.
        id: AskId,
        /// Where to.
        to: SocketAddr,
        /// How.
        via: Transport,
        /// The octets.
        bytes: Vec<u8>,
    },
    /// Send a request to a web interface; its answer or failure comes back with the same id.
    Web {
        /// Names it; never reused by this agent.
        id: AskId,
        /// The request, with where it goes.
        request: Box<web::Request>,
    },
    /// For the log, the audit trail, the reports.
    Note(Note),
}

/// A piece of state: the newest value under a key replaces the older ones; an empty value removes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it is about, as `zone/example.test.`.
    pub key: String,
    /// The state, as text that its owner can read back.
    pub value: String,
}

/// Something worth telling: one line of the event log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Which zone it is about; empty if none.
    pub zone: String,
    /// Stable machine-readable kind: `step`, `wait`, `verdict`, `blocked`, `resolved`.
    pub kind: &'static str,
    /// What it is about: a step's name, a reason code, a question.
    pub subject: String,
    /// The rest, for people.
    pub text: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} {}",
            self.zone, self.kind, self.subject, self.text
        )
    }
}
