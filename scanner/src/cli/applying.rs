//! A plan that is carried out, child by child, after everything that it rests on was checked again.
//!
//! Before an update is sent, the intent is durable; after it, what the primary then has. An update holds
//! only if the delegation is still what was seen, so that one that is sent twice is made once.

use std::{fs, sync::Mutex};

use counterpoint_dns::{
    driver::{clock::Clock, sqlite::SqliteStore},
    name::{Name, parse_name},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Failure,
    audit::{decision_of, stopped},
    door::Door,
    primary::Has,
    run::{entry, no_record, record, state_of, value},
    setup::Setup,
    survey_all::{lock, survey_all},
};
use crate::{
    apply::Sent,
    output::notice::{self, Told},
    plan::{Plan, Planned, file::Block},
    state::Guards,
    survey::Finding,
    verdict::{Change, Outcome as Judgement, Replacement},
};

/// How many children are asked again at once: their updates follow at once too.
const CHUNK: usize = 64;

/// By which plan a child was changed last, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByPlan {
    /// The plan's hash.
    pub plan: String,
    /// When.
    pub time: Timestamp,
    /// Whether another channel had made what was there before (D-07).
    #[serde(default)]
    pub by_hand: bool,
    /// What was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Block>,
    /// Serial of the primary's zone with the change in it, if the primary told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<u32>,
    /// A brake was released for it: later plans are not held back because of it.
    #[serde(default)]
    pub released: bool,
}

/// An update that is being sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Intent {
    plan: String,
    time: Timestamp,
    /// What is remembered of the servers, once it is made.
    guards: Guards,
}

/// What became of one change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Made {
    /// The child.
    pub child: String,
    /// `applied`, `applied-before`, `pending`, `refused`, `failed`, `not-tried`.
    pub outcome: &'static str,
    /// Why.
    pub reason: &'static str,
    /// What that rests on.
    pub evidence: Vec<String>,
}

impl Made {
    /// Whether the change is made.
    pub fn is_there(&self) -> bool {
        matches!(self.outcome, "applied" | "applied-before")
    }
}

/// A plan that is being carried out.
pub struct Applying<'a> {
    setup: &'a Setup,
    plan: &'a Plan,
    plan_hash: String,
    door: Door<'a>,
    store: &'a Mutex<SqliteStore>,
    /// Whether notices are kept with what they tell of, until somebody has written them down.
    pub keeps_notices: bool,
    /// Whether brakes were released for this plan.
    pub is_released: bool,
    /// What became of each change.
    pub made: Vec<Made>,
    /// How many changes in a row failed.
    failures: u32,
}

impl<'a> Applying<'a> {
    /// Nothing of it is done yet. Changes go in by `door`.
    pub fn new(
        setup: &'a Setup,
        plan: &'a Plan,
        plan_hash: String,
        door: Door<'a>,
        store: &'a Mutex<SqliteStore>,
    ) -> Self {
        Self {
            setup,
            plan,
            plan_hash,
            door,
            store,
            keeps_notices: false,
            is_released: false,
            made: Vec::new(),
            failures: 0,
        }
    }

    /// Takes leave; what became of each change.
    pub fn close(self) -> Vec<Made> {
        self.door.close();
        self.made
    }

    /// Carries out all of it; `step` hears of each child.
    pub fn all(&mut self, mut step: impl FnMut()) -> Result<(), Failure> {
        let children: Vec<&Name> = self.plan.changes.keys().collect();
        let mut chunks = children.chunks(CHUNK);
        for chunk in chunks.by_ref() {
            let mut left = Vec::new();
            for child in chunk {
                if !self.is_made(child)? {
                    left.push((*child).clone());
                }
            }
            let findings = self.ask_again(&left)?;
            for child in chunk {
                step();
                if !left.contains(child) {
                    continue;
                }
                if let Some(why) = self.stopped() {
                    self.tell(child, "not-tried", "STOPPED", vec![why])?;
                    continue;
                }
                let finding = findings
                    .iter()
                    .find(|finding| finding.gathered.child() == *child);
                self.one(child, finding)?;
            }
        }
        Ok(())
    }

    /// Who is told of the changes that are made, by this run or before it was interrupted: the same
    /// plan always has the same told.
    pub fn told(&self) -> Result<Vec<Told>, Failure> {
        let mut all = Vec::new();
        for made in self.made.iter().filter(|made| made.is_there()) {
            let child = parse_name(&made.child).unwrap_or_default();
            let Some(planned) = self.plan.changes.get(&child) else {
                continue;
            };
            let by: Option<ByPlan> = value(&lock(self.store), &format!("applied/{child}"))?;
            if let Some(by) = by {
                all.extend(self.told_of(&child, planned, &by));
            }
        }
        Ok(all)
    }

