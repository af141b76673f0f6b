//! Killed under load, again and again, while zones join and clients write: what was confirmed is there
//! afterwards, what was not was done once or not at all, and no cache is harmed.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    client::Client,
    daemon::{Daemon, equip},
    kit::{Fate, Office, Town, name, stage_of, violations_of},
};

/// What clients know.
#[derive(Default)]
struct Known {
    /// Zones whose join was confirmed.
    joins: BTreeMap<usize, ()>,
    /// Of each zone, what was noted last and confirmed.
    notes: BTreeMap<usize, u64>,
    /// Groups that were declared and confirmed.
    groups: Vec<u64>,
    /// Requests so far, confirmed or not.
    asked: u64,
}

impl Known {
    /// Asks and notes on and on, until nobody answers.
    async fn write(&mut self, admin: &Client, zones: usize) {
        loop {
            self.asked += 1;
            let number = self.asked;
            let zone = number as usize % zones;
            let wanted = (0..zones).find(|zone| !self.joins.contains_key(zone));
            if let Some(zone) = wanted {
                // The same key again, after a kill: it is asked for once.
                let key = format!("join-{zone}");
                let body = json!({ "process": "join", "signer": "beta" }).to_string();
                let path = format!("/api/v1/zones/z{zone}.test/processes");
                let asked = admin
                    .try_ask("POST", &path, body, &[("idempotency-key", &key)])
                    .await;
                let Ok(said) = asked else { return };
                assert_eq!(said.status, 202, "{said:?}");
                self.joins.insert(zone, ());
            }
            if number.is_multiple_of(7) {
                let body = json!({ "meta": { "number": number.to_string() } }).to_string();
                let path = format!("/api/v1/zones/z{zone}.test");
                let Ok(said) = admin.try_ask("PATCH", &path, body, &[]).await else {
                    return;
                };
                assert_eq!(said.status, 200, "{said:?}");
                self.notes.insert(zone, number);
            }
            if number.is_multiple_of(11) {
                let body =
                    json!({ "name": format!("g{number}"), "signers": ["alpha"] }).to_string();
                let Ok(said) = admin.try_ask("POST", "/api/v1/groups", body, &[]).await else {
                    return;
                };
                assert_eq!(said.status, 201, "{said:?}");
                self.groups.push(number);
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Everything that was confirmed is there, once.
    async fn check(&self, admin: &Client) {
        let processes = admin.get("/processes?limit=1000").await.json();
        let all = processes["items"].as_array().unwrap();
        for zone in self.joins.keys() {
            let of_zone = |process: &&Value| process["zone"] == format!("z{zone}.test.").as_str();
            assert_eq!(all.iter().filter(of_zone).count(), 1, "z{zone}");
        }
        for (zone, number) in &self.notes {
            let shown = admin.get(&format!("/zones/z{zone}.test")).await.json();
            let noted: u64 = shown["meta"]["number"].as_str().unwrap().parse().unwrap();
            // What was under way when it was killed may have been done.
            assert!(
                noted >= *number && noted <= self.asked,
                "z{zone}: {noted}, not {number}"
            );
        }
        for number in &self.groups {
            assert_eq!(
                admin.get(&format!("/groups/g{number}")).await.status,
                200,
                "g{number}"
            );
        }
    }
}

async fn survive(zones: usize, kills: u64) {
    let names: Vec<_> = (0..zones).map(|n| name(&format!("z{n}.test."))).collect();
    let stage = stage_of(&names);
    let office = Office::new(&stage);
    let declared = office.read("c.toml");
    let mut declared = declared.replace(
        "[[zone]]\nname = \"example.test.\"\nsigners = [\"alpha\"]\n",
        "",
    );
    for name in &names {
        declared.push_str(&format!(
            "[[zone]]\nname = \"{name}\"\nsigners = [\"alpha\"]\n"
        ));
    }
    office.write("c.toml", &declared);
    let office = equip(office);
    let mut town = Town::open(stage).await;
    let words = town.words(&office, &["serve"]);
    let story = async {
        let mut known = Known::default();
        for kill in 0..kills {
            let daemon = Daemon::start_with(&office, &words);
            let admin = daemon.client(&office, "admin");
            known.check(&admin).await;
            let lives = Duration::from_millis(400 + 137 * kill % 900);
            tokio::select! {
                () = known.write(&admin, zones) => panic!("it died by itself: {}", daemon.log()),
                () = sleep(lives) => daemon.kill(),
            }
        }
        let daemon = Daemon::start_with(&office, &words);
        let admin = daemon.client(&office, "admin");
        known.check(&admin).await;
        for zone in 0..zones {
            let body = json!({ "process": "join", "signer": "beta" }).to_string();
            let path = format!("/api/v1/zones/z{zone}.test/processes");
            let key = format!("join-{zone}");
            let said = admin
                .ask("POST", &path, body, &[("idempotency-key", &key)])
                .await;
            assert_eq!(said.status, 202, "{said:?}");
        }
        loop {
            let status = admin.get("/status").await.json();
            if status["states"]["rest"] == zones {
                break;
            }
            assert_eq!(status["states"]["blocked"], Value::Null, "{status}");
            sleep(Duration::from_millis(200)).await;
        }
        let processes = admin.get("/processes?limit=1000").await.json();
        let all = processes["items"].as_array().unwrap();
        assert_eq!(all.len(), zones, "one join each");
        assert!(all.iter().all(|process| process["outcome"] == "done"));
        println!(
            "{kills} kills, {} requests, {zones} zones joined",
            known.asked
        );
    };
    town.during(story, |_, _| Fate::Answer).await;
    let stage = town.close().await;
    for name in &names {
        assert_eq!(violations_of(&stage, name), Vec::<String>::new(), "{name}");
    }
}

#[tokio::test]
async fn killed_under_load_it_loses_nothing_and_does_nothing_twice() {
    survive(8, 3).await;
}

#[tokio::test]
#[ignore = "minutes: 100 zones, killed twenty times"]
async fn killed_twenty_times_with_a_hundred_zones() {
    survive(100, 20).await;
}
