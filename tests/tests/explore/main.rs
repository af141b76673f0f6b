//! Exploration: what is drawn is legal, good and covers what it should; what fails is made small; and
//! every file of `scenarios/regressions` comes out as it expects.

mod generated;
mod regressions;
mod searches;
mod shell;
mod shrinking;
mod witness;

use counterpoint_scenarios::scenario::Scenario;

/// How many cases a property tries: `PROPTEST_CASES`, else what a few seconds allow.
fn cases(few: u32) -> u32 {
    let given = std::env::var("PROPTEST_CASES").ok();
    given.and_then(|cases| cases.parse().ok()).unwrap_or(few)
}

/// A scenario from text that is known to be one.
fn scenario(text: &str) -> Scenario {
    counterpoint_scenarios::load::load("test.toml", text)
        .unwrap_or_else(|found| panic!("{found:?}"))
}
