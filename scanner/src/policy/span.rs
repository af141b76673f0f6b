//! Spans of time in a policy file: `10m`, `72h`, `2d 12h`.

use std::time::Duration;

use jiff::{SignedDuration, SpanRelativeTo, fmt::friendly::SpanParser};
use serde::{Deserialize, Deserializer, Serializer, de};

/// The longest span: ten years.
const LONGEST: Duration = Duration::from_secs(3_653 * 86_400);

fn parse(text: &str) -> Result<Duration, String> {
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

fn show(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
        (u64::from(span.subsec_millis()), "ms"),
    ];
    let parts: Vec<String> = units
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    match parts.is_empty() {
        true => "0s".into(),
        false => parts.join(" "),
    }
}

pub fn serialize<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&show(*span))
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

/// Lists of spans.
pub mod list {
    use super::*;

    pub fn serialize<S: Serializer>(spans: &[Duration], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(spans.iter().map(|span| show(*span)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Duration>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let spans = texts.iter().map(|text| parse(text));
        spans.collect::<Result<_, _>>().map_err(de::Error::custom)
    }
}
