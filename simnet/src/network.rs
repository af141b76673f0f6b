//! The network between agents and servers: how long a message takes, whether it arrives, how often, and
//! who meddles with it on the way.

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use counterpoint_dns::{agent::Transport, message::ResponseCode, stream::Stream, time::Timestamp};
use rand::RngExt as _;

use crate::meddling;

/// One way between any two hosts, without faults.
const LATENCY: Duration = Duration::from_millis(10);
/// A random part on top, up to this.
const JITTER_NANOS_MAX: u64 = 5_000_000;
/// A datagram that is overtaken is held back by up to this.
const HELD_BACK_MAX: Duration = Duration::from_millis(500);

/// How long an agent waits for an answer before the driver reports a failure.
pub const fn patience(via: Transport) -> Duration {
    match via {
        Transport::Udp => Duration::from_secs(2),
        Transport::Tcp => Duration::from_secs(10),
    }
}

/// What happens to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It arrives after this long.
    Deliver(Duration),
    /// It arrives after this long, and again after that long.
    Twice(Duration, Duration),
    /// It is lost.
    Drop,
}

/// What a fault does to messages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trouble {
    /// Nothing gets through: the host is out of order.
    Dead,
    /// Nothing gets through: the host is cut off.
    Partition,
    /// This share of datagrams is lost (a stream's retransmissions hide it).
    Loss(f64),
    /// Everything takes longer, by something between these two.
    Latency(Duration, Duration),
    /// Half of the datagrams are overtaken by others.
    Reorder,
    /// Every datagram arrives twice.
    Duplicate,
    /// Every question is answered with this code, before anybody who knows more hears it.
    Rcode(ResponseCode),
    /// Answers fit no datagram: they come empty, and truncated.
    Truncate,
    /// Answers are lies: the data are another's, unsigned or signed by another.
    Forge,
}

impl Trouble {
    /// Its name in scenarios.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Partition => "partition",
            Self::Loss(_) => "loss",
            Self::Latency(..) => "latency",
            Self::Reorder => "reorder",
            Self::Duplicate => "duplicate",
            Self::Rcode(_) => "rcode",
            Self::Truncate => "truncate",
            Self::Forge => "forge",
        }
    }
}

/// A fault: during `[from, until)` messages from or to `host` are in trouble.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault {
    /// First instant.
    pub from: Timestamp,
    /// First instant after.
    pub until: Timestamp,
    /// Whose messages.
    pub host: IpAddr,
    /// If set, only those that go to or come from this other host.
    pub other: Option<IpAddr>,
    /// What happens to them.
    pub trouble: Trouble,
}

impl Fault {
    fn concerns(&self, now: Timestamp, a: IpAddr, b: IpAddr) -> bool {
        let is_now = self.from <= now && now < self.until;
        let joins = |x: IpAddr, y: IpAddr| x == self.host && self.other.is_none_or(|o| o == y);
        is_now && (joins(a, b) || joins(b, a))
    }
}

/// Rules and randomness of the network.
#[derive(Clone, Debug)]
pub struct Network {
    faults: Vec<Fault>,
    stream: Stream,
    touches: Option<Vec<Touch>>,
    met: BTreeSet<&'static str>,
}

/// Something that a fault at a host would have met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Touch {
    /// When.
    pub at: Timestamp,
    /// Whose address.
    pub host: IpAddr,
    /// A new version came to an instance; else a message left or was sent to it.
    pub is_arrival: bool,
}

impl Network {
    /// A network without faults, whose chance comes from `stream`.
    pub fn new(stream: Stream) -> Self {
        Self {
            faults: Vec::new(),
            stream,
            touches: None,
            met: BTreeSet::new(),
        }
    }

