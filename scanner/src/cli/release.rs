//! Release: lets a plan go that a brake of `watch` holds back. What was looked at is what goes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use counterpoint_dns::driver::clock::Clock;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Failure, Outcome, arguments, plan::write_durably};
use crate::{
    input::BadInput,
    plan::{
        Plan,
        file::{self, hash},
    },
};

/// What was released, in the directory of `watch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Released {
    /// The hash of the plan.
    pub plan: String,
    /// The brakes.
    pub brakes: Vec<String>,
}

/// Hands the plan over. `watch` takes it at its next round.
pub fn run(arguments: &arguments::Release) -> Result<Outcome, Failure> {
    let path = arguments.out.join("plan.toml");
    let place = path.display();
    let remedy = "name the directory of `watch` with --out";
    let text = fs::read_to_string(&path).map_err(|error| BadInput::new(place, error, remedy))?;
    let plan =
        file::read(&text).map_err(|why| Failure::Refused(format!("{}: {why}", path.display())))?;
    if Clock.now() >= plan.expires {
        let why = format!(
            "{}: it expired at {}\n  help: `watch` makes a new one as long as it runs",
            path.display(),
            plan.expires
        );
        return Err(Failure::Refused(why));
    }
    let released = Released {
        plan: hash(&text),
        brakes: arguments.brakes.clone(),
    };
    // The plan first: without its brakes it is not looked at.
    write_durably(&plan_path(&arguments.out), &text)?;
    // Plain data: to JSON it cannot fail.
    let said = serde_json::to_string(&released).unwrap_or_default();
    write_durably(&brakes_path(&arguments.out), &(said + "\n"))?;
    let count = plan.changes.len();
    let s = if count == 1 { "" } else { "s" };
    let brakes = arguments.brakes.join(", ");
    let text = format!(
        "{count} change{s} released from {brakes}: `watch` applies them at its next round\n"
    );
    let json = json!({ "command": "release", "changes": count, "plan": released.plan, "brakes": released.brakes });
    Ok(Outcome::ok(text, json))
}

/// What was released and not yet taken. What cannot be read, or does not fit together, is an error.
pub fn released(out: &Path) -> Result<Option<(Plan, String, Vec<String>)>, String> {
    let said = match fs::read_to_string(brakes_path(out)) {
        Ok(said) => said,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let released: Released = serde_json::from_str(&said).map_err(|error| error.to_string())?;
    let text = fs::read_to_string(plan_path(out)).map_err(|error| error.to_string())?;
    if hash(&text) != released.plan {
        return Err("the released plan is another".into());
    }
    let plan = file::read(&text).map_err(|why| why.to_string())?;
    Ok(Some((plan, released.plan, released.brakes)))
}

/// It was taken.
pub fn forget(out: &Path) -> std::io::Result<()> {
    fs::remove_file(brakes_path(out))?;
    fs::remove_file(plan_path(out))
}

fn plan_path(out: &Path) -> PathBuf {
    out.join("released.toml")
}

fn brakes_path(out: &Path) -> PathBuf {
    out.join("released.json")
}
