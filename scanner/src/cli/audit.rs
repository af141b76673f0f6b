//! Audit: asks children, says what would change and why not. Writes nothing but a report that was
//! asked for.

use std::sync::Mutex;

use counterpoint_dns::{
    driver::{clock::Clock, sqlite::SqliteStore},
    name::Name,
    stream::stream,
    time::Timestamp,
};
use rand::RngExt as _;
use serde_json::json;

use super::{
    Failure, Outcome, Streams, arguments,
    plan::{Bar, Outputs},
    run::{after_scan, met_before},
    setup::{OWNER, Setup},
    survey_all::{Stopped, lock, survey_all},
    verify::{about_json, self_test},
};
use crate::{
    input::Parent,
    output::{Decision, decision::Judged, summary::Summary},
    policy::Policy,
    survey::Finding,
};

/// Asks children, tells what would change and why not, and writes a report if one is asked for.
pub fn run(arguments: &arguments::Audit, streams: &mut Streams<'_>) -> Result<Outcome, Failure> {
    let setup = Setup::load(&arguments.input)?;
    // Read from every thread of the survey.
    let store = match arguments.state.state.exists() {
        true => Some(Mutex::new(SqliteStore::open_to_read(
            &arguments.state.state,
            OWNER,
        )?)),
        false => None,
    };
    let children = sample(&setup.parent, arguments.sample, arguments.seed);
    let began = Clock.now();
    let checks = self_test(&setup.base)?;
    let mut outputs = match &arguments.report {
        Some(directory) => Some(Outputs::begin(directory, &|_| false)?),
        None => None,
    };
    let mut summary = Summary::default();
    let mut bar = Bar::new(children.len(), streams.progress);
    let mut failed = None;
    let subjects = children.iter().map_while(|child| {
        let store = store.as_ref().map(lock);
        match setup.subject(child, store.as_deref()) {
            Ok(subject) => subject,
            Err(failure) => {
                failed = Some(failure);
                None
            }
        }
    });
    let sink = |finding: Finding, now: Timestamp| -> Result<(), Failure> {
        let decision = decision_of(&finding, "audit", now, &setup.base.policy);
        summary.add(&decision);
        if let Some(outputs) = &mut outputs {
            let child = finding.gathered.child();
            let met_before = match &store {
                Some(store) => met_before(&lock(store), child)?,
                None => false,
            };
            // Nothing is remembered: this is who would be told.
            let (_, told) = after_scan(&finding, met_before, &setup.base.policy, now);
            outputs.add(&decision, &told)?;
        }
        bar.step();
        Ok(())
    };
    let sent = survey_all(subjects, &setup.means().at_a_glance(), sink);
    bar.finish();
    let sent = sent.map_err(stopped)?;
    if let Some(failure) = failed {
        return Err(failure);
    }
    let mut about = setup.about();
    for check in checks.iter().filter(|check| !check.passed) {
        let text = format!(
            "{} must be {} and is {}",
            check.name, check.expected, check.found
        );
        about.push(("self-test".into(), text));
    }
    if arguments.sample.is_some() {
        let text = format!(
            "{} of {} children, seed {}",
            children.len(),
            setup.parent.len(),
            arguments.seed
        );
        about.push(("sample".into(), text));
    }
    about.push(("questions".into(), sent.to_string()));
    if let Some(outputs) = &outputs {
        about.push(("notices".into(), outputs.notices().to_string()));
    }
    let mut text = head("audit", &setup, &about);
    text.push_str(&summary_text(&summary));
    text.push_str("nothing was written");
    if let (Some(outputs), Some(directory)) = (outputs, &arguments.report) {
        let index = outputs.finish(directory, "audit", &setup, began, &about)?;
        text.push_str(&format!(" but the report: {}", index.display()));
    }
    text.push('\n');
    let json = json!({
        "command": "audit",
        "zone": setup.parent.zone().to_string(),
        "about": about_json(&about),
        "self_test": checks,
        "children": summary.children(),
        "questions": sent,
        "counts": summary.counts(),
    });
    Ok(Outcome::ok(text, json))
}

/// The children to be asked: all, or so many, drawn by a seed; in canonical order.
fn sample(parent: &Parent, count: Option<usize>, seed: u64) -> Vec<Name> {
    let mut chosen: Vec<Name> = Vec::new();
    let Some(count) = count else {
        return parent.children().collect();
    };
    // Reservoir sampling: each child has the same chance, and the zone is walked once.
    let mut stream = stream(seed, "sample");
    for (index, child) in parent.children().enumerate() {
        if chosen.len() < count {
            chosen.push(child);
            continue;
        }
        let place = stream.random_range(0..=index);
        if let Some(slot) = chosen.get_mut(place) {
            *slot = child;
        }
    }
    chosen.sort();
    chosen
}

/// The decision that a finding is, under a policy.
pub fn decision_of(finding: &Finding, channel: &str, now: Timestamp, policy: &Policy) -> Decision {
    Decision::new(finding, channel, now, &|rule| {
        let switch = format!("/{}/{}", rule.id, rule.reason);
        let is_muted = |muted: &String| muted == rule.reason || muted.ends_with(&switch);
        policy.muted.iter().any(is_muted) || rule.defect.is_some_and(|defect| policy.has(defect))
    })
}

/// Why a survey ended early, as a failure.
pub fn stopped(stopped: Stopped<Failure>) -> Failure {
    match stopped {
        Stopped::Sink(failure) => failure,
        Stopped::Driver(error) => Failure::Defect(error.to_string()),
    }
}

/// What stands above the results.
pub fn head(command: &str, setup: &Setup, about: &[(String, String)]) -> String {
    let mut text = format!("{command} of {}\n", setup.parent.zone());
    for (key, value) in about {
        text.push_str(&format!("  {key:13} {value}\n"));
    }
    text
}

/// Counts with examples, what would change first.
pub fn summary_text(summary: &Summary) -> String {
    let mut text = format!("\n{} children\n", summary.children());
    let mut section = String::new();
    for count in summary.counts() {
        let title = match count.outcome.as_str() {
            "accept" => "would change",
            "noop" => "nothing to do",
            _ => "asked for, and not done",
        };
        let title = format!("{}: {title}", count.subject.name());
        if title != section {
            text.push_str(&format!("\n{title}\n"));
            section = title;
        }
        text.push_str(&format!(
            "  {:>8}  {:5} {:24} {}\n",
            count.count,
            count.rule,
            count.reason,
            count.examples.join(", ")
        ));
        if let Some(evidence) = count.evidence.as_ref().filter(|_| count.outcome != "noop") {
            text.push_str(&format!("            {evidence}\n"));
        }
    }
    text.push('\n');
    text
}

/// One verdict with all its rules, for people.
pub fn judged_text(judged: &Judged) -> String {
    let mut text = format!(
        "{}: {} {} {}\n",
        judged.subject.name(),
        judged.outcome,
        judged.rule,
        judged.reason
    );
    for line in &judged.evidence {
        text.push_str(&format!("    {line}\n"));
    }
    for line in &judged.diff {
        text.push_str(&format!("    {line}\n"));
    }
    for step in &judged.verifications {
        let mark = crate::output::html::mark_text(step.mark);
        text.push_str(&format!("  {mark:12} {:5} {}\n", step.rule, step.reason));
    }
    text
}
