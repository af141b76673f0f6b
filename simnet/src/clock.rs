//! Clocks that are wrong: what somebody takes for now, and when it will be a given time for them.

use std::{ops::Add, time::Duration};

use counterpoint_dns::time::Timestamp;

/// How far a clock is ahead of the world's, in nanoseconds; behind, if negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skew(i64);

impl Skew {
    /// None.
    pub const NONE: Self = Self(0);

    /// Ahead by this much.
    pub fn ahead(by: Duration) -> Self {
        Self(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX))
    }

    /// Behind by this much.
    pub fn behind(by: Duration) -> Self {
        Self::ahead(by).reversed()
    }

    /// The one that makes up for it.
    pub const fn reversed(self) -> Self {
        Self(self.0.saturating_neg())
    }

    /// What the clock shows when it is `now`.
    pub const fn shows(self, now: Timestamp) -> Timestamp {
        Timestamp::from_nanos(now.as_nanos().saturating_add(self.0))
    }

    /// When the clock shows `time`; never stays never.
    pub fn when(self, time: Timestamp) -> Timestamp {
        match time {
            Timestamp::MAX => time,
            time => self.reversed().shows(time),
        }
    }
}

impl Add for Skew {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}
