//! Every file of `scenarios/regressions` comes out as it expects.

use std::path::Path;

use counterpoint_scenarios::{expectations::unmet, load::load, run::run};

#[test]
fn every_regression_comes_out_as_it_expects() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/regressions");
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("readable").path());
    let mut files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "there is something to test");
    for path in files {
        let text = std::fs::read_to_string(&path).expect("readable");
        assert!(text.starts_with("# "), "{} tells its story", path.display());
        let scenario = load(&path.display().to_string(), &text)
            .unwrap_or_else(|found| panic!("{}: {found:?}", path.display()));
        let outcome = run(&scenario);
        assert_eq!(outcome.internal_error, None, "{}", path.display());
        assert_eq!(unmet(&scenario.expect, &outcome), [], "{}", path.display());
    }
}
