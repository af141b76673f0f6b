//! Apply: carries out a plan, child by child, after everything that it rests on was checked again.
//!
//! Before an update is sent, the intent is durable; after it, what the primary then has. An update holds
//! only if the delegation is still what was seen, so that one that is sent twice is made once.

use std::{fs, path::PathBuf, time::Duration};

use counterpoint_dns::{
    driver::{clock::Clock, sqlite::SqliteStore},
    name::{Name, parse_name},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Call, EXIT_OK, EXIT_REFUSED, Failure, Outcome, Streams, arguments,
    audit::{decision_of, head, stopped},
    plan::{Bar, begin, held, held_text, write_durably},
    primary::{Has, Primary},
    run::{entry, no_record, record, state_of, value},
    setup::{OWNER, Setup, unforeseen},
    survey_all::survey_all,
    verify::{about_json, must_pass},
};
use crate::{
    apply::Applied,
    input::BadInput,
    output::{
        notice::{self, Told},
        nsupdate,
    },
    plan::{
        Plan, Planned,
        file::{self, NoPlan, hash},
    },
    state::Guards,
    survey::Finding,
    verdict::{Change, Outcome as Judgement, Replacement},
};

/// How many children are asked again at once: their updates follow at once too.
const CHUNK: usize = 64;
/// A clock that is this much before the plan's is wrong.
const CLOCK_SLACK: Duration = Duration::from_secs(300);

/// By which plan a child was changed last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ByPlan {
    plan: String,
    time: Timestamp,
    /// Whether another channel had made what was there before (D-07).
    #[serde(default)]
    by_hand: bool,
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
struct Made {
    child: String,
    /// `applied`, `applied-before`, `refused`, `failed`, `not-tried`.
    outcome: &'static str,
    reason: &'static str,
    evidence: Vec<String>,
}

impl Made {
    /// Whether the change is made.
    fn is_there(&self) -> bool {
        matches!(self.outcome, "applied" | "applied-before")
    }
}

/// Carries out a plan. The exit code says whether every change of it is made.
pub fn run(
    arguments: &arguments::Apply,
    call: &Call,
    streams: &mut Streams<'_>,
) -> Result<Outcome, Failure> {
    let place = arguments.plan.display().to_string();
    let text = fs::read_to_string(&arguments.plan)
        .map_err(|error| BadInput::new(&place, error, "name a plan that can be read"))?;
    let plan = file::read(&text).map_err(|no_plan| match no_plan {
        NoPlan::Edited => Failure::Refused(format!("{place}: {no_plan}")),
        NoPlan::Unreadable(_) => Failure::BadInput(format!("{place}: {no_plan}")),
    })?;
    let plan_hash = hash(&text);
    let now = Clock.now();
    if now >= plan.expires {
        let why = format!(
            "{place}: it expired at {}\n  help: make a new plan",
            plan.expires
        );
        return Err(Failure::Refused(why));
    }
    if now + CLOCK_SLACK < plan.created {
        let why = format!(
            "{place}: it was made at {}, and the clock says {now}\n  help: set the clock",
            plan.created
        );
        return Err(Failure::Refused(why));
    }
    let setup = Setup::load(&arguments.input)?;
    if *setup.parent.zone() != plan.zone {
        let what = format!(
            "the plan is for {}, the input is {}",
            plan.zone,
            setup.parent.zone()
        );
        return Err(BadInput::new(&place, what, "name the input that belongs to the plan").into());
    }
    let primary = arguments.update.or(setup.base.policy.parent.primary);
    let primary = primary.ok_or_else(|| {
        let what = "nothing says where updates go";
        BadInput::new(
            "the command line",
            what,
            "give --update ADDRESS:PORT, or `parent.primary` in the policy",
        )
    })?;
    let mut store = SqliteStore::open(&arguments.state.state, OWNER)?;
    let held = held(&plan, &setup, &store, &arguments.releases)?;
    let mut about = setup.about();
    about.push(("updates to".into(), primary.to_string()));
    if plan.basis.policy != setup.base.policy_hash {
        let text =
            "the policy is not that of the plan; everything is judged again by the present one";
        about.push(("note".into(), text.into()));
    }
    if !held.is_empty() {
        let text = head("apply", &setup, &about) + &held_text(&held) + "nothing was changed\n";
        let json = json!({ "command": "apply", "about": about_json(&about), "brakes": held, "changes": [] });
        return Ok(Outcome {
            text,
            json,
            code: EXIT_REFUSED,
        });
    }
    if !arguments.no_self_test {
        must_pass(&setup.base)?;
    }
    let run = begin(&mut store, "apply", call, now)?;
    let rollback = PathBuf::from(format!("{place}.rollback.nsupdate"));
    write_durably(&rollback, &nsupdate::write_back(&plan))?;
    let mut applying = Applying {
        setup: &setup,
        plan: &plan,
        plan_hash,
        primary: Primary {
            zone: &plan.zone,
            at: setup.base.options.route(primary),
            tsig: setup.tsig.as_ref(),
            stream: unforeseen()?,
        },
        store,
        made: Vec::new(),
        failures: 0,
    };
    writeln!(
        streams.err,
        "{}: the way back is in {}",
        run.id,
        rollback.display()
    )?;
    let mut bar = Bar::new(plan.changes.len(), streams.progress);
    let done = applying.all(&mut bar);
    bar.finish();
    done?;
    let told = applying.told()?;
    let notices = PathBuf::from(format!("{place}.notices.jsonl"));
    write_durably(&notices, &notice::lines(&told))?;
    let Applying {
        mut store, made, ..
    } = applying;
    store.put_all(&[no_record("run", "")], [])?;

    let mut text = head("apply", &setup, &about);
    for one in &made {
        text.push_str(&format!(
            "  {:14} {} {}\n",
            one.outcome, one.child, one.reason
        ));
        for line in &one.evidence {
            text.push_str(&format!("                 {line}\n"));
        }
    }
    let of = |outcome: &[&str]| {
        made.iter()
            .filter(|one| outcome.contains(&one.outcome))
            .count()
    };
    let applied = made.iter().filter(|one| one.is_there()).count();
    text.push_str(&format!(
        "{applied} of {} changes are made, {} refused, {} failed, {} not tried; the way back: {}\n",
        plan.changes.len(),
        of(&["refused"]),
        of(&["failed"]),
        of(&["not-tried"]),
        rollback.display()
    ));
    let count = told.len();
    let s = if count == 1 { "" } else { "s" };
    text.push_str(&format!("{count} notice{s}: {}\n", notices.display()));
    let json = json!({
        "command": "apply",
        "zone": plan.zone.to_string(),
        "about": about_json(&about),
        "rollback": rollback,
        "notices": notices,
        "changes": made,
    });
    let code = if applied == plan.changes.len() {
        EXIT_OK
    } else {
        EXIT_REFUSED
    };
    Ok(Outcome { text, json, code })
}

