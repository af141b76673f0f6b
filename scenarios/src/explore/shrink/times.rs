//! Times as a person would write them: none, a minute, an hour, a day, a TTL and a second beside it,
//! or at least fewer units.

use std::{collections::BTreeSet, time::Duration};

use super::Shrinker;
use crate::scenario::{
    FaultKind, Range, Scenario, Ttl, What,
    time::{days, hours, minutes, seconds},
};

/// A place in a scenario that holds a time: how to read it, how to write it.
type Place = (
    fn(&Scenario, usize) -> Option<Duration>,
    fn(&mut Scenario, usize, Duration),
);

impl Shrinker<'_> {
    pub(super) fn round(&mut self) {
        for (read, write) in PLACES {
            let mut index = 0;
            while let Some(now) = read(&self.shrunk.scenario, index) {
                self.humanise(now, |scenario, time| write(scenario, index, time));
                index += 1;
            }
        }
    }

    /// Takes the most human time that keeps the failure.
    fn humanise(&mut self, now: Duration, write: impl Fn(&mut Scenario, Duration)) {
        let ttls = ttls(&self.shrunk.scenario);
        let rank_now = rank(now, &ttls);
        let mut candidates: Vec<Duration> = candidates(now, &ttls);
        candidates.retain(|time| rank(*time, &ttls) < rank_now);
        candidates.sort_by_key(|time| (rank(*time, &ttls), time.abs_diff(now)));
        candidates.dedup();
        for time in candidates {
            let mut rounder = self.shrunk.scenario.clone();
            write(&mut rounder, time);
            // A default is as human as can be: it is not even written.
            let is_default = lines(&rounder) > lines(&self.shrunk.scenario);
            if !is_default && self.accept(rounder) {
                return;
            }
        }
    }
}

/// How many lines its file has.
fn lines(scenario: &Scenario) -> usize {
    scenario.to_toml().lines().count()
}

/// Every TTL of the scenario.
fn ttls(scenario: &Scenario) -> BTreeSet<Duration> {
    let parent = &scenario.parent;
    let signers = scenario.signers.iter();
    let own = signers.flat_map(|s| [s.dnskey_ttl, s.ns_ttl, s.default_ttl, s.negative_ttl]);
    own.chain([parent.ds_ttl, parent.ns_ttl])
        .map(Ttl::span)
        .collect()
}

const ONES: [Duration; 4] = [seconds(0), minutes(1), hours(1), days(1)];

/// How far a time is from what a person would write.
fn rank(time: Duration, ttls: &BTreeSet<Duration>) -> u64 {
    let is_ttl = |time: Duration| ttls.contains(&time);
    let beside =
        is_ttl(time + seconds(1)) || time > seconds(0) && is_ttl(time.saturating_sub(seconds(1)));
    let units = [days(1), hours(1), minutes(1), seconds(1)];
    match time {
        time if ONES.contains(&time) => 0,
        time if is_ttl(time) => 1,
        _ if beside => 2,
        // One unit, the larger the better; then by the unit that is needed.
        time => {
            let whole = units
                .iter()
                .position(|unit| time.as_nanos() % unit.as_nanos() == 0);
            let whole = whole.unwrap_or(units.len()) as u64;
            let digits = units.get(whole as usize).map_or(9, |unit| {
                (time.as_nanos() / unit.as_nanos()).to_string().len() as u64
            });
            3 + 4 * whole + digits
        }
    }
}

fn candidates(now: Duration, ttls: &BTreeSet<Duration>) -> Vec<Duration> {
    let mut all = ONES.to_vec();
    for ttl in ttls {
        all.extend([*ttl, *ttl + seconds(1), ttl.saturating_sub(seconds(1))]);
    }
    for unit in [
        days(1),
        hours(6),
        hours(1),
        minutes(10),
        minutes(1),
        seconds(1),
    ] {
        let whole = (now.as_nanos() / unit.as_nanos()) as u32;
        all.extend([unit * whole, unit * (whole + 1)]);
    }
    all
}

/// A TTL has whole seconds, and a limit.
fn ttl(time: Duration) -> Ttl {
    Ttl::from_seconds(u32::try_from(time.as_secs()).unwrap_or(u32::MAX))
}

macro_rules! signer_ttl {
    ($field:ident) => {
        (
            |s: &Scenario, n| s.signers.get(n).map(|signer| signer.$field.span()),
            |s: &mut Scenario, n, time| s.signers[n].$field = ttl(time),
        )
    };
}

/// The `n`th of a single value.
fn only(n: usize, time: Duration) -> Option<Duration> {
    (n == 0).then_some(time)
}

/// Every place that holds a time, those first that say most of the story.
const PLACES: &[Place] = &[
    signer_ttl!(ns_ttl),
    signer_ttl!(dnskey_ttl),
    signer_ttl!(default_ttl),
    signer_ttl!(negative_ttl),
    signer_ttl!(max_ttl),
    (
        |s, n| only(n, s.parent.ds_ttl.span()),
        |s, _, time| s.parent.ds_ttl = ttl(time),
    ),
    (
        |s, n| only(n, s.parent.ns_ttl.span()),
        |s, _, time| s.parent.ns_ttl = ttl(time),
    ),
    (
        |s, n| only(n, s.parent.negative_ttl.span()),
        |s, _, time| s.parent.negative_ttl = ttl(time),
    ),
    (
        |s, n| only(n, s.parent.propagation.high),
        |s, _, time| s.parent.propagation = Range::new(seconds(0), time),
    ),
    (
        |s, n| s.signers.get(n).map(|signer| signer.propagation.high),
        |s, n, time| s.signers[n].propagation = Range::new(seconds(0), time),
    ),
    (
        |s, n| only(n, s.scanner.interval),
        |s, _, time| s.scanner.interval = time,
    ),
    (
        |s, n| only(n, s.scanner.publish_delay.high),
        |s, _, time| s.scanner.publish_delay = Range::new(seconds(0), time),
    ),
    (
        |s, n| s.events.get(n).map(|event| event.at),
        |s, n, time| s.events[n].at = time,
    ),
    (
        |s, n| match s.events.get(n)?.what {
            What::ControllerCrash { lasting } => Some(lasting),
            What::SetTtl { ttl, .. } => Some(ttl.span()),
            // Nothing to round: skipped, for a time of zero is as human as can be.
            _ => Some(seconds(0)),
        },
        |s, n, time| match &mut s.events[n].what {
            What::ControllerCrash { lasting } => *lasting = time,
            What::SetTtl { ttl: value, .. } => *value = ttl(time),
            _ => {}
        },
    ),
    (
        |s, n| s.faults.get(n).map(|fault| fault.from),
        |s, n, time| s.faults[n].from = time,
    ),
    (
        |s, n| s.faults.get(n).map(|fault| fault.until.unwrap_or_default()),
        |s, n, time| {
            if s.faults[n].until.is_some() {
                s.faults[n].until = Some(time);
            }
        },
    ),
    (
        |s, n| match s.faults.get(n)?.kind {
            FaultKind::Latency(by) => Some(by.high),
            _ => Some(seconds(0)),
        },
        |s, n, time| {
            if let FaultKind::Latency(by) = &mut s.faults[n].kind {
                *by = Range::new(seconds(0), time);
            }
        },
    ),
    (
        |s, n| s.resolvers.get(n).map(|resolver| resolver.query_every),
        |s, n, time| s.resolvers[n].query_every = time,
    ),
];
