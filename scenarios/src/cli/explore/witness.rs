//! `counterpoint witness`: the oracle against resolvers, on drawn worlds.

use std::{collections::BTreeMap, io};

use super::progress::{Bar, Stopwatch};
use crate::{
    cli::{EXIT_INTERNAL, Streams},
    explore::witness::{Heard, hear},
    pool,
};

/// Draw worlds, good and with deliberate defects, and have resolvers bear witness of what the oracle says.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Witness {
    /// What everything is drawn from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Play so many worlds.
    #[arg(long, value_name = "N", default_value_t = 100)]
    runs: u64,
    /// The number of the first.
    #[arg(long, value_name = "N", default_value_t = 0)]
    first: u64,
    /// Play so many at once [default: one for each core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

/// What many worlds amount to.
#[derive(Default)]
struct Totals {
    worlds: u64,
    unsafe_worlds: u64,
    shown: u64,
    met: u64,
    resolutions: u64,
    bogus: BTreeMap<String, u64>,
    not_replayed: BTreeMap<&'static str, u64>,
    contradictions: u64,
}

impl Totals {
    fn add(&mut self, heard: &Heard) {
        self.worlds += 1;
        self.unsafe_worlds += u64::from(!heard.violations.is_empty());
        self.shown += u64::from(!heard.bogus.is_empty());
        self.met += u64::from(heard.met > 0);
        self.resolutions += heard.resolutions;
        for (quantifier, count) in &heard.bogus {
            *self.bogus.entry(quantifier.to_string()).or_default() += count;
        }
        for (why, count) in &heard.not_replayed {
            *self.not_replayed.entry(why).or_default() += count;
        }
        self.contradictions += heard.contradictions.len() as u64;
    }
}

impl Witness {
    /// Plays them.
    pub(in crate::cli) fn main(&self, streams: &mut Streams<'_>, code: &mut u8) -> io::Result<()> {
        let threads = self.jobs.map_or_else(pool::cores, usize::from);
        let runs: Vec<u64> = (self.first..self.first.saturating_add(self.runs)).collect();
        let bar = Bar::new(Some(self.runs), streams.progress);
        let watch = Stopwatch::start();
        let (mut totals, mut lines) = (Totals::default(), Vec::new());
        pool::in_order(
            &runs,
            threads,
            |run| hear(self.seed, *run),
            |run, heard| {
                totals.add(&heard);
                bar.step(format_args!("{} contradictions", totals.contradictions));
                for contradiction in &heard.contradictions {
                    let defects = heard.defects.join(", ");
                    lines.push(format!("run {run} [{defects}]: {contradiction}"));
                    lines.push(format!(
                        "  again: counterpoint witness --seed {} --first {run} --runs 1",
                        self.seed
                    ));
                }
                true
            },
        );
        bar.finish();
        for line in lines {
            writeln!(streams.out, "{line}")?;
        }
        if totals.contradictions > 0 {
            *code = EXIT_INTERNAL;
        }
        writeln!(
            streams.out,
            "{} worlds, {} unsafe; in {} of these a resolver got Bogus as the oracle said, in {} one that only asked did; \
             {} resolutions in all",
            totals.worlds, totals.unsafe_worlds, totals.shown, totals.met, totals.resolutions
        )?;
        for (quantifier, count) in &totals.bogus {
            writeln!(
                streams.out,
                "  {count} witnesses under {quantifier} were replayed and Bogus"
            )?;
        }
        for (why, count) in &totals.not_replayed {
            writeln!(streams.out, "  {count} not replayed: {why}")?;
        }
        writeln!(
            streams.out,
            "{} contradictions; {:.1} worlds a second",
            totals.contradictions,
            watch.rate(totals.worlds)
        )
    }
}
