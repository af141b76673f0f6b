//! What `explain` and `diff` say is true of the run.

use std::time::Duration;

use counterpoint_reports::{
    At, Run, diff, explain,
    run::{Fetch, Version, Violation, Zone},
};

use crate::kit::{played, scenario};

/// Runs with violations of each kind, and safe ones.
const TOLD: [&str; 14] = [
    "library/cut-ds-wait",
    "library/cut-dnskey-wait",
    "library/cut-ns-wait",
    "library/cut-data-wait",
    "library/cut-leaver-dnskey-wait",
    "library/section-4-zsk-not-exchanged",
    "library/ghost-name-servers",
    "library/expired-signature",
    "library/glue-too-late",
    "library/departed-signer-denies",
    "library/new-ttl-instead-of-old",
    "library/ds-dropped-too-early",
    "library/common-ksk-no-renewal",
    "library/migration",
];

fn version<'z>(zone: &'z Zone, fetch: &Fetch) -> Option<&'z Version> {
    zone.versions.get(fetch.version?)
}

/// The other end of the sentence "from … on no cache holds it as … served it".
fn no_cache_holds(zone: &Zone, version: &Version, at: At) -> bool {
    let same = |other: &&Version| {
        let keys = |version: &Version| -> Vec<usize> {
            version.signed.iter().map(|signed| signed.key).collect()
        };
        (other.what, &other.keys, &other.servers) == (version.what, &version.keys, &version.servers)
            && keys(other) == keys(version)
    };
    let ttl = |version: &Version| Duration::from_secs(version.ttl);
    zone.versions.iter().filter(same).all(|version| {
        let mut spans = version.fetchable.iter();
        let is_held = |from: Option<At>, until: Option<At>| {
            from.is_none_or(|from| from <= at)
                && until.is_none_or(|until| at < until + ttl(version))
        };
        !spans.any(|span| is_held(span.from, span.until))
    })
}

fn check(run: &Run, number: usize, violation: &Violation) -> bool {
    let text = explain::violation(run, number).unwrap();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let zone = run.zone(&violation.zone).unwrap();
    let Some(witness) = &violation.witness else {
        return false;
    };
    let fetches = [
        witness.under.as_ref(),
        Some(&witness.earlier),
        witness.later.as_ref(),
    ];
    for fetch in fetches.into_iter().flatten() {
        let server = zone.instance(fetch.instance);
        assert!(
            words.contains(&format!("it fetched {} from {server}", fetch.name)),
            "{words}"
        );
        let Some(version) = version(zone, fetch) else {
            continue;
        };
        assert_eq!(version.instance, fetch.instance, "{words}");
        // Whole microseconds here, nanoseconds there.
        let later = fetch.at + Duration::from_micros(1);
        assert!(
            version.is_served(fetch.at) || version.is_served(later),
            "{words}"
        );
    }
    // The DS by which a key was found good may have left the cache since.
    let both = [Some(&witness.earlier), witness.later.as_ref()];
    for fetch in both.into_iter().flatten() {
        let is_held = fetch.held_until.is_none_or(|until| violation.from <= until);
        assert!(is_held, "{words}");
    }
    if let Some((_, rest)) = words.split_once("too early: from ") {
        let (at, _) = rest.split_once(" on no cache holds ").unwrap();
        let at: At = at.parse().unwrap();
        let later = at + Duration::from_millis(2);
        let both = [&witness.earlier, witness.later.as_ref().unwrap()];
        let sentence = |fetch: &&&Fetch| {
            let server = zone.instance(fetch.instance);
            words.contains(&format!(
                "no cache holds {} as {server} served it",
                fetch.name
            ))
        };
        let older = both.iter().find(sentence).unwrap();
        if let Some(version) = version(zone, older) {
            // One resolver keeps it no longer than any cache, and may do so for less.
            let is_bound =
                violation.quantifier == "any-cache" && !violation.property.contains("reach");
            assert!(
                !is_bound || no_cache_holds(zone, version, later),
                "{}: {words}",
                run.scenario
            );
        }
    }
    for (_, rest) in words
        .match_indices(" is missing in the DNSKEY RRset of ")
        .map(|(at, _)| words.split_at(at))
    {
        let names = rest.trim_start_matches(" is missing in the DNSKEY RRset of ");
        let names = names.split('.').next().unwrap().replace(" and ", ", ");
        for name in names.split(", ") {
            assert!(
                zone.instances.iter().any(|one| one.name == name),
                "{name}: {words}"
            );
        }
    }
    words.contains("too early") || words.contains("No wait would have helped")
}

#[test]
fn every_sentence_can_be_checked_against_the_run() {
    let mut advised = 0;
    for name in TOLD {
        let run = played(&scenario(name));
        let text = explain::explain(&run);
        assert_eq!(
            text.contains("This run is safe"),
            run.violations.iter().all(|v| !v.decides),
            "{text}"
        );
        for (number, violation) in (1..).zip(&run.violations) {
            advised += usize::from(check(&run, number, violation));
        }
        assert_eq!(explain::violation(&run, run.violations.len() + 1), None);
        assert_eq!(explain::violation(&run, 0), None);
    }
    assert!(advised >= 8, "{advised} with advice");
}

#[test]
fn a_story_reads_like_this() {
    insta::assert_snapshot!(
        "cut_ds_wait",
        explain::explain(&played(&scenario("library/cut-ds-wait")))
    );
    let told = played(&scenario("library/section-4-zsk-not-exchanged"));
    insta::assert_snapshot!("zsk_not_exchanged", explain::explain(&told));
}

#[test]
fn a_run_differs_from_another_and_not_from_itself() {
    let (one, other) = (scenario("library/join"), scenario("library/cut-ds-wait"));
    let (one, other) = (played(&one), played(&other));
    assert!(diff::Diff::of(&one, &one).is_empty());
    let found = diff::Diff::of(&one, &other);
    assert!(!found.is_empty());
    let only = |list: &[(String, At)]| list.iter().any(|(what, _)| what.contains("is not secure"));
    assert!(
        !only(&found.only_first) && only(&found.only_second),
        "{found:#?}"
    );
    assert!(
        found.later.iter().all(|(_, at, then)| at < then),
        "{found:#?}"
    );
    assert!(
        found.earlier.iter().all(|(_, at, then)| then < at),
        "{found:#?}"
    );
    let swapped = diff::Diff::of(&other, &one);
    assert_eq!(swapped.only_first, found.only_second);
    assert_eq!(swapped.earlier.len(), found.later.len());
}
