//! The report's promises: everything is there, linked, escaped, and from here.

use super::*;
use crate::output::{
    decision::Asked,
    trail::{Mark, Step},
};

fn step(rule: &str, reason: &str, mark: Mark) -> Step {
    Step {
        rule: rule.into(),
        reason: reason.into(),
        mark,
    }
}

fn judged(subject: Subject, outcome: &str, rule: &str, reason: &str, evidence: &str) -> Judged {
    let accepted = outcome == "accept";
    Judged {
        subject,
        outcome: outcome.into(),
        rule: rule.into(),
        reason: reason.into(),
        evidence: vec![evidence.into()],
        verifications: vec![
            step("X-02", "NO_RESPONSE", Mark::Pass),
            step("K-09", "CDS_REPLAYED", Mark::Off),
            step(rule, reason, Mark::Stop),
            step("K-05", "CONTINUITY", Mark::NotReached),
        ],
        change: accepted.then(|| "ds-update".into()),
        diff: match accepted {
            true => vec![
                "-a. 60 IN DS 1 13 2 00".into(),
                "+a. 60 IN DS 2 13 2 00".into(),
            ],
            false => Vec::new(),
        },
    }
}

fn decision(child: &str, verdicts: Vec<Judged>) -> Decision {
    let asked = |server: &str| Asked {
        server: server.into(),
        answers: [
            (
                "CDS".to_string(),
                vec!["2 13 2 00".to_string(), "(signed by 1 <script>)".into()],
            ),
            ("CSYNC".to_string(), vec!["(no such record)".into()]),
        ]
        .into(),
    };
    Decision {
        time: "2026-01-01T00:00:00Z".into(),
        child: child.into(),
        channel: "scan".into(),
        ds: vec!["1 13 2 00".into()],
        ns: vec!["ns1.op.example.".into(), "ns2.op.example.".into()],
        trigger: [("CDS".to_string(), vec!["2 13 2 00".to_string()])].into(),
        servers: vec![
            asked("ns1.op.example./192.0.2.1"),
            asked("ns2.op.example./2001:db8::1"),
        ],
        verdicts,
    }
}

/// Writes a report of these decisions.
fn report(directory: &Path, decisions: &[Decision]) -> PathBuf {
    let head = Head {
        zone: "example.".into(),
        time: "2026-01-01T00:00:00Z".into(),
        command: "audit".into(),
        about: vec![("input".into(), "example.zone, serial 7".into())],
    };
    let mut report = Report::new(directory, head).unwrap();
    let (mut summary, mut kinds) = (Summary::default(), BTreeMap::new());
    for decision in decisions.iter().filter(|decision| !decision.is_quiet()) {
        report.page(decision).unwrap();
    }
    for row in decisions.iter().flat_map(Row::of) {
        report.list(&row);
        summary.add_row(&row);
        if !row.change.is_empty() {
            *kinds.entry(Kind::DsUpdate).or_default() += 1;
        }
    }
    report.finish(&summary, &kinds).unwrap()
}

#[test]
fn every_page_is_there_escaped_and_needs_nothing_from_elsewhere() {
    let directory =
        std::env::temp_dir().join(format!("counterpoint-report-{}", std::process::id()));
    let absent = || judged(Subject::Csync, "noop", "C-26", "CSYNC_ABSENT", "none");
    let evil = "ns1/192.0.2.1: <img src=x> & co";
    let decisions = [
        decision(
            "a.example.",
            vec![
                judged(Subject::Ds, "accept", "K-02", "CDS_ACCEPTED", "both"),
                absent(),
            ],
        ),
        decision(
            "*/b.example.",
            vec![
                judged(Subject::Ds, "abort", "X-08", "CDS_INCONSISTENT", evil),
                absent(),
            ],
        ),
        decision(
            "quiet.example.",
            vec![
                judged(Subject::Ds, "noop", "K-01", "NOTHING_REQUESTED", ""),
                absent(),
            ],
        ),
    ];
    let index = report(&directory, &decisions);
    let mut pages = Vec::new();
    for below in ["", "child", "reason"] {
        for entry in fs::read_dir(directory.join(below)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                pages.push((path.clone(), fs::read_to_string(path).unwrap()));
            }
        }
    }
    assert_eq!(
        pages.len(),
        1 + 2 + 4,
        "index, children that are not quiet, reasons"
    );
    for (path, page) in &pages {
        for foreign in [
            "http:", "https:", "<script", "<img", "<link", "@import", "url(",
        ] {
            assert!(!page.contains(foreign), "{}: {foreign}", path.display());
        }
        for link in page.split("href=\"").skip(1) {
            let target = link.split('"').next().unwrap().replace("%25", "%");
            let target = path.parent().unwrap().join(target);
            assert!(target.is_file(), "{}: {}", path.display(), target.display());
        }
    }
    let index = fs::read_to_string(index).unwrap();
    for text in [
        "CDS_INCONSISTENT",
        "CDS_ACCEPTED",
        "CSYNC_ABSENT",
        "example.zone, serial 7",
    ] {
        assert!(index.contains(text), "{text}");
    }
    let child = fs::read_to_string(directory.join("child/a.example.html")).unwrap();
    for text in [
        "ns2.op.example./2001:db8::1",
        "CONTINUITY",
        "not reached",
        "switched off",
        "+a. 60 IN DS",
    ] {
        assert!(child.contains(text), "{text}");
    }
    fs::remove_dir_all(&directory).unwrap();
}
