//! Runner A: no socket and no clock. An answer takes no time; time goes from wake-up to wake-up.

use std::{
    collections::VecDeque,
    net::{Ipv4Addr, SocketAddr},
};

use counterpoint_dns::{
    agent::{Agent as _, Input, Output},
    time::Timestamp,
};
use counterpoint_scanner::Scanner;

use super::{
    story::Carrier,
    town::{BEGIN, Town},
};

/// More wake-ups than that, and the agent spins.
const WAKE_UPS_MAX: usize = 10_000;

/// Virtual time.
#[derive(Debug)]
pub struct Memory {
    now: Timestamp,
}

impl Memory {
    /// From this time on.
    pub fn at(now: Timestamp) -> Self {
        Self { now }
    }

    /// From the beginning of every case on.
    pub fn boxed() -> Box<dyn Carrier> {
        Box::new(Self::at(BEGIN))
    }
}

/// Carries out everything that the agent wants now.
fn settle(scanner: &mut Scanner, town: &mut Town, now: Timestamp) {
    let from = SocketAddr::from((Ipv4Addr::LOCALHOST, 53_000));
    let mut inputs = VecDeque::new();
    loop {
        while let Some(output) = scanner.poll(now) {
            if let Output::Ask { id, to, via, bytes } = output {
                inputs.push_back(match town.respond(now, to, from, via, &bytes) {
                    Some(bytes) => Input::Answer { id, bytes },
                    None => Input::Failure { id },
                });
            }
        }
        match inputs.pop_front() {
            Some(input) => scanner.handle(now, input),
            None => return,
        }
    }
}

impl Carrier for Memory {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn live(&mut self, mut scanner: Scanner, town: &mut Town, until: Timestamp) -> Scanner {
        for _ in 0..WAKE_UPS_MAX {
            settle(&mut scanner, town, self.now);
            match scanner.wake_at() {
                Some(at) if at <= until => {
                    self.now = self.now.max(at);
                    scanner.handle(self.now, Input::Wake);
                }
                _ => {
                    self.now = self.now.max(until);
                    return scanner;
                }
            }
        }
        panic!("it wakes up all the time");
    }
}
