//! What the registry knows of each child, from its export: CSV with a head, or JSON.
//!
//! One row or object a child. Its name is `domain`; the rest are the fields of [`Facts`], each of which
//! may be left out: `registrar`, `locks` (EPP statuses), `changed` (RFC 3339), `registrar-automates`,
//! `registrar-can-disable`, `opted-out`.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, Read},
};

use counterpoint_dns::name::{Name, parse_name};
use serde_json::{Map, Value, json};

use super::{BadInput, Parent, key::key_of};
use crate::registry::Facts;

const FIELDS: [&str; 7] = [
    "domain",
    "registrar",
    "locks",
    "changed",
    "registrar-automates",
    "registrar-can-disable",
    "opted-out",
];
/// Statuses of RFC 5731 §2.3 that say nothing about changes of a delegation by its child.
const OTHER_STATUSES: [&str; 15] = [
    "ok",
    "inactive",
    "clientDeleteProhibited",
    "clientHold",
    "clientRenewProhibited",
    "clientTransferProhibited",
    "pendingCreate",
    "pendingDelete",
    "pendingRenew",
    "pendingTransfer",
    "pendingUpdate",
    "serverDeleteProhibited",
    "serverHold",
    "serverRenewProhibited",
    "serverTransferProhibited",
];
const LOCKS: [&str; 2] = ["clientUpdateProhibited", "serverUpdateProhibited"];
const FORM: &str = "give CSV with a head line, or JSON objects, with the fields domain, registrar, locks, \
    changed, registrar-automates, registrar-can-disable, opted-out";

/// The facts of all children in an export.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    facts: BTreeMap<Box<[u8]>, Facts>,
}

impl Registry {
    /// What is known of a child.
    pub fn facts(&self, child: &Name) -> Facts {
        self.facts.get(&*key_of(child)).cloned().unwrap_or_default()
    }

