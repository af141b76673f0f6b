//! Values as scenario files spell them: spans of time (`10m`, `2d 12h`) and the safety (`10%`, or a span).

use std::time::Duration;

use jiff::{SignedDuration, SpanRelativeTo, fmt::friendly::SpanParser};
use serde::{Deserialize, Deserializer, de};

use crate::config::Safety;

/// The longest span: ten years.
const LONGEST: Duration = Duration::from_secs(3_653 * 86_400);

/// Reads a span.
pub fn parse(text: &str) -> Result<Duration, String> {
    let bad = || format!("`{text}` is no span of time: expected one as `10m`, `72h` or `2d 12h`");
    let span = SpanParser::new()
        .parse_span(text.trim())
        .map_err(|_| bad())?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err(format!(
            "`{text}`: years and months differ in length; say it in days"
        ));
    }
    let span: SignedDuration = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| bad())?;
    let span = Duration::try_from(span).map_err(|_| format!("`{text}` cannot be negative"))?;
    match span <= LONGEST {
        true => Ok(span),
        false => Err(format!("`{text}` is longer than ten years")),
    }
}

/// Reads a share of the wait, or a span.
pub fn parse_safety(text: &str) -> Result<Safety, String> {
    let Some(percent) = text.trim().strip_suffix('%') else {
        return parse(text).map(Safety::Fixed);
    };
    match percent.trim().parse::<u16>() {
        Ok(percent) if percent <= 1_000 => Ok(Safety::Share(f64::from(percent) / 100.0)),
        _ => Err(format!(
            "`{text}` is no share: expected one from `0%` to `1000%`, or a span as `10m`"
        )),
    }
}

/// As serde wants it.
pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    parse(&String::deserialize(from)?).map_err(de::Error::custom)
}

/// The safety.
pub mod safety {
    use super::*;

    /// As serde wants it.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Safety, D::Error> {
        parse_safety(&String::deserialize(from)?).map_err(de::Error::custom)
    }
}
