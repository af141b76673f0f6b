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

use super::{Streams, files::File, load_all, load_one, refuse};
use crate::scenario::Scenario;

pub(super) use self::{
    campaign::Explore, campaign::Merge, score::Sabotage, single::Shrink, table::Sweep,
    witness::Witness,
};

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
