//! Records that last, and the log of what was done with them: one SQLite file, one process at a time.
//!
//! A record and the log entries that tell of it are one transaction. The journal is a write-ahead log
//! and every commit reaches the disk (`synchronous=FULL`), so that a process that is killed at any
//! point loses nothing that was confirmed. A file of another program, or of a newer release, is
//! refused. What records mean is their owner's business.

mod exchange;

use std::{
    fs::OpenOptions,
    io,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension as _, Row, Transaction,
    TransactionBehavior, params,
};

use super::store::Store;
use crate::{
    agent::{Note, Record},
    time::Timestamp,
};

/// Only the owner may read: a store tells what an operator knows.
const MODE: u32 = 0o600;

/// How long a store that another process is just leaving is waited for.
const BUSY_WAIT: Duration = Duration::from_millis(200);

/// The steps from one schema to the next; a file's schema is the number of steps that it has seen.
const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE record (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE log (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time INTEGER NOT NULL,
        zone TEXT NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        text TEXT NOT NULL
    );
    CREATE INDEX log_by_zone ON log (zone, id);
    CREATE TRIGGER log_is_append_only BEFORE UPDATE ON log
        BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
    CREATE TRIGGER log_is_kept BEFORE DELETE ON log
        BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
"];

/// The program that a store belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// SQLite's mark of the file's format (`PRAGMA application_id`).
    pub mark: i32,
    /// The program's name.
    pub name: &'static str,
}

/// One line of the log: what was done, when, about which zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub time: Timestamp,
    /// The zone that it is about.
    pub zone: String,
    /// Stable machine-readable kind, as `verdict`.
    pub kind: String,
    /// What it is about, as `DS`.
    pub subject: String,
    /// The rest: text or JSON.
    pub text: String,
}

impl Entry {
    /// What an agent noted.
    pub fn of(time: Timestamp, note: &Note) -> Self {
        Self {
            time,
            zone: note.zone.clone(),
            kind: note.kind.into(),
            subject: note.subject.clone(),
            text: note.text.clone(),
        }
    }
}

/// Keeps the newest record under each key, and every log entry, in an SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    path: PathBuf,
    owner: Owner,
}

impl SqliteStore {
    /// Opens the store at `path`, or begins one, readable by its user only.
    pub fn open(path: &Path, owner: Owner) -> io::Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(MODE)
            .open(path)
            .map_err(|error| at(path, error))?;
        let mut mode = file.metadata()?.permissions();
        if mode.mode() & 0o777 != MODE {
            mode.set_mode(MODE);
            file.set_permissions(mode)?;
        }
        drop(file);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(BUSY_WAIT)?;
            Ok(connection)
        };
        let mut store = Self {
            connection: open().map_err(|error| bad(path, &error))?,
            path: path.into(),
            owner,
        };
        store.check_owner()?;
        store.set_up().map_err(|error| bad(path, &error))?;
        Ok(store)
    }

    /// Opens the store at `path` to look only: nothing is written, not even beside the file. A file
    /// that is in use, or whose last user was killed, cannot be read in this way.
    pub fn open_to_read(path: &Path, owner: Owner) -> io::Result<Self> {
        let journal = PathBuf::from(format!("{}-wal", path.display()));
        if journal.metadata().is_ok_and(|journal| journal.len() > 0) {
            let why =
                "it is in use, or its last user was killed; wait, or run `resume`, then try again";
            return Err(refused(path, why));
        }
        let path_text = path.display().to_string();
        let escaped = path_text
            .replace('%', "%25")
            .replace('?', "%3f")
            .replace('#', "%23");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let uri = format!("file:{escaped}?immutable=1");
        let connection =
            Connection::open_with_flags(uri, flags).map_err(|error| bad(path, &error))?;
        let store = Self {
            connection,
            path: path.into(),
            owner,
        };
        let (mark, schema) = store.check_owner()?;
        if mark == 0 || schema < MIGRATIONS.len() {
            let why =
                "it is empty or of an older release; any command but `audit` brings it up to date";
            return Err(refused(path, why));
        }
        Ok(store)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes all of it durable, or nothing: records, and the log entries that tell of them.
    pub fn put_all<'a>(
        &mut self,
        records: impl IntoIterator<Item = &'a Record>,
        entries: impl IntoIterator<Item = &'a Entry>,
    ) -> io::Result<()> {
        let path = self.path.clone();
        let put = |connection: &mut Connection| -> rusqlite::Result<()> {
            let transaction = begin(connection)?;
            for record in records {
                put_record(&transaction, record)?;
            }
            for entry in entries {
                put_entry(&transaction, entry)?;
            }
            transaction.commit()
        };
        put(&mut self.connection).map_err(|error| bad(&path, &error))
    }

    /// The value under a key.
    pub fn value(&self, key: &str) -> io::Result<Option<String>> {
        let read = || -> rusqlite::Result<Option<String>> {
            let mut statement = self
                .connection
                .prepare_cached("SELECT value FROM record WHERE key = ?1")?;
            statement.query_row([key], |row| row.get(0)).optional()
        };
        read().map_err(|error| bad(&self.path, &error))
    }

    /// Shows every record whose key begins with `prefix`, in the order of the keys.
    pub fn each(&self, prefix: &str, mut show: impl FnMut(Record)) -> io::Result<()> {
        let mut read = || -> rusqlite::Result<()> {
            let mut statement = self
                .connection
                .prepare_cached("SELECT key, value FROM record WHERE key >= ?1 ORDER BY key")?;
            let mut rows = statement.query([prefix])?;
            while let Some(row) = rows.next()? {
                let record = Record {
                    key: row.get(0)?,
                    value: row.get(1)?,
                };
                if !record.key.starts_with(prefix) {
                    break;
                }
                show(record);
            }
            Ok(())
        };
        read().map_err(|error| bad(&self.path, &error))
    }

    /// The log of one zone, oldest first.
    pub fn log_of(&self, zone: &str) -> io::Result<Vec<Entry>> {
        let read = || -> rusqlite::Result<Vec<Entry>> {
            let mut statement = self.connection.prepare_cached(
                "SELECT time, zone, kind, subject, text FROM log WHERE zone = ?1 ORDER BY id",
            )?;
            statement.query_map([zone], entry)?.collect()
        };
        read().map_err(|error| bad(&self.path, &error))
    }

    /// Mark and schema of the file, if it is one that this program may use.
    fn check_owner(&self) -> io::Result<(i32, usize)> {
        let number = |pragma: &str| -> io::Result<i64> {
            self.connection
                .query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0))
                .map_err(|error| bad(&self.path, &error))
        };
        let mark = number("application_id")?;
        let schema = usize::try_from(number("user_version")?).unwrap_or(usize::MAX);
        let tables = self
            .connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0));
        let tables: i64 = tables.map_err(|error| bad(&self.path, &error))?;
        let is_fresh = mark == 0 && tables == 0;
        if mark != i64::from(self.owner.mark) && !is_fresh {
            let why = format!(
                "it belongs to another program, not to {}; name another file",
                self.owner.name
            );
            return Err(refused(&self.path, why));
        }
        if schema > MIGRATIONS.len() {
            let why = format!(
                "it has schema {schema}, and this release of {} knows {} at most; use the newer release",
                self.owner.name,
                MIGRATIONS.len()
            );
            return Err(refused(&self.path, why));
        }
        // The mark was compared with an i32, or is zero.
        Ok((mark as i32, schema))
    }

    fn set_up(&mut self) -> rusqlite::Result<()> {
        // One process at a time: the lock is taken by the first write below, and kept.
        self.connection
            .pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        self.connection.pragma_update(None, "journal_mode", "WAL")?;
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        let mark = self.owner.mark;
        let transaction = begin(&mut self.connection)?;
        let schema: u32 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        for step in MIGRATIONS.iter().skip(schema as usize) {
            transaction.execute_batch(step)?;
        }
        transaction.pragma_update(None, "application_id", mark)?;
        transaction.pragma_update(None, "user_version", MIGRATIONS.len() as u32)?;
        transaction.commit()
    }
}

