//! The audit log out, as JSON Lines or in pages.

use counterpoint_dns::driver::sqlite::Entry;
use serde_json::Value;

use super::{
    Answer, Call, Failure,
    declared::page,
    resources::{LogLine, Page},
};
use crate::{audit::Line, declarations::BadDeclaration, keeper::Keeper, setup::a_zone};

/// The log of a zone, one that is no longer declared as well.
pub(super) fn show(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let zone = a_zone(call.place("zone"))?;
    let after: usize = match call.query.get("after") {
        None => 0,
        Some(text) => text.parse().map_err(|_| {
            let what = format!("`{text}` is no place in a log");
            BadDeclaration::new("after", what, "take it from `next` of the answer before")
        })?,
    };
    let log = keeper.store()?.borrow().log_of(&zone.to_string())?;
    if log.is_empty() {
        let place = keeper.setup.declared.store.display();
        let what = format!("nothing was ever done with {zone}");
        let remedy = "`zone list` shows the zones; the log begins with the first request or `run`";
        return Err(Failure::Unknown(
            BadDeclaration::new(place, what, remedy).to_string(),
        ));
    }
    let entries = log.iter().enumerate().skip(after);
    let page = page(call, entries, |(index, _)| (index + 1).to_string())?;
    let lines = page.items.iter().map(|(_, entry)| {
        let Entry {
            time,
            zone,
            kind,
            subject,
            text,
        } = entry;
        Line::new(*time, zone, kind, subject, text)
    });
    let lines: Vec<Line> = lines.collect();
    let text: String = lines.iter().map(|line| line.to_json() + "\n").collect();
    let items = lines.into_iter().map(|line| LogLine {
        time: line.time.to_string(),
        zone: line.zone,
        kind: line.kind,
        subject: line.subject,
        what: line.what,
    });
    let json = Page {
        items: items.collect(),
        next: page.next,
    };
    Ok(Answer {
        text,
        json: serde_json::to_value(json).unwrap_or(Value::Null),
        is_fine: true,
    })
}
