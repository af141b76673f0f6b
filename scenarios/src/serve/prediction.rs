//! What the oracle says of each instant of a scenario.

use std::{collections::BTreeMap, time::Duration};

use counterpoint_dns::{
    name::Name,
    oracle::{Property, Quantifier, Violation},
    time::Timestamp,
};

use super::Show;
use crate::{
    run::{play::play_under, verdict::violations},
    scenario::Scenario,
};

/// Every violation of a whole run.
#[derive(Clone, Debug)]
pub struct Prediction {
    start: Timestamp,
    /// How long the run is.
    pub length: Duration,
    profiles: Vec<String>,
    violations: Vec<(Name, Violation)>,
}

impl Show {
    /// Plays the scenario to its end and has the oracle judge it. Fails, in words, if the run does not end.
    pub fn predict(&self) -> Result<Prediction, String> {
        let Scenario { start, judge, .. } = &self.scenario;
        let played = play_under(&self.scenario, self.direction());
        if let Some(error) = played.internal_error {
            return Err(error);
        }
        Ok(Prediction {
            start: *start,
            length: played.end - *start,
            profiles: judge.profiles.iter().map(|p| p.name()).collect(),
            violations: violations(&self.scenario, &played),
        })
    }
}

impl Prediction {
    /// What is violated so long after the start, for some cache.
    pub fn at(&self, instant: Duration) -> impl Iterator<Item = &(Name, Violation)> {
        let at = self.start + instant;
        let all = self.violations.iter();
        all.filter(move |(_, violation)| violation.during.contains(at))
    }

    /// The same in prose, one line each.
    pub fn lines(&self, instant: Duration) -> Vec<String> {
        type Class<'a> = (&'a Name, Property, Quantifier, Timestamp, Timestamp);
        let at = self.start + instant;
        let mut classes: BTreeMap<Class<'_>, Vec<&str>> = BTreeMap::new();
        for (zone, found) in self.at(instant) {
            let around = found.during.around(at);
            let (from, until) = around.map_or((at, at), |span| (span.from, span.until));
            let class = (zone, found.property, found.quantifier, from, until);
            let profiles = classes.entry(class).or_default();
            profiles.push(&found.profile);
        }
        if classes.is_empty() {
            let profiles = self.profiles.join(", ");
            return vec![format!("every cache that can exist validates ({profiles})")];
        }
        let line =
            |((zone, property, quantifier, from, until), profiles): (Class<'_>, Vec<&str>)| {
                let until = match until {
                    Timestamp::MAX => "on, without end".into(),
                    _ => format!("until {}", until.relative_to(self.start)),
                };
                let (from, profiles) = (from.relative_to(self.start), profiles.join(", "));
                format!(
                    "{zone} is not `{property}` for {profiles}, {quantifier}: from {from} {until}"
                )
            };
        classes.into_iter().map(line).collect()
    }
}
