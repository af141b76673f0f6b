//! The command line: `counterpoint run`, `check`, `explore` and what goes with it.
//!
//! Owns arguments, output and exit codes; all else is the library's. Results go to standard output,
//! diagnostics and progress to standard error.

mod explain;
mod explore;
mod files;
mod folder;
mod jobs;
mod judge;
mod render;
mod results;
mod serve;

use std::{
    ffi::OsString,
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};
use counterpoint_reports::{junit, lanes};

use self::{
    files::File,
    jobs::Jobs,
    results::{Results, case},
};
use crate::{
    diagnostic::Diagnostic,
    load::load_with,
    outcome::{Outcome, Style},
    report,
    scenario::{Scenario, language},
};

/// Everything came as expected.
pub const EXIT_OK: u8 = 0;
/// Something did not come as expected.
pub const EXIT_UNEXPECTED: u8 = 1;
/// Bad input or usage.
pub const EXIT_BAD_INPUT: u8 = 2;
/// An internal error, or a run that is not reproducible.
pub const EXIT_INTERNAL: u8 = 3;

/// Plays multi-signer DNSSEC scenarios in a simulated world on virtual time, and decides for every
/// instant whether every cache that can exist still validates.
#[derive(Debug, Parser)]
#[command(name = NAME, version, after_long_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const NAME: &str = "counterpoint";

const EXAMPLES: &str = "\
Examples:
  counterpoint run join.toml                play one scenario, read what happened
  counterpoint run scenarios/library        play every *.toml in a directory
  counterpoint check join.toml              look for mistakes, play nothing
  counterpoint explore --runs 1000          draw scenarios and look for failures
  counterpoint serve join.toml --at 2h      the world at that instant, for real resolvers
  counterpoint run join.toml --out r        the same, with a page of it: r/report.html
  counterpoint explain r                    how it went, in prose

A smallest scenario:
  [[signer]]
  name = \"alpha\"
  [[signer]]
  name = \"beta\"
  [[zone]]
  name = \"example.test.\"
  signers = [\"alpha\"]
  [[event]]
  at = \"1h\"
  do = \"join\"
  signer = \"beta\"

Exit codes:
  0  everything came as expected
  1  something did not
  2  bad input or usage
  3  an internal error, or a run that is not reproducible";

const RUN_EXAMPLES: &str = "\
Examples:
  counterpoint run join.toml --seed 7
      another draw of every delay and key
  counterpoint run join.toml --set signer.beta.dnskey-ttl=12h --set controller.guard=false
      the same story with other values; nothing is written
  counterpoint run join.toml --set 'zone.\"example.test.\".records=[\"www A 192.0.2.1\"]'
      a name that contains dots is quoted
  counterpoint run join.toml --set event.3.at=2h
      the third event at another time
  counterpoint run scenarios/library --jobs 4 --format json
      one JSON object a line, in the order of the files
  counterpoint run join.toml --out runs/join
      a folder with the run's data, log and reports, for `explain`";

#[derive(Debug, Subcommand)]
enum Command {
    /// Play scenarios and compare what happens with what each file expects.
    #[command(after_long_help = RUN_EXAMPLES)]
    Run(Run),
    /// Look for mistakes in scenario files; play nothing.
    Check(Check),
    Judge(judge::Judge),
    Serve(Box<serve::Serve>),
    Explain(explain::Explain),
    Render(render::Render),
    Diff(render::Diff),
    Explore(explore::Explore),
    Merge(explore::Merge),
    Shrink(explore::Shrink),
    Sabotage(explore::Sabotage),
    Sweep(explore::Sweep),
    Witness(explore::Witness),
    /// Print completions for a shell.
    Completions {
        /// For which.
        shell: clap_complete::Shell,
    },
    /// Print the man page, those of all commands behind it.
    Man,
}

#[derive(Debug, clap::Args)]
struct Run {
    /// Scenario files, or directories whose *.toml files (at any depth) are meant.
    #[arg(required = true, value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
    /// How to print results.
    #[arg(long, value_enum, default_value_t = Results::Text)]
    format: Results,
    /// Play with this seed instead of the files' own.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Play so many scenarios at once [default: one for each core]. The output does not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Override a value: a dotted path of keys; elements by name or by position from 1.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Play each scenario twice and fail if the event logs differ.
    #[arg(long)]
    twice: bool,
    /// Write what the run left behind into this folder; of several scenarios, into folders in it.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Check {
    /// Scenario files, or directories whose *.toml files (at any depth) are meant.
    #[arg(required_unless_present = "keys", value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
    /// Override a value, as in `run`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Print every key of the scenario language: its values, its default, what it means.
    #[arg(long)]
    keys: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One JSON object a line, one a scenario.
    Json,
}

/// Where output goes, and how it may look there.
pub struct Streams<'a> {
    /// Results.
    pub out: &'a mut dyn Write,
    /// Diagnostics.
    pub err: &'a mut dyn Write,
    /// Whether results may have colours.
    pub out_styled: bool,
    /// Whether diagnostics may have colours.
    pub err_styled: bool,
    /// Whether standard error is a terminal, where progress can be shown.
    pub progress: bool,
    /// How wide the terminal is that shows results, if one does.
    pub columns: Option<usize>,
}

