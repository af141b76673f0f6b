//! Runs one agent: hands it what happens, and carries out what it wants, in its order.
//!
//! What the agent says between two requests – records, and notes about them – is kept together, and is
//! durable before the next request is begun or a note is heard. Requests run at the same time, up to a
//! limit; the others wait their turn, and their patience begins with it. When the store fails, the
//! agent is stopped at once: it must not act on what it could forget. Records are written on the
//! runtime's own thread: everything waits for the disk, as it must.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt, io,
    net::SocketAddr,
    time::Duration,
};

use tokio::{
    sync::mpsc,
    task::{JoinError, JoinSet},
    time::timeout,
};

use super::{clock::Clock, http, store::Store, wire};
use crate::{
    agent::{Agent, AskId, Input, Note, Output, Record, Transport},
    time::Timestamp,
    web,
};

/// How many commands may wait until the agent takes them.
const COMMANDS_MAX: usize = 64;

/// How an agent's wishes are carried out.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a datagram's answer is waited for.
    pub patience_udp: Duration,
    /// How long connection, request and answer may take over TCP.
    pub patience_tcp: Duration,
    /// How long name, connection, request and answer of a web interface may take.
    pub patience_web: Duration,
    /// How many requests are under way at once.
    pub asks_max: usize,
    /// Longer answers count as none.
    pub octets_max: usize,
    /// Longer answers of web interfaces count as none.
    pub web_octets_max: usize,
    /// Where servers are really found that the agent knows under other addresses: for tests and
    /// trials, where nobody may listen on port 53.
    pub routes: BTreeMap<SocketAddr, SocketAddr>,
    /// Where servers listen that the agent believes on port 53, if it is elsewhere: for trials too.
    pub server_port: Option<u16>,
}

/// The port of DNS (RFC 1035 §4.2).
const PORT: u16 = 53;

impl Options {
    /// Where a server is really found.
    pub fn route(&self, to: SocketAddr) -> SocketAddr {
        let routed = self.routes.get(&to).copied();
        let port = self.server_port.filter(|_| to.port() == PORT);
        let moved = port.map(|port| SocketAddr::new(to.ip(), port));
        routed.or(moved).unwrap_or(to)
    }

    pub(super) fn patience(&self, via: Transport) -> Duration {
        match via {
            Transport::Udp => self.patience_udp,
            Transport::Tcp => self.patience_tcp,
        }
    }
}

impl Default for Options {
    /// The patience of the simulated world, and limits that fit a small machine.
    fn default() -> Self {
        Self {
            patience_udp: Duration::from_secs(2),
            patience_tcp: Duration::from_secs(10),
            patience_web: Duration::from_secs(30),
            asks_max: 256,
            octets_max: usize::from(u16::MAX),
            web_octets_max: 4 * 1_024 * 1_024,
            routes: BTreeMap::new(),
            server_port: None,
        }
    }
}

enum Order<C> {
    Command(C),
    Stop,
}

/// Tells a running agent what to do. When the last handle is gone, the agent stops.
#[derive(Debug)]
pub struct Handle<C>(mpsc::Sender<Order<C>>);

impl<C> Clone for Handle<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// The agent does not run any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the agent does not run any more")
    }
}

impl std::error::Error for Stopped {}

impl<C> Handle<C> {
    /// Hands it a command.
    pub async fn command(&self, command: C) -> Result<(), Stopped> {
        self.order(Order::Command(command)).await
    }

    /// Has it stop: requests under way still end, and what they bring is recorded; none is begun.
    pub async fn stop(&self) -> Result<(), Stopped> {
        self.order(Order::Stop).await
    }

    async fn order(&self, order: Order<C>) -> Result<(), Stopped> {
        self.0.send(order).await.map_err(|_| Stopped)
    }
}

/// A request that waits for its turn.
struct Request {
    id: AskId,
    what: What,
}

enum What {
    Message {
        to: SocketAddr,
        via: Transport,
        bytes: Vec<u8>,
    },
    Web(Box<web::Request>),
}

/// What became of a request.
enum Came {
    Message(AskId, Option<Vec<u8>>),
    Web(AskId, Result<web::Answer, String>),
}

/// An agent on real sockets. `N` hears its notes.
pub struct Driver<A: Agent, S, N> {
    agent: A,
    store: S,
    notes: N,
    options: Options,
    clock: Clock,
    orders: mpsc::Receiver<Order<A::Command>>,
    waiting: VecDeque<Request>,
    asks: JoinSet<Came>,
    is_stopping: bool,
}

