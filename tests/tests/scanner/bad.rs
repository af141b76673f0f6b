//! Bad input: place, what was expected, what to do; exit code 2.

use std::fs;

use crate::kit::{Office, scanner, stage};

/// What the tool says to these words in this office; its paths hidden.
fn said(office: &Office, words: &[&str]) -> String {
    let words: Vec<String> = words
        .iter()
        .map(|word| word.replace("DIR", &office.path(".")))
        .collect();
    let (code, out, err) = scanner(&words);
    assert_eq!(out, "");
    office.hide(&format!("{err}exit {code}"))
}

#[test]
fn every_bad_input_has_its_place_and_a_remedy() {
    let office = Office::new(&stage(&["one.test."]));
    let head = "$ORIGIN test.\n@ 60 IN SOA ns1 h 1 1 1 1 1\n";
    office.write("good.zone", &format!("{head}a 60 IN NS ns1\n"));
    office.write(
        "bad.zone",
        &format!("{head}a 60 IN NS ns1\nb 60 IN A 192.0.2.256\n"),
    );
    office.write("include.zone", &format!("{head}$INCLUDE more.zone\n"));
    office.write("open.zone", &format!("{head}a 60 IN NS (\n\nns1\n"));
    office.write("bad.list", "a.test ns1.example\nb.test\n");
    office.write("bad.csv", "domain,colour\na.test,red\n");
    office.write("bad.toml", "[brakes]\nchanges-maximum = 3\n");
    office.write(
        "anchor.toml",
        "[resolver]\ntrust-anchor = [\"20326 8 2\"]\n",
    );
    office.write("bad.key", "hmac-md5:k:c2VjcmV0\n");
    office.write("open.key", "hmac-sha256:k:c2VjcmV0\n");
    for (key, mode) in [("bad.key", 0o600), ("open.key", 0o644)] {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs::set_permissions(office.0.join(key), mode).unwrap();
    }
    office.write("not.state", &"this is not a state ".repeat(99));
    office.write(
        "bad.jsonl",
        "{\"head\":{\"format\":\"other\",\"owner\":\"x\"}}\n",
    );
    let mut told = String::new();
    for words in [
        &["audit"] as &[&str],
        &["audit", "--zone-file", "DIR/missing.zone"],
        &["audit", "--zone-file", "DIR/bad.zone"],
        &["audit", "--zone-file", "DIR/include.zone"],
        &["audit", "--zone-file", "DIR/open.zone"],
        &["audit", "--zone-file", "DIR/good.zone", "--zone", "other."],
        &["audit", "--list", "DIR/bad.list", "--zone", "test."],
        &[
            "audit",
            "--zone-file",
            "DIR/good.zone",
            "--registry",
            "DIR/bad.csv",
        ],
        &[
            "audit",
            "--zone-file",
            "DIR/good.zone",
            "--policy",
            "DIR/bad.toml",
        ],
        &[
            "audit",
            "--zone-file",
            "DIR/good.zone",
            "--policy",
            "DIR/anchor.toml",
        ],
        &[
            "audit",
            "--zone-file",
            "DIR/good.zone",
            "--tsig-key",
            "DIR/bad.key",
        ],
        &[
            "audit",
            "--zone-file",
            "DIR/good.zone",
            "--tsig-key",
            "DIR/open.key",
        ],
        &[
            "audit",
            "--zone-file",
            "DIR/good.zone",
            "--state",
            "DIR/not.state",
        ],
        &["explain", "a..test", "--zone-file", "DIR/good.zone"],
        &["history", "a.test", "--state", "DIR/no.state"],
        &["apply", "DIR/no-plan.toml", "--zone-file", "DIR/good.zone"],
        &["resume", "--state", "DIR/no.state"],
        &["state", "export", "--state", "DIR/no.state"],
        &[
            "state",
            "import",
            "DIR/bad.jsonl",
            "--state",
            "DIR/new.state",
        ],
        &[
            "audit",
            "--zone-file",
            "DIR/good.zone",
            "--route",
            "nonsense",
        ],
    ] {
        let said = said(&office, words);
        assert!(said.ends_with("exit 2"), "{words:?}: {said}");
        told.push_str(&format!(
            "$ counterpoint-scanner {}\n{said}\n\n",
            words.join(" ")
        ));
    }
    insta::assert_snapshot!(told);
}

#[test]
fn completions_and_man_page_come_from_the_same_arguments() {
    for shell in ["bash", "zsh", "fish"] {
        let (code, out, _) = scanner(&["completions".into(), shell.into()]);
        assert_eq!(code, 0);
        assert!(
            out.contains("counterpoint-scanner") && out.contains("explain"),
            "{shell}"
        );
    }
    let (code, out, _) = scanner(&["man".into()]);
    assert_eq!(code, 0);
    for text in [".TH", "zone\\-file", "explain", "release"] {
        assert!(out.contains(text), "{text}");
    }
}

#[test]
fn the_state_goes_out_and_comes_in() {
    let office = Office::new(&stage(&["one.test."]));
    let words = |words: &[&str]| -> Vec<String> {
        words
            .iter()
            .map(|word| word.replace("DIR", &office.path(".")))
            .collect()
    };
    let head =
        "{\"head\":{\"format\":\"counterpoint-store/1\",\"owner\":\"counterpoint-scanner\"}}";
    let record =
        "{\"record\":{\"key\":\"child/a.test.\",\"value\":\"{\\\"ds\\\":\\\"present\\\"}\"}}";
    let log = "{\"log\":{\"time\":1,\"zone\":\"a.test.\",\"kind\":\"decision\",\"subject\":\"\",\"text\":\"x\"}}";
    let text = format!("{head}\n{record}\n{log}\n");
    office.write("in.jsonl", &text);
    let import = scanner(&words(&[
        "state",
        "import",
        "DIR/in.jsonl",
        "--state",
        "DIR/s",
    ]));
    assert_eq!((import.0, import.2.as_str()), (0, ""));
    let export = scanner(&words(&[
        "state",
        "export",
        "DIR/out.jsonl",
        "--state",
        "DIR/s",
    ]));
    assert_eq!((export.0, export.2.as_str()), (0, ""));
    assert_eq!(office.read("out.jsonl"), text);
    let again = scanner(&words(&[
        "state",
        "export",
        "DIR/out.jsonl",
        "--state",
        "DIR/s",
    ]));
    assert_eq!(again.0, 2, "nothing is overwritten");
    let history = scanner(&words(&["history", "a.test", "--state", "DIR/s"]));
    assert!(
        history.1.contains("present") && history.1.contains("decision"),
        "{}",
        history.1
    );
}
