//! An operator's mistake: half of all children ask for their DS RRset to be removed, each in good order.

use counterpoint_dns::name::RecordType;
use counterpoint_scanner::plan::file;
use counterpoint_simnet::topology::Stage;

use crate::{
    daemon::{Daemon, equip},
    kit::{Office, Town, ds_of, name, stage},
};

/// More than one run may do, and more than the smallest number that counts as a share.
const CHILDREN: usize = 24;

fn ask_to_delete(stage: &mut Stage, child: &str) {
    let alpha = ["alpha".into()];
    let types = [RecordType::CDS, RecordType::CDNSKEY];
    stage.publish_cds(&name(child), &alpha, &alpha, &types, true);
    stage.publish("alpha", &name(child));
}

fn children() -> Vec<String> {
    (0..CHILDREN)
        .map(|number| format!("c{number:02}.test."))
        .collect()
}

/// A world of these, in which every other asks to be insecure.
fn half_ask(names: &[&str]) -> Stage {
    let mut stage = stage(names);
    for child in names.iter().step_by(2) {
        ask_to_delete(&mut stage, child);
    }
    stage
}

#[tokio::test]
async fn when_half_of_the_children_ask_to_be_insecure_the_brakes_hold() {
    let children = children();
    let names: Vec<&str> = children.iter().map(String::as_str).collect();
    let stage = half_ask(&names);
    let office = Office::new(&stage);
    let before: Vec<_> = names.iter().map(|child| ds_of(&stage, child)).collect();
    let mut town = Town::open(stage).await;

    let (state, out) = (office.path("state"), office.path("out"));
    let words = ["plan", "--state", &state, "--out", &out, "--json"];
    let (code, said, err) = town.run(town.words(&office, &words)).await;
    assert_eq!(code, 1, "{err}{said}");
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["kinds"]["ds-delete"], CHILDREN / 2, "each is in order");
    let held: Vec<&str> = said["brakes"]
        .as_array()
        .unwrap()
        .iter()
        .map(brake)
        .collect();
    assert_eq!(held, ["changes", "deletes", "operator"]);

    let plan = office.path("out/plan.toml");
    let read = file::read(&office.read("out/plan.toml")).unwrap();
    assert_eq!(read.changes.len(), CHILDREN / 2);
    let apply = ["apply", &plan, "--state", &state];
    let (code, said, _) = town.run(town.words(&office, &apply)).await;
    assert_eq!(code, 1);
    assert!(
        said.contains("brake deletes: 12 removals of a DS RRset"),
        "{said}"
    );
    // To let one go is not to let all go.
    let one = [
        &apply[..],
        &["--release", "changes", "--release", "operator"],
    ]
    .concat();
    let (code, said, _) = town.run(town.words(&office, &one)).await;
    assert_eq!(code, 1, "{said}");
    assert!(town.made.is_empty(), "nothing is sent");

    let stage = town.close().await;
    let after: Vec<_> = names.iter().map(|child| ds_of(&stage, child)).collect();
    assert_eq!(after, before);
}

fn brake(braked: &serde_json::Value) -> &str {
    braked["brake"].as_str().unwrap()
}

/// The same while it is watched: the brake holds from the first round on, however the children come in.
#[tokio::test]
async fn when_half_of_the_children_ask_while_it_watches_nothing_is_changed() {
    let children = children();
    let names: Vec<&str> = children.iter().map(String::as_str).collect();
    let stage = half_ask(&names);
    let office = Office::new(&stage);
    equip(
        &office,
        &stage,
        "interval = \"1s\"\n[brakes]\ndeletes-max = 0\n",
    );
    let before: Vec<_> = names.iter().map(|child| ds_of(&stage, child)).collect();
    let mut town = Town::open(stage).await;
    let daemon = Daemon::start(&mut town, &office, &["--apply"]).await;
    town.answering(daemon.reaches("brake_held", "deletes", 1))
        .await;
    let all = CHILDREN as u64 + 2;
    town.answering(daemon.reaches("scans_total", "scan", 3 * all))
        .await;
    town.answering(daemon.reaches("planned", "", CHILDREN as u64 / 2))
        .await;
    assert!(town.made.is_empty(), "nothing is sent");
    // The operator takes it back: it leaves the plan by itself, and the brake with it.
    for child in names.iter().step_by(2) {
        let types = [RecordType::CDS, RecordType::CDNSKEY];
        town.stage.withdraw(&name(child), &["alpha".into()], &types);
        town.stage.publish("alpha", &name(child));
    }
    let gone = async {
        while daemon.metric("planned", "").await > 0 || daemon.metric("brake_held", "").await > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    town.answering(gone).await;
    assert_eq!(town.answering(daemon.stop()).await, 0);
    let stage = town.close().await;
    let after: Vec<_> = names.iter().map(|child| ds_of(&stage, child)).collect();
    assert_eq!(after, before);
}
