//! A parent with very many children for two days of virtual time, of which one in a hundred a day asks for
//! another DS RRset: `cargo run --release -p counterpoint-scenarios --example registry [-- CHILDREN]`;
//! 1,000 without.
//!
//! What makes many of them cheap: they share the nameservers of two operators, have one key each, and
//! nobody asks for their names but the scanner. There is no controller; each child's operator makes another
//! key and says so in CDS. A tenth of the requests is malformed. It prints what was done and what it took,
//! and fails unless every change was made once, none late, none wrong, and no cache is harmed.

#![allow(clippy::disallowed_methods, reason = "an example measures real time")]

use std::{
    collections::BTreeMap, error::Error, iter::once, process::ExitCode, time::Duration,
    time::Instant,
};

use counterpoint_dns::{
    key::DIGEST_SHA256,
    name::{Name, RecordType, parse_name},
    rdata::Rdata,
    stream::stream,
};
use counterpoint_scenarios::{
    load::load,
    run::{
        play::{Played, play},
        verdict,
    },
    scenario::{CdsType, Digest, Event, KeyKind, Range, Scenario, Verdict, What, Zone},
};
use counterpoint_simnet::{by_hand::Keys, topology::PARENT};

/// The command's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CHILDREN: u32 = 1_000;
const HOUR: Duration = Duration::from_secs(3_600);
/// Requests come for so long, after everybody was scanned once.
const ASKED: (Duration, Duration) = (HOUR, Duration::from_secs(49 * 3_600));
/// One child in so many asks in all: one in a hundred a day.
const ONE_IN: u32 = 50;
/// One request in so many is malformed.
const MALFORMED_ONE_IN: u32 = 10;
/// From the request to the parent's zone: an interval, the time that a scan of all takes, five minutes.
const LATE: Duration = Duration::from_secs(14 * 3_600);

const SCENARIO: &str = r#"
title = "Very many children of two operators"
duration = "63h"

[parent]
ns-ttl = "1h"

[scanner]
interval = "12h"

[controller]
enabled = false

[[signer]]
name = "alpha"
keys = "csk"
max-ttl = "1h"
ns-ttl = "1h"

[[signer]]
name = "beta"
keys = "csk"
max-ttl = "1h"
ns-ttl = "1h"

[[zone]]
name = "z0.test."
signers = ["alpha"]

