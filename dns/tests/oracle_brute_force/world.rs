//! Small random histories: whole seconds, short TTLs, few servers, many accidents.

use std::time::Duration;

use counterpoint_dns::{
    oracle::history::{
        Address, Answer, Ds, History, Instance, InstanceId, Key, KeyId, Side, Signature, Span,
        Version,
    },
    time::Timestamp,
};
use proptest::{collection::vec, option::weighted, prelude::*, sample::subsequence};

/// The last second at which anything that ends at all begins.
const LAST: i64 = 14;
const PARENTS: u32 = 2;
const KEYS: u32 = 4;

/// Any small history.
pub fn history() -> impl Strategy<Value = History> {
    (1..=PARENTS, 1_u32..=3).prop_flat_map(|(parents, children)| {
        let all = parents + children;
        let child = move || parents..all;
        let keys = vec(
            (prop_oneof![4 => Just(13_u8), 1 => Just(8)], weight(9, 1)),
            4,
        );
        let records = (
            vec(version(0..parents, signatures(), ds()), 1..4),
            vec(version(child(), signatures(), dnskey()), 1..4),
            vec(version(child(), signatures(), answer()), 1..4),
        );
        // The delegation stands for most of the time, so that there is something to break.
        let delegation = version(0..parents, none(), names(parents, all)).prop_map(|mut ns| {
            ns.from = Timestamp::MIN;
            ns
        });
        let ns = (
            weighted(0.8, delegation),
            vec(version(0..all, none(), names(parents, all)), 0..4),
        );
        let troubles = (
            vec(span(child()), 0..3),
            vec(span(child()), 0..3),
            weighted(0.7, (0_i64..12, 1_i64..12)),
        );
        let addresses = prop_oneof![
            2 => Just(Vec::new()),
            3 => vec(version(0..all, none(), address(parents, all)), 1..5),
        ];
        (keys, records, (ns, addresses), troubles).prop_map(
            move |(keys, (ds, dnskey, answers), (ns, addresses), (lame, outages, must))| {
                let (delegation, more) = ns;
                let instance = |number| Instance {
                    name: format!("instance {number}"),
                    side: if number < parents {
                        Side::Parent
                    } else {
                        Side::Child
                    },
                };
                let key = |(number, (algorithm, usable))| Key {
                    label: format!("key {number}"),
                    algorithm,
                    usable,
                };
                let second = Timestamp::from_seconds;
                History {
                    zone: "example.test.".into(),
                    instances: (0..all).map(instance).collect(),
                    ds: matched(ds, &keys),
                    keys: keys.into_iter().enumerate().map(key).collect(),
                    dnskey,
                    answers,
                    catalogues: Vec::new(),
                    ns: delegation.into_iter().chain(more).collect(),
                    addresses,
                    lame,
                    outages,
                    must_be_secure: must.map(|(from, long)| (second(from), second(from + long))),
                }
            },
        )
    })
}

/// Most DS name the algorithm of their key.
fn matched(mut versions: Vec<Version<Vec<Ds>>>, keys: &[(u8, bool)]) -> Vec<Version<Vec<Ds>>> {
    for ds in versions.iter_mut().flat_map(|version| &mut version.content) {
        if let (Some(KeyId(key)), 0) = (ds.key, ds.algorithm) {
            ds.algorithm = keys[key as usize].0;
        }
    }
    versions
}

fn weight(yes: u32, no: u32) -> impl Strategy<Value = bool> {
    prop_oneof![yes => Just(true), no => Just(false)]
}

fn version<C: Clone + std::fmt::Debug>(
    instances: std::ops::Range<u32>,
    signatures: impl Strategy<Value = Vec<Signature>>,
    content: impl Strategy<Value = C>,
) -> impl Strategy<Value = Version<C>> {
    (instances, served(), 0_u64..=6, signatures, content).prop_map(
        |(instance, (from, until), ttl, signatures, content)| Version {
            instance: InstanceId(instance),
            from,
            until,
            ttl: Duration::from_secs(ttl),
            signatures,
            content,
        },
    )
}

