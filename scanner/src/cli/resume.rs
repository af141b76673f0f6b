//! Resume: goes on with the run that was interrupted, by its own words.

use std::env;

use clap::Parser as _;
use counterpoint_dns::driver::sqlite::SqliteStore;

use super::{
    Call, Failure, Outcome, Streams,
    arguments::{self, Arguments, Command},
    carry_out,
    run::{Run, value},
    setup::OWNER,
};
use crate::input::BadInput;

/// Goes on with the run that was interrupted, by its own command line.
pub fn run(arguments: &arguments::Resume, streams: &mut Streams<'_>) -> Result<Outcome, Failure> {
    let path = &arguments.state.state;
    if !path.exists() {
        let remedy = "name the state with --state FILE";
        return Err(BadInput::new(path.display(), "there is no state", remedy).into());
    }
    let store = SqliteStore::open(path, OWNER)?;
    let run: Option<Run> = value(&store, "run")?;
    // The command opens it again.
    drop(store);
    let Some(run) = run else {
        return Err(Failure::Refused("nothing was interrupted".into()));
    };
    let here = env::current_dir()?.display().to_string();
    if here != run.directory {
        let why = format!(
            "the run was begun in {}\n  help: go there, then resume",
            run.directory
        );
        return Err(Failure::Refused(why));
    }
    let broken =
        |why: String| Failure::Defect(format!("the interrupted run cannot be read: {why}"));
    let again = Arguments::try_parse_from(&run.words).map_err(|error| broken(error.to_string()))?;
    let is_run = matches!(
        again.command,
        None | Some(Command::Plan(_) | Command::Apply(_))
    );
    if !is_run {
        return Err(broken(run.words.join(" ")));
    }
    writeln!(streams.err, "going on with: {}", run.words.join(" "))?;
    let call = Call {
        words: run.words,
        resumes: true,
    };
    carry_out(again, &call, streams)
}
