//! How fast servers answered so far.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use rand::RngExt as _;

use crate::stream::Stream;

/// One choice in so many is another server than the fastest, so that one that has become fast is noticed.
const EXPLORES: u32 = 20;
/// What silence counts as.
const SILENT: Duration = Duration::from_secs(2);
/// How many servers are known before all of them are forgotten.
const SERVERS_MAX: usize = 1 << 16;

/// Smoothed round-trip times.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace(BTreeMap<IpAddr, Duration>);

impl Pace {
    /// A server answered after this long.
    pub fn answered(&mut self, server: IpAddr, took: Duration) {
        if self.0.len() >= SERVERS_MAX {
            self.0.clear();
        }
        let known = self.0.entry(server).or_insert(took);
        *known = (*known * 7 + took) / 8;
    }

    /// A server did not answer.
    pub fn silent(&mut self, server: IpAddr) {
        self.answered(server, SILENT);
    }

    /// Which of these to ask, by index: one that is not known yet, else mostly the fastest.
    pub fn choose(&self, servers: &[IpAddr], stream: &mut Stream) -> usize {
        let explores = stream.random_range(0..EXPLORES) == 0;
        let any = stream.random_range(0..servers.len());
        if explores {
            return any;
        }
        let took = |index: &usize| self.0.get(&servers[*index]).copied().unwrap_or_default();
        (0..servers.len()).min_by_key(took).unwrap_or(any)
    }
}
