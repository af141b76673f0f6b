//! Every form is what its readers expect: JUnit by its schema, the trace by its rules, zones by a verifier.

use std::{collections::BTreeSet, fs};

use counterpoint_farm::software::is_able;
use counterpoint_reports::{junit, lanes, mermaid, svg, trace};
use counterpoint_tests::{command::counterpoint, dnsviz::dnsviz};
use serde_json::Value;

use crate::kit::{content, file, folder, played, scenario};

#[test]
fn junit_follows_the_schema() {
    let place = tempfile::tempdir().unwrap();
    let (xml, xsd) = (
        place.path().join("junit.xml"),
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reports/junit.xsd"),
    );
    let files = ["library/join", "library/leave"].map(|name| file(name).display().to_string());
    let bad = [
        "run",
        &files[0],
        &files[1],
        "--set",
        "expect.verdict=unsafe",
        "--format",
        "junit",
    ];
    let (code, text, _) = counterpoint(&bad);
    assert_eq!(code, 1);
    assert!(
        text.contains("tests=\"2\" failures=\"2\" errors=\"0\""),
        "{text}"
    );
    let failed = junit::Result::Failed("panicked: <&>\u{1}".into(), "]]>".into());
    let case = junit::Case {
        name: "run 1".into(),
        file: None,
        result: failed,
    };
    if !is_able(&["xmllint"]) {
        return;
    }
    for text in [
        text,
        junit::junit("counterpoint explore", &[case]),
        junit::junit("none", &[]),
    ] {
        fs::write(&xml, text).unwrap();
        content(
            "xmllint",
            &["--noout", "--schema", xsd, &xml.display().to_string()],
        );
    }
    let picture = svg::svg(&played(&scenario("library/migration")));
    fs::write(&xml, picture).unwrap();
    content("xmllint", &["--noout", &xml.display().to_string()]);
}

#[test]
fn github_gets_one_annotation_for_each_that_fails() {
    let file = file("library/join").display().to_string();
    let (code, text, _) = counterpoint(&[
        "run",
        &file,
        "--set",
        "expect.verdict=unsafe",
        "--format",
        "github",
    ]);
    assert_eq!(code, 1);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    let expected =
        format!("::error file={file},title={file}%3A verdict%3A expected unsafe%2C found safe::");
    assert!(lines[0].starts_with(&expected), "{text}");
    let (code, text, _) = counterpoint(&["run", &file, "--format", "github"]);
    assert_eq!((code, text.lines().count()), (0, 1), "{text}");
}

#[test]
fn explore_tells_ci_of_every_run() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("campaign").display().to_string();
    let explore = |format: &str| {
        let words = [
            "explore", "--runs", "3", "--jobs", "1", "--out", &out, "--format", format,
        ];
        let (code, text, err) = counterpoint(&words);
        assert_eq!((code, err.as_str()), (0, ""), "{text}");
        text
    };
    assert!(explore("junit").contains("tests=\"3\" failures=\"0\" errors=\"0\""));
    // The second time they are all there already, and are told all the same.
    let rows = explore("json");
    let runs: Vec<u64> = rows
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["run"]
                .as_u64()
                .unwrap()
        })
        .collect();
    assert_eq!(runs, [0, 1, 2]);
    assert_eq!(explore("github"), "");
}

