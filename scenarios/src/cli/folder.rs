//! The folder of a run: everything that reports are made of, and what reproduces it.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use counterpoint_reports::{Run, event, html, junit, svg, trace};

use super::results::case;
use crate::{
    outcome::{Outcome, Style},
    report,
    scenario::Scenario,
};

/// The data of a run; a folder with it is a run folder.
const RUN: &str = "run.json";

/// The scenario, as it was played.
pub const SCENARIO: &str = "scenario.toml";

/// The largest `run.json` that is read.
const RUN_OCTETS_MAX: u64 = 1 << 28;

const REPRODUCE: &str = "\
#!/bin/sh
# Plays this run again beside itself, and compares every event.
set -e
cd \"$(dirname \"$0\")\"
code=0
\"${COUNTERPOINT:-counterpoint}\" run scenario.toml --out again || code=$?
# 1 is a run that did not come as expected, which may be what it was.
[ \"$code\" -le 1 ] || exit \"$code\"
cmp events.jsonl again/events.jsonl
echo \"every event is the same\"
exit \"$code\"
";

/// Where each scenario's folder is: `out` for one, folders in it for several.
pub fn places(out: &Path, scenarios: &[(String, Scenario)]) -> Vec<PathBuf> {
    if scenarios.len() == 1 {
        return vec![out.into()];
    }
    let mut taken = BTreeSet::new();
    let place = |(path, _): &(String, Scenario)| {
        let name = report::name_of(path);
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        let free = names.find(|name| taken.insert(name.clone()));
        out.join(free.unwrap_or(name))
    };
    scenarios.iter().map(place).collect()
}

/// Why a run must not be written there, if that is so: the place holds something else.
pub fn is_taken(place: &Path) -> Option<String> {
    let place_shown = place.display();
    match fs::read_dir(place).map(Iterator::count) {
        Ok(count) if count > 0 && !place.join(RUN).exists() => Some(format!(
            "{place_shown}: a folder with something else in it; name another with --out"
        )),
        Ok(_) => None,
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => Some(format!("{place_shown}: {error}; name another with --out")),
    }
}

/// Writes a run.
pub fn write(place: &Path, scenario: &Scenario, outcome: &Outcome) -> Result<(), String> {
    let run = report::run(scenario, outcome);
    // No report knows where the file lay.
    let named = Outcome {
        scenario: run.scenario.clone(),
        ..outcome.clone()
    };
    let text = named.to_text("sh reproduce.sh", Style::new(false));
    let case = junit::Case {
        file: None,
        ..case(&named, &text)
    };
    let files = [
        (SCENARIO, scenario.to_toml()),
        ("events.jsonl", event::json_lines(&outcome.event_log)),
        ("timeline.svg", svg::svg(&run)),
        ("report.html", html::html(&run)),
        ("trace.json", trace::trace(&run)),
        ("junit.xml", junit::junit("counterpoint", &[case])),
        ("report.txt", text),
        ("reproduce.sh", REPRODUCE.into()),
        (RUN, run.to_json()),
    ];
    let wrong = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    fs::create_dir_all(place).map_err(|error| wrong(place, error))?;
    for (name, text) in files {
        let path = place.join(name);
        fs::write(&path, text).map_err(|error| wrong(&path, error))?;
    }
    Ok(())
}

/// Reads a run: its folder, or the `run.json` in it.
pub fn read(path: &Path) -> Result<Run, String> {
    let file = match path.is_dir() {
        true => path.join(RUN),
        false => path.into(),
    };
    let wrong = |why: String| {
        let file = file.display();
        format!("{file}: {why}\n  help: name a folder that `counterpoint run --out` wrote")
    };
    let size = fs::metadata(&file)
        .map_err(|error| wrong(error.to_string()))?
        .len();
    if size > RUN_OCTETS_MAX {
        return Err(wrong(format!(
            "{size} octets, and the most is {RUN_OCTETS_MAX}"
        )));
    }
    let text = fs::read_to_string(&file).map_err(|error| wrong(error.to_string()))?;
    Run::read(&text).map_err(wrong)
}
