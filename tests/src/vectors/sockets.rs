//! Runner B: the same over UDP and TCP on loopback, by the driver that an operator runs.
//!
//! Answers take the time that they take. While nobody waits for one, time leaps to the agent's next
//! wake-up, so that a story of days is told in moments.

use std::{
    cell::Cell,
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    rc::Rc,
    time::Duration,
};

use counterpoint_dns::{
    agent::{Agent, Input, Note, Output},
    driver::{
        agent::{Driver, Options},
        clock::Clock,
        server::{Desk, Listener},
        store::MemoryStore,
    },
    time::Timestamp,
};
use counterpoint_scanner::{Command, Scanner};
use tokio::{
    runtime::{Builder, Runtime},
    sync::mpsc,
    time::timeout,
};

use super::{
    story::Carrier,
    town::{BEGIN, Town},
};

/// A stretch of a story that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(120);
/// Told when the agent has nothing more to do.
const REST: &str = "rest";

/// The time of the story, as the clock's and what it is ahead of it, nanoseconds.
#[derive(Clone, Debug)]
struct Time(Rc<Cell<i64>>);

impl Time {
    fn of(&self, clock: Timestamp) -> Timestamp {
        Timestamp::from_nanos(clock.as_nanos().saturating_add(self.0.get()))
    }

    fn now(&self) -> Timestamp {
        self.of(Clock.now())
    }

    fn by_clock(&self, at: Timestamp) -> Timestamp {
        Timestamp::from_nanos(at.as_nanos().saturating_sub(self.0.get()))
    }

    fn leap(&self, to: Timestamp) {
        let now = self.now();
        if to > now {
            self.0.set(self.0.get() + (to.as_nanos() - now.as_nanos()));
        }
    }
}

/// An agent whose time leaps while it waits for no answer.
struct Leaping {
    agent: Scanner,
    time: Time,
    until: Timestamp,
    waiting: usize,
    rests: bool,
}

impl Leaping {
    /// The next wake-up, if nothing else is waited for.
    fn next(&self) -> Option<Timestamp> {
        self.agent.wake_at().filter(|at| *at <= self.until)
    }
}

impl Agent for Leaping {
    type Command = Command;

    fn handle(&mut self, clock: Timestamp, input: Input<Command>) {
        match input {
            Input::Answer { .. } | Input::Failure { .. } => self.waiting -= 1,
            Input::Wake if self.waiting == 0 => {
                if let Some(at) = self.next() {
                    self.time.leap(at);
                }
            }
            Input::Web { .. } | Input::Wake | Input::Command(_) => {}
        }
        self.agent
            .handle(self.time.of(clock).max(self.time.now()), input);
    }

    fn poll(&mut self, clock: Timestamp) -> Option<Output> {
        let output = self.agent.poll(self.time.of(clock));
        if matches!(output, Some(Output::Ask { .. })) {
            self.waiting += 1;
        }
        if output.is_none() && self.waiting == 0 && self.next().is_none() && !self.rests {
            self.rests = true;
            return Some(Output::Note(Note {
                zone: String::new(),
                kind: REST,
                subject: String::new(),
                text: String::new(),
            }));
        }
        output
    }

    fn wake_at(&self) -> Option<Timestamp> {
        match self.waiting {
            0 => self.next().map(|_| Timestamp::MIN),
            _ => self.agent.wake_at().map(|at| self.time.by_clock(at)),
        }
    }
}

/// Sockets, and the machine's clock.
pub struct Sockets {
    runtime: Runtime,
    desk: Desk,
    listeners: Vec<Listener>,
    routes: BTreeMap<SocketAddr, SocketAddr>,
    time: Time,
}

impl Sockets {
    /// Opens every server of the case.
    ///
    /// # Panics
    ///
    /// If there are no sockets to be had.
    pub fn boxed(town: &Town) -> Box<dyn Carrier> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let desk = Desk::default();
        let (mut listeners, mut routes) = (Vec::new(), BTreeMap::new());
        for address in town.addresses() {
            let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let listener = runtime
                .block_on(desk.listen(any))
                .expect("a socket on loopback");
            routes.insert(address, listener.address());
            listeners.push(listener);
        }
        let ahead = BEGIN.as_nanos() - Clock.now().as_nanos();
        let time = Time(Rc::new(Cell::new(ahead)));
        Box::new(Self {
            runtime,
            desk,
            listeners,
            routes,
            time,
        })
    }
}

impl Carrier for Sockets {
    fn now(&self) -> Timestamp {
        self.time.now()
    }

    fn live(&mut self, agent: Scanner, town: &mut Town, until: Timestamp) -> Scanner {
        let Self {
            runtime,
            desk,
            routes,
            time,
            ..
        } = self;
        let known: BTreeMap<_, _> = routes.iter().map(|(known, real)| (*real, *known)).collect();
        let agent = Leaping {
            agent,
            time: time.clone(),
            until,
            waiting: 0,
            rests: false,
        };
        let options = Options {
            patience_udp: Duration::from_millis(400),
            patience_tcp: Duration::from_millis(1_500),
            routes: routes.clone(),
            ..Options::default()
        };
        let (sender, mut rests) = mpsc::unbounded_channel();
        let hear = move |_, note: Note| {
            if note.kind == REST {
                // Nobody listens once it has stopped.
                let _ = sender.send(());
            }
        };
        let (driver, handle) = Driver::new(agent, MemoryStore::default(), hear, options);
        let serving = async {
            loop {
                let inquiry = desk.next().await;
                let (from, via, to) = (inquiry.from, inquiry.via, known[&inquiry.to]);
                let answer = town.respond(time.now(), to, from, via, &inquiry.request);
                inquiry.answer(answer);
            }
        };
        let story = async {
            let rest = async {
                rests.recv().await;
                handle.stop().await.expect("it runs until it is stopped");
            };
            let (ran, ()) = tokio::join!(driver.run(), rest);
            ran.expect("memory keeps everything").0
        };
        let ran = runtime.block_on(async {
            tokio::select! {
                () = serving => unreachable!("the servers serve for ever"),
                ran = timeout(LIMIT, story) => ran.expect("the story ends in time"),
            }
        });
        self.time.leap(until);
        ran.agent
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        for listener in self.listeners.drain(..) {
            // A socket that does not close leaves nothing behind that a later case could meet.
            let _ = self.runtime.block_on(listener.close());
        }
    }
}
