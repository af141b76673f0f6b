//! Migrations over drawn TTLs, lags and delays: never a violation with all waits, and each wait that
//! is cut is found. The whole table is printed by `--example draws`; this is its short form.

use counterpoint_scenarios::draws::{ROWS, Ttls, play};

/// Draws with all waits.
const RUNS: usize = 60;
/// Draws with a wait cut.
const RUNS_CUT: usize = 12;

#[test]
fn the_waits_suffice_and_none_is_idle() {
    for row in &ROWS {
        let runs = if row.cuts.is_empty() { RUNS } else { RUNS_CUT };
        for ttls in [Ttls::Constant, Ttls::OneLowered] {
            let tally = play(row, ttls, 1, runs, 2);
            assert_eq!(tally.runs, runs);
            if ttls == Ttls::Constant {
                // What the model on paper does not see are lags and the draws of single delays.
                let explained = tally.predicted * 4 >= runs * 3;
                assert!(explained, "{}: {} of {runs}", row.name, tally.predicted);
            }
            if row.cuts.is_empty() {
                assert_eq!(tally.violated, 0, "{ttls:?}: seeds {:?}", tally.seeds);
                assert_eq!(tally.finished, runs, "every process ends");
            } else {
                assert!(tally.violated > 0, "{} is found, {ttls:?}", row.name);
            }
        }
    }
}
