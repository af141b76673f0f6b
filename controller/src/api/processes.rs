//! Processes: what was asked for, how it stands, and the tables that it follows.

use std::collections::BTreeMap;

use counterpoint_dns::{name::Name, time::Timestamp};
use serde_json::Value;

use super::{
    Answer, Call, Failure,
    declared::{or_none, page},
    resources::{Graph, Page, Process, Row, Status, Step},
    show::VERSION,
};
use crate::{
    Controller, GraphFormat, KskRoll, Model, Outcome, ProcessReport, config::Config,
    declarations::BadDeclaration, keeper::Keeper, process::graph::process_rows, process_graph,
    process_names,
};

/// What stands between a reason and what to do about it.
const REMEDY: &str = ". Remedy: ";

/// The processes of all zones.
pub(super) fn list(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let state = call.query.get("state").map(String::as_str);
    known_state(state, false)?;
    let after: usize = match call.query.get("after") {
        None => 0,
        Some(text) => text.parse().map_err(|_| {
            let what = format!("`{text}` is no place in this list");
            BadDeclaration::new("after", what, "take it from `next` of the answer before")
        })?,
    };
    let (declared, controller) = keeper.both()?;
    let reports = controller.report();
    let stands = |report: &ProcessReport| match state {
        None => true,
        Some("open") => !report.outcome.is_final(),
        Some(state) => report.outcome.to_string() == state,
    };
    let chosen = reports
        .iter()
        .enumerate()
        .skip(after)
        .filter(|(_, report)| stands(report));
    let page = page(call, chosen, |(index, _)| (index + 1).to_string())?;
    let text: String = page
        .items
        .iter()
        .map(|(_, report)| describe(report, false))
        .collect();
    let items = page
        .items
        .iter()
        .map(|(_, report)| a_process(&declared.config, report));
    let json = Page {
        items: items.collect(),
        next: page.next,
    };
    Ok(Answer::fine(or_none(text), &json))
}

/// The processes of one zone, step by step.
pub(super) fn of_zone(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let zone = keeper.setup.zone(call.place("zone"))?;
    let (declared, controller) = keeper.both()?;
    let mut reports = controller.report();
    reports.retain(|report| report.zone == zone);
    let text: String = reports
        .iter()
        .map(|report| describe(report, true))
        .collect();
    let json: Vec<Process> = reports
        .iter()
        .map(|report| a_process(&declared.config, report))
        .collect();
    Ok(Answer::fine(or_none(text), &json))
}

/// How everything stands.
pub(super) fn status(keeper: &mut Keeper, _: &Call) -> Result<Answer, Failure> {
    let (declared, controller) = keeper.both()?;
    let config = &declared.config;
    let reports = controller.report();
    let mut open: BTreeMap<&Name, Vec<&ProcessReport>> = BTreeMap::new();
    for report in reports.iter().filter(|report| !report.outcome.is_final()) {
        open.entry(&report.zone).or_default().push(report);
    }
    let mut text = String::new();
    let mut states: BTreeMap<String, u64> = BTreeMap::new();
    for zone in config.zones.keys() {
        let members = controller.members(zone);
        let members: Vec<String> = members.iter().map(ToString::to_string).collect();
        let mode = match config.manual.contains(zone) {
            true => ", step by step",
            false => "",
        };
        text.push_str(&format!("{zone} served by {}{mode}\n", members.join(", ")));
        let of_zone = open.get(zone).map_or(&[][..], Vec::as_slice);
        match of_zone.first() {
            None => text.push_str("  at rest\n"),
            Some(_) => of_zone.iter().for_each(|report| {
                text.push_str(&format!("  {}", describe(report, false)));
            }),
        }
        let state = of_zone
            .first()
            .map_or("rest".into(), |report| report.outcome.to_string());
        *states.entry(state).or_default() += 1;
    }
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    Ok(Answer::fine(
        or_none(text),
        &Status {
            version: VERSION.into(),
            parent: config.parent.zone.to_string(),
            signers: count(config.signers.len()),
            groups: count(config.groups.len()),
            zones: count(config.zones.len()),
            states,
            sent: controller.sent(),
        },
    ))
}

/// A controller that begins again looks at once wherever no deadline is waited for.
pub(super) fn check(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    keeper.reload()?;
    status(keeper, call)
}

/// The tables of all processes.
pub(super) fn graphs(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    tables(keeper.setup.declared.config.ksk_roll, model(call)?, None)
}

/// The table of one process.
pub(super) fn graph(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let name = call.place("process");
    tables(
        keeper.setup.declared.config.ksk_roll,
        model(call)?,
        Some(name),
    )
}