impl<A, S, N> Driver<A, S, N>
where
    A: Agent,
    S: Store,
    N: FnMut(Timestamp, Note),
{
    /// A driver for `agent`, which was restored from `store`, and the handle to it.
    pub fn new(agent: A, store: S, notes: N, options: Options) -> (Self, Handle<A::Command>) {
        let (sender, orders) = mpsc::channel(COMMANDS_MAX);
        let driver = Self {
            agent,
            store,
            notes,
            options,
            clock: Clock,
            orders,
            waiting: VecDeque::new(),
            asks: JoinSet::new(),
            is_stopping: false,
        };
        (driver, Handle(sender))
    }

    /// Runs until it is told to stop, and gives agent and store back. Fails if the store does.
    ///
    /// # Panics
    ///
    /// If a request panics: that is a defect of the driver.
    pub async fn run(mut self) -> io::Result<(A, S)> {
        self.carry_out()?;
        loop {
            let input = tokio::select! {
                Some(came) = self.asks.join_next() => input(came),
                order = self.orders.recv() => match order {
                    Some(Order::Command(command)) => Input::Command(command),
                    Some(Order::Stop) | None => break,
                },
                () = self.clock.reach(self.agent.wake_at()) => Input::Wake,
            };
            self.hand_over(input)?;
        }
        self.is_stopping = true;
        self.waiting.clear();
        while let Some(came) = self.asks.join_next().await {
            self.hand_over(input(came))?;
        }
        Ok((self.agent, self.store))
    }

    fn hand_over(&mut self, input: Input<A::Command>) -> io::Result<()> {
        self.agent.handle(self.clock.now(), input);
        self.carry_out()
    }

    /// Carries out everything that the agent wants now.
    fn carry_out(&mut self) -> io::Result<()> {
        let (mut records, mut notes) = (Vec::new(), Vec::new());
        while let Some(output) = self.agent.poll(self.clock.now()) {
            match output {
                Output::Persist(record) => records.push(record),
                Output::Note(note) => notes.push(note),
                Output::Ask { .. } | Output::Web { .. } if self.is_stopping => {}
                Output::Ask { id, to, via, bytes } => {
                    self.keep(&mut records, &mut notes)?;
                    let what = What::Message { to, via, bytes };
                    self.waiting.push_back(Request { id, what });
                    self.begin_asks();
                }
                Output::Web { id, request } => {
                    self.keep(&mut records, &mut notes)?;
                    let what = What::Web(request);
                    self.waiting.push_back(Request { id, what });
                    self.begin_asks();
                }
            }
        }
        self.keep(&mut records, &mut notes)?;
        self.begin_asks();
        Ok(())
    }

    fn keep(&mut self, records: &mut Vec<Record>, notes: &mut Vec<Note>) -> io::Result<()> {
        if records.is_empty() && notes.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        self.store.keep(now, records, notes)?;
        records.clear();
        notes.drain(..).for_each(|note| (self.notes)(now, note));
        Ok(())
    }

    fn begin_asks(&mut self) {
        while self.asks.len() < self.options.asks_max.max(1) {
            let Some(Request { id, what }) = self.waiting.pop_front() else {
                return;
            };
            match what {
                What::Message { to, via, bytes } => {
                    let to = self.options.route(to);
                    let patience = self.options.patience(via);
                    let octets_max = self.options.octets_max;
                    self.asks.spawn(async move {
                        let asked = timeout(patience, wire::ask(to, via, bytes, patience)).await;
                        let came = asked.ok().and_then(Result::ok);
                        Came::Message(id, came.filter(|octets| octets.len() <= octets_max))
                    });
                }
                What::Web(request) => {
                    let patience = self.options.patience_web;
                    let octets_max = self.options.web_octets_max;
                    self.asks.spawn(async move {
                        let asked = timeout(patience, http::ask(&request, octets_max)).await;
                        let came = match asked {
                            Ok(came) => came.map_err(|error| error.to_string()),
                            Err(_) => Err(format!("none within {} s", patience.as_secs())),
                        };
                        Came::Web(id, came)
                    });
                }
            }
        }
    }
}

fn input<C>(came: Result<Came, JoinError>) -> Input<C> {
    match came {
        Ok(Came::Message(id, Some(bytes))) => Input::Answer { id, bytes },
        Ok(Came::Message(id, None)) => Input::Failure { id },
        Ok(Came::Web(id, answer)) => Input::Web { id, answer },
        // Nobody cancels a request: what ended it is a panic.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
