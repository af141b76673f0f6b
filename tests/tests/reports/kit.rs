//! Runs, their folders, and the command line that makes them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use counterpoint_reports::Run;
use counterpoint_scenarios::{load::load, report, run, scenario::Scenario};
use counterpoint_tests::command::counterpoint;

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

/// Plays a scenario into a folder.
pub fn folder(name: &str, out: &Path) {
    let file = file(name).display().to_string();
    let (code, _, err) = counterpoint(&["run", &file, "--out", &out.display().to_string()]);
    assert_eq!((code, err.as_str()), (0, ""), "{name}");
}

/// Runs a program that must be content; what it said.
pub fn content(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let (said, moaned) = (output.stdout, String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {moaned}");
    String::from_utf8(said).unwrap()
}
