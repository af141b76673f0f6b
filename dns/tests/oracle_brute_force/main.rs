//! The oracle against brute force: the same small histories, played fetch by fetch, second by second.
//!
//! `world` draws histories; `play` plays caches and resolvers from the definitions alone and shares
//! no code with the oracle but the types of a history; this file compares, and replays witnesses.

mod play;
mod replay;
mod wait;
mod world;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use counterpoint_dns::{
    oracle::{
        DigestChoice, Judgement, NsView, Profile, Property, Quantifier, history::History,
        intervals::Intervals, judge, slack,
    },
    time::Timestamp,
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use play::{END, Played, START, Seconds};

/// How many histories are drawn; each is judged for every profile.
const HISTORIES: u32 = 1_500;

const PROPERTIES: [Property; 3] = [
    Property::Secure,
    Property::NeverInsecure,
    Property::Reachable,
];
const QUANTIFIERS: [Quantifier; 2] = [Quantifier::AnyCache, Quantifier::OneResolver];

fn profiles() -> Vec<Profile> {
    let mut capped = Profile::liberal();
    capped.ttl_cap = Some(Duration::from_secs(2));
    let mut floored = Profile::strict_dnskey();
    floored.ttl_floor = Duration::from_secs(3);
    let mut strongest = Profile::strict_ds();
    strongest.digest_choice = DigestChoice::StrongestOnly;
    let mut no_sha1 = Profile::liberal().viewed(NsView::ParentCentric);
    no_sha1.digest_choice = DigestChoice::NoSha1BesideSha2;
    vec![
        Profile::liberal(),
        Profile::strict_ds(),
        Profile::strict_dnskey(),
        Profile::only(&[13]),
        Profile::strict_ds().viewed(NsView::ParentCentric),
        capped,
        floored,
        strongest,
        no_sha1,
    ]
}

/// How often each property of each quantifier was found safe and unsafe, by profile.
type Tally = BTreeMap<(usize, Property, Quantifier), (u32, u32)>;

#[test]
fn the_oracle_agrees_with_caches_played_second_by_second() {
    let config = Config {
        cases: HISTORIES,
        failure_persistence: None,
        max_shrink_iters: 4_000,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let tally = std::cell::RefCell::new(Tally::new());
    let slacks = std::cell::Cell::new([0_u32; 3]);
    let excused = std::cell::Cell::new((0_u32, 0_u32));
    let outcome = runner.run(&(world::history(), 0_i64..20), |(history, now)| {
        for (number, profile) in profiles().iter().enumerate() {
            let played = play::play(&history, profile);
            let judgement = judge(&history, profile, Timestamp::MIN, Timestamp::MAX);
            compare(&history, profile, &played, &judgement)?;
            begin_later(&history, profile, &played, now)?;
            let waited = wait::slack(&history, profile);
            let start = Timestamp::from_seconds(0);
            prop_assert_eq!(slack(&history, profile, start, Timestamp::MAX), waited);
            let mut counts = slacks.get();
            counts[waited.map_or(0, |wait| 1 + (wait > Duration::ZERO) as usize)] += 1;
            slacks.set(counts);
            for (property, quantifier) in classes() {
                let mut tally = tally.borrow_mut();
                let entry = tally.entry((number, property, quantifier)).or_default();
                match judgement.of(property, quantifier) {
                    None => entry.0 += 1,
                    Some(_) => entry.1 += 1,
                }
            }
            let (outages, warnings) = excused.get();
            excused.set((
                outages + !played.outages.is_empty() as u32,
                warnings + !played.warnings.is_empty() as u32,
            ));
        }
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    // A green run means little unless all of this came to pass, safe and unsafe alike.
    for ((profile, property, quantifier), (safe, violated)) in tally.into_inner() {
        let name = &profiles()[profile].name;
        println!("{property} {quantifier} {name}: {safe} safe, {violated} unsafe");
        let least = HISTORIES / 25;
        assert!(safe >= least, "{property} {quantifier} {name}: {safe} safe");
        assert!(
            violated >= least,
            "{property} {quantifier} {name}: {violated} unsafe"
        );
    }
    let [free, none, some] = slacks.get();
    println!("slack: {free} without conflict, {none} zero, {some} above");
    assert!(free.min(none).min(some) > HISTORIES / 4);
    let (outages, warnings) = excused.get();
    println!("{outages} with outages, {warnings} with warnings");
    assert!(outages > HISTORIES / 4 && warnings > HISTORIES / 4);
}

fn classes() -> impl Iterator<Item = (Property, Quantifier)> {
    PROPERTIES
        .into_iter()
        .flat_map(|property| QUANTIFIERS.map(|quantifier| (property, quantifier)))
}

/// Same unsafe seconds, same first one, same end; and the witness fails when replayed.
fn compare(
    history: &History,
    profile: &Profile,
    played: &Played,
    judgement: &Judgement,
) -> Result<(), TestCaseError> {
    for (property, quantifier) in classes() {
        let expected = &played.violated[&(property, quantifier)];
        let about = format!("{property} {quantifier} {}", profile.name);
        let Some(violation) = judgement.of(property, quantifier) else {
            prop_assert!(expected.is_empty(), "{about}: missed {expected:?}");
            continue;
        };
        prop_assert_eq!(&seconds(&violation.during), expected, "{}", &about);
        let first = *expected.first().expect("checked to be alike");
        prop_assert_eq!(clamp(violation.from), first, "{}", &about);
        let end = (first..END).find(|second| !expected.contains(second));
        prop_assert_eq!(clamp(violation.until), end.unwrap_or(END), "{}", &about);
        if let Err(why) = replay::replay(history, profile, violation) {
            let prose = violation.prose(history, Timestamp::from_seconds(0));
            prop_assert!(false, "{about}: {why}: {prose}");
        }
    }
    let outages: Seconds = judgement
        .outages
        .iter()
        .flat_map(|outage| clamp(outage.from)..clamp(outage.until))
        .collect();
    prop_assert_eq!(&outages, &played.outages, "outages {}", &profile.name);
    let mut warnings: BTreeMap<u32, Seconds> = BTreeMap::new();
    for warning in &judgement.warnings {
        let span = clamp(warning.from)..clamp(warning.until);
        warnings.entry(warning.instance.0).or_default().extend(span);
    }
    prop_assert_eq!(&warnings, &played.warnings, "warnings {}", &profile.name);
    Ok(())
}

/// A question about what begins from now on is answered with nothing older, and misses nothing new.
fn begin_later(
    history: &History,
    profile: &Profile,
    played: &Played,
    now: i64,
) -> Result<(), TestCaseError> {
    let judgement = judge(
        history,
        profile,
        Timestamp::from_seconds(now),
        Timestamp::MAX,
    );
    for (property, quantifier) in classes() {
        let expected = &played.violated[&(property, quantifier)];
        let found = judgement.of(property, quantifier);
        if let Some(violation) = found {
            prop_assert!(clamp(violation.from) >= now);
            let during: BTreeSet<i64> = seconds(&violation.during);
            prop_assert!(during.is_subset(expected));
        }
        let fresh = expected
            .range(now..)
            .find(|&second| !expected.contains(&(second - 1)));
        if let Some(&fresh) = fresh {
            let from = found.map(|violation| clamp(violation.from));
            prop_assert!(from.is_some_and(|from| from <= fresh), "missed {fresh}");
        }
    }
    Ok(())
}

/// The seconds of a set that begins and ends on whole seconds.
fn seconds(set: &Intervals) -> Seconds {
    let spans = set.iter();
    spans
        .flat_map(|span| clamp(span.from)..clamp(span.until))
        .collect()
}

/// An instant on a whole second, within what is played.
fn clamp(at: Timestamp) -> i64 {
    let whole = at.as_nanos() % 1_000_000_000 == 0;
    assert!(
        whole || at == Timestamp::MIN || at == Timestamp::MAX,
        "{at} is no whole second"
    );
    at.as_seconds().clamp(START, END)
}
