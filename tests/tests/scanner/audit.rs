//! Audit looks and writes nothing; a sample is the same for the same seed.

use crate::kit::{Office, Town, ask_for_both, ds_of, stage};

const CHILDREN: [&str; 4] = ["one.test.", "quiet.test.", "three.test.", "two.test."];

#[tokio::test]
async fn it_tells_what_would_change_and_writes_nothing() {
    let mut stage = stage(&CHILDREN);
    ask_for_both(&mut stage, "one.test.");
    let office = Office::new(&stage);
    let ds = ds_of(&stage, "one.test.");
    let mut town = Town::open(stage).await;
    // A plan first, so that there is a state to be read.
    let state = office.path("state");
    let out = office.path("out");
    let plan = town.words(&office, &["plan", "--state", &state, "--out", &out]);
    let (code, _, err) = town.run(plan).await;
    assert_eq!(code, 0, "{err}");

    let before = office.everything();
    let audit = town.words(&office, &["audit", "--json", "--state", &state]);
    let (code, out, err) = town.run(audit).await;
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert_eq!(
        office.everything(),
        before,
        "nothing is written, not even beside the state"
    );
    assert!(town.made.is_empty(), "and nothing is changed");

    let said: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        said["children"], 6,
        "the four, and those of alpha's and beta's names"
    );
    let counts = said["counts"].as_array().unwrap();
    let of = |reason: &str| counts.iter().find(|count| count["reason"] == reason);
    let accepted = of("CDS_ACCEPTED").expect("one child asks");
    assert_eq!(
        (&accepted["count"], &accepted["rule"]),
        (&1.into(), &"K-02".into())
    );
    assert_eq!(accepted["examples"][0], "one.test.");
    assert!(of("NOTHING_REQUESTED").is_some());
    for about in ["resolver", "trust anchor", "policy", "input"] {
        assert!(said["about"][about].is_string(), "it says which {about}");
    }
    let stage = town.close().await;
    assert_eq!(ds_of(&stage, "one.test."), ds);
}

#[tokio::test]
async fn a_sample_is_drawn_by_its_seed_and_a_report_is_written_where_it_was_asked_for() {
    let stage = stage(&CHILDREN);
    let office = Office::new(&stage);
    let mut town = Town::open(stage).await;
    let state = office.path("none");
    let mut samples = Vec::new();
    for (seed, report) in [("1", "a"), ("1", "b"), ("2", "c"), ("3", "d"), ("4", "e")] {
        let before = office.everything();
        let report = office.path(report);
        let words = [
            "audit", "--state", &state, "--sample", "2", "--seed", seed, "--report", &report,
        ];
        let (code, out, err) = town.run(town.words(&office, &words)).await;
        assert_eq!(code, 0, "{err}{out}");
        let after = office.everything();
        let added: Vec<_> = after
            .keys()
            .filter(|path| !before.contains_key(*path))
            .collect();
        assert!(
            added.iter().all(|path| path.starts_with(&report)),
            "{added:?}"
        );
        assert!(added.iter().any(|path| path.ends_with("report/index.html")));
        let verdicts = std::fs::read_to_string(format!("{report}/verdicts.csv")).unwrap();
        let children: std::collections::BTreeSet<String> = verdicts
            .lines()
            .skip(1)
            .filter_map(|line| Some(line.split_once(',')?.0.to_string()))
            .collect();
        assert_eq!(children.len(), 2);
        samples.push(children);
    }
    assert_eq!(samples[0], samples[1]);
    assert!(samples[2..].iter().any(|sample| *sample != samples[0]));
    town.close().await;
}

#[tokio::test]
async fn explain_shows_every_rule_and_every_answer() {
    let mut stage = stage(&CHILDREN);
    ask_for_both(&mut stage, "one.test.");
    let office = Office::new(&stage);
    let mut town = Town::open(stage).await;
    let state = office.path("none");
    let words = ["explain", "one.test.", "--json", "--state", &state];
    let (code, out, err) = town.run(town.words(&office, &words)).await;
    assert_eq!(code, 0, "{err}");
    let said: serde_json::Value = serde_json::from_str(&out).unwrap();
    let decision = &said["decision"];
    assert_eq!(decision["servers"].as_array().unwrap().len(), 2);
    for server in decision["servers"].as_array().unwrap() {
        assert_eq!(
            server["answers"]["CDS"].as_array().unwrap().len(),
            3,
            "two, and who signed"
        );
        assert!(server["answers"]["DNSKEY"].is_array());
    }
    let verifications = decision["verdicts"][0]["verifications"].as_array().unwrap();
    let marks: Vec<&str> = verifications
        .iter()
        .map(|step| step["mark"].as_str().unwrap())
        .collect();
    let (last, passed) = marks.split_last().unwrap();
    assert_eq!(*last, "stop", "{verifications:?}");
    assert!(passed.len() > 10 && passed.iter().all(|mark| *mark == "pass"));
    assert_eq!(decision["verdicts"][0]["diff"].as_array().unwrap().len(), 1);
    assert!(!std::path::Path::new(&state).exists());

    let (code, _, err) = town
        .run(town.words(&office, &["explain", "nobody.test.", "--state", &state]))
        .await;
    assert_eq!(code, 2);
    assert!(err.contains("does not delegate nobody.test."), "{err}");
    town.close().await;
}

