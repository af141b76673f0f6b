//! A plan becomes exactly the changes that it names, or nothing.

use std::fs;

use counterpoint_dns::name::RecordType;
use counterpoint_scanner::plan::file;

use crate::kit::{Fate, Office, Said, Town, ask_for_both, ds_of, name, rrset, stage};

const CHILDREN: [&str; 4] = ["one.test.", "quiet.test.", "three.test.", "two.test."];

/// Plans into `out`; the office has what is needed.
async fn plan(town: &mut Town, office: &Office) -> Said {
    let (state, out) = (office.path("state"), office.path("out"));
    // `plan` is what is done without a command.
    let words = town.words(office, &["--state", &state, "--out", &out, "--json"]);
    town.run(words).await
}

async fn apply(town: &mut Town, office: &Office, more: &[&str]) -> Said {
    let (state, plan) = (office.path("state"), office.path("out/plan.toml"));
    let mut words = vec!["apply", &plan, "--state", &state];
    words.extend(more);
    let words = town.words(office, &words);
    town.run(words).await
}

#[tokio::test]
async fn what_is_planned_is_changed_and_nothing_else() {
    let mut stage = stage(&CHILDREN);
    for child in ["one.test.", "two.test."] {
        ask_for_both(&mut stage, child);
    }
    let office = Office::new(&stage);
    let ns: Vec<_> = CHILDREN
        .map(|child| rrset(&stage, child, RecordType::NS))
        .into();
    let others = ["quiet.test.", "three.test."].map(|child| ds_of(&stage, child));
    let mut town = Town::open(stage).await;
    let (code, out, err) = plan(&mut town, &office).await;
    assert_eq!(code, 0, "{err}{out}");
    let read = file::read(&office.read("out/plan.toml")).unwrap();
    let planned: Vec<String> = read.changes.keys().map(|child| child.to_string()).collect();
    assert_eq!(planned, ["one.test.", "two.test."]);
    let script = office.read("out/changes.nsupdate");
    assert_eq!(script.matches("\nsend\n").count(), 2, "{script}");
    assert!(
        script.contains("prereq yxrrset one.test. IN DS "),
        "{script}"
    );
    assert_eq!(office.read("out/dsset/dsset-two.test.").lines().count(), 2);
    assert_eq!(
        office
            .read("out/changes.diff")
            .lines()
            .filter(|line| line.starts_with('+'))
            .count(),
        2
    );
    let decisions = office.read("out/decisions.jsonl");
    assert_eq!(
        decisions
            .lines()
            .filter(|line| line.contains("CDS_ACCEPTED"))
            .count(),
        2
    );
    for field in [
        "time",
        "trigger",
        "channel",
        "servers",
        "verifications",
        "outcome",
        "diff",
    ] {
        assert!(
            decisions.contains(&format!("\"{field}\":")),
            "RFC 10026 §5.2: {field}"
        );
    }
    assert!(town.made.is_empty(), "a plan changes nothing");

    let (code, out, err) = apply(&mut town, &office, &[]).await;
    assert_eq!(code, 0, "{err}{out}");
    assert_eq!(town.made, [name("one.test."), name("two.test.")]);
    let rollback = office.read("out/plan.toml.rollback.nsupdate");
    assert!(
        rollback.contains("update delete one.test. IN DS"),
        "{rollback}"
    );

    // Again: everything is there, and nothing is sent.
    let (code, out, err) = apply(&mut town, &office, &[]).await;
    assert_eq!(code, 0, "{err}{out}");
    assert!(out.contains("ALREADY_APPLIED"), "{out}");
    assert_eq!(town.made.len(), 2);
    let (code, out, _) = town
        .run(vec![
            "history".into(),
            "one.test".into(),
            "--state".into(),
            office.path("state"),
        ])
        .await;
    assert_eq!(code, 0);
    for kind in [" decision ", " sending ", " applied "] {
        assert_eq!(out.matches(kind).count().min(1), 1, "{kind}: {out}");
    }

    let stage = town.close().await;
    for child in ["one.test.", "two.test."] {
        let planned = &read.changes[&name(child)].change;
        let wanted = planned.wanted(&name(child), RecordType::DS).unwrap();
        assert_eq!(ds_of(&stage, child), Vec::from_iter(wanted.data.clone()));
    }
    assert_eq!(
        ["quiet.test.", "three.test."].map(|child| ds_of(&stage, child)),
        others
    );
    let now: Vec<_> = CHILDREN
        .map(|child| rrset(&stage, child, RecordType::NS))
        .into();
    assert_eq!(now, ns);
}

