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

/// Entries without which every vector comes to the same outcome by another rule, with the reason why.
const REASON_ONLY: [(&str, &str); 17] = [
    (
        "request/B-11/DELETE_WITHOUT_DS",
        "an empty DS RRset is what is there: K-11 says NOOP as well",
    ),
    (
        "request/X-10/DELETE_INCONSISTENT",
        "a delete beside an update differs in its keys too: X-09 or X-08 aborts",
    ),
    (
        "initial/A-12/SIGNAL_NAME_TOO_LONG",
        "a name that cannot be asked for is no secure answer: A-06 aborts",
    ),
    (
        "initial/A-06/SIGNAL_MISSING",
        "nothing differs from something: A-07 aborts",
    ),
    (
        "initial/X-11/KEY_NOT_REPRESENTABLE",
        "no DS record is proposed then: B-14 finds no chain, and aborts",
    ),
    (
        "initial/K-15/DIGESTS_UNEQUAL",
        "no DS record is proposed then: B-14 finds no chain, and aborts",
    ),
    (
        "initial/D-03/DS_NOT_VALIDATABLE",
        "no DS record that can be used makes a chain: B-14 aborts",
    ),
    (
        "initial/B-14/WOULD_NOT_VALIDATE",
        "covered twice on purpose: T-06 finds a cache that breaks, and aborts",
    ),
    (
        "initial/M-01/PAIR_BROKEN",
        "covered twice on purpose: T-06 finds a cache that breaks, and aborts",
    ),
    (
        "initial/X-03/SERVER_SILENT",
        "a silent server does not stop the clock: B-05 delays, and for longer",
    ),
    (
        "chain/K-10/CDS_BOGUS",
        "a signature that does not validate is none by a key in the DS: K-04 ignores it",
    ),
    (
        "health/D-06/DS_BROKEN",
        "a report: nothing is requested, and K-01 says NOOP as well",
    ),
    (
        "csync/C-02/CSYNC_UNREADABLE",
        "what cannot be read proposes no servers: X-17 aborts",
    ),
    (
        "csync/C-23/CSYNC_FORBIDDEN_TYPE",
        "a forbidden type is none of the three either: C-04 ignores it",
    ),
    (
        "csync/C-14/CSYNC_NS_ABSENT",
        "no NS, no server to be ready: X-17 aborts",
    ),
    (
        "csync/C-20/CSYNC_GLUE_LOST",
        "a server without address is not ready: X-17 aborts",
    ),
    (
        "csync/M-01/PAIR_BROKEN",
        "covered twice on purpose: T-06 finds a cache that breaks, and aborts",
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

/// What vectors show of one entry's absence.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Shown {
    /// How many come out differently.
    count: usize,
    /// In how many of them the outcome is another, or the parent's zone.
    in_outcome: usize,
    /// How the first of them differs.
    first: Option<String>,
}

/// How vectors come out without this entry.
fn shown_by(entry: &Entry, cases: &[Case]) -> Shown {
    let without = |case: &Case| play(case, &[&entry.switch], |_| Memory::boxed()).err();
    let concerned = cases.iter().filter(|case| expects(case, entry.reason));
    let different = concerned.filter_map(|case| Some((case, without(case)?)));
    let different: Vec<(&Case, String)> = different.collect();
    let in_outcome = different.iter();
    let in_outcome = in_outcome.filter(|(case, _)| without(&by_outcome(case)).is_some());
    let (count, in_outcome) = (different.len(), in_outcome.count());
    let first = different.into_iter().next();
    Shown {
        count,
        in_outcome,
        first: first.map(|(_, error)| error),
    }
}

/// The case, with nothing said of rules, reasons and questions.
fn by_outcome(case: &Case) -> Case {
    let mut case = case.clone();
    for scan in &mut case.scans {
        for expected in [&mut scan.expect, &mut scan.expect_csync] {
            let outcome = expected.as_ref().and_then(|text| text.split(' ').next());
            *expected = outcome.map(str::to_string);
        }
        (scan.asked, scan.not_asked) = (None, None);
    }
    case
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
    let mut tried: Vec<(usize, Shown)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined
            .flat_map(|tried| tried.expect("no case panics"))
            .collect()
    });
    tried.sort_unstable();
    let (mut unshown, mut reason_only) = (Vec::new(), Vec::new());
    for (at, shown) in tried {
        let Shown {
            count,
            in_outcome,
            first,
        } = shown;
        let switch = entries[at].switch.as_str();
        println!("{count:3} vectors show {switch}, {in_outcome:3} in the outcome");
        match (count, in_outcome) {
            (0, _) => unshown.push(switch),
            (_, 0) => {
                println!("    {}", first.unwrap_or_default());
                reason_only.push(switch);
            }
            _ => {}
        }
    }
    let listed: Vec<&str> = LISTED.iter().map(|(switch, _)| *switch).collect();
    assert!(listed.len() <= 20, "{} entries are listed", listed.len());
    assert_eq!(
        unshown, listed,
        "entries that no vector shows, and those that are listed"
    );
    let listed: Vec<&str> = REASON_ONLY.iter().map(|(switch, _)| *switch).collect();
    assert_eq!(
        reason_only, listed,
        "entries of which vectors show the reason only, and those that are listed"
    );
}
