//! The farm itself: every server loads every state, and a real validator agrees with our signer.

use std::{collections::BTreeMap, time::SystemTime};

use counterpoint_dns::{
    message::{Question, ResponseCode},
    name::{Name, RecordType, parse_name},
    time::Timestamp,
};
use counterpoint_farm::{Farm, OperatorPlan, Plan, Software, State, ask::ask, software::is_able};

#[expect(clippy::disallowed_methods, reason = "real servers live in real time")]
fn now() -> Timestamp {
    Timestamp::default()
        + SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
}

#[test]
fn every_server_serves_every_state_and_unbound_validates() {
    if !is_able(&["nsd", "knotd", "named", "unbound", "setpriv", "ip"]) {
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
        let answer = ask(
            farm.resolver_address(),
            &Question::new(child.name.clone(), RecordType::TXT),
        )
        .unwrap();
        told.entry(child.state)
            .or_default()
            .push((child.name.clone(), answer.reply.rcode));
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
