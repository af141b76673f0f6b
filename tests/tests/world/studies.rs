//! The studies: each scenario file comes out as it expects, and the tables that take seconds are in the
//! pages as they come out today.

use std::{fs, path::Path};

use counterpoint_scenarios::{
    expectations::unmet,
    run::run,
    study::{Bench, STUDIES},
};

use crate::{read, toml_files};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[test]
fn every_file_of_a_study_comes_out_as_it_expects() {
    let mut played = 0;
    for study in STUDIES {
        let folder = root().join("scenarios/studies").join(study.name);
        for path in toml_files(&folder) {
            let name = path.display();
            let text = fs::read_to_string(&path).expect("readable");
            assert!(text.starts_with("# "), "{name} tells its story");
            let scenario = read(&path);
            assert!(!scenario.source.is_empty(), "{name} names its source");
            if study.name == "automation-draft" {
                let size = (
                    scenario.signers.len(),
                    scenario.events.len(),
                    scenario.faults.len(),
                );
                assert!(
                    size.0 <= 3 && size.1 <= 4 && size.2 <= 1,
                    "{name} is small: {size:?}"
                );
            }
            let outcome = run(&scenario);
            assert_eq!(outcome.internal_error, None, "{name}");
            assert_eq!(unmet(&scenario.expect, &outcome), [], "{name}");
            played += 1;
        }
    }
    assert!(played >= 20, "{played} files");
}

#[test]
fn the_cheap_tables_in_the_pages_are_current() {
    let bench = Bench {
        folder: root().join("scenarios/studies"),
        jobs: 2,
    };
    let docs = root().join("docs");
    let index = fs::read_to_string(docs.join("studies/README.md")).expect("there is an index");
    for study in STUDIES {
        let page = fs::read_to_string(study.page(&docs)).expect("there is a page");
        assert!(
            index.contains(&format!("({}.md)", study.name)),
            "{}",
            study.name
        );
        for table in study.tables {
            let marker = format!("<!-- table: {} -->\n", table.name);
            assert_eq!(page.matches(&marker).count(), 1, "{}: {marker}", study.name);
            if table.is_cheap {
                let made = (table.make)(&bench).expect("it can be made");
                let placed = study.placed(&page, table.name, &made);
                assert_eq!(
                    placed.as_deref(),
                    Ok(page.as_str()),
                    "make it anew: cargo run --release -p counterpoint-scenarios --example study -- --write {} {}",
                    study.name,
                    table.name
                );
            }
        }
    }
}

/// Each scenario file of the draft is in its table.
#[test]
fn no_file_is_left_out_of_its_table() {
    let page = root().join("docs/studies/automation-draft.md");
    let page = fs::read_to_string(page).expect("there is a page");
    for path in toml_files(&root().join("scenarios/studies/automation-draft")) {
        let stem = path.file_stem().expect("it has a name").to_string_lossy();
        assert!(page.contains(&format!("\n| {stem} |")), "{stem}");
    }
}
