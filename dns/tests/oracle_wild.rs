//! Histories come from outside too: none may make the oracle panic, whatever it holds.

use std::{collections::BTreeMap, time::Duration};

use counterpoint_dns::{
    oracle::{
        NsView, Profile,
        history::{
            Address, Answer, Ds, History, Instance, InstanceId, Key, KeyId, Side, Signature, Span,
            Version,
        },
        judge, slack,
    },
    time::Timestamp,
};
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

fn instant() -> impl Strategy<Value = Timestamp> {
    let edges = [0, 1, 999_999_999, 1_000_000_000, 5_000_000_001];
    let edges: Vec<i64> = edges
        .into_iter()
        .flat_map(|edge| [edge, -edge, i64::MIN + edge, i64::MAX - edge])
        .collect();
    select(edges).prop_map(Timestamp::from_nanos)
}

fn span() -> impl Strategy<Value = Duration> {
    let (nano, second) = (Duration::from_nanos(1), Duration::from_secs(1));
    select(vec![
        Duration::ZERO,
        nano,
        second,
        5 * second,
        Duration::from_secs(1 << 32),
        Duration::MAX - nano,
        Duration::MAX,
    ])
}

fn version<C: Clone + std::fmt::Debug>(
    content: impl Strategy<Value = C>,
) -> impl Strategy<Value = Version<C>> {
    let signature = (0_u32..4, instant(), instant());
    let signature = signature.prop_map(|(key, inception, expiration)| Signature {
        key: KeyId(key),
        inception,
        expiration,
    });
    let signatures = vec(signature, 0..4);
    (0_u32..5, instant(), instant(), span(), signatures, content).prop_map(
        |(instance, from, until, ttl, signatures, content)| Version {
            instance: InstanceId(instance),
            from,
            until,
            ttl,
            signatures,
            content,
        },
    )
}

fn history() -> impl Strategy<Value = History> {
    let ds = (0_u32..4, 12_u8..15, 0_u8..5).prop_map(|(key, algorithm, digest_type)| Ds {
        key: Some(KeyId(key)),
        algorithm,
        digest_type,
    });
    let trouble = || {
        let span = (0_u32..5, instant(), instant());
        let span = span.prop_map(|(instance, from, until)| Span {
            instance: InstanceId(instance),
            from,
            until,
        });
        vec(span, 0..3)
    };
    (
        vec(version(vec(ds, 0..3)), 0..4),
        vec(version(vec((0_u32..4).prop_map(KeyId), 0..5)), 0..4),
        vec(
            version(Just(Answer {
                example: "example.test. SOA".into(),
            })),
            0..4,
        ),
        (
            vec(version(vec((0_u32..5).prop_map(InstanceId), 0..4)), 0..5),
            vec(version(vec((0_u32..5).prop_map(InstanceId), 0..4)), 0..3),
        ),
        (trouble(), trouble()),
        proptest::option::of((instant(), instant())),
    )
        .prop_map(
            |(ds, dnskey, answers, (ns, addresses), (lame, outages), must_be_secure)| History {
                zone: "example.test.".into(),
                instances: [Side::Parent, Side::Child, Side::Child, Side::Child]
                    .map(|side| Instance {
                        name: "one".into(),
                        side,
                    })
                    .into(),
                keys: [13, 13, 14]
                    .map(|algorithm| Key {
                        label: "key".into(),
                        algorithm,
                        usable: true,
                    })
                    .into(),
                ds,
                dnskey,
                answers,
                catalogues: Vec::new(),
                addresses: addresses
                    .into_iter()
                    .map(|version| Version {
                        instance: version.instance,
                        from: version.from,
                        until: version.until,
                        ttl: version.ttl,
                        signatures: version.signatures,
                        content: Address {
                            of: InstanceId(1),
                            leads_to: version.content,
                        },
                    })
                    .collect(),
                ns,
                lame,
                outages,
                must_be_secure,
            },
        )
}

#[test]
fn no_history_makes_the_oracle_panic() {
    let config = Config {
        cases: 20_000,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let told = std::cell::RefCell::new(BTreeMap::new());
    let drawn = (history(), instant(), instant(), span(), span());
    let outcome = runner.run(&drawn, |(history, from, until, cap, floor)| {
        let mut odd = Profile::strict_ds().viewed(NsView::ParentCentric);
        (odd.ttl_cap, odd.ttl_floor) = (Some(cap), floor);
        for profile in [Profile::liberal(), Profile::strict_dnskey(), odd] {
            slack(&history, &profile, from, until);
            for (from, until) in [(from, until), (Timestamp::MIN, Timestamp::MAX)] {
                for violation in judge(&history, &profile, from, until).violations {
                    let prose = violation.prose(&history, from);
                    prop_assert!(prose.starts_with("example.test. "));
                    prop_assert!(violation.from < violation.until);
                    *told.borrow_mut().entry(violation.property).or_insert(0) += 1;
                }
            }
        }
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    let told = told.into_inner();
    println!("{told:?}");
    assert!(told.len() == 3 && told.values().all(|&count| count > 500));
}
