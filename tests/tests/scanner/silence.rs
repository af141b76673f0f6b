//! A server that gives no response: first patience, then the others decide, and the plan is carried out.

use std::time::Duration;

use crate::kit::{Office, Town, ask_for_both, ds_of, stage};

const CHILD: &str = "one.test.";

#[tokio::test]
async fn what_was_planned_without_a_silent_server_is_applied_without_it() {
    let mut stage = stage(&[CHILD]);
    ask_for_both(&mut stage, CHILD);
    let office = Office::new(&stage);
    let policy = office.read("policy.toml");
    office.write(
        "policy.toml",
        &policy.replace("retry = []", "retry = [\"1s\"]"),
    );
    let before = ds_of(&stage, CHILD);
    let refusing = stage.address("alpha/ns2").unwrap();
    let mut town = Town::open(stage).await;
    town.refusing = Some(refusing);
    let (state, out, plan) = (
        office.path("state"),
        office.path("out"),
        office.path("out/plan.toml"),
    );
    let scan = town.words(
        &office,
        &["plan", "--json", "--state", &state, "--out", &out],
    );
    for (reason, changes) in [("SERVER_SILENT", 0), ("CDS_ACCEPTED", 1)] {
        let (code, out, err) = town.run(scan.clone()).await;
        assert_eq!(code, 0, "{err}{out}");
        assert!(out.contains(reason), "{reason}: {out}");
        let said: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(said["changes"], changes, "{out}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let words = town.words(&office, &["apply", &plan, "--state", &state]);
    let (code, out, err) = town.run(words).await;
    assert_eq!(code, 0, "{err}{out}");
    assert_ne!(ds_of(&town.close().await, CHILD), before);
}
