//! Printing a scenario and reading it again gives the same scenario; and no text makes the loader
//! panic.

use std::time::Duration;

use counterpoint_dns::name::{Name, RecordType, parse_name};
use counterpoint_scenarios::{load::load, scenario::*};
use proptest::{collection::vec, option, prelude::*, sample::select};

const SIGNERS: [&str; 4] = ["alpha", "beta", "gamma", "delta"];
const ZONES: [&str; 3] = ["a.example.", "b.example.", "xn--c-1ga.example."];

/// Spans of every grain.
fn span() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (1..5_000_000_u64).prop_map(Duration::from_secs),
        (1..5_000_000_000_000_u64).prop_map(Duration::from_nanos),
        (1..60_u64).prop_map(|days| Duration::from_secs(days * 86_400)),
    ]
}

fn range() -> impl Strategy<Value = Range> {
    (span(), span()).prop_map(|(a, b)| Range::new(a.min(b), a.max(b)))
}

fn ttl() -> impl Strategy<Value = Ttl> {
    any::<u32>().prop_map(Ttl::from_seconds)
}

fn zone_name() -> impl Strategy<Value = Name> {
    select(&ZONES[..]).prop_map(|name| parse_name(name).unwrap())
}

fn signer_name() -> impl Strategy<Value = String> {
    select(&SIGNERS[..]).prop_map(String::from)
}

fn some_signers() -> impl Strategy<Value = Vec<String>> {
    proptest::sample::subsequence(&SIGNERS[..], 1..=SIGNERS.len())
        .prop_map(|names| names.into_iter().map(String::from).collect())
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{0,20}", any::<String>()]
}

fn written(name: &str) -> WrittenName {
    WrittenName::parse(name).unwrap()
}

fn record() -> impl Strategy<Value = Record> {
    let data = prop_oneof![
        any::<[u8; 4]>().prop_map(|octets| Data::Address(octets.into())),
        any::<[u8; 16]>().prop_map(|octets| Data::Address(octets.into())),
        vec("[ -~]{0,30}", 1..3).prop_map(Data::Text),
        any::<u16>().prop_map(|number| Data::Mail(number, written("@"))),
        any::<[u16; 3]>().prop_map(|numbers| Data::Service(numbers, written("host.example.org."))),
    ];
    let owner = select(&["@", "www", "_sip._udp", "*", "Mixed.Case"][..]);
    (owner, option::of(ttl()), data).prop_map(|(owner, ttl, data)| {
        let owner = written(owner);
        Record { owner, ttl, data }
    })
}

fn signer(name: &'static str) -> impl Strategy<Value = Signer> {
    let keys = select(KeyLayout::ALL);
    let algorithm = select(&[Algorithm::Ed25519, Algorithm::Ecdsap256sha256][..]);
    (
        1..=64_u32,
        keys,
        algorithm,
        [ttl(), ttl(), ttl(), ttl(), ttl()],
        range(),
        span(),
    )
        .prop_map(
            move |(servers, keys, algorithm, ttls, propagation, margin)| Signer {
                servers: Servers::Count(servers),
                keys,
                algorithm,
                dnskey_ttl: ttls[0],
                ns_ttl: ttls[1],
                default_ttl: ttls[2],
                max_ttl: ttls[3],
                negative_ttl: ttls[4],
                propagation,
                resign_before: margin,
                signature_validity: margin + Duration::from_secs(1),
                ..Signer::named(name)
            },
        )
}

/// Events that make sense whatever came before.
fn what() -> impl Strategy<Value = What> {
    let at = || option::of(some_signers());
    prop_oneof![
        Just(What::ControllerStop {}),
        Just(What::ControllerStart {}),
        Just(What::ScanNow {}),
        span().prop_map(|lasting| What::ControllerCrash { lasting }),
        signer_name().prop_map(|signer| What::StopSigning { signer }),
        (signer_name(), at()).prop_map(|(from, at_signers)| What::ImportDnskey {
            from,
            at_signers,
            keys: Keys::All
        }),
        (at(), at(), select(CdsType::ALL)).prop_map(|(at_signers, of, cds)| What::PublishCds {
            at_signers,
            of,
            types: vec![cds],
            digests: vec![Digest::Sha256],
            delete: false,
            malformed: false,
            signed_by: Some(KeyKind::Zsk),
        }),
        at().prop_map(|at_signers| What::PublishCds {
            at_signers,
            of: None,
            types: vec![CdsType::Cds],
            digests: vec![Digest::Sha256],
            delete: true,
            malformed: true,
            signed_by: None,
        }),
        (at(), any::<u16>(), option::of(any::<u32>())).prop_map(|(at_signers, flags, serial)| {
            What::PublishCsync {
                at_signers,
                flags: CsyncFlags(flags),
                serial,
                types: vec![RecordType::NS],
            }
        }),
        (at(), some_signers()).prop_map(|(at_signers, signers)| What::SetNs {
            at_signers,
            signers
        }),
        (some_signers(), select(Digest::ALL)).prop_map(|(of, digest)| What::SetDs {
            of,
            digests: vec![digest]
        }),
        (at(), vec(record(), 1..3)).prop_map(|(at_signers, records)| What::SetRrset {
            at_signers,
            records
        }),
        (at(), ttl()).prop_map(|(at_signers, ttl)| What::SetTtl {
            at_signers,
            at_parent: false,
            rtype: RecordType::Unknown(65_280),
            ttl,
        }),
    ]
}

