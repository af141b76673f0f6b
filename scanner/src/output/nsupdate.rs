//! Changes as a script for `nsupdate`: one atomic update a child, which holds only if the delegation is
//! still what was seen (RFC 2136 §2.4). Also the way back.

use std::fmt::Write as _;

use counterpoint_dns::{
    name::Name,
    rrset::RrSet,
    update::{Change as Edit, Prerequisite},
};

use crate::{
    apply::update,
    plan::{Plan, Planned, text::present},
    verdict::{Change, Replacement},
};

/// The script of a plan.
pub fn write(plan: &Plan) -> String {
    let mut text = format!(
        "; changes of {}, from the plan of {}, not to be used after {}\n\
         ; each update holds only if the delegation is still what was seen\n",
        plan.zone, plan.created, plan.expires
    );
    for planned in plan.changes.values() {
        one(&mut text, &plan.zone, planned, &planned.change);
    }
    text
}

/// The script that undoes a plan, as far as it was made.
pub fn write_back(plan: &Plan) -> String {
    let mut text = format!(
        "; the way back from the plan of {} for {}\n\
         ; each update holds only if the delegation is what that plan made it\n",
        plan.created, plan.zone
    );
    for planned in plan.changes.values() {
        one(&mut text, &plan.zone, planned, &reverse(&planned.change));
    }
    text
}

/// The change that undoes this one.
pub fn reverse(change: &Change) -> Change {
    let sets = change.sets.iter().map(|set| {
        let nothing = RrSet::new(set.name.clone(), set.rtype, set.wanted.ttl, []);
        let seen = (!set.wanted.data.is_empty()).then_some(&set.wanted);
        Replacement::of(seen, set.seen.clone().unwrap_or(nothing))
    });
    Change {
        child: change.child.clone(),
        sets: sets.collect(),
    }
}

fn one(text: &mut String, zone: &Name, planned: &Planned, change: &Change) {
    let update = update(zone, change);
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "\n; {} {} {}",
        change.child, planned.rule, planned.reason
    );
    let _ = writeln!(text, "zone {zone}");
    for prerequisite in &update.prerequisites {
        match prerequisite {
            Prerequisite::Is(set) => {
                for data in &set.data {
                    let data = present(set.rtype, data);
                    let _ = writeln!(text, "prereq yxrrset {} IN {} {data}", set.name, set.rtype);
                }
            }
            Prerequisite::Absent(name, rtype) => {
                let _ = writeln!(text, "prereq nxrrset {name} IN {rtype}");
            }
        }
    }
    for edit in &update.changes {
        match edit {
            Edit::Add(set) => {
                for data in &set.data {
                    let data = present(set.rtype, data);
                    let _ = writeln!(
                        text,
                        "update add {} {} IN {} {data}",
                        set.name, set.ttl, set.rtype
                    );
                }
            }
            Edit::Remove(set) => {
                for data in &set.data {
                    let data = present(set.rtype, data);
                    let _ = writeln!(text, "update delete {} IN {} {data}", set.name, set.rtype);
                }
            }
            Edit::Clear(name, rtype) => {
                let _ = writeln!(text, "update delete {name} IN {rtype}");
            }
        }
    }
    let _ = writeln!(text, "send");
}
