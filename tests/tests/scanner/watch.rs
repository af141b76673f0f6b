//! The daemon on real sockets: NOTIFY to a scan to a change, and what an operator does to it.

use std::time::Duration;

use counterpoint_dns::{driver::clock::Clock, name::RecordType};

use counterpoint_scanner::plan::text::present;
use counterpoint_simnet::topology::Stage;

use crate::{
    daemon::{Daemon, equip},
    kit::{Office, Town, ask_for_both, ds_of, name, rrset, stage},
};

const CHILDREN: [&str; 4] = ["one.test.", "quiet.test.", "three.test.", "two.test."];
/// Those, and those of alpha's and beta's names.
const ALL: u64 = 6;
/// From the NOTIFY to the scan, and to the change in the zone.
const SOON: Duration = Duration::from_secs(1);

/// Waits until the parent has two DS records for a child.
async fn both_are_there(town: &mut Town, daemon: &Daemon, child: &str) -> Duration {
    let since = Clock.now();
    while ds_of(&town.stage, child).len() < 2 {
        let moment = tokio::time::sleep(Duration::from_millis(10));
        town.answering(moment).await;
        let waited = Clock.now().since(since);
        assert!(waited < Duration::from_secs(20), "{}", daemon.said());
    }
    Clock.now().since(since)
}

/// N-10: who notifies is scanned at once; and without it nobody is, before his time.
#[tokio::test]
async fn n_10_a_notify_leads_to_a_scan_and_a_change_within_a_second() {
    let stage = stage(&CHILDREN);
    let office = Office::new(&stage);
    equip(&office, &stage, "");
    let mut town = Town::open(stage).await;
    let daemon = Daemon::start(&mut town, &office, &["--apply"]).await;
    town.answering(daemon.reaches("scans_total", "scan", ALL))
        .await;
    for (child, by_stream) in [("one.test.", false), ("two.test.", true)] {
        ask_for_both(&mut town.stage, child);
        town.answering(tokio::time::sleep(Duration::from_millis(300)))
            .await;
        assert_eq!(
            ds_of(&town.stage, child).len(),
            1,
            "nobody has said anything yet"
        );
        let scans = town.answering(daemon.metric("scans_total", "notify")).await;
        let since = Clock.now();
        let said = async {
            let acknowledged = match by_stream {
                false => daemon.tell(child, RecordType::CDS).await,
                true => daemon.tell_by_stream(child, RecordType::CSYNC).await,
            };
            assert_eq!(acknowledged, Some(0));
            daemon.reaches("scans_total", "notify", scans + 1).await;
            Clock.now().since(since)
        };
        let scanned = town.answering(said).await;
        let changed = both_are_there(&mut town, &daemon, child).await;
        println!("{child}: scanned {scanned:?} after the NOTIFY, changed {changed:?} later");
        assert!(scanned < SOON, "{scanned:?}");
    }
    assert_eq!(town.made, [name("one.test."), name("two.test.")]);
    let decisions = office.read("watch/decisions.jsonl");
    assert_eq!(
        decisions.matches("\"channel\":\"notify\"").count(),
        2,
        "{decisions}"
    );
    assert_eq!(town.answering(daemon.stop()).await, 0);
}

/// N-13: what a NOTIFY leads to is judged as what a timed scan finds.
#[tokio::test]
async fn n_13_the_verdict_is_that_of_a_timed_scan() {
    let mut verdicts = Vec::new();
    for is_told in [false, true] {
        let stage = stage(&CHILDREN);
        let office = Office::new(&stage);
        let interval = if is_told { "" } else { "interval = \"1s\"\n" };
        equip(&office, &stage, interval);
        let mut town = Town::open(stage).await;
        let daemon = Daemon::start(&mut town, &office, &["--apply"]).await;
        town.answering(daemon.reaches("scans_total", "scan", ALL))
            .await;
        let (alpha, beta) = (["alpha".into()], ["beta".into()]);
        let types = [RecordType::CDS, RecordType::CDNSKEY];
        // The key of somebody who does not serve the zone: nothing would validate.
        town.stage
            .publish_cds(&name("one.test."), &alpha, &beta, &types, false);
        town.stage.publish("alpha", &name("one.test."));
        let before = ds_of(&town.stage, "one.test.");
        let story = async {
            if is_told {
                assert_eq!(daemon.tell("one.test.", RecordType::CDS).await, Some(0));
            }
            daemon.reaches("verdicts_total", "CONTINUITY", 1).await;
            assert_eq!(
                daemon.metric("scans_total", "notify").await,
                u64::from(is_told)
            );
        };
        town.answering(story).await;
        assert_eq!(ds_of(&town.stage, "one.test."), before);
        let lines = office.read("watch/decisions.jsonl");
        let decision = lines
            .lines()
            .find(|line| line.contains("CONTINUITY"))
            .unwrap();
        let decision: serde_json::Value = serde_json::from_str(decision).unwrap();
        assert_eq!(
            decision["channel"],
            ["scan", "notify"][usize::from(is_told)]
        );
        let verdict = &decision["verdicts"][0];
        verdicts.push(["outcome", "rule", "reason"].map(|key| verdict[key].clone()));
    }
    assert_eq!(verdicts[0], verdicts[1]);
}