    /// Adds a fault.
    pub fn add(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Notes from now on what a fault would have met.
    pub fn note_touches(&mut self) {
        self.touches.get_or_insert_default();
    }

    /// Notes that something came to pass at `host`, if that is wanted.
    pub fn touch(&mut self, at: Timestamp, host: IpAddr, is_arrival: bool) {
        if let Some(touches) = &mut self.touches {
            touches.push(Touch {
                at,
                host,
                is_arrival,
            });
        }
    }

    /// What was noted, in the order of time.
    pub fn touches(&self) -> &[Touch] {
        self.touches.as_deref().unwrap_or_default()
    }

    /// The names of the troubles that befell a message.
    pub fn met(&self) -> &BTreeSet<&'static str> {
        &self.met
    }

    /// What happens to a message that leaves `from` for `to` at `now`.
    pub fn carry(&mut self, now: Timestamp, from: IpAddr, to: IpAddr, via: Transport) -> Verdict {
        self.touch(now, from, false);
        self.touch(now, to, false);
        let jitter = Duration::from_nanos(self.stream.random_range(0..JITTER_NANOS_MAX));
        let mut takes = LATENCY + jitter;
        let mut again = None;
        for fault in self
            .faults
            .iter()
            .filter(|fault| fault.concerns(now, from, to))
        {
            let is_datagram = via == Transport::Udp;
            let mut held_back =
                || crate::world::draw(&mut self.stream, &(Duration::ZERO..=HELD_BACK_MAX));
            match fault.trouble {
                Trouble::Dead | Trouble::Partition => {
                    self.met.insert(fault.trouble.name());
                    return Verdict::Drop;
                }
                Trouble::Loss(share) => {
                    if is_datagram && self.stream.random_bool(share) {
                        self.met.insert(fault.trouble.name());
                        return Verdict::Drop;
                    }
                }
                Trouble::Latency(low, high) => {
                    takes += crate::world::draw(&mut self.stream, &(low..=high));
                }
                Trouble::Reorder if is_datagram => {
                    let by = held_back();
                    if self.stream.random_bool(0.5) {
                        takes += by;
                    }
                }
                Trouble::Duplicate if is_datagram => again = Some(held_back()),
                Trouble::Reorder | Trouble::Duplicate => continue,
                // Not the message, but what it says: see `answered` and `altered`.
                Trouble::Rcode(_) | Trouble::Truncate | Trouble::Forge => continue,
            }
            self.met.insert(fault.trouble.name());
        }
        match again {
            Some(later) => Verdict::Twice(takes, takes + later),
            None => Verdict::Deliver(takes),
        }
    }

    /// What somebody on the way answers to a question that comes from `from` to `to`, so that nobody
    /// else hears it.
    pub fn answered(
        &mut self,
        now: Timestamp,
        from: IpAddr,
        to: IpAddr,
        request: &[u8],
    ) -> Option<Vec<u8>> {
        let mut faults = self.faults.iter();
        let answers = |fault: &Fault| {
            let answer = match fault.trouble {
                _ if !fault.concerns(now, from, to) => None,
                Trouble::Rcode(code) => meddling::refused(request, code),
                Trouble::Forge => meddling::pretended(request),
                _ => None,
            };
            Some((fault.trouble.name(), answer?))
        };
        let (name, answer) = faults.find_map(answers)?;
        self.met.insert(name);
        Some(answer)
    }

    /// What becomes of an answer on its way from `from` to `to`.
    pub fn altered(
        &mut self,
        now: Timestamp,
        from: IpAddr,
        to: IpAddr,
        via: Transport,
        mut answer: Vec<u8>,
    ) -> Vec<u8> {
        let faults = self.faults.iter();
        for fault in faults.filter(|fault| fault.concerns(now, from, to)) {
            let other = match fault.trouble {
                Trouble::Truncate if via == Transport::Udp => meddling::truncated(&answer),
                Trouble::Forge => meddling::forged(&answer, &mut self.stream, now),
                _ => None,
            };
            if let Some(other) = other {
                self.met.insert(fault.trouble.name());
                answer = other;
            }
        }
        answer
    }
}
