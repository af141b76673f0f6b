//! The command line of `counterpoint-controller`: on the files here, or at a controller that serves.
//!
//! Owns arguments, output and exit codes. Results go to standard output, everything else to standard
//! error. What is declared is in one file, what is remembered in another; one command at a time uses the
//! latter, and may be killed at any point.

mod arguments;
mod calls;
mod init;
mod ksk;
mod remote;
mod run;
mod token;

use std::{
    any::Any,
    ffi::OsString,
    io::{self, Write},
    panic::{AssertUnwindSafe, catch_unwind},
};

use clap::{CommandFactory as _, Parser as _};
use counterpoint_dns::driver::agent::Options;
use serde_json::Value;

use self::arguments::{Arguments, Command, Common, Process, Zone};
use crate::{
    api::{Answer, Call, Failure, plan, processes},
    keeper::Keeper,
    setup::Setup,
};

/// Everything went as it should.
pub const EXIT_OK: u8 = 0;
/// Something was refused, or a person must act.
pub const EXIT_REFUSED: u8 = 1;
/// Bad input or usage.
pub const EXIT_BAD_INPUT: u8 = 2;
/// A defect of this program, or a disk that failed.
pub const EXIT_DEFECT: u8 = 3;

const NAME: &str = "counterpoint-controller";

impl Failure {
    /// The exit code that says it.
    fn code(&self) -> u8 {
        match self {
            Self::Refused(_) => EXIT_REFUSED,
            Self::BadInput(_) | Self::Unknown(_) => EXIT_BAD_INPUT,
            Self::Defect(_) => EXIT_DEFECT,
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
        Ok(answer) => {
            match json {
                true => writeln!(streams.out, "{}", answer.json)?,
                false => write!(streams.out, "{}", answer.text)?,
            }
            streams.out.flush()?;
            Ok(if answer.is_fine {
                EXIT_OK
            } else {
                EXIT_REFUSED
            })
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

fn carry_out(arguments: Arguments, streams: &mut Streams<'_>) -> Result<Answer, Failure> {
    let Arguments { common, command } = arguments;
    if let Some(call) = calls::of(&command) {
        return match &common.server {
            Some(url) => remote::ask(&common, url, &command, call),
            None => here(&common, &command, &call),
        };
    }
    match (&common.server, command) {
        (Some(url), Command::Status { .. }) => remote::watch(&common, url, streams),
        (_, Command::Completions { shell }) => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), NAME, &mut text);
            Ok(plain(text))
        }
        (_, Command::Man) => {
            let mut text = Vec::new();
            manual(&Arguments::command(), &mut text)?;
            Ok(plain(text))
        }
        (Some(_), _) => Err(Failure::BadInput(
            "this is done where the controller is: leave --server out, and name its file with --config".into(),
        )),
        (None, Command::Status { .. }) => Err(Failure::BadInput(
            "nothing happens here but what a command does: name a controller that serves with --server URL".into(),
        )),
        (None, Command::Init { parent, listen, hosts }) => {
            init::run(&common, &parent, listen, &hosts)
        }
        (None, Command::Serve) => crate::serve::run(keeper(&common)?),
        (None, Command::Token(token)) => token::run(&common, &token),
        (None, Command::Run { watch }) => run::run(&common, watch, streams),
        (None, Command::Zone(Zone::NewKsk { name, file, algorithm })) => {
            ksk::make(&common, &name, &file, &algorithm)
        }
        (None, command) => Err(Failure::Defect(format!("{command:?} is no operation"))),
    }
}

/// An operation on the files here.
fn here(common: &Common, command: &Command, call: &Call) -> Result<Answer, Failure> {
    let mut answer = match command {
        Command::Plan(plan) => plan::planned(&mut keeper(common)?, call, plan.scenario.as_deref())?,
        // The tables are there without any declaration.
        Command::Process(Process::Graph { process, .. }) if !common.config.exists() => {
            processes::tables(
                Default::default(),
                processes::model(call)?,
                process.as_deref(),
            )?
        }
        Command::Process(Process::Check) => {
            let why = "nobody looks until `run` does; a controller that serves is asked with --server URL";
            return Err(Failure::Refused(why.into()));
        }
        _ => {
            let mut keeper = keeper(common)?;
            let answer = call.carry_out(&mut keeper);
            keeper.commit()?;
            answer?
        }
    };
    if let Command::Process(Process::Graph { mermaid: true, .. }) = command {
        answer.text = charts(&answer.json);
    }
    Ok(answer)
}

/// The flow charts of an answer that gives tables.
fn charts(json: &Value) -> String {
    let one = std::slice::from_ref(json);
    let all = json.as_array().map_or(one, Vec::as_slice);
    let charts = all.iter().filter_map(|graph| graph["mermaid"].as_str());
    charts.collect()
}

/// What the options name, to work with.
fn keeper(common: &Common) -> Result<Keeper, Failure> {
    Ok(Keeper::new(setup(common)?))
}

/// What the options name.
fn setup(common: &Common) -> Result<Setup, Failure> {
    let routes = common.routes.iter();
    let options = Options {
        routes: routes.map(|r| (r.known_as, r.found_at)).collect(),
        server_port: common.server_port,
        ..Options::default()
    };
    Setup::load(&common.config, options)
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

fn plain(text: Vec<u8>) -> Answer {
    let text = String::from_utf8_lossy(&text).into_owned();
    let json = Value::String(text.clone());
    Answer {
        text,
        json,
        is_fine: true,
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let literal = panic.downcast_ref::<&str>().copied();
    literal
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason given")
}
