//! Very many zones of three signers in steady state, for a virtual week on one core:
//! `cargo run --release -p counterpoint-scenarios --example steady [-- ZONES [KEY=VALUE]…]`; 1,000 without.
//!
//! Everybody is at work: the controller watches, the scanner scans, signers sign again, resolvers ask.
//! It prints what was done and what it took, and fails unless all is safe and the bars are met: a minute
//! and a gibibyte for a thousand zones, and in proportion for more.

#![allow(clippy::disallowed_methods, reason = "an example measures real time")]

use std::{error::Error, process::ExitCode, time::Instant};

use counterpoint_dns::name::parse_name;
use counterpoint_scenarios::{
    load::load_with,
    run::{play::play, verdict},
    scenario::{Verdict, Zone},
};

/// The command's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ZONES: u32 = 1_000;
const SECONDS_MAX: f64 = 60.0;
const MEBIBYTES_MAX: f64 = 1_024.0;

const SCENARIO: &str = r#"
title = "Many zones of three signers, at rest"
duration = "7d"

[scanner]
interval = "1d"

[[signer]]
name = "alpha"

[[signer]]
name = "beta"

[[signer]]
name = "gamma"

[[group]]
name = "g1"
signers = ["alpha", "beta", "gamma"]

[[zone]]
name = "z0.test."
group = "g1"
records = ["www A 192.0.2.1"]

[[resolver]]
name = "parent-centric"
query-every = "6h"

[[resolver]]
name = "child-centric"
query-every = "6h"

[[resolver]]
name = "behind-cache"
query-every = "6h"
"#;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let zones: u32 = match arguments.next() {
        Some(text) => text.parse()?,
        None => ZONES,
    };
    let sets: Vec<String> = arguments.collect();
    let mut scenario =
        load_with("steady.toml", SCENARIO, &sets).map_err(|found| format!("{found:?}"))?;
    let first = scenario.zones.first().cloned().ok_or("there is no zone")?;
    let named = (0..zones).map(|number| {
        let name = parse_name(&format!("z{number}.test."))?;
        let first = first.clone();
        Ok(Zone { name, ..first })
    });
    scenario.zones = named.collect::<Result<_, Box<dyn Error>>>()?;

    let began = Instant::now();
    let played = play(&scenario);
    let playing = began.elapsed().as_secs_f64();
    let counts = played.stage.world.counts();
    let outcome = verdict::outcome(&scenario, played);
    let took = began.elapsed().as_secs_f64();
    let memory = peak()?;
    println!(
        "{zones} zones, {} days: {:?}; {} events, {} exchanges, {} updates, {} transfers, {} signatures",
        outcome.virtual_time.as_secs() / 86_400,
        outcome.verdict,
        counts.events,
        counts.exchanges,
        counts.updates,
        counts.transfers,
        counts.signatures,
    );
    println!(
        "{took:.1} s, {playing:.1} s of it playing; {memory:.0} MiB at most; {:.0} exchanges a second",
        counts.exchanges as f64 / playing
    );
    let share = f64::from(zones.max(ZONES)) / f64::from(ZONES);
    let is_well = outcome.verdict == Verdict::Safe
        && took < SECONDS_MAX * share
        && memory < MEBIBYTES_MAX * share;
    Ok(match is_well {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// The most memory that the process had, in MiB, as Linux tells it.
fn peak() -> Result<f64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next());
    let kibibytes: f64 = kibibytes.ok_or("no VmHWM in /proc/self/status")?.parse()?;
    Ok(kibibytes / 1_024.0)
}