"#;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let children: u32 = match std::env::args().nth(1) {
        Some(text) => text.parse()?,
        None => CHILDREN,
    };
    let mut scenario = load("registry.toml", SCENARIO).map_err(|found| format!("{found:?}"))?;
    let asked = populate(&mut scenario, children)?;

    let began = Instant::now();
    let mut played = play(&scenario);
    let playing = began.elapsed().as_secs_f64();
    let counts = played.stage.world.counts();
    let wrong = wrong(&scenario, &mut played);
    let outcome = verdict::outcome(&scenario, played);
    let took = began.elapsed().as_secs_f64();

    let made = made(&outcome.event_log)?;
    let right = asked.iter().filter(|(_, request)| !request.is_malformed);
    let waits: Vec<Option<Duration>> = right
        .map(
            |(child, request)| match made.get(child).map(Vec::as_slice) {
                Some([at]) => at.checked_sub(request.at),
                _ => None,
            },
        )
        .collect();
    let once = waits.iter().flatten().count();
    let late = waits.iter().flatten().filter(|wait| **wait > LATE).count();
    let longest = waits.iter().flatten().max().copied().unwrap_or_default();
    let unasked = made.keys().filter(|child| {
        let request = asked.get(*child);
        request.is_none_or(|request| request.is_malformed)
    });
    let unasked = unasked.count();
    println!(
        "{children} children, {} h: {:?}; {} requests, {} of them malformed; {once} of {} changes made once, \
         {late} late, {unasked} not asked for, {wrong} DS RRsets wrong; {} min at most from request to change",
        outcome.virtual_time.as_secs() / 3_600,
        outcome.verdict,
        asked.len(),
        asked.len() - waits.len(),
        waits.len(),
        longest.as_secs() / 60,
    );
    println!(
        "{took:.1} s, {playing:.1} s of it playing; {:.0} MiB at most; {} exchanges, {} updates, {} transfers, {} signatures",
        peak()?,
        counts.exchanges,
        counts.updates,
        counts.transfers,
        counts.signatures,
    );
    let is_well = outcome.verdict == Verdict::Safe
        && outcome.internal_error.is_none()
        && once == waits.len()
        && [late, unasked, wrong] == [0; 3];
    Ok(match is_well {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// What a child asks for.
struct Request {
    at: Duration,
    is_malformed: bool,
}

/// So many children, half of them at each operator, and what some of them ask for.
fn populate(
    scenario: &mut Scenario,
    children: u32,
) -> Result<BTreeMap<Name, Request>, Box<dyn Error>> {
    scenario.resolvers.clear();
    scenario.events.clear();
    let first = scenario.zones.first().cloned().ok_or("there is no zone")?;
    let zones = (0..children).map(|number| {
        Ok(Zone {
            name: parse_name(&format!("z{number}.test."))?,
            signers: vec![operator(number).into()],
            ..first.clone()
        })
    });
    scenario.zones = zones.collect::<Result<_, Box<dyn Error>>>()?;

    let mut chance = stream(scenario.seed, "requests");
    let mut asked = BTreeMap::new();
    for (number, zone) in (0..).zip(&scenario.zones) {
        if number % ONE_IN != 0 {
            continue;
        }
        let is_malformed = (number / ONE_IN) % MALFORMED_ONE_IN == MALFORMED_ONE_IN - 1;
        let at = Range::new(ASKED.0, ASKED.1).draw(&mut chance);
        let signer = operator(number).to_string();
        let key = What::NewKey {
            signer: signer.clone(),
            kind: KeyKind::Csk,
            label: "csk-2".into(),
        };
        let cds = What::PublishCds {
            at_signers: Some(vec![signer.clone()]),
            of: (!is_malformed).then(|| vec![signer]),
            types: vec![CdsType::Cds, CdsType::Cdnskey],
            digests: vec![Digest::Sha256],
            delete: is_malformed,
            malformed: is_malformed,
            signed_by: None,
        };
        let key = (!is_malformed).then_some(key);
        for what in key.into_iter().chain(once(cds)) {
            scenario.events.push(Event {
                number: scenario.events.len() + 1,
                at,
                zone: zone.name.clone(),
                what,
            });
        }
        asked.insert(zone.name.clone(), Request { at, is_malformed });
    }
    Ok(asked)
}

fn operator(number: u32) -> &'static str {
    // Not in step with who asks.
    ["alpha", "beta"][(number / 7 % 2) as usize]
}

/// How many children have another DS RRset in the end than one of all keys that their operator has for them.
fn wrong(scenario: &Scenario, played: &mut Played) -> usize {
    let stage = &mut played.stage;
    let parent = stage.world.operator(PARENT);
    let primary = parent.map(|index| &stage.world.operators[index].primaries);
    let version = primary.and_then(|primaries| primaries.get(&scenario.parent.zone));
    let Some(version) = version.and_then(|primary| primary.published()).cloned() else {
        return scenario.zones.len();
    };
    let is_wrong = |zone: &&Zone| {
        let signers = zone.signers.iter();
        let keys = signers.flat_map(|signer| stage.own_keys(signer, &zone.name, &Keys::All));
        let ds = keys.filter_map(|key| key.ds(&zone.name, DIGEST_SHA256));
        let expected: Vec<Rdata> = ds.map(|ds| ds.to_rdata()).collect();
        let found = version.get(&zone.name, RecordType::DS);
        found.is_none_or(|found| {
            let found = &found.set.data;
            found.len() != expected.len() || !expected.iter().all(|data| found.contains(data))
        })
    };
    scenario.zones.iter().filter(is_wrong).count()
}

/// When each child's delegation was changed, by the scanner's own word.
fn made(log: &[String]) -> Result<BTreeMap<Name, Vec<Duration>>, Box<dyn Error>> {
    let mut made: BTreeMap<Name, Vec<Duration>> = BTreeMap::new();
    for line in log {
        let mut words = line.split_whitespace();
        let (at, who, what) = (words.next(), words.next(), words.next());
        if (who, what) == (Some("scanner"), Some("applied")) {
            let child = parse_name(words.next().unwrap_or_default())?;
            let at = at.and_then(since_start).ok_or("a line without a time")?;
            made.entry(child).or_default().push(at);
        }
    }
    Ok(made)
}

/// `T+2d03:00:00.125` as a span, to the second.
fn since_start(text: &str) -> Option<Duration> {
    let (days, clock) = text.strip_prefix("T+")?.split_once('d')?;
    let clock = clock.split('.').next()?;
    let mut seconds: u64 = 0;
    for part in clock.split(':') {
        seconds = seconds * 60 + part.parse::<u64>().ok()?;
    }
    Some(Duration::from_secs(
        days.parse::<u64>().ok()? * 86_400 + seconds,
    ))
}

/// The most memory that the process had, in MiB, as Linux tells it.
fn peak() -> Result<f64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next());
    let kibibytes: f64 = kibibytes.ok_or("no VmHWM in /proc/self/status")?.parse()?;
    Ok(kibibytes / 1_024.0)
}
