//! When a question may leave: so many at once and so many a second to one address, and to all addresses
//! of one operator; so many at once to all; and none to addresses that are nobody's server.
//!
//! One operator's addresses serve 100,000 children: what it is asked at a time is bounded, and so is
//! the time that a survey takes. A decision, so it takes `now` and does nothing.

mod special;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::IpAddr,
    time::Duration,
};

use counterpoint_dns::{
    agent::{AskId, Output},
    name::Name,
    time::Timestamp,
};

pub use special::is_special;

/// How politely servers are asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Questions a second to one address; 0 for any number.
    pub address_rate: u32,
    /// Questions under way to one address; 0 for any number.
    pub address_in_flight: u32,
    /// Questions a second to all addresses of one operator; 0 for any number.
    pub operator_rate: u32,
    /// Questions under way to all addresses of one operator; 0 for any number.
    pub operator_in_flight: u32,
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
            operator_rate: share(self.operator_rate),
            operator_in_flight: share(self.operator_in_flight),
            in_flight: share(self.in_flight),
            ..self.clone()
        }
    }

    /// Among how many surveys the limits can be divided: each needs one question at least.
    pub fn hands_max(&self) -> u32 {
        let all = [
            self.address_rate,
            self.address_in_flight,
            self.operator_rate,
            self.operator_in_flight,
            self.in_flight,
        ];
        let limits = all.into_iter().filter(|limit| *limit != 0);
        limits.min().unwrap_or(u32::MAX)
    }

    /// Whether it matters who operates a server.
    pub fn minds_operators(&self) -> bool {
        self.operator_rate != 0 || self.operator_in_flight != 0
    }

    /// Whether this address may be asked at all.
    pub fn allows(&self, address: IpAddr) -> bool {
        !is_special(address) || self.private.contains(&address)
    }
}

/// A limit on a rate and on what is under way, and how far it is used.
#[derive(Clone, Debug)]
struct Use {
    in_flight: u32,
    /// When the rate allows the next question.
    next: Timestamp,
}

impl Use {
    fn none(now: Timestamp) -> Self {
        Self {
            in_flight: 0,
            next: now,
        }
    }

    fn has_room(&self, limit: u32) -> bool {
        limit == 0 || self.in_flight < limit
    }

    /// One more question, at `at`.
    fn begin(&mut self, rate: u32, at: Timestamp) {
        self.in_flight += 1;
        self.next = match rate {
            0 => at,
            rate => at + Duration::from_secs(1) / rate,
        };
    }

    fn end(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.in_flight == 0 && self.next <= now
    }
}

/// What is under way to one address, and what waits, each with its operator.
#[derive(Clone, Debug)]
struct Line {
    used: Use,
    waiting: VecDeque<(Output, Option<Name>)>,
    first: First,
}

/// What the first question of a line waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    /// There is none, or others to its address are under way.
    Nothing,
    /// It is among the operator's `held`.
    Operator,
    /// It is among the `turns`.
    Turn,
}

/// What is under way to one operator.
#[derive(Clone, Debug)]
struct Operator {
    used: Use,
    /// Lines whose first question waits for one of the operator's to end; the longest first.
    held: VecDeque<IpAddr>,
}

/// Holds questions back until they may leave.
#[derive(Clone, Debug)]
pub struct Pace {
    limits: Limits,
    lines: BTreeMap<IpAddr, Line>,
    operators: BTreeMap<Name, Operator>,
    /// Lines whose first question waits only for its time, or for the others'.
    turns: BTreeSet<(Timestamp, IpAddr)>,
    under_way: BTreeMap<AskId, (IpAddr, Option<Name>)>,
}

/// Addresses and operators that are not asked now are forgotten beyond this number of each.
const KNOWN_MAX: usize = 1 << 16;

