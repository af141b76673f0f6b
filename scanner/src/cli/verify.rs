//! The self-test: names that must be secure are, and names that must be bogus are, at this clock and
//! under this trust anchor.

use counterpoint_dns::{
    driver::clock::Clock,
    message::Question,
    name::{Name, RecordType, parse_name},
    resolver::Status,
};
use serde::Serialize;
use serde_json::json;

use super::{
    EXIT_OK, EXIT_REFUSED, Failure, Outcome, Streams, arguments,
    resolve::resolve_all,
    setup::{Base, unforeseen},
};
use crate::input::BadInput;

/// One name of the self-test.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// The name.
    pub name: String,
    /// What its SOA must be.
    pub expected: &'static str,
    /// What it is.
    pub found: String,
    /// Whether that is as expected.
    pub passed: bool,
}

/// Makes the self-test.
pub fn self_test(base: &Base) -> Result<Vec<Check>, Failure> {
    let test = &base.policy.self_test;
    let wanted = [("secure", &test.good), ("bogus", &test.bogus)];
    let mut expected: Vec<(Name, &'static str)> = Vec::new();
    for (status, names) in wanted {
        for text in names {
            let name = parse_name(text).map_err(|error| {
                let place = format!("{}: self-test", base.policy_source);
                BadInput::new(place, error, "name a zone of which it is known")
            })?;
            expected.push((name, status));
        }
    }
    let questions = expected.iter();
    let questions: Vec<Question> = questions
        .map(|(name, _)| Question::new(name.clone(), RecordType::SOA))
        .collect();
    let resolutions = resolve_all(&questions, &base.resolver, &base.options, unforeseen()?)?;
    let checks = expected.into_iter().zip(resolutions);
    Ok(checks
        .map(|((name, expected), resolution)| {
            let passed = match expected {
                "secure" => resolution.status == Status::Secure,
                _ => resolution.status.is_bogus(),
            };
            Check {
                name: name.to_string(),
                expected,
                found: resolution.status.to_string(),
                passed,
            }
        })
        .collect())
}

/// Refuses to go on if the self-test fails.
pub fn must_pass(base: &Base) -> Result<(), Failure> {
    let checks = self_test(base)?;
    let failed: Vec<String> = checks
        .iter()
        .filter(|check| !check.passed)
        .map(|check| {
            format!(
                "{} must be {} and is {}",
                check.name, check.expected, check.found
            )
        })
        .collect();
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Failure::Refused(format!(
            "the self-test fails: {}\n  help: see `counterpoint-scanner verify`; correct clock, network, \
             trust anchor or `self-test` in the policy, or go on with --no-self-test",
            failed.join("; ")
        ))),
    }
}

pub fn run(arguments: &arguments::Verify, _: &mut Streams<'_>) -> Result<Outcome, Failure> {
    let base = Base::load(
        arguments.policy.as_deref(),
        arguments.server_port,
        &arguments.routes,
    )?;
    let clock = Clock.now().to_string();
    let checks = self_test(&base)?;
    let all = checks.iter().all(|check| check.passed);
    let mut text = format!("clock         {clock}\n");
    for (key, value) in base.about() {
        text.push_str(&format!("{key:13} {value}\n"));
    }
    for check in &checks {
        let mark = if check.passed { "ok  " } else { "FAIL" };
        let Check {
            name,
            expected,
            found,
            ..
        } = check;
        text.push_str(&format!("{mark} {name} SOA must be {expected}: {found}\n"));
    }
    if !all {
        text.push_str("help: a failing good name speaks of clock, network or trust anchor; a failing bogus name of a resolver that does not validate\n");
    }
    let json = json!({
        "clock": clock,
        "about": about_json(&base.about()),
        "checks": checks,
        "passed": all,
    });
    let code = if all { EXIT_OK } else { EXIT_REFUSED };
    Ok(Outcome { text, json, code })
}

/// What a command says of itself, as JSON.
pub fn about_json(about: &[(String, String)]) -> serde_json::Value {
    let pairs = about.iter().cloned();
    pairs
        .map(|(key, value)| (key, serde_json::Value::String(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
