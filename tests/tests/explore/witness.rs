//! The oracle against concrete resolvers on drawn worlds, both ways.

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use counterpoint_scenarios::explore::witness::{Heard, hear};

/// How many worlds: `WITNESS_RUNS`, else what some seconds allow.
fn runs() -> u64 {
    let given = std::env::var("WITNESS_RUNS").ok();
    given.and_then(|runs| runs.parse().ok()).unwrap_or(24)
}

#[test]
fn resolvers_bear_witness_of_what_the_oracle_says() {
    let (next, all) = (AtomicU64::new(0), Mutex::new(Vec::<(u64, Heard)>::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let run = next.fetch_add(1, Ordering::Relaxed);
                    if run >= runs() {
                        break;
                    }
                    let heard = hear(1, run);
                    all.lock().unwrap().push((run, heard));
                }
            });
        }
    });
    let all = all.into_inner().unwrap();
    let told: Vec<String> = all
        .iter()
        .flat_map(|(run, heard)| heard.contradictions.iter().map(move |text| (run, text)))
        .map(|(run, text)| {
            format!("{text}\n  again: counterpoint witness --seed 1 --first {run} --runs 1")
        })
        .collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
    // Nothing is shown where nothing is found, or nobody asks.
    let shown = all.iter().filter(|(_, heard)| !heard.bogus.is_empty());
    let asked: u64 = all.iter().map(|(_, heard)| heard.resolutions).sum();
    let (shown, worlds) = (shown.count() as u64, all.len() as u64);
    assert!(shown > 0, "no witness was replayed in {worlds} worlds");
    assert!(asked > 50 * worlds, "{asked} resolutions");
}
