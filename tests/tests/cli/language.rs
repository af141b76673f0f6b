//! Files load, and mean what the manual says.

use std::time::Duration;

use counterpoint_dns::{
    name::{RecordType, parse_name},
    stream::stream,
    time::Timestamp,
};
use counterpoint_scenarios::{
    load::{load, load_with},
    scenario::{signer::Nsec3, time::Skew, *},
};

/// The scenario of this text; panics with every diagnostic rendered.
pub fn scenario(text: &str) -> Scenario {
    load("test.toml", text).unwrap_or_else(|mistakes| {
        let rendered: Vec<String> = mistakes.iter().map(|m| m.render(false)).collect();
        panic!("{}", rendered.join("\n"))
    })
}

const SMALLEST: &str = r#"
title = "beta joins alpha"
[[signer]]
name = "alpha"
[[signer]]
name = "beta"
[[zone]]
name = "example.test."
signers = ["alpha"]
[[event]]
at = "1h"
do = "join"
zone = "example.test."
signer = "beta"
[expect]
verdict = "safe"
signers = ["alpha", "beta"]
"#;

#[test]
fn the_smallest_useful_file_loads() {
    let found = scenario(SMALLEST);
    let zone = parse_name("example.test.").unwrap();
    assert_eq!(found.title, "beta joins alpha");
    assert_eq!(
        found.signers,
        [Signer::named("alpha"), Signer::named("beta")]
    );
    let expected = Zone {
        name: zone.clone(),
        signers: vec!["alpha".into()],
        ..Zone::default()
    };
    assert_eq!(found.zones, [expected]);
    let join = Event {
        number: 1,
        at: Duration::from_secs(3_600),
        zone,
        what: What::Join {
            signer: "beta".into(),
        },
    };
    assert_eq!(found.events, [join]);
    assert_eq!(found.expect.verdict(), Verdict::Safe);
    assert_eq!(scenario(&found.to_toml()), found);
}

const FULL: &str = include_str!("full.toml");
const RICH: &str = include_str!("rich.toml");

/// A time to live in seconds.
fn ttl(seconds: u32) -> Ttl {
    Ttl::from_seconds(seconds)
}

/// So many minutes.
fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

#[test]
fn every_default_is_the_manuals() {
    let found = scenario(
        "[[signer]]\nname = \"alpha\"\n[[zone]]\nname = \"example.test.\"\nsigners = [\"alpha\"]\n",
    );
    let parent = Parent {
        zone: parse_name("test.").unwrap(),
        servers: 2,
        algorithm: Algorithm::Ed25519,
        denial: Denial::Nsec,
        ds_ttl: ttl(3_600),
        ns_ttl: ttl(86_400),
        negative_ttl: ttl(900),
        propagation: Range::new(Duration::ZERO, Duration::from_secs(30)),
    };
    let scanner = Scanner {
        enabled: true,
        interval: minutes(10),
        publish_delay: Range::new(Duration::ZERO, minutes(5)),
        cds: true,
        csync: true,
        notify: true,
        bootstrap: Bootstrap::Authenticated,
        hold_down: minutes(72 * 60),
        continuity: Continuity::Strict,
        retry: vec![minutes(5), minutes(10), minutes(20), minutes(40)],
        ds_ttl_after_change: Duration::ZERO,
        brakes: false,
        sabotage: vec![],
    };
    let controller = Controller {
        enabled: true,
        poll: minutes(1),
        safety: Safety::Percent(10),
        parent_settle: None,
        cds_after: CdsAfter::Keep,
        signature_validity: minutes(14 * 24 * 60),
        resign_before: minutes(7 * 24 * 60),
        ksk_roll: KskRoll::Swap,
        guard: true,
        sabotage: vec![],
    };
    let alpha = Signer {
        name: "alpha".into(),
        servers: Servers::Count(2),
        names_in: None,
        signal: false,
        interface: Interface::Ddns,
        limits: Vec::new(),
        keys: KeyLayout::KskZsk,
        algorithm: Algorithm::Ed25519,
        denial: Denial::Nsec,
        nsec3: Nsec3 {
            iterations: 0,
            salt: String::new(),
        },
        dnskey_ttl: ttl(3_600),
        ns_ttl: ttl(86_400),
        default_ttl: ttl(3_600),
        max_ttl: ttl(86_400),
        negative_ttl: ttl(900),
        signature_validity: minutes(14 * 24 * 60),
        resign_before: minutes(3 * 24 * 60),
        resign_jitter: Duration::ZERO,
        propagation: Range::new(Duration::ZERO, Duration::from_secs(10)),
        clock_skew: Skew::default(),
        quirks: vec![],
        hsm: Hsm {
            latency: Duration::ZERO,
        },
    };
    let zone = Zone {
        name: parse_name("example.test.").unwrap(),
        model: Model::Two,
        soa: Default::default(),
        signers: vec!["alpha".into()],
        group: None,
        primary: None,
        ksk_holder: "owner".into(),
        secure: true,
        records: vec![],
        dynamic: vec![],
    };
    let resolver = |name: &str| Resolver {
        name: name.into(),
        profile: None,
        query_every: minutes(10),
        give_up: GiveUp {
            tries: 8,
            total: Duration::from_secs(10),
        },
        stub_timeout: Duration::from_secs(5),
        names: vec![],
        ns: None,
        validation: None,
        strictness: None,
        digests: None,
        ttl_max: None,
        ttl_min: None,
        negative_ttl_max: None,
        serve_stale: None,
        prefetch: None,
        aggressive_nsec: None,
        selection: None,
        bogus_tries: None,
        failure_ttl: None,
        bogus_ttl: None,
        skew: None,
        bad_signatures: None,
    };
    let expected = Scenario {
        title: String::new(),
        source: String::new(),
        seed: 1,
        start: Timestamp::from_seconds(1_767_225_600),
        duration: None,
        parent,
        scanner,
        controller,
        signers: vec![alpha],
        groups: vec![],
        zones: vec![zone],
        judge: Judge {
            profiles: vec![Profile::Liberal, Profile::StrictDs],
            quantifier: Quantifier::AnyCache,
        },
        resolvers: ["parent-centric", "child-centric", "behind-cache"]
            .map(resolver)
            .into(),
        events: vec![],
        faults: vec![],
        expect: Expect {
            verdict: None,
            violations: None,
            signers: None,
            within: None,
            parent: None,
            reasons: vec![],
            sometimes: vec![],
        },
    };
    assert_eq!(found, expected);
    assert_eq!(found.start.to_string(), "2026-01-01T00:00:00Z");
    assert_eq!(found.parent_settle(), minutes(15));
    assert_eq!(found.expect.verdict(), Verdict::Safe);
    let profiles = found
        .resolvers
        .iter()
        .map(|resolver| resolver.profile().name());
    assert!(profiles.eq(["parent-centric", "child-centric", "behind-cache"]));
    let servers = found.server_names(&found.signers[0], &found.zones[0].name);
    let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
    assert_eq!(servers, ["ns1.alpha.test.", "ns2.alpha.test."]);
}

