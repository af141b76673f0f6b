//! How results are told: to people, to programs, to CI.

use clap::ValueEnum;
use counterpoint_reports::junit;

use crate::outcome::Outcome;

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Results {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, one a scenario.
    Json,
    /// JUnit XML, one test case a scenario.
    Junit,
    /// Annotations of GitHub, one for each that did not come as expected.
    Github,
}

/// An outcome as CI is told; `report` is its text.
pub fn case(outcome: &Outcome, report: &str) -> junit::Case {
    let unmet: Vec<String> = outcome.unmet.iter().map(ToString::to_string).collect();
    junit::Case {
        name: outcome.scenario.clone(),
        file: Some(outcome.scenario.clone()),
        result: match &outcome.internal_error {
            Some(error) => junit::Result::Failed(error.clone(), report.into()),
            None if unmet.is_empty() => junit::Result::Expected,
            None => junit::Result::Unexpected(unmet.join("; "), report.into()),
        },
    }
}
