//! Waits by hand-computed instants.

use std::{collections::BTreeSet, time::Duration};

use counterpoint_dns::{
    name::parse_name,
    rdata::Rdata,
    rrset::{RrSet, SignedRrSet},
    time::Timestamp,
};

use super::*;
use crate::{
    config::{Config, Safety},
    log::{Log, Unknown},
    place::{Item, NsName, Owner, Place},
};

const HOUR: Duration = Duration::from_secs(3_600);
const MAX_TTL: Duration = Duration::from_secs(2 * 3_600);

fn config(sabotage: &[Sabotage]) -> Config {
    let mut config = Config::new(parse_name("test.").unwrap());
    config.safety = Safety::Fixed(Duration::ZERO);
    config.sabotage = sabotage.iter().copied().collect();
    config
}

fn at(hours: u64) -> Timestamp {
    Timestamp::from_seconds(0) + HOUR * hours as u32
}

fn place(number: u8) -> Place {
    Place {
        owner: Owner::Parent,
        ns: Some(NsName(parse_name("ns.test.").unwrap())),
        address: ([192, 0, 2, number], 53).into(),
    }
}

fn data(number: u8) -> BTreeSet<Rdata> {
    [Rdata::from_octets([number])].into()
}

/// A log in which these places showed this data with this TTL in hours, asked every half hour
/// between what is listed.
fn seen(list: &[(u64, u8, u8, u32)]) -> Log {
    let mut log = Log::default();
    let mut last = None;
    for (hour, at_place, content, ttl_hours) in list {
        let place = place(*at_place);
        let set = RrSet {
            name: parse_name("example.test.").unwrap(),
            rtype: Item::Ds.rtype(),
            ttl: ttl_hours * 3_600,
            data: data(*content),
        };
        let shown = SignedRrSet {
            set,
            signatures: Vec::new(),
        };
        if let Some((from, shown)) = last.replace((*hour, shown.clone()))
            && from < *hour
        {
            let halves = (from * 2 + 1)..(hour * 2);
            let shown: SignedRrSet = shown;
            for half in halves {
                let now = at(0) + Duration::from_secs(1_800 * half);
                log.observe(now, &place, &Item::Ds, Ok(shown.clone()), MAX_TTL);
            }
        }
        log.observe(at(*hour), &place, &Item::Ds, Ok(shown), MAX_TTL);
    }
    log
}

fn over(log: &Log, places: &[u8], content: u8, sabotage: &[Sabotage]) -> Option<Timestamp> {
    let places: Vec<Place> = places.iter().map(|number| place(*number)).collect();
    let sources = places.iter().map(|place| Source {
        place,
        track: log.track(place, &Item::Ds),
        max_ttl: MAX_TTL,
    });
    let config = config(sabotage);
    let took = turnover(&config, sources, |version| version.data == data(content));
    took.ok().map(|took| took.deadline(&config))
}

#[test]
fn a_ttl_lowered_an_hour_ago_still_binds() {
    // 12 h until T+9, lowered to 1 h, replaced at T+10: a cache that asked at T+9 holds it to T+21.
    let log = seen(&[(0, 1, 1, 12), (9, 1, 1, 1), (10, 1, 2, 1)]);
    assert_eq!(over(&log, &[1], 2, &[]), Some(at(21)));
    assert_eq!(
        over(&log, &[1], 2, &[Sabotage::LastVersionOnly]),
        Some(at(11))
    );
    assert_eq!(
        over(&log, &[1], 2, &[Sabotage::NewTtlInsteadOfOld]),
        Some(at(11))
    );
}

