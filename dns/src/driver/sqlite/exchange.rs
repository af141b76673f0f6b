//! A store as JSON Lines, and back: for backups, for other machines, for other programs to read.
//!
//! The first line says what it is; then one record or one log entry a line.

use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};

use super::{Entry, SqliteStore, bad, begin, entry, put_entry, put_record, refused};
use crate::{agent::Record, time::Timestamp};

/// The format's name and version, in the first line.
const FORMAT: &str = "counterpoint-store/1";
/// Longer lines are nobody's.
const LINE_OCTETS_MAX: u64 = 16 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
enum Line {
    Head {
        format: String,
        owner: String,
    },
    Record {
        key: String,
        value: String,
    },
    Log {
        time: i64,
        zone: String,
        kind: String,
        subject: String,
        text: String,
    },
}

impl SqliteStore {
    /// Writes everything to `out`. Returns how many records and log entries that were.
    pub fn export(&self, out: &mut dyn Write) -> io::Result<(u64, u64)> {
        let mut write = |line: Line| -> io::Result<()> {
            serde_json::to_writer(&mut *out, &line)?;
            out.write_all(b"\n")
        };
        write(Line::Head {
            format: FORMAT.into(),
            owner: self.owner.name.into(),
        })?;
        let (mut records, mut entries) = (0, 0);
        let mut written = Ok(());
        self.each("", |Record { key, value }| {
            if written.is_ok() {
                written = write(Line::Record { key, value });
                records += 1;
            }
        })?;
        written?;
        let failed = |error| bad(&self.path, &error);
        let mut statement = self
            .connection
            .prepare("SELECT time, zone, kind, subject, text FROM log ORDER BY id")
            .map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let Entry {
                time,
                zone,
                kind,
                subject,
                text,
            } = entry(row).map_err(failed)?;
            let time = time.as_nanos();
            write(Line::Log {
                time,
                zone,
                kind,
                subject,
                text,
            })?;
            entries += 1;
        }
        Ok((records, entries))
    }

    /// Reads what [`SqliteStore::export`] wrote into a store that is still empty: all of it, or
    /// nothing. `place` names the input in errors.
    pub fn import(&mut self, place: &str, input: &mut dyn BufRead) -> io::Result<(u64, u64)> {
        let path = self.path.clone();
        let failed = |error| bad(&path, &error);
        let owner = self.owner.name;
        let transaction = begin(&mut self.connection).map_err(failed)?;
        let used: bool = transaction
            .query_row(
                "SELECT EXISTS (SELECT 1 FROM record) OR EXISTS (SELECT 1 FROM log)",
                [],
                |row| row.get(0),
            )
            .map_err(failed)?;
        if used {
            let why = "it is not empty; import into a new file and put that in its place";
            return Err(refused(&path, why));
        }
        let (mut records, mut entries, mut number) = (0, 0, 0_u64);
        let mut text = String::new();
        loop {
            text.clear();
            number += 1;
            let wrong = |why: String| {
                let text = format!("{place}:{number}: {why}");
                io::Error::new(io::ErrorKind::InvalidData, text)
            };
            let mut limited = io::Read::take(&mut *input, LINE_OCTETS_MAX);
            let length = limited.read_line(&mut text)?;
            if length == 0 {
                break;
            }
            if !text.ends_with('\n') {
                return Err(wrong("the line does not end; the file was cut off".into()));
            }
            let line: Line = serde_json::from_str(&text)
                .map_err(|error| wrong(format!("not a line of {FORMAT}: {error}")))?;
            match (number, line) {
                (1, Line::Head { format, owner: by }) if format == FORMAT && by == owner => {}
                (1, _) => {
                    return Err(wrong(format!(
                        "expected the first line of a {FORMAT} of {owner}"
                    )));
                }
                (_, Line::Head { .. }) => return Err(wrong("a second head".into())),
                (_, Line::Record { key, value }) => {
                    put_record(&transaction, &Record { key, value }).map_err(failed)?;
                    records += 1;
                }
                (
                    _,
                    Line::Log {
                        time,
                        zone,
                        kind,
                        subject,
                        text,
                    },
                ) => {
                    let time = Timestamp::from_nanos(time);
                    let entry = Entry {
                        time,
                        zone,
                        kind,
                        subject,
                        text,
                    };
                    put_entry(&transaction, &entry).map_err(failed)?;
                    entries += 1;
                }
            }
        }
        if number == 1 {
            let text = format!("{place}: empty; expected a {FORMAT} of {owner}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        transaction.commit().map_err(failed)?;
        Ok((records, entries))
    }
}
