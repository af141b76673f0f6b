//! Instants of a run, counted from its start.

use std::{
    fmt,
    ops::{Add, Sub},
    str::FromStr,
    time::Duration,
};

use counterpoint_dns::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const MICROS_PER_SECOND: i64 = 1_000_000;

/// Microseconds from the start of the run; negative before it. In JSON: seconds, whole or with a fraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct At(i64);

impl At {
    /// The start of the run.
    pub const START: Self = Self(0);
    /// After everything.
    pub const NEVER: Self = Self(i64::MAX / 1_000);

    /// The instant so many whole seconds after the start.
    pub const fn seconds(seconds: i64) -> Self {
        Self(seconds * MICROS_PER_SECOND)
    }

    /// `at` as seen from `start`; none for "ever since" and "for ever".
    pub fn of(at: Timestamp, start: Timestamp) -> Option<Self> {
        let bounded = at > Timestamp::MIN && at < Timestamp::MAX;
        let nanos = at.as_nanos().checked_sub(start.as_nanos())?;
        bounded.then_some(Self(nanos.div_euclid(1_000)))
    }

    /// Microseconds.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Seconds, with a fraction.
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / MICROS_PER_SECOND as f64
    }

    /// The same on a time line of timestamps on which the start is zero, for sets of instants.
    pub(crate) fn stamp(self) -> Timestamp {
        Timestamp::from_nanos(self.0.saturating_mul(1_000))
    }

    /// From there back.
    pub(crate) fn of_stamp(stamp: Timestamp) -> Self {
        Self(stamp.as_nanos().div_euclid(1_000))
    }
}

impl From<Duration> for At {
    fn from(span: Duration) -> Self {
        Self(i64::try_from(span.as_micros()).unwrap_or(i64::MAX / 1_000))
    }
}

impl Add<Duration> for At {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(Self::from(span).0).min(Self::NEVER.0))
    }
}

/// Zero if the other is not earlier.
impl Sub for At {
    type Output = Duration;
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0).max(0).unsigned_abs())
    }
}

/// As `T+2d03:00:00`.
impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stamp().relative_to(Timestamp::default()).fmt(f)
    }
}

/// An instant that is not written as `T+2d03:00:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadAt;

/// What is displayed reads back, to the millisecond.
impl FromStr for At {
    type Err = BadAt;

    fn from_str(text: &str) -> Result<Self, BadAt> {
        let read = || {
            let (sign, rest) = match text.strip_prefix("T+") {
                Some(rest) => (1, rest),
                None => (-1, text.strip_prefix("T-")?),
            };
            let (days, clock) = rest.split_once('d')?;
            let (clock, millis) = clock.split_once('.').unwrap_or((clock, "0"));
            let mut parts = clock.split(':').map(|part| part.parse::<i64>().ok());
            let mut next = || parts.next().flatten();
            let (hours, minutes, seconds) = (next()?, next()?, next()?);
            let days = days.parse::<i64>().ok().filter(|days| *days < 100_000)?;
            let seconds = ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
            let millis = millis.parse::<i64>().ok()?;
            Some(Self(sign * (seconds * MICROS_PER_SECOND + millis * 1_000)))
        };
        read().ok_or(BadAt)
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 % MICROS_PER_SECOND {
            0 => serializer.serialize_i64(self.0 / MICROS_PER_SECOND),
            _ => serializer.serialize_f64(self.as_seconds()),
        }
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let micros = f64::deserialize(deserializer)? * MICROS_PER_SECOND as f64;
        match micros.is_finite() && micros.abs() < 9e15 {
            true => Ok(Self(micros.round() as i64)),
            false => Err(de::Error::custom("expected seconds from the start")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        for micros in [0, -31_536_000_000_000, 9_780_893_120, 5_183_999_999_999, 1] {
            let text = serde_json::to_string(&At(micros)).unwrap();
            assert_eq!(
                serde_json::from_str::<At>(&text).unwrap(),
                At(micros),
                "{text}"
            );
        }
        assert!(serde_json::from_str::<At>("1e300").is_err());
        for (at, text) in [
            (At(61_056_000), "T+0d00:01:01.056"),
            (At::seconds(-3 * 86_400 - 1), "T-3d00:00:01"),
        ] {
            assert_eq!(at.to_string(), text);
            assert_eq!(text.parse(), Ok(at));
        }
        assert_eq!("T+1h".parse::<At>(), Err(BadAt));
    }
}
