//! Who is where, and what they serve: for people.

use std::fmt::Write as _;

use counterpoint_dns::{
    name::{Name, RecordType},
    rdata::{Ds, Rdata},
};
use counterpoint_simnet::{
    operator::Instance,
    published::Published,
    topology::{NamesIn, PARENT, Stage},
};

/// Of how many zones there is a column.
const ZONES_MAX: usize = 3;

/// Every instance: its name in scenarios, its address, its nameserver name, the serials of the zones that it
/// serves.
pub fn instances(stage: &Stage) -> String {
    let zones: Vec<&Name> = stage.world.recorders.keys().take(ZONES_MAX).collect();
    let mut rows = Vec::new();
    for owner in &stage.world.operators {
        for (number, instance) in owner.instances.iter().enumerate() {
            let mut row = vec![
                instance.name.clone(),
                instance.address.to_string(),
                host(stage, &owner.name, number, instance),
            ];
            let serial = |zone: &&Name| match instance.copy(zone) {
                Some(version) => format!("{zone} {}", version.serial),
                None => String::new(),
            };
            row.extend(zones.iter().map(serial));
            rows.push(row);
        }
    }
    aligned(&rows)
}

/// The delegation of each zone, as each of the parent's instances has it.
pub fn delegations(stage: &Stage) -> String {
    let parent = stage.world.operator(PARENT);
    let Some(owner) = parent.map(|index| &stage.world.operators[index]) else {
        return String::new();
    };
    let mut rows = Vec::new();
    for zone in stage.world.recorders.keys().take(ZONES_MAX) {
        for instance in &owner.instances {
            let Some(version) = instance.copy(&stage.topology.parent.zone) else {
                continue;
            };
            let row = [&instance.name, &delegation(version, zone)];
            rows.push(row.map(String::from).to_vec());
        }
    }
    aligned(&rows)
}

fn delegation(version: &Published, zone: &Name) -> String {
    let of = |rtype, show: fn(&Rdata) -> Option<String>| {
        let set = version.get(zone, rtype).map(|served| &served.set);
        let data = set.into_iter().flat_map(|set| &set.data);
        let mut shown: Vec<String> = data.filter_map(show).collect();
        shown.sort();
        match shown.as_slice() {
            [] => "none".into(),
            shown => shown.join(" "),
        }
    };
    let ds = of(RecordType::DS, |data| {
        let ds = Ds::parse(data)?;
        Some(format!("{}/{}", ds.tag, ds.algorithm))
    });
    let ns = of(RecordType::NS, |data| Some(data.as_name()?.to_string()));
    format!("{zone} DS {ds}  NS {ns}")
}

/// Where names lie inside the zones, as of the first of them.
fn host(stage: &Stage, owner: &str, number: usize, instance: &Instance) -> String {
    let inside = stage
        .signer(owner)
        .filter(|plan| plan.names_in == NamesIn::ServedZone);
    let first = stage.world.recorders.keys().next();
    match inside.zip(first) {
        Some((plan, zone)) => plan.host(number, zone).to_string(),
        None => instance.host.to_string(),
    }
}

fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(String::len).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            // Writing to a string cannot fail.
            let _ = write!(line, "  {cell:width$}");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
