//! Prints the table of migrations over drawn TTLs, lags and delays, with each wait cut alone.
//!
//! `cargo run --release -p counterpoint-scenarios --example draws [RUNS [JOBS [FIRST-SEED]]]`

use counterpoint_scenarios::draws::{ROWS, Ttls, play};

fn main() {
    let mut numbers = std::env::args().skip(1).map(|word| word.parse::<usize>());
    let mut next = |default| numbers.next().and_then(Result::ok).unwrap_or(default);
    let (runs, jobs, first) = (next(1_500), next(2), next(1));
    println!("join then leave, {runs} draws from seed {first}, guard off; violated in percent");
    println!(
        "{:44} {:>9} {:>6} {:>9} {:>9} {:>9}",
        "", "constant", "paper", "explained", "lowered", "finished"
    );
    let mut is_bad = false;
    for row in &ROWS {
        let constant = play(row, Ttls::Constant, first as u64, runs, jobs);
        let lowered = play(row, Ttls::OneLowered, first as u64, runs, jobs);
        let finished = constant.finished + lowered.finished;
        println!(
            "{:44} {:>8.1}% {:>5}% {:>8.1}% {:>8.1}% {:>8.1}%  e.g. seeds {:?}",
            row.name,
            constant.percent(),
            row.paper,
            100.0 * constant.predicted as f64 / runs as f64,
            lowered.percent(),
            100.0 * finished as f64 / (2 * runs) as f64,
            constant.seeds
        );
        if row.cuts.is_empty() {
            is_bad |= constant.violated + lowered.violated > 0;
        } else {
            is_bad |= constant.violated == 0;
        }
    }
    if is_bad {
        std::process::exit(1);
    }
}
