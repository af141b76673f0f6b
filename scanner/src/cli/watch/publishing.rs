//! From what was found to a plan, and to the parent's zone, if it was told so.
//!
//! A brake that holds keeps every change back until somebody releases it, or the policy is another; scans
//! go on. The brakes count what was changed lately along with what is to be changed, so that a flood of
//! changes is none the less one because it comes in small rounds.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::Duration,
};

use counterpoint_dns::{
    driver::{clock::Clock, daemon::journal, sqlite::SqliteStore},
    name::{Name, parse_name},
    time::Timestamp,
};

use super::shared::Shared;
use crate::{
    brakes::Braked,
    cli::{
        Failure,
        applying::{Applying, ByPlan},
        arguments,
        door::Door,
        plan::{held, planned, write, write_durably},
        release,
        run::{no_record, record},
        setup::Setup,
        survey_all::lock,
        verify::must_pass,
    },
    input::BadInput,
    output::{
        notice::{self, Told},
        nsupdate,
    },
    plan::{
        Plan, Planned,
        file::{self, hash},
    },
};

/// However often it fails, it is tried again after this.
const PAUSE_MAX: Duration = Duration::from_secs(3_600);
/// A scan takes no longer.
const SCANNED_MAX: Duration = Duration::from_secs(120);
/// How long a scan is waited for at a time.
const MOMENT: Duration = Duration::from_millis(20);
/// How soon it is looked again, at least, whether a plan was released.
const LOOK: Duration = Duration::from_secs(1);
/// A child whose change was refused is looked at again after this.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);

/// Where updates go.
pub fn primary(arguments: &arguments::Watch, setup: &Setup) -> Result<SocketAddr, Failure> {
    let primary = arguments.update.or(setup.base.policy.parent.primary);
    primary.ok_or_else(|| {
        let what = "nothing says where updates go";
        let remedy = "give --update ADDRESS:PORT, or `parent.primary` in the policy";
        BadInput::new("the command line", what, remedy).into()
    })
}

/// Plans, and applies, until all is to end.
pub fn run(shared: &Shared<'_>) -> Result<(), Failure> {
    tell_left(shared)?;
    let mut publishing = Publishing::default();
    while !shared.is_stopping() {
        let pause = shared.setup().base.policy.watch.publish;
        let pause = pause * 2_u32.saturating_pow(publishing.failed_rounds.min(16));
        let is_rung = shared.wait_for_findings(pause.clamp(LOOK, PAUSE_MAX));
        let is_released = release::released(&shared.arguments.out) != Ok(None);
        let is_due = is_rung || publishing.is_left || is_released;
        if is_due && !shared.is_stopping() {
            publishing.round(shared)?;
            // Not sooner than that, however much is found; a stop is.
            shared.wait_only(pause.min(PAUSE_MAX));
        }
    }
    Ok(())
}

/// What is remembered from round to round.
#[derive(Debug, Default)]
struct Publishing {
    /// The changes of the plan that was written last.
    written: Option<BTreeMap<Name, Planned>>,
    /// Something is planned that is not made.
    is_left: bool,
    /// How many rounds in a row came to no good end.
    failed_rounds: u32,
    /// What held the last plan back.
    held: BTreeSet<&'static str>,
}

impl Publishing {
    fn round(&mut self, shared: &Shared<'_>) -> Result<(), Failure> {
        let setup = shared.setup();
        let out = &shared.arguments.out;
        match release::released(out) {
            Ok(None) => {}
            Ok(Some((plan, plan_hash, releases))) => {
                let text = format!(
                    "{} changes from {}",
                    plan.changes.len(),
                    releases.join(", ")
                );
                journal::event("released", &[("what", &text)]);
                self.released(shared, &setup, plan, plan_hash, &releases)?;
                release::forget(out)?;
            }
            Err(why) => {
                journal::event("not-released", &[("why", &why)]);
                release::forget(out)?;
            }
        }
        let now = Clock.now();
        lock(&shared.recorder).flush()?;
        let plan = Plan {
            zone: setup.parent.zone().clone(),
            created: now,
            expires: now + setup.base.policy.plan.valid,
            basis: setup.basis(),
            changes: planned(&lock(shared.store), &setup)?,
        };
        let held = held_now(&plan, &setup, &lock(shared.store), &[], now)?;
        self.tell_held(shared, &held, plan.changes.len());
        if !held.iter().any(|braked| braked.brake == "shrunk-input") {
            let size = record("input", "", &setup.parent.len());
            lock(shared.store).put_all(&[size], [])?;
        }
        self.is_left = !plan.changes.is_empty();
        if self.written.as_ref() != Some(&plan.changes) {
            write(&plan, &setup.base.policy.epp, out)?;
            self.written = Some(plan.changes.clone());
        }
        if shared.arguments.apply && held.is_empty() && self.is_left {
            let text = file::write(&plan);
            let plan_hash = hash(&text);
            self.apply(shared, &setup, plan, plan_hash, false)?;
        }
        Ok(())
    }

