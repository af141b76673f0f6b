//! The farm itself: every server loads every state, and a real validator agrees with our signer.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, UdpSocket},
    time::{Duration, SystemTime},
};

use counterpoint_dns::{
    message::{Question, Reply, ResponseCode, query},
    name::{Name, RecordType, parse_name},
    time::Timestamp,
};
use counterpoint_farm::{Farm, OperatorPlan, Plan, Software, State, software::missing};

#[expect(clippy::disallowed_methods, reason = "real servers live in real time")]
fn now() -> Timestamp {
    Timestamp::default()
        + SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
}

fn ask(at: SocketAddr, name: &Name, rtype: RecordType) -> Option<Reply> {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(3)))
        .unwrap();
    let mut request = query(1, &Question::new(name.clone(), rtype));
    // RD set, CD clear: the resolver is to validate.
    request[2] |= 1;
    request[3] &= !0x10;
    socket.send_to(&request, at).unwrap();
    let mut octets = [0; 4_096];
    let length = socket.recv(&mut octets).ok()?;
    Reply::parse(&octets[..length]).ok()
}

#[test]
fn every_server_serves_every_state_and_unbound_validates() {
    let absent = missing(&["nsd", "knotd", "named", "unbound", "setpriv", "ip"]);
    if !absent.is_empty() {
        assert!(
            std::env::var_os("CI").is_none(),
            "not installed: {absent:?}"
        );
        eprintln!("SKIPPED: not installed: {absent:?}");
        return;
    }
    let pair =
        |software: Software| OperatorPlan::pair(software.program(), software, software.states());
    let plan = Plan {
        parent: parse_name("farm.").unwrap(),
        operators: Software::ALL.map(pair).to_vec(),
        seed: 1,
        now: now(),
    };
    let mut farm = Farm::open(&plan).unwrap();
    farm.start_parent().unwrap();
    let resolver = farm.start_resolver().unwrap();
    let mut told: BTreeMap<State, Vec<(Name, ResponseCode)>> = BTreeMap::new();
    for child in &farm.children {
        let reply = ask(farm.resolver_address(), &child.name, RecordType::TXT).unwrap();
        told.entry(child.state)
            .or_default()
            .push((child.name.clone(), reply.rcode));
    }
    for (state, answers) in told {
        let expected = match state {
            State::Expired => ResponseCode::ServFail,
            _ => ResponseCode::NoError,
        };
        for (name, rcode) in answers {
            assert_eq!(rcode, expected, "{name}\n{}", resolver.log());
        }
    }
    let pids = farm.processes();
    assert_eq!(pids.len(), 7);
    let folder = farm.folder().to_path_buf();
    drop(resolver);
    drop(farm);
    assert!(!folder.exists());
    for pid in pids {
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    }
}
