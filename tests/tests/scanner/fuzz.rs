//! Every parser on its corpus, and on mutations of it by a seed: whatever comes is a value or an error.

use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::{Duration, Instant},
};

use counterpoint_tests::fuzz::{Mutator, TARGETS, Target};

/// How many mutations each parser gets.
const ROUNDS: u64 = 3_000;
/// One input may take so long.
const INPUT_MAX: Duration = Duration::from_secs(2);

/// How long each parser is tried, if more is wanted than so many rounds.
fn seconds() -> Option<u64> {
    std::env::var("FUZZ_SECONDS").ok()?.parse().ok()
}

fn tried(target: &Target, input: &[u8], what: &str) {
    #[expect(clippy::disallowed_methods, reason = "bounded time is what is tested")]
    let began = Instant::now();
    let read = catch_unwind(AssertUnwindSafe(|| (target.read)(input)));
    let took = began.elapsed();
    let name = target.name;
    if read.is_err() || took > INPUT_MAX {
        let file = std::env::temp_dir().join(format!("counterpoint-fuzz-{name}"));
        fs::write(&file, input).unwrap();
        let file = file.display();
        panic!("{name}, {what}: it panicked or took {took:?}; the input is in {file}");
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a run may be asked for by its time"
)]
fn whatever_comes_is_a_value_or_an_error() {
    for (seed, target) in (1..).zip(TARGETS) {
        let corpus = target.corpus().unwrap();
        assert!(!corpus.is_empty(), "{} has a corpus", target.name);
        for input in &corpus {
            tried(&target, input, "corpus");
            for end in 0..input.len().min(600) {
                tried(&target, &input[..end], "a beginning of the corpus");
            }
        }
        let mut mutator = Mutator::new(seed, &corpus);
        let began = Instant::now();
        let mut rounds = 0;
        let goes_on = |rounds: u64| match seconds() {
            Some(seconds) => began.elapsed().as_secs() < seconds,
            None => rounds < ROUNDS,
        };
        while goes_on(rounds) {
            tried(
                &target,
                &mutator.input(),
                &format!("mutation {rounds} of seed {seed}"),
            );
            rounds += 1;
        }
        println!(
            "{:16} {rounds} mutations, {:?}",
            target.name,
            began.elapsed()
        );
    }
}

#[test]
fn libfuzzer_has_the_same_targets() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let manifest: toml::Table = fs::read_to_string(folder.join("Cargo.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let bins = manifest["bin"].as_array().unwrap().iter();
    let there: BTreeSet<String> = bins
        .map(|bin| {
            let (name, path) = (bin["name"].as_str().unwrap(), bin["path"].as_str().unwrap());
            let source = fs::read_to_string(folder.join(path)).unwrap();
            assert!(
                source.contains(&format!("run(\"{name}\", octets)")),
                "{path}"
            );
            name.to_string()
        })
        .collect();
    assert_eq!(there, TARGETS.map(|target| target.name.to_string()).into());
}
