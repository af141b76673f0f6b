//! What happens, as JSON lines on standard error: for the journal of the system. No body, no field of a
//! request, and so no secret, comes here.

use std::io::{self, Write as _};

use counterpoint_dns::{agent::Note, time::Timestamp};
use serde_json::{Map, Value, json};

use crate::setup::now;

/// Something that happened to the daemon itself.
pub(super) fn event(event: &str, more: &[(&str, &str)]) {
    let mut line = Map::new();
    line.insert("time".into(), now().to_string().into());
    line.insert("event".into(), event.into());
    line.extend(
        more.iter()
            .map(|(key, text)| ((*key).to_string(), Value::from(*text))),
    );
    write(&Value::Object(line));
}

/// Something that the controller told.
pub(super) fn note(at: Timestamp, note: &Note) {
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
pub(super) fn request(who: &str, method: &str, target: &str, status: u16, milliseconds: u64) {
    write(&json!({
        "time": now().to_string(),
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
