//! Silent servers: when each child is tried again, and which servers were tried often enough.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use counterpoint_dns::{name::Name, time::Timestamp};
use serde::{Deserialize, Serialize};

use crate::gather::Server;

/// The silence of one child's servers: how often each was tried in vain, and when that is over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// The next try; silence before it counts nothing.
    pub until: Timestamp,
    /// How often each server was tried in vain.
    pub tries: BTreeMap<String, usize>,
}

impl Silence {
    /// The servers that were silent for the whole schedule. Before it is over nobody is given up, whoever
    /// asks for a scan.
    pub fn given_up(&self, schedule: &[Duration], now: Timestamp) -> BTreeSet<String> {
        let tries = self.tries.iter().filter(|_| self.until <= now);
        tries
            .filter(|(_, tries)| **tries >= schedule.len())
            .map(|(server, _)| server.clone())
            .collect()
    }

    /// Counts the silence of those of `servers` that were silent, and waits for the next try; whoever
    /// spoke begins anew. A scan out of turn counts nothing: whoever asks for scans must not shorten the
    /// schedule.
    pub fn count<'a>(
        &mut self,
        servers: impl IntoIterator<Item = &'a Server>,
        schedule: &[Duration],
        now: Timestamp,
    ) {
        if now < self.until {
            return;
        }
        let silent = servers.into_iter().filter(|server| server.is_silent());
        let silent: BTreeSet<String> = silent.map(ToString::to_string).collect();
        self.tries.retain(|server, _| silent.contains(server));
        let mut longest = 0;
        for server in silent {
            let tries = self.tries.entry(server).or_default();
            longest = longest.max(*tries);
            *tries += 1;
        }
        let pause = schedule.get(longest).or(schedule.last()).copied();
        self.until = now + pause.unwrap_or_default();
    }
}

/// All children that wait.
#[derive(Clone, Debug, Default)]
pub struct Patience {
    waits: BTreeMap<Name, Silence>,
}

impl Patience {
    /// The servers of `child` that were silent for the whole schedule.
    pub fn given_up(
        &self,
        child: &Name,
        schedule: &[Duration],
        now: Timestamp,
    ) -> BTreeSet<String> {
        let silence = self.waits.get(child);
        silence.map_or_else(BTreeSet::new, |silence| silence.given_up(schedule, now))
    }

    /// Counts the silence of `servers`, and waits for the next try.
    pub fn wait<'a>(
        &mut self,
        child: &Name,
        servers: impl Iterator<Item = &'a Server>,
        schedule: &[Duration],
        now: Timestamp,
    ) {
        let silence = self.waits.entry(child.clone()).or_default();
        silence.count(servers, schedule, now);
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

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(minutes: u32) -> Timestamp {
        Timestamp::from_seconds(1_767_225_600) + minutes * MINUTE
    }

    #[test]
    fn nobody_is_given_up_before_the_last_pause_is_over() {
        // No address, no answer.
        let server = Server::default();
        let schedule = [5 * MINUTE, 10 * MINUTE];
        let mut silence = Silence::default();
        let mut given_up = Vec::new();
        for minute in 0..30 {
            if !silence.given_up(&schedule, at(minute)).is_empty() {
                given_up.push(minute);
            }
            // Somebody has it scanned every minute.
            silence.count([&server], &schedule, at(minute));
        }
        assert_eq!(given_up.first(), Some(&15));
        let tries = silence.tries.values().copied();
        assert_eq!(tries.collect::<Vec<_>>(), [4], "at 0, 5, 15 and 25");
    }
}
