//! A zone moves from alpha to beta by the tool alone; then again, with the tool killed twenty times.

use std::{collections::BTreeSet, fs::File, io::BufReader, time::Duration};

use counterpoint_controller::audit::AuditLog;
use counterpoint_dns::{
    name::RecordType,
    rdata::{Ds, Rdata},
};
use counterpoint_scenarios::{audit::judged, scenario::Judge};
use counterpoint_simnet::topology::Stage;
use tokio::sync::mpsc;

use crate::kit::{
    Fate, Office, Town, at_parent, controller_process, keys_of, name, stage, violations, zone,
};

/// Beta alone serves the zone: at the parent, and in its own keys; and no cache was ever harmed.
fn assert_moved(stage: &Stage) {
    let ns: BTreeSet<Rdata> = (["ns1.beta.test.", "ns2.beta.test."].iter())
        .map(|ns| Rdata::name(&name(ns)))
        .collect();
    assert_eq!(at_parent(stage, RecordType::NS), ns);
    let keys = keys_of(stage, "beta");
    assert_eq!(keys.len(), 2, "its own KSK and ZSK");
    let ds = at_parent(stage, RecordType::DS);
    assert_eq!(ds.len(), 1);
    let ds = ds.iter().find_map(Ds::parse).unwrap();
    assert!(keys.iter().any(|key| key.matches(&zone(), &ds)));
    assert_eq!(violations(stage), Vec::<String>::new());
}

/// What the audit log says of it.
fn assert_judged_safe(office: &Office, log: &str) {
    office.write("audit.jsonl", log);
    let file = File::open(office.path("audit.jsonl")).unwrap();
    let log = AuditLog::read(&mut BufReader::new(file)).unwrap().unwrap();
    let zones = judged(&log, &Judge::default().profiles);
    assert_eq!(zones.len(), 1);
    let text = zones[0].to_text(counterpoint_scenarios::outcome::Style::new(false));
    assert!(zones[0].is_safe(), "{text}");
    assert!(zones[0].seen.looks > 100, "{text}");
}

/// Asks for what moves the zone: beta joins, then alpha leaves.
async fn ask_to_move(town: &mut Town, office: &Office) {
    for request in [
        ["zone", "join", "example.test", "beta"],
        ["zone", "leave", "example.test", "alpha"],
    ] {
        let (code, out, err) = town.run(office, &request).await;
        assert_eq!(code, 0, "{out}{err}");
    }
}

#[tokio::test]
async fn a_zone_moves_by_the_tool_alone() {
    let stage = stage();
    let office = Office::new(&stage);
    let mut town = Town::open(stage).await;
    ask_to_move(&mut town, &office).await;
    let (code, out, err) = town.run(&office, &["run"]).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("join beta of example.test.: done"),
        "{out}{err}"
    );
    assert!(
        out.contains("leave alpha of example.test.: done"),
        "{out}{err}"
    );

    let (code, out, _) = town.run(&office, &["run"]).await;
    assert_eq!(
        (code, out.contains("nothing was asked for")),
        (0, true),
        "{out}"
    );
    let (code, out, _) = town.run(&office, &["status"]).await;
    assert_eq!(code, 0);
    assert!(
        out.starts_with("example.test. served by beta\n  at rest"),
        "{out}"
    );
    let (_, log, _) = town.run(&office, &["audit-log", "example.test."]).await;
    assert_judged_safe(&office, &log);
    assert_moved(&town.close().await);
}

/// How many requests to the signers' primaries each life of the tool is granted, and what becomes of the
/// last.
const LIVES: [(usize, Fate); 20] = [
    (1, Fate::Drop),
    (7, Fate::CarryOut),
    (9, Fate::Answer),
    (3, Fate::Drop),
    (4, Fate::CarryOut),
    (5, Fate::Answer),
    (4, Fate::Drop),
    (6, Fate::CarryOut),
    (3, Fate::Answer),
    (5, Fate::Drop),
    (4, Fate::CarryOut),
    (3, Fate::Answer),
    (6, Fate::Drop),
    (4, Fate::CarryOut),
    (5, Fate::Answer),
    (3, Fate::Drop),
    (4, Fate::CarryOut),
    (5, Fate::Answer),
    (4, Fate::Drop),
    (3, Fate::CarryOut),
];

#[tokio::test]
async fn a_zone_moves_although_the_tool_is_killed_twenty_times() {
    let stage = stage();
    let office = Office::new(&stage);
    let mut town = Town::open(stage).await;
    ask_to_move(&mut town, &office).await;
    let words = town.words(&office, &["run"]);
    let mut deaths = BTreeSet::new();
    for (life, (granted, fate)) in LIVES.into_iter().enumerate() {
        let mut process = controller_process(&office, &words);
        let (killed, mut kill) = mpsc::unbounded_channel();
        let story = async {
            let alone = tokio::time::sleep(Duration::from_secs(60));
            tokio::select! {
                _ = kill.recv() => {}
                () = alone => panic!("life {life} asks too little:\n{}", office.read("said")),
            }
            // SIGKILL: nothing of it runs any more.
            process.kill().unwrap();
            process.wait().unwrap()
        };
        let mut asked = 0;
        let ended = town
            .during(story, |_, _| {
                asked += 1;
                match asked < granted {
                    true => Fate::Answer,
                    false => {
                        // Later ones may come before the signal does its work.
                        let _ = killed.send(());
                        fate
                    }
                }
            })
            .await;
        assert!(!ended.success(), "it was killed, and did not end by itself");
        let (_, status, err) = town
            .run(&office, &["process", "show", "example.test"])
            .await;
        assert!(status.contains("of example.test."), "{status}{err}");
        deaths.insert(status.lines().filter(|line| line.starts_with(' ')).count());
    }
    assert!(
        deaths.len() >= 5,
        "the deaths are at different steps: {deaths:?}"
    );
    let (code, out, err) = town.run(&office, &["run"]).await;
    assert_eq!(code, 0, "{out}{err}");
    let (_, log, _) = town.run(&office, &["audit-log", "example.test."]).await;
    assert_judged_safe(&office, &log);
    assert_moved(&town.close().await);
}

#[tokio::test]
async fn a_watch_goes_on_looking_at_a_zone_at_rest() {
    let stage = stage();
    let office = Office::new(&stage);
    let mut town = Town::open(stage).await;
    let words = town.words(&office, &["run", "--watch"]);
    let mut process = controller_process(&office, &words);
    let (enough, mut looked) = mpsc::unbounded_channel();
    let story = async {
        let alone = tokio::time::sleep(Duration::from_secs(60));
        tokio::select! {
            _ = looked.recv() => {}
            () = alone => panic!("it does not look:\n{}", office.read("said")),
        }
        let ended = process.try_wait().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
        ended
    };
    let mut asked = 0;
    let ended = town
        .during(story, |_, is_update| {
            assert!(!is_update, "there is nothing to put back");
            asked += 1;
            if asked == 12 {
                let _ = enough.send(());
            }
            Fate::Answer
        })
        .await;
    assert_eq!(ended, None, "it goes on until it is stopped");
    // Without it there is nothing to do.
    let (code, out, _) = town.run(&office, &["run"]).await;
    assert_eq!((code, out.contains("nothing was asked for")), (0, true));
    town.close().await;
}