/// Tables, which are there without any declaration.
pub(crate) fn tables(
    ksk_roll: KskRoll,
    model: Model,
    process: Option<&str>,
) -> Result<Answer, Failure> {
    let all = process_names(model);
    let graph = |name: &str| {
        let graph = |format| process_graph(name, model, ksk_roll, format);
        let (text, mermaid) = graph(GraphFormat::Text).zip(graph(GraphFormat::Mermaid))?;
        Some(Graph {
            process: name.into(),
            text,
            mermaid,
        })
    };
    match process {
        Some(name) => {
            let found = graph(name).ok_or_else(|| {
                let what = format!("there is no process `{name}`");
                let remedy = format!("name one of {}", all.join(", "));
                Failure::Unknown(BadDeclaration::new("PROCESS", what, remedy).to_string())
            })?;
            Ok(Answer::fine(found.text.clone(), &found))
        }
        None => {
            let graphs: Vec<Graph> = all.iter().filter_map(|name| graph(name)).collect();
            let text = graphs.iter().map(|graph| graph.text.as_str()).collect();
            Ok(Answer::fine(text, &graphs))
        }
    }
}

pub(crate) fn model(call: &Call) -> Result<Model, Failure> {
    match call.query.get("model").map(String::as_str) {
        None | Some("2") => Ok(Model::Own),
        Some("1") => Ok(Model::Common),
        Some("shared") => Ok(Model::Shared),
        Some(other) => {
            let what = format!("`{other}` is no model");
            Err(BadDeclaration::new("model", what, "use 1, 2 or shared").into())
        }
    }
}

/// A state that somebody asks for is one.
pub(super) fn known_state(state: Option<&str>, of_zones: bool) -> Result<(), Failure> {
    let open = [
        "open", "queued", "running", "waiting", "watching", "blocked",
    ];
    let more: &[&str] = if of_zones {
        &["rest"]
    } else {
        &["refused", "done"]
    };
    let known: Vec<&str> = open.iter().chain(more).copied().collect();
    match state.is_none_or(|state| known.contains(&state)) {
        true => Ok(()),
        false => {
            let what = format!("`{}` is no state", state.unwrap_or_default());
            Err(
                BadDeclaration::new("state", what, format!("use one of {}", known.join(", ")))
                    .into(),
            )
        }
    }
}

/// The current process of each zone that has one.
pub(super) fn current(reports: &[ProcessReport]) -> BTreeMap<Name, &ProcessReport> {
    let mut current = BTreeMap::new();
    for report in reports.iter().filter(|report| !report.outcome.is_final()) {
        current.entry(report.zone.clone()).or_insert(report);
    }
    current
}

/// A process: in one line, or with its steps.
pub(crate) fn describe(report: &ProcessReport, steps: bool) -> String {
    let ProcessReport {
        zone,
        process,
        signer,
        outcome,
        reason,
        ..
    } = report;
    let mut text = format!("{process} {signer} of {zone}: {outcome}: {reason}\n");
    for step in report.steps.iter().filter(|_| steps) {
        let until = step.until.map_or("now".into(), |until| until.to_string());
        text.push_str(&format!(
            "  {:18} {} to {until}  {}\n",
            step.name, step.from, step.title
        ));
    }
    text
}

/// Every process, for programs.
pub(crate) fn to_json(config: &Config, controller: &Controller) -> Value {
    let reports = controller.report();
    let all: Vec<Process> = reports
        .iter()
        .map(|report| a_process(config, report))
        .collect();
    serde_json::to_value(all).unwrap_or_default()
}

fn a_process(config: &Config, report: &ProcessReport) -> Process {
    let instant = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let steps = report.steps.iter().map(|step| Step {
        name: step.name.clone(),
        title: step.title.into(),
        from: step.from.to_string(),
        until: instant(step.until),
        applied: instant(step.applied_at),
    });
    let is_blocked = report.outcome == Outcome::Blocked;
    let parts = report.reason.split_once(REMEDY).filter(|_| is_blocked);
    let (reason, remedy) = parts.map_or((report.reason.as_str(), None), |(why, remedy)| {
        (why, Some(remedy.to_string()))
    });
    let rows = process_rows(&report.process, config.model(&report.zone), config.ksk_roll);
    let table = rows.into_iter().map(|(name, actor, title)| Row {
        name,
        actor: actor.into(),
        title: title.into(),
    });
    Process {
        zone: report.zone.to_string(),
        process: report.process.clone(),
        signer: report.signer.clone(),
        outcome: report.outcome.to_string(),
        reason: reason.into(),
        remedy,
        deadline: instant(report.until),
        steps: steps.collect(),
        table: table.collect(),
    }
}
