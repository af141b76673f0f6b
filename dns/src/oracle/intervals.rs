//! Sets of instants, as sorted half-open intervals.
//!
//! Owns the arithmetic of time spans that every other module of the oracle leans on. Knows nothing
//! of DNS. [`Timestamp::MAX`] as an end means "for ever": adding to it changes nothing.

use std::time::Duration;

use crate::time::Timestamp;

/// The instants of `[from, until)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    /// First instant.
    pub from: Timestamp,
    /// First instant after.
    pub until: Timestamp,
}

impl Interval {
    /// All of time.
    pub const ALWAYS: Self = Self {
        from: Timestamp::MIN,
        until: Timestamp::MAX,
    };

    /// The instants of `[from, until)`; none if `until` is not after `from`.
    pub const fn new(from: Timestamp, until: Timestamp) -> Self {
        Self { from, until }
    }

    /// Whether no instant is in it.
    pub fn is_empty(self) -> bool {
        self.until <= self.from
    }

    /// Whether `at` is in it.
    pub fn contains(self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    /// Whether every instant of `other` is in it.
    pub fn covers(self, other: Interval) -> bool {
        other.is_empty() || (self.from <= other.from && other.until <= self.until)
    }

    /// The instants in both; possibly none.
    pub fn meet(self, other: Interval) -> Interval {
        Self::new(self.from.max(other.from), self.until.min(other.until))
    }

    /// The same start, and `span` longer: what was fetched in it, and is kept for `span`.
    pub fn kept(self, span: Duration) -> Interval {
        Self::new(self.from, self.until + span)
    }
}

/// Any set of instants: intervals in order that neither overlap nor touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intervals(Vec<Interval>);

impl Intervals {
    /// No instant.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// The intervals, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Interval> + '_ {
        self.0.iter().copied()
    }

    /// The first interval, if there is any.
    pub fn first(&self) -> Option<Interval> {
        self.0.first().copied()
    }

    /// Whether no instant is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `at` is in it.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.around(at).is_some()
    }

    /// The interval that `at` is in.
    pub fn around(&self, at: Timestamp) -> Option<Interval> {
        let next = self.0.partition_point(|interval| interval.until <= at);
        self.0.get(next).copied().filter(|i| i.contains(at))
    }

    /// The last interval that has ended when `at` comes.
    pub fn last_ended(&self, at: Timestamp) -> Option<Interval> {
        let next = self.0.partition_point(|interval| interval.until <= at);
        self.0[..next].last().copied()
    }

    /// The parts of `self` within `span`.
    pub fn within(&self, span: Interval) -> impl Iterator<Item = Interval> + '_ {
        let first = self.0.partition_point(|i| i.until <= span.from);
        self.0[first..]
            .iter()
            .map(move |i| i.meet(span))
            .take_while(|i| !i.is_empty())
    }

    /// The instants in both.
    pub fn meet(&self, other: &Intervals) -> Intervals {
        self.iter().flat_map(|i| other.within(i)).collect()
    }

    /// The instants in either.
    pub fn join(&self, other: &Intervals) -> Intervals {
        self.iter().chain(other.iter()).collect()
    }

    /// The instants of `self` that are not in `other`.
    pub fn minus(&self, other: &Intervals) -> Intervals {
        let mut left = Vec::new();
        for interval in self.iter() {
            let mut from = interval.from;
            for hole in other.within(interval) {
                left.push(Interval::new(from, hole.from));
                from = hole.until;
            }
            left.push(Interval::new(from, interval.until));
        }
        left.into_iter().collect()
    }
}

impl From<Interval> for Intervals {
    fn from(interval: Interval) -> Self {
        [interval].into_iter().collect()
    }
}

/// Joins intervals given in any order, overlapping or empty.
impl FromIterator<Interval> for Intervals {
    fn from_iter<T: IntoIterator<Item = Interval>>(intervals: T) -> Self {
        let mut sorted: Vec<Interval> = intervals.into_iter().filter(|i| !i.is_empty()).collect();
        sorted.sort_unstable();
        let mut joined: Vec<Interval> = Vec::with_capacity(sorted.len());
        for interval in sorted {
            match joined.last_mut() {
                Some(last) if interval.from <= last.until => {
                    last.until = last.until.max(interval.until);
                }
                _ => joined.push(interval),
            }
        }
        debug_assert!(joined.windows(2).all(|pair| pair[0].until < pair[1].from));
        Self(joined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(spans: &[(i64, i64)]) -> Intervals {
        let at = Timestamp::from_seconds;
        spans
            .iter()
            .map(|&(from, until)| Interval::new(at(from), at(until)))
            .collect()
    }

    #[test]
    fn touching_intervals_are_one() {
        assert_eq!(set(&[(4, 6), (1, 4), (9, 9), (5, 7)]), set(&[(1, 7)]));
    }

    #[test]
    fn sets_meet_join_and_subtract() {
        let (some, other) = (set(&[(0, 10), (20, 30)]), set(&[(5, 22), (25, 26)]));
        assert_eq!(some.meet(&other), set(&[(5, 10), (20, 22), (25, 26)]));
        assert_eq!(some.join(&other), set(&[(0, 30)]));
        assert_eq!(some.minus(&other), set(&[(0, 5), (22, 25), (26, 30)]));
        assert_eq!(other.minus(&some), set(&[(10, 20)]));
    }

    #[test]
    fn for_ever_stays_for_ever() {
        let kept = Interval::ALWAYS.kept(Duration::from_secs(9));
        assert_eq!(kept, Interval::ALWAYS);
    }
}
