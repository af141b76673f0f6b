//! A signer is added to a group of very many zones, and joins each of them at the same time:
//! `cargo run --release -p counterpoint-scenarios --example many_joins [-- ZONES]`; 1,000 without.
//!
//! The world is that of `library/migration-group.toml`, with other zones. It prints what the oracle says
//! and how long that took, and fails unless all is safe, done, and at both signers.

#![allow(clippy::disallowed_methods, reason = "an example measures real time")]

use std::{error::Error, process::ExitCode, time::Instant};

use counterpoint_dns::name::parse_name;
use counterpoint_scenarios::{
    load::load,
    outcome::ProcessOutcome,
    run::run,
    scenario::{Verdict, Zone},
};

const ZONES: usize = 1_000;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let zones = match std::env::args().nth(1) {
        Some(text) => text.parse()?,
        None => ZONES,
    };
    let text = include_str!("../library/migration-group.toml");
    let mut scenario = load("migration-group.toml", text).map_err(|found| format!("{found:?}"))?;
    let first = scenario.zones.first().cloned().ok_or("there is no zone")?;
    let named = |number| {
        let name = parse_name(&format!("z{number}.test."))?;
        Ok(Zone {
            name,
            ..first.clone()
        })
    };
    let named = (0..zones).map(named);
    scenario.zones = named.collect::<Result<_, Box<dyn Error>>>()?;
    // Beta is added; alpha is not removed.
    scenario.events.truncate(1);
    let began = Instant::now();
    let outcome = run(&scenario);
    let took = began.elapsed().as_secs_f64();
    let processes = outcome.processes.iter();
    let done = processes
        .filter(|process| process.outcome == ProcessOutcome::Done)
        .count();
    let delegated = outcome.delegated_to.values();
    let delegated = delegated
        .filter(|signers| **signers == ["alpha", "beta"])
        .count();
    println!(
        "{zones} zones: {:?}, {done} joins done, {delegated} delegated to both signers, in {} h of virtual time; {took:.1} s",
        outcome.verdict,
        outcome.virtual_time.as_secs() / 3_600,
    );
    let is_well = outcome.verdict == Verdict::Safe && done == zones && delegated == zones;
    Ok(if is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
