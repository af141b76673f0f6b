//! A policy as a TOML file: read with the place of every mistake, on top of a preset, and written.

use std::fmt;

use toml::{Table, Value};

use super::Policy;

/// The presets, by name: what registries with public policies do, as far as knobs can say it.
pub const PRESETS: [(&str, &str); 3] = [
    ("se", include_str!("presets/se.toml")),
    ("ch", include_str!("presets/ch.toml")),
    ("cz", include_str!("presets/cz.toml")),
];

/// A mistake in a policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPolicy {
    /// Name of the file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// What is wrong, and what was expected.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for BadPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            what,
            remedy,
        } = self;
        write!(f, "{file}:{line}:{column}: {what}\n  {remedy}")
    }
}

impl std::error::Error for BadPolicy {}

impl Policy {
    /// Reads a policy file; `file` is its name in errors. What it does not say is as in its preset,
    /// and without one as in [`Policy::default`].
    pub fn from_toml(file: &str, text: &str) -> Result<Self, BadPolicy> {
        let bad = |error: &toml::de::Error| {
            let (line, column) = place(text, error.span().map_or(0, |span| span.start));
            BadPolicy {
                file: file.into(),
                line,
                column,
                what: error.message().into(),
                remedy: remedy(error.message()).into(),
            }
        };
        // Alone first, because only the file itself has places.
        let alone: Self = toml::from_str(text).map_err(|error| bad(&error))?;
        if alone.preset.is_empty() {
            return Ok(alone);
        }
        let Some((_, preset)) = PRESETS.iter().find(|(name, _)| *name == alone.preset) else {
            let (line, column) = place(text, text.find("preset").unwrap_or(0));
            let names: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
            return Err(BadPolicy {
                file: file.into(),
                line,
                column,
                what: format!(
                    "there is no preset `{}`: expected one of {}",
                    alone.preset,
                    names.join(", ")
                ),
                remedy: "Name one of them, or leave `preset` out for the defaults.".into(),
            });
        };
        let own: Table = toml::from_str(text).map_err(|error| bad(&error))?;
        let mut whole: Table = toml::from_str(preset).map_err(|error| bad(&error))?;
        overlay(&mut whole, own);
        whole.try_into().map_err(|error| bad(&error))
    }

    /// The preset of this name.
    pub fn preset(name: &str) -> Option<Self> {
        let (name, _) = PRESETS.iter().find(|(known, _)| *known == name)?;
        Self::from_toml(name, &format!("preset = \"{name}\"")).ok()
    }

    /// The whole policy as a file that reads back as the same.
    pub fn to_toml(&self) -> String {
        // Plain data with text keys: to TOML it cannot fail.
        toml::to_string(self).unwrap_or_default()
    }
}

/// Puts what `own` says over what `under` says, table by table.
fn overlay(under: &mut Table, own: Table) {
    for (key, value) in own {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(own)) => overlay(under, own),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

/// Line and column of an offset, both from 1.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    (line, before[start..].chars().count() + 1)
}

/// What to do about a kind of mistake.
fn remedy(message: &str) -> &'static str {
    let knows = |words: &str| message.starts_with(words);
    if knows("unknown field") {
        "Correct the spelling, or remove the line: nothing in a policy is ignored."
    } else if knows("unknown variant") {
        "Use one of the words listed."
    } else if knows("invalid type") || message.contains("expected") {
        "Write the value in the expected form."
    } else {
        "Correct this place; the policy is read as a whole or not at all."
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::policy::{Continuity, InitialAccept};

    #[test]
    fn every_knob_that_is_written_reads_back() {
        for policy in [Policy::default()]
            .into_iter()
            .chain(PRESETS.iter().filter_map(|(name, _)| Policy::preset(name)))
        {
            let text = policy.to_toml();
            assert_eq!(Policy::from_toml("p", &text), Ok(policy), "{text}");
        }
        assert_eq!(Policy::from_toml("p", ""), Ok(Policy::default()));
    }

    #[test]
    fn presets_differ_from_the_defaults_and_can_be_overridden() {
        for (name, _) in PRESETS {
            let preset = Policy::preset(name).unwrap();
            let plain = Policy {
                preset: String::new(),
                ..preset.clone()
            };
            assert_ne!(plain, Policy::default(), "{name}");
            let text = format!(
                "preset = \"{name}\"\n[initial]\nhold-down = \"1h\"\n[rollover]\ncontinuity = \"one-path\""
            );
            let mut expected = preset;
            expected.initial.hold_down = Duration::from_secs(3_600);
            expected.rollover.continuity = Continuity::OnePath;
            assert_eq!(Policy::from_toml("p", &text), Ok(expected));
        }
        let ch = Policy::preset("ch").unwrap();
        assert_eq!(ch.initial.accept, InitialAccept::Rfc9615ElseAfterDelay);
        assert!(Policy::preset("se").unwrap().server_lock_suspends);
        assert_eq!(Policy::preset("xx"), None);
    }

    #[test]
    fn every_mistake_has_its_place_what_was_expected_and_a_remedy() {
        for (text, line, column, what) in [
            ("\n[csync]\nns-mim = 2", 3, 1, "unknown field `ns-mim`"),
            (
                "[initial]\naccept = \"always\"",
                2,
                10,
                "unknown variant `always`",
            ),
            ("[initial]\nchecks = 0", 2, 10, "0 means nothing here"),
            (
                "[initial]\nhold-down = \"3 moons\"",
                2,
                13,
                "is no span of time",
            ),
            (
                "[rollover]\ndeferral = \"-1h\"",
                2,
                12,
                "cannot be negative",
            ),
            ("[delete]\ndeferral = \"1 month\"", 2, 12, "say it in days"),
            (
                "[ds]\ndigests = [1, 2]",
                2,
                11,
                "digest type 1 is not for delegations",
            ),
            ("[ds]\ndigests = []", 2, 11, "no digest type is left"),
            ("[gathering]\nretry = [\"5m\", 10]", 2, 16, "invalid type"),
            ("[brakes]\nchanges-max = -1", 2, 15, "invalid value"),
            ("cds = \"yes\"", 1, 7, "invalid type"),
            ("cds = ", 1, 7, ""),
            ("preset = \"xx\"", 1, 1, "no preset `xx`"),
        ] {
            let error = Policy::from_toml("policy.toml", text).unwrap_err();
            assert_eq!((error.line, error.column), (line, column), "{error}");
            assert!(error.what.contains(what), "{error}");
            let shown = error.to_string();
            assert!(shown.starts_with("policy.toml:"), "{shown}");
            assert!(!error.remedy.is_empty());
        }
    }
}
