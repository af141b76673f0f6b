//! The command line of `counterpoint-scanner`.
//!
//! Owns arguments, output and exit codes. Results go to standard output, everything else to standard
//! error. Every command that asks anybody anything says which resolver and trust anchor it uses.

mod apply;
mod applying;
mod arguments;
mod audit;
mod catch_up;
mod door;
mod dsync;
mod explain;
mod history;
mod plan;
mod primary;
mod registry;
mod release;
mod resolve;
mod resume;
mod run;
mod setup;
mod state;
pub mod survey_all;
mod verify;
mod watch;

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
use crate::{input::BadInput, policy::BadPolicy};

/// Everything went as it should.
pub const EXIT_OK: u8 = 0;
/// Something was refused, held back by a brake, or did not verify.
pub const EXIT_REFUSED: u8 = 1;
/// Bad input or usage.
pub const EXIT_BAD_INPUT: u8 = 2;
/// A defect of this program, or a disk that failed.
pub const EXIT_DEFECT: u8 = 3;

/// Why a command did not come to its end.
#[derive(Debug)]
pub enum Failure {
    /// It is refused: what was asked for is not safe now.
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

impl From<BadInput> for Failure {
    fn from(bad: BadInput) -> Self {
        Self::BadInput(bad.to_string())
    }
}

impl From<BadPolicy> for Failure {
    fn from(bad: BadPolicy) -> Self {
        Self::BadInput(bad.to_string())
    }
}

/// A store or an output that fails.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::InvalidData
            | io::ErrorKind::NotFound
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::ResourceBusy => Self::BadInput(error.to_string()),
            _ => Self::Defect(error.to_string()),
        }
    }
}

/// Where output goes.
pub struct Streams<'a> {
    /// Results.
    pub out: &'a mut dyn Write,
    /// Diagnostics and progress.
    pub err: &'a mut dyn Write,
    /// Whether standard error is a terminal, where progress can be shown.
    pub progress: bool,
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

/// How a command was called.
struct Call {
    /// The words of the command line, the program's name among them.
    words: Vec<String>,
    /// Whether it goes on with a run that was interrupted.
    resumes: bool,
}

/// Runs the command line; returns the exit code. Output that nobody reads any more ends it quietly.
pub fn main(arguments: impl IntoIterator<Item = OsString>, streams: &mut Streams<'_>) -> u8 {
    match run(arguments, streams) {
        Ok(code) => code,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => EXIT_OK,
        Err(error) => {
            // If this cannot be written either, the exit code says it.
            let _ = writeln!(streams.err, "counterpoint-scanner: cannot write: {error}");
            EXIT_DEFECT
        }
    }
}

fn run(arguments: impl IntoIterator<Item = OsString>, streams: &mut Streams<'_>) -> io::Result<u8> {
    let given: Vec<OsString> = arguments.into_iter().collect();
    let call = Call {
        words: given
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect(),
        resumes: false,
    };
    let arguments = match Arguments::try_parse_from(given) {
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
    let json = arguments.json;
    let done = catch_unwind(AssertUnwindSafe(|| carry_out(arguments, &call, streams)));
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
            writeln!(streams.err, "counterpoint-scanner: {failure}")?;
            Ok(code)
        }
    }
}

fn carry_out(
    arguments: Arguments,
    call: &Call,
    streams: &mut Streams<'_>,
) -> Result<Outcome, Failure> {
    let Arguments { plan, command, .. } = arguments;
    match command.unwrap_or(Command::Plan(plan)) {
        Command::Audit(audit) => audit::run(&audit, streams),
        Command::Plan(plan) => plan::run(&plan, call, streams),
        Command::Apply(apply) => apply::run(&apply, call, streams),
        Command::Explain(explain) => explain::run(&explain, streams),
        Command::Watch(watch) => watch::run(&watch, streams),
        Command::Release(release) => release::run(&release),
        Command::Dsync(dsync) => dsync::run(&dsync),
        Command::Verify(verify) => verify::run(&verify, streams),
        Command::History(history) => history::run(&history),
        Command::Resume(resume) => resume::run(&resume, streams),
        Command::State(state) => state::run(&state, streams),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            let mut command = Arguments::command();
            clap_complete::generate(shell, &mut command, "counterpoint-scanner", &mut text);
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
