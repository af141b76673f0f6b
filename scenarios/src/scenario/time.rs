//! Times as scenario files write them: spans in words, ranges, percentages, TTLs, the start.
//!
//! Days and weeks are multiples of 24 hours: a scenario has no time zone.

use std::{fmt, time::Duration};

use counterpoint_dns::{stream::Stream, time::Timestamp};
use jiff::{SignedDuration, SpanRelativeTo, fmt::friendly::SpanParser};
use rand::RngExt as _;

use super::setting::{Setting, quote};
use crate::load::{reader::Field, tree::Value};

const SPAN: &str = "a time span as \"90s\", \"36h\" or \"2d 3h\"";

/// A span of `count` seconds.
pub const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A span of `count` minutes.
pub const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

/// A span of `count` hours.
pub const fn hours(count: u64) -> Duration {
    Duration::from_secs(count * 3_600)
}

/// A span of `count` days of 24 hours.
pub const fn days(count: u64) -> Duration {
    Duration::from_secs(count * 86_400)
}

/// Why a text is not a span of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadSpan {
    /// Not understood; the parser's reason.
    Unreadable(String),
    /// Below zero.
    Negative,
    /// Months and years differ in length.
    Calendar,
    /// Longer than a run can be.
    TooLong,
}

/// The longest span that a file may name: a hundred years.
const LONGEST: Duration = days(36_525);

/// Parses a span in jiff's friendly form.
pub fn parse_span(text: &str) -> Result<Duration, BadSpan> {
    let span = SpanParser::new()
        .parse_span(text.trim())
        .map_err(|error| BadSpan::Unreadable(reason(&error)))?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err(BadSpan::Calendar);
    }
    let span: SignedDuration = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| BadSpan::TooLong)?;
    let span = Duration::try_from(span).map_err(|_| BadSpan::Negative)?;
    match span <= LONGEST {
        true => Ok(span),
        false => Err(BadSpan::TooLong),
    }
}

/// The parser's reason, without the preamble that says which parser it is.
fn reason(error: &jiff::Error) -> String {
    let text = error.to_string();
    match text.split_once("format: ") {
        Some((_, reason)) => reason.into(),
        None => text,
    }
}

/// Prints a span so that [`parse_span`] reads the same again: `2d 3h`.
pub fn print_span(span: Duration) -> String {
    let (seconds, nanos) = (span.as_secs(), span.subsec_nanos());
    let units = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
        (u64::from(nanos / 1_000_000), "ms"),
        (u64::from(nanos / 1_000 % 1_000), "us"),
        (u64::from(nanos % 1_000), "ns"),
    ];
    let parts: Vec<String> = units
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    match parts.as_slice() {
        [] => "0s".into(),
        parts => parts.join(" "),
    }
}

/// Reads the words of a span, complaining at `field`.
fn read_span(field: &Field<'_>, words: &str) -> Option<Duration> {
    let key = field.key();
    match parse_span(words) {
        Ok(span) => Some(span),
        Err(BadSpan::Negative) => field.fail(
            "negative-time",
            format!("`{key}` cannot be negative"),
            |d| d.expected("expected a span of zero or more"),
        ),
        Err(BadSpan::Calendar) => field.fail(
            "calendar-time",
            format!("`{key}` cannot be in months or years, whose lengths differ"),
            |d| d.expected("expected weeks, days, hours, minutes or seconds"),
        ),
        Err(BadSpan::TooLong) => field.fail(
            "out-of-range",
            format!("`{key}` is longer than a hundred years"),
            |d| d.expected("expected a shorter span"),
        ),
        Err(BadSpan::Unreadable(why)) => {
            field.fail("bad-time", format!("`{words}` is not a time span"), |d| {
                d.expected(format!("expected {SPAN}")).suggest(why)
            })
        }
    }
}

/// The words of a span; a bare number is answered with the spelling that was meant.
fn span_words<'a>(field: &Field<'a>, expected: &str) -> Option<&'a str> {
    match &field.node.value {
        Value::Integer(count) => {
            let message = format!("`{}` cannot be a bare number", field.key());
            field.fail("wrong-type", message, |d| {
                d.expected(format!("expected {expected}"))
                    .suggest(format!("say the unit: \"{count}s\" or \"{count}h\""))
            })
        }
        _ => field.text(expected),
    }
}

impl Setting for Duration {
    fn read(field: &Field<'_>) -> Option<Self> {
        let words = span_words(field, SPAN)?;
        read_span(field, words)
    }

    fn print(&self) -> Option<String> {
        Some(quote(&print_span(*self)))
    }
}

/// How far a clock is ahead; behind, if below zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skew {
    /// By how much.
    pub by: Duration,
    /// Behind, not ahead.
    pub is_behind: bool,
}

impl Setting for Skew {
    fn read(field: &Field<'_>) -> Option<Self> {
        let words = span_words(
            field,
            "how far a clock is ahead, as \"2h\", or behind, as \"-2h\"",
        )?;
        let (is_behind, span) = match words.trim().strip_prefix('-') {
            Some(span) => (true, span),
            None => (false, words),
        };
        let by = read_span(field, span)?;
        Some(Self {
            by,
            is_behind: is_behind && !by.is_zero(),
        })
    }

    fn print(&self) -> Option<String> {
        let sign = if self.is_behind { "-" } else { "" };
        Some(quote(&format!("{sign}{}", print_span(self.by))))
    }
}

