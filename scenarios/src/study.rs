//! Studies: questions that the simulator answers with tables, and the pages that show them.
//!
//! Owns which studies there are, and how a table gets into its page: `docs/studies/NAME.md` has it between
//! two markers. What the tables mean, the pages say.

mod algorithms;
mod automation;
mod notify;
mod round_trips;
mod table;
mod waits;

use std::{
    fs,
    path::{Path, PathBuf},
};

pub use self::table::Table;
use crate::{load::load_with, scenario::Scenario};

/// One question, and the tables that answer it.
#[derive(Clone, Copy, Debug)]
pub struct Study {
    /// Its name: that of its page, and of the folder of its scenario files.
    pub name: &'static str,
    /// Its tables, in the order of the page.
    pub tables: &'static [TableOf],
}

/// How a table of a study is made.
#[derive(Clone, Copy, Debug)]
pub struct TableOf {
    /// Its name within the study.
    pub name: &'static str,
    /// Whether it takes seconds only, so that tests make it anew.
    pub is_cheap: bool,
    /// Makes it.
    pub make: fn(&Bench) -> Result<Table, String>,
}

/// All of them.
pub const STUDIES: &[Study] = &[
    automation::STUDY,
    waits::STUDY,
    algorithms::STUDY,
    notify::STUDY,
    round_trips::STUDY,
];

/// What a study works with.
#[derive(Clone, Debug)]
pub struct Bench {
    /// The folder of scenario files, one folder a study.
    pub folder: PathBuf,
    /// How many scenarios are played at once.
    pub jobs: usize,
}

impl Bench {
    /// The scenario of a file below the folder, with overrides as `scanner.interval=1d`.
    fn scenario(&self, file: &str, sets: &[String]) -> Result<Scenario, String> {
        let path = self.folder.join(file);
        let path = path.display().to_string();
        let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        load_with(&path, &text, sets).map_err(|found| {
            let first = found.first().map(ToString::to_string);
            first.unwrap_or_else(|| format!("{path}: refused"))
        })
    }
}

impl Study {
    /// The study of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        STUDIES.iter().find(|study| study.name == name)
    }

    /// Its page below `docs`.
    pub fn page(&self, docs: &Path) -> PathBuf {
        docs.join("studies").join(format!("{}.md", self.name))
    }

    /// The text of its page with this table in its place; an error says which marker is missing.
    pub fn placed(&self, page: &str, name: &str, table: &Table) -> Result<String, String> {
        let begin = format!("<!-- table: {name} -->\n");
        let end = "<!-- end of table -->";
        let missing = |marker: &str| format!("{}.md: there is no line `{marker}`", self.name);
        let (before, rest) = page
            .split_once(&begin)
            .ok_or_else(|| missing(begin.trim_end()))?;
        let (_, after) = rest.split_once(end).ok_or_else(|| missing(end))?;
        Ok(format!("{before}{begin}{table}{end}{after}"))
    }
}