/// Runs the command line; returns the exit code. Output that nobody reads any more ends it quietly.
pub fn main(arguments: impl IntoIterator<Item = OsString>, streams: &mut Streams<'_>) -> u8 {
    main_with(arguments, streams, crate::run::run)
}

/// As [`main`], with another way to play a scenario.
pub fn main_with(
    arguments: impl IntoIterator<Item = OsString>,
    streams: &mut Streams<'_>,
    play: impl Fn(&Scenario) -> Outcome + Sync,
) -> u8 {
    let mut code = EXIT_OK;
    let done = match Arguments::try_parse_from(arguments) {
        Ok(Arguments { command }) => match command {
            Command::Run(run) => run.main(streams, &mut code, play),
            Command::Check(check) => check.main(streams, &mut code),
            Command::Judge(judge) => judge.main(streams, &mut code),
            Command::Serve(serve) => serve.main(streams, &mut code),
            Command::Render(render) => render.main(streams, &mut code),
            Command::Diff(diff) => diff.main(streams, &mut code),
            Command::Explain(explain) => explain.main(streams, &mut code),
            Command::Explore(explore) => explore.main(streams, &mut code),
            Command::Merge(merge) => merge.main(streams, &mut code),
            Command::Shrink(shrink) => shrink.main(streams, &mut code),
            Command::Sabotage(sabotage) => sabotage.main(streams, &mut code),
            Command::Sweep(sweep) => sweep.main(streams, &mut code),
            Command::Witness(witness) => witness.main(streams, &mut code),
            Command::Completions { shell } => {
                let mut text = Vec::new();
                clap_complete::generate(shell, &mut Arguments::command(), NAME, &mut text);
                streams.out.write_all(&text)
            }
            Command::Man => manual(&Arguments::command(), streams.out),
        },
        Err(usage) => {
            code = u8::try_from(usage.exit_code()).unwrap_or(EXIT_BAD_INPUT);
            let (out, styled): (&mut dyn Write, bool) = match usage.use_stderr() {
                true => (streams.err, streams.err_styled),
                false => (streams.out, streams.out_styled),
            };
            let text = usage.render();
            match styled {
                true => write!(out, "{}", text.ansi()),
                false => write!(out, "{text}"),
            }
        }
    };
    match done {
        Ok(()) => code,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => code,
        Err(error) => {
            // If this cannot be written either, the exit code says it.
            let _ = writeln!(streams.err, "counterpoint: cannot write: {error}");
            EXIT_INTERNAL
        }
    }
}

/// The man page, that of every command behind it.
fn manual(command: &clap::Command, out: &mut dyn Write) -> io::Result<()> {
    let mut out = out;
    clap_mangen::Man::new(command.clone()).render(&mut out)?;
    let inner = command.get_subcommands();
    for inner in inner.filter(|inner| inner.get_name() != "help") {
        let name = format!("{NAME}-{}", inner.get_name());
        let page = clap_mangen::Man::new(inner.clone()).title(name);
        page.render(&mut out)?;
    }
    Ok(())
}

impl Run {
    fn main(
        &self,
        streams: &mut Streams<'_>,
        code: &mut u8,
        play: impl Fn(&Scenario) -> Outcome + Sync,
    ) -> io::Result<()> {
        let mut sets = self.sets.clone();
        sets.extend(self.seed.map(|seed| format!("seed={seed}")));
        let scenarios = load_all(&self.files, &sets, streams, code)?;
        let places = match &self.out {
            Some(out) => folder::places(out, &scenarios),
            None => Vec::new(),
        };
        if let Some(why) = places.iter().find_map(|place| folder::is_taken(place)) {
            return refuse(streams, code, &why);
        }
        let (mut tally, mut cases) = (Tally::default(), Vec::new());
        let count = scenarios.len();
        let jobs = Jobs {
            scenarios: &scenarios,
            threads: self.jobs.map(usize::from),
            twice: self.twice,
            progress: streams.progress && count > 1,
        };
        jobs.run(&play, |index, outcome| {
            tally.add(outcome);
            *code = (*code).max(exit_code(outcome));
            let (path, scenario) = &scenarios[index];
            let again = self.again(path, outcome.seed);
            let text = match self.format {
                Results::Json => outcome.to_json() + "\n",
                Results::Text => {
                    let style = Style::new(streams.out_styled);
                    let lanes = match streams.columns.filter(|_| count == 1) {
                        Some(columns) => {
                            let run = report::run(scenario, outcome);
                            lanes::lanes(&run, columns, streams.out_styled)
                        }
                        None => String::new(),
                    };
                    outcome.to_text(&again, style) + &lanes
                }
                Results::Junit | Results::Github => {
                    let report = outcome.to_text(&again, Style::new(false));
                    cases.push(case(outcome, &report));
                    String::new()
                }
            };
            streams.out.write_all(text.as_bytes())?;
            if let Some(place) = places.get(index) {
                let written = folder::write(place, scenario, outcome);
                written.map_err(io::Error::other)?;
            }
            streams.out.flush()
        })?;
        match self.format {
            Results::Junit => streams
                .out
                .write_all(junit::junit("counterpoint", &cases).as_bytes()),
            Results::Github => {
                streams.out.write_all(junit::github(&cases).as_bytes())?;
                writeln!(streams.out, "{}", tally.line())
            }
            Results::Text if count > 1 => writeln!(streams.out, "{}", tally.line()),
            Results::Text | Results::Json => Ok(()),
        }
    }

