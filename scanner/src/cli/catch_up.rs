//! The input behind the primary: what was changed here, and is not in the input yet.
//!
//! A child that is judged by data from before its last change would be changed again, or be taken for
//! one that another channel changed (D-07, D-17). So the change counts until the input has it.

use counterpoint_dns::{
    driver::sqlite::SqliteStore, name::RecordType, rdata::serial_lt, time::Timestamp,
};

use super::{Failure, applying::ByPlan, run::value, setup::Setup};
use crate::{
    delegation::Delegation,
    verdict::{Change, Replacement},
};

impl Setup {
    /// Makes the change that was made last in a delegation that does not show it yet.
    pub fn catch_up(
        &self,
        delegation: &mut Delegation,
        store: &SqliteStore,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let by: Option<ByPlan> = value(store, &format!("applied/{}", delegation.child))?;
        let Some(by) = by else {
            return Ok(());
        };
        let Some(block) = by.change else {
            return Ok(());
        };
        let Ok((_, planned)) = block.check() else {
            return Ok(());
        };
        let change = planned.change;
        let serials = self.parent.serial().zip(by.serial);
        let is_behind = match serials.filter(|_| self.is_transfer) {
            Some((input, change)) => serial_lt(input, change),
            // A file may come late, and may count by other serials.
            None => {
                let is_late = now >= by.time + self.base.policy.parent.lag;
                !is_late && change.changed().all(|set| is_as_seen(delegation, set))
            }
        };
        if is_behind {
            make(&change, delegation);
        }
        Ok(())
    }
}

/// Whether the delegation has here what was there before the change.
fn is_as_seen(delegation: &Delegation, set: &Replacement) -> bool {
    let there = match set.rtype {
        RecordType::DS => delegation.ds.as_ref(),
        RecordType::NS => Some(&delegation.ns),
        rtype => delegation.glue.get(&(set.name.clone(), rtype)),
    };
    there == set.seen.as_ref()
}

fn make(change: &Change, delegation: &mut Delegation) {
    for set in change.changed() {
        let wanted = (!set.wanted.data.is_empty()).then(|| set.wanted.clone());
        match (set.rtype, wanted) {
            (RecordType::DS, wanted) => delegation.ds = wanted,
            (RecordType::NS, Some(wanted)) => delegation.ns = wanted,
            (RecordType::NS, None) => {}
            (rtype, Some(wanted)) => {
                delegation.glue.insert((set.name.clone(), rtype), wanted);
            }
            (rtype, None) => {
                delegation.glue.remove(&(set.name.clone(), rtype));
            }
        }
    }
}