/// The rules of the Trace Event Format for complete events, instants and metadata.
#[test]
fn a_trace_follows_its_rules() {
    for name in [
        "library/cut-ds-wait",
        "library/leave-dead",
        "library/glue-follows",
    ] {
        let run = played(&scenario(name));
        let trace: Value = serde_json::from_str(&trace::trace(&run)).unwrap();
        let events = trace["traceEvents"].as_array().unwrap();
        let (mut processes, mut threads, mut used) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for event in events {
            let number = |key: &str| {
                event[key]
                    .as_u64()
                    .unwrap_or_else(|| panic!("{name}: {key} of {event}"))
            };
            let at = (number("pid"), number("tid"));
            assert!(event["name"].is_string());
            match event["ph"].as_str().unwrap() {
                "M" if event["name"] == "process_name" => assert!(processes.insert(at.0)),
                "M" => assert!(threads.insert(at) && event["args"]["name"].is_string()),
                "X" => {
                    let _ = (number("ts"), number("dur"));
                    used.insert(at);
                }
                "i" => {
                    let _ = number("ts");
                    assert_eq!(event["s"], "g");
                    used.insert(at);
                }
                other => panic!("{name}: phase {other}"),
            }
        }
        assert!(used.is_subset(&threads) && used.iter().all(|(pid, _)| processes.contains(pid)));
        // Slices of one thread follow one another.
        for thread in &threads {
            let own = events.iter().filter(|event| {
                event["ph"] == "X"
                    && (event["pid"].as_u64(), event["tid"].as_u64())
                        == (Some(thread.0), Some(thread.1))
            });
            let ends: Vec<(u64, u64)> = own
                .map(|event| {
                    (
                        event["ts"].as_u64().unwrap(),
                        event["dur"].as_u64().unwrap(),
                    )
                })
                .collect();
            assert!(
                ends.windows(2).all(|pair| pair[0].0 <= pair[1].0),
                "{name}: {ends:?}"
            );
        }
        let ends = events.iter().filter(|event| event["ph"] == "X");
        let last = ends.map(|event| event["ts"].as_u64().unwrap() + event["dur"].as_u64().unwrap());
        assert!(last.max().unwrap() <= run.end.micros() as u64, "{name}");
    }
}

#[test]
fn a_chart_for_mermaid_is_a_gantt_chart() {
    let run = played(&scenario("library/cut-ds-wait"));
    let chart = mermaid::mermaid(&run);
    let mut lines = chart.lines();
    assert_eq!(lines.next(), Some("gantt"));
    let tasks: Vec<&str> = lines.filter(|line| line.contains(" :")).collect();
    assert!(
        tasks.len() > 10 && tasks.iter().any(|task| task.contains(":crit")),
        "{chart}"
    );
    for task in tasks {
        let (_, fields) = task.split_once(" :").unwrap();
        let fields: Vec<&str> = fields.split(", ").collect();
        let [.., from, until] = fields.as_slice() else {
            panic!("{task}")
        };
        assert!(
            from.parse::<i64>().unwrap() < until.parse::<i64>().unwrap(),
            "{task}"
        );
    }
}

#[test]
fn a_terminal_gets_lanes_that_fit() {
    let run = played(&scenario("library/cut-ds-wait"));
    for columns in [60, 80, 200] {
        let text = lanes::lanes(&run, columns, false);
        assert!(
            text.lines().all(|line| line.chars().count() <= columns),
            "{columns}: {text}"
        );
        assert!(!text.contains('\x1b') && text.contains('!') && text.contains('▒'));
    }
    assert!(lanes::lanes(&run, 80, true).contains("\x1b[0;1;31m!"));
    assert_eq!(lanes::lanes(&run, 20, false), "");
    insta::assert_snapshot!("lanes", lanes::lanes(&run, 80, false));
}

