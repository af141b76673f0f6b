//! Reading a table key by key, with every mistake reported and every key accounted for.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::tree::{Entry, Node, Place, Value};
use crate::{
    diagnostic::{Diagnostic, nearest, one_of},
    scenario::Setting,
};

/// The sources of one scenario, where everything stands in them, and the mistakes so far.
#[derive(Debug, Default)]
pub struct Report {
    sources: Vec<(String, Arc<str>)>,
    places: BTreeMap<String, Place>,
    mistakes: RefCell<Vec<(Place, Diagnostic)>>,
    spoilt: RefCell<BTreeSet<String>>,
}

impl Report {
    /// A report on one file.
    pub fn new(path: &str, text: &str) -> Self {
        Self {
            sources: vec![(path.into(), text.into())],
            ..Self::default()
        }
    }

    /// Adds a `--set`; returns its number.
    pub fn add_source(&mut self, name: &str, text: &str) -> usize {
        self.sources.push((name.into(), text.into()));
        self.sources.len() - 1
    }

    /// Remembers where everything below `node` stands, under paths as `signer.2.name`.
    pub fn learn(&mut self, path: &str, node: &Node) {
        self.places.insert(path.into(), node.place);
        match &node.value {
            Value::Table(entries) => entries
                .iter()
                .for_each(|entry| self.learn(&join(path, &entry.key), &entry.node)),
            Value::List(items) => items
                .iter()
                .enumerate()
                .for_each(|(index, item)| self.learn(&join(path, &(index + 1).to_string()), item)),
            _ => {}
        }
    }

    /// A mistake at `place`; to be completed and handed to [`Report::add`].
    pub fn at(&self, place: Place, code: &'static str, message: impl Into<String>) -> Diagnostic {
        let none = (String::new(), Arc::from(""));
        let (path, source) = self.sources.get(place.source).unwrap_or(&none);
        Diagnostic::new(code, path, source, place.start..place.end, message)
    }

    /// Adds a mistake.
    pub fn add(&self, place: Place, diagnostic: Diagnostic) {
        self.mistakes.borrow_mut().push((place, diagnostic));
    }

    /// The place of `path`, or of the nearest thing around it that the file has.
    pub fn place(&self, path: &str) -> Place {
        let mut path = path;
        loop {
            if let Some(place) = self.places.get(path) {
                return *place;
            }
            match path.rsplit_once('.') {
                Some((parent, _)) => path = parent,
                None => return self.places.get("").copied().unwrap_or_default(),
            }
        }
    }

    /// Whether the file says anything at `path`.
    pub fn has(&self, path: &str) -> bool {
        self.places.contains_key(path)
    }

    /// Notes that the value at `path` was refused, so that nothing more is said about it.
    pub fn spoil(&self, path: &str) {
        self.spoilt.borrow_mut().insert(path.into());
    }

    /// Whether the value at `path`, or anything in or around it, was refused.
    pub fn is_spoilt(&self, path: &str) -> bool {
        let inside = |outer: &str, inner: &str| {
            inner
                .strip_prefix(outer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let spoilt = self.spoilt.borrow();
        spoilt
            .iter()
            .any(|bad| inside(bad, path) || inside(path, bad))
    }

    /// Whether some name of the list of tables `[[list]]` was refused, so that not all are known.
    pub fn lacks_names(&self, list: &str) -> bool {
        let name = format!("{list}.name");
        let spoilt = self.spoilt.borrow();
        let mut generic = spoilt.iter().map(|path| generic(path));
        generic.any(|path| path == list || path == name)
    }

    /// All mistakes, in the order of the file, the `--set`s last.
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        let mut mistakes = self.mistakes.into_inner();
        mistakes.sort_by_key(|(place, diagnostic)| (*place, diagnostic.code));
        mistakes.into_iter().map(|(_, mistake)| mistake).collect()
    }
}

/// A path without its numbers: `signer.2.name` is `signer.name`.
fn generic(path: &str) -> String {
    let parts = path.split('.');
    let keys: Vec<&str> = parts
        .filter(|part| part.parse::<usize>().is_err())
        .collect();
    keys.join(".")
}

fn join(path: &str, key: &str) -> String {
    match path {
        "" => key.into(),
        path => format!("{path}.{key}"),
    }
}

/// One value, with what is needed to complain about it.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    /// The value.
    pub node: &'a Node,
    /// Its path, as `signer.2.name`.
    pub path: String,
    /// Where mistakes go.
    pub report: &'a Report,
}

