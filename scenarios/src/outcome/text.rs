//! An outcome as a person reads it: the verdict first, then why, then what happened.

use std::{
    fmt::{self, Write as _},
    time::Duration,
};

use counterpoint_dns::time::human;

use super::{Outcome, Process, Violation};
use crate::scenario::Verdict;

/// Colours for a terminal, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    styled: bool,
}

impl Style {
    /// With colours if `styled`.
    pub const fn new(styled: bool) -> Self {
        Self { styled }
    }

    fn paint(self, code: &str, text: &str) -> String {
        match self.styled {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.into(),
        }
    }

    /// The word of a verdict.
    pub(crate) fn verdict(self, is_safe: bool) -> String {
        match is_safe {
            true => self.good("SAFE"),
            false => self.bad("UNSAFE"),
        }
    }

    fn good(self, text: &str) -> String {
        self.paint("1;32", text)
    }

    fn bad(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    pub(crate) fn strong(self, text: &str) -> String {
        self.paint("1", text)
    }
}

impl Outcome {
    /// The report of a run. `again` is the command that reproduces it.
    pub fn to_text(&self, again: &str, style: Style) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut text, again, style);
        text
    }

    fn write(&self, text: &mut String, again: &str, style: Style) -> fmt::Result {
        let title = match self.title.as_str() {
            "" => &self.scenario,
            title => title,
        };
        writeln!(text, "{}", style.strong(title))?;
        if *title != self.scenario && !self.scenario.is_empty() {
            writeln!(text, "  {}", self.scenario)?;
        }
        if let Some(error) = &self.internal_error {
            writeln!(text, "  {}  internal error: {error}", style.bad("FAILED"))?;
            writeln!(
                text,
                "  nothing is known about this scenario; to see it again:\n    {again}\n"
            )?;
            return Ok(());
        }
        let verdict = style.verdict(self.verdict == Verdict::Safe);
        let expected = match self.as_expected() {
            true => "as expected",
            false => "not as expected",
        };
        let (time, seed) = (human(self.virtual_time), self.seed);
        writeln!(
            text,
            "  {verdict}  {expected}; {time} of virtual time, seed {seed}"
        )?;
        for (index, (violation, profiles)) in self.classes().into_iter().enumerate() {
            self.write_violation(text, index + 1, violation, &profiles.join(", "))?;
        }
        if !self.processes.is_empty() {
            writeln!(text, "\n  processes")?;
        }
        for process in &self.processes {
            self.write_process(text, process)?;
        }
        if !self.reasons.is_empty() {
            let counts: Vec<String> = self
                .reasons
                .iter()
                .map(|(code, count)| format!("{code} {count}"))
                .collect();
            writeln!(text, "\n  scanner: {}", counts.join(", "))?;
        }
        for (what, lines) in [
            ("outage", &self.outages),
            ("warning", &self.warnings),
            ("note", &self.notes),
        ] {
            for line in lines {
                writeln!(text, "  {what}: {line}")?;
            }
        }
        if !self.unmet.is_empty() {
            writeln!(text, "\n  {}", style.bad("not as expected"))?;
            for unmet in &self.unmet {
                writeln!(text, "    {unmet}")?;
            }
            writeln!(text, "  to see it again:\n    {again}")?;
        }
        writeln!(text)
    }

    /// Violations that differ in nothing but the profile are told once, by the first of them.
    pub(crate) fn classes(&self) -> Vec<(&Violation, Vec<&str>)> {
        let mut classes: Vec<(&Violation, Vec<&str>)> = Vec::new();
        for violation in &self.violations {
            let key = |v: &Violation| {
                (
                    v.property,
                    v.quantifier,
                    v.zone.clone(),
                    v.from,
                    v.until,
                    v.decides,
                )
            };
            match classes
                .iter_mut()
                .find(|(first, _)| key(first) == key(violation))
            {
                Some((_, profiles)) => profiles.push(&violation.profile),
                None => classes.push((violation, vec![&violation.profile])),
            }
        }
        classes
    }

    fn write_violation(
        &self,
        text: &mut String,
        number: usize,
        violation: &Violation,
        profiles: &str,
    ) -> fmt::Result {
        let Violation {
            property,
            quantifier,
            zone,
            ..
        } = violation;
        let decides = match violation.decides {
            true => "",
            false => " (reported only)",
        };
        writeln!(
            text,
            "\n  {number}. {zone} is not `{property}` for {profiles}, {quantifier}{decides}"
        )?;
        let from = self.at(violation.from);
        let utc = self.start + violation.from;
        match violation.until {
            Some(until) => writeln!(
                text,
                "     first unsafe {from} ({utc}), for {}",
                human(until.saturating_sub(violation.from))
            )?,
            None => writeln!(
                text,
                "     first unsafe {from} ({utc}), beyond the end of the run"
            )?,
        }
        for line in violation.witness.lines() {
            writeln!(text, "     {line}")?;
        }
        if let Some(margin) = violation.margin {
            let safe = self.at(violation.from + margin);
            writeln!(text, "     {} too early: safe from {safe}", human(margin))?;
        }
        match violation.tail {
            Some(tail) => writeln!(
                text,
                "     where failures are remembered (RFC 9520), up to {} longer",
                human(tail)
            ),
            None => Ok(()),
        }
    }

    fn write_process(&self, text: &mut String, process: &Process) -> fmt::Result {
        let when = match process.ended {
            Some(ended) => format!(" {}", self.at(ended)),
            None => String::new(),
        };
        writeln!(
            text,
            "    {} of {}: {}{when}",
            process.process, process.zone, process.outcome
        )?;
        let width = process
            .steps
            .iter()
            .map(|step| step.name.chars().count())
            .max()
            .unwrap_or(0);
        for step in &process.steps {
            let from = self.at(step.from);
            let when = match step.until {
                Some(until) => format!("{from} to {}", self.at(until)),
                None => format!("{from} on, not done"),
            };
            let slack = match step.slack {
                Some(slack) if !slack.is_zero() => format!("slack {}", human(slack)),
                _ => String::new(),
            };
            let line = format!(
                "{:width$}  {when:36}  {slack:14}  {}",
                step.name, step.title
            );
            writeln!(text, "      {}", line.trim_end())?;
        }
        Ok(())
    }

    /// An instant, as `T+2d03:00:00`.
    fn at(&self, offset: Duration) -> String {
        (self.start + offset).relative_to(self.start).to_string()
    }
}
