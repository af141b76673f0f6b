//! What the controller saw is enough to judge by: of its audit log the oracle says what it says of the
//! world's own history.

use std::collections::BTreeSet;

use counterpoint_controller::audit::{AuditLog, Line};
use counterpoint_scenarios::{
    audit::{Judged, judged},
    run::{direction::Direction, play::play_under, verdict},
    scenario::{Scenario, Verdict},
};
use counterpoint_tests::command::counterpoint;

use crate::{library, read};

/// Defects that consist in not looking, or in doing nothing while signatures expire, and a server that
/// stops when nobody looks at it any more: what happens there, the log cannot show.
const UNSEEN: [&str; 7] = [
    "common-ksk-holder-out",
    "common-ksk-no-renewal",
    "dead-leaver-not-probed",
    "first-instance-is-enough",
    "ignore-outstanding-signal",
    "no-recheck-at-deadline",
    "serve-only-stops-too-early",
];

/// The world's verdict, and what the audit log leads to.
fn judged_twice(scenario: &Scenario) -> (Verdict, Vec<Judged>) {
    let direction = Direction {
        is_audited: true,
        ..Direction::default()
    };
    let played = play_under(scenario, direction);
    let lines = played.audit.iter().map(Line::to_json);
    let text: String = lines.map(|line| line + "\n").collect();
    let log = AuditLog::read(&mut text.as_bytes()).unwrap().unwrap();
    let zones = judged(&log, &scenario.judge.profiles);
    (verdict::outcome(scenario, played).verdict, zones)
}

#[test]
fn the_audit_log_leads_to_the_verdict_of_the_world() {
    let (mut safe, mut not) = (BTreeSet::new(), BTreeSet::new());
    let mut odd = Vec::new();
    for path in library() {
        let scenario = read(&path);
        let name = path.file_stem().unwrap().to_str().unwrap();
        if !scenario.controller.enabled {
            continue;
        }
        let (verdict, zones) = judged_twice(&scenario);
        assert!(!zones.is_empty(), "{name}: nothing was observed");
        let is_safe = zones.iter().all(Judged::is_safe);
        let expected = verdict == Verdict::Safe || UNSEEN.contains(&name);
        if is_safe != expected {
            odd.push(format!(
                "{name}: by its log {}",
                if is_safe { "safe" } else { "unsafe" }
            ));
        }
        match verdict {
            Verdict::Safe => safe.insert(name.to_string()),
            Verdict::Unsafe => not.insert(name.to_string()),
        };
    }
    assert!(odd.is_empty(), "{odd:#?}");
    assert!(safe.contains("migration") && safe.len() >= 30, "{safe:?}");
    for file in [
        "cut-dnskey-wait",
        "cut-ds-wait",
        "cut-ns-wait",
        "cut-data-wait",
    ] {
        assert!(not.contains(file), "{not:?}");
    }
}

#[test]
fn a_verdict_names_profile_and_witness_and_says_what_nobody_saw() {
    let find = |name: &str| {
        library()
            .into_iter()
            .find(|path| path.ends_with(name))
            .unwrap()
    };
    let (_, zones) = judged_twice(&read(&find("cut-ds-wait.toml")));
    let text = zones[0].to_text(counterpoint_scenarios::outcome::Style::new(false));
    assert!(text.contains("UNSAFE  by"), "{text}");
    assert!(
        text.contains("is not `secure` for liberal, strict-ds, any-cache"),
        "{text}"
    );
    assert!(
        text.contains("it fetched the DS RRset from parent/"),
        "{text}"
    );
    assert_eq!(zones[0].to_json()["verdict"], "unsafe");

    let (_, zones) = judged_twice(&read(&find("leave-dead.toml")));
    let text = zones[0].to_text(counterpoint_scenarios::outcome::Style::new(false));
    assert!(text.contains("not observed: beta/ns1.beta.test."), "{text}");
    assert!(text.contains("(no answer)"), "{text}");
}

#[test]
fn a_log_that_is_not_whole_is_refused_with_its_line() {
    let find = |name: &str| {
        library()
            .into_iter()
            .find(|path| path.ends_with(name))
            .unwrap()
    };
    let direction = Direction {
        is_audited: true,
        ..Direction::default()
    };
    let played = play_under(&read(&find("join.toml")), direction);
    let lines: Vec<String> = played.audit.iter().map(Line::to_json).collect();
    let read = |text: String| AuditLog::read(&mut text.as_bytes()).unwrap();
    let whole = lines.join("\n");
    assert!(read(format!("{whole}\n")).is_ok());
    let error = read(whole).unwrap_err();
    assert_eq!(
        (error.line, error.why.contains("cut off")),
        (lines.len() as u64, true)
    );
    // Without its beginning, what was "as before" is unknown.
    let observed = |line: &&String| line.contains("\"kind\":\"observed\"");
    let later: Vec<&String> = lines.iter().filter(observed).skip(1).collect();
    let error = read(format!("{}\n", later[0])).unwrap_err();
    assert!(error.why.contains("seen nowhere before"), "{error}");
    assert_eq!(read("{}\n".into()).unwrap_err().line, 1);
}

#[test]
fn the_command_exits_by_the_verdict() {
    let file = std::env::temp_dir().join(format!("counterpoint-audit-{}", std::process::id()));
    let path = file.display().to_string();
    for (name, expected, word) in [("join.toml", 0, "SAFE"), ("cut-ds-wait.toml", 1, "UNSAFE")] {
        let find = library().into_iter().find(|path| path.ends_with(name));
        let direction = Direction {
            is_audited: true,
            ..Direction::default()
        };
        let played = play_under(&read(&find.unwrap()), direction);
        let lines = played.audit.iter().map(Line::to_json);
        std::fs::write(&file, lines.map(|line| line + "\n").collect::<String>()).unwrap();
        let (code, out, err) = counterpoint(&["judge", &path]);
        assert_eq!(
            (code, out.contains(&format!("  {word}  by "))),
            (expected, true),
            "{out}{err}"
        );
        let (code, out, _) = counterpoint(&["judge", &path, "--format", "json"]);
        let verdict: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(
            (code, verdict["verdict"].as_str()),
            (expected, Some(&*word.to_lowercase()))
        );
    }
    for (text, what) in [
        ("", "nothing was observed"),
        ("no line\n", "1: not a line of a log"),
    ] {
        std::fs::write(&file, text).unwrap();
        let (code, out, err) = counterpoint(&["judge", &path]);
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(err.contains(what) && err.contains("help: "), "{err}");
    }
    std::fs::remove_file(&file).unwrap();
    let (code, _, err) = counterpoint(&["judge", &path]);
    assert_eq!(code, 2, "{err}");
}
