//! Runs, their folders, and the command line that makes them.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use counterpoint_farm::software::missing;
use counterpoint_reports::Run;
use counterpoint_scenarios::{
    cli::{self, Streams},
    load::load,
    report, run,
    scenario::Scenario,
};

/// A file of the scenarios that come along, as `library/join`.
pub fn file(name: &str) -> PathBuf {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    scenarios.join(name).with_extension("toml")
}

/// The scenario of that name.
pub fn scenario(name: &str) -> Scenario {
    let path = file(name);
    let text = fs::read_to_string(&path).unwrap();
    load(&path.display().to_string(), &text).unwrap()
}

/// What a scenario leaves behind.
pub fn played(scenario: &Scenario) -> Run {
    report::run(scenario, &run::run(scenario))
}

/// Exit code, standard output, standard error.
pub fn counterpoint(arguments: &[&str]) -> (u8, String, String) {
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
    let code = cli::main(words, &mut streams);
    let text = |octets| String::from_utf8(octets).unwrap();
    (code, text(out), text(err))
}

/// Plays a scenario into a folder.
pub fn folder(name: &str, out: &Path) {
    let file = file(name).display().to_string();
    let (code, _, err) = counterpoint(&["run", &file, "--out", &out.display().to_string()]);
    assert_eq!((code, err.as_str()), (0, ""), "{name}");
}

/// Whether the machine has these programs; CI must.
pub fn is_able(programs: &[&'static str]) -> bool {
    let absent = missing(programs);
    let is_ci = std::env::var_os("CI").is_some();
    assert!(absent.is_empty() || !is_ci, "not installed: {absent:?}");
    if !absent.is_empty() {
        eprintln!("SKIPPED: not installed: {absent:?}");
    }
    absent.is_empty()
}

/// Runs a program that must be content; what it said.
pub fn content(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let (said, moaned) = (output.stdout, String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {moaned}");
    String::from_utf8(said).unwrap()
}
