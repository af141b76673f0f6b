//! The command line: arguments in, output and an exit code out.

use std::{
    ffi::OsString,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use counterpoint_scenarios::{
    cli::{self, Streams},
    outcome::Outcome,
    scenario::{Scenario, Verdict},
};
use counterpoint_tests::command::counterpoint_with;

const GOOD: &str =
    "[[signer]]\nname = \"alpha\"\n[[zone]]\nname = \"example.test.\"\nsigners = [\"alpha\"]\n";

/// A directory of scenario files that is gone afterwards.
struct Files(PathBuf);

impl Files {
    /// These files, by name and text.
    fn new(files: &[(&str, &str)]) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("counterpoint-cli-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).unwrap();
        for (name, text) in files {
            let path = directory.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(directory)
    }

    /// The path of a file, or of the directory for `.`.
    fn path(&self, name: &str) -> String {
        let path = if name == "." {
            self.0.clone()
        } else {
            self.0.join(name)
        };
        path.display().to_string()
    }

    /// Text without the path of the directory.
    fn hide(&self, text: &str) -> String {
        text.replace(&self.path("."), "DIR")
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Plays nothing: safe, or whatever the title demands.
fn play(scenario: &Scenario) -> Outcome {
    let mut outcome = Outcome::of(scenario);
    match scenario.title.as_str() {
        "unsafe" => outcome.verdict = Verdict::Unsafe,
        "panics" => panic!("the world is broken"),
        "fails" => outcome.internal_error = Some("no world".into()),
        _ => {}
    }
    outcome
}

#[test]
fn exit_codes_are_those_of_the_manual() {
    let files = Files::new(&[
        ("good.toml", GOOD),
        ("unsafe.toml", &format!("title = \"unsafe\"\n{GOOD}")),
        ("panics.toml", &format!("title = \"panics\"\n{GOOD}")),
        ("bad.toml", "titel = 1\n"),
    ]);
    let run = |names: &[&str]| {
        let paths: Vec<String> = names.iter().map(|name| files.path(name)).collect();
        let arguments: Vec<&str> = ["run"]
            .into_iter()
            .chain(paths.iter().map(String::as_str))
            .collect();
        counterpoint_with(&arguments, play).0
    };
    assert_eq!(run(&["good.toml"]), 0);
    assert_eq!(run(&["unsafe.toml"]), 1);
    assert_eq!(run(&["bad.toml"]), 2);
    assert_eq!(run(&["panics.toml"]), 3);
    assert_eq!(run(&["good.toml", "unsafe.toml"]), 1);
    assert_eq!(run(&["good.toml", "unsafe.toml", "bad.toml"]), 2);
    assert_eq!(run(&["panics.toml", "bad.toml", "unsafe.toml"]), 3);
    assert_eq!(run(&["missing.toml"]), 2);
    assert_eq!(counterpoint_with(&["run"], play).0, 2);
    assert_eq!(counterpoint_with(&["sing"], play).0, 2);
    assert_eq!(counterpoint_with(&["--help"], play).0, 0);
    assert_eq!(counterpoint_with(&["run", "--jobs", "0", "x"], play).0, 2);
}

#[test]
fn help_teaches() {
    let (_, help, _) = counterpoint_with(&["--help"], play);
    insta::assert_snapshot!("help", help);
    let (_, help, _) = counterpoint_with(&["run", "--help"], play);
    insta::assert_snapshot!("help_run", help);
    let (_, help, _) = counterpoint_with(&["serve", "--help"], play);
    insta::assert_snapshot!("help_serve", help);
    let (_, help, _) = counterpoint_with(&["check", "--help"], play);
    insta::assert_snapshot!("help_check", help);
}

#[test]
fn a_directory_is_its_files_in_order_whatever_the_jobs() {
    let files = Files::new(&[
        ("b.toml", &format!("title = \"unsafe\"\n{GOOD}")),
        ("a.toml", GOOD),
        ("deep/c.toml", &format!("title = \"fails\"\n{GOOD}")),
        ("notes.txt", "not a scenario"),
    ]);
    let all = files.path(".");
    let (code, text, err) = counterpoint_with(&["run", &all], play);
    assert_eq!((code, err.as_str()), (3, ""));
    insta::assert_snapshot!("directory", files.hide(&text));
    for jobs in ["1", "2", "7"] {
        let again = counterpoint_with(&["run", &all, "--jobs", jobs], play);
        assert_eq!(again.1, text, "{jobs} jobs");
    }
    let (_, json, _) = counterpoint_with(&["run", &all, "--format", "json", "--jobs", "3"], play);
    let names: Vec<serde_json::Value> = json
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["scenario"].take())
        .collect();
    assert_eq!(
        names,
        ["a.toml", "b.toml", "deep/c.toml"].map(|name| files.path(name))
    );
}

#[test]
fn good_files_are_played_beside_bad_ones() {
    let files = Files::new(&[("a.toml", "seed = 1.5\n[[sinner]]\n"), ("b.toml", GOOD)]);
    let (code, out, err) = counterpoint_with(&["run", &files.path(".")], play);
    assert_eq!(code, 2);
    assert!(out.contains("SAFE"), "{out}");
    insta::assert_snapshot!("beside", files.hide(&err));
    let empty = Files::new(&[]);
    let (code, _, err) = counterpoint_with(&["check", &empty.path(".")], play);
    assert_eq!(
        (code, empty.hide(&err).lines().next()),
        (2, Some("error: DIR: no *.toml in this directory"))
    );
}

#[test]
fn seed_and_overrides_reach_the_scenario_and_the_command_to_repeat() {
    let files = Files::new(&[("a.toml", GOOD)]);
    let arguments = [
        "run",
        &files.path("a.toml"),
        "--seed",
        "9",
        "--set",
        "zone.\"example.test.\".records=[\"www A 192.0.2.1\"]",
    ];
    let (code, out, _) = counterpoint_with(&arguments, |scenario| {
        assert_eq!(scenario.seed, 9);
        assert_eq!(scenario.zones[0].records.len(), 1);
        Outcome {
            verdict: Verdict::Unsafe,
            ..Outcome::of(scenario)
        }
    });
    assert_eq!(code, 1);
    let again = "counterpoint run DIR/a.toml --seed 9 --set 'zone.\"example.test.\".records=[\"www A 192.0.2.1\"]'";
    assert!(files.hide(&out).contains(again), "{out}");
}

#[test]
fn a_run_that_is_not_reproducible_is_an_internal_error() {
    let files = Files::new(&[("a.toml", GOOD)]);
    let count = AtomicUsize::new(0);
    let fickle = |scenario: &Scenario| Outcome {
        event_log: vec![
            "same".into(),
            format!("run {}", count.fetch_add(1, Ordering::Relaxed)),
        ],
        ..Outcome::of(scenario)
    };
    let (code, out, _) = counterpoint_with(&["run", &files.path("a.toml"), "--twice"], fickle);
    assert_eq!(code, 3);
    assert!(
        out.contains("line 2 of the event log was `run 0`, then `run 1`"),
        "{out}"
    );
    assert_eq!(
        counterpoint_with(&["run", &files.path("a.toml"), "--twice"], play).0,
        0
    );
}

#[test]
fn check_plays_nothing() {
    let files = Files::new(&[("a.toml", GOOD)]);
    let never = |_: &Scenario| -> Outcome { panic!("played") };
    let (code, out, err) = counterpoint_with(&["check", &files.path("a.toml")], never);
    assert_eq!(
        (code, files.hide(&out).as_str(), err.as_str()),
        (0, "DIR/a.toml: no mistakes found\n", "")
    );
    let (code, out, _) = counterpoint_with(&["check", "--keys"], never);
    assert!(
        code == 0 && out.contains("\n| `ksk-holder` | `\"owner\"` |"),
        "{out}"
    );
}

#[test]
fn a_broken_pipe_is_no_panic() {
    struct Broken;
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let files = Files::new(&[("a.toml", GOOD), ("b.toml", GOOD), ("c.toml", GOOD)]);
    let mut streams = Streams {
        out: &mut Broken,
        err: &mut Vec::new(),
        out_styled: false,
        err_styled: false,
        progress: false,
        columns: None,
    };
    let words = [
        "counterpoint".into(),
        "run".into(),
        OsString::from(Path::new(&files.path("."))),
    ];
    assert_eq!(cli::main_with(words, &mut streams, play), 0);
}
