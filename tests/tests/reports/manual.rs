//! The manual is whole: every page is in its table of contents, every picture is there and still true.

use std::{collections::BTreeSet, fs, path::Path};

use crate::kit::{played, scenario};

fn docs() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

/// The targets of the links of a page that lead to files.
fn links(text: &str) -> Vec<String> {
    let parts = text.split("](").skip(1);
    let targets = parts.filter_map(|part| part.split(')').next());
    let files = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    files
        .map(|target| target.split('#').next().unwrap_or(target).to_owned())
        .collect()
}

fn pages(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            let name = path.strip_prefix(docs()).unwrap().display().to_string();
            found.insert(name);
        }
    }
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let mut found = BTreeSet::new();
    pages(&docs(), &mut found);
    found.remove("SUMMARY.md");
    let named = links(&fs::read_to_string(docs().join("SUMMARY.md")).unwrap());
    assert_eq!(named.iter().cloned().collect::<BTreeSet<_>>(), found);
    assert_eq!(named.len(), found.len(), "each once");
}

#[test]
fn links_of_these_pages_lead_somewhere() {
    for page in [
        "reports.md",
        "exit-codes.md",
        "glossary.md",
        "gallery/README.md",
    ] {
        let path = docs().join(page);
        for link in links(&fs::read_to_string(&path).unwrap()) {
            let target = path.parent().unwrap().join(&link);
            assert!(
                target.exists(),
                "{page} leads to {link}, which is not there"
            );
        }
    }
}

/// A picture says what the scenario comes to now.
#[test]
fn pictures_of_the_gallery_are_of_today() {
    let page = fs::read_to_string(docs().join("gallery/README.md")).unwrap();
    let mut seen = 0;
    for (_, rest) in page
        .match_indices("`scenarios/")
        .map(|(at, found)| page.split_at(at + found.len()))
    {
        let file = rest.split(".toml").next().unwrap();
        let run = played(&scenario(file));
        let name = file.rsplit('/').next().unwrap();
        let picture =
            fs::read_to_string(docs().join("gallery").join(name).with_extension("svg")).unwrap();
        let again = "cargo run -p counterpoint-scenarios --example gallery";
        assert!(
            picture.contains(run.verdict()),
            "{name} is {} now: {again}",
            run.verdict()
        );
        let bands = picture.matches("class=\"unsafe").count() > 1;
        assert_eq!(bands, !run.violations.is_empty(), "{name}: {again}");
        seen += 1;
    }
    assert_eq!(seen, 10);
}
