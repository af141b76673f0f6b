//! Whether a scenario makes sense: what no single value shows, but all of them together.
//!
//! Every lint looks at the plain data and names a path (`event.3.signer`); where that stands in the
//! file, the [`Report`] knows. A value that was refused already is not complained about again.

mod denial;
mod expect;
mod keys;
mod limits;
mod model;
mod names;
mod references;
mod resolvers;
mod sources;
mod story;
mod times;

use counterpoint_dns::name::Name;

use crate::{
    diagnostic::{Diagnostic, nearest, one_of},
    load::reader::Report,
    scenario::Scenario,
};

/// Applies all lints.
pub(crate) fn lint(scenario: &Scenario, report: &Report) {
    let lints = Lints { scenario, report };
    names::lint(&lints);
    references::lint(&lints);
    limits::lint(&lints);
    model::lint(&lints);
    denial::lint(&lints);
    sources::lint(&lints);
    times::lint(&lints);
    resolvers::lint(&lints);
    story::lint(&lints);
    keys::lint(&lints);
    expect::lint(&lints);
}

/// A scenario under judgement.
struct Lints<'a> {
    scenario: &'a Scenario,
    report: &'a Report,
}

impl Lints<'_> {
    /// Complains about the value at `path`, unless it was refused already.
    fn fail(
        &self,
        path: &str,
        code: &'static str,
        message: impl Into<String>,
        complete: impl FnOnce(Diagnostic) -> Diagnostic,
    ) {
        if self.report.is_spoilt(path) {
            return;
        }
        let place = self.report.place(path);
        let mistake = self.report.at(place, code, message);
        self.report.add(place, complete(mistake));
    }

    /// Complains unless `name` is one of `known`.
    fn must_exist<'n>(
        &self,
        path: &str,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'n str>,
    ) {
        let known: Vec<&str> = known.into_iter().collect();
        if known.contains(&name) || self.report.lacks_names(what) {
            return;
        }
        let message = format!("there is no {what} `{name}`");
        self.fail(path, "unknown-reference", message, |d| {
            let d = d.expected(format!("no such {what}"));
            match nearest(name, known.iter().copied()) {
                Some(near) => d.suggest(format!("did you mean `{near}`?")),
                None if known.is_empty() => d.suggest(format!("the file has no {what}")),
                None => d.suggest(format!("the file has {}", one_of(known))),
            }
        });
    }

    /// Complains unless there is such a zone.
    fn must_be_zone(&self, path: &str, zone: &Name) {
        if self.scenario.zone(zone).is_none() {
            let known: Vec<String> = self
                .scenario
                .zones
                .iter()
                .map(|z| z.name.to_string())
                .collect();
            self.must_exist(
                path,
                "zone",
                &zone.to_string(),
                known.iter().map(String::as_str),
            );
        }
    }

    /// Complains unless a signer is called `name`.
    fn must_be_signer(&self, path: &str, name: &str) {
        let known = self.scenario.signers.iter().map(|s| s.name.as_str());
        self.must_exist(path, "signer", name, known);
    }
}