impl Pace {
    /// Nothing is under way.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            lines: BTreeMap::new(),
            operators: BTreeMap::new(),
            turns: BTreeSet::new(),
            under_way: BTreeMap::new(),
        }
    }

    /// What is kept.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Takes an output; a question comes with the operator of its server, if that is known. Questions
    /// wait for their turn; whatever is no question is given back.
    pub fn offer(
        &mut self,
        output: Output,
        operator: Option<Name>,
        now: Timestamp,
    ) -> Option<Output> {
        let Output::Ask { to, .. } = &output else {
            return Some(output);
        };
        let address = to.ip();
        self.forget(now);
        if let Some(operator) = &operator
            && !self.operators.contains_key(operator)
        {
            let used = Use::none(now);
            let held = VecDeque::new();
            self.operators
                .insert(operator.clone(), Operator { used, held });
        }
        let line = self.lines.entry(address).or_insert_with(|| Line {
            used: Use::none(now),
            waiting: VecDeque::new(),
            first: First::Nothing,
        });
        line.waiting.push_back((output, operator));
        self.queue(address);
        None
    }

    /// The next question that may leave now.
    pub fn poll(&mut self, now: Timestamp) -> Option<Output> {
        while self.has_room()
            && let Some(&(due, address)) = self.turns.first()
            && due <= now
        {
            self.turns.pop_first();
            let (at, line) = (due.max(now), self.lines.get_mut(&address)?);
            line.first = First::Nothing;
            let (_, operator) = line.waiting.front()?;
            if let Some(operator) = operator
                .as_ref()
                .and_then(|name| self.operators.get_mut(name))
            {
                // Another line of this operator may have been first.
                if operator.used.next > at
                    || !operator.used.has_room(self.limits.operator_in_flight)
                {
                    self.queue(address);
                    continue;
                }
                operator.used.begin(self.limits.operator_rate, at);
            }
            line.used.begin(self.limits.address_rate, at);
            let (output, operator) = line.waiting.pop_front()?;
            if let Output::Ask { id, .. } = &output {
                self.under_way.insert(*id, (address, operator));
            }
            self.queue(address);
            return Some(output);
        }
        None
    }

    /// A question was answered, or is given up.
    pub fn ended(&mut self, id: AskId) {
        let Some((address, operator)) = self.under_way.remove(&id) else {
            return;
        };
        if let Some(line) = self.lines.get_mut(&address) {
            line.used.end();
        }
        self.queue(address);
        if let Some(operator) = operator.and_then(|name| self.operators.get_mut(&name)) {
            operator.used.end();
            // One ended, so one may begin.
            if let Some(held) = operator.held.pop_front() {
                if let Some(line) = self.lines.get_mut(&held) {
                    line.first = First::Nothing;
                }
                self.queue(held);
            }
        }
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

    /// Gives a line its turn if it has a question and room for it, there and at its operator.
    fn queue(&mut self, address: IpAddr) {
        let Some(line) = self.lines.get_mut(&address) else {
            return;
        };
        let Some((_, operator)) = line.waiting.front() else {
            return;
        };
        if line.first != First::Nothing || !line.used.has_room(self.limits.address_in_flight) {
            return;
        }
        let mut due = line.used.next;
        if let Some(operator) = operator
            .as_ref()
            .and_then(|name| self.operators.get_mut(name))
        {
            if !operator.used.has_room(self.limits.operator_in_flight) {
                line.first = First::Operator;
                operator.held.push_back(address);
                return;
            }
            due = due.max(operator.used.next);
        }
        line.first = First::Turn;
        self.turns.insert((due, address));
    }

    /// Forgets lines and operators that nothing is known of which matters, if there are many.
    fn forget(&mut self, now: Timestamp) {
        if self.lines.len() >= KNOWN_MAX {
            self.lines
                .retain(|_, line| !line.used.is_over(now) || !line.waiting.is_empty());
        }
        if self.operators.len() >= KNOWN_MAX {
            let lines = self.lines.values();
            let waiting = lines.flat_map(|line| &line.waiting);
            let waited_for: BTreeSet<&Name> =
                waiting.filter_map(|(_, name)| name.as_ref()).collect();
            self.operators
                .retain(|name, operator| !operator.used.is_over(now) || waited_for.contains(name));
        }
    }
}

#[cfg(test)]
mod tests;
