//! The folder of a campaign: settings, one line a run, and a file for each failure. A run that stands
//! in it is not played again, so a campaign that was cut off goes on where it was.

use std::{
    collections::BTreeSet,
    fmt,
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::campaign::Row;

/// What makes two campaigns the same: their runs have the same scenarios.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The seed of the campaign.
    pub seed: u64,
    /// The features that runs may enable.
    pub features: Vec<String>,
    /// Who judges.
    pub profiles: Vec<String>,
}

/// Why a folder cannot be used.
#[derive(Debug)]
pub enum Unusable {
    /// The disk says no.
    Io(PathBuf, io::Error),
    /// Another campaign lives there.
    Other(PathBuf),
    /// A line that is none of ours.
    Line(PathBuf, usize, String),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Other(path) => write!(
                f,
                "{}: the folder of a campaign with other settings; name another with --out",
                path.display()
            ),
            Self::Line(path, line, why) => {
                write!(
                    f,
                    "{}:{line}: not the result of a run ({why}); remove the line",
                    path.display()
                )
            }
        }
    }
}

impl std::error::Error for Unusable {}

/// An open folder.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    results: File,
}

const SETTINGS: &str = "campaign.json";
const RESULTS: &str = "results.jsonl";
const RESULTS_NEW: &str = "results.jsonl.new";
const FAILURES: &str = "failures";

impl Folder {
    /// Opens or makes the folder `path` of a campaign; with the runs that are in it already.
    pub fn open(path: &Path, settings: &Settings) -> Result<(Self, Vec<Row>), Unusable> {
        let io = |error| Unusable::Io(path.to_owned(), error);
        fs::create_dir_all(path.join(FAILURES)).map_err(io)?;
        let about = path.join(SETTINGS);
        match about.exists() {
            true if read_settings(path)? != *settings => return Err(Unusable::Other(path.into())),
            true => {}
            false => {
                let text = serde_json::to_string_pretty(settings).map_err(io::Error::other);
                fs::write(&about, text.map_err(io)? + "\n").map_err(io)?;
            }
        }
        let rows = read_rows(path)?;
        // Written anew beside, then moved: a line that was cut off goes, and nothing else can.
        let beside = path.join(RESULTS_NEW);
        let results = File::create(&beside).map_err(io)?;
        let mut folder = Self {
            path: path.into(),
            results,
        };
        let mut known = BTreeSet::new();
        let rows: Vec<Row> = rows
            .into_iter()
            .filter(|row| known.insert(row.run))
            .collect();
        for row in &rows {
            folder.write(row)?;
        }
        fs::rename(&beside, path.join(RESULTS)).map_err(io)?;
        Ok((folder, rows))
    }

    /// Adds a run.
    pub fn write(&mut self, row: &Row) -> Result<(), Unusable> {
        let io = |error| Unusable::Io(self.path.join(RESULTS), error);
        let text = serde_json::to_string(row)
            .map_err(io::Error::other)
            .map_err(io)?;
        self.results.write_all((text + "\n").as_bytes()).map_err(io)
    }

    /// Keeps a failing scenario; `end` is `toml`, or `shrunk.toml`. Returns its path.
    pub fn keep(&self, run: u64, end: &str, text: &str) -> Result<PathBuf, Unusable> {
        let path = self.path.join(FAILURES).join(format!("run-{run}.{end}"));
        fs::write(&path, text).map_err(|error| Unusable::Io(path.clone(), error))?;
        Ok(path)
    }
}

/// Joins the folders of shards into `out`; returns the rows of all, each run once.
pub fn merge(shards: &[PathBuf], out: &Path) -> Result<Vec<Row>, Unusable> {
    let Some(first) = shards.first() else {
        return Ok(Vec::new());
    };
    let settings = read_settings(first)?;
    let mut rows = Vec::new();
    for shard in shards {
        if read_settings(shard)? != settings {
            return Err(Unusable::Other(shard.clone()));
        }
        rows.extend(read_rows(shard)?);
    }
    rows.sort_by_key(|row| row.run);
    rows.dedup_by_key(|row| row.run);
    let (mut folder, known) = Folder::open(out, &settings)?;
    let known: BTreeSet<u64> = known.iter().map(|row| row.run).collect();
    for row in rows.iter().filter(|row| !known.contains(&row.run)) {
        folder.write(row)?;
    }
    for shard in shards {
        let from = shard.join(FAILURES);
        let io = |error| Unusable::Io(from.clone(), error);
        for entry in fs::read_dir(&from).map_err(io)? {
            let entry = entry.map_err(io)?;
            let to = out.join(FAILURES).join(entry.file_name());
            if !to.exists() {
                fs::copy(entry.path(), to).map_err(io)?;
            }
        }
    }
    read_rows(out)
}

fn read_settings(path: &Path) -> Result<Settings, Unusable> {
    let path = path.join(SETTINGS);
    let text = fs::read_to_string(&path).map_err(|error| Unusable::Io(path.clone(), error))?;
    serde_json::from_str(&text)
        .map_err(|error| Unusable::Line(path, error.line(), error.to_string()))
}

/// The rows of a folder; an unfinished last line is left out.
pub fn read_rows(path: &Path) -> Result<Vec<Row>, Unusable> {
    let path = path.join(RESULTS);
    let io = |error| Unusable::Io(path.clone(), error);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io(error)),
    };
    let mut rows = Vec::new();
    let mut lines = BufReader::new(file).split(b'\n').enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let line = line.map_err(io)?;
        match serde_json::from_slice(&line) {
            Ok(row) => rows.push(row),
            Err(_) if lines.peek().is_none() => {}
            Err(error) => return Err(Unusable::Line(path, number + 1, error.to_string())),
        }
    }
    Ok(rows)
}
