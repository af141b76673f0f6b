//! What a person and a program are told after a run, and when a run counts as expected.

use std::time::Duration;

use counterpoint_dns::name::parse_name;
use counterpoint_scenarios::{
    expectations::unmet,
    outcome::{Outcome, Process, ProcessOutcome, Step, Style, Violation},
    scenario::*,
};

/// So many minutes.
fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

/// An unsafe outcome with something of everything.
pub fn eventful() -> Outcome {
    let zone = parse_name("example.test.").unwrap();
    let violation = |quantifier, decides| {
        Violation {
        property: Property::Secure,
        profile: "liberal".into(),
        quantifier,
        zone: zone.clone(),
        from: minutes(65),
        until: Some(minutes(185)),
        witness: "a cache that took DNSKEY {alpha ksk-1 11111, alpha zsk-1 22222} from alpha/ns1 at T+0d00:59:00\n\
                  and www.example.test. A from beta/ns2 at T+0d01:05:00, signed by beta zsk-1 33333 alone"
            .into(),
        proof: None,
        margin: Some(minutes(17 * 60)),
        tail: Some(minutes(5)),
        decides,
    }
    };
    let step = |name: &str, from: u64, until: Option<u64>, slack: Option<u64>| Step {
        title: "what it comes to",
        name: name.into(),
        from: minutes(from),
        until: until.map(minutes),
        slack: slack.map(minutes),
    };
    Outcome {
        scenario: "museum/beta joins.toml".into(),
        virtual_time: minutes(3 * 24 * 60) + Duration::from_millis(250),
        verdict: Verdict::Unsafe,
        violations: vec![
            violation(Quantifier::AnyCache, true),
            Violation {
                property: Property::Reachable,
                profile: "behind-cache".into(),
                until: None,
                margin: None,
                tail: None,
                witness: "every server of the NS RRset from beta/ns1 is lame".into(),
                ..violation(Quantifier::OneResolver, false)
            },
        ],
        processes: vec![
            Process {
                zone: zone.clone(),
                process: "join beta".into(),
                outcome: ProcessOutcome::Done,
                ended: Some(minutes(2_000)),
                steps: vec![
                    step("join/1 prerequisites", 60, Some(61), Some(0)),
                    step("join/5 wait for DS and DNSKEY", 61, Some(140), Some(12)),
                ],
            },
            Process {
                zone: zone.clone(),
                process: "leave alpha".into(),
                outcome: ProcessOutcome::Blocked(
                    "alpha answers and refuses updates; see `interface`".into(),
                ),
                ended: None,
                steps: vec![step("leave/1 take own NS out", 3_000, None, None)],
            },
        ],
        reasons: [("ACCEPT".to_owned(), 2), ("CDS_INCONSISTENT".to_owned(), 7)].into(),
        reached: vec!["fault/dead".into(), "join/1".into(), "join/5".into()],
        delegated_to: [(zone, vec!["alpha".into(), "beta".into()])].into(),
        parent_changed: true,
        outages: vec!["alpha/ns1 was dead from T+0d02:00:00 to T+0d03:00:00".into()],
        warnings: vec!["alpha and beta differ in default-ttl".into()],
        notes: vec![
            "resolver child-centric: 412 answers, 3 SERVFAIL, all inside the unsafe window".into(),
        ],
        event_log: vec!["T+0d01:00:00  controller  join beta".into()],
        ..Outcome::of(&Scenario {
            title: "beta joins alpha".into(),
            seed: 7,
            ..Scenario::default()
        })
    }
}

/// The expectations that are written so.
fn expect(text: &str) -> Expect {
    let base = "[[signer]]\nname = \"alpha\"\n[[signer]]\nname = \"beta\"\n[[zone]]\nname = \"example.test.\"\n\
                signers = [\"alpha\"]\n[[fault]]\nkind = \"dead\"\ntarget = \"alpha\"\n[[fault]]\nkind = \"stale\"\n\
                target = \"alpha\"\n[expect]\n";
    crate::language::scenario(&format!("{base}{text}")).expect
}

/// What is not met, one line each.
fn unmet_lines(text: &str, outcome: &Outcome) -> Vec<String> {
    let unmet = unmet(&expect(text), outcome);
    unmet.iter().map(ToString::to_string).collect()
}