    /// The command that plays one scenario again.
    fn again(&self, path: &str, seed: u64) -> String {
        let mut command = format!("counterpoint run {} --seed {seed}", shell(path));
        for set in &self.sets {
            command.push_str(&format!(" --set {}", shell(set)));
        }
        command
    }
}

impl Check {
    fn main(&self, streams: &mut Streams<'_>, code: &mut u8) -> io::Result<()> {
        if self.keys {
            streams.out.write_all(language::page().as_bytes())?;
        }
        if self.files.is_empty() {
            return Ok(());
        }
        for (path, _) in load_all(&self.files, &self.sets, streams, code)? {
            writeln!(streams.out, "{path}: no mistakes found")?;
        }
        Ok(())
    }
}

/// Loads all files; reports every mistake in any of them.
fn load_all(
    paths: &[PathBuf],
    sets: &[String],
    streams: &mut Streams<'_>,
    code: &mut u8,
) -> io::Result<Vec<(String, Scenario)>> {
    let mut scenarios = Vec::new();
    let mut mistakes = 0_usize;
    for file in files::collect(paths) {
        let loaded = match file {
            File::Unreadable { path, why } => {
                writeln!(streams.err, "error: {path}: {why}\n")?;
                mistakes += 1;
                continue;
            }
            File::Text { path, text } => {
                load_with(&path, &text, sets).map(|scenario| (path, scenario))
            }
        };
        match loaded {
            Ok(loaded) => scenarios.push(loaded),
            Err(diagnostics) => {
                mistakes += diagnostics.len();
                report(&diagnostics, streams)?;
            }
        }
    }
    if mistakes > 0 {
        *code = EXIT_BAD_INPUT;
        let s = if mistakes == 1 { "" } else { "s" };
        writeln!(streams.err, "counterpoint: {mistakes} mistake{s} found")?;
    }
    Ok(scenarios)
}

/// The one scenario of a file; reports its mistakes.
fn load_one(
    path: &Path,
    sets: &[String],
    streams: &mut Streams<'_>,
    code: &mut u8,
) -> io::Result<Option<(String, Scenario)>> {
    let mut scenarios = load_all(&[path.to_owned()], sets, streams, code)?;
    match scenarios.len() {
        0 | 1 => Ok(scenarios.pop()),
        count => {
            refuse(
                streams,
                code,
                &format!("{}: {count} files; name one", path.display()),
            )?;
            Ok(None)
        }
    }
}

/// Says what is wrong with the input or the arguments.
fn refuse(streams: &mut Streams<'_>, code: &mut u8, why: &str) -> io::Result<()> {
    *code = EXIT_BAD_INPUT;
    writeln!(streams.err, "counterpoint: {why}")
}

fn report(diagnostics: &[Diagnostic], streams: &mut Streams<'_>) -> io::Result<()> {
    for diagnostic in diagnostics {
        writeln!(streams.err, "{}\n", diagnostic.render(streams.err_styled))?;
    }
    Ok(())
}

fn exit_code(outcome: &Outcome) -> u8 {
    match (&outcome.internal_error, outcome.unmet.as_slice()) {
        (Some(_), _) => EXIT_INTERNAL,
        (None, []) => EXIT_OK,
        (None, _) => EXIT_UNEXPECTED,
    }
}

/// How many scenarios came out how.
#[derive(Debug, Default)]
struct Tally {
    expected: usize,
    unexpected: usize,
    failed: usize,
}

impl Tally {
    fn add(&mut self, outcome: &Outcome) {
        match exit_code(outcome) {
            EXIT_OK => self.expected += 1,
            EXIT_UNEXPECTED => self.unexpected += 1,
            _ => self.failed += 1,
        }
    }

    fn line(&self) -> String {
        let Self {
            expected,
            unexpected,
            failed,
        } = self;
        let all = expected + unexpected + failed;
        let mut line = format!("{all} scenarios: {expected} as expected");
        for (count, what) in [(unexpected, "not as expected"), (failed, "failed to run")] {
            if *count > 0 {
                line.push_str(&format!(", {count} {what}"));
            }
        }
        line
    }
}

/// A word as a shell reads it back.
fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
