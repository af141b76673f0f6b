//! The tables against the page of rules: each rule has its entry, or its reason to have none.

use std::collections::{BTreeMap, BTreeSet};

use counterpoint_scanner::{
    Outcome,
    judge::{CSYNC_ACCEPTANCES, DS_ACCEPTANCES, TABLES, TTL_RESTORED, documented::DOCUMENTED},
    notices::NOTICES,
};

use crate::kit::*;

/// Letters and how many rules each has, but for those of §6 (N), which are about NOTIFY.
const PAGE: [(char, usize); 8] = [
    ('K', 16),
    ('B', 14),
    ('A', 15),
    ('C', 26),
    ('X', 18),
    ('D', 21),
    ('M', 7),
    ('T', 6),
];

fn page() -> BTreeSet<String> {
    let ids = |(letter, count): (char, usize)| {
        (1..=count).map(move |number| format!("{letter}-{number:02}"))
    };
    PAGE.into_iter().flat_map(ids).collect()
}

/// Every ID of a table.
fn in_tables() -> BTreeSet<String> {
    let rules = TABLES.iter().flat_map(|table| table.rules);
    let rules = rules.flat_map(|rule| rule.also.iter().chain([&rule.id]));
    let accepted = DS_ACCEPTANCES
        .iter()
        .chain(&CSYNC_ACCEPTANCES)
        .chain([&TTL_RESTORED]);
    let accepted = accepted.flat_map(|entry| entry.also.iter().chain([&entry.id]));
    let notices = NOTICES
        .iter()
        .flat_map(|notice| notice.also.iter().chain([&notice.id]));
    rules
        .chain(accepted)
        .chain(notices)
        .map(|id| id.to_string())
        .collect()
}

#[test]
fn every_rule_of_the_page_is_in_a_table_or_has_its_reason() {
    let (page, tables) = (page(), in_tables());
    let documented: BTreeSet<String> = DOCUMENTED.iter().map(|(id, _)| id.to_string()).collect();
    assert_eq!(documented.len(), DOCUMENTED.len(), "each once");
    assert!(DOCUMENTED.len() <= 20);
    assert!(DOCUMENTED.iter().all(|(_, reason)| reason.len() > 10));
    let both: Vec<_> = tables.intersection(&documented).collect();
    assert!(both.is_empty(), "{both:?} are in both");
    let known: BTreeSet<String> = tables.union(&documented).cloned().collect();
    let missing: Vec<_> = page.difference(&known).collect();
    assert!(missing.is_empty(), "{missing:?} are in neither");
    let strange: Vec<_> = known.difference(&page).collect();
    assert!(strange.is_empty(), "{strange:?} are not on the page");
}

#[test]
fn every_entry_has_a_switch_of_its_own() {
    let mut switches = BTreeMap::new();
    for table in &TABLES {
        for rule in table.rules {
            *switches.entry(rule.switch(table.name)).or_insert(0) += 1;
        }
    }
    for entry in DS_ACCEPTANCES
        .iter()
        .chain(&CSYNC_ACCEPTANCES)
        .chain([&TTL_RESTORED])
    {
        *switches.entry(entry.switch()).or_insert(0) += 1;
    }
    let twice: Vec<_> = switches.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn a_switch_is_for_its_entry_alone_and_a_reason_for_all_of_its() {
    let judged = |switch: &str| {
        let mut foreign = Case::rollover();
        foreign.sites[0].dnskeys.retain(|label| *label != "bz");
        let mut first = Case::bootstrap();
        first.sites[0].dnskeys.retain(|label| *label != "bz");
        [foreign, first].map(|mut case| {
            case.policy.muted = [switch.to_string(), "CACHES_BREAK".to_string()].into();
            case.judge_cds().outcome == Outcome::Accept
        })
    };
    assert_eq!(judged("chain/M-01/PAIR_BROKEN"), [true, false]);
    assert_eq!(judged("initial/M-01/PAIR_BROKEN"), [false, true]);
    assert_eq!(judged("PAIR_BROKEN"), [true, true]);
    assert_eq!(judged("nothing"), [false, false]);
}

#[test]
fn without_an_acceptance_nothing_is_accepted() {
    for (switch, case) in [
        ("accept/K-02/CDS_ACCEPTED", Case::rollover()),
        ("accept/B-08/DELETE_ACCEPTED", Case::deletion()),
        ("accept/A-09/BOOTSTRAP_ACCEPTED", Case::bootstrap()),
    ] {
        let mut case = case;
        assert_eq!(case.judge_cds().outcome, Outcome::Accept);
        case.policy.muted.insert(switch.into());
        let verdict = case.judge_cds();
        assert_eq!((verdict.reason, verdict.change), ("NOT_ACCEPTABLE", None));
    }
    let mut case = Case::synchronisation();
    case.policy
        .muted
        .insert("accept/C-13/CSYNC_ACCEPTED".into());
    assert_eq!(case.judge_csync().reason, "NOT_ACCEPTABLE");
}
