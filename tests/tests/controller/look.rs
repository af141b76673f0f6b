//! What the tool says before anything is done: observe, plan, check; and how it goes step by step.

use counterpoint_dns::name::RecordType;
use counterpoint_scenarios::{load::load, run::run, scenario::Verdict};
use serde_json::Value;

use crate::kit::{Office, Town, at_parent, keys_of, stage};

#[tokio::test]
async fn observe_shows_every_instance_and_writes_nothing() {
    let stage = stage();
    let office = Office::new(&stage);
    let mut town = Town::open(stage).await;
    let (code, out, err) = town.run(&office, &["observe", "example.test"]).await;
    assert_eq!(code, 0, "{out}{err}");
    for part in [
        "parent/",
        "alpha/ns1.alpha.test./",
        "alpha/ns2.alpha.test./",
        "DNSKEY",
        "delegation",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert!(!out.contains("beta"), "it does not serve yet: {out}");
    assert_eq!(town.updates, 0);
    town.close().await;
}

#[tokio::test]
async fn who_trusts_another_root_believes_nothing_of_ds() {
    let stage = stage();
    let office = Office::new(&stage);
    let parent = &stage.world.operators[stage.world.operator("parent").unwrap()];
    let at = parent.instances[0].address;
    let declared = office.read("c.toml");
    // The address is declared, so that it is asked at all.
    let placed = declared
        .replacen("zone = ", "ns = [\"ns1.nic.test.\"]\nzone = ", 1)
        .replacen(
            "[[signer]]",
            &format!("[addresses]\n\"ns1.nic.test.\" = [\"{at}\"]\n[[signer]]"),
            1,
        );
    let stranger = format!("trust-anchor = [\"1 15 2 {}\"]", "00".repeat(32));
    let lines = placed
        .lines()
        .map(|line| match line.starts_with("trust-anchor") {
            true => stranger.as_str(),
            false => line,
        });
    let strange = lines.collect::<Vec<&str>>().join("\n");
    let mut town = Town::open(stage).await;
    for (declared, is_believed) in [(placed.as_str(), true), (strange.as_str(), false)] {
        office.write("c.toml", declared);
        let (_, out, err) = town.run(&office, &["observe", "example.test"]).await;
        assert!(out.contains("parent/ns1.nic.test./"), "{out}{err}");
        let is_doubted = out.contains("it cannot be validated: the keys of test.");
        assert_eq!(is_doubted, !is_believed, "{out}{err}");
    }
    assert_eq!(town.updates, 0);
    town.close().await;
}

#[tokio::test]
async fn a_plan_tells_each_step_and_its_time_and_can_be_rehearsed() {
    let stage = stage();
    let office = Office::new(&stage);
    let mut town = Town::open(stage).await;
    let file = office.path("rehearsal.toml");
    let plan = [
        "plan",
        "example.test",
        "--join",
        "beta",
        "--scenario",
        &file,
    ];
    let (code, out, err) = town.run(&office, &plan).await;
    assert_eq!(code, 0, "{out}{err}");
    for part in [
        "join/2",
        "alpha DNSKEY +",
        "the guard finds no cache",
        "join/5             wait",
        "caches may hold an older DS RRset",
        "join/9",
        "  done\n",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let scenario = load(&file, &office.read("rehearsal.toml")).unwrap();
    let outcome = run(&scenario);
    assert_eq!(outcome.verdict, Verdict::Safe, "{:?}", outcome.violations);
    assert!(
        outcome
            .processes
            .iter()
            .all(|process| process.ended.is_some())
    );

    // What was asked for and does not go is said beforehand.
    let (code, out, err) = town
        .run(&office, &["plan", "example.test", "--leave", "beta"])
        .await;
    assert_eq!(code, 1, "{out}");
    assert!(err.contains("beta does not serve example.test."), "{err}");
    let (code, out, _) = town.run(&office, &["plan", "example.test"]).await;
    assert_eq!((code, out.contains("at rest")), (0, true), "{out}");
    assert_eq!(town.updates, 0);

    let join = ["zone", "join", "example.test", "beta"];
    assert_eq!(town.run(&office, &join).await.0, 0);
    let (code, out, err) = town
        .run(
            &office,
            &["plan", "example.test", "--leave", "alpha", "--json"],
        )
        .await;
    assert_eq!(code, 0, "{out}{err}");
    let json: Value = serde_json::from_str(&out).unwrap();
    let processes: Vec<&str> = (json.as_array().unwrap().iter())
        .map(|forecast| forecast["process"].as_str().unwrap())
        .collect();
    assert_eq!(processes, ["join", "leave"]);
    let last = json[1]["steps"].as_array().unwrap().last().unwrap();
    assert!(last["until"].is_string(), "{last}");

    // Nobody knows when a signer acts: what follows counts from then.
    let roll = ["zone", "roll", "example.test", "alpha", "zsk"];
    assert_eq!(town.run(&office, &roll).await.0, 0);
    let (code, out, err) = town.run(&office, &["plan", "example.test", "--json"]).await;
    assert_eq!(code, 0, "{out}{err}");
    let json: Value = serde_json::from_str(&out).unwrap();
    let steps = json[1]["steps"].as_array().unwrap();
    let after = |step: &str| {
        let row = steps.iter().find(|row| row["step"] == step).unwrap();
        (
            row["after"]["step"].as_str(),
            row["after"]["seconds"].as_u64(),
        )
    };
    assert_eq!(after("roll-zsk/2"), (None, None), "{out}");
    let (turn, imported) = after("roll-zsk/3");
    assert_eq!(turn, Some("roll-zsk/2"));
    let (turn, known) = after("roll-zsk/4");
    assert_eq!(turn, Some("roll-zsk/2"));
    assert!(known > imported, "{out}");
    assert_eq!(after("roll-zsk/6").0, Some("roll-zsk/5"));
    assert!(
        steps.iter().skip(1).all(|row| row["until"].is_null()),
        "{out}"
    );
    let (_, text, _) = town.run(&office, &["plan", "example.test"]).await;
    assert!(text.contains(" after roll-zsk/2 "), "{text}");
    town.close().await;
}

#[tokio::test]
async fn a_check_tells_what_a_signer_imports_and_leaves_nothing_behind() {
    let stage = stage();
    let office = Office::new(&stage);
    let before = keys_of(&stage, "beta");
    let mut town = Town::open(stage).await;
    let (code, out, err) = town
        .run(&office, &["signer", "check", "beta", "example.test"])
        .await;
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(out.matches("imports").count(), 7, "{out}");
    assert_eq!(town.updates, 14, "each is written, and taken out again");
    let (code, out, err) = town
        .run(&office, &["signer", "check", "alpha", "example.test"])
        .await;
    assert_eq!(code, 1, "{out}");
    assert!(err.contains("caches would see"), "{err}");
    assert_eq!(town.updates, 14);

    // A secret that does not fit is told for what it is.
    office.secret("beta.secret", "bm90IHRoZSBzZWNyZXQgb2YgYmV0YQ==");
    let (code, out, _) = town
        .run(&office, &["signer", "check", "beta", "example.test"])
        .await;
    assert_eq!(code, 1);
    assert!(out.contains("BADSIG"), "{out}");
    let stage = town.close().await;
    assert_eq!(keys_of(&stage, "beta"), before);
}

#[tokio::test]
async fn a_manual_zone_goes_step_by_step_and_a_join_can_be_cancelled() {
    let stage = stage();
    let office = Office::new(&stage);
    let before = at_parent(&stage, RecordType::DS);
    let mut town = Town::open(stage).await;
    let manual = ["zone", "update", "example.test", "--mode", "manual"];
    assert_eq!(town.run(&office, &manual).await.0, 0);
    let (code, _, err) = town
        .run(&office, &["process", "step", "example.test"])
        .await;
    assert_eq!(code, 1);
    assert!(err.contains("no process is under way"), "{err}");
    let join = ["zone", "join", "example.test", "beta"];
    assert_eq!(town.run(&office, &join).await.0, 0);
    let (code, out, err) = town.run(&office, &["run"]).await;
    assert_eq!(code, 1, "{out}{err}");
    assert!(
        out.contains("blocked: by the operator") && out.contains("alpha DNSKEY +"),
        "{out}"
    );
    assert_eq!(town.updates, 0);

    let (code, out, err) = town
        .run(&office, &["process", "step", "example.test"])
        .await;
    assert_eq!(code, 0, "{out}{err}");
    let (code, out, _) = town.run(&office, &["run"]).await;
    assert_eq!(code, 1);
    assert!(out.contains("CDS"), "{out}");
    assert_eq!(town.updates, 2, "both DNSKEY RRsets, and no more");

    // Automatic again, and back.
    let automatic = ["zone", "update", "example.test", "--mode", "automatic"];
    assert_eq!(town.run(&office, &automatic).await.0, 0);
    let (code, out, err) = town
        .run(&office, &["process", "cancel", "example.test"])
        .await;
    assert_eq!(code, 0, "{out}{err}");
    let (code, out, err) = town.run(&office, &["run"]).await;
    assert_eq!(code, 0, "{out}{err}");
    let stage = town.close().await;
    assert_eq!(at_parent(&stage, RecordType::DS), before);
    assert_eq!(keys_of(&stage, "alpha").len(), 2);
}
