//! The museum: each incident comes out as it expects, tells its story, and has a section in the guide.

use std::{fs, path::Path};

use counterpoint_scenarios::{expectations::unmet, run::run, scenario::Verdict};

use crate::{read, toml_files};

#[test]
fn every_incident_comes_out_as_it_expects() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let guide = fs::read_to_string(root.join("docs/museum.md")).expect("there is a guide");
    let files = toml_files(&root.join("scenarios/museum"));
    assert!(files.len() >= 18, "the museum is whole: {}", files.len());
    for path in &files {
        let name = path.display();
        let text = fs::read_to_string(path).expect("readable");
        assert!(text.contains("\n# "), "{name} tells its story");
        let stem = path.file_stem().expect("a name").to_string_lossy();
        let section = format!("\n## {stem}\n");
        assert_eq!(guide.matches(&section).count(), 1, "{name} is in the guide");

        let scenario = read(path);
        assert!(!scenario.source.is_empty(), "{name} names its source");
        assert!(
            !scenario.expect.sometimes.is_empty(),
            "{name} says what must have happened"
        );
        let outcome = run(&scenario);
        assert_eq!(outcome.internal_error, None, "{name}");
        assert_eq!(unmet(&scenario.expect, &outcome), [], "{name}");
        let classes = scenario.expect.violations.as_deref();
        let classes = classes.expect("the file lists violations, or that there are none");
        assert_eq!(
            classes.is_empty(),
            outcome.verdict == Verdict::Safe,
            "{name}"
        );
        assert!(
            classes.iter().all(|class| class.first.is_some()),
            "{name} says when it becomes unsafe"
        );
    }
    assert_eq!(
        guide.matches("\n## ").count(),
        files.len(),
        "the guide has a section for each file and no other"
    );
}