#[test]
fn ttls_that_differ_by_24_times_bind_by_the_longest() {
    let log = seen(&[(0, 1, 1, 1), (10, 1, 2, 1)]);
    let mut both = log;
    for half in 0..=20_u64 {
        let now = at(0) + Duration::from_secs(1_800 * half);
        let set = RrSet {
            name: parse_name("example.test.").unwrap(),
            rtype: Item::Ds.rtype(),
            ttl: 24 * 3_600,
            data: data(if half == 20 { 2 } else { 1 }),
        };
        let shown = SignedRrSet {
            set,
            signatures: Vec::new(),
        };
        both.observe(now, &place(2), &Item::Ds, Ok(shown), MAX_TTL);
    }
    assert_eq!(over(&both, &[1], 2, &[]), Some(at(11)));
    assert_eq!(over(&both, &[1, 2], 2, &[]), Some(at(34)));
}

#[test]
fn the_new_ttl_binds_where_it_is_longer() {
    let log = seen(&[(0, 1, 1, 1), (10, 1, 2, 5)]);
    assert_eq!(over(&log, &[1], 2, &[]), Some(at(15)));
}

#[test]
fn history_before_the_first_look_counts_with_max_ttl() {
    let log = seen(&[(5, 1, 2, 1)]);
    assert_eq!(over(&log, &[1], 2, &[]), Some(at(7)));
}

#[test]
fn what_changed_while_nobody_looked_counts_with_max_ttl() {
    let mut log = seen(&[(0, 1, 1, 1)]);
    let set = RrSet {
        name: parse_name("example.test.").unwrap(),
        rtype: Item::Ds.rtype(),
        ttl: 3_600,
        data: data(2),
    };
    let shown = SignedRrSet {
        set,
        signatures: Vec::new(),
    };
    log.observe(at(30), &place(1), &Item::Ds, Ok(shown), MAX_TTL);
    assert_eq!(over(&log, &[1], 2, &[]), Some(at(32)));
}

#[test]
fn an_instance_seen_without_restarts_the_wait() {
    let log = seen(&[(0, 1, 1, 1), (10, 1, 2, 1), (11, 1, 1, 1), (12, 1, 2, 1)]);
    assert_eq!(over(&log, &[1], 2, &[]), Some(at(13)));
    let back = seen(&[(0, 1, 1, 1), (10, 1, 2, 1), (11, 1, 1, 1)]);
    assert_eq!(over(&back, &[1], 2, &[]), None);
}

#[test]
fn unknown_is_no_version_and_never_equal() {
    let mut log = seen(&[(0, 1, 1, 1), (10, 1, 2, 1)]);
    let silent = Unknown::Silent("no answer".into());
    log.observe(at(11), &place(1), &Item::Ds, Err(silent.clone()), MAX_TTL);
    assert_eq!(
        over(&log, &[1], 2, &[]),
        Some(at(11)),
        "what was seen stays seen"
    );
    assert_eq!(log.shown(&place(1), &Item::Ds, at(11)), Err(silent));
    assert_eq!(
        over(&log, &[1, 9], 2, &[]),
        None,
        "one that was never seen has not begun"
    );
}

#[test]
fn what_a_leaver_served_is_held_after_the_last_cache_could_ask_it() {
    let log = seen(&[(0, 1, 1, 12), (9, 1, 1, 1)]);
    let place = place(1);
    let source = Source {
        place: &place,
        track: log.track(&place, &Item::Ds),
        max_ttl: MAX_TTL,
    };
    assert_eq!(held_until(source, at(30)), at(31));
    assert_eq!(
        held_until(source, at(10)),
        at(21),
        "the 12 h version was served until T+9"
    );
    let never = Source {
        track: None,
        ..source
    };
    assert_eq!(held_until(never, at(10)), at(12));
}

#[test]
fn what_was_written_down_is_waited_for_alike() {
    let mut log = seen(&[(0, 1, 1, 12), (9, 1, 1, 1), (10, 1, 2, 1)]);
    let record = log
        .records(&parse_name("example.test.").unwrap())
        .next()
        .unwrap();
    assert!(record.value.len() < 700, "{}", record.value);
    let mut restored = Log::default();
    restored.restore(&record);
    assert_eq!(over(&restored, &[1], 2, &[]), Some(at(21)));
}
