//! Rate limits, counted in sliding windows.
//!
//! Owns when the next request may be sent, or is still taken. Knows neither clock nor request.

use std::{collections::VecDeque, fmt, time::Duration};

use crate::time::{Timestamp, human};

/// At most so many within a span, whenever that begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// Within.
    pub span: Duration,
}

impl Rate {
    /// What a rate can be of, with its letters.
    const UNITS: [(&'static str, u64); 4] = [("s", 1), ("min", 60), ("h", 3_600), ("day", 86_400)];
    /// Greater counts limit nobody.
    const COUNT_MAX: u32 = 10_000;

    /// So many in so many seconds.
    pub const fn new(count: u32, seconds: u64) -> Self {
        Self {
            count,
            span: Duration::from_secs(seconds),
        }
    }

    /// `15/min`: a count, and `s`, `min`, `h` or `day`.
    pub fn parse(text: &str) -> Option<Self> {
        let (count, unit) = text.split_once('/')?;
        let count = count.parse().ok()?;
        let (_, seconds) = Self::UNITS.into_iter().find(|(known, _)| *known == unit)?;
        (1..=Self::COUNT_MAX)
            .contains(&count)
            .then_some(Self::new(count, seconds))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.span.as_secs();
        match Self::UNITS.iter().find(|(_, unit)| *unit == seconds) {
            Some((unit, _)) => write!(f, "{}/{unit}", self.count),
            None => write!(f, "{} in {}", self.count, human(self.span)),
        }
    }
}

/// When requests were sent, as far as a limit looks back.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    /// In order; those that are reserved lie ahead.
    sent: VecDeque<Timestamp>,
}

impl Pace {
    /// The first instant from `now` on at which one more keeps every rate.
    pub fn next(&self, rates: &[Rate], now: Timestamp) -> Timestamp {
        let mut at = self.sent.back().map_or(now, |last| now.max(*last));
        for rate in rates {
            // The one that must have left the window.
            let Some(index) = self.sent.len().checked_sub(rate.count as usize) else {
                continue;
            };
            if let Some(first) = self.sent.get(index) {
                at = at.max(*first + rate.span);
            }
        }
        at
    }

    /// Counts one at `at`, and forgets those that no rate looks back to.
    pub fn take(&mut self, rates: &[Rate], at: Timestamp) {
        let span = rates.iter().map(|rate| rate.span).max().unwrap_or_default();
        while self.sent.front().is_some_and(|first| *first + span <= at) {
            self.sent.pop_front();
        }
        if !rates.is_empty() {
            self.sent.push_back(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_of_ten_a_minute_waits_until_the_first_is_a_minute_old() {
        let start = Timestamp::from_seconds(1_000);
        let rates = [
            Rate::parse("10/min").unwrap(),
            Rate::parse("300/day").unwrap(),
        ];
        let mut pace = Pace::default();
        for second in 0..10 {
            let now = start + Duration::from_secs(second);
            assert_eq!(pace.next(&rates, now), now);
            pace.take(&rates, now);
        }
        let now = start + Duration::from_secs(10);
        assert_eq!(pace.next(&rates, now), start + Duration::from_secs(60));
        let later = start + Duration::from_secs(61);
        assert_eq!(pace.next(&rates, later), later);
    }

    #[test]
    fn no_window_ever_holds_more_than_its_rate() {
        let rates = [Rate::new(2, 1), Rate::new(15, 60), Rate::new(100, 3_600)];
        let mut pace = Pace::default();
        let mut sent = Vec::new();
        for _ in 0..250 {
            let at = pace.next(&rates, Timestamp::from_seconds(1_000));
            pace.take(&rates, at);
            sent.push(at);
        }
        for rate in rates {
            for window in sent.windows(rate.count as usize + 1) {
                assert!(
                    window[0] + rate.span <= window[rate.count as usize],
                    "{rate}"
                );
            }
        }
    }

    #[test]
    fn a_rate_reads_as_it_is_written() {
        for text in ["2/s", "15/min", "100/h", "300/day"] {
            assert_eq!(Rate::parse(text).unwrap().to_string(), text);
        }
        for bad in ["", "0/s", "2/week", "-1/s", "2", "10001/s"] {
            assert_eq!(Rate::parse(bad), None, "{bad}");
        }
    }
}
