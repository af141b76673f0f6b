//! Who is due when: over days, by the hour.

use counterpoint_dns::{
    message::Question,
    name::{RecordType, parse_name},
    notify::notify,
    stream::stream,
};

use super::*;

const START: Timestamp = Timestamp::from_seconds(1_767_225_600);
const HOUR: Duration = Duration::from_secs(3_600);

fn child(number: usize) -> Name {
    parse_name(&format!("c{number:06}.test.")).unwrap()
}

fn hours(count: u32) -> Timestamp {
    START + count * HOUR
}

fn policy() -> Policy {
    let mut policy = Policy::default();
    policy.watch.jitter = Duration::ZERO;
    policy.gathering.retry = [1, 2, 4].map(|count| count * HOUR).into();
    policy
}

/// So many children, of which nothing is remembered.
fn schedule(policy: &Policy, count: usize) -> Schedule {
    let parent = parse_name("test.").unwrap();
    let mut schedule = Schedule::new(parent, policy, stream(67, "schedule"));
    schedule.set_children((0..count).map(child), |_| None, START);
    schedule
}

fn tell(schedule: &mut Schedule, number: usize, now: Timestamp) {
    let request = notify(1, &Question::new(child(number), RecordType::CDS));
    let from = IpAddr::from([192, 0, number as u8, 1]);
    let (_, heard) = schedule.respond(&request, from, now);
    assert!(matches!(heard, Heard::Due(_)), "{heard:?}");
}

/// Lives for so many hours, each scan coming to what `after` says; the hours at which there was one.
fn live(
    schedule: &mut Schedule,
    from: u32,
    until: u32,
    mut after: impl FnMut(u32, Channel) -> After,
) -> Vec<u32> {
    let mut scans = Vec::new();
    for hour in from..until {
        while let Some((name, channel)) = schedule.take(hours(hour)) {
            scans.push(hour);
            let next = schedule.next(&name, &after(hour, channel), hours(hour));
            schedule.back(&name, next.unwrap());
        }
    }
    scans
}

#[test]
fn every_child_is_scanned_once_an_interval_and_jitter_spreads_them() {
    let mut policy = policy();
    policy.watch.jitter = 6 * HOUR;
    let mut schedule = schedule(&policy, 1_000);
    let scans = live(&mut schedule, 0, 7, |_, _| After::default());
    assert_eq!(scans.len(), 1_000);
    for hour in 1..7 {
        let count = scans.iter().filter(|at| **at == hour).count();
        assert!((100..240).contains(&count), "{count} in hour {hour}");
    }
    let before = live(&mut schedule, 7, 24, |_, _| After::default());
    assert_eq!(before, [0; 0]);
    let scans = live(&mut schedule, 24, 24 + 13, |_, _| After::default());
    assert_eq!(scans.len(), 1_000);
    // The same stream, the same times.
    let again = || {
        let parent = parse_name("test.").unwrap();
        let mut schedule = Schedule::new(parent, &policy, stream(67, "schedule"));
        schedule.set_children((0..9).map(child), |_| None, START);
        live(&mut schedule, 0, 99, |_, _| After::default())
    };
    assert_eq!(again(), again());
}

/// the pauses double, then it is a child like any other; X-03: silence has its own time.
#[test]
fn x_05_what_was_aborted_is_tried_again_by_the_schedule() {
    let mut schedule = schedule(&policy(), 1);
    let aborted = |_, _| After {
        aborted: true,
        ..After::default()
    };
    let scans = live(&mut schedule, 0, 56, aborted);
    assert_eq!(scans, [0, 1, 3, 7, 31, 55]);
    let scans = live(&mut schedule, 56, 200, |hour, _| After {
        aborted: hour > 79,
        silent_until: (hour < 90).then(|| hours(hour + 5)),
        ..After::default()
    });
    // A sound scan begins the schedule anew.
    assert_eq!(scans[..5], [79, 84, 85, 87, 91]);
}

