//! Each entry of the rule tables is switched off in turn; three vectors must then come out differently,
//! and one in its outcome. Entries of which that cannot be are listed here with the reason.

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
/// So many vectors at least show each entry.
const VECTORS_MIN: usize = 3;

/// What vectors show of an entry's absence, if not another outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shows {
    /// Nothing.
    Nothing,
    /// The same outcome by another rule.
    Reason,
}

use Shows::{Nothing, Reason};

/// The entries without which every vector comes to the same outcome, with the reason why. No more than
/// 20, in the order of the tables.
const LISTED: [(&str, Shows, &str); 18] = [
    (
        "request/B-11/DELETE_WITHOUT_DS",
        Reason,
        "an empty DS RRset is what is there: K-11 says NOOP as well",
    ),
    (
        "request/X-10/DELETE_INCONSISTENT",
        Reason,
        "a delete beside an update differs in its keys too: X-09 or X-08 aborts",
    ),
    (
        "access/B-01/BOOTSTRAP_NEVER",
        Nothing,
        "a scanner says the same before it asks anything; the entry is for whoever asks all the same",
    ),
    (
        "initial/A-01/DS_EXISTS",
        Nothing,
        "a child with a DS RRset is judged by the chain table; the entry documents the step",
    ),
    (
        "initial/A-12/SIGNAL_NAME_TOO_LONG",
        Reason,
        "a name that cannot be asked for is no secure answer: A-06 aborts",
    ),
    (
        "initial/A-06/SIGNAL_MISSING",
        Reason,
        "nothing differs from something: A-07 aborts",
    ),
    (
        "initial/X-11/KEY_NOT_REPRESENTABLE",
        Reason,
        "no DS record is proposed then: B-14 finds no chain, and aborts",
    ),
    (
        "initial/K-15/DIGESTS_UNEQUAL",
        Reason,
        "no DS record is proposed then: B-14 finds no chain, and aborts",
    ),
    (
        "initial/D-03/DS_NOT_VALIDATABLE",
        Reason,
        "no DS record that can be used makes a chain: B-14 aborts",
    ),
    (
        "initial/B-14/WOULD_NOT_VALIDATE",
        Reason,
        "covered twice on purpose: T-06 finds a cache that breaks, and aborts",
    ),
    (
        "initial/T-06/CACHES_BREAK",
        Nothing,
        "covered twice on purpose: B-14 and M-01 ask every server and every pair, this every cache",
    ),
    (
        "chain/K-10/CDS_BOGUS",
        Reason,
        "a signature that does not validate is none by a key in the DS: K-04 ignores it",
    ),
    (
        "chain/T-06/CACHES_BREAK",
        Nothing,
        "covered twice on purpose: K-05 and M-01 ask every server and every pair, this every cache",
    ),
    (
        "health/D-06/DS_BROKEN",
        Reason,
        "a report: nothing is requested, and K-01 says NOOP as well",
    ),
    (
        "csync/C-02/CSYNC_UNREADABLE",
        Reason,
        "what cannot be read is unlike what can, or proposes no servers: X-13 or X-17 aborts",
    ),
    (
        "csync/C-23/CSYNC_FORBIDDEN_TYPE",
        Reason,
        "a forbidden type is none of the three either: C-04 ignores it",
    ),
    (
        "csync/C-14/CSYNC_NS_ABSENT",
        Reason,
        "no NS, no server to be ready: X-17 aborts",
    ),
    (
        "csync/C-20/CSYNC_GLUE_LOST",
        Reason,
        "a server without address is not ready: X-17 aborts",
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
    let (mut unshown, mut few) = (Vec::new(), Vec::new());
    for (at, shown) in tried {
        let Shown {
            count,
            in_outcome,
            first,
        } = shown;
        let switch = entries[at].switch.as_str();
        println!("{count:3} vectors show {switch}, {in_outcome:3} in the outcome");
        match (count, in_outcome) {
            (0, _) => unshown.push((switch, Nothing)),
            (_, 0) => {
                println!("    {}", first.unwrap_or_default());
                unshown.push((switch, Reason));
            }
            _ => {}
        }
        if (1..VECTORS_MIN).contains(&count) {
            few.push(switch);
        }
    }
    assert!(LISTED.len() <= 20, "{} entries are listed", LISTED.len());
    assert_eq!(
        unshown,
        LISTED.map(|(switch, shows, _)| (switch, shows)),
        "entries whose outcome no vector shows, and those that are listed"
    );
    assert_eq!(few, [""; 0], "fewer than {VECTORS_MIN} vectors show these");
}
