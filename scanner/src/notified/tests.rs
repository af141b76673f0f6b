//! N-08 to N-12, each with what it guards against.

use std::net::{Ipv4Addr, Ipv6Addr};

use counterpoint_dns::{
    name::{RecordType, parse_name},
    notify::notify,
};

use super::*;

const START: Timestamp = Timestamp::from_seconds(1_000);

fn parent() -> Name {
    parse_name("test.").unwrap()
}

fn child(number: usize) -> Name {
    parse_name(&format!("child-{number}.test.")).unwrap()
}

/// One address of each of many networks.
fn source(number: u32) -> IpAddr {
    Ipv4Addr::from(number << 8 | 1).into()
}

fn after(seconds: u64) -> Timestamp {
    START + Duration::from_secs(seconds)
}

fn nobody() -> Notified {
    Notified::new(Notify::default(), 67)
}

fn about(name: &Name, rtype: RecordType) -> Vec<u8> {
    notify(7, &Question::new(name.clone(), rtype))
}

/// A NOTIFY(CDS) about a child; every name below the parent is one.
fn hear(notified: &mut Notified, name: &Name, from: IpAddr, now: Timestamp) -> Heard {
    let request = about(name, RecordType::CDS);
    notified.respond(&request, from, &parent(), |_| true, now).1
}

fn is_due(heard: &Heard) -> bool {
    matches!(heard, Heard::Due(_))
}

#[test]
fn n_12_a_burst_about_a_child_is_two_scans() {
    let mut notified = nobody();
    let mut taken = Vec::new();
    for second in 0..120 {
        let now = after(second);
        if second < 30 {
            let heard = hear(&mut notified, &child(1), source(second as u32), now);
            assert!(is_due(&heard));
        }
        let due = notified.take_due(now, |_| false);
        taken.extend(due.into_iter().map(|_| second));
    }
    assert_eq!(taken, [0, 60]);
    hear(&mut notified, &child(2), source(1), after(180));
    assert_eq!(notified.children.len(), 1, "the first one is forgotten");
}

#[test]
fn n_12_a_network_is_heard_so_often_and_again_a_minute_later() {
    let mut notified = nobody();
    let mut heard = |from: &dyn Fn(u8) -> IpAddr, now| {
        let all = (0..100).filter(|number| {
            let child = child(usize::from(*number));
            is_due(&hear(&mut notified, &child, from(*number), now))
        });
        all.count()
    };
    let v4 = |last| IpAddr::from([192, 0, 2, last]);
    let other = |last| IpAddr::from([192, 0, 3, last]);
    let v6 = |last: u8| {
        let last = u16::from(last);
        IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 7, last, last, 0, 0, last))
    };
    assert_eq!(heard(&v4, START), 60, "whichever of its addresses it uses");
    assert_eq!(heard(&other, START), 60);
    assert_eq!(heard(&v6, START), 60);
    assert_eq!(heard(&v4, after(59)), 0);
    assert_eq!(heard(&v4, after(60)), 60);
}

#[test]
fn n_11_who_is_not_acted_upon_is_acknowledged_all_the_same() {
    let mut notified = nobody();
    let request = about(&child(1), RecordType::CDS);
    for number in 0..100 {
        let (answer, heard) = notified.respond(&request, source(1), &parent(), |_| true, START);
        assert_eq!(answer, Some(answer_notify(&request, NOERROR)), "{number}");
        assert_eq!(heard == Heard::Limited, number >= 60, "{number}");
    }
}

#[test]
fn n_10_what_is_no_child_is_acknowledged_and_leaves_no_trace() {
    let mut notified = nobody();
    let request = about(&child(1), RecordType::CDS);
    let (answer, heard) = notified.respond(&request, source(1), &parent(), |_| false, START);
    assert_eq!(answer, Some(answer_notify(&request, NOERROR)));
    assert_eq!((heard, notified.children.len()), (Heard::NoChild, 0));
    assert_eq!(notified.take_next(after(9), |_| false), None);
}

