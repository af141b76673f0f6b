//! What is done to one file: `counterpoint shrink`, `explore --crash-everywhere`, `--exhaustive`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{load_one, progress::Bar, progress::Stopwatch, refuse};
use crate::{
    cli::{EXIT_INTERNAL, EXIT_UNEXPECTED, Streams, shell},
    explore::{
        crash::{self, Who},
        exhaustive,
        shrink::{self, shrink},
        story,
        trial::attempt,
    },
};

/// Make a failing scenario small: the least that still fails in the same way, with its story.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Shrink {
    /// The scenario that fails.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where the small one goes [default: standard output].
    #[arg(short, long, value_name = "OUT")]
    out: Option<PathBuf>,
    /// Override a value, as in `run`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Play at most so many smaller ones.
    #[arg(long, value_name = "N", default_value_t = shrink::TRIES_MAX)]
    tries: u64,
}

impl Shrink {
    /// Shrinks.
    pub(in crate::cli) fn main(&self, streams: &mut Streams<'_>, code: &mut u8) -> io::Result<()> {
        let Some((path, scenario)) = load_one(&self.file, &self.sets, streams, code)? else {
            return Ok(());
        };
        let trial = attempt(&scenario);
        let Some(class) = trial.worst().cloned() else {
            let why =
                format!("{path}: nothing fails: every cache validates and every process ends");
            return refuse(streams, code, &why);
        };
        let Some(small) = shrink(&scenario, &class, self.tries) else {
            *code = EXIT_INTERNAL;
            return writeln!(
                streams.err,
                "counterpoint: {path}: it failed ({class}), and then not again"
            );
        };
        let origin = match scenario.source.as_str() {
            "" => format!("counterpoint shrink {}", shell(&path)),
            source => source.into(),
        };
        let text = story::to_file(&small, &origin);
        match &self.out {
            None => streams.out.write_all(text.as_bytes()),
            Some(out) => match fs::write(out, text) {
                Err(error) => refuse(streams, code, &format!("{}: {error}", out.display())),
                Ok(()) => writeln!(
                    streams.out,
                    "{}: {class}\n  from {} to {} signers, {} to {} events, {} to {} faults in {} runs",
                    out.display(),
                    scenario.signers.len(),
                    small.scenario.signers.len(),
                    scenario.events.len(),
                    small.scenario.events.len(),
                    scenario.faults.len(),
                    small.scenario.faults.len(),
                    small.tries
                ),
            },
        }
    }
}

/// Plays a file once for each output of controller and scanner.
pub(super) fn crash_everywhere(
    path: &Path,
    threads: usize,
    streams: &mut Streams<'_>,
    code: &mut u8,
) -> io::Result<()> {
    let Some((path, scenario)) = load_one(path, &[], streams, code)? else {
        return Ok(());
    };
    let Some(outputs) = crash::outputs(&scenario) else {
        return refuse(
            streams,
            code,
            &format!("{path}: it fails without a crash; see `counterpoint run`"),
        );
    };
    let bar = Bar::new(
        Some(outputs.iter().map(|(_, count)| count).sum()),
        streams.progress,
    );
    let watch = Stopwatch::start();
    let mut failures = Vec::new();
    let played = crash::everywhere(&scenario, &outputs, threads, |cut, trial| {
        bar.step(format_args!("{} failed", failures.len()));
        if let Some(failure) = trial.failures.first() {
            failures.push((cut, failure.clone()));
        }
    });
    bar.finish();
    for (cut, failure) in &failures {
        let who = match cut.who {
            Who::Controller => "controller",
            Who::Scanner => "scanner",
        };
        *code = (*code).max(if failure.class.is_internal() {
            EXIT_INTERNAL
        } else {
            EXIT_UNEXPECTED
        });
        writeln!(
            streams.out,
            "{path}: the {who} stopped after output {}: {}",
            cut.after, failure.class
        )?;
        writeln!(streams.out, "  {}", failure.story)?;
    }
    for (who, count) in &outputs {
        writeln!(
            streams.out,
            "{path}: {who:?} stopped after each of {count} outputs"
        )?;
    }
    writeln!(
        streams.out,
        "{path}: finished, {played} crashes, {} failed, {:.1} a second",
        failures.len(),
        watch.rate(played)
    )
}

/// Plays a file with every choice of a bounded world.
pub(super) fn exhaustive(
    path: &Path,
    threads: usize,
    streams: &mut Streams<'_>,
    code: &mut u8,
) -> io::Result<()> {
    let Some((path, scenario)) = load_one(path, &[], streams, code)? else {
        return Ok(());
    };
    let plans = exhaustive::weathers(&scenario);
    let bar = Bar::new(Some(plans.len() as u64), streams.progress);
    let watch = Stopwatch::start();
    let mut failures = Vec::new();
    let tally = exhaustive::search(&plans, threads, |tally, found| {
        bar.step(format_args!(
            "{} states, {} played",
            tally.states.len(),
            tally.played
        ));
        failures.extend(found);
    });
    bar.finish();
    for (choice, failure) in &failures {
        *code = (*code).max(if failure.class.is_internal() {
            EXIT_INTERNAL
        } else {
            EXIT_UNEXPECTED
        });
        writeln!(
            streams.out,
            "{path}: {choice}: {}\n  {}",
            failure.class, failure.story
        )?;
    }
    writeln!(
        streams.out,
        "{path}: finished: {} choices, {} played, {} pruned (nothing happens in which they differ), {} states, \
         {} failed, {:.1} played a second",
        tally.choices,
        tally.played,
        tally.choices - tally.played,
        tally.states.len(),
        failures.len(),
        watch.rate(tally.played)
    )
}
