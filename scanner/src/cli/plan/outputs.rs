//! The files of a run: decisions, verdicts and notices as they come, the report from them at the end.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use counterpoint_dns::{
    name::{Name, parse_name},
    time::Timestamp,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    cli::{Failure, setup::Setup},
    output::{
        Decision,
        html::{Head, Report},
        notice::{self, Told},
        summary::{Row, Summary, write_row},
    },
    plan::Kind,
};

const DECISIONS: &str = "decisions.jsonl";
const VERDICTS: &str = "verdicts.csv";
const NOTICES: &str = "notices.jsonl";

/// The files that grow during a run.
pub struct Outputs {
    decisions: BufWriter<File>,
    verdicts: csv::Writer<File>,
    notices: BufWriter<File>,
    /// How many notices there are.
    count: usize,
}

impl Outputs {
    /// Begins them in a directory, anew but for the lines about children that `is_done` knows.
    pub fn begin(directory: &Path, is_done: &dyn Fn(&Name) -> bool) -> Result<Self, Failure> {
        fs::create_dir_all(directory)?;
        let is_decided = |line: &str| {
            let decision = serde_json::from_str::<Decision>(line);
            decision.is_ok_and(|decision| is_done(&decision.name()))
        };
        let (decisions, _) = lines_anew(&directory.join(DECISIONS), is_decided)?;
        let is_told = |line: &str| {
            let told = serde_json::from_str::<Told>(line);
            told.is_ok_and(|told| is_done(&told.name()))
        };
        let (notices, count) = lines_anew(&directory.join(NOTICES), is_told)?;
        let verdicts = anew(&directory.join(VERDICTS), |old, fresh| {
            let mut fresh = csv::WriterBuilder::new()
                .has_headers(false)
                .from_writer(fresh);
            fresh.write_record(Row::HEAD)?;
            let rows = csv::Reader::from_reader(old).into_deserialize::<Row>();
            for row in rows.filter_map(Result::ok) {
                if parse_name(&row.child).is_ok_and(|child| is_done(&child)) {
                    fresh.serialize(row)?;
                }
            }
            Ok(fresh)
        })?;
        Ok(Self {
            decisions,
            verdicts,
            notices,
            count,
        })
    }

    /// Adds a decision, and what people are told of it. Of the quiet ones, where nothing was asked for,
    /// only the verdicts are kept.
    pub fn add(&mut self, decision: &Decision, told: &[Told]) -> Result<(), Failure> {
        self.notices.write_all(notice::lines(told).as_bytes())?;
        self.count += told.len();
        write_row(&mut self.verdicts, decision)?;
        if !decision.is_quiet() {
            serde_json::to_writer(&mut self.decisions, decision).map_err(io::Error::from)?;
            self.decisions.write_all(b"\n")?;
        }
        Ok(())
    }

    /// How many notices there are.
    pub fn notices(&self) -> usize {
        self.count
    }

    /// Hands everything to the system.
    pub fn flush(&mut self) -> io::Result<()> {
        self.decisions.flush()?;
        self.notices.flush()?;
        self.verdicts.flush()
    }

    /// Ends them, and makes the report of them; returns its index page.
    pub fn finish(
        mut self,
        directory: &Path,
        command: &str,
        setup: &Setup,
        began: Timestamp,
        about: &[(String, String)],
    ) -> Result<PathBuf, Failure> {
        self.flush()?;
        let head = Head {
            zone: setup.parent.zone().to_string(),
            time: began.to_string(),
            command: command.into(),
            about: about.to_vec(),
        };
        let mut report = Report::new(&directory.join("report"), head)?;
        let decisions = BufReader::new(File::open(directory.join(DECISIONS))?);
        for line in decisions.lines() {
            let decision = serde_json::from_str::<Decision>(&line?);
            report.page(&decision.map_err(io::Error::from)?)?;
        }
        let (summary, kinds) = read_back_with(directory, |row| report.list(row))?;
        Ok(report.finish(&summary, &kinds)?)
    }
}

/// What the verdicts of a directory come to.
pub fn read_back(directory: &Path) -> Result<(Summary, BTreeMap<Kind, u64>), Failure> {
    read_back_with(directory, |_| {})
}

fn read_back_with(
    directory: &Path,
    mut see: impl FnMut(&Row),
) -> Result<(Summary, BTreeMap<Kind, u64>), Failure> {
    let (mut summary, mut kinds) = (Summary::default(), BTreeMap::new());
    let mut reader = csv::Reader::from_path(directory.join(VERDICTS)).map_err(io::Error::from)?;
    for row in reader.deserialize() {
        let row: Row = row.map_err(io::Error::from)?;
        see(&row);
        summary.add_row(&row);
        if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == row.change) {
            *kinds.entry(kind).or_default() += 1;
        }
    }
    Ok((summary, kinds))
}

/// Begins a file of lines anew, with those of the old one that are to be kept; how many these are.
fn lines_anew(path: &Path, is_kept: impl Fn(&str) -> bool) -> io::Result<(BufWriter<File>, usize)> {
    anew(path, |old, fresh| {
        let (mut fresh, mut count) = (BufWriter::new(fresh), 0);
        // The last line may have been cut off by a crash; so may a character in it.
        let lines = BufReader::new(old).lines().map_while(Result::ok);
        for line in lines.filter(|line| is_kept(line)) {
            writeln!(fresh, "{line}")?;
            count += 1;
        }
        Ok((fresh, count))
    })
}

/// Begins a file anew, with what `keep` takes over from the old one, line by line.
fn anew<W>(
    path: &Path,
    keep: impl FnOnce(Box<dyn io::Read>, File) -> io::Result<W>,
) -> io::Result<W> {
    let old: Box<dyn io::Read> = match File::open(path) {
        Ok(old) => Box::new(old),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Box::new(io::empty()),
        Err(error) => return Err(error),
    };
    let fresh = PathBuf::from(format!("{}.new", path.display()));
    let kept = keep(old, File::create(&fresh)?)?;
    // What is buffered follows: the file is the same under its new name.
    fs::rename(&fresh, path)?;
    Ok(kept)
}

/// Writes a file as a whole or not at all, and makes it durable.
pub fn write_durably(path: &Path, text: &str) -> io::Result<()> {
    let directory = path.parent().filter(|parent| *parent != Path::new(""));
    let directory = directory.unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let fresh = PathBuf::from(format!("{}.new", path.display()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    // The new name is durable when its directory is.
    File::open(directory)?.sync_all()
}

/// Progress, for people who wait.
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar of `count` children, seen only if `shown`.
    pub fn new(count: usize, shown: bool) -> Self {
        if !shown {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::with_draw_target(Some(count as u64), ProgressDrawTarget::stderr());
        let shape = "{bar:30} {pos}/{len} children, {per_sec}, {eta} to go";
        if let Ok(style) = ProgressStyle::with_template(shape) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// One more.
    pub fn step(&mut self) {
        self.0.inc(1);
    }

    /// The end.
    pub fn finish(&mut self) {
        self.0.finish_and_clear();
    }
}