    /// Carries out a plan that somebody has looked at, as far as other brakes let it.
    fn released(
        &mut self,
        shared: &Shared<'_>,
        setup: &Setup,
        plan: Plan,
        plan_hash: String,
        releases: &[String],
    ) -> Result<(), Failure> {
        let now = Clock.now();
        let why = match &plan {
            plan if plan.zone != *setup.parent.zone() => Some("it is for another zone".into()),
            plan if now >= plan.expires => Some(format!("it expired at {}", plan.expires)),
            _ if !shared.arguments.apply => Some("it is a trial, without --apply".into()),
            plan => {
                let held = held_now(plan, setup, &lock(shared.store), releases, now)?;
                let held: Vec<&str> = held.iter().map(|braked| braked.brake).collect();
                let text = format!("these brakes hold as well: {}", held.join(", "));
                (!held.is_empty()).then_some(text)
            }
        };
        match why {
            Some(why) => journal::event("not-released", &[("why", &why)]),
            None => self.apply(shared, setup, plan, plan_hash, true)?,
        }
        Ok(())
    }

    fn tell_held(&mut self, shared: &Shared<'_>, held: &[Braked], planned: usize) {
        let now: BTreeSet<&'static str> = held.iter().map(|braked| braked.brake).collect();
        for braked in held
            .iter()
            .filter(|braked| !self.held.contains(braked.brake))
        {
            let (what, help) = (braked.what.as_str(), braked.remedy.as_str());
            journal::event(
                "brake",
                &[("brake", braked.brake), ("what", what), ("help", help)],
            );
        }
        for brake in self.held.difference(&now) {
            journal::event("brake-off", &[("brake", brake)]);
        }
        let mut counts = lock(&shared.live.counts);
        counts.held = now.iter().copied().collect();
        counts.planned = planned as u64;
        drop(counts);
        self.held = now;
    }

    /// Changes what can be changed now: who is being asked has its turn in the next round.
    fn apply(
        &mut self,
        shared: &Shared<'_>,
        setup: &Setup,
        mut plan: Plan,
        plan_hash: String,
        is_released: bool,
    ) -> Result<(), Failure> {
        if !shared.arguments.no_self_test
            && let Err(failure) = must_pass(&setup.base)
        {
            journal::event("not-applied", &[("why", &failure.to_string())]);
            self.failed_rounds += 1;
            return Ok(());
        }
        let taken = |child: &Name| lock(&shared.live.schedule).take_for_change(child);
        let mut left: BTreeSet<Name> = plan.changes.keys().cloned().collect();
        let since = Clock.now();
        loop {
            left.retain(|child| !taken(child));
            // What was released is not planned again by itself: it waits until scans have ended.
            let waits = is_released && Clock.now().since(since) < SCANNED_MAX;
            if left.is_empty() || !waits || shared.is_stopping() {
                break;
            }
            shared.wait_only(MOMENT);
        }
        if is_released && !left.is_empty() {
            let names = Vec::from_iter(left.iter().map(ToString::to_string)).join(", ");
            let why = format!("these are being asked all the time, or delegated no more: {names}");
            journal::event("not-released", &[("why", &why)]);
        }
        plan.changes.retain(|child, _| !left.contains(child));
        let result = self.apply_taken(shared, setup, &plan, plan_hash, is_released);
        let now = Clock.now();
        for child in plan.changes.keys() {
            // When it is due does not change, unless it was refused.
            let mut schedule = lock(&shared.live.schedule);
            schedule.put_back(child);
            if result.as_ref().is_ok_and(|refused| refused.contains(child)) {
                schedule.hasten(child, now + REFUSED_PAUSE);
            }
        }
        result.map(|_| ())
    }

