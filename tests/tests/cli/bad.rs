//! What a person is told about a mistake: one file a kind, one snapshot a file.

use std::{fs, path::Path};

use counterpoint_scenarios::load::{load, load_with};

/// Every diagnostic of a text, rendered.
pub fn complaints(path: &str, text: &str, sets: &[&str]) -> String {
    let sets: Vec<String> = sets.iter().map(|set| (*set).into()).collect();
    match load_with(path, text, &sets) {
        Ok(_) => "no mistakes found".into(),
        Err(mistakes) => {
            let rendered: Vec<String> = mistakes.iter().map(|m| m.render(false)).collect();
            rendered.join("\n\n")
        }
    }
}

#[test]
fn every_bad_file_is_explained() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/bad");
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    files.sort();
    let mut codes = std::collections::BTreeSet::new();
    for file in &files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let path = format!("{name}.toml");
        let text = fs::read_to_string(file).unwrap();
        let mistakes = load(&path, &text).expect_err(name);
        codes.extend(mistakes.iter().map(|mistake| mistake.code));
        insta::assert_snapshot!(format!("bad__{name}"), complaints(&path, &text, &[]));
    }
    let codes: Vec<&str> = codes.into_iter().collect();
    insta::assert_snapshot!("kinds_of_mistakes", codes.join("\n"));
}

const GOOD: &str = r#"
[[signer]]
name = "alpha"
[[signer]]
name = "beta"
[[zone]]
name = "example.test."
signers = ["alpha"]
[[event]]
at = "1h"
do = "join"
signer = "beta"
"#;

#[test]
fn a_bad_override_is_explained_at_the_override() {
    for (name, set) in [
        ("no_value", "controller.guard"),
        ("no_path", "signer..x=1"),
        ("no_such_element", "signer.betta.dnskey-ttl=12h"),
        ("no_such_key", "signer.beta.dnskey-tll=12h"),
        ("no_such_table", "scaner.interval=1h"),
        ("no_such_zone", "zone.\"exampel.test.\".secure=true"),
        ("no_such_event", "event.2.at=2h"),
        ("no_list", "resolver.r.query-every=1h"),
        ("below_a_value", "event.1.at.hours=2"),
        ("bad_value", "controller.guard=maybe"),
        ("bad_time", "event.1.at=tomorrow"),
        ("makes_no_sense", "event.1.signer=alpha"),
    ] {
        insta::assert_snapshot!(
            format!("set__{name}"),
            complaints("good.toml", GOOD, &[set])
        );
    }
}

#[test]
fn mistakes_in_the_file_and_in_overrides_come_together() {
    let text = GOOD.replace("1h", "1 hrs and more");
    let told = complaints("good.toml", &text, &["seed=x", "parent.ds-ttl=1d"]);
    assert!(told.contains("good.toml:10:6"), "{told}");
    assert!(told.contains("--set:1:6"), "{told}");
}

#[test]
fn what_may_have_been_refused_may_be_asked_again() {
    let again = "\n[[event]]\nat = \"2d\"\ndo = \"join\"\nsigner = \"beta\"\n\
                 [[event]]\nat = \"3d\"\ndo = \"leave\"\nsigner = \"alpha\"\n\
                 [[event]]\nat = \"4d\"\ndo = \"leave\"\nsigner = \"alpha\"\ndead = true\n";
    assert_eq!(
        complaints("good.toml", &format!("{GOOD}{again}"), &[]),
        "no mistakes found"
    );
}
