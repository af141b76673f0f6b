//! The world runs: every scenario of the library and of the museum, its replays, and the promise of determinism.

mod audit;
mod determinism;
mod draws;
mod forgery;
mod library;
mod many;
mod monitors;
mod museum;
mod notify;
mod rehearsal;
mod replays;
mod studies;
mod values;

use std::path::{Path, PathBuf};

use counterpoint_scenarios::{load::load, scenario::Scenario};

/// Every file of the library, by name.
fn library() -> Vec<PathBuf> {
    let files = toml_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/library"));
    assert!(files.len() >= 20, "the library is whole: {}", files.len());
    files
}

/// The scenario files in a folder, by name; none if there is no folder.
fn toml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let paths = entries.map(|entry| entry.expect("readable").path());
    let mut files: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    files.sort();
    files
}

fn read(path: &Path) -> Scenario {
    let text = std::fs::read_to_string(path).expect("readable");
    load(&path.display().to_string(), &text)
        .unwrap_or_else(|found| panic!("{}: {found:?}", path.display()))
}
