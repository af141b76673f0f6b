//! Apply: carries out a plan, after everything that it rests on was checked again.

use std::{fs, path::PathBuf, sync::Mutex, time::Duration};

use counterpoint_dns::driver::{clock::Clock, sqlite::SqliteStore};
use serde_json::json;

use super::{
    Call, EXIT_OK, EXIT_REFUSED, Failure, Outcome, Streams,
    applying::Applying,
    arguments,
    audit::head,
    door::Door,
    plan::{Bar, begin, held, held_text, write_durably},
    registry::Registry,
    run::no_record,
    setup::{OWNER, Setup, unforeseen},
    survey_all::lock,
    verify::{about_json, must_pass},
};
use crate::{
    input::BadInput,
    output::{notice, nsupdate},
    plan::file::{self, NoPlan, hash},
};

/// A clock that is this much before the plan's is wrong.
const CLOCK_SLACK: Duration = Duration::from_secs(300);

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
    if primary.is_none() && !arguments.epp {
        let what = "nothing says where updates go";
        let remedy = "give --update ADDRESS:PORT or --epp, or `parent.primary` in the policy";
        return Err(BadInput::new("the command line", what, remedy).into());
    }
    let store = Mutex::new(SqliteStore::open(&arguments.state.state, OWNER)?);
    let held = held(&plan, &setup, &lock(&store), &arguments.releases)?;
    let mut about = setup.about();
    let to = match primary.filter(|_| !arguments.epp) {
        Some(primary) => primary.to_string(),
        None => format!("{} by EPP", setup.base.policy.epp.server),
    };
    about.push(("updates to".into(), to));
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
    let suffix = if arguments.epp { "epp" } else { "nsupdate" };
    let rollback = PathBuf::from(format!("{place}.rollback.{suffix}"));
    let door = match primary.filter(|_| !arguments.epp) {
        Some(primary) => {
            write_durably(&rollback, &nsupdate::write_back(&plan))?;
            Door::primary(&setup, &plan.zone, primary)?
        }
        None => {
            let policy = &setup.base.policy;
            let mut registry = Registry::open(policy, &rollback, unforeseen()?)?;
            let messages = PathBuf::from(format!("{place}.messages.jsonl"));
            let count = registry.take_messages(&messages)?;
            about.push(("registry".into(), registry.name().into()));
            let text = format!("{count}, in {}", messages.display());
            about.push(("messages".into(), text));
            Door::Registry(Box::new(registry))
        }
    };
    let run = begin(&mut lock(&store), "apply", call, now)?;
    let mut applying = Applying::new(&setup, &plan, plan_hash, door, &store);
    writeln!(
        streams.err,
        "{}: the way back is in {}",
        run.id,
        rollback.display()
    )?;
    let mut bar = Bar::new(plan.changes.len(), streams.progress);
    let done = applying.all(|| bar.step());
    bar.finish();
    done?;
    let told = applying.told()?;
    let notices = PathBuf::from(format!("{place}.notices.jsonl"));
    write_durably(&notices, &notice::lines(&told))?;
    let made = applying.close();
    lock(&store).put_all(&[no_record("run", "")], [])?;

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
