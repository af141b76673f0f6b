//! What servers of a small world say: proofs of what is not there, answers that are chosen, and zones
//! that another keeps.

mod choices;
mod proofs;
mod secondaries;

use std::{net::IpAddr, time::Duration};

use counterpoint_dns::{
    agent::{Peer, Server as _, Transport},
    key::Algorithm,
    message::{Question, Reply, query},
    name::{Name, RecordType, parse_name},
    rdata::Rdata,
    time::Timestamp,
};
use counterpoint_simnet::{
    denial::Denial,
    topology::{NamesIn, ParentPlan, SignerPlan, Stage, Topology, ZonePlan},
    world::Occurrence,
};

/// The zone.
const ZONE: &str = "example.test.";

fn name(text: &str) -> Name {
    parse_name(text).unwrap()
}

fn address(last: u8) -> Rdata {
    Rdata::address(IpAddr::from([192, 0, 2, last]))
}

fn signer(label: &str, denial: Denial) -> SignerPlan {
    SignerPlan {
        name: label.into(),
        hosts: vec!["ns1".into()],
        names_in: NamesIn::Zone(name(&format!("{label}.test."))),
        signal: false,
        is_csk: false,
        algorithm: Algorithm::Ed25519,
        denial,
        dnskey_ttl: 3_600,
        ns_ttl: 3_600,
        default_ttl: 60,
        negative_ttl: 900,
        signing_time: Duration::ZERO,
        validity: Duration::from_secs(14 * 86_400),
        resign_before: Duration::from_secs(3 * 86_400),
        resign_jitter: Duration::ZERO,
        clock: counterpoint_simnet::clock::Skew::NONE,
        habits: Default::default(),
        propagation: Duration::ZERO..=Duration::ZERO,
    }
}

/// A zone of alpha and beta with these records; no others are in it.
fn plan(records: &[(&str, RecordType, Rdata)]) -> ZonePlan {
    let record = |(owner, rtype, data): &(&str, RecordType, Rdata)| {
        let owner = name(&format!("{owner}.{ZONE}"));
        (owner, None, *rtype, data.clone())
    };
    ZonePlan {
        name: name(ZONE),
        signers: vec!["alpha".into(), "beta".into()],
        is_secure: true,
        has_cds: false,
        owner: None,
        source: None,
        shares_keys: false,
        timers: Default::default(),
        choices: Vec::new(),
        records: records.iter().map(record).collect(),
    }
}

fn stage(denial: Denial, zone: ZonePlan) -> Stage {
    Stage::new(Topology {
        seed: 1,
        start: Timestamp::from_seconds(1_767_225_600),
        parent: ParentPlan {
            zone: name("test."),
            servers: 1,
            algorithm: Algorithm::Ed25519,
            denial: Denial::Nsec,
            ds_ttl: 3_600,
            ns_ttl: 3_600,
            negative_ttl: 900,
            propagation: Duration::ZERO..=Duration::ZERO,
            notify: None,
        },
        signers: vec![signer("alpha", denial.clone()), signer("beta", denial)],
        zones: vec![zone],
    })
}

/// What the server of `signer` tells somebody at this address.
fn ask(stage: &mut Stage, signer: &str, from: IpAddr, qname: &str, rtype: RecordType) -> Reply {
    let octets = query(7, &Question::new(name(qname), rtype));
    let now = stage.world.now();
    let operator = stage.world.operator(signer).unwrap();
    let server = &mut stage.world.operators[operator].instances[0];
    let peer = Peer::new(from, 53_000);
    let answer = server.respond(now, peer, Transport::Tcp, &octets).unwrap();
    Reply::parse(&answer).unwrap()
}

/// Lets time pass.
fn pass(stage: &mut Stage, span: Duration) {
    let until = stage.world.now() + span;
    let occurrence: Option<Occurrence<()>> = stage.world.step(until);
    assert!(occurrence.is_none(), "nobody is seated: {occurrence:?}");
    stage.world.rest_until(until);
}
