//! The commands as a shell sees them.

use std::{fs, path::PathBuf};

use counterpoint_tests::command::counterpoint;

/// A folder that is empty.
fn empty(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("counterpoint-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    path
}

#[test]
fn shards_together_are_the_whole_and_what_is_there_is_not_played_again() {
    let [whole, one, two, merged] = ["whole", "one", "two", "merged"].map(empty);
    let path = |path: &PathBuf| path.display().to_string();
    let explore = |out: &PathBuf, more: &[&str]| {
        let out = path(out);
        let mut words = vec![
            "explore",
            "--runs",
            "6",
            "--only",
            "overlap,leave-out",
            "--out",
            &out,
        ];
        words[4] = "overlap,instances";
        words.extend(more);
        counterpoint(&words)
    };
    let (code, text, err) = explore(&whole, &[]);
    assert_eq!(code, 0, "{text}{err}");
    assert!(
        text.contains("6 runs: 0 failed") && text.contains("a second and thread"),
        "{text}"
    );
    assert!(
        explore(&one, &["--shard", "1/2"])
            .1
            .contains("3 runs: 0 failed")
    );
    explore(&two, &["--shard", "2/2"]);
    let (code, text, err) =
        counterpoint(&["merge", &path(&two), &path(&one), "--out", &path(&merged)]);
    assert_eq!(code, 0, "{err}");
    assert!(text.contains("6 runs: 0 failed"), "{text}");
    let results =
        |folder: &PathBuf| fs::read_to_string(folder.join("results.jsonl")).expect("results");
    assert_eq!(results(&merged), results(&whole));

    // Cut off in the middle of a line: that run is played again, and no other.
    let text = results(&whole);
    fs::write(whole.join("results.jsonl"), &text[..text.len() - 20]).expect("writable");
    let (_, told, _) = explore(&whole, &[]);
    assert!(
        told.contains("5 runs are there already") && told.contains("1 runs played now"),
        "{told}"
    );
    assert_eq!(results(&whole), text);

    let (code, _, err) = counterpoint(&["explore", "--seed", "2", "--out", &path(&whole)]);
    assert_eq!(code, 2);
    assert!(err.contains("other settings"), "{err}");
    for folder in [whole, one, two, merged] {
        let _ = fs::remove_dir_all(folder);
    }
}

#[test]
fn bad_arguments_are_refused_with_a_remedy() {
    for (words, told) in [
        (vec!["explore", "--shard", "3/2"], "expected I/N"),
        (
            vec!["explore", "--only", "nonsense"],
            "expected one of many-signers",
        ),
        (vec!["explore", "--for", "soon"], "expected a time span"),
        (
            vec!["sabotage", "--only", "nonsense"],
            "expected one of skip-dnskey-wait",
        ),
        (vec!["shrink", "/nowhere.toml"], "/nowhere.toml"),
        (
            vec!["merge", "/nowhere", "--out", "/tmp/nowhere"],
            "/nowhere",
        ),
    ] {
        let (code, _, err) = counterpoint(&words);
        assert_eq!(code, 2, "{words:?}: {err}");
        assert!(err.contains(told), "{words:?}: {err}");
    }
}

#[test]
fn a_sweep_prints_a_row_for_each_combination() {
    let library = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/library");
    let file = format!("{library}/ds-too-late.toml");
    let words = [
        "sweep",
        &file,
        "--set",
        "parent.ds-ttl=1m,1h",
        "--set",
        "seed=1,2",
        "--csv",
    ];
    let (code, text, err) = counterpoint(&words);
    assert_eq!(code, 0, "{err}");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert!(
        lines[0].starts_with("parent.ds-ttl,seed,verdict,"),
        "{text}"
    );
    assert!(lines[4].starts_with("1h,2,unsafe,secure,"), "{text}");
}
