//! The `counterpoint` command as a shell sees it: arguments in; exit code, output and diagnostics out.

use std::ffi::OsString;

use counterpoint_scenarios::{
    cli::{self, Streams},
    outcome::Outcome,
    run,
    scenario::Scenario,
};

/// Exit code, standard output, standard error.
pub fn counterpoint(arguments: &[&str]) -> (u8, String, String) {
    counterpoint_with(arguments, run::run)
}

/// The same, where something else plays the scenarios.
pub fn counterpoint_with(
    arguments: &[&str],
    play: impl Fn(&Scenario) -> Outcome + Sync,
) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut streams = Streams {
        out: &mut out,
        err: &mut err,
        out_styled: false,
        err_styled: false,
        progress: false,
        columns: None,
    };
    let words = ["counterpoint"].iter().chain(arguments).map(OsString::from);
    let code = cli::main_with(words, &mut streams, play);
    let text = |octets| String::from_utf8(octets).expect("UTF-8");
    (code, text(out), text(err))
}
