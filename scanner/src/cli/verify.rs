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
    /// What to do, if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<&'static str>,
}

impl Check {
    /// The name must be so, and is so.
    fn of(name: &Name, expected: &'static str, status: &Status) -> Self {
        let passed = match expected {
            "secure" => *status == Status::Secure,
            _ => status.is_bogus(),
        };
        Self {
            name: name.to_string(),
            expected,
            found: status.to_string(),
            passed,
            help: (!passed).then(|| help(expected, status)),
        }
    }
}

/// What to do about a name that is not as it must be.
fn help(expected: &str, status: &Status) -> &'static str {
    match (expected, status) {
        (_, Status::Failed(_)) => {
            "no server answered: see that port 53 is open outwards, by UDP and TCP, to the root servers \
             and beyond; where only a root of your own can be reached, name it in the policy, as \
             `resolver.roots`, with its `resolver.trust-anchor`"
        }
        ("secure", Status::Bogus(_)) => {
            "compare the clock with another; then the trust anchor with the DS records that the root's \
             operator publishes (for IANA: https://data.iana.org/root-anchors/root-anchors.xml), and \
             correct `resolver.trust-anchor` in the policy"
        }
        ("secure", _) => {
            "nothing signs this name up to the trust anchor: name another zone, which is signed, as \
             `self-test.good` in the policy"
        }
        _ => {
            "it is not broken on purpose, or not any more: name another zone, which is, as \
             `self-test.bogus` in the policy, or none: `bogus = []`"
        }
    }
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
        .map(|((name, expected), resolution)| Check::of(&name, expected, &resolution.status))
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

/// Makes the self-test, and tells what came out and what to do. Needs a network, and nothing else.
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
        if let Some(help) = check.help {
            text.push_str(&format!("     help: {help}\n"));
        }
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
