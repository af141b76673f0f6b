//! The network between agents and servers: how long a message takes, and whether it arrives.

use std::{net::IpAddr, time::Duration};

use counterpoint_dns::{agent::Transport, stream::Stream, time::Timestamp};
use rand::RngExt as _;

/// One way between any two hosts, without faults.
const LATENCY: Duration = Duration::from_millis(10);
/// A random part on top, up to this.
const JITTER_NANOS_MAX: u64 = 5_000_000;

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
    /// It is lost.
    Drop,
}

/// What a fault does to messages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trouble {
    /// Nothing gets through.
    Dead,
    /// This share of datagrams is lost (a stream's retransmissions hide it).
    Loss(f64),
    /// Everything takes longer, by something between these two.
    Latency(Duration, Duration),
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

    /// What happens to a message that leaves `from` for `to` at `now`.
    pub fn carry(&mut self, now: Timestamp, from: IpAddr, to: IpAddr, via: Transport) -> Verdict {
        self.touch(now, from, false);
        self.touch(now, to, false);
        let jitter = Duration::from_nanos(self.stream.random_range(0..JITTER_NANOS_MAX));
        let mut takes = LATENCY + jitter;
        for fault in self
            .faults
            .iter()
            .filter(|fault| fault.concerns(now, from, to))
        {
            match fault.trouble {
                Trouble::Dead => return Verdict::Drop,
                Trouble::Loss(share) => {
                    if via == Transport::Udp && self.stream.random_bool(share) {
                        return Verdict::Drop;
                    }
                }
                Trouble::Latency(low, high) => {
                    takes += crate::world::draw(&mut self.stream, &(low..=high));
                }
            }
        }
        Verdict::Deliver(takes)
    }
}
