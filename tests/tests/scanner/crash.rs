//! kill -9 at any point, then resume: every change exactly once.

use std::{collections::BTreeMap, path::Path};

use counterpoint_dns::name::Name;

use crate::kit::{Fate, Office, Town, ask_for_both, ds_of, name, scanner_process, stage};

const CHILDREN: [&str; 5] = ["a.test.", "b.test.", "c.test.", "d.test.", "e.test."];

/// Kills an apply at its `nth` update, which is made or not, then resumes.
async fn kill_at(nth: usize, is_made: bool) {
    let mut stage = stage(&CHILDREN);
    CHILDREN
        .iter()
        .for_each(|child| ask_for_both(&mut stage, child));
    let office = Office::new(&stage);
    let mut town = Town::open(stage).await;
    let (state, out, plan) = (
        office.path("state"),
        office.path("out"),
        office.path("out/plan.toml"),
    );
    let words = town.words(&office, &["plan", "--state", &state, "--out", &out]);
    let (code, _, err) = town.run(words).await;
    assert_eq!(code, 0, "{err}");

    let words = town.words(&office, &["apply", &plan, "--state", &state]);
    let (killed, kill) = tokio::sync::oneshot::channel();
    let (mut killed, mut updates) = (Some(killed), 0);
    let mut process = scanner_process(&words);
    let story = async {
        kill.await.unwrap();
        // SIGKILL: nothing of it runs any more.
        process.kill().unwrap();
        process.wait().unwrap()
    };
    town.during(story, |_| {
        updates += 1;
        match updates == nth {
            false => Fate::Answer,
            true => {
                killed.take().unwrap().send(()).unwrap();
                if is_made { Fate::CarryOut } else { Fate::Drop }
            }
        }
    })
    .await;
    assert_eq!(town.made.len(), if is_made { nth } else { nth - 1 });

    // Nobody begins something else meanwhile.
    let words = town.words(&office, &["apply", &plan, "--state", &state]);
    let (code, _, err) = town.run(words).await;
    assert_eq!(code, 1);
    assert!(
        err.contains("was interrupted") && err.contains("resume"),
        "{err}"
    );

    let resume = vec!["resume".to_string(), "--state".into(), state.clone()];
    let (code, said, err) = town.run(resume.clone()).await;
    assert_eq!(code, 0, "{err}{said}");
    let mut times: BTreeMap<Name, usize> = BTreeMap::new();
    for child in &town.made {
        *times.entry(child.clone()).or_default() += 1;
    }
    let once = CHILDREN.iter().map(|child| (name(child), 1)).collect();
    assert_eq!(times, once, "killed at {nth}, made {is_made}");
    let (code, _, err) = town.run(resume).await;
    assert_eq!(code, 1);
    assert!(err.contains("nothing was interrupted"), "{err}");
    let stage = town.close().await;
    for child in CHILDREN {
        assert_eq!(ds_of(&stage, child).len(), 2, "{child}");
    }
}

#[tokio::test]
async fn an_apply_that_is_killed_makes_every_change_once() {
    for (nth, is_made) in [(1, false), (1, true), (3, false), (3, true), (5, true)] {
        kill_at(nth, is_made).await;
    }
}

#[tokio::test]
async fn a_plan_that_is_killed_is_the_same_in_the_end() {
    let mut stage = stage(&CHILDREN);
    ask_for_both(&mut stage, "c.test.");
    let office = Office::new(&stage);
    let mut town = Town::open(stage).await;
    let (state, out) = (office.path("state"), office.path("out"));
    let words = town.words(&office, &["plan", "--state", &state, "--out", &out]);
    let mut process = scanner_process(&words);
    let begun = out.clone();
    let story = async {
        while !Path::new(&begun).join("decisions.jsonl").exists() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        process.kill().unwrap();
        process.wait().unwrap()
    };
    town.during(story, |_| Fate::Answer).await;
    assert!(
        !Path::new(&out).join("plan.toml").exists(),
        "it was killed before its end"
    );
    let (code, said, err) = town
        .run(vec!["resume".into(), "--state".into(), state])
        .await;
    assert_eq!(code, 0, "{err}{said}");
    let plan = office.read("out/plan.toml");
    assert_eq!(plan.matches("[[change]]").count(), 1);
    let verdicts = office.read("out/verdicts.csv");
    let mut children: Vec<&str> = verdicts
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next())
        .collect();
    children.sort();
    let count = children.len();
    children.dedup();
    assert_eq!(children.len(), 7);
    assert_eq!(
        count,
        5 * 2 + 2,
        "each child once, the secure ones by both subjects: {verdicts}"
    );
    town.close().await;
}
