//! The audit log out, as JSON Lines.

use counterpoint_dns::{driver::sqlite::Entry, name::parse_name};
use serde_json::Value;

use super::{Failure, Outcome, Streams, arguments::Common, setup::Setup};
use crate::{audit::Line, declarations::BadDeclaration};

/// Writes the log of a zone, one that is no longer declared as well.
pub fn run(common: &Common, zone: &str, streams: &mut Streams<'_>) -> Result<Outcome, Failure> {
    let zone =
        parse_name(zone).map_err(|error| BadDeclaration::new("ZONE", error, "name a zone"))?;
    let setup = Setup::load(common)?;
    let log = setup.store()?.log_of(&zone.to_string())?;
    if log.is_empty() {
        let place = setup.declared.store.display();
        let what = format!("nothing was ever done with {zone}");
        let remedy = "`zone list` shows the zones; the log begins with the first request or `run`";
        return Err(BadDeclaration::new(place, what, remedy).into());
    }
    for entry in &log {
        let Entry {
            time,
            zone,
            kind,
            subject,
            text,
        } = entry;
        let line = Line::new(*time, zone, kind, subject, text);
        writeln!(streams.out, "{}", line.to_json())?;
    }
    Ok(Outcome {
        text: String::new(),
        json: Value::Null,
        code: super::EXIT_OK,
    })
}