    fn told_of(&self, child: &Name, planned: &Planned, by: &ByPlan) -> Vec<Told> {
        let facts = self.setup.registry.facts(child);
        let registrar = facts.registrar.as_deref();
        notice::after_change(planned, by.by_hand, registrar, by.time)
    }

    /// Why no further change is tried, if so.
    fn stopped(&self) -> Option<String> {
        let brakes = &self.setup.base.policy.brakes;
        if self.failures >= brakes.failures_max.max(1) {
            return Some(format!("{} changes in a row failed", self.failures));
        }
        let file = &brakes.kill_file;
        let is_killed = !file.is_empty() && fs::exists(file).unwrap_or(true);
        is_killed.then(|| format!("the kill file {file} is there"))
    }

    /// Whether the change was made already: by this plan before an interruption, or by somebody else.
    fn is_made(&mut self, child: &Name) -> Result<bool, Failure> {
        let Some(planned) = self.plan.changes.get(child) else {
            return Ok(true);
        };
        let by: Option<ByPlan> = value(&lock(self.store), &format!("applied/{child}"))?;
        let block = Block::of(planned);
        let is_ours = by.is_some_and(|by| {
            by.plan == self.plan_hash || by.change.is_some_and(|c| c.is_same(&block))
        });
        match self.door.has(&planned.change) {
            Ok((Has::Wanted, _)) => {
                match is_ours {
                    true => self.tell(child, "applied-before", "ALREADY_APPLIED", Vec::new())?,
                    false => self.applied(child, planned, "applied-before", "ALREADY_THERE")?,
                }
                Ok(true)
            }
            // What cannot be read now is tried, and fails, in its turn.
            Ok(_) | Err(_) => Ok(false),
        }
    }

    fn ask_again(&self, children: &[Name]) -> Result<Vec<Finding>, Failure> {
        let mut subjects = Vec::new();
        for child in children {
            subjects.extend(self.setup.subject(child, Some(&lock(self.store)))?);
        }
        let mut findings = Vec::new();
        let sink = |finding, _| -> Result<(), Failure> {
            findings.push(finding);
            Ok(())
        };
        survey_all(subjects.into_iter(), &self.setup.means(), sink).map_err(stopped)?;
        Ok(findings)
    }

    fn one(&mut self, child: &Name, finding: Option<&Finding>) -> Result<(), Failure> {
        let Some(planned) = self.plan.changes.get(child) else {
            return Ok(());
        };
        let Some(finding) = finding else {
            let why = vec![format!("{child} is not delegated any more")];
            return self.tell(child, "refused", "PRECONDITION_CHANGED", why);
        };
        let verdicts = [&finding.ds, &finding.csync].into_iter().flatten();
        let accepted = verdicts.clone().find(|verdict| {
            verdict.outcome == Judgement::Accept
                && is_same(verdict.change.as_ref(), &planned.change)
        });
        let Some(accepted) = accepted else {
            let now = verdicts.map(|verdict| {
                format!(
                    "now {} {}: {}",
                    verdict.reason,
                    verdict.outcome,
                    verdict.evidence.join("; ")
                )
            });
            return self.tell(child, "refused", "PRECONDITION_CHANGED", now.collect());
        };
        match self.door.has(&planned.change) {
            Ok((Has::Seen, _)) => {}
            Ok((_, differences)) => {
                return self.tell(child, "refused", "PRECONDITION_CHANGED", differences);
            }
            Err(why) => return self.failed(child, "PRIMARY_SILENT", vec![why]),
        }
        let now = Clock.now();
        let intent = Intent {
            plan: self.plan_hash.clone(),
            time: now,
            guards: accepted.guards.clone(),
        };
        let decision = decision_of(finding, "apply", now, &self.setup.base.policy);
        let told = [
            entry(now, child, "decision", &decision),
            entry(now, child, "sending", &intent),
        ];
        lock(self.store).put_all(&[record("intent/", child, &intent)], &told)?;
        let sent = self.door.send(&planned.change, finding);
        let there = match &sent {
            // Whoever wants nothing more to be asked is not asked.
            Sent::Stop(why) => Err(why.clone()),
            _ => self.door.has(&planned.change),
        };
        match (sent, there) {
            // RFC 10026 §5.2: what counts is what is there now.
            (Sent::Done | Sent::Unknown(_) | Sent::NotAsSeen(_), Ok((Has::Wanted, _))) => {
                self.applied(child, planned, "applied", "VERIFIED")
            }
            (Sent::Done, Ok((_, differences))) => self.failed(child, "NOT_VERIFIED", differences),
            (Sent::Done, Err(why)) => self.failed(child, "NOT_VERIFIED", vec![why]),
            (Sent::NotAsSeen(why), _) => {
                self.forget_intent(child)?;
                self.tell(child, "refused", "PRECONDITION_CHANGED", vec![why])
            }
            (Sent::Refused(why), _) => {
                self.forget_intent(child)?;
                self.failed(child, "UPDATE_REFUSED", vec![why])
            }
            (Sent::Pending(why), _) => self.tell(child, "pending", "UPDATE_PENDING", vec![why]),
            (Sent::Unknown(why), _) => self.failed(child, "PRIMARY_SILENT", vec![why]),
            (Sent::Stop(why), _) => {
                self.forget_intent(child)?;
                self.failures = self.setup.base.policy.brakes.failures_max;
                self.failed(child, "UPDATE_REFUSED", vec![why])
            }
        }
    }

