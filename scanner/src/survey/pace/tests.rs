use std::net::Ipv4Addr;

use super::*;
use counterpoint_dns::{agent::Transport, name::parse_name};

const START: Timestamp = Timestamp::from_seconds(1_000);

fn ask(id: u64, host: u8) -> Output {
    Output::Ask {
        id: AskId(id),
        to: (Ipv4Addr::new(192, 88, 99, host), 53).into(),
        via: Transport::Udp,
        bytes: Vec::new(),
    }
}

fn leaving(pace: &mut Pace, now: Timestamp) -> Vec<u64> {
    let mut ids = Vec::new();
    while let Some(output) = pace.poll(now) {
        if let Output::Ask { id, .. } = output {
            ids.push(id.0);
        }
    }
    ids
}

fn pace(address_rate: u32, address_in_flight: u32, in_flight: u32) -> Pace {
    let mut pace = Pace::new(Limits {
        address_rate,
        address_in_flight,
        in_flight,
        ..Limits::default()
    });
    for (id, host) in [(0, 1), (1, 1), (2, 1), (3, 2), (4, 2)] {
        assert_eq!(pace.offer(ask(id, host), None, START), None);
    }
    pace
}

#[test]
fn without_limits_everything_leaves_at_once() {
    let mut pace = pace(0, 0, 0);
    assert_eq!(pace.wake_at(), Some(START));
    assert_eq!(leaving(&mut pace, START).len(), 5);
    assert_eq!(pace.wake_at(), None);
}

#[test]
fn one_address_is_asked_so_many_questions_at_a_time() {
    let mut pace = pace(0, 2, 0);
    assert_eq!(leaving(&mut pace, START), [0, 1, 3, 4]);
    assert_eq!(pace.wake_at(), None, "only an answer helps");
    pace.ended(AskId(4));
    assert_eq!(leaving(&mut pace, START), [0; 0]);
    pace.ended(AskId(0));
    pace.ended(AskId(0));
    assert_eq!(leaving(&mut pace, START), [2]);
}

#[test]
fn one_address_is_asked_so_often_a_second() {
    let mut pace = pace(4, 0, 0);
    let later = |quarters: u32| START + Duration::from_millis(250) * quarters;
    assert_eq!(leaving(&mut pace, START), [0, 3]);
    assert_eq!(pace.wake_at(), Some(later(1)));
    assert_eq!(leaving(&mut pace, later(1)), [1, 4]);
    assert_eq!(leaving(&mut pace, later(1)), [0; 0]);
    assert_eq!(leaving(&mut pace, later(2)), [2]);
}

/// Three addresses of one operator, two questions to each; one of another.
fn operated(limits: Limits) -> Pace {
    let mut pace = Pace::new(limits);
    let operator = |text: &str| parse_name(text).ok();
    for (id, host) in [(0, 1), (1, 1), (2, 2), (3, 2), (4, 3), (5, 3)] {
        pace.offer(ask(id, host), operator("operator.test."), START);
    }
    pace.offer(ask(6, 4), operator("other.test."), START);
    pace
}

#[test]
fn one_operator_is_asked_so_many_questions_at_a_time_wherever_its_servers_are() {
    let mut pace = operated(Limits {
        address_in_flight: 1,
        operator_in_flight: 2,
        ..Limits::default()
    });
    assert_eq!(leaving(&mut pace, START), [0, 2, 6]);
    assert_eq!(pace.wake_at(), None, "only an answer helps");
    let mut order = Vec::new();
    for ended in [6, 2, 0, 4, 3, 1] {
        pace.ended(AskId(ended));
        order.extend(leaving(&mut pace, START));
    }
    order.sort_unstable();
    assert_eq!(order, [1, 3, 4, 5], "nothing is forgotten");
}

#[test]
fn one_operator_is_asked_so_often_a_second_wherever_its_servers_are() {
    let mut pace = operated(Limits {
        operator_rate: 4,
        ..Limits::default()
    });
    let later = |quarters: u32| START + Duration::from_millis(250) * quarters;
    assert_eq!(leaving(&mut pace, START), [0, 6]);
    for quarter in 1..=5 {
        assert_eq!(pace.wake_at(), Some(later(quarter)));
        assert_eq!(leaving(&mut pace, later(quarter)).len(), 1);
    }
    assert_eq!(pace.wake_at(), None);
}

#[test]
fn all_together_are_asked_so_many_questions_at_a_time() {
    let mut pace = pace(0, 0, 3);
    let first = leaving(&mut pace, START);
    assert_eq!(first.len(), 3);
    assert_eq!(pace.wake_at(), None);
    pace.ended(AskId(first[0]));
    assert_eq!(leaving(&mut pace, START).len(), 1);
}

#[test]
fn shares_add_up_to_no_more_than_the_whole() {
    let limits = Limits {
        address_rate: 100,
        address_in_flight: 3,
        ..Limits::default()
    };
    assert_eq!(limits.hands_max(), 3);
    let share = limits.divided(2);
    assert_eq!(
        (share.address_rate, share.address_in_flight, share.in_flight),
        (50, 1, 0)
    );
}

#[test]
fn nobody_has_a_server_at_a_special_address() {
    let limits = Limits {
        private: ["10.0.0.1".parse().unwrap()].into(),
        ..Limits::default()
    };
    for (text, is_allowed) in [
        ("127.0.0.1", false),
        ("10.0.0.1", true),
        ("10.0.0.2", false),
        ("172.31.255.255", false),
        ("172.32.0.1", true),
        ("100.127.0.1", false),
        ("255.255.255.255", false),
        ("192.88.99.1", true),
        ("::ffff:192.168.0.1", false),
        ("::1", false),
        ("fe80::1", false),
        ("fd00::1", false),
        ("2001:db8::1", false),
        ("2001:7fe::53", true),
    ] {
        let address = text.parse().unwrap();
        assert_eq!(limits.allows(address), is_allowed, "{text}");
    }
}
