//! Each rule is switched off in turn; some vector must then come out differently. A rule whose absence
//! no vector shows is listed here with the reason, or it is not tested.

use counterpoint_scanner::{
    About,
    judge::{CHAIN_RULES, CSYNC_RULES, PATIENCE, REQUEST_RULES, Rule},
};
use counterpoint_tests::vectors::{
    file::{self, Case},
    memory::Memory,
    story::play,
};

/// Rules whose absence shows nowhere, by reason code, with the reason. No more than 20.
const LISTED: [(&str, &str); 0] = [];

/// The tables, and what their verdicts are about.
fn tables() -> Vec<(&'static str, About, &'static [Rule])> {
    vec![
        ("request", About::Ds, &REQUEST_RULES),
        ("chain", About::Ds, &CHAIN_RULES),
        ("csync", About::Csync, &CSYNC_RULES),
        ("patience", About::Csync, &PATIENCE),
    ]
}

/// Whether some scan of the case expects this reason of this kind of verdict.
fn expects(case: &Case, about: About, reason: &str) -> bool {
    case.scans.iter().any(|scan| {
        let expected = match about {
            About::Csync => &scan.expect_csync,
            _ => &scan.expect,
        };
        let words = expected.as_deref().unwrap_or_default().split_whitespace();
        words.last() == Some(reason)
    })
}

#[test]
fn without_a_rule_some_vector_comes_out_differently() {
    let cases = file::all().unwrap_or_else(|error| panic!("{error}"));
    let mut unshown = Vec::new();
    for (table, about, rules) in tables() {
        for rule in rules {
            let concerned = cases
                .iter()
                .filter(|case| expects(case, about, rule.reason));
            let shows = |case: &&Case| play(case, &[rule.reason], |_| Memory::boxed()).is_err();
            let shown: Vec<&Case> = concerned.filter(shows).collect();
            println!(
                "{table} {} {}: {} vectors",
                rule.id,
                rule.reason,
                shown.len()
            );
            if shown.is_empty() {
                unshown.push(rule.reason);
            }
        }
    }
    let listed: Vec<&str> = LISTED.iter().map(|(reason, _)| *reason).collect();
    assert!(listed.len() <= 20, "{} rules are listed", listed.len());
    assert_eq!(
        unshown, listed,
        "rules that no vector shows, and those that are listed"
    );
}
