//! The oracle and the monitor that a person can check (`docs/oracle.md`, "A second monitor"): where the two
//! differ over the library, and why.

use std::collections::BTreeMap;

use counterpoint_dns::oracle::{Profile, Property, Quantifier, judge, lifted};
use counterpoint_scenarios::run::play::play;

use crate::{library, read};

/// Who objects alone, and to what. In each of these a signer has left: no NS RRset in any cache leads to it,
/// so the monitor forgets it, while the last that was fetched from it is still held for a TTL. Nowhere in the
/// library does the monitor object to what is safe.
const DIFFERENCES: [(&str, &str, &str); 4] = [
    (
        "common-ksk-cut-data-wait-leave",
        "oracle",
        "answers of the leaver outlive its NS, and its ZSK goes before they do",
    ),
    (
        "cut-data-wait",
        "oracle",
        "answers of the leaver outlive its NS, and its ZSK goes before they do",
    ),
    (
        "cut-leaver-dnskey-wait",
        "oracle",
        "the leaver's DNSKEY RRset outlives its NS, and its DS goes before it does",
    ),
    (
        "drop-foreign-zsk-with-ds",
        "oracle",
        "answers of the leaver outlive its NS, and its ZSK goes together with its DS",
    ),
];

#[test]
fn the_readable_monitor_differs_where_it_is_known_to() {
    let mut found: BTreeMap<String, &str> = BTreeMap::new();
    let (mut safe, mut not) = (0, 0);
    for path in library() {
        let scenario = read(&path);
        let played = play(&scenario);
        let since = played.stage.world.since();
        for recorder in played.stage.world.recorders.values() {
            let history = recorder.history();
            let judgement = judge(&history, &Profile::liberal(), since, played.end);
            let oracle = judgement
                .of(Property::Secure, Quantifier::AnyCache)
                .is_some();
            let monitor = !lifted(&history, since, played.end).is_empty();
            match (oracle, monitor) {
                (false, false) => safe += 1,
                (true, true) => not += 1,
                (oracle, _) => {
                    let name = path.file_stem().expect("a name").to_string_lossy();
                    let who = if oracle { "oracle" } else { "monitor" };
                    found.insert(name.into_owned(), who);
                }
            }
        }
    }
    let known: BTreeMap<String, &str> = DIFFERENCES
        .iter()
        .map(|(name, who, _)| ((*name).to_owned(), *who))
        .collect();
    assert_eq!(found, known, "beside {safe} safe and {not} unsafe for both");
    assert!(safe >= 10 && not >= 10, "{safe} safe, {not} unsafe");
}
