//! What the operator declares, as one TOML file: the parent, signers, groups, zones, and how careful to
//! be. The file is the only place for it: commands that add, update or remove something edit it.
//!
//! A mistake is an error with file, line, column and remedy; nothing is ignored. A secret is in a file of
//! its own or in this one, which then nobody else may read; it is never shown.

mod check;
mod edit;
pub(crate) mod ksk;
mod secret;
mod serving;
pub(crate) mod span;
mod tables;

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
};

pub(crate) use edit::unknown;
pub use edit::{Edit, Edited, Field};
pub(crate) use secret::private_text;
pub use serving::{Serving, Token};

use counterpoint_dns::name::Name;

use crate::config::Config;
use tables::File;

/// A mistake in a declarations file, or with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadDeclaration {
    /// The file; with line and column, where the mistake has them.
    pub place: String,
    /// What is wrong, and what was expected.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl BadDeclaration {
    /// A mistake at a place.
    pub fn new(
        place: impl fmt::Display,
        what: impl fmt::Display,
        remedy: impl fmt::Display,
    ) -> Self {
        Self {
            place: place.to_string(),
            what: what.to_string(),
            remedy: remedy.to_string(),
        }
    }
}

impl fmt::Display for BadDeclaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            place,
            what,
            remedy,
        } = self;
        write!(f, "{place}: {what}\n  help: {remedy}")
    }
}

impl std::error::Error for BadDeclaration {}

/// What a file declares.
#[derive(Clone, Debug)]
pub struct Declarations {
    /// Where it was read.
    pub path: PathBuf,
    /// For the controller.
    pub config: Config,
    /// Where the controller remembers.
    pub store: PathBuf,
    /// What is noted about zones.
    pub meta: BTreeMap<Name, BTreeMap<String, String>>,
    /// How it is asked over the network, if it is.
    pub serving: Option<Serving>,
    /// Who may ask.
    pub tokens: Vec<Token>,
}

impl Declarations {
    /// Reads the file at `path`.
    pub fn load(path: &Path) -> Result<Self, BadDeclaration> {
        let text = fs::read_to_string(path).map_err(|error| {
            let remedy =
                "name it with --config FILE, or begin one with `counterpoint-controller init`";
            BadDeclaration::new(path.display(), error, remedy)
        })?;
        Self::read(path, &text)
    }

    /// Reads the text of the file at `path`.
    pub fn read(path: &Path, text: &str) -> Result<Self, BadDeclaration> {
        let file: File = toml::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            BadDeclaration::new(
                place(path, text, offset),
                error.message(),
                remedy(error.message()),
            )
        })?;
        check::Check { path, text }.declarations(file)
    }
}

/// A path as the file at `file` means it.
pub(crate) use check::beside;

/// The files with KSKs that the file at `path` declares for `zone`.
pub(crate) fn ksks(path: &Path, zone: &Name) -> Result<Vec<String>, BadDeclaration> {
    let unreadable =
        |error: &dyn fmt::Display| BadDeclaration::new(path.display(), error, "correct this file");
    let text = fs::read_to_string(path).map_err(|error| unreadable(&error))?;
    let file: File = toml::from_str(&text).map_err(|error| unreadable(&error))?;
    let mut zones = file.zone.into_iter();
    let table = zones.find(|table| table.name.get_ref().0 == *zone);
    let files = table.and_then(|table| table.ksks);
    let files = files.into_iter().flat_map(toml::Spanned::into_inner);
    Ok(files.map(|file| file.display().to_string()).collect())
}

/// File, line and column of an offset, both from 1.
fn place(path: &Path, text: &str, offset: usize) -> String {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    let column = before[start..].chars().count() + 1;
    format!("{}:{line}:{column}", path.display())
}

/// What to do about a kind of mistake.
fn remedy(message: &str) -> &'static str {
    let knows = |words: &str| message.starts_with(words);
    if knows("unknown field") {
        "correct the spelling, or remove the line: nothing in this file is ignored"
    } else if knows("unknown variant") {
        "use one of the words listed"
    } else if knows("missing field") {
        "add that line"
    } else {
        "correct this place; the file is read as a whole or not at all"
    }
}

#[cfg(test)]
mod tests;
