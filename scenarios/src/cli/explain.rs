//! `counterpoint explain`.

use std::{io, path::PathBuf};

use counterpoint_reports::explain;

use super::{Streams, folder, refuse};

/// Tell in prose how a run went: who fetched what, which key is missing where, what would have been safe.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// The folder of a run, or its run.json.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// This violation alone, counted from 1.
    #[arg(long, value_name = "N")]
    violation: Option<usize>,
}

impl Explain {
    pub fn main(&self, streams: &mut Streams<'_>, code: &mut u8) -> io::Result<()> {
        let run = match folder::read(&self.run) {
            Ok(run) => run,
            Err(why) => return refuse(streams, code, &why),
        };
        let text = match self.violation {
            None => Some(explain::explain(&run)),
            Some(number) => explain::violation(&run, number),
        };
        match text {
            Some(text) => streams.out.write_all(text.as_bytes()),
            None => {
                let count = run.violations.len();
                let why = format!("this run has {count} violations, counted from 1");
                refuse(streams, code, &why)
            }
        }
    }
}
