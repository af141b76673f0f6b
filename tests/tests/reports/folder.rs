//! The folder of a run is whole, the same to the octet each time, and tells nothing of the machine.

use std::{collections::BTreeMap, fs, path::Path};

use counterpoint_reports::Run;

use counterpoint_tests::command::counterpoint;

use crate::kit::{file, folder};

fn files(place: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(place).unwrap().map(Result::unwrap);
    let read = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read_to_string(entry.path()).unwrap())
    };
    entries.map(read).collect()
}

#[test]
fn a_folder_is_whole_and_the_same_each_time() {
    let place = tempfile::tempdir().unwrap();
    let (one, other) = (place.path().join("one"), place.path().join("other/deep"));
    folder("library/cut-ds-wait", &one);
    folder("library/cut-ds-wait", &other);
    let (one, other) = (files(&one), files(&other));
    let names: Vec<&str> = one.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "events.jsonl",
            "junit.xml",
            "report.html",
            "report.txt",
            "reproduce.sh",
            "run.json",
            "scenario.toml",
            "timeline.svg",
            "trace.json"
        ]
    );
    for (name, text) in &one {
        assert_eq!(text, &other[name], "{name}");
        for path in [
            env!("CARGO_MANIFEST_DIR"),
            "/tmp",
            "/home",
            "/root",
            "library/",
        ] {
            assert!(!text.contains(path), "{name} contains {path}");
        }
    }
}

#[test]
fn what_a_folder_holds_plays_to_the_same_events() {
    let place = tempfile::tempdir().unwrap();
    let (one, again) = (place.path().join("one"), place.path().join("again"));
    folder("museum/three-is-a-crowd", &one);
    let scenario = one.join("scenario.toml").display().to_string();
    counterpoint(&["run", &scenario, "--out", &again.display().to_string()]);
    let (one, again) = (files(&one), files(&again));
    assert!(one["events.jsonl"].lines().count() > 20);
    assert_eq!(one["events.jsonl"], again["events.jsonl"]);
}

#[test]
fn the_data_read_back_as_they_were() {
    let place = tempfile::tempdir().unwrap();
    folder("library/migration", place.path());
    let text = &files(place.path())["run.json"];
    let run = Run::read(text).unwrap();
    assert_eq!(&run.to_json(), text);
    let other = text.replacen("\"schema\": 1", "\"schema\": 99", 1);
    let why = Run::read(&other).unwrap_err();
    assert!(
        why.contains("schema 99") && why.contains("play the scenario again"),
        "{why}"
    );
}

#[test]
fn several_scenarios_get_a_folder_each() {
    let place = tempfile::tempdir().unwrap();
    let files = ["library/join", "library/leave"].map(|name| file(name).display().to_string());
    let out = place.path().join("out").display().to_string();
    let (code, ..) = counterpoint(&["run", &files[0], &files[1], &files[0], "--out", &out]);
    assert_eq!(code, 0);
    for name in ["join", "leave", "join-2"] {
        assert!(
            place
                .path()
                .join("out")
                .join(name)
                .join("run.json")
                .exists(),
            "{name}"
        );
    }
}

#[test]
fn a_folder_with_something_else_in_it_is_left_alone() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("thesis.tex"), "years").unwrap();
    let (file, out) = (
        file("library/join").display().to_string(),
        place.path().display().to_string(),
    );
    let (code, text, err) = counterpoint(&["run", &file, "--out", &out]);
    assert_eq!((code, text.as_str()), (2, ""));
    assert!(
        err.contains("something else in it; name another with --out"),
        "{err}"
    );
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    let (code, _, err) = counterpoint(&["explain", &out]);
    assert!(
        code == 2 && err.contains("name a folder that `counterpoint run --out` wrote"),
        "{err}"
    );
}

#[test]
fn without_out_nothing_is_written() {
    let place = tempfile::tempdir().unwrap();
    let copy = place.path().join("join.toml");
    fs::copy(file("library/join"), &copy).unwrap();
    let (code, ..) = counterpoint(&["run", &copy.display().to_string()]);
    assert_eq!((code, fs::read_dir(place.path()).unwrap().count()), (0, 1));
}
