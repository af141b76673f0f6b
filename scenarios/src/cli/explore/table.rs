//! `counterpoint sweep`.

use std::{io, path::PathBuf};

use super::{load_one, progress::Bar, refuse};
use crate::{
    cli::Streams,
    explore::sweep::{Axis, grid, header, row},
    pool,
    run::run,
};

/// Play one scenario over a grid of values and print a table.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Sweep {
    /// The scenario.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A value and what it becomes, as controller.safety=0%,10%; one axis of the grid each.
    #[arg(long = "set", value_name = "KEY=A,B,C", required = true, value_parser = Axis::parse)]
    sets: Vec<Axis>,
    /// Print the table as CSV, the only format there is.
    #[arg(long, required = true)]
    csv: bool,
    /// Play so many at once [default: one for each core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

/// The largest grid.
const ROWS_MAX: usize = 1_000_000;

impl Sweep {
    /// Sweeps.
    pub(in crate::cli) fn main(&self, streams: &mut Streams<'_>, code: &mut u8) -> io::Result<()> {
        let size = self
            .sets
            .iter()
            .try_fold(1_usize, |size, axis| size.checked_mul(axis.values.len()));
        if size.is_none_or(|size| size > ROWS_MAX) {
            return refuse(
                streams,
                code,
                &format!("more than {ROWS_MAX} rows; give fewer values"),
            );
        }
        let rows = grid(&self.sets);
        let mut scenarios = Vec::new();
        for values in &rows {
            let pairs = self.sets.iter().zip(values);
            let sets: Vec<String> = pairs
                .map(|(axis, value)| format!("{}={value}", axis.key))
                .collect();
            let Some((_, scenario)) = load_one(&self.file, &sets, streams, code)? else {
                return Ok(());
            };
            scenarios.push((values, scenario));
        }
        let threads = self.jobs.map_or_else(pool::cores, usize::from);
        let bar = Bar::new(Some(rows.len() as u64), streams.progress);
        writeln!(streams.out, "{}", header(&self.sets))?;
        let mut result = Ok(());
        pool::in_order(
            &scenarios,
            threads,
            |(_, scenario)| run(scenario),
            |(values, _), outcome| {
                bar.step("");
                result = writeln!(streams.out, "{}", row(values, &outcome));
                result.is_ok()
            },
        );
        bar.finish();
        result
    }
}
