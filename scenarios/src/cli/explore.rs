//! `counterpoint explore`, `shrink`, `sabotage`, `sweep` and `merge`: arguments and output.

mod campaign;
mod progress;
mod score;
mod single;
mod table;
mod witness;

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{EXIT_BAD_INPUT, Streams, files::File, load_all};
use crate::scenario::Scenario;

pub(super) use self::{
    campaign::Explore, campaign::Merge, score::Sabotage, single::Shrink, table::Sweep,
    witness::Witness,
};

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

/// Reads and loads all files of a directory that has some; none if it has not.
fn load_directory(
    path: &Path,
    streams: &mut Streams<'_>,
    code: &mut u8,
) -> io::Result<Vec<(String, Scenario)>> {
    let paths: [PathBuf; 1] = [path.to_owned()];
    match super::files::collect(&paths).first() {
        Some(File::Text { .. }) => load_all(&paths, &[], streams, code),
        _ => {
            refuse(
                streams,
                code,
                &format!("{}: no scenario files here", path.display()),
            )?;
            Ok(Vec::new())
        }
    }
}