impl Store for SqliteStore {
    fn put(&mut self, record: &Record) -> io::Result<()> {
        self.put_all([record], [])
    }

    fn keep(&mut self, at: Timestamp, records: &[Record], notes: &[Note]) -> io::Result<()> {
        let entries: Vec<Entry> = notes.iter().map(|note| Entry::of(at, note)).collect();
        self.put_all(records, &entries)
    }

    fn records(&self) -> Vec<Record> {
        let mut records = Vec::new();
        match self.each("", |record| records.push(record)) {
            Ok(()) => records,
            // The trait cannot say it; an agent must not go on from half of what it knew.
            Err(error) => panic!("{error}"),
        }
    }
}

fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

fn put_record(transaction: &Transaction<'_>, record: &Record) -> rusqlite::Result<()> {
    let Record { key, value } = record;
    if value.is_empty() {
        let mut statement = transaction.prepare_cached("DELETE FROM record WHERE key = ?1")?;
        return statement.execute([key]).map(|_| ());
    }
    let mut statement =
        transaction.prepare_cached("INSERT OR REPLACE INTO record (key, value) VALUES (?1, ?2)")?;
    statement.execute([key, value]).map(|_| ())
}

fn put_entry(transaction: &Transaction<'_>, entry: &Entry) -> rusqlite::Result<()> {
    let Entry {
        time,
        zone,
        kind,
        subject,
        text,
    } = entry;
    let mut statement = transaction.prepare_cached(
        "INSERT INTO log (time, zone, kind, subject, text) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    statement
        .execute(params![time.as_nanos(), zone, kind, subject, text])
        .map(|_| ())
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        time: Timestamp::from_nanos(row.get(0)?),
        zone: row.get(1)?,
        kind: row.get(2)?,
        subject: row.get(3)?,
        text: row.get(4)?,
    })
}

fn at(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn refused(path: &Path, why: impl AsRef<str>) -> io::Error {
    let text = format!("the store {}: {}", path.display(), why.as_ref());
    io::Error::new(io::ErrorKind::InvalidData, text)
}

fn bad(path: &Path, error: &rusqlite::Error) -> io::Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            let why = "another process uses it; wait until that has ended";
            io::Error::new(
                io::ErrorKind::ResourceBusy,
                format!("the store {}: {why}", path.display()),
            )
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            refused(path, format!("it is no store, or damaged ({error})"))
        }
        Some(ErrorCode::DiskFull) => io::Error::new(
            io::ErrorKind::StorageFull,
            format!("the store {}: the disk is full", path.display()),
        ),
        _ => io::Error::other(format!("the store {}: {error}", path.display())),
    }
}

#[cfg(test)]
mod tests;
