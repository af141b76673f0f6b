//! kill -9 of the daemon, again and again, while it scans and changes: every change once, and no request
//! that stands has to begin anew.

use std::{collections::BTreeMap, time::Duration};

use counterpoint_dns::{driver::clock::Clock, name::Name, stream::octets, time::Timestamp};

use crate::{
    daemon::{Daemon, equip},
    kit::{Fate, Office, Town, ask_for_both, ds_of, name, stage},
};

const KILLS: usize = 20;
/// A request has to stand for so long: longer than any life.
const DEFERRAL: Duration = Duration::from_secs(4);
/// A life that ends by chance, and one that waits for an update.
const LIFE_MS: std::ops::Range<u64> = 200..1_500;
const LONG_LIFE: Duration = Duration::from_millis(2_500);

#[tokio::test]
async fn killed_twenty_times_it_makes_every_change_once_and_forgets_no_request() {
    let children: Vec<String> = (0..KILLS)
        .map(|number| format!("c{number:02}.test."))
        .collect();
    let names: Vec<&str> = children.iter().map(String::as_str).collect();
    let stage = stage(&names);
    let office = Office::new(&stage);
    equip(
        &office,
        &stage,
        "interval = \"3s\"\n[rollover]\ndeferral = \"4s\"\n[brakes]\nshare-from = 1000\n",
    );
    let mut town = Town::open(stage).await;
    let mut asked: BTreeMap<Name, Timestamp> = BTreeMap::new();
    let mut made: BTreeMap<Name, Timestamp> = BTreeMap::new();
    let (mut at_updates, mut known) = (0, 0);
    for (life, child) in names.iter().enumerate() {
        ask_for_both(&mut town.stage, child);
        asked.insert(name(child), Clock.now());
        let daemon = Daemon::start(&mut town, &office, &["--apply"]).await;
        let chance = u64::from(octets(67, &format!("life/{life}"))[0]);
        let ends_at_update = life % 2 == 1;
        let span = LIFE_MS.start + (LIFE_MS.end - LIFE_MS.start) * chance / 256;
        let span = match ends_at_update {
            true => LONG_LIFE,
            false => Duration::from_millis(span),
        };
        // Every other life ends with an update: made and not answered, or lost.
        let (told, update) = tokio::sync::oneshot::channel();
        let mut told = ends_at_update.then_some(told);
        let end = async {
            tokio::select! {
                Ok(()) = update => {}
                () = tokio::time::sleep(span) => {}
            }
            // SIGKILL: nothing of it runs any more.
            daemon.kill();
        };
        town.during(end, |_| match told.take() {
            Some(told) => {
                at_updates += 1;
                let _ = told.send(());
                if life % 4 == 1 {
                    Fate::CarryOut
                } else {
                    Fate::Drop
                }
            }
            None => Fate::Answer,
        })
        .await;
        for child in &town.made[known..] {
            made.entry(child.clone()).or_insert(Clock.now());
        }
        known = town.made.len();
    }
    let early = made.len();
    let daemon = Daemon::start(&mut town, &office, &["--apply"]).await;
    let since = Clock.now();
    while town.made.len() < KILLS {
        let moment = tokio::time::sleep(Duration::from_millis(50));
        town.answering(moment).await;
        let waited = Clock.now().since(since);
        assert!(waited < Duration::from_secs(30), "{}", daemon.said());
    }
    // Nothing more comes of it.
    let scans = town.answering(daemon.metric("scans_total", "")).await;
    let more = scans + 3 * KILLS as u64;
    town.answering(daemon.reaches("scans_total", "", more))
        .await;
    assert_eq!(town.answering(daemon.stop()).await, 0);

    let mut times: BTreeMap<Name, usize> = BTreeMap::new();
    for child in &town.made {
        *times.entry(child.clone()).or_default() += 1;
    }
    let once = names.iter().map(|child| (name(child), 1)).collect();
    assert_eq!(times, once, "every change once");
    for child in &names {
        assert_eq!(ds_of(&town.stage, child).len(), 2, "{child}");
    }
    println!("{early} of {KILLS} made between kills, {at_updates} kills at an update");
    assert!(
        at_updates > 2,
        "some were killed while they changed something"
    );
    // No life was long enough: what was made before the last kill stood over several of them.
    assert!(early >= KILLS / 4, "{early}: requests begin anew");
    for (child, at) in &made {
        let stood = at.since(asked[child]);
        assert!(stood >= DEFERRAL, "{child} stood {stood:?} only");
    }
    let notices = office.read("watch/notices.jsonl");
    for child in &names {
        let count = notices
            .lines()
            .filter(|line| line.contains(&format!("\"{child}\"")))
            .count();
        assert!(count >= 1, "{child}: its registrar is told");
    }
}
