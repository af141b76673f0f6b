//! Children out, findings in: what the crew of a survey takes, and what becomes of what it finds.

use std::{sync::Arc, time::Duration};

use counterpoint_dns::{driver::clock::Clock, time::Timestamp};

use super::shared::Shared;
use crate::{
    cli::{
        Failure,
        audit::{decision_of, stopped},
        run::{after_scan, met_before},
        survey_all::{lock, survey_from},
    },
    crew::Work,
    judge::sighting_hold,
    output::notice,
    policy::Policy,
    schedule::{After, Next},
    state::ChildState,
    survey::Finding,
    verdict::Outcome,
};

/// Findings are durable after this at the latest; those that something comes of, at once.
const UNWRITTEN_MAX: Duration = Duration::from_millis(250);

/// A child that the parent does not delegate any more is not looked for again before this.
const UNKNOWN_PAUSE: Duration = Duration::from_secs(60);

/// Scans until all is to end.
pub fn run(shared: &Shared<'_>) -> Result<(), Failure> {
    while !shared.is_stopping() {
        let policy = shared.policy();
        let mut means = shared.setup().means().at_a_glance();
        means.zone = Arc::new(shared.place.clone());
        let mut written = Clock.now();
        let mut failed = None;
        let source = || {
            let now = Clock.now();
            shared.live.beat(now);
            if now.since(written) >= UNWRITTEN_MAX {
                written = now;
                if let Err(failure) = write(shared) {
                    failed = Some(failure);
                    return Work::Stop;
                }
            }
            next(shared, policy, now).unwrap_or_else(|failure| {
                failed = Some(failure);
                Work::Stop
            })
        };
        let sink = |finding: Finding, now| found(shared, &finding, now);
        survey_from(source, &means, sink).map_err(stopped)?;
        if let Some(failure) = failed {
            return Err(failure);
        }
        write(shared)?;
    }
    Ok(())
}

/// Makes durable what was found.
fn write(shared: &Shared<'_>) -> Result<(), Failure> {
    let mut recorder = lock(&shared.recorder);
    if recorder.is_ahead() {
        recorder.flush()?;
    }
    Ok(())
}

/// What a hand that has room does next.
fn next(shared: &Shared<'_>, policy: u64, now: Timestamp) -> Result<Work, Failure> {
    if shared.is_stopping() {
        return Ok(Work::Stop);
    }
    if shared.policy() != policy {
        return Ok(Work::Over);
    }
    loop {
        let taken = lock(&shared.live.schedule).take(now);
        let Some((child, _)) = taken else {
            return Ok(Work::Later);
        };
        let mut recorder = lock(&shared.recorder);
        if recorder.is_ahead_of(&child) {
            recorder.flush()?;
        }
        drop(recorder);
        let setup = shared.setup();
        let subject = setup.subject(&child, Some(&lock(shared.store)))?;
        if let Some(mut subject) = subject {
            subject.report_to = lock(&shared.live.schedule).report_to(&child);
            return Ok(Work::Child(Box::new(subject)));
        }
        // It is not delegated any more, and goes with the next list of children.
        let next = Next {
            due: now + UNKNOWN_PAUSE,
            aborts: 0,
            by_notify: false,
        };
        lock(&shared.live.schedule).back(&child, next);
    }
}

/// Takes a finding: writes down what it means, and says when the child is due again.
fn found(shared: &Shared<'_>, finding: &Finding, now: Timestamp) -> Result<(), Failure> {
    shared.live.beat(now);
    let child = finding.gathered.child();
    let Some(channel) = lock(&shared.live.schedule).channel(child) else {
        // It left the parent's zone meanwhile.
        return Ok(());
    };
    let setup = shared.setup();
    let policy = &setup.base.policy;
    let decision = decision_of(finding, channel.name(), now, policy);
    let mut recorder = lock(&shared.recorder);
    let met_before = met_before(&recorder.store(), child)?;
    let (state, told) = after_scan(finding, met_before, policy, now);
    if recorder.is_news(child, &decision)? && !decision.is_quiet() {
        // Plain data: to JSON it cannot fail.
        let line = serde_json::to_string(&decision).unwrap_or_default() + "\n";
        shared.append("decisions.jsonl", &line)?;
    }
    shared.append("notices.jsonl", &notice::lines(&told))?;
    let silent_until = recorder.silence(finding, now)?;
    let after = after(finding, &state, silent_until, policy, now);
    let next = lock(&shared.live.schedule).next(child, &after, now);
    recorder.add(finding, &state, &decision, next, now)?;
    // A request that stands has not to begin anew, and planned is what the store has.
    if after.changed || state.candidate != finding.gathered.state.candidate {
        recorder.flush()?;
    }
    if after.changed {
        shared.ring();
    }
    drop(recorder);
    if let Some(next) = next {
        lock(&shared.live.schedule).back(child, next);
    }
    let mut counts = lock(&shared.live.counts);
    counts.notices += told.len() as u64;
    counts.scan(channel, [finding.ds.as_ref(), finding.csync.as_ref()], now);
    Ok(())
}

/// What a scan means for the next one.
fn after(
    finding: &Finding,
    state: &ChildState,
    silent_until: Option<Timestamp>,
    policy: &Policy,
    now: Timestamp,
) -> After {
    let verdicts = [&finding.ds, &finding.csync];
    let any = |outcome: Outcome| {
        let mut verdicts = verdicts.into_iter().flatten();
        verdicts.any(|verdict| verdict.outcome == outcome)
    };
    let stands = state.candidate.as_ref().map(|candidate| {
        let hold = sighting_hold(&finding.gathered, policy);
        let counts = candidate.counted + hold.spacing;
        match candidate.runs + 1 >= hold.checks {
            true => counts.max(candidate.first_seen + hold.period),
            false => counts,
        }
    });
    let returns = state.restore.map(|restore| restore.not_before);
    let coming = [stands, returns].into_iter().flatten();
    // What could have been done by now waits for something else.
    let again_at = coming.filter(|at| *at > now).min();
    After {
        changed: any(Outcome::Accept),
        aborted: any(Outcome::Abort) && silent_until.is_none(),
        silent_until: silent_until.filter(|until| *until > now),
        again_at,
    }
}