/// N-16 (RFC 9859 §4.3).
#[test]
fn n_16_who_notifies_is_asked_rarely_until_a_change_comes_without() {
    let mut schedule = schedule(&policy(), 1);
    let found = |at: u32| {
        move |hour, _| After {
            changed: hour == at,
            ..After::default()
        }
    };
    assert_eq!(live(&mut schedule, 0, 30, found(999)), [0, 24]);
    tell(&mut schedule, 0, hours(30));
    let scans = live(&mut schedule, 30, 30 + 24 * 15, found(30));
    assert_eq!(scans, [30, 30 + 24 * 7, 30 + 24 * 14], "weekly from now on");
    // A NOTIFY without a change leaves it so.
    tell(&mut schedule, 0, hours(400));
    assert_eq!(live(&mut schedule, 400, 560, found(999)), [400]);
    let at = 400 + 24 * 7;
    let scans = live(&mut schedule, 560, at + 49, found(at));
    assert_eq!(scans, [at, at + 24, at + 48], "daily again");
}

/// N-10, N-12: a NOTIFY is acted upon at once, and however many there are, every other scan is a timed one.
#[test]
fn n_12_neither_waits_for_the_other() {
    let mut schedule = schedule(&policy(), 200);
    (100..200).for_each(|number| tell(&mut schedule, number, START));
    let mut channels = Vec::new();
    for _ in 0..100 {
        let (_, channel) = schedule.take(START).unwrap();
        channels.push(channel);
    }
    assert_eq!(channels[..4], [Channel::Notify, Channel::Scan].repeat(2));
    assert_eq!(schedule.out(), 100);
    // Nobody is out twice.
    let mut all = 100;
    while schedule.take(START).is_some() {
        all += 1;
    }
    assert_eq!((all, schedule.out()), (200, 200));
}

/// What is remembered of a child decides when it is due, but no wrong clock keeps it waiting.
#[test]
fn a_restart_forgets_no_due_time_and_believes_no_absurd_one() {
    let mut schedule = schedule(&policy(), 0);
    let next = |hour, by_notify| Next {
        due: hours(hour),
        aborts: 1,
        by_notify,
    };
    let past = |name: &Name| match name {
        name if *name == child(0) => Some(next(5, false)),
        name if *name == child(1) => Some(next(90_000, false)),
        name if *name == child(2) => Some(next(150, true)),
        _ => None,
    };
    schedule.set_children((0..4).map(child), past, START);
    let scans = live(&mut schedule, 0, 151, |_, _| After::default());
    let firsts = [0, 5, 24, 150];
    assert!(firsts.iter().all(|hour| scans.contains(hour)), "{scans:?}");
    // Those that are gone are gone, even if they are out.
    let taken = schedule.take(hours(400)).unwrap().0;
    schedule.set_children([child(9)].into_iter(), |_| None, hours(400));
    assert_eq!((schedule.len(), schedule.out()), (1, 0));
    assert_eq!(schedule.next(&taken, &After::default(), hours(400)), None);
    assert_eq!(schedule.take(hours(400)), Some((child(9), Channel::Scan)));
}

#[test]
fn a_shorter_interval_counts_from_now_on() {
    let mut schedule = schedule(&policy(), 1);
    assert_eq!(live(&mut schedule, 0, 2, |_, _| After::default()), [0]);
    let mut shorter = policy();
    shorter.watch.interval = 3 * HOUR;
    schedule.set_policy(&shorter, hours(2));
    let scans = live(&mut schedule, 2, 9, |_, _| After::default());
    assert_eq!(scans, [2, 5, 8]);
}

#[test]
fn who_could_not_be_scanned_is_due_as_before() {
    let mut schedule = schedule(&policy(), 1);
    tell(&mut schedule, 0, START);
    for _ in 0..2 {
        assert_eq!(schedule.take(START), Some((child(0), Channel::Notify)));
        assert_eq!(schedule.take(START), None);
        schedule.put_back(&child(0));
        // The timed scan is due as well.
        assert_eq!(schedule.take(START), Some((child(0), Channel::Scan)));
        schedule.put_back(&child(0));
    }
    schedule.hasten(&child(0), hours(9));
    assert_eq!(schedule.wake_at(), Some(START), "it is due sooner");
}
