//! `--set signer.beta.dnskey-ttl=12h`: values written into the tree before it is read.
//!
//! Elements of lists of tables are chosen by name (`signer.beta`, `zone."example.test."`) or by
//! position from 1 (`event.3`). Values need no quotes.

use counterpoint_dns::name::parse_name;
use toml::de::{DeTable, DeValue};

use super::{
    reader::Report,
    tree::{Entry, Node, Place, Value, parse_words},
};
use crate::diagnostic::{nearest, one_of};

/// The lists of tables of a scenario file.
const LISTS: [&str; 6] = ["signer", "group", "zone", "resolver", "event", "fault"];

/// Writes the override `text`, as `K=V`, into the tree. Mistakes go to `report`.
pub fn apply(root: &mut Node, report: &mut Report, text: &str) {
    let source = report.add_source("--set", text);
    let whole = Place::new(source, 0..text.len());
    let fail = |place: Place, message: String, expected: String| {
        let mistake = report.at(place, "bad-override", message).expected(expected);
        report.add(place, mistake);
    };
    let usage = "expected KEY=VALUE, as signer.beta.dnskey-ttl=12h";
    let Some(equals) = find_equals(text) else {
        return fail(whole, "an override without a value".into(), usage.into());
    };
    let (path, words) = (&text[..equals], &text[equals + 1..]);
    let Some(keys) = parse_path(path) else {
        return fail(
            Place::new(source, 0..equals),
            format!("`{path}` is not a path of keys"),
            "expected keys with dots between them; a key that has a dot is quoted, as zone.\"example.test.\"".into(),
        );
    };
    let value = parse_words(words.trim(), Place::new(source, equals + 1..text.len()));
    let place = Place::new(source, 0..path.trim_end().len());
    if let Err((message, expected)) = write(root, &keys, value, place) {
        fail(place, message, expected);
    }
}

/// The first `=` outside quotes.
fn find_equals(text: &str) -> Option<usize> {
    let mut quote = None;
    text.char_indices().find_map(|(index, letter)| {
        match (quote, letter) {
            (None, '=') => return Some(index),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), letter) if open == letter => quote = None,
            _ => {}
        }
        None
    })
}

/// The keys of a dotted path, by TOML's own rules.
fn parse_path(path: &str) -> Option<Vec<String>> {
    if path.contains('\n') {
        return None;
    }
    let text = format!("{path} = 0");
    let table = DeTable::parse(&text).ok()?.into_inner();
    let mut keys = Vec::new();
    let mut next = Some(table);
    while let Some(table) = next {
        let (key, value) = table.into_iter().next()?;
        keys.push(key.into_inner().into_owned());
        next = match value.into_inner() {
            DeValue::Table(table) => Some(table),
            _ => None,
        };
    }
    Some(keys)
}

/// What is wrong, and what was expected.
type Refusal = (String, String);

fn write(node: &mut Node, keys: &[String], value: Node, place: Place) -> Result<(), Refusal> {
    let (mut node, mut keys) = (node, keys);
    loop {
        let [key, rest @ ..] = keys else {
            *node = value;
            return Ok(());
        };
        let kind = node.kind();
        let next = match &mut node.value {
            Value::Table(entries) => child(entries, key, rest.is_empty(), place)?,
            Value::List(items) => item(items, key)?,
            _ => {
                return Err((
                    format!("there is no `{key}` in {kind}"),
                    "expected the path of a value".into(),
                ));
            }
        };
        node = next;
        keys = rest;
    }
}

/// The value under `key`; a table that the file leaves out is made.
fn child<'a>(
    entries: &'a mut Vec<Entry>,
    key: &str,
    last: bool,
    place: Place,
) -> Result<&'a mut Node, Refusal> {
    let index = match entries.iter().position(|entry| entry.key == key) {
        Some(index) => index,
        None if !last && LISTS.contains(&key) => {
            return Err((
                format!("the file has no `[[{key}]]`"),
                "an override changes what is there, it adds no element".into(),
            ));
        }
        None => {
            entries.push(Entry {
                key: key.into(),
                place,
                node: Node {
                    value: Value::Table(Vec::new()),
                    place,
                    words: None,
                },
            });
            entries.len() - 1
        }
    };
    // The index was found, or is that of the entry just pushed.
    let entry = &mut entries[index];
    if last {
        entry.place = place;
    }
    Ok(&mut entry.node)
}

/// The element of a list that `key` chooses: by name, or by position from 1.
fn item<'a>(items: &'a mut [Node], key: &str) -> Result<&'a mut Node, Refusal> {
    let names: Vec<String> = items.iter().filter_map(name_of).collect();
    let count = items.len();
    let by_name = items
        .iter()
        .position(|item| name_of(item).is_some_and(|name| is_same(&name, key)));
    let by_number = key
        .parse()
        .ok()
        .and_then(|number: usize| number.checked_sub(1))
        .filter(|index| *index < count);
    match by_name.or(by_number) {
        Some(index) => Ok(&mut items[index]),
        None => {
            let known = names.iter().map(String::as_str);
            let expected = match nearest(key, known.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if names.is_empty() => format!("expected a position from 1 to {count}"),
                None => format!(
                    "expected {}, or a position from 1 to {count}",
                    one_of(known)
                ),
            };
            Err((format!("there is no element `{key}`"), expected))
        }
    }
}

fn name_of(node: &Node) -> Option<String> {
    let Value::Table(entries) = &node.value else {
        return None;
    };
    let entry = entries.iter().find(|entry| entry.key == "name")?;
    entry.node.text().map(Into::into)
}

/// Whether two names are the same, as text or as domain names.
fn is_same(a: &str, b: &str) -> bool {
    a == b || matches!((parse_name(a), parse_name(b)), (Ok(a), Ok(b)) if a == b)
}