/// A plan that is being carried out.
struct Applying<'a> {
    setup: &'a Setup,
    plan: &'a Plan,
    plan_hash: String,
    primary: Primary<'a>,
    store: SqliteStore,
    made: Vec<Made>,
    /// How many changes in a row failed.
    failures: u32,
}

impl Applying<'_> {
    fn all(&mut self, bar: &mut Bar) -> Result<(), Failure> {
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
                bar.step();
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
    fn told(&self) -> Result<Vec<Told>, Failure> {
        let mut all = Vec::new();
        for made in self.made.iter().filter(|made| made.is_there()) {
            let child = parse_name(&made.child).unwrap_or_default();
            let Some(planned) = self.plan.changes.get(&child) else {
                continue;
            };
            let by: Option<ByPlan> = value(&self.store, &format!("applied/{child}"))?;
            let Some(ByPlan { time, by_hand, .. }) = by else {
                continue;
            };
            let facts = self.setup.registry.facts(&child);
            let registrar = facts.registrar.as_deref();
            all.extend(notice::after_change(planned, by_hand, registrar, time));
        }
        Ok(all)
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
        let by: Option<ByPlan> = value(&self.store, &format!("applied/{child}"))?;
        let is_ours = by.is_some_and(|by| by.plan == self.plan_hash);
        match self.primary.has(&planned.change) {
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
            subjects.extend(self.setup.subject(child, Some(&self.store))?);
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
        match self.primary.has(&planned.change) {
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
        self.store
            .put_all(&[record("intent/", child, &intent)], &told)?;
        let answer = self.primary.update(&planned.change);
        let there = self.primary.has(&planned.change);
        match (answer, there) {
            // RFC 10026 §5.2: what counts is what the primary has now.
            (Some(Applied::Done) | None | Some(Applied::ParentChanged), Ok((Has::Wanted, _))) => {
                self.applied(child, planned, "applied", "VERIFIED")
            }
            (Some(Applied::Done), Ok((_, differences))) => {
                self.failed(child, "NOT_VERIFIED", differences)
            }
            (Some(Applied::Done), Err(why)) => self.failed(child, "NOT_VERIFIED", vec![why]),
            (Some(Applied::ParentChanged), _) => {
                self.forget_intent(child)?;
                let why = vec![Applied::ParentChanged.to_string()];
                self.tell(child, "refused", "PRECONDITION_CHANGED", why)
            }
            (Some(refused @ Applied::Refused(_)), _) => {
                self.forget_intent(child)?;
                self.failed(child, "UPDATE_REFUSED", vec![refused.to_string()])
            }
            (None, _) => {
                let why = "the primary did not answer; whether the change is made is not known";
                self.failed(child, "PRIMARY_SILENT", vec![why.into()])
            }
        }
    }

    fn forget_intent(&mut self, child: &Name) -> Result<(), Failure> {
        Ok(self.store.put_all(&[no_record("intent/", child)], [])?)
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
        let mut state = state_of(&self.store, child)?;
        let by_hand = state.origin.by_hand;
        let intent: Option<Intent> = value(&self.store, &format!("intent/{child}"))?;
        if let Some(intent) = intent {
            state.accepted(&intent.guards, &planned.change);
        }
        state.applied(&planned.change, normal, ds.ttl_restore_after, now);
        let by = ByPlan {
            plan: self.plan_hash.clone(),
            time: now,
            by_hand,
        };
        let records = [
            record("child/", child, &state),
            record("applied/", child, &by),
            no_record("intent/", child),
        ];
        let change = crate::output::zone_diff::lines(&planned.change);
        let told = json!({
            "outcome": outcome,
            "rule": planned.rule,
            "reason": planned.reason,
            "change": change,
            "plan": self.plan_hash,
        });
        self.store
            .put_all(&records, &[entry(now, child, "applied", &told)])?;
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
            self.store.put_all([], &[told])?;
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
