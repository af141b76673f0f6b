//! Watch: the daemon that does every day what `plan` and `apply` do once.
//!
//! Decides nothing itself: when a child is scanned is [`Schedule`]'s matter, what becomes of a scan that
//! of the rules, what holds a plan back that of the brakes, and how it is carried out is [`Applying`]'s.
//! Several threads, each with one task:
//!
//! - [`scanning`] – children out, findings in, each of them durable
//! - [`publishing`] – from findings to a plan, and, if it was told so, to the parent's zone
//! - [`rereading`] – the input when it moves, the policy when it is told to
//! - [`front`] – NOTIFY, `/health` and `/metrics`, signals, signs of life
//!
//! What they share is in [`shared`]. A child is with one of them at a time: whoever has it from the
//! schedule. Killed at any point it goes on from the state; what had been sent and what had not is asked
//! of the primary.
//!
//! [`Schedule`]: crate::schedule::Schedule
//! [`Applying`]: super::applying::Applying

mod counts;
mod front;
mod publishing;
mod rereading;
mod scanning;
mod shared;

use std::{
    fs,
    sync::{Mutex, mpsc},
    thread,
};

use counterpoint_dns::driver::{
    clock::Clock,
    daemon::{journal, systemd},
    sqlite::SqliteStore,
};
use serde_json::json;

use self::shared::Shared;
use super::{
    Failure, Outcome, Streams, arguments,
    run::{Run, value},
    setup::{OWNER, Setup},
    survey_all::lock,
    verify::must_pass,
};
use crate::input::BadInput;

/// What a thread does until all is to end.
type Task = fn(&Shared<'_>) -> Result<(), Failure>;

/// Watches until it is told to stop.
pub fn run(arguments: &arguments::Watch, _: &mut Streams<'_>) -> Result<Outcome, Failure> {
    if arguments.input.zone_file.as_deref() == Some(std::path::Path::new("-")) {
        let what = "standard input is read once, and this reads again and again";
        return Err(BadInput::new("--zone-file", what, "name a file").into());
    }
    let setup = Setup::load(&arguments.input)?;
    if arguments.apply {
        publishing::primary(arguments, &setup)?;
    }
    if !arguments.no_self_test {
        must_pass(&setup.base)?;
    }
    let store = SqliteStore::open(&arguments.state.state, OWNER)?;
    let interrupted: Option<Run> = value(&store, "run")?;
    if let Some(run) = interrupted.filter(|run| run.command == "apply") {
        let path = store.path().display();
        return Err(Failure::Refused(format!(
            "an apply that began {} was interrupted\n  help: `counterpoint-scanner resume --state {path}` ends it",
            run.began
        )));
    }
    fs::create_dir_all(&arguments.out)?;
    let store = Mutex::new(store);
    let shared = Shared::new(arguments, setup, &store)?;
    let front = front::Front::open(&shared)?;
    let began = Clock.now();
    let (failed, failures) = mpsc::channel();
    thread::scope(|scope| {
        let tasks: [(&str, Task); 3] = [
            ("scanning", scanning::run),
            ("publishing", publishing::run),
            ("rereading", rereading::run),
        ];
        for (name, task) in tasks {
            let (shared, failed) = (&shared, failed.clone());
            scope.spawn(move || {
                // Whoever ends, ends all: nothing may go on from what could be forgotten.
                let _guard = shared.stops_all();
                if let Err(failure) = task(shared) {
                    journal::event("failed", &[("task", name), ("why", &failure.to_string())]);
                    let _ = failed.send(failure);
                }
            });
        }
        drop(failed);
        systemd::tell("READY=1");
        let served = front.serve(&shared);
        shared.stop();
        systemd::tell("STOPPING=1");
        journal::event("stopping", &[]);
        served
    })?;
    lock(&shared.recorder).flush()?;
    journal::event("stopped", &[]);
    if let Ok(failure) = failures.recv() {
        return Err(failure);
    }
    let counts = lock(&shared.live.counts);
    let text = format!(
        "watched from {began} until {}: {} scans, {} changes\n",
        Clock.now(),
        counts.scans(),
        counts.changes()
    );
    let json = json!({ "command": "watch", "scans": counts.scans(), "changes": counts.changes() });
    Ok(Outcome::ok(text, json))
}