/// What a server had at an instant passes a verifier that thinks it is then, and not one of a month later.
#[test]
fn zones_verify_at_their_time() {
    if !is_able(&["ldns-verify-zone"]) {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let (run, zone) = (place.path().join("run"), place.path().join("zone"));
    folder("library/migration", &run);
    let (run, zone) = (run.display().to_string(), zone.display().to_string());
    for (server, at, time) in [
        ("alpha/ns1", "30m", "20260101003000"),
        ("beta/ns2", "2h 30m", "20260101023000"),
        ("parent/1", "2h 30m", "20260101023000"),
        ("beta/ns1", "10h", "20260101100000"),
    ] {
        let words = ["render", &run, "--zone", server, "--at", at, "-o", &zone];
        assert_eq!(
            counterpoint(&words),
            (0, String::new(), String::new()),
            "{server} at {at}"
        );
        let said = content("ldns-verify-zone", &["-t", time, &zone]);
        assert!(
            said.contains("Zone is verified and complete"),
            "{server} at {at}: {said}"
        );
        let late = std::process::Command::new("ldns-verify-zone")
            .args(["-t", "20270101000000", &zone])
            .output();
        assert!(
            !late.unwrap().status.success(),
            "{server} at {at}: signatures last for ever"
        );
    }
    let (code, _, err) = counterpoint(&["render", &run, "--zone", "gamma/ns1"]);
    assert!(code == 2 && err.contains("alpha/ns1"), "{err}");
    let (code, _, err) = counterpoint(&["render", &run, "--zone", "alpha/ns1", "--at", "10h"]);
    assert!(
        code == 2 && err.contains("does not serve such a zone"),
        "{err}"
    );
}

/// DNSViz reads the export as its own probe: it finds what there is to be found at that instant.
#[test]
fn dnsviz_takes_the_export_for_a_probe() {
    if !is_able(&["dnsviz"]) {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("run");
    folder("library/section-4-zsk-not-exchanged", &run);
    let (run, path) = (run.display().to_string(), |name: &str| {
        place.path().join(name).display().to_string()
    });
    let render = |words: &[&str], out: &str| {
        let out = path(out);
        let words = [&["render", &run][..], words, &["-o", &out]].concat();
        assert_eq!(counterpoint(&words), (0, String::new(), String::new()));
    };
    render(&["--zone", "root/1", "--at", "1h"], "root.zone");
    let root = fs::read_to_string(path("root.zone")).unwrap();
    let is_key = |line: &&str| {
        line.starts_with(". ") && line.contains(" DNSKEY ") && !line.contains("RRSIG")
    };
    let keys: Vec<&str> = root.lines().filter(is_key).collect();
    fs::write(path("root.keys"), keys.join("\n") + "\n").unwrap();
    let look = |at: &str| {
        render(&["--dnsviz", "--at", at], "probe.json");
        let grok = ["grok", "-l", "info", "-t", "root.keys", "-r", "probe.json"];
        let said = dnsviz(place.path(), &grok).stdout;
        let graph = [
            "graph",
            "-T",
            "dot",
            "-t",
            "root.keys",
            "-r",
            "probe.json",
            "-o",
            "graph.dot",
        ];
        dnsviz(place.path(), &graph);
        let graph = fs::read_to_string(path("graph.dot")).unwrap();
        assert!(
            graph.starts_with("digraph") || graph.starts_with("strict digraph"),
            "{graph}"
        );
        String::from_utf8(said).unwrap()
    };
    let before = look("9h");
    assert!(before.contains("\"status\": \"SECURE\""), "{before}");
    let after = look("11h");
    // Each carries its own ZSK alone: DNSViz sees that they do not say the same.
    assert!(
        !before.contains("MISSING_FROM_SERVERS") && after.contains("DNSKEY_MISSING_FROM_SERVERS"),
        "{after}"
    );
    for said in [before, after] {
        assert!(
            !said.contains("INVALID") && !said.contains("TIMEOUT"),
            "{said}"
        );
    }
}

#[test]
fn man_pages_and_completions_know_every_command() {
    let (code, man, _) = counterpoint(&["man"]);
    assert_eq!(code, 0);
    for command in [
        "run", "check", "explain", "render", "diff", "explore", "serve", "judge",
    ] {
        assert!(
            man.contains(&format!(".TH counterpoint-{command} ")),
            "{command}"
        );
        for shell in ["bash", "zsh", "fish"] {
            let (_, text, _) = counterpoint(&["completions", shell]);
            assert!(text.contains(command), "{command} in {shell}");
        }
    }
}
