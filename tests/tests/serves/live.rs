//! A join as those see it who listen: asked for over the network, carried out against servers on loopback,
//! told step by step; one that a person must see to, and one that is taken back.

use counterpoint_dns::{driver::clock::Clock, name::RecordType};
use serde_json::json;

use crate::{
    client::Events,
    daemon::{Daemon, equip},
    kit::{Fate, Office, Town, at_parent, stage, violations},
};

/// A world, an operator's files, and a daemon between them.
pub async fn begun(change: impl FnOnce(&Office)) -> (Town, Office, Daemon) {
    let stage = stage();
    let office = equip(Office::new(&stage));
    change(&office);
    let town = Town::open(stage).await;
    let daemon = Daemon::start_with(&office, &town.words(&office, &["serve"]));
    (town, office, daemon)
}

#[tokio::test]
async fn a_join_is_told_step_by_step() {
    let (mut town, office, daemon) = begun(|_| {}).await;
    let operate = daemon.client(&office, "operate");
    let anyone = operate.with(None);
    let story = async {
        let mut events = Events::open(&anyone, None).await;
        let join = json!({ "process": "join", "signer": "beta" });
        let said = operate.post("/zones/example.test/processes", &join).await;
        assert_eq!(said.status, 202, "{said:?}");
        let place = said.field("location").unwrap().to_string();
        let mut steps = Vec::new();
        let mut last;
        loop {
            let (id, kind, data) = events.next().await;
            assert_eq!(kind, "change");
            last = id;
            if data["kind"] == "step" {
                steps.push(data["subject"].as_str().unwrap().to_string());
            }
            if data["kind"] == "wait" && data["subject"] == "join/5" {
                let process = anyone.ask("GET", &place, "", &[]).await.json()[0].clone();
                assert_eq!(process["outcome"], "waiting", "{process}");
                assert!(process["deadline"].as_str().unwrap() > Clock.now().to_string().as_str());
                assert_eq!(process["table"].as_array().unwrap().len(), 9);
                // Whoever was away hears what it missed.
                let behind = Events::open(&anyone, Some(&last)).await;
                drop(std::mem::replace(&mut events, behind));
            }
            if data["kind"] == "done" {
                break;
            }
        }
        let all: Vec<String> = (1..=9).map(|n| format!("join/{n}")).collect();
        assert_eq!(steps, all);
        let process = anyone.ask("GET", &place, "", &[]).await.json()[0].clone();
        assert_eq!(process["outcome"], "done", "{process}");
        let zone = anyone.get("/zones/example.test").await.json();
        assert_eq!(zone["members"], json!(["alpha", "beta"]));
        let log = operate.get("/zones/example.test/log?limit=1000").await;
        assert!(
            log.body.contains("by operate")
                && !anyone
                    .get("/zones/example.test/log")
                    .await
                    .body
                    .contains("by")
        );
        let seen = operate.get("/zones/example.test/observation").await;
        assert_eq!(
            (seen.status, seen.field("counterpoint-fine")),
            (200, Some("true")),
            "{seen:?}"
        );
        let sets = operate
            .get("/zones/example.test/rrsets?type=DNSKEY&signer=beta")
            .await;
        assert_eq!(
            sets.json()[0]["data"].as_array().unwrap().len(),
            3,
            "{sets:?}"
        );
        let admin = daemon.client(&office, "admin");
        let copy = |rtype: &str| json!({ "from": "alpha", "to": "beta", "rtype": rtype });
        let said = admin
            .post("/zones/example.test/rrsets", &copy("DNSKEY"))
            .await;
        assert_eq!(said.status, 409, "{said:?}");
        let said = admin.post("/zones/example.test/rrsets", &copy("TXT")).await;
        assert_eq!(
            (said.status, said.body.contains("has no TXT")),
            (409, true),
            "{said:?}"
        );
        let plan = operate.get("/zones/example.test/plan?leave=alpha").await;
        assert_eq!(plan.json()[0]["process"], "leave", "{plan:?}");
    };
    town.during(story, |_, _| Fate::Answer).await;
    let stage = town.close().await;
    assert_eq!(at_parent(&stage, RecordType::NS).len(), 4);
    assert_eq!(violations(&stage), Vec::<String>::new());
}

#[tokio::test]
async fn what_a_person_must_see_to_has_a_remedy_and_can_be_taken_back() {
    // Beta knows another secret.
    let (mut town, office, daemon) =
        begun(|office| office.secret("beta.secret", &office.read("alpha.secret"))).await;
    let operate = daemon.client(&office, "operate");
    let story = async {
        let mut events = Events::open(&operate, None).await;
        let join = json!({ "process": "join", "signer": "beta" });
        let said = operate.post("/zones/example.test/processes", &join).await;
        assert_eq!(said.status, 202, "{said:?}");
        while events.next().await.2["kind"] != "blocked" {}
        let process = operate.get("/processes?state=blocked").await.json()["items"][0].clone();
        assert!(
            process["reason"].as_str().unwrap().starts_with("by beta"),
            "{process}"
        );
        assert!(!process["remedy"].as_str().unwrap().is_empty(), "{process}");
        let blocked = operate.get("/zones?state=blocked").await.json();
        assert_eq!(blocked["items"][0]["name"], "example.test.");
        let said = operate
            .ask(
                "DELETE",
                "/api/v1/zones/example.test/processes/current",
                "",
                &[],
            )
            .await;
        assert_eq!(said.status, 202, "{said:?}");
        while events.next().await.2["kind"] != "cancel" {}
        // It begins to run back when nothing that it sent is under way any more.
        loop {
            let processes = operate.get("/zones/example.test/processes").await.json();
            if processes[0]["process"] == "cancel-join" {
                break;
            }
            assert_eq!(processes[0]["process"], "join", "{processes}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    town.during(story, |_, _| Fate::Answer).await;
    assert_eq!(violations(&town.close().await), Vec::<String>::new());
}

#[tokio::test]
async fn what_goes_step_by_step_waits_for_who_may_allow_it() {
    let (mut town, office, daemon) = begun(|office| {
        let text = office.read("c.toml");
        let manual = "name = \"example.test.\"\nmode = \"manual\"";
        office.write("c.toml", &text.replace("name = \"example.test.\"", manual));
    })
    .await;
    let operate = daemon.client(&office, "operate");
    let story = async {
        let mut events = Events::open(&operate, None).await;
        let said = operate.post("/zones/example.test/step", &json!(null)).await;
        assert_eq!(said.status, 409, "{said:?}");
        let join = json!({ "process": "join", "signer": "beta" });
        assert_eq!(
            operate
                .post("/zones/example.test/processes", &join)
                .await
                .status,
            202
        );
        let mut allowed = 0;
        while allowed < 2 {
            let (_, _, data) = events.next().await;
            if data["kind"] == "blocked" {
                let said = operate.post("/zones/example.test/step", &json!(null)).await;
                assert_eq!(said.status, 202, "{said:?}");
                allowed += 1;
            }
        }
        // Automatic again, it goes on by itself.
        let admin = daemon.client(&office, "admin");
        let automatic = json!({ "mode": "automatic" }).to_string();
        let said = admin
            .ask("PATCH", "/api/v1/zones/example.test", automatic, &[])
            .await;
        assert_eq!(said.status, 200, "{said:?}");
        while events.next().await.2["kind"] != "done" {}
    };
    town.during(story, |_, _| Fate::Answer).await;
    assert_eq!(violations(&town.close().await), Vec::<String>::new());
}
