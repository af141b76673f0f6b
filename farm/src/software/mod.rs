//! Each server software: how it is told about its zones, and how it is started.
//!
//! A file per software; each gives the text of a configuration and the command line. All of them are
//! Debian's packages.

pub mod bind;
pub mod knot;
pub mod nsd;
pub mod powerdns;
pub mod recursor;
pub mod unbound;

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command,
};

use counterpoint_dns::{name::Name, rrset::SignedRrSet};

use crate::{State, daemon::Daemon, zone};

/// Name of the TSIG key that may transfer and update zones.
pub const TSIG_NAME: &str = "farm-key.";

/// What serves children.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Software {
    /// NSD, package `nsd`.
    Nsd,
    /// Knot DNS, package `knot`.
    Knot,
    /// BIND, package `bind9`.
    Bind,
}

impl Software {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Nsd, Self::Knot, Self::Bind];

    /// What it agrees to serve: BIND loads no zone with a malformed CDS.
    pub fn states(self) -> Vec<State> {
        let all = State::ALL.into_iter().map(|(state, _)| state);
        all.filter(|state| (self, *state) != (Self::Bind, State::MalformedDelete))
            .collect()
    }

    /// Its program.
    pub fn program(self) -> &'static str {
        match self {
            Self::Nsd => "nsd",
            Self::Knot => "knotd",
            Self::Bind => "named",
        }
    }
}

/// Whether a test can run that needs these programs. Who has only Rust can still run all others: the test is
/// skipped then, and says so.
///
/// # Panics
/// In CI, where every program is installed.
pub fn is_able(wanted: &[&str]) -> bool {
    let absent = missing(wanted);
    let is_ci = std::env::var_os("CI").is_some();
    assert!(absent.is_empty() || !is_ci, "not installed: {absent:?}");
    if !absent.is_empty() {
        eprintln!("SKIPPED: not installed: {absent:?}");
    }
    absent.is_empty()
}

/// Programs of `wanted` that are not installed.
fn missing<'a>(wanted: &[&'a str]) -> Vec<&'a str> {
    let is_there = |program: &str| {
        let which = Command::new("sh")
            .args(["-c", &format!("command -v {program}")])
            .output();
        which.is_ok_and(|found| found.status.success())
    };
    let wanted = wanted.iter().copied();
    wanted.filter(|program| !is_there(program)).collect()
}

/// One server process, as its configuration needs it.
#[derive(Clone, Debug)]
pub struct Site {
    /// Where its files are.
    pub folder: PathBuf,
    /// Where it listens.
    pub addresses: Vec<Ipv4Addr>,
    /// On which port.
    pub port: u16,
    /// The zones; the file of each is [`zone_file`].
    pub zones: Vec<Name>,
}

/// The zone file of `zone` in `folder`.
pub fn zone_file(folder: &Path, zone: &Name) -> PathBuf {
    folder.join(format!("{zone}zone"))
}

/// Writes these RRsets as the zone file of `zone` in `folder`.
pub fn write_zone(folder: &Path, zone: &Name, sets: &[SignedRrSet]) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(zone_file(folder, zone))?);
    zone::write(sets, &mut file)?;
    file.flush()
}

impl Site {
    /// Writes the configuration and starts the server.
    pub fn start(&self, software: Software) -> io::Result<Daemon> {
        let (config, arguments) = match software {
            Software::Nsd => (nsd::config(self), nsd::arguments()),
            Software::Knot => (knot::config(self), knot::arguments()),
            Software::Bind => (bind::config(self), bind::arguments()),
        };
        start(software.program(), &config, &arguments, &self.folder)
    }
}

/// Writes `config` to a file and starts `program` with it as the last argument.
pub(crate) fn start(
    program: &str,
    config: &str,
    arguments: &[&str],
    folder: &Path,
) -> io::Result<Daemon> {
    let file = folder.join(format!("{program}.conf"));
    fs::write(&file, config)?;
    let mut arguments: Vec<String> = arguments.iter().map(|text| (*text).into()).collect();
    arguments.push(file.display().to_string());
    Daemon::start(program, &arguments, folder.join(format!("{program}.log")))
}
