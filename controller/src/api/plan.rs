//! Plan: what would be done, when, and why that is safe. Nothing is written but the scenario that is asked
//! for.

use std::{fs, path::Path};

use counterpoint_dns::{
    name::Name,
    time::{Timestamp, human},
};
use serde_json::{Value, json};

use super::{Answer, Call, Failure, observe::everybody, scenario};
use crate::{
    declarations::BadDeclaration,
    engine::Request,
    forecast::{Forecast, When},
    keeper::Keeper,
    process::Kind,
    setup::now,
};

/// Looks, and plays forward.
pub(super) fn run(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    planned(keeper, call, None)
}

/// The same, and writes the scenario into a file.
pub(crate) fn planned(
    keeper: &mut Keeper,
    call: &Call,
    file: Option<&Path>,
) -> Result<Answer, Failure> {
    let setup = keeper.setup.clone();
    let zone = setup.zone(call.place("zone"))?;
    let mut asked = Vec::new();
    if let Some(signer) = call.query.get("join") {
        asked.push(Request::of(Kind::Join, setup.signer(signer)?));
    }
    let dead = match call.query.get("dead").map(String::as_str) {
        None | Some("false") => false,
        Some("true") if call.query.contains_key("leave") => true,
        _ => {
            let what = "it says of who leaves whether that is dead";
            return Err(BadDeclaration::new("dead", what, "write `leave=SIGNER&dead=true`").into());
        }
    };
    if let Some(signer) = call.query.get("leave") {
        let leave = Request::of(Kind::Leave, setup.signer(signer)?);
        asked.push(Request { dead, ..leave });
    }
    let controller = keeper.controller()?;
    let is_free = controller.open_signers(&zone).is_empty();
    let members = controller.members(&zone);
    for request in asked.iter().filter(|_| is_free) {
        let is_member = request
            .subject
            .as_ref()
            .is_some_and(|who| members.contains(who));
        if is_member == (request.kind == Kind::Join) {
            let whether = if is_member { "already" } else { "not" };
            let who = request
                .subject
                .iter()
                .map(ToString::to_string)
                .collect::<String>();
            return Err(Failure::Refused(format!(
                "{who} does {whether} serve {zone}"
            )));
        }
    }
    let mut signers = everybody(controller, &zone);
    signers.extend(asked.iter().filter_map(|request| request.subject.clone()));
    let sights = setup.survey(&zone, signers)?;
    if let Some(lost) = sights.lost.first() {
        return Err(Failure::Refused(format!("nobody has seen {lost}")));
    }
    let now = now();
    let forecasts = controller.forecast(&zone, &asked, &sights, now);
    let mut text = text(&zone, &forecasts, now);
    if let Some(path) = file {
        let members = controller.members(&zone);
        let written = scenario::written(&setup, &zone, &members, &forecasts, &sights)
            .map_err(Failure::Refused)?;
        fs::write(path, written).map_err(|error| {
            BadDeclaration::new(path.display(), error, "name a file that can be written")
        })?;
        text.push_str(&format!(
            "rehearse it with `counterpoint run {}`\n",
            path.display()
        ));
    }
    let is_fine = forecasts.iter().all(|forecast| forecast.blocked.is_none());
    Ok(Answer {
        text,
        json: forecasts.iter().map(to_json).collect(),
        is_fine,
    })
}

fn text(zone: &Name, forecasts: &[Forecast], now: Timestamp) -> String {
    if forecasts.is_empty() {
        return format!("{zone} is at rest, and nothing was asked for\n");
    }
    let mut text = String::new();
    for forecast in forecasts {
        let Forecast {
            process,
            whom,
            rows,
            blocked,
        } = forecast;
        text.push_str(&format!("{process} {whom} of {zone}, from {now} (T)\n"));
        for row in rows {
            let when = match &row.when {
                When::At(_, until) => format!("by {}", until.relative_to(now)),
                When::Act => "when they act".into(),
                When::After(turn, since) => format!("{} after {turn}", human(*since)),
            };
            text.push_str(&format!(
                "  {:18} {:6} {when:28} {}\n",
                row.step, row.actor, row.title
            ));
            for note in &row.notes {
                text.push_str(&format!("    {}\n", note.replace('\n', "\n    ")));
            }
        }
        match blocked {
            Some(why) => text.push_str(&format!("  it would not go on: {why}\n")),
            None => text.push_str("  done\n"),
        }
    }
    text
}

fn to_json(forecast: &Forecast) -> Value {
    let rows = forecast.rows.iter().map(|row| {
        let (from, until) = match row.when {
            When::At(from, until) => (Some(from.to_string()), Some(until.to_string())),
            When::Act | When::After(..) => (None, None),
        };
        let after = match &row.when {
            When::After(turn, since) => Some(json!({"step": turn, "seconds": since.as_secs()})),
            When::At(..) | When::Act => None,
        };
        json!({
            "step": row.step,
            "actor": row.actor,
            "title": row.title,
            "from": from,
            "until": until,
            "after": after,
            "notes": row.notes,
        })
    });
    json!({
        "process": forecast.process,
        "signer": forecast.whom,
        "steps": rows.collect::<Vec<_>>(),
        "blocked": forecast.blocked,
    })
}
