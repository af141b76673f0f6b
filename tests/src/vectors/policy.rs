//! The parent's policy as a case states it.

use std::time::Duration;

use counterpoint_scanner::{Config, Continuity};
use toml::{Table, Value};

use super::span::span;

/// Lays `words` over the defaults.
pub fn apply(config: &mut Config, words: &Table) -> Result<(), String> {
    for (key, value) in words {
        let bad = |what: &str| format!("policy.{key} = {value}: {what}");
        let flag = || value.as_bool().ok_or_else(|| bad("write true or false"));
        let number = || value.as_integer().ok_or_else(|| bad("write a number"));
        let list = || value.as_array().ok_or_else(|| bad("write a list"));
        match key.as_str() {
            "cds" => config.cds = flag()?,
            "csync" => config.csync = flag()?,
            "deletion" => config.deletion = flag()?,
            "continuity" => {
                let word = value
                    .as_str()
                    .and_then(|word| word.parse::<Continuity>().ok());
                config.continuity = word.ok_or_else(|| bad("write \"strict\" or \"one-path\""))?;
            }
            "digests" => {
                let numbers = list()?.iter().map(Value::as_integer);
                let numbers = numbers.map(|number| u8::try_from(number?).ok());
                let numbers: Option<_> = numbers.collect();
                config.digests = numbers.ok_or_else(|| bad("write digest type numbers"))?;
            }
            "ns-min" => {
                let number = usize::try_from(number()?);
                config.ns_min = number.map_err(|_| bad("write a small number"))?;
            }
            "glue-ttl" => {
                let number = u32::try_from(number()?);
                config.glue_ttl = number.map_err(|_| bad("write seconds"))?;
            }
            "retry" => {
                let spans = list()?
                    .iter()
                    .map(|value| span(value.as_str().unwrap_or_default()));
                config.retry = spans.collect::<Result<Vec<Duration>, _>>()?;
            }
            _ => {
                return Err(bad(
                    "no such knob; there are cds, csync, deletion, continuity, digests, ns-min, glue-ttl, retry",
                ));
            }
        }
    }
    Ok(())
}
