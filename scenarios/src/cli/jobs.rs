//! Many scenarios on several threads, results in the order of the files.

use std::{
    any::Any,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{expectations, outcome::Outcome, pool, scenario::Scenario};

/// What to play, and how.
pub struct Jobs<'a> {
    /// Paths and scenarios.
    pub scenarios: &'a [(String, Scenario)],
    /// How many at once; none: as many as there are cores.
    pub threads: Option<usize>,
    /// Each twice, to see whether it is reproducible.
    pub twice: bool,
    /// Whether to show progress on standard error.
    pub progress: bool,
}

impl Jobs<'_> {
    /// Plays all; hands each outcome to `done` in the order of the files, as soon as that can be.
    pub fn run(
        &self,
        play: &(impl Fn(&Scenario) -> Outcome + Sync),
        mut done: impl FnMut(usize, &Outcome) -> io::Result<()>,
    ) -> io::Result<()> {
        let threads = self.threads.unwrap_or_else(pool::cores);
        let bar = self.bar();
        let one = |(path, scenario): &(String, Scenario)| {
            let outcome = self.play_one(path, scenario, play);
            bar.inc(1);
            outcome
        };
        let (mut turn, mut result) = (0, Ok(()));
        pool::in_order(self.scenarios, threads, one, |_, outcome| {
            result = bar.suspend(|| done(turn, &outcome));
            turn += 1;
            result.is_ok()
        });
        result?;
        bar.finish_and_clear();
        Ok(())
    }

    fn bar(&self) -> ProgressBar {
        if !self.progress {
            return ProgressBar::hidden();
        }
        let count = self.scenarios.len() as u64;
        let bar = ProgressBar::with_draw_target(Some(count), ProgressDrawTarget::stderr());
        let shape = "{bar:30} {pos}/{len} scenarios, {eta} to go";
        if let Ok(style) = ProgressStyle::with_template(shape) {
            bar.set_style(style);
        }
        bar
    }

    fn play_one(
        &self,
        path: &str,
        scenario: &Scenario,
        play: &impl Fn(&Scenario) -> Outcome,
    ) -> Outcome {
        let mut outcome = caught(scenario, play);
        if self.twice && outcome.internal_error.is_none() {
            let again = caught(scenario, play);
            if let Some(difference) = difference(&outcome, &again) {
                outcome.internal_error = Some(format!("not reproducible: {difference}"));
            }
        }
        outcome.scenario = path.into();
        outcome.unmet = match outcome.internal_error {
            None => expectations::unmet(&scenario.expect, &outcome),
            Some(_) => Vec::new(),
        };
        outcome
    }
}

/// Plays one scenario; a panic is an internal error of that scenario, not the end of all.
fn caught(scenario: &Scenario, play: &impl Fn(&Scenario) -> Outcome) -> Outcome {
    catch_unwind(AssertUnwindSafe(|| play(scenario))).unwrap_or_else(|panic| Outcome {
        internal_error: Some(format!("panicked: {}", words(&*panic))),
        ..Outcome::of(scenario)
    })
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let literal = panic.downcast_ref::<&str>().copied();
    literal
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason given")
}

/// How two runs of one scenario differ, if they do.
fn difference(first: &Outcome, second: &Outcome) -> Option<String> {
    if first == second {
        return None;
    }
    let lines = first.event_log.iter().zip(&second.event_log);
    let line = lines.enumerate().find(|(_, (a, b))| a != b);
    Some(match line {
        Some((number, (a, b))) => {
            format!("line {} of the event log was `{a}`, then `{b}`", number + 1)
        }
        None if first.event_log.len() != second.event_log.len() => {
            let (a, b) = (first.event_log.len(), second.event_log.len());
            format!("the event log had {a} lines, then {b}")
        }
        None => "the same event log led to different outcomes".into(),
    })
}
