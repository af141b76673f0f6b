//! A NOTIFY makes a parent act at once that would look a day later, and nothing rests on it.

use std::{path::Path, time::Duration};

use counterpoint_dns::name::parse_name;
use counterpoint_scenarios::{
    expectations::unmet,
    outcome::Outcome,
    run::run,
    scenario::{Event, FaultKind, Notified, Scenario, Verdict, What},
};

use crate::{library, read};

const HOUR: Duration = Duration::from_secs(3_600);
const SECOND: Duration = Duration::from_secs(1);

fn scenario(name: &str) -> Scenario {
    let is_it = |path: &&Path| path.file_stem().is_some_and(|stem| stem == name);
    let all = library();
    let path = all.iter().map(AsRef::as_ref).find(is_it);
    read(path.expect("the library has it"))
}

fn joined(outcome: &Outcome) -> Duration {
    assert_eq!(outcome.verdict, Verdict::Safe);
    let [join] = &outcome.processes[..] else {
        panic!("one join: {:?}", outcome.processes);
    };
    join.ended.expect("it ended")
}

/// Lines of the log of this actor and kind.
fn lines<'a>(outcome: &'a Outcome, who: &str, kind: &str) -> Vec<&'a str> {
    let is_one = |line: &&str| {
        let mut words = line.split_whitespace().skip(1);
        words.next() == Some(who) && words.next() == Some(kind)
    };
    let lines = outcome.event_log.iter().map(String::as_str);
    lines.filter(is_one).collect()
}

#[test]
fn who_is_told_acts_sooner_and_a_lost_notify_costs_time_alone() {
    let told = run(&scenario("notify-join"));
    let mut scans = scenario("notify-join");
    scans.scanner.notify = false;
    let scans_alone = run(&scans);
    let lost = run(&scenario("notify-lost"));

    assert_eq!(unmet(&scenario("notify-join").expect, &told), []);
    assert_eq!(unmet(&scenario("notify-lost").expect, &lost), []);
    let (soon, late) = (joined(&told), joined(&scans_alone));
    assert!(soon + 12 * HOUR < late, "{soon:?} and {late:?}");
    let difference = joined(&lost).abs_diff(late);
    assert!(
        difference < HOUR,
        "lost: {:?}, never sent: {late:?}",
        joined(&lost)
    );

    assert_eq!(lines(&told, "scanner", "notify").len(), 2);
    let acknowledged = lines(&told, "controller", "notify");
    assert!(
        acknowledged
            .iter()
            .all(|line| line.contains("acknowledges"))
    );
    assert_eq!(acknowledged.len(), 2, "{acknowledged:#?}");
    let unheard = lines(&lost, "controller", "notify");
    assert!(unheard.iter().all(|line| line.contains("does not answer")));
    assert_eq!(unheard.len(), 2, "{unheard:#?}");
}

/// Without DSYNC nothing is sent: not even to where somebody listens.
#[test]
fn a_parent_that_publishes_no_dsync_is_not_told() {
    let mut scans = scenario("notify-join");
    scans.scanner.notify = false;
    let outcome = run(&scans);
    assert_eq!(lines(&outcome, "controller", "notify"), [""; 0]);
    assert_eq!(lines(&outcome, "scanner", "notify"), [""; 0]);
}

/// A NOTIFY that is lost is sent again, until it is heard.
#[test]
fn what_is_lost_now_and_then_is_sent_again() {
    let mut lossy = scenario("notify-lost");
    for fault in &mut lossy.faults {
        fault.kind = FaultKind::Loss(counterpoint_scenarios::scenario::Rate {
            per_million: 200_000,
        });
    }
    lossy.expect.within = scenario("notify-join").expect.within;
    for seed in 1..=8 {
        lossy.seed = seed;
        let outcome = run(&lossy);
        assert_eq!(unmet(&lossy.expect, &outcome), [], "seed {seed}");
    }
}

/// A parent that looks once a day, some hours after that; CDS have just been published. These NOTIFYs come
/// one after another: who says it, of which child.
fn storm(said: &[(&str, &str)], apart: Duration) -> Outcome {
    let mut scenario = scenario("notify-by-hand");
    let is_notify = |event: &Event| matches!(event.what, What::Notify { .. });
    let first = scenario.events.iter().find(|event| is_notify(event));
    let first = first.expect("somebody tells").clone();
    scenario.events.retain(|event| !is_notify(event));
    let storm = said.iter().zip(0..).map(|((signer, child), number)| Event {
        at: first.at + apart * number,
        zone: parse_name(child).expect("a name"),
        what: What::Notify {
            signer: Some((*signer).into()),
            rtype: Notified::Cds,
        },
        ..first
    });
    scenario.events.extend(storm);
    let outcome = run(&scenario);
    assert_eq!(outcome.verdict, Verdict::Safe);
    assert_eq!(outcome.internal_error, None);
    outcome
}

/// N-12: however often a child is spoken of, it is scanned once a minute, and changed once.
#[test]
fn n_12_a_storm_about_one_child_is_a_scan_a_minute() {
    const MINUTES: u64 = 5;
    let verdicts = |outcome: &Outcome| outcome.reasons.values().sum::<u64>();
    let quiet = storm(&[], SECOND);
    assert_eq!(quiet.reasons.get("CDS_ACCEPTED"), None);
    let told = storm(&[("alpha", "example.test.")], SECOND);
    let of_a_scan = verdicts(&told) - verdicts(&quiet);
    assert!(of_a_scan > 0);
    let many = [("alpha", "example.test."); 60 * MINUTES as usize];
    let stormed = storm(&many, SECOND);
    assert_eq!(stormed.reasons["CDS_ACCEPTED"], 1);
    let scans = (verdicts(&stormed) - verdicts(&quiet)) / of_a_scan;
    assert!(
        (MINUTES..=MINUTES + 1).contains(&scans),
        "{scans} scans in {MINUTES} minutes"
    );
}

/// N-12: who speaks of very many children is not heard any more in that minute, and others are.
#[test]
fn n_12_a_storm_about_many_children_drowns_nobody_else() {
    let children: Vec<String> = (0..200).map(|number| format!("z{number}.test.")).collect();
    let many = children.iter().map(|child| ("alpha", child.as_str()));
    let many: Vec<_> = many.collect();
    for (signer, heard) in [("alpha", None), ("beta", Some(&1))] {
        let said = [&many[..], &[(signer, "example.test.")]].concat();
        let outcome = storm(&said, SECOND / 10);
        assert_eq!(outcome.reasons.get("CDS_ACCEPTED"), heard, "{signer}");
    }
}
