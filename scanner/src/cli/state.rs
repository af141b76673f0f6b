//! The state out and in, as JSON Lines.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufReader, BufWriter, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use counterpoint_dns::driver::sqlite::SqliteStore;
use serde_json::json;

use super::{
    Failure, Outcome, Streams,
    arguments::{self, StateAction},
    setup::OWNER,
};
use crate::input::BadInput;

/// Writes the state into a file, or reads it from one.
pub fn run(arguments: &arguments::State, streams: &mut Streams<'_>) -> Result<Outcome, Failure> {
    match &arguments.action {
        StateAction::Export { file, state } => {
            let path = &state.state;
            if !path.exists() {
                return Err(BadInput::new(
                    path.display(),
                    "there is no state",
                    "name it with --state FILE",
                )
                .into());
            }
            let store = SqliteStore::open(path, OWNER)?;
            let Some(file) = file else {
                store.export(streams.out)?;
                let text = String::new();
                return Ok(Outcome::ok(text, json!({})));
            };
            let remedy = "name a file that is not there yet, in a directory that is";
            let opened = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(file);
            let opened = opened.map_err(|error| BadInput::new(file.display(), error, remedy))?;
            let mut out = BufWriter::new(opened);
            let (records, entries) = store.export(&mut out)?;
            out.flush()?;
            out.get_ref().sync_all()?;
            told(records, entries, file)
        }
        StateAction::Import { file, state } => {
            let mut store = SqliteStore::open(&state.state, OWNER)?;
            let place = file.display().to_string();
            let (records, entries) = if file == Path::new("-") {
                store.import("standard input", &mut BufReader::new(io::stdin()))?
            } else {
                let opened = File::open(file).map_err(|error| {
                    BadInput::new(&place, error, "name a file that export wrote")
                })?;
                store.import(&place, &mut BufReader::new(opened))?
            };
            told(records, entries, &state.state)
        }
    }
}

fn told(records: u64, entries: u64, file: &Path) -> Result<Outcome, Failure> {
    let text = format!(
        "{records} records and {entries} log entries: {}\n",
        file.display()
    );
    Ok(Outcome::ok(
        text,
        json!({ "records": records, "log": entries }),
    ))
}