impl<'a> Field<'a> {
    /// Reports a mistake at this value.
    pub fn fail<T>(
        &self,
        code: &'static str,
        message: impl Into<String>,
        complete: impl FnOnce(Diagnostic) -> Diagnostic,
    ) -> Option<T> {
        let diagnostic = self.report.at(self.node.place, code, message);
        self.report.add(self.node.place, complete(diagnostic));
        self.report.spoil(&self.path);
        None
    }

    /// The key alone: `name` of `signer.2.name`.
    pub fn key(&self) -> &str {
        let mut parts = self.path.rsplit('.');
        parts
            .find(|part| part.parse::<usize>().is_err())
            .unwrap_or(&self.path)
    }

    /// Reports that the value is of the wrong kind.
    pub fn mismatch<T>(&self, expected: &str) -> Option<T> {
        let kind = self.node.kind();
        let message = format!("`{}` cannot be {kind}", self.key());
        self.fail("wrong-type", message, |d| {
            d.expected(format!("expected {expected}"))
        })
    }

    /// The text, or a complaint.
    pub fn text(&self, expected: &str) -> Option<&'a str> {
        match self.node.text() {
            Some(text) => Some(text),
            None => self.mismatch(expected),
        }
    }

    /// The elements of a list, or a complaint.
    pub fn items(&self, expected: &str) -> Option<Vec<Field<'a>>> {
        let Value::List(items) = &self.node.value else {
            return self.mismatch(expected);
        };
        let field = |(index, node)| Field {
            node,
            path: format!("{}.{}", self.path, index + 1),
            report: self.report,
        };
        Some(items.iter().enumerate().map(field).collect())
    }

    /// A reader of the table that this is, or a complaint.
    pub fn table(&self) -> Option<Reader<'a>> {
        match &self.node.value {
            Value::Table(entries) => Some(Reader {
                entries,
                place: self.node.place,
                path: self.path.clone(),
                report: self.report,
                known: Vec::new(),
            }),
            _ => self.mismatch("a table"),
        }
    }

    /// Reads the value as a `T`.
    pub fn read<T: Setting>(&self) -> Option<T> {
        T::read(self)
    }
}

/// Reads one table; knows which keys were asked for, so that the rest are mistakes.
#[derive(Debug)]
pub struct Reader<'a> {
    entries: &'a [Entry],
    place: Place,
    path: String,
    report: &'a Report,
    known: Vec<&'static str>,
}

impl<'a> Reader<'a> {
    /// The value under `key`, if there is one.
    pub fn field(&mut self, key: &'static str) -> Option<Field<'a>> {
        self.known.push(key);
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(Field {
            node: &entry.node,
            path: join(&self.path, key),
            report: self.report,
        })
    }

    /// The value under `key`, or the default.
    pub fn read<T: Setting>(&mut self, key: &'static str, default: T) -> T {
        let read = self.field(key).and_then(|field| field.read());
        read.unwrap_or(default)
    }

    /// The value under `key`, or a complaint that it is missing.
    pub fn required<T: Setting>(&mut self, key: &'static str) -> Option<T> {
        if let Some(field) = self.field(key) {
            return field.read();
        }
        let diagnostic = self
            .report
            .at(self.place, "missing-key", format!("`{key}` is missing"))
            .expected(format!("this needs `{key} = …`"));
        self.report.add(self.place, diagnostic);
        self.report.spoil(&join(&self.path, key));
        None
    }

    /// Complains about every key that nobody asked for.
    pub fn finish(self) {
        let of = match self.path.as_str() {
            "" => String::new(),
            path => format!(" of `{}`", generic(path)),
        };
        for entry in self.entries {
            let key = entry.key.as_str();
            if self.known.contains(&key) {
                continue;
            }
            let diagnostic = self.report.at(
                entry.place,
                "unknown-key",
                format!("unknown key `{key}`{of}"),
            );
            let diagnostic = match nearest(key, self.known.iter().copied()) {
                Some(near) => diagnostic
                    .expected("no such key")
                    .suggest(format!("did you mean `{near}`?")),
                None => diagnostic.expected(format!(
                    "known here: {}",
                    one_of(self.known.iter().copied())
                )),
            };
            self.report.add(entry.place, diagnostic);
        }
    }
}
