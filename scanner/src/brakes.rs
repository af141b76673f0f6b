//! What holds a plan back before it is carried out, however sound each of its changes is by itself.
//!
//! A pure function of a plan and some counts. Each brake has a name, says what it saw, and what to do;
//! an operator who knows better releases it by name.

use std::collections::{BTreeMap, BTreeSet};

use counterpoint_dns::{
    name::{Name, RecordType, parse_name},
    rrset::RrSet,
};
use serde::Serialize;

use crate::{
    delegation::operator_of,
    plan::{Plan, Planned},
    policy::{Brakes, Policy},
    verdict::Replacement,
};

/// How many names an explanation lists.
const NAMED_MAX: usize = 5;

/// What the brakes look at besides the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Delegations of the parent now.
    pub delegations: u64,
    /// Delegations when the last plan was made.
    pub delegations_before: Option<u64>,
    /// How many children the operators of the plan's children have.
    pub zones_of_operator: BTreeMap<Name, u64>,
    /// The kill file, if it is there.
    pub kill_file: Option<String>,
}

/// A brake that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Braked {
    /// Its name, by which it is released.
    pub brake: &'static str,
    /// What it saw.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

/// The names of all brakes.
pub const BRAKES: [&str; 7] = [
    "kill-file",
    "protected",
    "changes",
    "deletes",
    "ns",
    "operator",
    "shrunk-input",
];

/// The brakes that nothing releases but what they are about.
pub const FIXED: [&str; 2] = ["kill-file", "protected"];

/// Everything that holds this plan back.
pub fn brakes(plan: &Plan, policy: &Policy, counts: &Counts) -> Vec<Braked> {
    let limits = &policy.brakes;
    let mut held = Vec::new();
    let mut hold = |brake, what: String, remedy: &str| {
        held.push(Braked {
            brake,
            what,
            remedy: remedy.into(),
        });
    };
    if let Some(file) = &counts.kill_file {
        let what = format!("the kill file {file} is there");
        let remedy = "find out who put it there and why, then remove it";
        hold("kill-file", what, remedy);
    }
    let protected = policy.protected.iter();
    let protected: BTreeSet<Name> = protected.filter_map(|name| parse_name(name).ok()).collect();
    let touched: Vec<&Name> = plan
        .changes
        .keys()
        .filter(|child| protected.contains(*child))
        .collect();
    if !touched.is_empty() {
        let what = format!("protected names would change: {}", listed(&touched));
        let remedy = "change them by hand, or take them out of `protected`";
        hold("protected", what, remedy);
    }
    for limit in limits_of(limits) {
        let touching = |planned: &&Planned| (limit.touches)(planned);
        let count = plan.changes.values().filter(touching).count() as u64;
        let share = counts.delegations.saturating_mul(limit.per_mille.into()) / 1_000;
        let allowed = u64::from(limit.max).min(share.max(limits.share_from.into()));
        if count > allowed {
            let what = format!(
                "{count} {}; allowed are {allowed} ({} at most, {} of 1000 of {} delegations)",
                limit.what, limit.max, limit.per_mille, counts.delegations
            );
            let brake = limit.brake;
            let remedy = format!(
                "look at the plan; if it is right, apply it with `--release {brake}`, or raise \
                 `brakes.{brake}-max` and `brakes.{brake}-per-mille`"
            );
            hold(brake, what, &remedy);
        }
    }
    let mut changed_at: BTreeMap<Name, u64> = BTreeMap::new();
    for operator in plan.changes.values().flat_map(operators) {
        *changed_at.entry(operator).or_default() += 1;
    }
    for (operator, changed) in changed_at {
        let zones = *counts.zones_of_operator.get(&operator).unwrap_or(&0);
        let counts = changed > limits.share_from.into();
        if counts && changed * 1_000 > zones.saturating_mul(limits.operator_per_mille.into()) {
            let what = format!(
                "{changed} of the {zones} children at {operator} would change; allowed are {} of 1000",
                limits.operator_per_mille
            );
            let remedy = "ask the operator whether that is meant; then apply with \
                `--release operator`, or raise `brakes.operator-per-mille`";
            hold("operator", what, remedy);
        }
    }
    if let Some(before) = counts.delegations_before {
        let kept = 1_000 - u64::from(limits.shrink_per_mille.min(1_000));
        if counts.delegations.saturating_mul(1_000) < before.saturating_mul(kept) {
            let what = format!(
                "the input has {} delegations and had {before} before; allowed are {} of 1000 fewer",
                counts.delegations, limits.shrink_per_mille
            );
            let remedy = "see whether the input is whole; if it is, use `--release shrunk-input`";
            hold("shrunk-input", what, remedy);
        }
    }
    held
}

/// A limit on a number of changes of one kind.
struct Limit {
    brake: &'static str,
    what: &'static str,
    max: u32,
    per_mille: u32,
    touches: fn(&Planned) -> bool,
}

fn limits_of(limits: &Brakes) -> [Limit; 3] {
    let limit = |brake, what, max, per_mille, touches| Limit {
        brake,
        what,
        max,
        per_mille,
        touches,
    };
    let Brakes {
        changes_max,
        changes_per_mille,
        deletes_max,
        deletes_per_mille,
        ns_max,
        ns_per_mille,
        ..
    } = *limits;
    [
        limit("changes", "changes", changes_max, changes_per_mille, |_| {
            true
        }),
        limit(
            "deletes",
            "removals of a DS RRset",
            deletes_max,
            deletes_per_mille,
            |planned| {
                touches(planned, |set| {
                    set.rtype == RecordType::DS && set.wanted.data.is_empty()
                })
            },
        ),
        limit(
            "ns",
            "changes of NS or glue",
            ns_max,
            ns_per_mille,
            |planned| touches(planned, |set| set.rtype != RecordType::DS),
        ),
    ]
}

/// Whether a change changes such an RRset.
fn touches(planned: &Planned, is_such: impl Fn(&Replacement) -> bool) -> bool {
    planned.change.changed().any(is_such)
}

/// The domains in which the child's nameserver names lie, as the parent has them: who operates it.
pub fn operators(planned: &Planned) -> BTreeSet<Name> {
    let sets = planned.change.sets.iter();
    let seen = sets.filter(|set| set.rtype == RecordType::NS);
    seen.filter_map(|set| set.seen.as_ref())
        .flat_map(operators_of)
        .collect()
}

/// The domains in which the names of an NS RRset lie.
pub fn operators_of(ns: &RrSet) -> BTreeSet<Name> {
    let hosts = ns.data.iter().filter_map(|data| data.as_name());
    hosts.map(|host| operator_of(&host)).collect()
}

fn listed(names: &[&Name]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(NAMED_MAX)
        .map(|name| name.to_string())
        .collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests;
