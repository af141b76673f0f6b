//! What each child's survey has cost so far, and when that is too much: octets, time, addresses, and
//! what one RRset may hold.
//!
//! A child decides what its servers send, how slowly, and how many servers it names. Here is the end
//! of that. A decision, so it takes `now` and does nothing.

use std::collections::{BTreeMap, BTreeSet};

use counterpoint_dns::{message::Reply, time::Timestamp};

use super::RunId;
use crate::{
    policy::Bounds,
    verdict::{Outcome, Verdict},
};

/// Why a survey ends early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Excess {
    /// It is too much to be read or validated.
    TooMuch(String),
    /// It took too long.
    TooLong(String),
}

impl Excess {
    /// The verdict on whatever was asked for. X-07: what is not validated says nothing. X-05: what took
    /// too long is tried again.
    pub fn verdict(&self) -> Verdict {
        let (outcome, rule, reason, why) = match self {
            Self::TooMuch(why) => (Outcome::Abort, "X-07", "CHILD_EXCESSIVE", why),
            Self::TooLong(why) => (Outcome::Delay, "X-05", "CHILD_OUT_OF_TIME", why),
        };
        Verdict::without_change(outcome, rule, reason, vec![why.clone()])
    }
}

#[derive(Clone, Copy, Debug)]
struct Meter {
    octets: u64,
    until: Timestamp,
}

/// The meters of all surveys under way.
#[derive(Clone, Debug)]
pub struct Meters {
    bounds: Bounds,
    running: BTreeMap<RunId, Meter>,
    by_deadline: BTreeSet<(Timestamp, RunId)>,
}

impl Meters {
    /// Nothing is under way.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            running: BTreeMap::new(),
            by_deadline: BTreeSet::new(),
        }
    }

    /// A survey begins.
    pub fn begin(&mut self, run: RunId, now: Timestamp) {
        let until = now + self.bounds.time_max;
        self.running.insert(run, Meter { octets: 0, until });
        self.by_deadline.insert((until, run));
    }

    /// A survey has ended.
    pub fn end(&mut self, run: RunId) {
        if let Some(meter) = self.running.remove(&run) {
            self.by_deadline.remove(&(meter.until, run));
        }
    }

    /// So many octets came for a survey; `reply` is what they say, if they answer.
    pub fn take(&mut self, run: RunId, octets: usize, reply: Option<&Reply>) -> Result<(), Excess> {
        let Some(meter) = self.running.get_mut(&run) else {
            return Ok(());
        };
        meter.octets += octets as u64;
        let most = self.bounds.octets_max;
        if meter.octets > u64::from(most) {
            let why = format!("its answers are longer than {most} octets");
            return Err(Excess::TooMuch(why));
        }
        let excess = reply.and_then(|reply| self.bounds.of_rrset().excess(reply));
        excess.map_or(Ok(()), |why| Err(Excess::TooMuch(why)))
    }

    /// A survey has so many servers to ask.
    pub fn serves(&self, servers: usize) -> Result<(), Excess> {
        let most = self.bounds.servers_max;
        if servers as u64 <= u64::from(most) {
            return Ok(());
        }
        let why = format!("its nameservers have {servers} addresses, and {most} are asked");
        Err(Excess::TooMuch(why))
    }

    /// The next survey whose time is up.
    pub fn expired(&mut self, now: Timestamp) -> Option<(RunId, Excess)> {
        let (until, run) = self.by_deadline.first().copied()?;
        if until > now {
            return None;
        }
        self.end(run);
        let most = self.bounds.time_max;
        let why = format!("not everything was answered within {most:?}");
        Some((run, Excess::TooLong(why)))
    }

    /// When the next survey's time is up.
    pub fn wake_at(&self) -> Option<Timestamp> {
        self.by_deadline.first().map(|(until, _)| *until)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u32) -> Timestamp {
        Timestamp::from_seconds(1_767_225_600) + Duration::from_secs(seconds.into())
    }

    fn meters() -> Meters {
        Meters::new(Bounds {
            octets_max: 1_000,
            servers_max: 3,
            time_max: Duration::from_secs(60),
            ..Bounds::default()
        })
    }

    #[test]
    fn octets_are_counted_for_each_survey_by_itself() {
        let mut meters = meters();
        meters.begin(1, at(0));
        meters.begin(2, at(0));
        assert_eq!(meters.take(1, 600, None), Ok(()));
        assert_eq!(meters.take(2, 600, None), Ok(()));
        assert_eq!(meters.take(2, 400, None), Ok(()));
        let excess = meters.take(1, 401, None).unwrap_err();
        assert_eq!(excess.verdict().reason, "CHILD_EXCESSIVE");
        assert_eq!(excess.verdict().change, None);
        meters.end(1);
        assert_eq!(meters.take(1, 5_000, None), Ok(()), "nobody's any more");
    }

    #[test]
    fn time_is_up_in_the_order_in_which_surveys_began() {
        let mut meters = meters();
        for run in [1, 2, 3] {
            meters.begin(run, at(run as u32));
        }
        meters.end(2);
        assert_eq!(meters.wake_at(), Some(at(61)));
        assert_eq!(meters.expired(at(60)), None);
        let (run, excess) = meters.expired(at(61)).unwrap();
        assert_eq!((run, excess.verdict().reason), (1, "CHILD_OUT_OF_TIME"));
        assert_eq!(meters.expired(at(62)), None);
        assert_eq!(meters.wake_at(), Some(at(63)));
        assert_eq!(meters.expired(at(63)).map(|(run, _)| run), Some(3));
        assert_eq!(meters.wake_at(), None);
    }

    #[test]
    fn so_many_servers_and_no_more() {
        assert_eq!(meters().serves(3), Ok(()));
        assert!(meters().serves(4).is_err());
    }
}
