//! When a question may leave: so many at once and so many a second to one address, so many at once to
//! all, and none to addresses that are nobody's server.
//!
//! One operator's addresses serve 100,000 children: what it is asked at a time is bounded for each
//! address, and so is the time that a survey takes. A decision, so it takes `now` and does nothing.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use counterpoint_dns::{
    agent::{AskId, Output},
    time::Timestamp,
};

/// How politely servers are asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Questions a second to one address; 0 for any number.
    pub address_rate: u32,
    /// Questions under way to one address; 0 for any number.
    pub address_in_flight: u32,
    /// Questions under way to all; 0 for any number.
    pub in_flight: u32,
    /// The start of each child's survey is moved by up to this.
    pub jitter: Duration,
    /// Addresses for private or special use that may be asked all the same.
    pub private: BTreeSet<IpAddr>,
}

impl Limits {
    /// The share of one of `hands` surveys that ask the same servers. Whoever divides a small number
    /// among many must do with fewer: see [`Limits::hands_max`].
    pub fn divided(&self, hands: u32) -> Self {
        let share = |number: u32| match number {
            0 => 0,
            _ => (number / hands.max(1)).max(1),
        };
        Self {
            address_rate: share(self.address_rate),
            address_in_flight: share(self.address_in_flight),
            in_flight: share(self.in_flight),
            ..self.clone()
        }
    }

    /// Among how many surveys the limits can be divided: each needs one question at least.
    pub fn hands_max(&self) -> u32 {
        let all = [self.address_rate, self.address_in_flight, self.in_flight];
        let limits = all.into_iter().filter(|limit| *limit != 0);
        limits.min().unwrap_or(u32::MAX)
    }

    /// Whether this address may be asked at all.
    pub fn allows(&self, address: IpAddr) -> bool {
        !is_special(address) || self.private.contains(&address)
    }
}

/// What is under way to one address, and what waits.
#[derive(Clone, Debug)]
struct Line {
    in_flight: u32,
    next: Timestamp,
    waiting: VecDeque<Output>,
}

/// Holds questions back until they may leave.
#[derive(Clone, Debug)]
pub struct Pace {
    limits: Limits,
    lines: BTreeMap<IpAddr, Line>,
    /// Lines whose first question waits only for its time, or for the others'.
    turns: BTreeSet<(Timestamp, IpAddr)>,
    under_way: BTreeMap<AskId, IpAddr>,
}

/// Lines of addresses that are not asked now are forgotten beyond this number.
const LINES_MAX: usize = 1 << 16;

impl Pace {
    /// Nothing is under way.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            lines: BTreeMap::new(),
            turns: BTreeSet::new(),
            under_way: BTreeMap::new(),
        }
    }

    /// What is kept.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Takes an output. Questions wait for their turn; whatever is no question is given back.
    pub fn offer(&mut self, output: Output, now: Timestamp) -> Option<Output> {
        let Output::Ask { to, .. } = &output else {
            return Some(output);
        };
        let address = to.ip();
        if self.lines.len() >= LINES_MAX {
            let is_needed =
                |line: &Line| line.in_flight > 0 || !line.waiting.is_empty() || line.next > now;
            self.lines.retain(|_, line| is_needed(line));
        }
        let line = self.lines.entry(address).or_insert_with(|| Line {
            in_flight: 0,
            next: now,
            waiting: VecDeque::new(),
        });
        line.waiting.push_back(output);
        self.queue(address);
        None
    }

    /// The next question that may leave now.
    pub fn poll(&mut self, now: Timestamp) -> Option<Output> {
        let (due, address) = *self.turns.first()?;
        if due > now || !self.has_room() {
            return None;
        }
        self.turns.pop_first();
        let gap = match self.limits.address_rate {
            0 => Duration::ZERO,
            rate => Duration::from_secs(1) / rate,
        };
        let line = self.lines.get_mut(&address)?;
        let output = line.waiting.pop_front()?;
        line.in_flight += 1;
        line.next = due.max(now) + gap;
        if let Output::Ask { id, .. } = &output {
            self.under_way.insert(*id, address);
        }
        self.queue(address);
        Some(output)
    }

    /// A question was answered, or is given up.
    pub fn ended(&mut self, id: AskId) {
        let Some(address) = self.under_way.remove(&id) else {
            return;
        };
        if let Some(line) = self.lines.get_mut(&address) {
            line.in_flight = line.in_flight.saturating_sub(1);
        }
        self.queue(address);
    }

    /// When the next question may leave, if only time holds it back.
    pub fn wake_at(&self) -> Option<Timestamp> {
        let (due, _) = self.turns.first()?;
        self.has_room().then_some(*due)
    }

    fn has_room(&self) -> bool {
        let limit = self.limits.in_flight;
        limit == 0 || self.under_way.len() < limit as usize
    }

    /// Gives a line its turn if it has a question and room for it.
    fn queue(&mut self, address: IpAddr) {
        let limit = self.limits.address_in_flight;
        if let Some(line) = self.lines.get(&address)
            && !line.waiting.is_empty()
            && (limit == 0 || line.in_flight < limit)
        {
            self.turns.insert((line.next, address));
        }
    }
}