    /// How many children there are.
    pub fn len(&self) -> usize {
        self.facts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// How many of them the parent does not delegate.
    pub fn strangers(&self, parent: &Parent) -> usize {
        let delegated: BTreeSet<Box<[u8]>> =
            parent.children().map(|child| key_of(&child)).collect();
        self.facts
            .keys()
            .filter(|key| !delegated.contains(*key))
            .count()
    }

    /// Reads an export; JSON is recognised by its first character.
    pub fn read(place: &str, mut export: impl BufRead) -> Result<Self, BadInput> {
        let unreadable = |error| BadInput::new(place, error, "see that it can be read");
        let first = loop {
            let piece = export.fill_buf().map_err(unreadable)?;
            match piece.first().copied() {
                Some(octet) if octet.is_ascii_whitespace() => export.consume(1),
                first => break first,
            }
        };
        let mut registry = Self::default();
        match first {
            Some(b'[') => registry.read_array(place, export)?,
            Some(b'{') => registry.read_lines(place, export)?,
            Some(_) => registry.read_csv(place, export)?,
            None => return Err(BadInput::new(place, "it is empty", FORM)),
        }
        Ok(registry)
    }

    fn read_array(&mut self, place: &str, export: impl Read) -> Result<(), BadInput> {
        let rows: Vec<Map<String, Value>> = serde_json::from_reader(export)
            .map_err(|error| BadInput::new(format!("{place}:{}", error.line()), error, FORM))?;
        for (index, row) in rows.into_iter().enumerate() {
            let at = format!("{place}: object {}", index + 1);
            self.take(row)
                .map_err(|what| BadInput::new(at, what, FORM))?;
        }
        Ok(())
    }

    fn read_lines(&mut self, place: &str, export: impl BufRead) -> Result<(), BadInput> {
        for (index, line) in export.lines().enumerate() {
            let at = format!("{place}:{}", index + 1);
            let bad = |what: &dyn std::fmt::Display| BadInput::new(&at, what, FORM);
            let line = line.map_err(|error| bad(&error))?;
            if line.trim().is_empty() {
                continue;
            }
            let row = serde_json::from_str(&line).map_err(|error| bad(&error))?;
            self.take(row).map_err(|what| bad(&what))?;
        }
        Ok(())
    }

    fn read_csv(&mut self, place: &str, export: impl Read) -> Result<(), BadInput> {
        let mut rows = csv::Reader::from_reader(export);
        let bad = |line: Option<u64>, what: &dyn std::fmt::Display| {
            let line = line.unwrap_or(1);
            BadInput::new(format!("{place}:{line}"), what, FORM)
        };
        let line_of = |error: &csv::Error| error.position().map(|position| position.line());
        let head = rows
            .headers()
            .map_err(|error| bad(line_of(&error), &error))?
            .clone();
        if !head.iter().any(|field| field == "domain") {
            return Err(bad(Some(1), &"the head line names no field `domain`"));
        }
        for row in rows.records() {
            let row = row.map_err(|error| bad(line_of(&error), &error))?;
            let line = row.position().map(|position| position.line());
            let fields = head.iter().zip(row.iter());
            let fields = fields.filter(|(_, value)| !value.is_empty());
            let object: Map<String, Value> = fields
                .map(|(field, value)| (field.to_string(), cell(field, value)))
                .collect();
            self.take(object).map_err(|what| bad(line, &what))?;
        }
        Ok(())
    }

    fn take(&mut self, mut row: Map<String, Value>) -> Result<(), String> {
        if let Some(unknown) = row.keys().find(|field| !FIELDS.contains(&field.as_str())) {
            return Err(format!("there is no field `{unknown}`"));
        }
        let Some(Value::String(domain)) = row.remove("domain") else {
            return Err("no field `domain`".into());
        };
        let domain = parse_name(&domain).map_err(|error| error.to_string())?;
        if let Some(Value::Array(locks)) = row.get_mut("locks") {
            for lock in locks.iter() {
                let known = lock
                    .as_str()
                    .is_some_and(|lock| LOCKS.contains(&lock) || OTHER_STATUSES.contains(&lock));
                if !known {
                    return Err(format!("{lock} is no status of RFC 5731"));
                }
            }
            locks.retain(|lock| lock.as_str().is_some_and(|lock| LOCKS.contains(&lock)));
        }
        let facts: Facts =
            serde_json::from_value(Value::Object(row)).map_err(|error| error.to_string())?;
        match self.facts.insert(key_of(&domain), facts) {
            None => Ok(()),
            Some(_) => Err(format!("{domain} is there twice")),
        }
    }
}

/// A cell of CSV as JSON has it: statuses apart, `yes` and `no` as truth.
fn cell(field: &str, value: &str) -> Value {
    match field {
        "locks" => {
            let statuses = value
                .split([' ', ';', '|', ','])
                .filter(|status| !status.is_empty());
            json!(Vec::from_iter(statuses))
        }
        "registrar-automates" | "registrar-can-disable" | "opted-out" => match value {
            "yes" | "true" | "1" => json!(true),
            "no" | "false" | "0" => json!(false),
            other => json!(other),
        },
        _ => json!(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Lock;

    fn name(text: &str) -> Name {
        parse_name(text).unwrap()
    }

    #[test]
    fn csv_and_both_kinds_of_json_say_the_same() {
        let csv = "domain,registrar,locks,changed,opted-out\n\
            a.test,r1,ok serverUpdateProhibited,2026-01-02T03:04:05Z,no\n\
            b.test.,,,,yes\n";
        let a = r#"{"domain":"A.test","registrar":"r1","locks":["ok","serverUpdateProhibited"],"changed":"2026-01-02T03:04:05Z"}"#;
        let b = r#"{"domain":"b.test.","opted-out":true}"#;
        for export in [
            csv.to_string(),
            format!("[{a},{b}]"),
            format!("\n{a}\n\n{b}\n"),
        ] {
            let registry = Registry::read("export", export.as_bytes()).unwrap();
            assert_eq!(registry.len(), 2);
            let facts = registry.facts(&name("a.test."));
            assert_eq!(facts.registrar.as_deref(), Some("r1"));
            assert_eq!(facts.locks, [Lock::ServerUpdateProhibited].into());
            assert_eq!(facts.changed.unwrap().to_string(), "2026-01-02T03:04:05Z");
            assert!(!facts.opted_out && facts.registrar_can_disable);
            assert!(registry.facts(&name("B.test.")).opted_out);
            assert_eq!(registry.facts(&name("c.test.")), Facts::default());
        }
    }

    #[test]
    fn mistakes_have_their_line() {
        for (export, place, what) in [
            ("", "export", "empty"),
            ("name\na\n", "export:1", "no field `domain`"),
            (
                "domain,colour\na.test,red\n",
                "export:2",
                "no field `colour`",
            ),
            (
                "domain,opted-out\na.test,no\nb.test,perhaps\n",
                "export:3",
                "invalid type",
            ),
            ("domain\na.test\nA.test.\n", "export:3", "twice"),
            ("domain,locks\na.test,locked\n", "export:2", "no status"),
            (
                "domain,changed\na.test,yesterday\n",
                "export:2",
                "yesterday",
            ),
            ("domain\na..test\n", "export:2", "a..test"),
            ("domain,registrar\na.test\n", "export:2", "fields"),
            ("{\"domain\":\"a.test\"}\n{", "export:2", "EOF"),
            (
                "[{\"domain\":\"a.test\"},{}]",
                "export: object 2",
                "no field",
            ),
        ] {
            let error = Registry::read("export", export.as_bytes()).unwrap_err();
            assert_eq!(error.place, place, "{error}");
            assert!(error.what.contains(what), "{error}");
        }
    }
}
