//! A TOML document as a tree in which every key and value knows its place.
//!
//! Owns the step from text to tree. Knows nothing of scenarios. The tree exists, instead of a
//! derived deserialiser, so that *every* mistake of a file is reported and not only the first, and
//! so that `--set` can write into it before it is read.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// Where something stands: in which source, and from which byte to which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// 0 is the file; *n* is the *n*th `--set`.
    pub source: usize,
    /// First byte.
    pub start: usize,
    /// First byte after.
    pub end: usize,
}

impl Place {
    /// The bytes `range` of `source`.
    pub fn new(source: usize, range: Range<usize>) -> Self {
        Self {
            source,
            start: range.start,
            end: range.end,
        }
    }
}

/// One value.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it stands.
    pub place: Place,
    /// The words of a `--set`, which need no quotes where a text is wanted.
    pub words: Option<String>,
}

/// The kinds of values that TOML knows.
#[derive(Clone, Debug)]
pub enum Value {
    /// A string.
    Text(String),
    /// An integer of any size that a scenario can use.
    Integer(i128),
    /// A number with a fraction.
    Float(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// A date or time, as written.
    Moment(String),
    /// An array.
    List(Vec<Node>),
    /// A table.
    Table(Vec<Entry>),
}

/// One key of a table with its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub place: Place,
    /// Its value.
    pub node: Node,
}

impl Node {
    /// The text, if it is one (or may be read as one, coming from a `--set`).
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) | Value::Moment(text) => Some(text),
            _ => self.words.as_deref(),
        }
    }

    /// What people call this kind of value.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Text(_) => "a string",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a number",
            Value::Boolean(_) => "true or false",
            Value::Moment(_) => "a date",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
}

/// A syntax error: what is wrong, and where if the parser knows.
pub type SyntaxError = (String, Option<Range<usize>>);

/// Parses a document; on errors, all that the parser could find.
pub fn parse(text: &str) -> Result<Node, Vec<SyntaxError>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(errors
            .iter()
            .map(|error| (error.message().to_owned(), error.span()))
            .collect());
    }
    let place = Place::new(0, table.span());
    Ok(Node {
        value: Value::Table(entries(table.into_inner(), 0)),
        place,
        words: None,
    })
}

/// Parses the value of a `--set`: TOML if it is TOML, else the words themselves.
pub fn parse_words(words: &str, place: Place) -> Node {
    let value = match DeValue::parse(words) {
        Ok(parsed) => value(parsed.into_inner(), place.source),
        Err(_) => Value::Text(words.to_owned()),
    };
    let mut node = Node {
        value,
        place,
        words: Some(words.to_owned()),
    };
    settle(&mut node, place);
    node
}

/// Gives everything below `node` its place too: a `--set` is one place.
fn settle(node: &mut Node, place: Place) {
    node.place = place;
    match &mut node.value {
        Value::List(list) => list.iter_mut().for_each(|item| settle(item, place)),
        Value::Table(table) => table.iter_mut().for_each(|entry| {
            entry.place = place;
            settle(&mut entry.node, place);
        }),
        _ => {}
    }
}

fn entries(table: DeTable<'_>, source: usize) -> Vec<Entry> {
    let entry = |(key, node): (toml::Spanned<_>, toml::Spanned<DeValue<'_>>)| Entry {
        place: Place::new(source, key.span()),
        key: String::from(key.into_inner()),
        node: Node {
            place: Place::new(source, node.span()),
            value: value(node.into_inner(), source),
            words: None,
        },
    };
    table.into_iter().map(entry).collect()
}

fn value(value: DeValue<'_>, source: usize) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(digits) => i128::from_str_radix(digits.as_str(), digits.radix())
            .map_or(Value::Float(f64::INFINITY), Value::Integer),
        DeValue::Float(float) => Value::Float(float.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Value::Boolean(flag),
        DeValue::Datetime(moment) => Value::Moment(moment.to_string()),
        DeValue::Array(items) => Value::List(
            items
                .into_iter()
                .map(|item| Node {
                    place: Place::new(source, item.span()),
                    value: self::value(item.into_inner(), source),
                    words: None,
                })
                .collect(),
        ),
        DeValue::Table(table) => Value::Table(entries(table, source)),
    }
}