#[test]
fn n_08_n_09_one_child_and_these_two_types() {
    let mut notified = nobody();
    let mut said = |request: &[u8]| {
        let (answer, heard) = notified.respond(request, source(1), &parent(), |_| true, START);
        (answer.map(|octets| octets[3]), heard)
    };
    for rtype in [RecordType::CDS, RecordType::CSYNC] {
        let question = Question::new(child(1), rtype);
        assert_eq!(
            said(&about(&child(1), rtype)),
            (Some(0), Heard::Due(question))
        );
    }
    // CDNSKEY is CDS's matter; a NOTIFY(SOA) is for a secondary.
    for rtype in [RecordType::CDNSKEY, RecordType::SOA] {
        assert_eq!(said(&about(&child(1), rtype)), (Some(5), Heard::Refused));
    }
    for outside in ["test.", "child.example.", "."] {
        let outside = parse_name(outside).unwrap();
        let refused = (Some(5), Heard::Refused);
        assert_eq!(said(&about(&outside, RecordType::CDS)), refused);
    }
    let mut two = about(&child(1), RecordType::CDS);
    let second = about(&child(2), RecordType::CDS);
    two[5] = 2;
    two.extend(&second[12..]);
    assert_eq!(said(&two), (None, Heard::Nothing));
}

/// What outsiders say takes a bounded amount of memory, and no longer when there is much of it.
#[test]
fn n_12_no_more_than_so_many_are_remembered() {
    let mut notified = nobody();
    let more = CHILDREN_MAX + 1_000;
    // Slots of sources are shared: each is heard a little less often then.
    notified.limits.source_max = u32::MAX;
    let heard = (0..more)
        .filter(|number| {
            let from = source(*number as u32);
            is_due(&hear(&mut notified, &child(*number), from, START))
        })
        .count();
    assert_eq!(heard, CHILDREN_MAX);
    assert_eq!(notified.take_due(START, |_| false).len(), CHILDREN_MAX);
    let later = after(60);
    assert!(is_due(&hear(&mut notified, &child(more), source(1), later)));
    let kept = (
        notified.children.len(),
        notified.taken.len(),
        notified.due(),
    );
    assert_eq!(kept, (1, 0, 1));
    assert_eq!(notified.sources.len(), SOURCES);
}

/// A child that cannot be scanned now is not forgotten, and does not stand in the way of others.
#[test]
fn n_10_who_is_busy_stays_due() {
    let mut notified = nobody();
    hear(&mut notified, &child(1), source(1), START);
    hear(&mut notified, &child(2), source(1), after(1));
    assert!(notified.take_due(after(1), |_| true).is_empty());
    assert_eq!(notified.wake_at(|_| true), None);
    assert_eq!(notified.wake_at(|_| false), Some(START));
    let is_busy = |name: &Name| *name == child(1);
    assert_eq!(notified.take_next(after(1), is_busy), Some(child(2)));
    assert_eq!(notified.take_due(after(9), |_| false), [child(1)]);
    assert_eq!(notified.wake_at(|_| false), None);
    notified.put_back(&child(1));
    notified.put_back(&child(3));
    assert_eq!(notified.take_due(after(10), |_| false), [child(1)]);
}

/// RFC 9567: the channel is that of the last NOTIFY, and serves once.
#[test]
fn n_14_the_report_channel_is_kept_until_the_scan() {
    let mut notified = nobody();
    let mut request = about(&child(1), RecordType::CDS);
    // OPT, with Report-Channel a.test.
    request[11] = 1;
    request.extend(b"\0\0\x29\x04\xd0\0\0\0\0\0\x0c\0\x12\0\x08\x01a\x04test\0");
    let channel = parse_name("a.test.").unwrap();
    let (_, heard) = notified.respond(&request, source(1), &parent(), |_| true, START);
    assert!(is_due(&heard));
    assert_eq!(notified.take_next(START, |_| false), Some(child(1)));
    assert_eq!(notified.report_to(&child(1)), Some(channel));
    assert_eq!(notified.report_to(&child(1)), None);
}
