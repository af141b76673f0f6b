//! Plan: asks children, remembers what it saw, writes down what would change.
//!
//! A run that is killed leaves its state; `resume` asks the children that are left.

mod outputs;

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    path::Path,
    sync::Mutex,
};

use counterpoint_dns::{
    agent::Record,
    driver::{clock::Clock, sqlite::SqliteStore},
    name::Name,
    time::Timestamp,
};
use serde_json::json;

use super::{
    Call, EXIT_OK, EXIT_REFUSED, Failure, Outcome, Streams, arguments,
    audit::{decision_of, head, stopped, summary_text},
    run::{LastVerdict, Recorder, Run, after_scan, met_before, no_record, record, value},
    setup::{OWNER, Setup},
    survey_all::{lock, survey_all},
    verify::{about_json, must_pass},
};
use crate::{
    brakes::{Braked, Counts, brakes, operators},
    output::{dsset, epp, nsupdate, summary::Summary, zone_diff},
    plan::{
        Plan, Planned,
        file::{self, Block},
    },
    policy::{EppPlace, Secures},
    survey::Finding,
};

pub use outputs::{Bar, Outputs, write_durably};

/// Makes a plan. The exit code says whether a brake holds it back.
pub fn run(
    arguments: &arguments::Plan,
    call: &Call,
    streams: &mut Streams<'_>,
) -> Result<Outcome, Failure> {
    let setup = Setup::load(&arguments.input)?;
    if !arguments.no_self_test {
        must_pass(&setup.base)?;
    }
    let store = Mutex::new(SqliteStore::open(&arguments.state.state, OWNER)?);
    let began = Clock.now();
    let run = begin(&mut lock(&store), "plan", call, began)?;
    let done = done_children(&lock(&store), &run)?;
    let mut outputs = Outputs::begin(&arguments.out, &|child| done.contains(child))?;
    let left = setup.parent.len().saturating_sub(done.len());
    let mut bar = Bar::new(left, streams.progress);
    let children = setup.parent.children();
    let children = children.filter(|child| !done.contains(child));
    let sent = scan(&setup, &store, &run, children, &mut outputs, &mut bar);
    bar.finish();
    let sent = sent?;

    let now = Clock.now();
    let plan = Plan {
        zone: setup.parent.zone().clone(),
        created: now,
        expires: now + setup.base.policy.plan.valid,
        basis: setup.basis(),
        changes: planned(&lock(&store), &setup)?,
    };
    let held = held(&plan, &setup, &lock(&store), &arguments.releases)?;
    write(&plan, &setup.base.policy.epp, &arguments.out)?;
    let mut about = setup.about();
    about.push(("questions".into(), sent.to_string()));
    let notices = outputs.notices();
    about.push(("notices".into(), notices.to_string()));
    let index = outputs.finish(&arguments.out, "plan", &setup, began, &about)?;
    let is_shrunk = held.iter().any(|braked| braked.brake == "shrunk-input");
    let size = (!is_shrunk).then(|| record("input", "", &setup.parent.len()));
    let end: Vec<Record> = size.into_iter().chain([no_record("run", "")]).collect();
    lock(&store).put_all(&end, [])?;

    let (summary, kinds) = outputs::read_back(&arguments.out)?;
    let text = text(&plan, &held, &summary, &setup, &about, arguments, &index);
    let json = json!({
        "command": "plan",
        "zone": plan.zone.to_string(),
        "about": about_json(&about),
        "plan": arguments.out.join("plan.toml"),
        "report": index,
        "expires": plan.expires.to_string(),
        "children": summary.children(),
        "questions": sent,
        "changes": plan.changes.len(),
        "notices": notices,
        "kinds": kinds.iter().map(|(kind, count)| (kind.name(), count)).collect::<BTreeMap<_, _>>(),
        "counts": summary.counts(),
        "brakes": held,
    });
    let code = if held.is_empty() {
        EXIT_OK
    } else {
        EXIT_REFUSED
    };
    Ok(Outcome { text, json, code })
}

/// Begins a run, or goes on with the one that was interrupted.
pub fn begin(
    store: &mut SqliteStore,
    command: &str,
    call: &Call,
    now: Timestamp,
) -> Result<Run, Failure> {
    let interrupted: Option<Run> = value(store, "run")?;
    if call.resumes {
        return interrupted.ok_or_else(|| Failure::Refused("nothing was interrupted".into()));
    }
    if let Some(run) = interrupted.filter(|run| run.command == "apply") {
        return Err(Failure::Refused(format!(
            "an apply that began {} was interrupted\n  help: `counterpoint-scanner resume --state {}` ends it",
            run.began,
            store.path().display()
        )));
    }
    let directory = env::current_dir()?.display().to_string();
    let run = Run {
        id: format!("{command} {now}"),
        command: command.into(),
        words: call.words.clone(),
        directory,
        began: now,
    };
    let mut records = vec![record("run", "", &run)];
    if command == "plan" {
        store.each("planned/", |old| {
            records.push(no_record(&old.key, ""));
        })?;
    }
    store.put_all(&records, [])?;
    Ok(run)
}

