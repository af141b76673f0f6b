//! The brakes of a scanner that publishes what it accepts: what waits, and what was made lately, is the plan
//! that they judge.
//!
//! Brakes that hold go on holding until somebody acts: what they hold back is neither made nor judged again.
//! Under a policy with other limits what is overdue is judged again first, and made if it still is asked for.

use std::collections::{BTreeMap, BTreeSet};

use counterpoint_dns::{agent::Output, name::Name, time::Timestamp};

use super::Scanner;
use crate::{
    brakes::{Counts, brakes, operators, operators_of},
    delegation::ParentZone,
    ledger::About,
    plan::{Basis, Plan, Planned},
    state::Pending,
};

impl Scanner {
    /// Whether brakes hold back all that waits. Before the zone was seen they do: nobody can count.
    pub(super) fn is_held_back(&mut self, now: Timestamp) -> bool {
        if !self.config.brakes {
            return false;
        }
        self.forget_old_changes(now);
        let Some(zone) = &self.zone else {
            return true;
        };
        let (waiting, made) = (&self.memory.pending, &self.memory.lately);
        // What waits comes last: of a child that was changed and waits again, that counts.
        let changes: BTreeMap<Name, Planned> = made.iter().chain(waiting).map(planned).collect();
        let counts = counts(zone, changes.values());
        let plan = Plan {
            zone: self.config.parent.clone(),
            created: now,
            expires: now,
            basis: Basis {
                source: String::new(),
                serial: Some(zone.serial),
                delegations: counts.delegations,
                policy: String::new(),
                resolver: String::new(),
            },
            changes,
        };
        let held = brakes(&plan, &self.config.policy, &counts);
        if held.is_empty() {
            return false;
        }
        let told: Vec<String> = held
            .iter()
            .map(|braked| format!("{}: {}", braked.brake, braked.what))
            .collect();
        let text = format!("brakes abort: {}", told.join("; "));
        let parent = &self.config.parent;
        let said = self
            .ledger
            .say(parent, About::Delegation, "BRAKE_HOLDS", text);
        self.outbox.extend(said);
        true
    }

    /// Remembers a change for the brakes.
    pub(super) fn count_change(&mut self, child: &Name, pending: &Pending, now: Timestamp) {
        if !self.config.brakes {
            return;
        }
        let made = Pending {
            due: now,
            ..pending.clone()
        };
        self.memory.lately.insert(child.clone(), made);
        let record = self.memory.lately_record(child);
        self.outbox.push_back(Output::Persist(record));
    }

    fn forget_old_changes(&mut self, now: Timestamp) {
        let since = now.before(self.config.policy.watch.brakes_window);
        let made = self.memory.lately.iter();
        let old = made.filter(|(_, made)| made.due <= since);
        let old: Vec<Name> = old.map(|(child, _)| child.clone()).collect();
        for child in old {
            self.memory.lately.remove(&child);
            let record = self.memory.lately_record(&child);
            self.outbox.push_back(Output::Persist(record));
        }
    }
}

fn planned((child, pending): (&Name, &Pending)) -> (Name, Planned) {
    let planned = Planned {
        rule: pending.rule.clone(),
        reason: String::new(),
        evidence: Vec::new(),
        change: pending.change.clone(),
    };
    (child.clone(), planned)
}

/// What the brakes look at besides the changes.
fn counts<'a>(zone: &ParentZone, changes: impl Iterator<Item = &'a Planned>) -> Counts {
    let concerned: BTreeSet<Name> = changes.flat_map(operators).collect();
    let mut zones_of_operator: BTreeMap<Name, u64> = BTreeMap::new();
    for delegation in zone.delegations.values() {
        let theirs = operators_of(&delegation.ns);
        for operator in theirs.intersection(&concerned) {
            *zones_of_operator.entry(operator.clone()).or_default() += 1;
        }
    }
    Counts {
        delegations: zone.delegations.len() as u64,
        zones_of_operator,
        ..Counts::default()
    }
}
