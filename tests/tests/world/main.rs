//! The world runs: every scenario of the library, its replays, and the promise of determinism.

mod audit;
mod determinism;
mod draws;
mod library;
mod many;
mod notify;
mod rehearsal;
mod replays;

use std::path::{Path, PathBuf};

use counterpoint_scenarios::{load::load, scenario::Scenario};

/// Every file of the library, by name.
fn library() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/library");
    let entries = std::fs::read_dir(folder).expect("the library is there");
    let paths = entries.map(|entry| entry.expect("readable").path());
    let mut files: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    files.sort();
    assert!(files.len() >= 20, "the library is whole: {}", files.len());
    files
}

fn read(path: &Path) -> Scenario {
    let text = std::fs::read_to_string(path).expect("readable");
    load(&path.display().to_string(), &text)
        .unwrap_or_else(|found| panic!("{}: {found:?}", path.display()))
}
