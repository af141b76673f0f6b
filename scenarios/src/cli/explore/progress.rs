//! How far it is: the bar on a terminal, and the stopwatch.
//!
//! One of the places that own a clock. What is drawn and judged never sees it.

use std::{
    fmt,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Measures how long the work takes.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[expect(
        clippy::disallowed_methods,
        reason = "speed is told to people; no result depends on it"
    )]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// So many a second.
    pub fn rate(&self, count: u64) -> f64 {
        count as f64 / self.elapsed().as_secs_f64().max(1e-9)
    }
}

/// A bar on standard error, if that is a terminal.
pub struct Bar(ProgressBar);

impl Bar {
    /// Of `count` pieces of work, if that is known.
    pub fn new(count: Option<u64>, is_shown: bool) -> Self {
        if !is_shown {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::with_draw_target(count, ProgressDrawTarget::stderr());
        let shape = match count {
            Some(_) => "{bar:20} {pos}/{len} runs, {per_sec}, {msg}, {eta} to go",
            None => "{spinner} {pos} runs, {per_sec}, {msg}, {elapsed}",
        };
        if let Ok(style) = ProgressStyle::with_template(shape) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// One more is done.
    pub fn step(&self, message: impl fmt::Display) {
        if !self.0.is_hidden() {
            self.0.set_message(message.to_string());
        }
        self.0.inc(1);
    }

    /// Prints while the bar stands aside.
    pub fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }

    /// The bar goes.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}
