//! An answer that depends on asker or time is one of those that were signed beforehand.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use counterpoint_dns::{
    name::RecordType,
    rdata::Rdata,
    signature::Verifier,
    validate::{by_keys, keys_of},
};
use counterpoint_simnet::{
    choice::{By, Choice},
    denial::Denial,
    topology::Stage,
};

use crate::{ZONE, address, ask, name, pass, plan, stage};

const GEO: &str = "geo.example.test.";

fn world(by: By) -> Stage {
    let mut zone = plan(&[("www", RecordType::A, address(9))]);
    let answer = |last| (name(GEO), Some(30), RecordType::A, address(last));
    let answers = vec![answer(1), answer(2), answer(3)];
    zone.choices = vec![Choice { by, answers }];
    stage(Denial::Nsec, zone)
}

/// The data that somebody at this address gets, which keys of the zone signed.
fn told(stage: &mut Stage, from: IpAddr) -> Rdata {
    let dnskey = ask(stage, "alpha", from, ZONE, RecordType::DNSKEY);
    let keys = keys_of(&dnskey.answer[0]);
    let reply = ask(stage, "alpha", from, GEO, RecordType::A);
    let (answer, now) = (&reply.answer[0], stage.world.now());
    by_keys(&name(ZONE), &keys, answer, now, &mut Verifier::default()).expect("signed");
    assert_eq!(answer.set.data.len(), 1, "one of them, not all");
    answer.set.data.first().cloned().unwrap()
}

fn somebody(last: u8) -> IpAddr {
    Ipv4Addr::new(198, 51, 100, last).into()
}

#[test]
fn by_asker_each_gets_the_same_always_and_together_all() {
    let mut stage = world(By::Asker);
    let first: Vec<Rdata> = (0..9)
        .map(|last| told(&mut stage, somebody(last)))
        .collect();
    let distinct: BTreeSet<&Rdata> = first.iter().collect();
    assert_eq!(distinct.len(), 3);
    pass(&mut stage, Duration::from_secs(45));
    let later: Vec<Rdata> = (0..9)
        .map(|last| told(&mut stage, somebody(last)))
        .collect();
    assert_eq!(first, later);
}

#[test]
fn by_time_all_get_the_same_for_as_long_as_its_ttl_and_each_has_its_turn() {
    let mut stage = world(By::Time);
    let mut turns = Vec::new();
    for _ in 0..4 {
        let one = told(&mut stage, somebody(1));
        assert_eq!(one, told(&mut stage, somebody(2)));
        pass(&mut stage, Duration::from_secs(29));
        assert_eq!(one, told(&mut stage, somebody(1)), "its TTL is 30 s");
        pass(&mut stage, Duration::from_secs(1));
        turns.push(one);
    }
    let distinct: BTreeSet<&Rdata> = turns.iter().collect();
    assert_eq!(distinct.len(), 3);
    assert_eq!(turns[0], turns[3], "after all of them the first again");
}