#[tokio::test]
async fn explain_asks_on_where_a_scan_would_stop() {
    let stage = stage(&["quiet.test."]);
    let office = Office::new(&stage);
    let mut town = Town::open(stage).await;
    let state = office.path("none");
    let words = ["explain", "quiet.test.", "--json", "--state", &state];
    let (code, out, err) = town.run(town.words(&office, &words)).await;
    assert_eq!(code, 0, "{err}");
    let said: serde_json::Value = serde_json::from_str(&out).unwrap();
    let servers = said["decision"]["servers"].as_array().unwrap();
    assert_eq!(servers.len(), 2);
    for server in servers {
        let mut asked: Vec<&str> = Vec::new();
        asked.extend(
            server["answers"]
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str),
        );
        asked.sort_unstable();
        assert_eq!(asked, ["CDNSKEY", "CDS", "CSYNC", "DNSKEY", "SOA"]);
    }
    // It was clear at the first rules; the others are named as not reached.
    for (at, subject, reason) in [(0, "DS", "NOTHING_REQUESTED"), (1, "CSYNC", "CSYNC_ABSENT")] {
        let judged = &said["decision"]["verdicts"][at];
        assert_eq!(
            (&judged["subject"], &judged["reason"]),
            (&subject.into(), &reason.into())
        );
        let steps = judged["verifications"].as_array().unwrap();
        let stopped = steps
            .iter()
            .position(|step| step["mark"] == "stop")
            .unwrap();
        assert_eq!(steps[stopped]["reason"], reason);
        let (before, after) = (&steps[..stopped], &steps[stopped + 1..]);
        assert!(
            before.iter().all(|step| step["mark"] == "pass"),
            "{before:?}"
        );
        assert!(
            after.iter().all(|step| step["mark"] == "not-reached"),
            "{after:?}"
        );
        assert!(after.len() > 5, "{after:?}");
    }

    // For people.
    let words = ["explain", "quiet.test.", "--state", &state];
    let (code, out, err) = town.run(town.words(&office, &words)).await;
    assert_eq!(code, 0, "{err}");
    for shown in [
        "decided      K-01  NOTHING_REQUESTED",
        "pass         X-02  NO_RESPONSE",
        "not reached  ",
        "serial ",
    ] {
        assert!(out.contains(shown), "{shown}: {out}");
    }
    assert_eq!(out.matches("  input  ").count(), 1, "{out}");
    town.close().await;
}

#[tokio::test]
async fn verify_passes_and_fails_as_the_names_say() {
    let stage = stage(&CHILDREN);
    let office = Office::new(&stage);
    let policy = office.read("policy.toml");
    let mut town = Town::open(stage).await;
    let roots = policy.lines().find(|line| line.starts_with("roots"));
    let anchor = policy.lines().find(|line| line.starts_with("trust-anchor"));
    let (roots, anchor) = (roots.unwrap(), anchor.unwrap());
    let strange = "trust-anchor = [\"20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\"]";
    for (from, to, expected, help) in [
        ("good = []", "good = [\"test.\", \"one.test.\"]", 0, ""),
        // alpha's own names are in an insecure zone.
        (
            "good = []",
            "good = [\"alpha.test.\"]",
            1,
            "`self-test.good`",
        ),
        ("bogus = []", "bogus = [\"test.\"]", 1, "`self-test.bogus`"),
        // Nobody is there.
        (roots, "roots = [\"127.66.255.254\"]", 1, "`resolver.roots`"),
        (anchor, strange, 1, "compare the clock"),
    ] {
        let good = match from {
            "good = []" | "bogus = []" => "good = []",
            _ => "good = [\"test.\"]",
        };
        let changed = policy.replace("good = [\"test.\"]", good).replace(from, to);
        assert_ne!(changed, policy);
        office.write("policy.toml", &changed);
        let (code, out, err) = town.run(town.words(&office, &["verify"])).await;
        assert_eq!(code, expected, "{out}{err}");
        assert_eq!(out.contains("FAIL"), expected == 1);
        assert_eq!(out.contains("help: "), expected == 1, "{out}");
        assert!(out.contains(help), "{help}: {out}");
        assert!(out.contains("resolver") && out.contains("trust anchor") && out.contains("clock"));
    }
    let state = office.path("state");
    let words = ["plan", "--state", &state, "--out", &office.path("out")];
    let (code, _, err) = town.run(town.words(&office, &words)).await;
    assert_eq!(code, 1, "a run begins with the self-test");
    assert!(
        err.contains("self-test fails") && !office.0.join("out").exists(),
        "{err}"
    );
    town.close().await;
}
