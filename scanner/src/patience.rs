//! Silent servers: when each child is tried again, and which servers were tried often enough.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use counterpoint_dns::{name::Name, time::Timestamp};

use crate::gather::Server;

/// A child that waits for servers to come back.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wait {
    until: Timestamp,
    tries: BTreeMap<String, usize>,
}

/// All children that wait.
#[derive(Clone, Debug, Default)]
pub struct Patience {
    waits: BTreeMap<Name, Wait>,
}

impl Patience {
    /// The servers of `child` that were silent for the whole schedule. Before it is over nobody is given
    /// up, whoever asks for a scan.
    pub fn given_up(
        &self,
        child: &Name,
        schedule: &[Duration],
        now: Timestamp,
    ) -> BTreeSet<String> {
        let wait = self.waits.get(child).filter(|wait| wait.until <= now);
        let tries = wait.into_iter().flat_map(|wait| &wait.tries);
        tries
            .filter(|(_, tries)| **tries >= schedule.len())
            .map(|(server, _)| server.clone())
            .collect()
    }

    /// Counts the silence of `servers`, and waits for the next try. A scan out of turn counts nothing:
    /// whoever asks for scans must not shorten the schedule.
    pub fn wait<'a>(
        &mut self,
        child: &Name,
        servers: impl Iterator<Item = &'a Server>,
        schedule: &[Duration],
        now: Timestamp,
    ) {
        let wait = self.waits.entry(child.clone()).or_insert(Wait {
            until: now,
            tries: BTreeMap::new(),
        });
        if now < wait.until {
            return;
        }
        let mut longest = 0;
        for server in servers.filter(|server| server.is_silent()) {
            let tries = wait.tries.entry(server.to_string()).or_default();
            longest = longest.max(*tries);
            *tries += 1;
        }
        let pause = schedule.get(longest).or(schedule.last()).copied();
        wait.until = now + pause.unwrap_or_default();
    }

    /// The scan came to an end: the next silence begins a new schedule.
    pub fn forget(&mut self, child: &Name) {
        self.waits.remove(child);
    }

    /// Forgets the children that are delegated no more.
    pub fn retain(&mut self, is_delegated: impl Fn(&Name) -> bool) {
        self.waits.retain(|child, _| is_delegated(child));
    }

    /// Whether `child` waits for a time to come.
    pub fn waits(&self, child: &Name, now: Timestamp) -> bool {
        self.waits.get(child).is_some_and(|wait| wait.until > now)
    }

    /// The children that wait, with the times.
    pub fn times(&self) -> impl Iterator<Item = (&Name, Timestamp)> {
        self.waits.iter().map(|(child, wait)| (child, wait.until))
    }
}