fn served() -> impl Strategy<Value = (Timestamp, Timestamp)> {
    let second = Timestamp::from_seconds;
    (0..=LAST, 0_i64..10, weight(1, 2), weight(1, 3)).prop_map(
        move |(from, long, always, for_ever)| {
            (
                if always { Timestamp::MIN } else { second(from) },
                if for_ever {
                    Timestamp::MAX
                } else {
                    second(from + long)
                },
            )
        },
    )
}

fn span(instances: std::ops::Range<u32>) -> impl Strategy<Value = Span> {
    (instances, 0..=LAST, 1_i64..10).prop_map(|(instance, from, long)| Span {
        instance: InstanceId(instance),
        from: Timestamp::from_seconds(from),
        until: Timestamp::from_seconds(from + long),
    })
}

fn none() -> impl Strategy<Value = Vec<Signature>> {
    Just(Vec::new())
}

/// By most keys, mostly for ever.
fn signatures() -> impl Strategy<Value = Vec<Signature>> {
    let always = Just((Timestamp::MIN, Timestamp::MAX));
    let second = Timestamp::from_seconds;
    let spell = (0_i64..8, 0_i64..12, weight(2, 1)).prop_map(move |(from, long, old)| {
        let inception = if old { Timestamp::MIN } else { second(from) };
        (inception, second(from + long))
    });
    let window = prop_oneof![3 => always, 1 => spell];
    let many = subsequence((0..KEYS).collect::<Vec<_>>(), 2..=KEYS as usize);
    let few = subsequence((0..KEYS).collect::<Vec<_>>(), 0..=2);
    let by = prop_oneof![5 => many, 1 => few];
    (by, vec(window, KEYS as usize)).prop_map(|(keys, windows)| {
        let signature = |(key, (inception, expiration))| Signature {
            key: KeyId(key),
            inception,
            expiration,
        };
        keys.into_iter().zip(windows).map(signature).collect()
    })
}

/// Algorithm 0 stands for that of the key.
fn ds() -> impl Strategy<Value = Vec<Ds>> {
    let key = weighted(0.9, (0..KEYS).prop_map(KeyId));
    let algorithm = prop_oneof![8 => Just(0_u8), 1 => Just(13), 1 => Just(8), 1 => Just(99)];
    let digest_type = prop_oneof![4 => Just(2_u8), 1 => Just(1), 1 => Just(4), 1 => Just(3)];
    let one = (key, algorithm, digest_type).prop_map(|(key, algorithm, digest_type)| Ds {
        algorithm: match key {
            None if algorithm == 0 => 13,
            _ => algorithm,
        },
        key,
        digest_type,
    });
    prop_oneof![4 => vec(one, 1..4), 1 => Just(Vec::new())]
}

fn dnskey() -> impl Strategy<Value = Vec<KeyId>> {
    let all: Vec<KeyId> = (0..KEYS).map(KeyId).collect();
    prop_oneof![3 => Just(all.clone()), 2 => subsequence(all, 0..=KEYS as usize)]
}

fn answer() -> impl Strategy<Value = Answer> {
    Just(Answer {
        example: "www.example.test. A".into(),
    })
}

fn address(parents: u32, all: u32) -> impl Strategy<Value = Address> {
    let child = (parents..all).prop_map(InstanceId);
    (child, names(parents, all)).prop_map(|(of, leads_to)| Address { of, leads_to })
}

fn names(parents: u32, all: u32) -> impl Strategy<Value = Vec<InstanceId>> {
    let children: Vec<InstanceId> = (parents..all).map(InstanceId).collect();
    let most = children.len();
    prop_oneof![
        12 => subsequence(children, 1..=most),
        1 => Just(Vec::new()),
    ]
}
