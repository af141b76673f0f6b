//! From a table `[[event]]` to an [`Event`], and back.

use counterpoint_dns::name::Name;

use super::{Event, What};
use crate::{
    diagnostic::{nearest, one_of},
    load::reader::Field,
    scenario::setting::{Setting, quote},
};

impl Event {
    /// Reads the event `number`; `only` is the zone if there is one only.
    pub(crate) fn read(field: &Field<'_>, number: usize, only: Option<&Name>) -> Option<Self> {
        let mut reader = field.table()?;
        let at = reader.required("at");
        let kind = reader.field("do");
        let Some(kind) = kind else {
            reader.required::<String>("do");
            return None;
        };
        let all = || What::NAMES.iter().copied();
        let name = kind.text("the name of an event, as \"join\"")?;
        if !all().any(|known| known == name) {
            return kind.fail(
                "unknown-event",
                format!("there is no event `{name}`"),
                |d| match nearest(name, all()) {
                    Some(near) => d
                        .expected("no such event")
                        .suggest(format!("did you mean `{near}`?")),
                    None => d.expected(format!("expected {}", one_of(all()))),
                },
            );
        }
        let zone = reader.field("zone").map(|field| field.read::<Name>());
        let what = What::read_kind(name, &mut reader);
        reader.finish();
        let what = what?;
        if zone.is_some() && !what.has_zone() {
            return field.fail(
                "no-zone-here",
                format!("`{name}` concerns no single zone"),
                |d| d.expected("remove `zone`"),
            );
        }
        let zone = match zone {
            Some(zone) => zone?,
            None if !what.has_zone() => Name::root(),
            None => match only {
                Some(only) => only.clone(),
                None => {
                    return field.fail("missing-key", "`zone` is missing", |d| {
                        d.expected("there is more than one zone: say which one is meant")
                    });
                }
            },
        };
        Some(Self {
            number,
            at: at?,
            zone,
            what,
        })
    }

    /// Its lines in a file; the zone is left out where there is one only.
    pub(crate) fn print_keys(&self, only: Option<&Name>) -> Vec<(&'static str, String)> {
        let mut lines = Vec::new();
        lines.extend(self.at.print().map(|at| ("at", at)));
        lines.push(("do", quote(self.what.name())));
        if self.what.has_zone() && only != Some(&self.zone) {
            lines.extend(self.zone.print().map(|zone| ("zone", zone)));
        }
        lines.extend(self.what.print_fields());
        lines
    }
}