#[test]
fn a_default_may_be_written_out() {
    let mut full = scenario(FULL);
    let what = |number: usize| full.events[number].what.clone();
    assert_eq!(
        what(0),
        What::ControllerCrash {
            lasting: minutes(10)
        }
    );
    assert_eq!(
        what(1),
        What::PublishCds {
            at_signers: None,
            of: None,
            types: vec![CdsType::Cds, CdsType::Cdnskey],
            digests: vec![Digest::Sha256],
            delete: false,
            malformed: false,
            signed_by: None,
        }
    );
    let types = vec![RecordType::NS, RecordType::A, RecordType::AAAA];
    assert_eq!(
        what(2),
        What::PublishCsync {
            at_signers: None,
            flags: CsyncFlags(3),
            serial: None,
            types
        }
    );
    assert_eq!(
        what(3),
        What::SetDs {
            of: vec!["alpha".into()],
            digests: vec![Digest::Sha256]
        }
    );
    let expected = Fault {
        number: 1,
        from: Duration::ZERO,
        until: None,
        kind: FaultKind::Dead,
        target: Target::Instance("alpha".into(), 1),
    };
    assert_eq!(full.faults, [expected]);
    assert_eq!(scenario(&full.to_toml()), full);
    // All the rest is the same as if nothing had been said.
    (full.events, full.faults, full.expect.verdict) = (vec![], vec![], None);
    let short = full.to_toml();
    assert_eq!(
        short,
        "[[signer]]\nname = \"alpha\"\n\n[[zone]]\nname = \"example.test.\"\nsigners = [\"alpha\"]\n"
    );
}

#[test]
fn every_shape_of_value_is_read_and_printed() {
    let rich = scenario(RICH);
    insta::assert_snapshot!("rich", rich.to_toml());
    assert_eq!(scenario(&rich.to_toml()), rich);
    assert_eq!(rich.duration, Some(minutes((9 * 24 + 3) * 60)));
    let zone = &rich.zones[0];
    assert_eq!(zone.signers, ["alpha", "beta"], "the group's");
    let sets = rrsets(&zone.records, &zone.name, ttl(3_600));
    let text: Vec<String> = sets.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!("rich_records", text.join("\n"));
}

#[test]
fn an_override_changes_what_the_file_says() {
    let sets = [
        "signer.beta.dnskey-ttl=12h",
        "parent.ds-ttl=1d",
        "controller.guard=false",
        "zone.\"example.test.\".records=[\"www A 192.0.2.1\"]",
        "seed=7",
        "event.1.at=2h",
        "title=no quotes needed",
        "signer.1.servers=3",
        "expect.verdict='unsafe'",
        "start=2026-05-05T00:00:00Z",
    ]
    .map(String::from);
    let found = load_with("test.toml", SMALLEST, &sets).unwrap();
    let mut expected = scenario(SMALLEST);
    expected.signers[1].dnskey_ttl = ttl(43_200);
    expected.parent.ds_ttl = ttl(86_400);
    expected.controller.guard = false;
    expected.zones[0].records = vec![Record::parse("www A 192.0.2.1").unwrap()];
    expected.seed = 7;
    expected.events[0].at = minutes(120);
    expected.title = "no quotes needed".into();
    expected.signers[0].servers = Servers::Count(3);
    expected.expect.verdict = Some(Verdict::Unsafe);
    expected.start = Timestamp::from_seconds(1_777_939_200);
    assert_eq!(found, expected);
}

#[test]
fn a_range_is_drawn_from_its_stream() {
    let range = Range::new(Duration::from_secs(1), Duration::from_secs(3));
    let mut draws = (stream(1, "a"), stream(1, "a"), stream(2, "a"));
    for _ in 0..100 {
        let draw = range.draw(&mut draws.0);
        assert!(range.contains(draw));
        assert_eq!(draw, range.draw(&mut draws.1));
    }
    let differ = (0..100).any(|_| range.draw(&mut draws.0) != range.draw(&mut draws.2));
    assert!(differ, "another seed, other draws");
    assert_eq!(Range::exactly(minutes(1)).draw(&mut draws.0), minutes(1));
}
