//! D-04: the TTL of a DS RRset that was changed returns by the same commands, when its time has come.

use counterpoint_dns::{name::RecordType, time::Timestamp};
use counterpoint_scanner::{plan::file, state::ChildState};
use serde_json::{Value, json};

use crate::kit::{Office, Town, ask_for_both, ds_of, ds_ttl_of, name, stage};

const CHILD: &str = "one.test.";

/// Plans and applies; how many changes there were.
async fn scan(town: &mut Town, office: &Office) -> usize {
    let (state, out) = (office.path("state"), office.path("out"));
    let words = town.words(office, &["plan", "--state", &state, "--out", &out]);
    let (code, out, err) = town.run(words).await;
    assert_eq!(code, 0, "{err}{out}");
    let changes = file::read(&office.read("out/plan.toml")).unwrap().changes;
    let plan = office.path("out/plan.toml");
    let words = town.words(office, &["apply", &plan, "--state", &state]);
    let (code, out, err) = town.run(words).await;
    assert_eq!(code, 0, "{err}{out}");
    changes.len()
}

/// Lets the time of the restoration come: on a copy of the state, which takes its place.
async fn time_passes(town: &mut Town, office: &Office) {
    let (state, copy) = (office.path("state"), office.path("copy"));
    let words = ["state", "export", &copy, "--state", &state];
    assert_eq!(town.run(words.map(String::from).into()).await.0, 0);
    let mut restores = 0;
    let lines = office.read("copy");
    let lines = lines.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        if let Some(text) = line.pointer("/record/value").and_then(Value::as_str)
            && let Ok(mut state) = serde_json::from_str::<ChildState>(text)
            && let Some(restore) = &mut state.restore
        {
            restore.not_before = Timestamp::default();
            restores += 1;
            line["record"]["value"] = json!(serde_json::to_string(&state).unwrap());
        }
        format!("{line}\n")
    });
    let text: String = lines.collect();
    assert_eq!(restores, 1, "{text}");
    office.write("copy", &text);
    for file in std::fs::read_dir(&office.0).unwrap() {
        let path = file.unwrap().path();
        if path.display().to_string().starts_with(&state) {
            std::fs::remove_file(path).unwrap();
        }
    }
    let words = ["state", "import", &copy, "--state", &state];
    let (code, out, err) = town.run(words.map(String::from).into()).await;
    assert_eq!(code, 0, "{err}{out}");
    std::fs::remove_file(&copy).unwrap();
}

#[tokio::test]
async fn the_ttl_of_a_changed_ds_returns_when_its_time_has_come() {
    for withdraws in [false, true] {
        let mut stage = stage(&[CHILD, "quiet.test."]);
        ask_for_both(&mut stage, CHILD);
        let office = Office::new(&stage);
        let policy = office.policy(&stage, "");
        let lowering = policy.replace("ttl-after-change = \"0s\"", "ttl-after-change = \"10m\"");
        assert_ne!(lowering, policy);
        office.write("policy.toml", &lowering);
        assert_eq!(ds_ttl_of(&stage, CHILD), Some(3_600));

        let mut town = Town::open(stage).await;
        assert_eq!(scan(&mut town, &office).await, 1);
        let mut stage = town.close().await;
        assert_eq!(ds_ttl_of(&stage, CHILD), Some(600));
        let ds = ds_of(&stage, CHILD);

        if withdraws {
            let types = [RecordType::CDS, RecordType::CDNSKEY];
            stage.withdraw(&name(CHILD), &["alpha".into()], &types);
            stage.publish("alpha", &name(CHILD));
        }
        let mut town = Town::open(stage).await;
        assert_eq!(scan(&mut town, &office).await, 0, "not before its time");
        time_passes(&mut town, &office).await;
        assert_eq!(scan(&mut town, &office).await, 1, "withdrawn: {withdraws}");
        let text = office.read("out/plan.toml");
        for part in ["rule = \"D-04\"", "seen-ttl = 600", "wanted-ttl = 3600"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(scan(&mut town, &office).await, 0, "once");
        let stage = town.close().await;
        assert_eq!(ds_ttl_of(&stage, CHILD), Some(3_600));
        assert_eq!(ds_of(&stage, CHILD), ds, "the same data");
        assert_eq!(ds_ttl_of(&stage, "quiet.test."), Some(3_600));
    }
}
