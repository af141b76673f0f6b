//! Instants, as data. Nothing here reads a clock: `now` is always an argument.
//!
//! Owns [`Timestamp`], the offset notation `T+2d03:00:00`, and the conversion to the 32-bit
//! seconds of RRSIG fields (RFC 4034 §3.1.5). Spans of time are [`std::time::Duration`].

use std::{
    fmt,
    ops::{Add, AddAssign, Sub},
    str::FromStr,
    time::Duration,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// An instant: nanoseconds since 1970-01-01T00:00:00Z, leap seconds ignored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Before everything that a run can mention.
    pub const MIN: Self = Self(i64::MIN);
    /// After everything that a run can mention ("for ever").
    pub const MAX: Self = Self(i64::MAX);

    /// The instant `seconds` after 1970.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds * NANOS_PER_SECOND)
    }

    /// The instant `nanos` nanoseconds after 1970.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since 1970.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(NANOS_PER_SECOND)
    }

    /// The 32 bits that an RRSIG carries for this instant (RFC 4034 §3.1.5).
    pub const fn to_rrsig_seconds(self) -> u32 {
        self.as_seconds() as u32
    }

    /// The instant nearest to `near` whose RRSIG field is `field` (RFC 1982 arithmetic).
    pub const fn from_rrsig_seconds(field: u32, near: Timestamp) -> Self {
        let ahead = field.wrapping_sub(near.to_rrsig_seconds()) as i32;
        Self::from_seconds(near.as_seconds() + ahead as i64)
    }

    /// Time from `earlier` to `self`; zero if `earlier` is not earlier.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0).max(0) as u64)
    }

    /// `self - span`, stopping at [`Timestamp::MIN`].
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(span)))
    }

    /// Prints the instant relative to `start`, as `T+2d03:00:00`.
    pub fn relative_to(self, start: Timestamp) -> Offset {
        Offset { at: self, start }
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanos(span)))
    }
}

impl AddAssign<Duration> for Timestamp {
    fn add_assign(&mut self, span: Duration) {
        *self = *self + span;
    }
}

impl Sub<Timestamp> for Timestamp {
    type Output = Duration;
    fn sub(self, earlier: Timestamp) -> Duration {
        self.since(earlier)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// UTC, as RFC 3339.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::MIN => f.write_str("always"),
            Self::MAX => f.write_str("never"),
            Self(nanos) => match jiff::Timestamp::from_nanosecond(nanos.into()) {
                Ok(utc) => write!(f, "{utc}"),
                Err(_) => write!(f, "{nanos}ns"),
            },
        }
    }
}

/// A text that is no instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadTimestamp(String);

impl fmt::Display for BadTimestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no instant: write it as 2026-01-01T00:00:00Z",
            self.0
        )
    }
}

impl std::error::Error for BadTimestamp {}

/// What is displayed reads back.
impl FromStr for Timestamp {
    type Err = BadTimestamp;

    fn from_str(text: &str) -> Result<Self, BadTimestamp> {
        match text {
            "always" => return Ok(Self::MIN),
            "never" => return Ok(Self::MAX),
            _ => {}
        }
        text.parse::<jiff::Timestamp>()
            .ok()
            .and_then(|utc| i64::try_from(utc.as_nanosecond()).ok())
            .map(Self)
            .ok_or_else(|| BadTimestamp(text.into()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// An instant seen from the start of a run: `T+2d03:00:00`, with milliseconds where there are any.
#[derive(Clone, Copy, Debug)]
pub struct Offset {
    at: Timestamp,
    start: Timestamp,
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at == Timestamp::MAX {
            return f.write_str("for ever");
        }
        let (sign, span) = if self.at < self.start {
            ('-', self.start - self.at)
        } else {
            ('+', self.at - self.start)
        };
        let seconds = span.as_secs();
        let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
        write!(
            f,
            "T{sign}{days}d{hours:02}:{minutes:02}:{:02}",
            seconds % 60
        )?;
        match span.subsec_millis() {
            0 => Ok(()),
            millis => write!(f, ".{millis:03}"),
        }
    }
}

/// A span for people: the two largest units that are not zero, as `2d 3h` or `45s`.
pub fn human(span: Duration) -> String {
    let seconds = span.as_secs();
    if seconds == 0 {
        return match span.subsec_millis() {
            0 => "0s".into(),
            millis => format!("{millis}ms"),
        };
    }
    let units = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let shown: Vec<String> = units
        .iter()
        .filter(|(count, _)| *count > 0)
        .take(2)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    shown.join(" ")
}

fn nanos(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_read_as_days_and_clock() {
        let start = Timestamp::from_seconds(1_767_225_600);
        let at = start + Duration::from_secs(2 * 86_400 + 3 * 3_600);
        assert_eq!(at.relative_to(start).to_string(), "T+2d03:00:00");
        assert_eq!(start.relative_to(at).to_string(), "T-2d03:00:00");
        let late = start + Duration::from_millis(1_500);
        assert_eq!(late.relative_to(start).to_string(), "T+0d00:00:01.500");
    }

    #[test]
    fn what_is_displayed_reads_back() {
        let odd = Timestamp::from_nanos(1_767_225_600_000_000_001);
        for at in [odd, Timestamp::MIN, Timestamp::MAX, Timestamp::default()] {
            assert_eq!(at.to_string().parse(), Ok(at));
        }
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn rrsig_seconds_survive_the_wrap_of_2106() {
        let late = Timestamp::from_seconds(u32::MAX as i64 + 5);
        let field = late.to_rrsig_seconds();
        assert_eq!(field, 4);
        let near = Timestamp::from_seconds(u32::MAX as i64 - 100);
        assert_eq!(Timestamp::from_rrsig_seconds(field, near), late);
    }
}