/// A span that is drawn from the seed, or (in expectations) an interval of instants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// The least, included.
    pub low: Duration,
    /// The greatest, included.
    pub high: Duration,
}

impl Range {
    /// From `low` to `high`, both included.
    pub const fn new(low: Duration, high: Duration) -> Self {
        Self { low, high }
    }

    /// Always the same.
    pub const fn exactly(span: Duration) -> Self {
        Self::new(span, span)
    }

    /// One span of the range, in whole milliseconds where the range has any.
    pub fn draw(&self, stream: &mut Stream) -> Duration {
        let width = self.high.saturating_sub(self.low).as_millis();
        match u64::try_from(width) {
            Ok(0) | Err(_) => self.low,
            Ok(width) => self.low + Duration::from_millis(stream.random_range(0..=width)),
        }
    }

    /// Whether `span` lies within.
    pub fn contains(&self, span: Duration) -> bool {
        (self.low..=self.high).contains(&span)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print_span(self.low))?;
        match self.low == self.high {
            true => Ok(()),
            false => write!(f, "..{}", print_span(self.high)),
        }
    }
}

impl Setting for Range {
    fn read(field: &Field<'_>) -> Option<Self> {
        let expected = "a range as \"0s..30s\", or one time span";
        let words = span_words(field, expected)?;
        let Some((low, high)) = words.split_once("..") else {
            return read_span(field, words).map(Self::exactly);
        };
        let (low, high) = (read_span(field, low)?, read_span(field, high)?);
        if high < low {
            let message = format!("the range `{words}` is empty");
            let turned = Self::new(high, low);
            return field.fail("empty-range", message, |d| {
                d.expected("the end lies before the beginning")
                    .suggest(format!("did you mean \"{turned}\"?"))
            });
        }
        Some(Self::new(low, high))
    }

    fn print(&self) -> Option<String> {
        Some(quote(&self.to_string()))
    }
}

/// A time to live: whole seconds, at most 2³¹ − 1 (RFC 2181 §8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ttl(u32);

impl Ttl {
    /// The greatest.
    pub const MAX: Self = Self(0x7fff_ffff);

    /// A TTL of so many seconds, at most [`Ttl::MAX`].
    pub const fn from_seconds(seconds: u32) -> Self {
        match seconds > Self::MAX.0 {
            true => Self::MAX,
            false => Self(seconds),
        }
    }

    /// In seconds.
    pub const fn seconds(self) -> u32 {
        self.0
    }

    /// As a span of time.
    pub const fn span(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }
}

impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print_span(self.span()))
    }
}

impl Setting for Ttl {
    fn read(field: &Field<'_>) -> Option<Self> {
        let span = Duration::read(field)?;
        let key = field.key();
        match u32::try_from(span.as_secs()).map(Self::from_seconds) {
            Ok(ttl) if ttl.span() == span => Some(ttl),
            Ok(_) if span.subsec_nanos() > 0 => field.fail(
                "fractional-ttl",
                format!("`{key}` is a TTL, and a TTL has whole seconds"),
                |d| d.expected("expected whole seconds"),
            ),
            _ => field.fail(
                "ttl-too-long",
                format!("`{key}` is a TTL of more than 2^31-1 seconds"),
                |d| {
                    d.expected("longer than a TTL can be (RFC 2181 section 8)")
                        .suggest("caches treat such a TTL as zero; one week is \"7d\"")
                },
            ),
        }
    }

    fn print(&self) -> Option<String> {
        self.span().print()
    }
}

/// The controller's allowance for clock skew and slow instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safety {
    /// So many percent of each wait.
    Percent(u32),
    /// The same for every wait.
    Span(Duration),
}

impl Setting for Safety {
    fn read(field: &Field<'_>) -> Option<Self> {
        let words = span_words(field, "a percentage as \"10%\", or a time span")?;
        let Some(percent) = words.strip_suffix('%') else {
            return read_span(field, words).map(Self::Span);
        };
        match percent.trim().parse() {
            Ok(percent @ 0..=1_000) => Some(Self::Percent(percent)),
            _ => field.fail(
                "bad-percentage",
                format!("`{words}` is not a percentage that makes sense"),
                |d| d.expected("expected a whole number from 0% to 1000%"),
            ),
        }
    }

    fn print(&self) -> Option<String> {
        match self {
            Self::Percent(percent) => Some(format!("\"{percent}%\"")),
            Self::Span(span) => span.print(),
        }
    }
}

impl Setting for Timestamp {
    fn read(field: &Field<'_>) -> Option<Self> {
        let expected = "an instant as \"2026-01-01T00:00:00Z\"";
        let text = field.text(expected)?;
        let Ok(instant) = text.parse::<jiff::Timestamp>() else {
            return field.fail("bad-time", format!("`{text}` is not an instant"), |d| {
                d.expected(format!("expected {expected}"))
            });
        };
        let years = 1971..=2105;
        let year = instant.to_zoned(jiff::tz::TimeZone::UTC).year();
        if !years.contains(&year) {
            let message = format!("a run cannot start in the year {year}");
            return field.fail("impossible-time", message, |d| {
                d.expected("expected 1971 to 2105, what RRSIG timestamps can tell apart")
            });
        }
        let nanos = i64::try_from(instant.as_nanosecond()).ok()?;
        Some(Self::from_nanos(nanos))
    }

    fn print(&self) -> Option<String> {
        Some(quote(&self.to_string()))
    }
}
