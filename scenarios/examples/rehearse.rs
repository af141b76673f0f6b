//! Plays every process over many draws, and with a controller that dies after each of its outputs:
//! `cargo run --release --example rehearse -- 500` (draws of each; default 100), or a story's name.

use counterpoint_scenarios::rehearsal::{STORIES, Tally, play_crashes, play_draws};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let runs: usize = arguments
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(100);
    let only = arguments.next();
    let stride: usize = arguments
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1);
    for story in STORIES
        .iter()
        .filter(|story| only.as_deref().is_none_or(|name| name == story.name))
    {
        let draws = play_draws(story, 1, runs, 2);
        let crashes = play_crashes(story, stride, 2);
        println!(
            "{:<16} {:>5} draws, {} wrong; {:>5} deaths, {} wrong",
            story.name,
            draws.runs,
            draws.wrong.len(),
            crashes.runs,
            crashes.wrong.len()
        );
        show("draw", &draws);
        show("death", &crashes);
    }
}

fn show(what: &str, tally: &Tally) {
    for (number, why) in tally.wrong.iter().take(4) {
        println!("    {what} {number}: {why}");
    }
}
