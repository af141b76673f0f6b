//! The commands of a plan as EPP documents, for whoever sends them by other means: `CHILD-1.xml`,
//! `CHILD-2.xml` …, to be sent in this order. They are made from what the plan has seen; nobody asked
//! the registry. Only for registries that keep DS records: a plan has no keys.

use std::{fs, io, path::Path};

use counterpoint_dns::name::Name;

use super::file_name;
use crate::{
    epp::delegated::{Delegated, Interface},
    plan::Plan,
};

/// The file of a child's command of this number.
pub fn file_of(child: &Name, number: u32) -> String {
    let name = file_name(child);
    format!("{}-{number}.xml", name.trim_end_matches('.'))
}

/// Writes the documents into a directory; returns how many. `sets_ttls` says whether the registry sets
/// TTLs by request.
pub fn write(plan: &Plan, sets_ttls: bool, directory: &Path) -> io::Result<usize> {
    fs::create_dir_all(directory)?;
    let mut count = 0;
    for (child, planned) in &plan.changes {
        let seen = Delegated::seen_by(&planned.change);
        let wanted = seen.after(&planned.change, Interface::Ds, sets_ttls);
        let wanted = wanted.map_err(io::Error::other)?;
        for (number, command) in (1..).zip(seen.commands(child, &wanted)) {
            let file = file_of(child, number);
            let document = command.document(&format!("PLAN-{number}"));
            fs::write(directory.join(file), document)?;
            count += 1;
        }
    }
    Ok(count)
}
