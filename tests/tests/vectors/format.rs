//! The format itself: mistakes are told with their place, and a vector that is wrong fails.

use std::{collections::BTreeMap, fs};

use counterpoint_tests::vectors::{
    file::{self, Case},
    memory::Memory,
    story::play,
};

/// Files that hold fewer than three cases, with the reason.
const SHORT: [(&str, &str); 0] = [];

/// The end of a file that has a sound beginning.
fn file(rest: &str) -> String {
    format!("rule = \"K-02\"\ntitle = \"t\"\n[[case]]\ntitle = \"one\"\n{rest}")
}

fn outcome(rest: &str) -> Result<(), String> {
    let cases: Vec<Case> = file::read("f.toml", &file(rest))?;
    play(&cases[0], &[], |_| Memory::boxed())
}

/// A rollover that is accepted, and what is said about it.
const ROLLOVER: &str = "zone.dnskey = [\"a\", \"n\", \"az\"]\nzone.signers = [\"a\", \"az\"]\n\
                        zone.cds = [\"a\", \"n\"]\n";

#[test]
fn a_mistake_is_told_with_its_place() {
    for (rest, told) in [
        ("expectt = \"NOOP\"", "line 5, column 1"),
        ("zone.cdss = [\"a\"]", "unknown field `cdss`"),
        ("zone.serial = \"ten\"", "line 5, column 15"),
        ("", "f.toml:4: one: it expects nothing"),
        ("expect = \"NOOP\"\nzone.cds = [\"q\"]", "`q` is no key"),
        ("expect = \"NOOP\"\non.ns9.cds = [\"a\"]", "on.ns9"),
        ("expect = \"NOOP\"\nservers.ns1 = \"ns1\"", "HOST ADDRESS"),
        ("expect = \"NOOP\"\nkeys.x = \"KSK 5\"", "keys.x"),
        (
            "expect = \"NOOP\"\nzone.answers.CDS = \"well?\"",
            "answers `well?`",
        ),
        (
            "expect = \"NOOP\"\nzone.inception = \"soon\"",
            "`soon` is no time span",
        ),
        (
            "expect = \"NOOP\"\npolicy.csync.ns-mim = 2",
            "unknown field `ns-mim`",
        ),
        (
            "expect = \"NOOP\"\nzone.csync = [\"one\"]",
            "SERIAL FLAGS TYPE",
        ),
        (
            "expect = \"NOOP\"\nzone.cds = [\"\\\\# 3 00\"]",
            "not as many as it says",
        ),
        ("expect = \"NOOP\"\nasked = [\"ns1\"]", "LABEL TYPE"),
    ] {
        let error = outcome(rest).expect_err(rest);
        assert!(error.contains(told), "{rest}: {error}");
    }
}

#[test]
fn a_vector_that_is_wrong_fails() {
    let sound = format!("{ROLLOVER}expect = \"ACCEPT K-02\"\nafter.ds = [\"a\", \"n\"]");
    assert_eq!(outcome(&sound), Ok(()));
    for (rest, told) in [
        // Another outcome, rule or reason than there is.
        ("expect = \"NOOP\"", "expected NOOP"),
        (
            "expect = \"ACCEPT K-03\"\nafter.ds = [\"a\", \"n\"]",
            "expected ACCEPT K-03",
        ),
        (
            "expect = \"ACCEPT K-02 X\"\nafter.ds = [\"a\", \"n\"]",
            "expected ACCEPT K-02 X",
        ),
        // A parent's zone that is not as told: nothing was to change, or something else, or more.
        ("expect = \"ACCEPT\"", "the parent's example.test. DS"),
        (
            "expect = \"ACCEPT\"\nafter.ds = [\"n\"]",
            "the parent's example.test. DS",
        ),
        (
            "expect = \"ACCEPT\"\nafter = { ds = [\"a\", \"n\"], ns = [\"ns1\"] }",
            "test. NS",
        ),
        (
            "expect = \"ACCEPT\"\nafter = { ds = [\"a\", \"n\"], ttl.DS = 1 }",
            "test. DS",
        ),
        // A change that no word allows.
        (
            "expect-csync = \"NOOP\"",
            "it accepted what nothing says it may",
        ),
        (
            "expect = \"ACCEPT\"\nafter.ds = [\"a\", \"n\"]\nasked = [\"ns1 TXT\"]",
            "`ns1 TXT` was not asked",
        ),
        (
            "expect = \"ACCEPT\"\nafter.ds = [\"a\", \"n\"]\nnot-asked = [\"* CDS\"]",
            "`* CDS` was asked",
        ),
    ] {
        let error = outcome(&format!("{ROLLOVER}{rest}")).expect_err(rest);
        assert!(error.contains(told), "{rest}: {error}");
    }
}

#[test]
fn each_file_is_named_for_its_rule_and_has_three_cases() {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for case in file::all().unwrap() {
        let (name, _) = case.place.split_once(".toml").unwrap();
        assert_eq!(name, case.rule, "{}", case.place);
        *count.entry(case.rule).or_default() += 1;
    }
    let few = count.iter().filter(|(_, count)| **count < 3);
    let few: Vec<&str> = few.map(|(rule, _)| rule.as_str()).collect();
    assert_eq!(few, SHORT.map(|(rule, _)| rule));
    let files = fs::read_dir(file::directory()).unwrap();
    let files = files.filter(|file| {
        let path = file.as_ref().unwrap().path();
        path.extension()
            .is_some_and(|extension| extension == "toml")
    });
    assert_eq!(files.count(), count.len(), "every file has cases");
}

#[test]
fn the_page_about_the_format_is_true() {
    let page = fs::read_to_string(file::directory().join("README.md")).unwrap();
    let blocks = page.split("```toml\n").skip(1);
    let blocks: Vec<&str> = blocks
        .map(|block| block.split("```").next().unwrap())
        .collect();
    let examples = blocks.iter().filter(|block| block.starts_with("[[case]]"));
    let mut played = 0;
    for example in examples {
        // A scan's words stand on their own; what the page says of the keys is in its story.
        let keys = "[default.zone]\ndnskey = [\"a\", \"n\", \"az\"]\nsigners = [\"a\", \"az\"]\n\
                    cds = [\"a\", \"n\"]\n";
        let text = format!("rule = \"x\"\ntitle = \"x\"\n{keys}{example}");
        for case in file::read("README.md", &text).unwrap() {
            assert_eq!(
                play(&case, &[], |_| Memory::boxed()),
                Ok(()),
                "{}",
                case.title
            );
            played += 1;
        }
    }
    assert_eq!(played, 2);
    assert!(
        page.contains(file::BUILT_IN.trim()),
        "the built-in layer is on the page"
    );
}