    /// Returns the children whose change was refused.
    fn apply_taken(
        &mut self,
        shared: &Shared<'_>,
        setup: &Setup,
        plan: &Plan,
        plan_hash: String,
        is_released: bool,
    ) -> Result<BTreeSet<Name>, Failure> {
        if plan.changes.is_empty() {
            return Ok(BTreeSet::new());
        }
        let out = &shared.arguments.out;
        let rollback = out
            .join("rollback")
            .join(format!("{}.nsupdate", plan.created));
        write_durably(&rollback, &nsupdate::write_back(plan))?;
        let primary = primary(shared.arguments, setup)?;
        let door = Door::primary(setup, &plan.zone, primary)?;
        let mut applying = Applying::new(setup, plan, plan_hash, door, shared.store);
        applying.keeps_notices = true;
        applying.is_released = is_released;
        applying.all(|| {})?;
        let made = applying.made;
        let mut refused = BTreeSet::new();
        let mut records = Vec::new();
        for one in &made {
            lock(&shared.live.counts).change(one.outcome);
            let fields = [
                ("child", one.child.as_str()),
                ("outcome", one.outcome),
                ("reason", one.reason),
                ("evidence", &one.evidence.join("; ")),
            ];
            journal::event("change", &fields);
            let child = parse_name(&one.child).unwrap_or_default();
            if one.outcome == "refused" || one.reason == "ALREADY_APPLIED" {
                records.extend([no_record("planned/", &child), no_record("intent/", &child)]);
            }
            if one.outcome == "refused" {
                refused.insert(child);
            }
        }
        lock(shared.store).put_all(&records, [])?;
        let has_failed = made.iter().any(|one| one.outcome == "failed");
        self.failed_rounds = match has_failed {
            true => self.failed_rounds + 1,
            false => 0,
        };
        let left = made
            .iter()
            .filter(|one| ["failed", "not-tried"].contains(&one.outcome));
        let left = left.count();
        lock(&shared.live.counts).planned = left as u64;
        self.is_left = left > 0;
        tell_left(shared)?;
        Ok(refused)
    }
}

/// What holds a plan back, counting what was changed lately.
fn held_now(
    plan: &Plan,
    setup: &Setup,
    store: &SqliteStore,
    releases: &[String],
    now: Timestamp,
) -> Result<Vec<Braked>, Failure> {
    let since = now.before(setup.base.policy.watch.brakes_window);
    let mut all = plan.clone();
    let mut unreadable = None;
    store.each("applied/", |applied| {
        let by = serde_json::from_str::<ByPlan>(&applied.value);
        let by = match by {
            Ok(by) if by.time > since && !by.released => by,
            Ok(_) => return,
            Err(error) => {
                unreadable = Some(format!(
                    "the record {} cannot be read: {error}",
                    applied.key
                ));
                return;
            }
        };
        // Those of older releases do not say what was changed.
        if let Some(Ok((child, planned))) = by.change.map(|block| block.check()) {
            all.changes.entry(child).or_insert(planned);
        }
    })?;
    match unreadable {
        Some(why) => Err(Failure::BadInput(why)),
        None if plan.changes.is_empty() => {
            // Nothing is held back; that the input shrank, or the kill file is there, is to be told.
            let mut held = held(&all, setup, store, releases)?;
            held.retain(|braked| ["kill-file", "shrunk-input"].contains(&braked.brake));
            Ok(held)
        }
        None => held(&all, setup, store, releases),
    }
}

/// Writes down who is to be told of changes that were made.
fn tell_left(shared: &Shared<'_>) -> Result<(), Failure> {
    let mut left: Vec<(String, Vec<Told>)> = Vec::new();
    lock(shared.store).each("notice/", |notice| {
        let told = serde_json::from_str(&notice.value);
        left.push((notice.key, told.unwrap_or_default()));
    })?;
    for (key, told) in left {
        shared.append("notices.jsonl", &notice::lines(&told))?;
        lock(shared.store).put_all(&[no_record(&key, "")], [])?;
        lock(&shared.live.counts).notices += told.len() as u64;
    }
    Ok(())
}