/// Without `--apply` nothing is changed, and a plan is written that `apply` takes.
#[tokio::test]
async fn a_trial_plans_and_changes_nothing() {
    let mut stage = stage(&CHILDREN);
    ask_for_both(&mut stage, "one.test.");
    let office = Office::new(&stage);
    equip(&office, &stage, "");
    let before = ds_of(&stage, "one.test.");
    let mut town = Town::open(stage).await;
    let daemon = Daemon::start(&mut town, &office, &[]).await;
    town.answering(daemon.reaches("planned", "", 1)).await;
    town.answering(daemon.reaches("scans_total", "scan", ALL))
        .await;
    assert_eq!(town.answering(daemon.stop()).await, 0);
    assert!(town.made.is_empty());
    assert_eq!(ds_of(&town.stage, "one.test."), before);
    let (state, plan) = (office.path("state"), office.path("watch/plan.toml"));
    let words = town.words(&office, &["apply", &plan, "--state", &state]);
    let (code, out, err) = town.run(words).await;
    assert_eq!(code, 0, "{err}{out}");
    assert_eq!(town.made, [name("one.test.")]);
}

/// A brake that fires stops changes and not scans, until the plan that was looked at is released.
#[tokio::test]
async fn a_brake_stops_changes_and_not_scans_until_it_is_released() {
    let mut stage = stage(&CHILDREN);
    let asking = ["one.test.", "three.test.", "two.test."];
    asking
        .iter()
        .for_each(|child| ask_for_both(&mut stage, child));
    let office = Office::new(&stage);
    equip(
        &office,
        &stage,
        "interval = \"1s\"\n[brakes]\nchanges-max = 0\n",
    );
    let mut town = Town::open(stage).await;
    let daemon = Daemon::start(&mut town, &office, &["--apply"]).await;
    town.answering(daemon.reaches("brake_held", "changes", 1))
        .await;
    let scans = town.answering(daemon.metric("scans_total", "scan")).await;
    town.answering(daemon.reaches("scans_total", "scan", scans + 2 * ALL))
        .await;
    assert!(
        town.made.is_empty(),
        "none may be changed, three want to be"
    );
    let plan = office.read("watch/plan.toml");
    assert_eq!(plan.matches("[[change]]").count(), 3);
    assert_eq!(daemon.count("brake"), 1, "told once");

    // Another brake than the one that holds lets nothing go.
    let out = office.path("watch");
    let release = |brake: &str| ["release", "--out", &out, brake].map(String::from).to_vec();
    assert_eq!(town.run(release("kill-file")).await.0, 2, "never released");
    let (code, _, err) = town.run(release("deletes")).await;
    assert_eq!(code, 0, "{err}");
    let refused = async {
        while daemon.count("not-released") == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    town.answering(refused).await;
    assert!(town.made.is_empty());

    let (code, _, err) = town.run(release("changes")).await;
    assert_eq!(code, 0, "{err}");
    town.answering(daemon.reaches("changes_total", "\"applied\"", 3))
        .await;
    assert_eq!(town.made, asking.map(name));
    town.answering(daemon.reaches("scans_total", "scan", scans + 5 * ALL))
        .await;
    assert_eq!(town.made.len(), 3, "once");
    let held = town.answering(daemon.metric("brake_held", "")).await;
    assert_eq!(held, 0, "what was released counts no longer");
    assert_eq!(town.answering(daemon.stop()).await, 0);
}

/// A flood that comes in small rounds is one all the same: the brakes count what was changed lately.
#[tokio::test]
async fn changes_that_come_one_by_one_are_counted_together() {
    let stage = stage(&CHILDREN);
    let office = Office::new(&stage);
    equip(&office, &stage, "[brakes]\nchanges-max = 2\n");
    let mut town = Town::open(stage).await;
    let daemon = Daemon::start(&mut town, &office, &["--apply"]).await;
    town.answering(daemon.reaches("scans_total", "scan", ALL))
        .await;
    for (child, count) in [("one.test.", 1), ("three.test.", 2)] {
        ask_for_both(&mut town.stage, child);
        let told = town.answering(daemon.tell(child, RecordType::CDS)).await;
        assert_eq!(told, Some(0));
        town.answering(daemon.reaches("changes_total", "\"applied\"", count))
            .await;
    }
    ask_for_both(&mut town.stage, "two.test.");
    town.answering(daemon.tell("two.test.", RecordType::CDS))
        .await;
    town.answering(daemon.reaches("brake_held", "changes", 1))
        .await;
    // Killed and started again it has not forgotten.
    daemon.kill();
    let daemon = Daemon::start(&mut town, &office, &["--apply"]).await;
    town.answering(daemon.reaches("brake_held", "changes", 1))
        .await;
    // Another round, and another.
    town.answering(tokio::time::sleep(Duration::from_secs(3)))
        .await;
    assert_eq!(town.made, ["one.test.", "three.test."].map(name));
    assert_eq!(town.answering(daemon.stop()).await, 0);
}

/// SIGHUP: a good policy is taken without a restart, a bad one changes nothing.
#[tokio::test]
async fn a_policy_is_read_again_and_a_bad_one_refused() {
    let mut stage = stage(&CHILDREN);
    ask_for_both(&mut stage, "one.test.");
    let office = Office::new(&stage);
    equip(&office, &stage, "[rollover]\naccept = \"never\"\n");
    let mut town = Town::open(stage).await;
    let daemon = Daemon::start(&mut town, &office, &["--apply"]).await;
    town.answering(daemon.reaches("verdicts_total", "ROLLOVER_REFUSED", 1))
        .await;
    town.answering(daemon.reaches("scans_total", "scan", ALL))
        .await;
    let policy = office.read("policy.toml");
    office.write("policy.toml", &policy.replace("\"never\"", "\"sometimes\""));
    daemon.signal("HUP");
    town.answering(daemon.reaches("reloads_refused_total", "", 1))
        .await;
    let why = daemon.said();
    assert!(
        why.contains("not-reloaded") && why.contains("policy.toml:"),
        "{why}"
    );
    assert_eq!(
        town.answering(daemon.tell("one.test.", RecordType::CDS))
            .await,
        Some(0)
    );
    town.answering(daemon.reaches("verdicts_total", "ROLLOVER_REFUSED", 2))
        .await;

    office.write("policy.toml", &policy.replace("\"never\"", "\"on-sight\""));
    daemon.signal("HUP");
    let reloaded = async {
        while daemon.count("reloaded") == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    town.answering(reloaded).await;
    assert!(town.made.is_empty());
    // A minute has not passed since the last NOTIFY: a shorter interval brings the scan.
    let shorter = office
        .read("policy.toml")
        .replace("[watch]\n", "[watch]\ninterval = \"1s\"\n");
    office.write("policy.toml", &shorter);
    daemon.signal("HUP");
    town.answering(daemon.reaches("changes_total", "\"applied\"", 1))
        .await;
    assert_eq!(town.made, [name("one.test.")]);
    assert_eq!(town.answering(daemon.stop()).await, 0);
}

/// What others publish in the parent's zone is seen when its serial moves: here a removal by hand, after
/// which the CDS that is still there secures nobody (D-17).
#[tokio::test]
async fn d_17_the_parent_is_read_again_when_its_serial_moves() {
    let mut stage = stage(&CHILDREN);
    ask_for_both(&mut stage, "one.test.");
    let office = Office::new(&stage);
    equip(
        &office,
        &stage,
        "[initial]\naccept = \"after-delay\"\nhold-down = \"0s\"\nchecks = 1\n",
    );
    let mut town = Town::open(stage).await;
    let daemon = Daemon::start(&mut town, &office, &["--apply"]).await;
    town.answering(daemon.reaches("changes_total", "\"applied\"", 1))
        .await;
    town.answering(daemon.reaches("rereads_total", "", 1)).await;
    town.stage.set_ds(&name("one.test."), &[], &[]);
    town.stage.publish("parent", &name("test."));
    assert!(ds_of(&town.stage, "one.test.").is_empty());
    let rereads = town.answering(daemon.metric("rereads_total", "")).await;
    town.answering(daemon.reaches("rereads_total", "", rereads + 1))
        .await;
    assert_eq!(
        town.answering(daemon.tell("one.test.", RecordType::CDS))
            .await,
        Some(0)
    );
    town.answering(daemon.reaches("verdicts_total", "SUSPENDED", 1))
        .await;
    assert_eq!(town.made.len(), 1, "and it stays away");
    assert_eq!(town.answering(daemon.stop()).await, 0);
}

/// N-01, N-03, N-04, N-17: what is to be published, in both forms; the wire form is that of RFC 9859 §2.1.
#[test]
fn n_04_dsync_prints_the_records_for_the_parent() {
    let say = |more: &[&str]| {
        let words = ["dsync", "--zone", "example", "--port", "5359"];
        let words = [&words[..], &["--target", "cds-scanner.example.net"], more].concat();
        crate::kit::scanner(&words.into_iter().map(String::from).collect::<Vec<_>>())
    };
    let (code, out, err) = say(&[]);
    assert_eq!(code, 0, "{err}");
    let data = "003b0114ef0b6364732d7363616e6e6572076578616d706c65036e657400";
    let lines: Vec<&str> = out.lines().collect();
    let expected = [
        "*._dsync.example. 3600 IN DSYNC CDS NOTIFY 5359 cds-scanner.example.net.".to_string(),
        format!(
            "; *._dsync.example. 3600 IN TYPE66 \\# {} {data}",
            data.len() / 2
        ),
    ];
    assert_eq!(lines[..2], expected);
    assert!(lines[2].contains(" IN DSYNC CSYNC NOTIFY 5359 "), "{out}");
    assert_eq!(lines.len(), 4, "N-05: one for each type");
    let (code, out, err) = say(&["--child", "a.b.example"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("a.b._dsync.example. "), "{out}");
    for (more, why) in [
        (["--child", "a.other"], "it is not below example."),
        (["--child", "example"], "it is not below example."),
        (["--port", "0"], "0 is not in 1.."),
    ] {
        let (code, _, err) = say(&more);
        assert_eq!(code, 2, "{more:?}");
        assert!(err.contains(why) || more[0] == "--port", "{err}");
    }
}

/// A zone file that comes late still shows what was there before a change: the change is not made again,
/// nobody is told of another channel, and automation is not suspended.
#[tokio::test]
async fn d_07_d_17_a_file_that_lags_behind_is_not_taken_for_another_channel() {
    let mut stage = stage(&CHILDREN);
    ask_for_both(&mut stage, "one.test.");
    let office = Office::new(&stage);
    equip(&office, &stage, "interval = \"1s\"\n");
    let lines = [
        "test.",
        "one.test.",
        "alpha.test.",
        "ns1.alpha.test.",
        "ns2.alpha.test.",
    ]
    .into_iter()
    .flat_map(|owner| lines_of(&stage, owner));
    office.write("test.zone", &lines.collect::<String>());
    let mut town = Town::open(stage).await;
    let file = office.path("test.zone");
    let daemon = Daemon::start(&mut town, &office, &["--apply", "--zone-file", &file]).await;
    town.answering(daemon.reaches("changes_total", "\"applied\"", 1))
        .await;
    town.answering(daemon.reaches("verdicts_total", "STATUS_QUO", 3))
        .await;
    assert_eq!(town.made, [name("one.test.")]);
    assert_eq!(town.answering(daemon.metric("planned", "")).await, 0);
    assert_eq!(town.answering(daemon.metric("changes_total", "")).await, 1);
    assert_eq!(town.answering(daemon.stop()).await, 0);
    let notices = office.read("watch/notices.jsonl");
    assert!(!notices.contains("another channel"), "{notices}");
    assert_eq!(notices.matches("\"registrar\"").count(), 1, "{notices}");
}

/// The records of the parent's zone at a name, as a zone file has them.
fn lines_of(stage: &Stage, owner: &str) -> Vec<String> {
    let types = [
        RecordType::SOA,
        RecordType::NS,
        RecordType::DS,
        RecordType::A,
        RecordType::AAAA,
    ];
    let of = |rtype: RecordType| {
        let all = rrset(stage, owner, rtype).into_iter();
        all.map(move |data| format!("{owner} 3600 IN {rtype} {}\n", present(rtype, &data)))
    };
    types.into_iter().flat_map(of).collect()
}
