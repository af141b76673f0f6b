//! Many drawn runs: which of them a shard plays, what is kept of each, and what they amount to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    coverage::Coverage,
    generate::{Swarm, draw, seed_of},
    trial::{Class, Trial, attempt},
};
use crate::pool;

/// What is kept of a run: one line of `results.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its number in the campaign.
    pub run: u64,
    /// The seed of its scenario.
    pub seed: u64,
    /// Its worst failure.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failure: Option<Class>,
    /// How many processes ended how.
    pub ends: BTreeMap<String, u64>,
    /// Faults in it.
    pub faults: u64,
    /// Requests that were answered.
    pub exchanges: u64,
    /// Virtual seconds.
    pub seconds: u64,
    /// What was reached, features included.
    pub reached: Vec<String>,
}

/// Some of the runs of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// This one, from 0.
    pub index: u64,
    /// Of so many.
    pub count: u64,
}

impl Shard {
    /// All runs.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Whether it plays this run.
    pub fn has(&self, run: u64) -> bool {
        run % self.count == self.index
    }
}

/// What to play.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// The seed that all runs are drawn from.
    pub seed: u64,
    /// What may be drawn.
    pub swarm: Swarm,
    /// Runs at once.
    pub threads: usize,
}

impl Campaign {
    /// Plays `runs`, in chunks; hands each row in order to `done` until that says `false`.
    pub fn play(
        &self,
        runs: impl IntoIterator<Item = u64>,
        mut done: impl FnMut(Row, &Trial) -> bool,
    ) {
        let mut runs = runs.into_iter();
        let mut goes_on = true;
        while goes_on {
            let chunk: Vec<u64> = runs.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                return;
            }
            pool::in_order(
                &chunk,
                self.threads,
                |run| self.one(*run),
                |_, (row, trial)| {
                    goes_on &= done(row, &trial);
                    goes_on
                },
            );
        }
    }

    /// Plays one run.
    pub fn one(&self, run: u64) -> (Row, Trial) {
        let seed = seed_of(self.seed, run);
        let drawn = draw(seed, &self.swarm);
        let trial = attempt(&drawn.scenario);
        let features = drawn
            .features
            .iter()
            .map(|feature| format!("feature/{feature}"));
        let row = Row {
            run,
            seed,
            failure: trial.worst().cloned(),
            ends: trial.ends.clone(),
            faults: drawn.scenario.faults.len() as u64,
            exchanges: trial.exchanges,
            seconds: trial.seconds,
            reached: trial.reached.iter().cloned().chain(features).collect(),
        };
        (row, trial)
    }
}

/// Runs that are handed out at a time.
const CHUNK: usize = 4_096;

/// What many runs amount to.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Runs.
    pub runs: u64,
    /// Runs in which a process ended.
    pub ended: u64,
    /// Runs that failed, by class.
    pub failures: BTreeMap<Class, Vec<u64>>,
    /// What was reached.
    pub coverage: Coverage,
    done: Vec<u64>,
    faults: Vec<u64>,
    exchanges: Vec<u64>,
}

impl Totals {
    /// Counts one run.
    pub fn add(&mut self, row: &Row) {
        self.runs += 1;
        self.ended += u64::from(!row.ends.is_empty());
        if let Some(class) = &row.failure {
            self.failures
                .entry(class.clone())
                .or_default()
                .push(row.run);
        }
        self.coverage.add(&row.reached);
        let done = row.ends.iter().filter(|(end, _)| end.ends_with(" done"));
        self.done.push(done.map(|(_, count)| count).sum());
        self.faults.push(row.faults);
        self.exchanges.push(row.exchanges);
    }

    /// Runs that failed.
    pub fn failed(&self) -> usize {
        self.failures.values().map(Vec::len).sum()
    }

    /// Share of runs in which a process ended, percent.
    pub fn ended_percent(&self) -> u64 {
        100 * self.ended / self.runs.max(1)
    }

    /// Medians a run: joins and leaves completed, faults, exchanges.
    pub fn medians(&self) -> [u64; 3] {
        [&self.done, &self.faults, &self.exchanges].map(|values| median(values))
    }
}

fn median(values: &[u64]) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}