/// Addresses that are no server's on the public internet (RFC 6890 and the IANA registries that it
/// began), IPv4 in IPv6 looked through.
pub fn is_special(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => SPECIAL_V4
            .iter()
            .any(|(net, bits)| is_in_v4(v4, *net, *bits)),
        IpAddr::V6(v6) => SPECIAL_V6
            .iter()
            .any(|(net, bits)| is_in_v6(v6, *net, *bits)),
    }
}

fn is_in_v4(address: Ipv4Addr, net: Ipv4Addr, bits: u32) -> bool {
    (address.to_bits() ^ net.to_bits())
        .checked_shr(32 - bits)
        .is_none_or(|rest| rest == 0)
}

fn is_in_v6(address: Ipv6Addr, net: Ipv6Addr, bits: u32) -> bool {
    (address.to_bits() ^ net.to_bits())
        .checked_shr(128 - bits)
        .is_none_or(|rest| rest == 0)
}

const SPECIAL_V4: [(Ipv4Addr, u32); 13] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

const SPECIAL_V6: [(Ipv6Addr, u32); 8] = [
    // Unspecified, loopback, and what once was IPv4-compatible.
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0, 0, 0), 96),
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64),
    (Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, 0), 48),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8),
];

#[cfg(test)]
mod tests {
    use super::*;
    use counterpoint_dns::agent::Transport;

    const START: Timestamp = Timestamp::from_seconds(1_000);

    fn ask(id: u64, host: u8) -> Output {
        Output::Ask {
            id: AskId(id),
            to: (Ipv4Addr::new(192, 88, 99, host), 53).into(),
            via: Transport::Udp,
            bytes: Vec::new(),
        }
    }

    fn leaving(pace: &mut Pace, now: Timestamp) -> Vec<u64> {
        let mut ids = Vec::new();
        while let Some(output) = pace.poll(now) {
            if let Output::Ask { id, .. } = output {
                ids.push(id.0);
            }
        }
        ids
    }

    fn pace(address_rate: u32, address_in_flight: u32, in_flight: u32) -> Pace {
        let mut pace = Pace::new(Limits {
            address_rate,
            address_in_flight,
            in_flight,
            ..Limits::default()
        });
        for (id, host) in [(0, 1), (1, 1), (2, 1), (3, 2), (4, 2)] {
            assert_eq!(pace.offer(ask(id, host), START), None);
        }
        pace
    }

    #[test]
    fn without_limits_everything_leaves_at_once() {
        let mut pace = pace(0, 0, 0);
        assert_eq!(pace.wake_at(), Some(START));
        assert_eq!(leaving(&mut pace, START).len(), 5);
        assert_eq!(pace.wake_at(), None);
    }

    #[test]
    fn one_address_is_asked_so_many_questions_at_a_time() {
        let mut pace = pace(0, 2, 0);
        assert_eq!(leaving(&mut pace, START), [0, 1, 3, 4]);
        assert_eq!(pace.wake_at(), None, "only an answer helps");
        pace.ended(AskId(4));
        assert_eq!(leaving(&mut pace, START), [0; 0]);
        pace.ended(AskId(0));
        pace.ended(AskId(0));
        assert_eq!(leaving(&mut pace, START), [2]);
    }

    #[test]
    fn one_address_is_asked_so_often_a_second() {
        let mut pace = pace(4, 0, 0);
        let later = |quarters: u32| START + Duration::from_millis(250) * quarters;
        assert_eq!(leaving(&mut pace, START), [0, 3]);
        assert_eq!(pace.wake_at(), Some(later(1)));
        assert_eq!(leaving(&mut pace, later(1)), [1, 4]);
        assert_eq!(leaving(&mut pace, later(1)), [0; 0]);
        assert_eq!(leaving(&mut pace, later(2)), [2]);
    }

    #[test]
    fn all_together_are_asked_so_many_questions_at_a_time() {
        let mut pace = pace(0, 0, 3);
        let first = leaving(&mut pace, START);
        assert_eq!(first.len(), 3);
        assert_eq!(pace.wake_at(), None);
        pace.ended(AskId(first[0]));
        assert_eq!(leaving(&mut pace, START).len(), 1);
    }

    #[test]
    fn shares_add_up_to_no_more_than_the_whole() {
        let limits = Limits {
            address_rate: 100,
            address_in_flight: 3,
            ..Limits::default()
        };
        assert_eq!(limits.hands_max(), 3);
        let share = limits.divided(2);
        assert_eq!(
            (share.address_rate, share.address_in_flight, share.in_flight),
            (50, 1, 0)
        );
    }

    #[test]
    fn nobody_has_a_server_at_a_special_address() {
        let limits = Limits {
            private: ["10.0.0.1".parse().unwrap()].into(),
            ..Limits::default()
        };
        for (text, is_allowed) in [
            ("127.0.0.1", false),
            ("10.0.0.1", true),
            ("10.0.0.2", false),
            ("172.31.255.255", false),
            ("172.32.0.1", true),
            ("100.127.0.1", false),
            ("255.255.255.255", false),
            ("192.88.99.1", true),
            ("::ffff:192.168.0.1", false),
            ("::1", false),
            ("fe80::1", false),
            ("fd00::1", false),
            ("2001:db8::1", false),
            ("2001:7fe::53", true),
        ] {
            let address = text.parse().unwrap();
            assert_eq!(limits.allows(address), is_allowed, "{text}");
        }
    }
}
