//! From a played world to an outcome: the oracle's judgement, the controller's report, the scanner's
//! reasons, and whether the concrete resolvers agree.

use std::{collections::BTreeMap, time::Duration};

use counterpoint_controller as controller;
use counterpoint_dns::{
    name::{Name, RecordType},
    oracle::{self, Judgement, history::History, judge, slack},
    rdata::Rdata,
    resolver::Validation,
    time::Timestamp,
};
use counterpoint_simnet::topology::PARENT;

use super::{faults, late, play::Played, resolvers, witnesses};
use crate::{
    outcome::{Outcome, Process, ProcessOutcome, Step, Violation},
    scenario::{Property, Quantifier, Scenario, Verdict},
};

/// A concrete resolver may have fetched this long before it answered.
const FETCH_SPAN: Duration = Duration::from_secs(60);

/// What came of a played scenario.
pub fn outcome(scenario: &Scenario, played: Played) -> Outcome {
    let mut outcome = Outcome::of(scenario);
    let start = scenario.start;
    outcome.virtual_time = played.end - start;
    let histories: BTreeMap<Name, History> = played
        .stage
        .world
        .recorders
        .iter()
        .map(|(zone, recorder)| (zone.clone(), recorder.history()))
        .collect();
    let mut disagreements = Vec::new();
    for (zone, history) in &histories {
        for profile in &scenario.judge.profiles {
            let profile = resolvers::judged(profile);
            let since = played.stage.world.since();
            let judgement = judge(history, &profile, since, played.end);
            let told = (&judgement, &profile);
            add_judgement(&mut outcome, scenario, zone, history, told, played.end);
        }
        disagreements.extend(disagreements_of(scenario, &played, zone, history));
    }
    if let Some(first) = disagreements.first() {
        outcome.internal_error = Some(format!(
            "a resolver and the oracle disagree {} times, first: {first}",
            disagreements.len()
        ));
    }
    if played.internal_error.is_some() {
        outcome.internal_error.clone_from(&played.internal_error);
    }
    add_parent(&mut outcome, scenario, &played);
    add_forgery(&mut outcome, scenario, &played);
    if outcome.violations.iter().any(|violation| violation.decides) {
        outcome.verdict = Verdict::Unsafe;
    }
    if let Some(seated) = &played.cast.controller {
        let reports = seated.agent.report();
        outcome
            .violations
            .extend(late::late(scenario, &reports, played.end));
        let process = |report| process(scenario, &histories, report, played.end);
        outcome.processes = reports.iter().map(process).collect();
    }
    if let Some(seated) = &played.cast.scanner {
        let reasons = seated.agent.reasons();
        outcome.reasons = reasons
            .iter()
            .map(|(code, n)| (code.to_string(), *n))
            .collect();
    }
    let mut reached = played.reached.clone();
    witnesses::tell(scenario, &played, &mut outcome.notes, &mut reached);
    outcome.warnings.extend(played.warnings);
    reached.extend(outcome.reasons.keys().map(|code| format!("reason/{code}")));
    reached.extend(
        scenario
            .judge
            .profiles
            .iter()
            .map(|p| format!("profile/{}", p.name())),
    );
    outcome.reached = reached.into_iter().collect();
    outcome.resolvers = played.fared;
    outcome.histories = histories;
    outcome.event_log = played.stage.world.log.into_lines();
    outcome
}

/// Every violation for every profile of the judge, with its witness.
pub fn violations(scenario: &Scenario, played: &Played) -> Vec<(Name, oracle::Violation)> {
    let since = played.stage.world.since();
    let mut found = Vec::new();
    for (zone, recorder) in &played.stage.world.recorders {
        let history = recorder.history();
        for profile in &scenario.judge.profiles {
            let judgement = judge(&history, &resolvers::judged(profile), since, played.end);
            found.extend(judgement.violations.into_iter().map(|v| (zone.clone(), v)));
        }
    }
    found
}

