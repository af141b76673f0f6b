//! Times from the beginning of a case: `-1h`, `1d12h`, `0s`.

use std::time::Duration;

use counterpoint_dns::time::Timestamp;

/// The instant `text` away from `begin`.
pub fn instant(begin: Timestamp, text: &str) -> Result<Timestamp, String> {
    match text.strip_prefix('-') {
        Some(back) => Ok(begin.before(span(back)?)),
        None => Ok(begin + span(text.trim_start_matches('+'))?),
    }
}

/// A span: numbers with the units `s`, `m`, `h`, `d`, as in `1d12h`.
pub fn span(text: &str) -> Result<Duration, String> {
    let bad = || format!("`{text}` is no time span; write it as `90s`, `5m`, `1d12h`");
    let mut seconds = 0_u64;
    let mut number = String::new();
    for letter in text.chars() {
        let unit = match letter {
            '0'..='9' => {
                number.push(letter);
                continue;
            }
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(bad()),
        };
        let count: u64 = number.parse().map_err(|_| bad())?;
        seconds += count.checked_mul(unit).ok_or_else(bad)?;
        number.clear();
    }
    match number.is_empty() && !text.is_empty() {
        true => Ok(Duration::from_secs(seconds)),
        false => Err(bad()),
    }
}
