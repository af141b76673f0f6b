//! The first phase: under all faults no cache fails, and the parent is what the scenario says.

use counterpoint_dns::{
    oracle::{self, Quantifier, history::History, judge},
    time::Timestamp,
};

use super::{Class, Failure, INTERNAL, Trial};
use crate::{
    explore::bound,
    run::{play::Played, resolvers, verdict},
    scenario::{self, ParentState, Profile, Property, Scenario},
};

/// Whether every cache validates at every instant, and every concrete resolver agrees.
pub(super) fn caches(scenario: &Scenario, played: &Played, trial: &mut Trial) {
    let (since, until) = (played.stage.world.since(), played.end);
    let by = match scenario.judge.quantifier {
        scenario::Quantifier::AnyCache => Quantifier::AnyCache,
        scenario::Quantifier::OneResolver => Quantifier::OneResolver,
    };
    for (zone, recorder) in &played.stage.world.recorders {
        let history: History = recorder.history();
        let mut found = Vec::new();
        let mut lenient_is_safe = false;
        for profile in harshest_first(&scenario.judge.profiles) {
            if lenient_is_safe && *profile == Profile::Liberal {
                continue;
            }
            let asked = resolvers::judged(profile);
            if oracle::judge_by(&[by], &history, &asked, since, until)
                .violations
                .is_empty()
            {
                // Where a strict validator never fails, a lenient one does not.
                lenient_is_safe |= matches!(profile, Profile::StrictDs | Profile::StrictDnskey);
                continue;
            }
            let violations = judge(&history, &asked, since, until).violations;
            let foreseen = |violation: &oracle::Violation| {
                violation.property != oracle::Property::Reachable
                    || is_foreseeable(scenario, &history, &asked, violation, (since, until))
            };
            found.extend(violations.into_iter().filter(foreseen));
        }
        // The worse first: what breaks even one resolver, and even the lenient.
        found.sort_by_key(|v| {
            (
                v.property,
                v.quantifier == Quantifier::AnyCache,
                v.profile != "liberal",
            )
        });
        for violation in found {
            if by == Quantifier::OneResolver && violation.quantifier != by {
                continue;
            }
            let class = Class::of(&violation);
            let story = violation.prose(&history, scenario.start);
            trial.failures.push(Failure { class, story });
        }
        let disagreements = verdict::disagreements_of(scenario, played, zone, &history);
        if let Some(first) = disagreements.into_iter().next() {
            let class = Class::new(INTERNAL, "-", "-", "a resolver and the oracle disagree");
            trial.failures.insert(
                0,
                Failure {
                    class,
                    story: first,
                },
            );
        }
    }
}

/// Whether NS leads to nobody even if outages count from when who decides can have noticed: who falls
/// silent between a decision and its effect was not to be foreseen.
fn is_foreseeable(
    scenario: &Scenario,
    history: &History,
    asked: &oracle::Profile,
    violation: &oracle::Violation,
    (since, until): (Timestamp, Timestamp),
) -> bool {
    let mut noticed = history.clone();
    for outage in &mut noticed.outages {
        outage.from = (outage.from + bound::reaction(scenario)).min(outage.until);
    }
    oracle::judge_by(&[violation.quantifier], &noticed, asked, since, until)
        .of(violation.property, violation.quantifier)
        .is_some()
}

/// Whether the parent is as the scenario says that it must be, where it does.
pub(super) fn parent(scenario: &Scenario, played: &Played, trial: &mut Trial) {
    let must_stay = scenario.expect.parent == Some(ParentState::Untouched);
    let changes = played.stage.world.parent_changes;
    let mut wrong = Vec::new();
    if scenario.expect.parent == Some(ParentState::Changed) && changes == 0 {
        wrong.push("it did not change, and everybody who may asked for that".into());
    }
    if must_stay && changes > 0 {
        wrong.push(format!(
            "it changed {changes} times, and nobody who may asked for that"
        ));
    }
    if let Some(named) = &scenario.expect.signers {
        let delegated = verdict::delegated_to(scenario, played);
        for (zone, found) in delegated.iter().filter(|(_, found)| *found != named) {
            let (found, named) = (found.join(" and "), named.join(" and "));
            wrong.push(format!("it delegates {zone} to {found}, not to {named}"));
        }
    }
    if !wrong.is_empty() {
        let property = Property::ParentUntouched.name();
        let class = Class::new(property, "-", "-", "the parent is not what it must be");
        let story = wrong.join("; ");
        trial.failures.push(Failure { class, story });
    }
}

/// The profiles, the harshest first.
fn harshest_first(profiles: &[Profile]) -> Vec<&Profile> {
    let mut sorted: Vec<&Profile> = profiles.iter().collect();
    let leniency = |profile: &Profile| match profile {
        Profile::Only(_) | Profile::Named(_) => 0,
        Profile::StrictDnskey => 1,
        Profile::StrictDs => 2,
        Profile::Liberal => 3,
    };
    sorted.sort_by_key(|profile| leniency(profile));
    sorted
}