fn add_judgement(
    outcome: &mut Outcome,
    scenario: &Scenario,
    zone: &Name,
    history: &History,
    (judgement, profile): (&Judgement, &oracle::Profile),
    end: Timestamp,
) {
    let start = scenario.start;
    for found in &judgement.violations {
        let quantifier = match found.quantifier {
            oracle::Quantifier::AnyCache => Quantifier::AnyCache,
            oracle::Quantifier::OneResolver => Quantifier::OneResolver,
        };
        outcome.violations.push(Violation {
            property: match found.property {
                oracle::Property::Secure => Property::Secure,
                oracle::Property::NeverInsecure => Property::NeverInsecure,
                oracle::Property::Reachable => Property::Reachable,
                oracle::Property::NoFalseDenial => Property::NoFalseDenial,
            },
            profile: found.profile.clone(),
            quantifier,
            zone: zone.clone(),
            from: found.from - start,
            until: (found.until < end).then(|| found.until - start),
            witness: found.prose(history, start),
            proof: Some(Box::new(found.clone())),
            // Where the earlier version is still served at the end, no wait would have helped.
            margin: Some(found.margin).filter(|margin| found.from + *margin <= end),
            tail: match found.property {
                oracle::Property::Secure => Some(profile.bogus_kept),
                oracle::Property::Reachable => Some(profile.failure_kept),
                oracle::Property::NeverInsecure | oracle::Property::NoFalseDenial => None,
            }
            .filter(|kept| !kept.is_zero()),
            decides: quantifier == scenario.judge.quantifier,
        });
    }
    let known = |list: &[String], text: &String| list.contains(text);
    for outage in &judgement.outages {
        let text = format!(
            "no server answered a cache that held {} from {} to {}",
            outage.ns.prose(history, start),
            outage.from.relative_to(start),
            outage.until.relative_to(start)
        );
        if !known(&outcome.outages, &text) {
            outcome.outages.push(text);
        }
    }
    for warning in &judgement.warnings {
        let lame = &history.instances[warning.instance.0 as usize].name;
        let text = format!(
            "{lame} does not answer with authority for a cache that holds {}, from {} to {}",
            warning.ns.prose(history, start),
            warning.from.relative_to(start),
            warning.until.relative_to(start)
        );
        if !known(&outcome.warnings, &text) {
            outcome.warnings.push(text);
        }
    }
}

/// A concrete resolver must never get Bogus where the oracle says that no cache of its kind can.
pub(crate) fn disagreements_of(
    scenario: &Scenario,
    played: &Played,
    zone: &Name,
    history: &History,
) -> Vec<String> {
    let failures: Vec<_> = played
        .failures
        .iter()
        .filter(|failure| failure.is_bogus && zone.zone_of(&failure.question.name))
        .filter(|failure| !faults::explains(scenario, failure))
        .collect();
    if failures.is_empty() {
        return Vec::new();
    }
    let mut judged: Vec<(oracle::Profile, Judgement)> = Vec::new();
    let mut found = Vec::new();
    for failure in failures {
        let resolver = &scenario.resolvers[failure.resolver];
        let config = played.cast.resolvers[failure.resolver].agent.config();
        let profile = resolvers::of_config(String::new(), config);
        let quantifier = match config.validation {
            Validation::BehindCache => oracle::Quantifier::AnyCache,
            Validation::AtFetch | Validation::Off => oracle::Quantifier::OneResolver,
        };
        let known = judged.iter().position(|(known, _)| *known == profile);
        let index = known.unwrap_or_else(|| {
            let since = played.stage.world.since();
            let judgement = judge(history, &profile, since, played.end);
            judged.push((profile, judgement));
            judged.len() - 1
        });
        let judgement = &judged[index].1;
        let violation = judgement.of(oracle::Property::Secure, quantifier);
        let asked = failure.asked.before(FETCH_SPAN);
        let is_known = violation.is_some_and(|violation| {
            let mut spans = violation.during.iter();
            spans.any(|span| span.from <= failure.answered && asked < span.until)
        });
        if !is_known {
            found.push(format!(
                "{} got Bogus for {} at {}: {}",
                resolver.name,
                failure.question,
                failure.answered.relative_to(scenario.start),
                failure.why
            ));
        }
    }
    found
}

/// Whose nameservers the parent's NS RRset of each zone names at the end, in alphabetical order.
pub(crate) fn delegated_to(scenario: &Scenario, played: &Played) -> BTreeMap<Name, Vec<String>> {
    let mut delegated = BTreeMap::new();
    let world = &played.stage.world;
    let parent = world.operator(PARENT).map(|index| &world.operators[index]);
    let published = parent.and_then(|operator| {
        operator
            .primaries
            .get(&scenario.parent.zone)
            .and_then(|primary| primary.published())
    });
    for zone in &scenario.zones {
        let ns = published.and_then(|version| version.get(&zone.name, RecordType::NS));
        let hosts: Vec<Name> = ns
            .iter()
            .flat_map(|served| &served.set.data)
            .filter_map(Rdata::as_name)
            .collect();
        let named = scenario.signers.iter().filter(|signer| {
            let plan = played.stage.signer(&signer.name);
            plan.is_some_and(|plan| {
                plan.hosts(&zone.name)
                    .iter()
                    .any(|host| hosts.contains(host))
            })
        });
        let mut names: Vec<String> = named.map(|signer| signer.name.clone()).collect();
        names.sort_unstable();
        delegated.insert(zone.name.clone(), names);
    }
    delegated
}

