//! History: what is remembered of a child, and what was decided and done about it.

use counterpoint_dns::{driver::sqlite::SqliteStore, name::parse_name};
use serde_json::{Value, json};

use super::{Failure, Outcome, arguments, setup::OWNER};
use crate::input::BadInput;

/// The records that are about one child.
const KINDS: [&str; 6] = ["child", "verdict", "silent", "planned", "intent", "applied"];

/// Tells what is remembered of a child, and everything that was decided and done about it.
pub fn run(arguments: &arguments::History) -> Result<Outcome, Failure> {
    let child = parse_name(&arguments.child)
        .map_err(|error| BadInput::new("CHILD", error, "name a child of the zone"))?;
    let path = &arguments.state.state;
    if !path.exists() {
        let remedy = "name the state with --state FILE; the first plan begins one";
        return Err(BadInput::new(path.display(), "there is no state", remedy).into());
    }
    let store = SqliteStore::open(path, OWNER)?;
    let mut text = format!("{child}\n");
    let mut remembered = serde_json::Map::new();
    for kind in KINDS {
        if let Some(value) = store.value(&format!("{kind}/{child}"))? {
            text.push_str(&format!("  {kind:10} {value}\n"));
            remembered.insert(kind.into(), parsed(&value));
        }
    }
    let log = store.log_of(&child.to_string())?;
    for entry in &log {
        text.push_str(&format!(
            "{} {:10} {}\n",
            entry.time,
            entry.kind,
            line(&entry.text)
        ));
    }
    if remembered.is_empty() && log.is_empty() {
        text.push_str("  nothing is known of it\n");
    }
    let log: Vec<Value> = log
        .iter()
        .map(|entry| {
            json!({ "time": entry.time.to_string(), "kind": entry.kind, "what": parsed(&entry.text) })
        })
        .collect();
    let json = json!({ "child": child.to_string(), "remembered": remembered, "log": log });
    Ok(Outcome::ok(text, json))
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.into()))
}

/// A log entry's text on one line: the verdicts of a decision, anything else as it is.
fn line(text: &str) -> String {
    let value = parsed(text);
    let Some(verdicts) = value.get("verdicts").and_then(Value::as_array) else {
        return text.into();
    };
    let word = |verdict: &Value, key: &str| {
        let word = verdict.get(key).and_then(Value::as_str);
        word.unwrap_or_default().to_string()
    };
    let verdicts = verdicts.iter().map(|verdict| {
        let words = ["subject", "outcome", "rule", "reason"].map(|key| word(verdict, key));
        words.join(" ")
    });
    Vec::from_iter(verdicts).join("; ")
}
