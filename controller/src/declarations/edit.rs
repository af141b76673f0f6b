//! Changes of a declarations file: an entity is added, updated or removed; all else stays as it is, to the
//! comment.
//!
//! What comes out is read back before it is written, so that a file that was good stays good; and it takes
//! the old one's place in one step.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value, value};

use super::{BadDeclaration, Declarations};

/// A value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// A word.
    Text(String),
    /// Words.
    Texts(Vec<String>),
    /// A table of words.
    Table(Vec<(&'static str, String)>),
    /// The same with keys that somebody chose.
    Words(Vec<(String, String)>),
    /// A table of lists of words.
    Lists(Vec<(String, Vec<String>)>),
    /// None: the key is taken out.
    Absent,
}

/// A change of one entity: of a table in one of the lists `signer`, `group` and `zone`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// It is new.
    Add(Vec<(&'static str, Field)>),
    /// These keys of it change.
    Update(Vec<(&'static str, Field)>),
    /// It goes.
    Remove,
}

/// A file that would come out of a change.
#[derive(Debug)]
pub struct Edited {
    /// What it declares.
    pub declarations: Declarations,
    text: String,
}

impl Edit {
    /// What comes out of this change of the `kind` called `name`. Nothing is written.
    pub fn of(&self, path: &Path, kind: &str, name: &str) -> Result<Edited, BadDeclaration> {
        let unreadable = |error: &dyn std::fmt::Display| {
            let remedy =
                "name it with --config FILE, or begin one with `counterpoint-controller init`";
            BadDeclaration::new(path.display(), error, remedy)
        };
        let text = fs::read_to_string(path).map_err(|error| unreadable(&error))?;
        Declarations::read(path, &text)?;
        let mut document: DocumentMut = text.parse().map_err(|error| unreadable(&error))?;
        let list = document
            .entry(kind)
            .or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
        let Some(list) = list.as_array_of_tables_mut() else {
            let what = format!("`{kind}` is not written as [[{kind}]]");
            return Err(BadDeclaration::new(path.display(), what, "write it so"));
        };
        let is_it = |table: &Table| {
            table
                .get("name")
                .and_then(Item::as_str)
                .is_some_and(|known| same(kind, known, name))
        };
        let index = list.iter().position(is_it);
        match (self, index) {
            (Self::Add(fields), None) => {
                let mut table = Table::new();
                table["name"] = value(name);
                fields
                    .iter()
                    .for_each(|(key, field)| field.put(&mut table, key));
                list.push(table);
            }
            (Self::Update(fields), Some(index)) => {
                if let Some(table) = list.get_mut(index) {
                    fields.iter().for_each(|(key, field)| field.put(table, key));
                }
            }
            (Self::Remove, Some(index)) => {
                list.remove(index);
            }
            (Self::Add(_), Some(_)) => {
                let what = format!("the {kind} `{name}` is declared already");
                let remedy = format!("change it with `{kind} update`, or choose another name");
                return Err(BadDeclaration::new(path.display(), what, remedy));
            }
            (_, None) => return Err(unknown(path, kind, name)),
        }
        let text = document.to_string();
        let declarations = Declarations::read(path, &text)?;
        Ok(Edited { declarations, text })
    }
}

/// There is no such entity.
pub(crate) fn unknown(path: &Path, kind: &str, name: &str) -> BadDeclaration {
    let what = format!("no {kind} `{name}` is declared");
    let remedy = format!("`{kind} list` shows those that are; `{kind} add` declares one");
    BadDeclaration::new(path.display(), what, remedy)
}

/// Whether two names mean the same: those of zones do with and without the last dot, in any case.
fn same(kind: &str, one: &str, other: &str) -> bool {
    let parse = counterpoint_dns::name::parse_name;
    match (kind, parse(one), parse(other)) {
        ("zone", Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

impl Field {
    fn put(&self, table: &mut Table, key: &str) {
        let texts = |texts: &[String]| Value::Array(texts.iter().collect());
        let new = match self {
            Self::Absent => {
                table.remove(key);
                return;
            }
            Self::Text(text) => text.into(),
            Self::Texts(all) => texts(all),
            Self::Table(pairs) => {
                let pairs = pairs.iter().map(|(key, text)| (*key, text.as_str()));
                Value::InlineTable(InlineTable::from_iter(pairs))
            }
            Self::Words(pairs) => {
                let pairs = pairs
                    .iter()
                    .map(|(key, text)| (key.as_str(), text.as_str()));
                Value::InlineTable(InlineTable::from_iter(pairs))
            }
            Self::Lists(lists) => {
                let lists = lists.iter().map(|(key, list)| (key.as_str(), texts(list)));
                Value::InlineTable(InlineTable::from_iter(lists))
            }
        };
        table[key] = value(new);
    }
}

impl Edited {
    /// Writes it in the place of the old file.
    pub fn write(&self) -> Result<(), BadDeclaration> {
        let path = &self.declarations.path;
        let write = || -> std::io::Result<()> {
            let fresh = PathBuf::from(format!("{}.new", path.display()));
            let mut file = File::create(&fresh)?;
            file.set_permissions(fs::metadata(path)?.permissions())?;
            file.write_all(self.text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&fresh, path)
        };
        write().map_err(|error| {
            let remedy = "make the file and its directory writable";
            BadDeclaration::new(path.display(), error, remedy)
        })
    }
}