/// The children that this run has asked already.
fn done_children(store: &SqliteStore, run: &Run) -> Result<BTreeSet<Name>, Failure> {
    let mut done = BTreeSet::new();
    store.each("verdict/", |Record { key, value }| {
        let name = key.split_once('/').map(|(_, name)| name);
        let name = name.and_then(|name| counterpoint_dns::name::parse_name(name).ok());
        let last = serde_json::from_str::<LastVerdict>(&value);
        if let (Some(name), Ok(last)) = (name, last)
            && last.run == run.id
        {
            done.insert(name);
        }
    })?;
    Ok(done)
}

fn scan(
    setup: &Setup,
    store: &Mutex<SqliteStore>,
    run: &Run,
    children: impl Iterator<Item = Name> + Send,
    outputs: &mut Outputs,
    bar: &mut Bar,
) -> Result<u64, Failure> {
    let policy = &setup.base.policy;
    let recorder = Recorder::new(store, &run.id, policy);
    // Subjects are fetched and findings recorded from every thread of the survey.
    let recorder = Mutex::new(recorder);
    let mut failed = None;
    let subjects = children.map_while(|child| match setup.subject(&child, Some(&lock(store))) {
        Ok(subject) => subject,
        Err(failure) => {
            failed = Some(failure);
            None
        }
    });
    let sink = |finding: Finding, now: Timestamp| -> Result<(), Failure> {
        let decision = decision_of(&finding, "scan", now, policy);
        let mut recorder = lock(&recorder);
        let met_before = met_before(&recorder.store(), finding.gathered.child())?;
        let (state, told) = after_scan(&finding, met_before, policy, now);
        // The files first: a child that is in them twice is found again, one that is missing is not.
        outputs.add(&decision, &told)?;
        if recorder.will_flush() {
            outputs.flush()?;
        }
        recorder.silence(&finding, now)?;
        recorder.add(&finding, &state, &decision, None, now)?;
        bar.step();
        Ok(())
    };
    let sent = survey_all(subjects, &setup.means().at_a_glance(), sink).map_err(stopped)?;
    outputs.flush()?;
    lock(&recorder).flush()?;
    match failed {
        Some(failure) => Err(failure),
        None => Ok(sent),
    }
}

pub fn planned(store: &SqliteStore, setup: &Setup) -> Result<BTreeMap<Name, Planned>, Failure> {
    let mut blocks = Vec::new();
    store.each("planned/", |Record { value, .. }| blocks.push(value))?;
    let mut changes = BTreeMap::new();
    for text in blocks {
        let block = serde_json::from_str::<Block>(&text).map_err(|error| error.to_string());
        let checked = block.and_then(Block::check);
        let (child, planned) = checked.map_err(|why| {
            Failure::BadInput(format!(
                "the store holds a planned change that cannot be read: {why}"
            ))
        })?;
        if setup.parent.delegates(&child) {
            changes.insert(child, planned);
        }
    }
    Ok(changes)
}

/// The brakes that hold this plan back and were not released.
pub fn held(
    plan: &Plan,
    setup: &Setup,
    store: &SqliteStore,
    releases: &[String],
) -> Result<Vec<Braked>, Failure> {
    let policy = &setup.base.policy;
    let concerned = plan.changes.values().flat_map(operators).collect();
    let kill_file = Some(policy.brakes.kill_file.clone());
    let counts = Counts {
        delegations: setup.parent.len() as u64,
        delegations_before: value(store, "input")?,
        zones_of_operator: setup.parent.zones_of(&concerned),
        kill_file: kill_file.filter(|file| !file.is_empty() && Path::new(file).exists()),
    };
    let mut held = brakes(plan, policy, &counts);
    held.retain(|braked| !releases.iter().any(|release| release == braked.brake));
    Ok(held)
}

/// Writes the plan and what can be made of it.
pub fn write(plan: &Plan, place: &EppPlace, directory: &Path) -> Result<(), Failure> {
    write_durably(&directory.join("plan.toml"), &file::write(plan))?;
    write_durably(&directory.join("changes.nsupdate"), &nsupdate::write(plan))?;
    write_durably(&directory.join("changes.diff"), &zone_diff::write(plan))?;
    let (sets, documents) = (directory.join("dsset"), directory.join("epp"));
    for old in [&sets, &documents] {
        if old.exists() {
            std::fs::remove_dir_all(old)?;
        }
    }
    dsset::write(plan, &sets)?;
    if !place.server.is_empty() && place.interface == Secures::Ds {
        epp::write(plan, place.ttl, &documents)?;
    }
    Ok(())
}

fn text(
    plan: &Plan,
    held: &[Braked],
    summary: &Summary,
    setup: &Setup,
    about: &[(String, String)],
    arguments: &arguments::Plan,
    index: &Path,
) -> String {
    let mut text = head("plan", setup, about);
    text.push_str(&summary_text(summary));
    let count = plan.changes.len();
    let s = if count == 1 { "" } else { "s" };
    let file = arguments.out.join("plan.toml");
    text.push_str(&format!(
        "{count} change{s} planned: {}, to be applied before {}\nreport: {}\n",
        file.display(),
        plan.expires,
        index.display()
    ));
    text.push_str(&held_text(held));
    text
}

/// What holds a plan back, for people.
pub fn held_text(held: &[Braked]) -> String {
    let line = |braked: &Braked| {
        format!(
            "brake {}: {}\n  help: {}\n",
            braked.brake, braked.what, braked.remedy
        )
    };
    held.iter().map(line).collect()
}
