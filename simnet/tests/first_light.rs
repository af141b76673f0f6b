//! A small world answers as real servers do, and its history is what happened.

use std::time::Duration;

use counterpoint_dns::{
    key::Algorithm,
    message::{Question, Reply, ResponseCode, query},
    name::{Name, RecordType, parse_name},
    oracle::{Profile, history::History, judge},
    rdata::Rdata,
    signature::Verifier,
    time::Timestamp,
    validate::{Policy, by_keys, dnskey_by_ds, ds_of},
};
use counterpoint_simnet::{
    by_hand::Keys,
    keys::KeyKind,
    net::Net,
    topology::{NamesIn, ParentPlan, SignerPlan, Stage, Topology, ZonePlan},
    world::Occurrence,
};

fn name(text: &str) -> Name {
    parse_name(text).unwrap()
}

fn signer(label: &str) -> SignerPlan {
    SignerPlan {
        name: label.into(),
        hosts: vec!["ns1".into(), "ns2".into()],
        names_in: NamesIn::Zone(name(&format!("{label}.test."))),
        signal: false,
        is_csk: false,
        algorithm: Algorithm::Ed25519,
        denial: Default::default(),
        dnskey_ttl: 3_600,
        ns_ttl: 3_600,
        default_ttl: 3_600,
        negative_ttl: 900,
        signing_time: Duration::ZERO,
        validity: Duration::from_secs(14 * 86_400),
        resign_before: Duration::from_secs(3 * 86_400),
        resign_jitter: Duration::ZERO,
        clock: counterpoint_simnet::clock::Skew::NONE,
        habits: Default::default(),
        propagation: Duration::ZERO..=Duration::from_secs(10),
    }
}

fn stage(serving: &[&str]) -> Stage {
    let zone = name("example.test.");
    let www = name("www.example.test.");
    Stage::new(Topology {
        seed: 1,
        start: Timestamp::from_seconds(1_767_225_600),
        parent: ParentPlan {
            zone: name("test."),
            servers: 2,
            algorithm: Algorithm::Ed25519,
            denial: Default::default(),
            ds_ttl: 3_600,
            ns_ttl: 86_400,
            negative_ttl: 900,
            propagation: Duration::ZERO..=Duration::from_secs(30),
            notify: None,
        },
        signers: vec![signer("alpha"), signer("beta")],
        zones: vec![ZonePlan {
            name: zone,
            signers: serving.iter().map(ToString::to_string).collect(),
            is_secure: true,
            has_cds: false,
            owner: None,
            source: None,
            shares_keys: false,
            timers: Default::default(),
            choices: Vec::new(),
            records: vec![(
                www,
                None,
                RecordType::A,
                Rdata::address([192, 0, 2, 1].into()),
            )],
        }],
    })
}

fn ask(stage: &mut Stage, operator: usize, qname: &str, rtype: RecordType) -> Reply {
    let octets = query(7, &Question::new(name(qname), rtype));
    let answer = stage
        .world
        .ask_directly(Net::default().instance(operator, 0), &octets)
        .unwrap();
    Reply::parse(&answer).unwrap()
}

fn run_until_quiet(stage: &mut Stage, hours: u64) {
    let until = stage.world.now() + Duration::from_secs(hours * 3_600);
    let occurrence: Option<Occurrence<()>> = stage.world.step(until);
    assert!(occurrence.is_none(), "nobody is seated: {occurrence:?}");
    stage.world.rest_until(until);
}

fn verdicts(history: &History, stage: &Stage) -> usize {
    let start = stage.world.since();
    judge(history, &Profile::liberal(), start, stage.world.now())
        .violations
        .len()
}

#[test]
fn the_chain_from_the_root_to_www_holds() {
    let mut stage = stage(&["alpha"]);
    let now = stage.world.now();
    let mut verifier = Verifier::default();
    let policy = Policy::default();
    let mut ds = stage.trust_anchor();
    for (operator, zone, child) in [(0, ".", Some("test.")), (1, "test.", Some("example.test."))] {
        let zone_name = name(zone);
        let dnskey = ask(&mut stage, operator, zone, RecordType::DNSKEY)
            .answer
            .remove(0);
        let keys = dnskey_by_ds(&zone_name, &ds, &dnskey, &policy, now, &mut verifier).unwrap();
        let referral = ask(&mut stage, operator, "www.example.test.", RecordType::A);
        assert!(!referral.authoritative && referral.answer.is_empty());
        let child = name(child.unwrap());
        let set = referral
            .authority
            .iter()
            .find(|signed| signed.set.rtype == RecordType::DS);
        let set = set.expect("the referral carries the DS");
        assert_eq!(set.set.name, child);
        by_keys(&zone_name, &keys, set, now, &mut verifier).unwrap();
        ds = ds_of(set);
    }
    let zone = name("example.test.");
    let dnskey = ask(&mut stage, 2, "example.test.", RecordType::DNSKEY)
        .answer
        .remove(0);
    let keys = dnskey_by_ds(&zone, &ds, &dnskey, &policy, now, &mut verifier).unwrap();
    let www = ask(&mut stage, 2, "www.example.test.", RecordType::A)
        .answer
        .remove(0);
    by_keys(&zone, &keys, &www, now, &mut verifier).unwrap();
    let nope = ask(&mut stage, 2, "nope.example.test.", RecordType::A);
    assert_eq!(nope.rcode, ResponseCode::NXDomain);
    assert!(
        nope.authority
            .iter()
            .any(|signed| signed.set.rtype == RecordType::NSEC)
    );
    let insecure = ask(&mut stage, 1, "ns1.alpha.test.", RecordType::A);
    assert!(
        insecure
            .authority
            .iter()
            .any(|signed| signed.set.rtype == RecordType::NSEC)
    );
    let refused = ask(&mut stage, 3, "www.example.test.", RecordType::A);
    assert_eq!(refused.rcode, ResponseCode::Refused);
}

#[test]
fn two_signers_set_up_for_model_2_are_safe_for_two_months() {
    let mut stage = stage(&["alpha", "beta"]);
    run_until_quiet(&mut stage, 60 * 24);
    let history = stage.world.recorders[&name("example.test.")].history();
    assert!(
        history.answers.len() > 20,
        "signatures were renewed: {}",
        history.answers.len()
    );
    assert_eq!(verdicts(&history, &stage), 0);
}

#[test]
fn a_foreign_zsk_removed_while_its_signer_serves_is_unsafe() {
    let mut stage = stage(&["alpha", "beta"]);
    let zone = name("example.test.");
    stage.remove_dnskey(&zone, "beta", &["alpha".into()], &Keys::Kind(KeyKind::Zsk));
    stage.publish("alpha", &zone);
    run_until_quiet(&mut stage, 24);
    let history = stage.world.recorders[&zone].history();
    assert_eq!(verdicts(&history, &stage), 2, "any cache and one resolver");
    let occurrence: Option<Occurrence<()>> = stage.world.step(stage.world.now());
    assert!(occurrence.is_none());
}
