//! Each entry of the rule tables is switched off in turn; some vector must then come out differently. An
//! entry whose absence no vector shows is listed here with the reason, or it is not tested.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use counterpoint_scanner::judge::{CSYNC_ACCEPTANCES, DS_ACCEPTANCES, TABLES, TTL_RESTORED};
use counterpoint_tests::vectors::{
    file::{self, Case},
    memory::Memory,
    story::play,
};

/// How many entries are tried at once.
const THREADS: usize = 4;

/// Entries whose absence shows nowhere, with the reason. No more than 20.
const LISTED: [(&str, &str); 4] = [
    (
        "access/B-01/BOOTSTRAP_NEVER",
        "a scanner says the same before it asks anything; the entry is for whoever asks all the same",
    ),
    (
        "initial/A-01/DS_EXISTS",
        "a child with a DS RRset is judged by the chain table; the entry documents the step",
    ),
    (
        "initial/T-06/CACHES_BREAK",
        "covered twice on purpose: B-14 and M-01 ask every server and every pair, this every cache",
    ),
    (
        "chain/T-06/CACHES_BREAK",
        "covered twice on purpose: K-05 and M-01 ask every server and every pair, this every cache",
    ),
];

/// One entry of a table.
struct Entry {
    /// What switches it off.
    switch: String,
    /// Its reason code.
    reason: &'static str,
}

/// Every entry: what stops a case, and what accepts it.
fn entries() -> Vec<Entry> {
    let rules = TABLES.iter().flat_map(|table| {
        table.rules.iter().map(|rule| Entry {
            switch: rule.switch(table.name),
            reason: rule.reason,
        })
    });
    let acceptances = DS_ACCEPTANCES
        .iter()
        .chain(&CSYNC_ACCEPTANCES)
        .chain([&TTL_RESTORED]);
    let acceptances = acceptances.map(|entry| Entry {
        switch: entry.switch(),
        reason: entry.reason,
    });
    rules.chain(acceptances).collect()
}

/// Whether some scan of the case expects this reason.
fn expects(case: &Case, reason: &str) -> bool {
    case.scans.iter().any(|scan| {
        let expected = [&scan.expect, &scan.expect_csync].into_iter().flatten();
        expected.into_iter().any(|text| text.ends_with(reason))
    })
}

/// How many vectors come out differently without this entry.
fn shown_by(entry: &Entry, cases: &[Case]) -> usize {
    let differs = |case: &&Case| play(case, &[&entry.switch], |_| Memory::boxed()).is_err();
    let concerned = cases.iter().filter(|case| expects(case, entry.reason));
    concerned.filter(differs).count()
}

#[test]
fn without_a_rule_some_vector_comes_out_differently() {
    let cases = file::all().unwrap_or_else(|error| panic!("{error}"));
    let entries = entries();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut tried = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(entry) = entries.get(at) else {
                return tried;
            };
            tried.push((at, shown_by(entry, &cases)));
        }
    };
    let mut tried: Vec<(usize, usize)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined
            .flat_map(|tried| tried.expect("no case panics"))
            .collect()
    });
    tried.sort_unstable();
    let mut unshown = Vec::new();
    for (at, count) in tried {
        println!("{:3} vectors show {}", count, entries[at].switch);
        if count == 0 {
            unshown.push(entries[at].switch.as_str());
        }
    }
    let listed: Vec<&str> = LISTED.iter().map(|(switch, _)| *switch).collect();
    assert!(listed.len() <= 20, "{} entries are listed", listed.len());
    assert_eq!(
        unshown, listed,
        "entries that no vector shows, and those that are listed"
    );
}
