//! The DS RRset of each child of a plan as a file `dsset-CHILD`, as `dnssec-signzone` reads them: the
//! whole new set; an empty file, if there is to be none.

use std::{fs, io, path::Path};

use counterpoint_dns::name::RecordType;

use super::file_name;
use crate::plan::{Plan, text::present};

/// Writes the files into a directory; returns how many.
pub fn write(plan: &Plan, directory: &Path) -> io::Result<usize> {
    fs::create_dir_all(directory)?;
    let mut count = 0;
    for (child, planned) in &plan.changes {
        for set in planned
            .change
            .changed()
            .filter(|set| set.rtype == RecordType::DS)
        {
            let line = |data| {
                let data = present(RecordType::DS, data);
                format!("{child} {} IN DS {data}\n", set.wanted.ttl)
            };
            let text: String = set.wanted.data.iter().map(line).collect();
            fs::write(directory.join(format!("dsset-{}", file_name(child))), text)?;
            count += 1;
        }
    }
    Ok(count)
}