#[test]
fn a_person_reads_the_verdict_first() {
    let mut outcome = eventful();
    outcome.unmet = unmet(
        &expect("verdict = \"safe\"\nsometimes = [\"join/9\"]"),
        &outcome,
    );
    let again = "counterpoint run 'museum/beta joins.toml' --seed 7";
    insta::assert_snapshot!("text_unexpected", outcome.to_text(again, Style::new(false)));
    let quiet = Outcome::of(&Scenario {
        title: "nothing happens".into(),
        ..Scenario::default()
    });
    insta::assert_snapshot!("text_safe", quiet.to_text(again, Style::new(false)));
    let failed = Outcome {
        internal_error: Some("panicked: no such instance".into()),
        ..quiet
    };
    insta::assert_snapshot!("text_failed", failed.to_text(again, Style::new(false)));
    assert!(
        outcome
            .to_text(again, Style::new(true))
            .contains("\x1b[1;31mUNSAFE\x1b[0m")
    );
}

#[test]
fn a_program_reads_one_line() {
    let outcome = eventful();
    let line = outcome.to_json();
    assert!(!line.contains('\n'));
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    insta::assert_snapshot!("json", serde_json::to_string_pretty(&value).unwrap());
    assert!(
        line.starts_with("{\"schema\":1,\"scenario\":"),
        "in the order of the manual"
    );
    let failed = Outcome {
        internal_error: Some("why".into()),
        ..outcome
    };
    let value: serde_json::Value = serde_json::from_str(&failed.to_json()).unwrap();
    assert_eq!(
        (&value["verdict"], &value["error"]),
        (&serde_json::Value::Null, &"why".into())
    );
    assert_eq!(value["as_expected"], false);
}

#[test]
fn the_hash_is_of_the_lines_of_the_log() {
    let hash = eventful().event_log_sha256();
    // printf 'T+0d01:00:00  controller  join beta\n' | sha256sum
    assert_eq!(
        hash,
        "40c2dc117b7c7ec9a413f1348558d585de35605d0fe1decf83e5d0b249929148"
    );
}

#[test]
fn expectations_that_are_met() {
    let outcome = eventful();
    for text in [
        "verdict = \"unsafe\"",
        "violations = [{ property = \"secure\" }]",
        "violations = [{ property = \"secure\", quantifier = \"any-cache\", zone = \"example.test.\", first = \"1h..2h\" }]",
        "violations = [{ property = \"secure\" }, { property = \"reachable\", quantifier = \"one-resolver\" }]",
        "violations = [{ property = \"secure\" }, { property = \"reachable\", quantifier = \"any-cache\" }]",
        "verdict = \"unsafe\"\nsigners = [\"beta\", \"alpha\"]",
        "verdict = \"unsafe\"\nparent = \"changed\"",
        "verdict = \"unsafe\"\nreasons = [\"CDS_INCONSISTENT\"]\nsometimes = [\"join/5\", \"fault/dead\"]",
    ] {
        assert_eq!(unmet_lines(text, &outcome), [""; 0], "{text}");
    }
}

#[test]
fn expectations_that_are_not_met_say_what_was_found() {
    let outcome = eventful();
    let told: Vec<String> = [
        "",
        "verdict = \"safe\"",
        "violations = [{ property = \"secure\", quantifier = \"one-resolver\" }]",
        "violations = [{ property = \"never-insecure\" }]",
        "violations = [{ property = \"secure\", first = \"0s..1h\" }]",
        "verdict = \"unsafe\"\nsigners = [\"beta\"]",
        "verdict = \"unsafe\"\nwithin = \"1d\"",
        "verdict = \"unsafe\"\nparent = \"untouched\"",
        "verdict = \"unsafe\"\nreasons = [\"CONTINUITY\"]",
        "verdict = \"unsafe\"\nsometimes = [\"join/9\", \"fault/stale\"]",
    ]
    .iter()
    .map(|text| format!("{text}\n    {}", unmet_lines(text, &outcome).join("\n    ")))
    .collect();
    insta::assert_snapshot!("unmet", told.join("\n"));
}

#[test]
fn a_violation_that_is_only_reported_need_not_be_listed() {
    let mut outcome = eventful();
    outcome.violations.retain(|violation| !violation.decides);
    outcome.verdict = Verdict::Safe;
    assert_eq!(unmet_lines("violations = []", &outcome), [""; 0]);
    assert_eq!(unmet_lines("", &outcome), [""; 0]);
    outcome.violations[0].decides = true;
    assert_eq!(unmet_lines("violations = []", &outcome).len(), 1);
}