    fn forget_intent(&mut self, child: &Name) -> Result<(), Failure> {
        Ok(lock(self.store).put_all(&[no_record("intent/", child)], [])?)
    }

    /// The primary has what is wanted.
    fn applied(
        &mut self,
        child: &Name,
        planned: &Planned,
        outcome: &'static str,
        reason: &'static str,
    ) -> Result<(), Failure> {
        let now = Clock.now();
        let ds = &self.setup.base.policy.ds;
        let normal = u32::try_from(ds.ttl.as_secs()).ok().filter(|ttl| *ttl > 0);
        let mut state = state_of(&lock(self.store), child)?;
        let by_hand = state.origin.by_hand;
        let intent: Option<Intent> = value(&lock(self.store), &format!("intent/{child}"))?;
        if let Some(intent) = intent {
            state.accepted(&intent.guards, &planned.change);
        }
        state.applied(&planned.change, normal, ds.ttl_restore_after, now);
        let by = ByPlan {
            plan: self.plan_hash.clone(),
            time: now,
            by_hand,
            change: Some(Block::of(planned)),
            serial: self.door.serial(),
            released: self.is_released,
        };
        let mut records = vec![
            record("child/", child, &state),
            record("applied/", child, &by),
            no_record("planned/", child),
            no_record("intent/", child),
        ];
        if self.keeps_notices {
            let told = self.told_of(child, planned, &by);
            records.push(record("notice/", child, &told));
        }
        let change = crate::output::zone_diff::lines(&planned.change);
        let told = json!({
            "outcome": outcome,
            "rule": planned.rule,
            "reason": planned.reason,
            "change": change,
            "plan": self.plan_hash,
        });
        lock(self.store).put_all(&records, &[entry(now, child, "applied", &told)])?;
        self.failures = 0;
        self.made.push(Made {
            child: child.to_string(),
            outcome,
            reason,
            evidence: change,
        });
        Ok(())
    }

    fn failed(
        &mut self,
        child: &Name,
        reason: &'static str,
        evidence: Vec<String>,
    ) -> Result<(), Failure> {
        self.failures += 1;
        self.tell(child, "failed", reason, evidence)
    }

    fn tell(
        &mut self,
        child: &Name,
        outcome: &'static str,
        reason: &'static str,
        evidence: Vec<String>,
    ) -> Result<(), Failure> {
        let made = Made {
            child: child.to_string(),
            outcome,
            reason,
            evidence,
        };
        if outcome != "applied-before" {
            let told = entry(Clock.now(), child, "not-applied", &made);
            lock(self.store).put_all([], &[told])?;
        }
        self.made.push(made);
        Ok(())
    }
}

/// Whether two changes are about the same RRsets, as they were and as they shall be.
fn is_same(found: Option<&Change>, planned: &Change) -> bool {
    let sorted = |change: &Change| {
        let mut sets = change.sets.clone();
        sets.sort_by(|a: &Replacement, b| (&a.name, a.rtype).cmp(&(&b.name, b.rtype)));
        sets
    };
    found.is_some_and(|found| sorted(found) == sorted(planned))
}
