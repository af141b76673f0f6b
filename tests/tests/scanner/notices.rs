//! Who is told of what: errors by a scan, changes once they are made, and what others changed.

use counterpoint_dns::name::RecordType;
use counterpoint_simnet::topology::{PARENT, Stage};
use serde_json::Value;

use crate::kit::{Office, Town, ask_for_both, name, stage};

const ASKS: &str = "asks.test.";
const BROKEN: &str = "broken.test.";

/// One child asks for what can be done, one for what would break it.
fn town_of_two() -> Stage {
    let mut stage = stage(&[ASKS, BROKEN, "quiet.test."]);
    ask_for_both(&mut stage, ASKS);
    let types = [RecordType::CDS, RecordType::CDNSKEY];
    let (alpha, beta) = (["alpha".into()], ["beta".into()]);
    stage.publish_cds(&name(BROKEN), &alpha, &beta, &types, false);
    stage.publish("alpha", &name(BROKEN));
    stage
}

/// Runs a command that has to succeed.
async fn run(town: &mut Town, office: &Office, command: &[&str]) {
    let state = office.path("state");
    let words = [command, &["--state", &state]].concat();
    let (code, out, err) = town.run(town.words(office, &words)).await;
    assert_eq!(code, 0, "{err}{out}");
    assert!(out.contains("notice"), "{out}");
}

/// Child, rule, audience and reason code of each notice in a file.
fn told(office: &Office, file: &str) -> Vec<[String; 4]> {
    let text = office.read(file);
    let lines = text.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["time"].is_string() && line["what"].is_string());
        let word = |key: &str| line[key].as_str().unwrap_or("-").to_string();
        ["child", "rule", "to", "reason"].map(word)
    });
    lines.collect()
}

fn row(child: &str, rule: &str, to: &str, reason: &str) -> [String; 4] {
    [child, rule, to, reason].map(String::from)
}

#[tokio::test]
async fn errors_are_told_by_a_scan_and_changes_once_they_are_made() {
    let stage = town_of_two();
    let office = Office::new(&stage);
    let registry = "domain,registrar\nasks.test,r1\nbroken.test,r2\n";
    office.write("registry.csv", registry);
    let (registry, out, plan) = (
        office.path("registry.csv"),
        office.path("out"),
        office.path("out/plan.toml"),
    );
    let mut town = Town::open(stage).await;
    let error = row(BROKEN, "D-08", "operator", "CONTINUITY");
    let scan = ["plan", "--out", &out, "--registry", &registry];
    // Twice in a row, then rarely (D-09).
    for expected in [&[error.clone()][..], &[error], &[]] {
        run(&mut town, &office, &scan).await;
        assert_eq!(told(&office, "out/notices.jsonl"), expected);
        if !expected.is_empty() {
            let text = office.read("out/notices.jsonl");
            for part in ["\"registrar\":\"r2\"", "\"rname\":\"", "\"evidence\":[\""] {
                assert!(text.contains(part), "{part}: {text}");
            }
        }
    }
    // A routine rollover: the registrar hears of it, and nobody else.
    run(
        &mut town,
        &office,
        &["apply", &plan, "--registry", &registry],
    )
    .await;
    let notices = "out/plan.toml.notices.jsonl";
    let change = row(ASKS, "D-10", "registrar", "CDS_ACCEPTED");
    assert_eq!(told(&office, notices), [change]);
    let text = office.read(notices);
    assert!(
        text.contains("\"registrar\":\"r1\"") && text.contains("\"diff\":[\"+"),
        "{text}"
    );
    // The same plan once more has the same told.
    run(
        &mut town,
        &office,
        &["apply", &plan, "--registry", &registry],
    )
    .await;
    assert_eq!(office.read(notices), text);
    run(&mut town, &office, &scan).await;
    assert!(told(&office, "out/notices.jsonl").is_empty());
    town.close().await;
}

#[tokio::test]
async fn what_another_channel_changed_is_told_and_so_is_automation_that_begins_again() {
    let stage = town_of_two();
    let office = Office::new(&stage);
    let (out, plan, report) = (
        office.path("out"),
        office.path("out/plan.toml"),
        office.path("audit"),
    );
    let mut town = Town::open(stage).await;
    let scan = ["plan", "--out", &out];
    run(&mut town, &office, &scan).await;
    let mut stage = town.close().await;
    let both = ["alpha".into(), "beta".into()];
    stage.set_ds(&name("quiet.test."), &both, &[2]);
    stage.set_ds(&name(ASKS), &["alpha".into()], &[2, 4]);
    stage.publish(PARENT, &name("test."));

    let mut town = Town::open(stage).await;
    let mut expected = Vec::new();
    for child in [ASKS, "quiet.test."] {
        expected.push(row(child, "D-07", "contacts", "-"));
        expected.push(row(child, "D-10", "registrar", "-"));
    }
    expected.push(row(BROKEN, "D-08", "operator", "CONTINUITY"));
    // An audit says who would be told, and remembers nothing.
    let audit = ["audit", "--report", &report];
    for (command, file) in [
        (&audit[..], "audit/notices.jsonl"),
        (&scan, "out/notices.jsonl"),
    ] {
        run(&mut town, &office, command).await;
        let mut told = told(&office, file);
        told.sort();
        expected.sort();
        assert_eq!(told, expected, "{file}");
    }
    run(&mut town, &office, &scan).await;
    assert!(told(&office, "out/notices.jsonl").is_empty(), "each once");
    // The first change by the child's own request since then.
    run(&mut town, &office, &["apply", &plan]).await;
    let notices = "out/plan.toml.notices.jsonl";
    let begins = [
        row(ASKS, "D-07", "contacts", "CDS_ACCEPTED"),
        row(ASKS, "D-10", "registrar", "CDS_ACCEPTED"),
    ];
    assert_eq!(told(&office, notices), begins);
    run(&mut town, &office, &scan).await;
    assert!(
        told(&office, "out/notices.jsonl").is_empty(),
        "it was our own"
    );
    town.close().await;
}

#[tokio::test]
async fn what_was_planned_and_made_by_another_hand_is_told_by_the_next_scan() {
    let stage = town_of_two();
    let office = Office::new(&stage);
    let out = office.path("out");
    let scan = ["plan", "--out", &out];
    let mut town = Town::open(stage).await;
    run(&mut town, &office, &scan).await;
    let mut stage = town.close().await;
    let both = ["alpha".into(), "beta".into()];
    stage.set_ds(&name(ASKS), &both, &[2]);
    stage.publish(PARENT, &name("test."));
    let mut town = Town::open(stage).await;
    run(&mut town, &office, &scan).await;
    let told = told(&office, "out/notices.jsonl");
    let told: Vec<_> = told.into_iter().filter(|row| row[0] == ASKS).collect();
    // A routine rollover, as the child asked.
    assert_eq!(told, [row(ASKS, "D-10", "registrar", "-")]);
    town.close().await;
}
