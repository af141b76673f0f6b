//! Every process over drawn TTLs, lags and faults, and with a controller that dies after its nth
//! output and is restored: the run ends well, and no cache could have failed. Here a sample of both;
//! `--example rehearse` plays all.

use counterpoint_scenarios::rehearsal::{STORIES, play_crashes, play_draws};

/// Draws of each process.
const RUNS: usize = 6;
/// Every so many outputs the controller dies once.
const STRIDE: usize = 29;

#[test]
fn every_process_is_safe_over_draws() {
    for story in &STORIES {
        let tally = play_draws(story, 1, RUNS, 2);
        assert_eq!(tally.runs, RUNS);
        assert!(tally.wrong.is_empty(), "{}: {:#?}", story.name, tally.wrong);
    }
}

#[test]
fn every_process_survives_the_death_of_its_controller() {
    for story in &STORIES {
        let tally = play_crashes(story, STRIDE, 2);
        assert!(tally.runs >= 3, "{}: {} deaths", story.name, tally.runs);
        assert!(tally.wrong.is_empty(), "{}: {:#?}", story.name, tally.wrong);
    }
}
