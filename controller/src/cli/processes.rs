//! Processes: what was asked for, how it stands, and the tables that it follows.

use counterpoint_dns::time::Timestamp;
use serde_json::{Value, json};

use super::{
    Failure, Outcome,
    arguments::{self, Common, Process},
    request,
    setup::Setup,
};
use crate::{
    Command, Controller, GraphFormat, KskRoll, Model, ProcessReport, declarations::BadDeclaration,
    process_graph, process_names,
};

/// Carries out a command about processes.
pub fn run(common: &Common, command: &Process) -> Result<Outcome, Failure> {
    match command {
        Process::List => {
            let controller = controller(common)?.1;
            let reports = controller.report();
            let text: String = reports
                .iter()
                .map(|report| describe(report, false))
                .collect();
            Ok(Outcome::ok(or_none(text), to_json(&controller)))
        }
        Process::Show { zone } => {
            let (setup, controller) = controller(common)?;
            let zone = setup.zone(zone)?;
            let mut reports = controller.report();
            reports.retain(|report| report.zone == zone);
            let text: String = reports
                .iter()
                .map(|report| describe(report, true))
                .collect();
            let json = reports.iter().map(a_report).collect();
            Ok(Outcome::ok(or_none(text), json))
        }
        Process::Cancel { zone } => {
            let zone = request::a_zone(zone)?;
            request::run(common, Command::Cancel { zone })
        }
        Process::Step { zone } => {
            let zone = request::a_zone(zone)?;
            request::run(common, Command::Step { zone })
        }
        Process::Graph {
            process,
            mermaid,
            model,
        } => graph(common, process.as_deref(), *model, *mermaid),
    }
}

/// How everything stands.
pub fn status(common: &Common) -> Result<Outcome, Failure> {
    let (setup, controller) = controller(common)?;
    let reports = controller.report();
    let mut text = String::new();
    let mut zones = serde_json::Map::new();
    for zone in setup.declared.config.zones.keys() {
        let members: Vec<String> = (controller.members(zone).iter())
            .map(ToString::to_string)
            .collect();
        let open = || {
            let of_zone = reports.iter().filter(|report| report.zone == *zone);
            of_zone.filter(|report| !report.outcome.is_final())
        };
        let mode = match setup.declared.config.manual.contains(zone) {
            true => ", step by step",
            false => "",
        };
        text.push_str(&format!("{zone} served by {}{mode}\n", members.join(", ")));
        match open().next() {
            None => text.push_str("  at rest\n"),
            Some(_) => open().for_each(|report| {
                text.push_str(&format!("  {}", describe(report, false)));
            }),
        }
        zones.insert(
            zone.to_string(),
            json!({ "members": members, "open": open().map(a_report).collect::<Vec<_>>() }),
        );
    }
    Ok(Outcome::ok(or_none(text), zones.into()))
}

fn controller(common: &Common) -> Result<(Setup, Controller), Failure> {
    let setup = Setup::load(common)?;
    let controller = setup.remembered()?;
    Ok((setup, controller))
}

fn or_none(text: String) -> String {
    match text.is_empty() {
        true => "none\n".into(),
        false => text,
    }
}

/// A process: in one line, or with its steps.
pub fn describe(report: &ProcessReport, steps: bool) -> String {
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
pub fn to_json(controller: &Controller) -> Value {
    controller.report().iter().map(a_report).collect()
}

fn a_report(report: &ProcessReport) -> Value {
    let instant = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let steps = report.steps.iter().map(|step| {
        json!({
            "name": step.name,
            "title": step.title,
            "from": step.from.to_string(),
            "until": instant(step.until),
            "applied": instant(step.applied_at),
        })
    });
    json!({
        "zone": report.zone.to_string(),
        "process": report.process,
        "signer": report.signer,
        "outcome": report.outcome.to_string(),
        "reason": report.reason,
        "steps": steps.collect::<Vec<_>>(),
    })
}

fn graph(
    common: &Common,
    process: Option<&str>,
    model: arguments::Model,
    mermaid: bool,
) -> Result<Outcome, Failure> {
    let model = match model {
        arguments::Model::Common => Model::Common,
        arguments::Model::Own => Model::Own,
        arguments::Model::Shared => Model::Shared,
    };
    // The tables are there without any declaration.
    let ksk_roll = match common.config.exists() {
        true => Setup::load(common)?.declared.config.ksk_roll,
        false => KskRoll::default(),
    };
    let format = match mermaid {
        true => GraphFormat::Mermaid,
        false => GraphFormat::Text,
    };
    let mut text = String::new();
    let mut json = serde_json::Map::new();
    let all = process_names(model);
    for name in process.map_or(all.clone(), |process| vec![process]) {
        let graph = process_graph(name, model, ksk_roll, format).ok_or_else(|| {
            let what = format!("there is no process `{name}`");
            BadDeclaration::new("PROCESS", what, format!("name one of {}", all.join(", ")))
        })?;
        text.push_str(&graph);
        json.insert(name.into(), graph.into());
    }
    Ok(Outcome::ok(text, json.into()))
}
