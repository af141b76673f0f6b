//! A shrunk scenario as a file: its story in comments, then what it expects.

use super::{shrink::Shrunk, trial::Class};
use crate::scenario::{
    Expect, ExpectedViolation, ParentState, Property, Quantifier, Scenario, Verdict, What,
    time::{print_span, seconds},
};

/// Columns of a comment.
const WIDTH: usize = 100;

/// The scenario as a file of `scenarios/regressions/`: it expects what should be. With a deliberate
/// defect that is the failure, without one it is none.
pub fn to_file(shrunk: &Shrunk, origin: &str) -> String {
    let mut scenario = shrunk.scenario.clone();
    scenario.title = title(&scenario, &shrunk.class);
    scenario.source = origin.into();
    scenario.expect = expect(&scenario, &shrunk.class);
    let mut text = String::new();
    paragraph(&mut text, &format!("What breaks: {}.", shrunk.class));
    paragraph(&mut text, &tale(&scenario));
    paragraph(&mut text, &shrunk.story);
    text.push('\n');
    text.push_str(&scenario.to_toml());
    text
}

/// What should come of it.
fn expect(scenario: &Scenario, class: &Class) -> Expect {
    let is_sabotaged =
        !scenario.controller.sabotage.is_empty() || !scenario.scanner.sabotage.is_empty();
    let property = Property::from_name(&class.property);
    let mut expect = Expect::default();
    match property {
        Some(property) if property.decides() && is_sabotaged => {
            expect.verdict = Some(Verdict::Unsafe);
            expect.violations = Some(vec![ExpectedViolation {
                property,
                quantifier: Quantifier::from_name(&class.quantifier)
                    .unwrap_or(Quantifier::AnyCache),
                ..ExpectedViolation::default()
            }]);
        }
        Some(Property::DoneWithin) if !is_sabotaged => {
            // A bound in whole hours: it is read by people.
            let bound = super::bound::ended_by(scenario);
            expect.within = Some(seconds(bound.as_secs().div_ceil(3_600) * 3_600));
        }
        // The file says what the parent must be like, or, with a defect, that it is not.
        Some(Property::ParentUntouched) if is_sabotaged => {
            let due = scenario.expect.parent;
            expect.parent = due.map(|due| match due {
                ParentState::Changed => ParentState::Untouched,
                ParentState::Untouched => ParentState::Changed,
            });
        }
        Some(Property::ParentUntouched) => {
            expect.parent = scenario.expect.parent;
            expect.signers.clone_from(&scenario.expect.signers);
        }
        _ => {}
    }
    expect
}

fn title(scenario: &Scenario, class: &Class) -> String {
    let controller = scenario
        .controller
        .sabotage
        .iter()
        .map(|defect| defect.name());
    let scanner = scenario.scanner.sabotage.iter().map(|defect| defect.name());
    let defects: Vec<&str> = controller.chain(scanner).collect();
    match defects.as_slice() {
        [] => class.link.clone(),
        defects => format!("{}: {}", defects.join(" and "), class.link),
    }
}

/// The events and faults in their order, in words.
fn tale(scenario: &Scenario) -> String {
    let mut told: Vec<(std::time::Duration, String)> = Vec::new();
    for event in scenario.events_by_time() {
        told.push((event.at, words(&event.what)));
    }
    for fault in &scenario.faults {
        let until = match fault.until {
            Some(until) => format!("until {}", print_span(until)),
            None => "for good".into(),
        };
        told.push((
            fault.from,
            format!(
                "{} is in trouble ({}) {until}",
                fault.target,
                fault.kind.name()
            ),
        ));
    }
    told.sort_by_key(|(at, _)| *at);
    let sentences = told
        .into_iter()
        .map(|(at, what)| format!("At {} {what}.", print_span(at)));
    sentences.collect::<Vec<_>>().join(" ")
}

fn words(what: &What) -> String {
    match what {
        What::Join { signer } => format!("{signer} joins"),
        What::Leave {
            signer,
            dead: false,
        } => format!("{signer} leaves"),
        What::Leave { signer, dead: true } => format!("{signer}, which is dead, is taken out"),
        What::Replace { from, to } => format!("{to} takes the place of {from}"),
        What::GroupAdd { group, signer } => format!("{signer} joins the group {group}"),
        What::GroupRemove { group, signer } => format!("{signer} leaves the group {group}"),
        What::ControllerCrash { lasting } => {
            format!("the controller crashes for {}", print_span(*lasting))
        }
        What::SetTtl {
            at_parent: true,
            rtype,
            ttl,
            ..
        } => format!("the parent's {rtype} TTL becomes {ttl}"),
        What::SetTtl {
            rtype,
            ttl,
            at_signers,
            ..
        } => match at_signers {
            Some(who) => format!("the {rtype} TTL of {} becomes {ttl}", who.join(" and ")),
            None => format!("everybody's {rtype} TTL becomes {ttl}"),
        },
        other => match other.at_signers() {
            Some(who) => format!("there is {} at {}", other.name(), who.join(" and ")),
            None => format!("there is {}", other.name()),
        },
    }
}

/// A comment, wrapped.
fn paragraph(text: &mut String, words: &str) {
    let mut line = String::from("#");
    for word in words.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    if line != "#" {
        text.push_str(&line);
        text.push('\n');
    }
}
