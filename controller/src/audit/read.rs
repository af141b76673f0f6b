//! An audit log read back, line by line.
//!
//! Owns what a line must be. What the lines of one zone amount to is `zone`'s.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, BufRead, Read as _},
};

use counterpoint_dns::name::{Name, parse_name};
use serde::de::DeserializeOwned;

use super::{
    DECLARED, Line, OBSERVED,
    zone::{Witnessed, ZoneLog},
};
use crate::process::Kind;

/// Longer lines are nobody's.
const LINE_OCTETS_MAX: u64 = 16 << 20;

/// A line that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadAudit {
    /// Its number, from 1.
    pub line: u64,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for BadAudit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}\n  help: give what `counterpoint-controller audit-log` writes, whole",
            self.line, self.why
        )
    }
}

impl std::error::Error for BadAudit {}

/// An audit log.
#[derive(Debug, Default)]
pub struct AuditLog {
    zones: BTreeMap<Name, ZoneLog>,
}

impl AuditLog {
    /// Reads a log.
    pub fn read(input: &mut dyn BufRead) -> io::Result<Result<Self, BadAudit>> {
        let mut log = Self::default();
        let mut text = String::new();
        for number in 1.. {
            text.clear();
            let mut limited = (&mut *input).take(LINE_OCTETS_MAX);
            if limited.read_line(&mut text)? == 0 {
                break;
            }
            let taken = match text.ends_with('\n') {
                true => log.take(&text),
                false => Err("the line does not end; the file was cut off".into()),
            };
            if let Err(why) = taken {
                return Ok(Err(BadAudit { line: number, why }));
            }
        }
        Ok(Ok(log))
    }

    /// The zones of which something was observed.
    pub fn zones(&self) -> impl Iterator<Item = &Name> {
        let seen = self.zones.iter().filter(|(_, zone)| zone.looks > 0);
        seen.map(|(name, _)| name)
    }

    /// What it shows of a zone; `None` if nothing was observed.
    pub fn witnessed(&self, zone: &Name) -> Option<Witnessed> {
        let log = self.zones.get(zone).filter(|log| log.looks > 0)?;
        Some(log.witnessed())
    }

    fn take(&mut self, text: &str) -> Result<(), String> {
        let line: Line =
            serde_json::from_str(text).map_err(|error| format!("not a line of a log: {error}"))?;
        if line.zone.is_empty() {
            return Ok(());
        }
        let zone = parse_name(&line.zone).map_err(|error| format!("`zone`: {error}"))?;
        let log = self
            .zones
            .entry(zone.clone())
            .or_insert_with(|| ZoneLog::new(zone));
        match line.kind.as_str() {
            DECLARED => log.declare(&object(line)?),
            OBSERVED => log.observe(object(line)?)?,
            "process" if line.subject == Kind::GoInsecure.name() => {
                log.insecure.get_or_insert(line.time);
            }
            _ => {}
        }
        Ok(())
    }
}

fn object<T: DeserializeOwned>(line: Line) -> Result<T, String> {
    serde_json::from_value(line.what).map_err(|error| format!("`what`: {error}"))
}
