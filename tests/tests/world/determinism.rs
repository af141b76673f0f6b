//! Same seed, same event log to the octet, in every process and on any number of threads.

use std::process::Command;

fn hashes(arguments: &[&str]) -> Vec<String> {
    let files = [
        "migration",
        "lagging-parent",
        "section-4-zsk-not-exchanged",
        "migration-group",
    ];
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/library");
    let output = Command::new(counterpoint())
        .arg("run")
        .args(files.map(|file| format!("{folder}/{file}.toml")))
        .args(["--format", "json"])
        .args(arguments)
        .output()
        .expect("counterpoint runs");
    let text = String::from_utf8(output.stdout).expect("JSON is text");
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("one object a line"));
    let hash = |object: serde_json::Value| {
        object["event_log_sha256"]
            .as_str()
            .expect("a hash")
            .to_owned()
    };
    let hashes: Vec<String> = lines.map(hash).collect();
    assert_eq!(hashes.len(), files.len());
    hashes
}

/// The program under test, built beside this one.
fn counterpoint() -> std::path::PathBuf {
    let mut path = std::env::current_exe().expect("this test has a path");
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    let path = path.join("counterpoint");
    assert!(
        path.exists(),
        "{} is built by `cargo test --workspace`",
        path.display()
    );
    path
}

#[test]
fn two_processes_and_any_number_of_jobs_write_the_same_log() {
    let first = hashes(&["--jobs", "1"]);
    assert_eq!(first, hashes(&["--jobs", "1"]), "another process");
    assert_eq!(first, hashes(&["--jobs", "2"]), "two threads");
    let other = hashes(&["--seed", "2"]);
    assert!(
        first.iter().zip(&other).all(|(a, b)| a != b),
        "another seed, another log"
    );
}
