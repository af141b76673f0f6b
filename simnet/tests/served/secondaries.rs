//! A secondary has what its source has: told by NOTIFY at once, else by its timers, and never for longer
//! than the zone allows.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use counterpoint_dns::{message::ResponseCode, name::RecordType, rdata::Rdata, time::Timestamp};
use counterpoint_simnet::{
    denial::Denial,
    network::{Fault, Trouble},
    topology::{Source, Stage, Timers},
};

use crate::{ZONE, address, ask, name, pass, plan, stage};

const ANYBODY: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const WWW: &str = "www.example.test.";
const TIMERS: Timers = Timers {
    refresh: 3_600,
    retry: 600,
    expire: 86_400,
};

/// Beta has from alpha what alpha signs.
fn world() -> Stage {
    let mut zone = plan(&[("www", RecordType::A, address(1))]);
    zone.source = Some(Source {
        by: "alpha".into(),
        is_unsigned: false,
    });
    zone.timers = TIMERS;
    stage(Denial::Nsec, zone)
}

fn seconds(count: u32) -> Duration {
    Duration::from_secs(count.into())
}

/// Nothing passes between alpha and beta from now on, for so long.
fn cut(stage: &mut Stage, span: Duration) {
    let now = stage.world.now();
    let primary = |name: &str| {
        let operator = stage.world.operator(name).unwrap();
        stage.world.operators[operator].primary_address
    };
    let (host, other) = (primary("alpha"), Some(primary("beta")));
    stage.world.add_fault(Fault {
        from: now,
        until: now + span,
        host,
        other,
        trouble: Trouble::Dead,
    });
}

/// Alpha changes www.
fn change(stage: &mut Stage, last: u8) {
    let records = [(name(WWW), None, RecordType::A, address(last))];
    stage.set_rrsets(&name(ZONE), &["alpha".into()], &records);
    stage.publish("alpha", &name(ZONE));
}

fn served(stage: &mut Stage, by: &str) -> Option<Rdata> {
    let reply = ask(stage, by, ANYBODY, WWW, RecordType::A);
    let answer = reply.answer.first()?;
    assert!(!answer.signatures.is_empty(), "with its signatures");
    answer.set.data.first().cloned()
}

#[test]
fn a_notify_brings_a_change_at_once_with_the_sources_signatures() {
    let mut stage = world();
    assert_eq!(served(&mut stage, "beta"), Some(address(1)));
    change(&mut stage, 2);
    pass(&mut stage, seconds(5));
    assert_eq!(served(&mut stage, "beta"), Some(address(2)));
    let own =
        |by: &str, stage: &mut Stage| ask(stage, by, ANYBODY, ZONE, RecordType::DNSKEY).answer;
    assert_eq!(own("alpha", &mut stage), own("beta", &mut stage));
}

#[test]
fn a_lost_notify_is_made_up_for_when_the_timers_run_out() {
    let mut stage = world();
    cut(&mut stage, seconds(30));
    change(&mut stage, 2);
    pass(&mut stage, seconds(TIMERS.refresh - 60));
    assert_eq!(
        served(&mut stage, "beta"),
        Some(address(1)),
        "nobody told it"
    );
    pass(&mut stage, seconds(120));
    assert_eq!(served(&mut stage, "beta"), Some(address(2)), "refresh");
}

#[test]
fn a_source_that_is_not_heard_is_asked_again_after_retry() {
    let mut stage = world();
    cut(&mut stage, seconds(TIMERS.refresh + 60));
    change(&mut stage, 2);
    pass(&mut stage, seconds(TIMERS.refresh + TIMERS.retry - 60));
    assert_eq!(served(&mut stage, "beta"), Some(address(1)));
    pass(&mut stage, seconds(180));
    assert_eq!(served(&mut stage, "beta"), Some(address(2)), "retry");
}

#[test]
fn a_zone_whose_source_is_not_heard_for_too_long_is_served_no_more_until_it_is() {
    let mut stage = world();
    let code = |stage: &mut Stage| ask(stage, "beta", ANYBODY, WWW, RecordType::A).rcode;
    cut(&mut stage, seconds(TIMERS.expire + TIMERS.refresh));
    pass(&mut stage, seconds(TIMERS.expire - 60));
    assert_eq!(code(&mut stage), ResponseCode::NoError);
    pass(&mut stage, seconds(120));
    assert_eq!(code(&mut stage), ResponseCode::ServFail, "expired");
    pass(&mut stage, seconds(TIMERS.refresh + 2 * TIMERS.retry));
    assert_eq!(code(&mut stage), ResponseCode::NoError, "heard again");
    let history = stage.world.recorders[&name(ZONE)].history();
    let lame = history
        .lame
        .iter()
        .filter(|span| span.from > Timestamp::MIN);
    let out: Vec<Duration> = lame.map(|span| span.until - span.from).collect();
    assert_eq!(out.len(), 1, "the history has the gap: {out:?}");
}
