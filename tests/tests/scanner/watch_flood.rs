//! Ten thousand NOTIFYs a second from everywhere: timed scans go on, and memory does not grow.

use std::{
    fs,
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use counterpoint_dns::{driver::clock::Clock, message::Question, name::RecordType, notify::notify};

use crate::{
    daemon::{Daemon, equip},
    kit::{Office, Town, name, stage},
};

const CHILDREN: usize = 20;
/// Those, and those of alpha's and beta's names.
const ALL: u64 = CHILDREN as u64 + 2;
/// A second.
const RATE: u32 = 10_000;
const SOURCES: u8 = 250;
const SPAN: Duration = Duration::from_secs(6);

/// Sends until it is told to stop; how many were sent.
fn flood(to: SocketAddr, stop: &AtomicBool, sent: &AtomicU64) {
    let sockets: Vec<UdpSocket> = (0..SOURCES)
        .map(|number| UdpSocket::bind(SocketAddr::from(([127, 50, number, 1], 0))).unwrap())
        .collect();
    let began = Clock.now();
    let mut count: u32 = 0;
    while !stop.load(Ordering::Relaxed) {
        let due = began + Duration::from_secs(1) * count / RATE;
        if Clock.now() < due {
            thread::yield_now();
            continue;
        }
        // Children, names that are none, and what is no NOTIFY at all.
        let child = match count % 3 {
            0 => format!("c{:02}.test.", count as usize % CHILDREN),
            1 => format!("x{count}.test."),
            _ => format!("x{count}.example."),
        };
        let mut request = notify(count as u16, &Question::new(name(&child), RecordType::CDS));
        if count.is_multiple_of(7) {
            request.truncate(11);
        }
        let socket = &sockets[count as usize % sockets.len()];
        let _ = socket.send_to(&request, to);
        count += 1;
        sent.store(count.into(), Ordering::Relaxed);
    }
}

/// Resident memory, in KiB.
fn memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn n_12_a_flood_starves_no_timed_scan_and_takes_no_memory() {
    let children: Vec<String> = (0..CHILDREN)
        .map(|number| format!("c{number:02}.test."))
        .collect();
    let names: Vec<&str> = children.iter().map(String::as_str).collect();
    let stage = stage(&names);
    let office = Office::new(&stage);
    equip(&office, &stage, "interval = \"1s\"\n");
    let mut town = Town::open(stage).await;
    let daemon = Daemon::start(&mut town, &office, &[]).await;
    town.answering(daemon.reaches("scans_total", "scan", 2 * ALL))
        .await;
    let before = town.answering(scans_in(&daemon, SPAN / 2)).await * 2;

    let (stop, sent) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let flooding = {
        let (to, stop, sent) = (daemon.notify, stop.clone(), sent.clone());
        thread::spawn(move || flood(to, &stop, &sent))
    };
    town.answering(tokio::time::sleep(Duration::from_secs(1)))
        .await;
    let small = memory(daemon.child.id());
    let during = town.answering(scans_in(&daemon, SPAN)).await;
    let large = memory(daemon.child.id());
    stop.store(true, Ordering::Relaxed);
    flooding.join().unwrap();
    let heard = town.answering(daemon.metric("notify_total", "")).await;
    let by_notify = town.answering(daemon.metric("scans_total", "notify")).await;
    let sent = sent.load(Ordering::Relaxed);
    println!(
        "{sent} sent in about {:?}, {heard} heard; timed scans in {SPAN:?}: {before} before, {during} during; \
         {by_notify} scans by NOTIFY; {small} KiB, then {large} KiB",
        SPAN + Duration::from_secs(1)
    );
    assert!(
        sent >= u64::from(RATE) * SPAN.as_secs(),
        "{sent}: that is no flood"
    );
    assert!(heard > sent / 2, "{heard} of {sent} were looked at");
    assert!(
        during * 2 > before,
        "{during} timed scans, and {before} without a flood"
    );
    // Each child once a minute.
    assert!((1..=2 * ALL).contains(&by_notify), "{by_notify}");
    assert!(large < small + 4_096, "{small} KiB, then {large} KiB");
    assert_eq!(town.answering(daemon.stop()).await, 0);
}

/// How many timed scans there are in a span.
async fn scans_in(daemon: &Daemon, span: Duration) -> u64 {
    let before = daemon.metric("scans_total", "scan").await;
    tokio::time::sleep(span).await;
    daemon.metric("scans_total", "scan").await - before
}
