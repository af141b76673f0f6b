//! The oracle against resolvers, both ways.
//!
//! Each witness, replayed, is Bogus: a `one-resolver` witness in a validating resolver, an `any-cache`
//! witness in a validator behind a cache that does not validate. The other way round – a concrete
//! resolver never gets Bogus where the oracle says safe – is checked in every run, and an internal
//! error if it fails.

use counterpoint_dns::oracle::{Property, Quantifier};
use counterpoint_scenarios::run::replay::{Replayed, replay_all};

use crate::{library, read};

#[test]
fn every_witness_of_the_library_fails_in_a_resolver() {
    let (mut one, mut any) = (0, 0);
    for path in library() {
        for case in replay_all(&read(&path)) {
            let what = format!("{} {:?}", path.display(), case.violation);
            assert_eq!(case.violation.property, Property::Secure, "{what}");
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
