//! Opens a farm of every state on every software, tells where it is and how a scanner is tried on it, and
//! keeps it until Enter.
//!
//! `cargo run -p counterpoint-farm --example farm`

use std::{
    error::Error,
    io::{self, BufRead as _},
    time::{Duration, SystemTime},
};

use counterpoint_dns::{name::parse_name, time::Timestamp};
use counterpoint_farm::{Farm, OperatorPlan, Plan, Software, trial::desk};

fn main() -> Result<(), Box<dyn Error>> {
    let pair =
        |software: Software| OperatorPlan::pair(software.program(), software, software.states());
    let mut farm = Farm::open(&Plan {
        parent: parse_name("farm.")?,
        operators: Software::ALL.map(pair).to_vec(),
        seed: 1,
        now: Timestamp::default() + since_1970()?,
    })?;
    farm.start_parent()?;
    farm.start_root()?;
    let resolver = farm.start_resolver()?;
    println!("files     {}", farm.folder().display());
    println!("parent    {}", farm.parent_address());
    println!("resolver  {}", farm.resolver_address());
    for operator in &farm.operators {
        println!("{:<9} {:?}", operator.plan.label, operator.all_addresses());
    }
    for child in &farm.children {
        println!("child     {}", child.name);
    }
    let office = desk(&farm)?;
    let policy = office.join("policy.toml");
    let port = farm.parent_address().port();
    let means = format!("--policy {} --server-port {port}", policy.display());
    let zone_file = farm.parent_file();
    println!("try       counterpoint-scanner verify {means}");
    println!(
        "          counterpoint-scanner audit {means} --zone-file {} --report first-day",
        zone_file.display()
    );
    println!("Enter stops it.");
    io::stdin().lock().read_line(&mut String::new())?;
    drop(resolver);
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "real servers live in real time")]
fn since_1970() -> Result<Duration, Box<dyn Error>> {
    Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?)
}
