//! The oracle against resolvers, both ways.
//!
//! Each witness, replayed, is Bogus: a `one-resolver` witness in a validating resolver, an `any-cache`
//! witness in a validator behind a cache that does not validate. The other way round – a concrete
//! resolver never gets Bogus where the oracle says safe – is checked in every run, and an internal
//! error if it fails.

use counterpoint_dns::oracle::{Property, Quantifier};
use counterpoint_scenarios::{
    run::replay::{Replayed, replay_all},
    scenario::What,
};

use crate::{library, read};

#[test]
fn every_witness_of_the_library_fails_in_a_resolver() {
    let (mut one, mut any) = (0, 0);
    for path in library() {
        let scenario = read(&path);
        // A pair of DNSKEY and answer fails under any DS that caches hold; a replay asks the parent,
        // which has none any more.
        let loses_ds = scenario
            .events
            .iter()
            .any(|event| event.what == What::GoInsecure {});
        for case in replay_all(&scenario).into_iter().filter(|_| !loses_ds) {
            // A replay asks a resolver that is content with one algorithm.
            if case.violation.profile == "strict-dnskey" {
                continue;
            }
            let what = format!("{} {:?}", path.display(), case.violation);
            if case.violation.property != Property::Secure {
                // A validator that is told that there is no DS is content.
                assert!(matches!(case.replayed, Replayed::NotShown), "{what}");
                continue;
            }
            // What was wrong before the world began cannot be asked for then.
            let is_before = case.violation.from < scenario.start;
            if is_before && matches!(case.replayed, Replayed::NotShown) {
                continue;
            }
            assert!(
                matches!(case.replayed, Replayed::Bogus(_)),
                "{:?}\n{what}",
                case.replayed
            );
            match case.violation.quantifier {
                Quantifier::OneResolver => one += 1,
                Quantifier::AnyCache => any += 1,
            }
        }
    }
    assert!(
        one >= 10 && any >= 10,
        "{one} by one resolver, {any} by a cache"
    );
}
