//! The command line of `counterpoint-controller`: local mode, no daemon.
//!
//! Owns arguments, output and exit codes. Results go to standard output, everything else to standard
//! error. What is declared is in one file, what is remembered in another; one command at a time uses the
//! latter, and may be killed at any point.

mod arguments;
mod check;
mod entities;
mod init;
mod ksk;
mod log;
mod observe;
mod plan;
mod processes;
mod request;
mod run;
mod scenario;
mod setup;

use std::{
    any::Any,
    ffi::OsString,
    fmt,
    io::{self, Write},
    panic::{AssertUnwindSafe, catch_unwind},
};

use clap::{CommandFactory as _, Parser as _};
use serde_json::Value;

use self::arguments::{Arguments, Command};
use crate::declarations::BadDeclaration;

/// Everything went as it should.
pub const EXIT_OK: u8 = 0;
/// Something was refused, or a person must act.
pub const EXIT_REFUSED: u8 = 1;
/// Bad input or usage.
pub const EXIT_BAD_INPUT: u8 = 2;
/// A defect of this program, or a disk that failed.
pub const EXIT_DEFECT: u8 = 3;

const NAME: &str = "counterpoint-controller";

/// Why a command did not come to its end.
#[derive(Debug)]
pub enum Failure {
    /// It is refused: what was asked for cannot be done now.
    Refused(String),
    /// What it was given cannot be used.
    BadInput(String),
    /// Its own fault, or the machine's.
    Defect(String),
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Refused(_) => EXIT_REFUSED,
            Self::BadInput(_) => EXIT_BAD_INPUT,
            Self::Defect(_) => EXIT_DEFECT,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "refused: {why}"),
            Self::BadInput(why) => write!(f, "error: {why}"),
            Self::Defect(why) => write!(f, "internal error: {why}"),
        }
    }
}

impl From<BadDeclaration> for Failure {
    fn from(bad: BadDeclaration) -> Self {
        Self::BadInput(bad.to_string())
    }
}

/// A store or an output that fails.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ResourceBusy => Self::BadInput(format!(
                "{error}\n  help: a `run` may be stopped at any time; nothing is lost"
            )),
            io::ErrorKind::InvalidData
            | io::ErrorKind::NotFound
            | io::ErrorKind::PermissionDenied => Self::BadInput(error.to_string()),
            _ => Self::Defect(error.to_string()),
        }
    }
}

/// Where output goes.
pub struct Streams<'a> {
    /// Results.
    pub out: &'a mut dyn Write,
    /// Diagnostics, and what happens while it happens.
    pub err: &'a mut dyn Write,
}

/// What a command came to: the same for people and for programs.
struct Outcome {
    text: String,
    json: Value,
    code: u8,
}

impl Outcome {
    fn ok(text: String, json: Value) -> Self {
        Self {
            text,
            json,
            code: EXIT_OK,
        }
    }
}

/// Runs the command line; returns the exit code. Output that nobody reads any more ends it quietly.
pub fn main(arguments: impl IntoIterator<Item = OsString>, streams: &mut Streams<'_>) -> u8 {
    match run(arguments, streams) {
        Ok(code) => code,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => EXIT_OK,
        Err(error) => {
            // If this cannot be written either, the exit code says it.
            let _ = writeln!(streams.err, "{NAME}: cannot write: {error}");
            EXIT_DEFECT
        }
    }
}

fn run(arguments: impl IntoIterator<Item = OsString>, streams: &mut Streams<'_>) -> io::Result<u8> {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(usage) => {
            let out: &mut dyn Write = match usage.use_stderr() {
                true => streams.err,
                false => streams.out,
            };
            write!(out, "{}", usage.render())?;
            return Ok(u8::try_from(usage.exit_code()).unwrap_or(EXIT_BAD_INPUT));
        }
    };
    let json = arguments.common.json;
    let done = catch_unwind(AssertUnwindSafe(|| carry_out(arguments, streams)));
    let done = done.unwrap_or_else(|panic| {
        let words = words(&*panic);
        Err(Failure::Defect(format!(
            "it panicked: {words}; please report this"
        )))
    });
    match done {
        Ok(outcome) => {
            match json {
                true => writeln!(streams.out, "{}", outcome.json)?,
                false => write!(streams.out, "{}", outcome.text)?,
            }
            streams.out.flush()?;
            Ok(outcome.code)
        }
        Err(failure) => {
            let code = failure.code();
            if json {
                let error = serde_json::json!({ "error": failure.to_string(), "exit": code });
                writeln!(streams.out, "{error}")?;
            }
            writeln!(streams.err, "{NAME}: {failure}")?;
            Ok(code)
        }
    }
}

fn carry_out(arguments: Arguments, streams: &mut Streams<'_>) -> Result<Outcome, Failure> {
    let Arguments { common, command } = arguments;
    match command {
        Command::Init { parent } => init::run(&common, &parent),
        Command::Signer(arguments::Signer::Check { name, zone }) => {
            check::run(&common, &name, &zone)
        }
        Command::Signer(signer) => entities::signer(&common, signer),
        Command::Group(arguments::Group::Join { name, signer }) => {
            request::group(&common, &name, &signer, true)
        }
        Command::Group(arguments::Group::Leave { name, signer }) => {
            request::group(&common, &name, &signer, false)
        }
        Command::Group(group) => entities::group(&common, group),
        Command::Zone(zone) => match request::of_zone(&zone)? {
            Some(command) => request::run(&common, command),
            None => entities::zone(&common, zone),
        },
        Command::Process(process) => processes::run(&common, &process),
        Command::Status => processes::status(&common),
        Command::Observe { zone } => observe::run(&common, &zone),
        Command::Plan(plan) => plan::run(&common, &plan),
        Command::Run { watch } => run::run(&common, watch, streams),
        Command::AuditLog { zone } => log::run(&common, &zone, streams),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), NAME, &mut text);
            Ok(plain(text))
        }
        Command::Man => {
            let mut text = Vec::new();
            manual(&Arguments::command(), &mut text)?;
            Ok(plain(text))
        }
    }
}

/// The man page, that of every command behind it.
fn manual(command: &clap::Command, out: &mut Vec<u8>) -> io::Result<()> {
    clap_mangen::Man::new(command.clone()).render(out)?;
    for inner in command
        .get_subcommands()
        .filter(|inner| inner.get_name() != "help")
    {
        let name = format!("{}-{}", command.get_name(), inner.get_name());
        clap_mangen::Man::new(inner.clone())
            .title(name)
            .render(out)?;
    }
    Ok(())
}

fn plain(text: Vec<u8>) -> Outcome {
    let text = String::from_utf8_lossy(&text).into_owned();
    let json = Value::String(text.clone());
    Outcome::ok(text, json)
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let literal = panic.downcast_ref::<&str>().copied();
    literal
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason given")
}
