//! Changes as lines of a zone file, those that go with `-` in front, those that come with `+`.

use crate::{
    plan::{Plan, text::present},
    verdict::Change,
};
use counterpoint_dns::rrset::RrSet;

/// The lines of one change.
pub fn lines(change: &Change) -> Vec<String> {
    let mut lines = Vec::new();
    for set in change.changed() {
        let records = |sign: char, of: &RrSet, but: Option<&RrSet>| {
            let is_new =
                |data: &&_| !but.is_some_and(|but| but.data.contains(*data) && but.ttl == of.ttl);
            let data = of.data.iter().filter(is_new);
            let line = |data| {
                format!(
                    "{sign}{} {} IN {} {}",
                    of.name,
                    of.ttl,
                    of.rtype,
                    present(of.rtype, data)
                )
            };
            data.map(line).collect::<Vec<String>>()
        };
        if let Some(seen) = &set.seen {
            lines.extend(records('-', seen, Some(&set.wanted)));
        }
        lines.extend(records('+', &set.wanted, set.seen.as_ref()));
    }
    lines
}

/// The lines of a plan, by child.
pub fn write(plan: &Plan) -> String {
    let mut text = format!(
        "; changes of {}, from the plan of {}\n",
        plan.zone, plan.created
    );
    for planned in plan.changes.values() {
        for line in lines(&planned.change) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}
