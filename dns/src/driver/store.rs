//! Where an agent's records become durable, and from where it is restored.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crate::{
    agent::{Note, Record},
    time::Timestamp,
};

/// Keeps the newest record under each key.
pub trait Store {
    /// Makes `record` durable: when this returns, it survives whatever happens to the process.
    fn put(&mut self, record: &Record) -> io::Result<()>;

    /// Makes what an agent said in one go durable: its records, and its notes where this store keeps
    /// a log.
    fn keep(&mut self, _at: Timestamp, records: &[Record], _notes: &[Note]) -> io::Result<()> {
        records.iter().try_for_each(|record| self.put(record))
    }

    /// The newest records, by key: what an agent is restored from.
    fn records(&self) -> Vec<Record>;
}

/// Keeps records as long as the process lives: for tests, and for agents that may forget.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryStore(BTreeMap<String, String>);

impl MemoryStore {
    fn take(&mut self, key: String, value: String) {
        match value.is_empty() {
            true => self.0.remove(&key),
            false => self.0.insert(key, value),
        };
    }
}

impl Store for MemoryStore {
    fn put(&mut self, record: &Record) -> io::Result<()> {
        self.take(record.key.clone(), record.value.clone());
        Ok(())
    }

    fn records(&self) -> Vec<Record> {
        let record = |(key, value): (&String, &String)| Record {
            key: key.clone(),
            value: value.clone(),
        };
        self.0.iter().map(record).collect()
    }
}

/// Keeps records in a file, one line each, newest last. It grows until it is opened again, which
/// writes it out afresh. One process at a time.
#[derive(Debug)]
pub struct FileStore {
    file: File,
    kept: MemoryStore,
}

impl FileStore {
    /// Opens the store at `path`, or begins one. A last line that was cut off by a crash was never
    /// confirmed to anybody, and is dropped; any other line that is no record is an error.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut kept = MemoryStore::default();
        let octets = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        let lines = octets.split_inclusive(|octet| *octet == b'\n');
        for (number, line) in lines.enumerate() {
            let Some(line) = line.strip_suffix(b"\n") else {
                continue;
            };
            let text = str::from_utf8(line).ok();
            let Some((key, value)) = text.and_then(|text| text.split_once('\t')) else {
                let why = format!("{}:{}: not a record", path.display(), number + 1);
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            };
            kept.take(unescape(key), unescape(value));
        }
        let fresh = PathBuf::from(format!("{}.new", path.display()));
        let mut file = File::create(&fresh)?;
        for record in kept.records() {
            file.write_all(line(&record).as_bytes())?;
        }
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        // The new name is durable when its directory is.
        let directory = path.parent().filter(|parent| *parent != Path::new(""));
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(Self { file, kept })
    }
}

impl Store for FileStore {
    fn put(&mut self, record: &Record) -> io::Result<()> {
        self.file.write_all(line(record).as_bytes())?;
        self.file.sync_data()?;
        self.kept.put(record)
    }

    fn records(&self) -> Vec<Record> {
        self.kept.records()
    }
}

fn line(record: &Record) -> String {
    format!("{}\t{}\n", escape(&record.key), escape(&record.value))
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('\t', "\\t")
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut marks = text.chars();
    while let Some(mark) = marks.next() {
        plain.push(match mark {
            '\\' => match marks.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                other => other.unwrap_or('\\'),
            },
            mark => mark,
        });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &str, value: &str) -> Record {
        Record {
            key: key.into(),
            value: value.into(),
        }
    }

    #[test]
    fn a_file_keeps_the_newest_and_survives_a_torn_line() {
        let name = format!("counterpoint-store-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_file(&path);
        let odd = record("a\tb", "line\none\\n");
        let mut store = FileStore::open(&path).unwrap();
        for put in [
            &record("gone", "1"),
            &odd,
            &record("k", "old"),
            &record("k", "new"),
            &record("gone", ""),
        ] {
            store.put(put).unwrap();
        }
        // Cut inside a character.
        store.file.write_all(b"k\ttorn \xc3").unwrap();
        drop(store);
        let store = FileStore::open(&path).unwrap();
        assert_eq!(store.records(), [odd, record("k", "new")]);
        fs::write(&path, "no record\n").unwrap();
        let error = FileStore::open(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        fs::remove_file(&path).unwrap();
    }
}