fn fault() -> impl Strategy<Value = (Duration, Option<Duration>, FaultKind, Target)> {
    let kind = prop_oneof![
        Just(FaultKind::Dead),
        Just(FaultKind::Stale),
        Just(FaultKind::Partition),
        Just(FaultKind::Truncate),
        Just(FaultKind::Reorder),
        Just(FaultKind::Duplicate),
        Just(FaultKind::Forge),
        select(Rcode::ALL).prop_map(FaultKind::Rcode),
        range().prop_map(FaultKind::Latency),
        (0..=1_000_000_u32).prop_map(|per_million| FaultKind::Loss(Rate { per_million })),
    ];
    let target = prop_oneof![
        signer_name().prop_map(Target::Signer),
        signer_name().prop_map(|name| Target::Instance(name, 1)),
        Just(Target::ParentInstance(2)),
    ];
    let replays = any::<bool>();
    let all = (span(), option::of(span()), kind, target, replays);
    all.prop_map(|(from, lasts, kind, target, replays)| {
        let kind = match replays {
            true => FaultKind::Replay(from / 2),
            false => kind,
        };
        (from, lasts.map(|lasts| from + lasts), kind, target)
    })
}

fn head() -> impl Strategy<Value = Scenario> {
    (
        text(),
        text(),
        0..=i64::MAX as u64,
        range(),
        range(),
        option::of(span()),
        vec(span(), 0..3),
    )
        .prop_map(
            |(title, source, seed, propagation, publish_delay, settle, retry)| {
                let mut scenario = Scenario {
                    title,
                    source,
                    seed,
                    ..Scenario::default()
                };
                scenario.parent.zone = parse_name("example.").unwrap();
                scenario.parent.propagation = propagation;
                scenario.scanner.publish_delay = publish_delay;
                scenario.scanner.retry = retry;
                scenario.controller.parent_settle = settle;
                scenario
            },
        )
}

prop_compose! {
    fn scenarios()(
        mut scenario in head(),
        signers in SIGNERS.map(signer),
        members in [some_signers(), some_signers(), some_signers()],
        records in vec(record(), 0..4),
        count in 1..=3_usize,
        events in vec((span(), zone_name(), what()), 0..6),
        faults in vec(fault(), 0..3),
        bound in option::of(span()),
    ) -> Scenario {
        scenario.signers = signers.into();
        scenario.zones = ZONES[..count]
            .iter()
            .zip(members)
            .map(|(name, signers)| Zone {
                name: parse_name(name).unwrap(),
                signers,
                records: records.clone(),
                ..Zone::default()
            })
            .collect();
        let zones: Vec<Name> = scenario.zones.iter().map(|zone| zone.name.clone()).collect();
        scenario.events = events
            .into_iter()
            .filter(|(_, zone, what)| !what.has_zone() || zones.contains(zone))
            .enumerate()
            .map(|(index, (at, zone, what))| Event {
                number: index + 1,
                at,
                zone: if what.has_zone() { zone } else { Name::root() },
                what,
            })
            .collect();
        scenario.faults = faults
            .into_iter()
            .enumerate()
            .map(|(index, (from, until, kind, target))| Fault { number: index + 1, from, until, kind, target })
            .filter(|fault| !matches!(fault.target, Target::Instance(..)) || fault.kind != FaultKind::Stale)
            .enumerate()
            .map(|(index, fault)| Fault { number: index + 1, ..fault })
            .collect();
        scenario.expect.within = bound;
        scenario
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_reads_back_the_same(scenario in scenarios()) {
        let text = scenario.to_toml();
        match load("printed.toml", &text) {
            Ok(read) => prop_assert_eq!(read, scenario),
            Err(mistakes) => {
                let told: Vec<String> = mistakes.iter().map(|mistake| mistake.render(false)).collect();
                prop_assert!(false, "{}\n{text}", told.join("\n"));
            }
        }
    }

    #[test]
    fn no_text_makes_the_loader_panic(
        at in any::<prop::sample::Index>(),
        length in 0..12_usize,
        instead in prop_oneof!["[ -~]{0,8}", any::<String>(), Just("[[x]]\n".to_owned()), Just("= \"-1h\"".to_owned())],
        set in prop_oneof!["[a-z.\"0-9]{0,12}=[ -~]{0,9}", any::<String>()],
    ) {
        let text: Vec<char> = include_str!("rich.toml").chars().collect();
        let start = at.index(text.len());
        let end = (start + length).min(text.len());
        let changed: String = text[..start].iter().copied().chain(instead.chars()).chain(text[end..].iter().copied()).collect();
        let loaded = counterpoint_scenarios::load::load_with("changed.toml", &changed, &[set]);
        if let Err(mistakes) = loaded {
            prop_assert!(!mistakes.is_empty());
            for mistake in mistakes {
                prop_assert!(!mistake.render(false).is_empty());
            }
        }
    }
}