#[tokio::test]
async fn an_expired_and_an_edited_plan_are_refused() {
    let mut stage = stage(&["one.test."]);
    ask_for_both(&mut stage, "one.test.");
    let office = Office::new(&stage);
    let mut town = Town::open(stage).await;
    let (code, _, err) = plan(&mut town, &office).await;
    assert_eq!(code, 0, "{err}");
    let text = office.read("out/plan.toml");

    let edited = text.replacen("CDS_ACCEPTED", "CDS_EXPECTED", 1);
    assert_ne!(edited, text);
    office.write("out/plan.toml", &edited);
    let (code, _, err) = apply(&mut town, &office, &[]).await;
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("it was edited"), "{err}");

    let mut read = file::read(&text).unwrap();
    read.expires = read.created;
    office.write("out/plan.toml", &file::write(&read));
    let (code, _, err) = apply(&mut town, &office, &[]).await;
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("expired"), "{err}");

    office.write("out/plan.toml", "no plan");
    assert_eq!(apply(&mut town, &office, &[]).await.0, 2);
    assert!(town.made.is_empty());
    town.close().await;
}

#[tokio::test]
async fn a_precondition_that_changed_stops_its_change() {
    for what in ["child", "parent"] {
        let mut stage = stage(&["one.test.", "two.test."]);
        ask_for_both(&mut stage, "one.test.");
        ask_for_both(&mut stage, "two.test.");
        let office = Office::new(&stage);
        let mut town = Town::open(stage).await;
        let (code, _, err) = plan(&mut town, &office).await;
        assert_eq!(code, 0, "{err}");
        let mut stage = town.close().await;
        match what {
            "child" => {
                let types = [RecordType::CDS, RecordType::CDNSKEY];
                stage.withdraw(&name("one.test."), &["alpha".into()], &types);
                stage.publish("alpha", &name("one.test."));
            }
            _ => {
                stage.set_ds(&name("one.test."), &["alpha".into()], &[2, 4]);
                stage.publish("parent", &name("test."));
            }
        }
        let before = ds_of(&stage, "one.test.");
        let mut town = Town::open(stage).await;
        let (code, out, err) = apply(&mut town, &office, &[]).await;
        assert_eq!(code, 1, "{what}: {err}{out}");
        assert!(
            out.contains("refused        one.test. PRECONDITION_CHANGED"),
            "{what}: {out}"
        );
        assert_eq!(
            town.made,
            [name("two.test.")],
            "{what}: the other one is made"
        );
        let stage = town.close().await;
        assert_eq!(ds_of(&stage, "one.test."), before, "{what}");
    }
}

#[tokio::test]
async fn brakes_hold_until_they_are_released() {
    let mut stage = stage(&["one.test.", "two.test."]);
    ask_for_both(&mut stage, "one.test.");
    ask_for_both(&mut stage, "two.test.");
    let office = Office::new(&stage);
    let kill_file = office.path("stop");
    let brakes = format!("[brakes]\nchanges-max = 1\nkill-file = \"{kill_file}\"\n");
    office.write("policy.toml", &office.policy(&stage, &brakes));
    let mut town = Town::open(stage).await;
    let (code, out, err) = plan(&mut town, &office).await;
    assert_eq!(code, 1, "{err}");
    let said: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(said["brakes"][0]["brake"], "changes");
    let (code, out, _) = apply(&mut town, &office, &[]).await;
    assert_eq!(code, 1);
    assert!(
        out.contains("brake changes: 2 changes; allowed are 1"),
        "{out}"
    );
    assert!(out.contains("help: ") && town.made.is_empty(), "{out}");

    fs::write(&kill_file, "").unwrap();
    let (code, out, _) = apply(&mut town, &office, &["--release", "changes"]).await;
    assert_eq!(code, 1);
    assert!(
        out.contains("brake kill-file") && town.made.is_empty(),
        "{out}"
    );
    fs::remove_file(&kill_file).unwrap();
    let (code, _, err) = apply(&mut town, &office, &["--release", "kill-file"]).await;
    assert_eq!(code, 2, "that is never released");
    assert!(err.contains("never released"), "{err}");

    let (code, out, err) = apply(&mut town, &office, &["--release", "changes"]).await;
    assert_eq!(code, 0, "{err}{out}");
    assert_eq!(town.made.len(), 2);
    town.close().await;
}

#[tokio::test]
async fn it_stops_after_the_first_failures() {
    let children = ["a.test.", "b.test.", "c.test.", "d.test."];
    let mut stage = stage(&children);
    for child in children {
        ask_for_both(&mut stage, child);
    }
    let office = Office::new(&stage);
    let brakes = "[brakes]\nfailures-max = 2\n";
    office.write("policy.toml", &office.policy(&stage, brakes));
    let mut town = Town::open(stage).await;
    let (code, _, err) = plan(&mut town, &office).await;
    assert_eq!(code, 0, "{err}");
    let (state, plan) = (office.path("state"), office.path("out/plan.toml"));
    let words = town.words(&office, &["apply", &plan, "--state", &state]);
    let story = async {
        tokio::task::spawn_blocking(move || crate::kit::scanner(&words))
            .await
            .unwrap()
    };
    let mut updates = 0;
    let (code, out, _) = town
        .during(story, |_| {
            updates += 1;
            Fate::Drop
        })
        .await;
    assert_eq!(code, 1);
    assert_eq!(updates, 2, "{out}");
    assert_eq!(out.matches("PRIMARY_SILENT").count(), 2, "{out}");
    assert_eq!(out.matches("STOPPED").count(), 2, "{out}");
    town.close().await;
}
