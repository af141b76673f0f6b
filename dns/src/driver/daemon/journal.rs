//! What happens, as JSON lines on standard error: for the journal of the system. No body, no field of a
//! request, and so no secret, comes here.

use std::io::{self, Write as _};

use serde_json::{Map, Value, json};

use crate::{agent::Note, driver::clock::Clock, time::Timestamp};

/// Something that happened to the daemon itself.
pub fn event(event: &str, more: &[(&str, &str)]) {
    let mut line = Map::new();
    line.insert("time".into(), Clock.now().to_string().into());
    line.insert("event".into(), event.into());
    line.extend(
        more.iter()
            .map(|(key, text)| ((*key).to_string(), Value::from(*text))),
    );
    write(&Value::Object(line));
}

/// Something that an agent told.
pub fn note(at: Timestamp, note: &Note) {
    write(&json!({
        "time": at.to_string(),
        "event": "note",
        "zone": note.zone,
        "kind": note.kind,
        "subject": note.subject,
        "text": note.text,
    }));
}

/// A request that was answered.
pub fn request(who: &str, method: &str, target: &str, status: u16, milliseconds: u64) {
    write(&json!({
        "time": Clock.now().to_string(),
        "event": "request",
        "who": who,
        "method": method,
        "target": target,
        "status": status,
        "milliseconds": milliseconds,
    }));
}

fn write(line: &Value) {
    // Who does not listen does not stop the work.
    let _ = writeln!(io::stderr().lock(), "{line}");
}
