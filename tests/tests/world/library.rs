//! What each file of the library expects comes true, and each file expects something that matters.

use std::collections::BTreeSet;

use counterpoint_scenarios::{
    expectations::unmet,
    run::run,
    scenario::{ControllerSabotage, Verdict},
};

use crate::{library, read};

#[test]
fn every_file_comes_out_as_it_expects() {
    let (mut safe, mut not) = (0, 0);
    for path in library() {
        let scenario = read(&path);
        let outcome = run(&scenario);
        assert_eq!(outcome.internal_error, None, "{}", path.display());
        let missing = unmet(&scenario.expect, &outcome);
        assert!(missing.is_empty(), "{}: {missing:#?}", path.display());
        assert!(
            !scenario.source.is_empty(),
            "{} names its source",
            path.display()
        );
        match outcome.verdict {
            Verdict::Safe => safe += 1,
            Verdict::Unsafe => {
                not += 1;
                let classes = scenario.expect.violations.as_deref().unwrap_or_default();
                assert!(
                    classes.iter().any(|class| class.first.is_some()),
                    "{} says when it becomes unsafe",
                    path.display()
                );
            }
        }
    }
    assert!(safe >= 10 && not >= 10, "{safe} safe and {not} unsafe");
}

/// Defects in which there is nothing that the guard could refuse.
const NOTHING_TO_REFUSE: [(&str, &str); 2] = [
    (
        "csync-at-remaining-only",
        "it harms no cache: the parent sees what is inconsistent, and does not follow",
    ),
    (
        "no-renewal",
        "whoever lets signatures expire changes nothing",
    ),
];

/// What is wrong without the guard comes out safe with it, and it was the guard who saw to that.
#[test]
fn the_guard_refuses_every_sabotage() {
    let mut refused = BTreeSet::new();
    for path in library() {
        let mut scenario = read(&path);
        let defects: Vec<_> = scenario.controller.sabotage.clone();
        if defects.is_empty() {
            continue;
        }
        scenario.controller.guard = true;
        let outcome = run(&scenario);
        let name = path.display();
        let expires = defects.iter().any(|defect| defect.name() == "no-renewal");
        assert_eq!(outcome.verdict == Verdict::Unsafe, expires, "{name}");
        if outcome
            .reached
            .iter()
            .any(|what| what.starts_with("guard/"))
        {
            refused.extend(defects.iter().map(|defect| defect.name()));
        }
    }
    let excepted = NOTHING_TO_REFUSE.map(|(name, _)| name);
    let left = ControllerSabotage::ALL.iter().map(|defect| defect.name());
    let left: Vec<_> = left.filter(|name| !refused.contains(name)).collect();
    assert_eq!(left, excepted, "the guard was never asked about these");
}

/// Steps that are wrong because of what others do, which the guard sees and the table does not.
const REFUSED_RIGHTLY: [&str; 1] = ["quirk-own-cds-withdrawn"];

/// The tables are safe alone, and the guard does not get in their way.
#[test]
fn correct_tables_need_no_guard_and_the_guard_refuses_none_of_their_steps() {
    let mut processes = 0;
    let (mut refused, mut failed) = (Vec::new(), Vec::new());
    for path in library() {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut scenario = read(&path);
        let is_sabotaged = !scenario.controller.sabotage.is_empty();
        if is_sabotaged || !scenario.events.iter().any(|event| event.what.is_process()) {
            continue;
        }
        let guarded = run(&scenario);
        let refusals = guarded
            .reached
            .iter()
            .filter(|what| what.starts_with("guard/"));
        if refusals.count() > 0 {
            refused.push(name);
            continue;
        }
        scenario.controller.guard = false;
        let alone = run(&scenario);
        let missing = unmet(&scenario.expect, &alone);
        if !missing.is_empty()
            || alone.verdict == Verdict::Unsafe && guarded.verdict == Verdict::Safe
        {
            failed.push(format!("{name} without the guard: {missing:?}"));
        }
        processes += alone.processes.len();
    }
    assert_eq!(refused, REFUSED_RIGHTLY, "the guard refused a step");
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(processes >= 20, "{processes} processes");
}
