//! `counterpoint judge`: whether a real migration was safe for every cache, by the controller's audit log.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use counterpoint_controller::audit::AuditLog;

use super::{EXIT_BAD_INPUT, EXIT_UNEXPECTED, Format, Streams};
use crate::{audit::judged, outcome::Style, scenario::Profile};

/// Decide by an audit log whether a real migration was safe for every cache that can exist.
///
/// The log is what `counterpoint-controller audit-log` writes. Exit code 0: safe; 1: not.
#[derive(Debug, clap::Args)]
pub struct Judge {
    /// The audit log; `-` is standard input.
    #[arg(value_name = "AUDITLOG")]
    log: PathBuf,
    /// How to print the verdict.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// For which validators; more than once for several.
    #[arg(long = "profile", value_enum, default_values = ["liberal", "strict-ds"])]
    profiles: Vec<Validator>,
}

/// A profile of the oracle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Validator {
    /// Any path will do (RFC 6840 §5.11).
    Liberal,
    /// Every algorithm of the DS RRset must sign.
    StrictDs,
    /// Every algorithm of the DNSKEY RRset must sign.
    StrictDnskey,
}

impl From<&Validator> for Profile {
    fn from(validator: &Validator) -> Self {
        match validator {
            Validator::Liberal => Self::Liberal,
            Validator::StrictDs => Self::StrictDs,
            Validator::StrictDnskey => Self::StrictDnskey,
        }
    }
}

impl Judge {
    pub fn main(&self, streams: &mut Streams<'_>, code: &mut u8) -> io::Result<()> {
        let place = match self.log == Path::new("-") {
            true => "standard input".into(),
            false => self.log.display().to_string(),
        };
        let mut mistake = |streams: &mut Streams<'_>, why: String| {
            *code = EXIT_BAD_INPUT;
            writeln!(streams.err, "error: {place}{why}")
        };
        let input: io::Result<Box<dyn BufRead>> = match self.log == Path::new("-") {
            true => Ok(Box::new(BufReader::new(io::stdin()))),
            false => File::open(&self.log).map(|file| Box::new(BufReader::new(file)) as Box<_>),
        };
        let read = input.and_then(|mut input| AuditLog::read(&mut *input));
        let log = match read {
            Ok(Ok(log)) => log,
            Ok(Err(bad)) => return mistake(streams, format!(":{bad}")),
            Err(error) => {
                let help = "help: name a file that `counterpoint-controller audit-log` wrote";
                return mistake(streams, format!(": {error}\n  {help}"));
            }
        };
        let profiles: Vec<Profile> = self.profiles.iter().map(Profile::from).collect();
        let zones = judged(&log, &profiles);
        if zones.is_empty() {
            let why = "nothing was observed in it\n  help: the log begins with the controller's first `run`";
            return mistake(streams, format!(": {why}"));
        }
        for zone in zones {
            if !zone.is_safe() {
                *code = EXIT_UNEXPECTED;
            }
            match self.format {
                Format::Text => {
                    let style = Style::new(streams.out_styled);
                    streams.out.write_all(zone.to_text(style).as_bytes())?;
                }
                Format::Json => writeln!(streams.out, "{}", zone.to_json())?,
            }
        }
        streams.out.flush()
    }
}