fn add_parent(outcome: &mut Outcome, scenario: &Scenario, played: &Played) {
    let world = &played.stage.world;
    outcome.parent_changed = world.parent_changes > 0;
    outcome.delegated_to = delegated_to(scenario, played);
    if changed_unaccounted(scenario, played) {
        outcome.violations.push(Violation {
            property: Property::ParentUntouched,
            profile: "any".into(),
            quantifier: Quantifier::OneResolver,
            zone: scenario.parent.zone.clone(),
            from: Duration::ZERO,
            until: None,
            witness: format!(
                "the parent changed {} times, the scanner accounts for {}",
                world.parent_changes, played.scanner_changes
            ),
            proof: None,
            margin: None,
            tail: None,
            decides: false,
        });
    }
}

/// Whoever took a forger's word.
fn add_forgery(outcome: &mut Outcome, scenario: &Scenario, played: &Played) {
    for believed in &played.stage.world.believed {
        outcome.violations.push(Violation {
            property: Property::NoForgery,
            profile: "any".into(),
            quantifier: Quantifier::OneResolver,
            zone: scenario.parent.zone.clone(),
            from: Duration::ZERO,
            until: None,
            witness: format!("forged data were believed, at {believed}"),
            proof: None,
            margin: None,
            tail: None,
            decides: false,
        });
    }
}

/// SHA-256 of everything that happened: two runs with the same are the same.
pub(crate) fn state(played: &Played) -> [u8; 32] {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    for line in played.stage.world.log.lines() {
        context.update(line.as_bytes());
        context.update(b"\n");
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// Whether the parent changed more often than the scanner, the only one that updates it, says: apart
/// from what hands did.
pub(crate) fn changed_unaccounted(scenario: &Scenario, played: &Played) -> bool {
    let by_hand = scenario.events.iter().any(|event| {
        matches!(
            event.what.name(),
            "set-ds" | "manual-ds" | "set-parent-ns" | "set-ttl"
        )
    });
    !by_hand && played.stage.world.parent_changes > played.scanner_changes
}

fn process(
    scenario: &Scenario,
    histories: &BTreeMap<Name, History>,
    report: &controller::ProcessReport,
    end: Timestamp,
) -> Process {
    let start = scenario.start;
    let reason = report.reason.clone();
    let outcome = match report.outcome {
        controller::Outcome::Done => ProcessOutcome::Done,
        controller::Outcome::Refused => ProcessOutcome::Refused(reason),
        controller::Outcome::Blocked => ProcessOutcome::Blocked(reason),
        _ => ProcessOutcome::Unfinished(format!("{}: {reason}", report.outcome)),
    };
    let ended = ended(report);
    let slacks = match histories.get(&report.zone) {
        Some(history) => slacks(history, &oracle::Profile::liberal(), report, end),
        None => vec![None; report.steps.len()],
    };
    let steps = report.steps.iter().zip(slacks).map(|(step, slack)| Step {
        name: step.name.clone(),
        title: step.title,
        from: step.from - start,
        until: step.until.map(|until| until - start),
        slack,
    });
    Process {
        zone: report.zone.clone(),
        process: format!("{} {}", report.process, report.signer),
        outcome,
        ended: ended.map(|ended| ended - start),
        steps: steps.collect(),
    }
}

/// When a process ended well, if it has.
fn ended(report: &controller::ProcessReport) -> Option<Timestamp> {
    let is_done = report.outcome == controller::Outcome::Done;
    let last = report.steps.last().filter(|_| is_done)?;
    last.until
}

/// For each step of a process, how much earlier the next effect could have come, for `profile`: its own,
/// or that of the next step that writes.
pub(crate) fn slacks(
    history: &History,
    profile: &oracle::Profile,
    report: &controller::ProcessReport,
    end: Timestamp,
) -> Vec<Option<Duration>> {
    let steps = &report.steps;
    let mut slacks = vec![None; steps.len()];
    // What a step writes shows its effect until the next step writes.
    let (mut until, mut next) = (ended(report).unwrap_or(end), None);
    for (found, step) in slacks.iter_mut().zip(steps).rev() {
        if let Some(from) = step.applied_at {
            next = slack(history, profile, from, until);
            until = from;
        }
        // A step without an effect waits for that of the next step that has one.
        *found = next;
    }
    slacks
}
