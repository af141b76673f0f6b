//! Two runs side by side: what happened earlier, later, not at all.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use counterpoint_dns::time::human;

use crate::{
    at::At,
    picture::{self, State},
    run::{Got, Run},
};

/// What is closer than that happened at the same time.
const SAME: Duration = Duration::from_secs(1);

/// What two runs do not have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// What happened earlier in the second, with both instants.
    pub earlier: Vec<(String, At, At)>,
    /// What happened later in the second.
    pub later: Vec<(String, At, At)>,
    /// What happened in the first alone.
    pub only_first: Vec<(String, At)>,
    /// What happened in the second alone.
    pub only_second: Vec<(String, At)>,
    /// How much happened at the same time.
    pub same: usize,
}

impl Diff {
    /// Compares two runs.
    pub fn of(first: &Run, second: &Run) -> Self {
        let (mut one, mut other) = (milestones(first), milestones(second));
        let mut diff = Self::default();
        for (what, at) in std::mem::take(&mut one) {
            match other.remove(&what) {
                None => diff.only_first.push((what, at)),
                Some(then) if (then - at).max(at - then) < SAME => diff.same += 1,
                Some(then) if then < at => diff.earlier.push((what, at, then)),
                Some(then) => diff.later.push((what, at, then)),
            }
        }
        diff.only_second = other.into_iter().collect();
        diff.earlier.sort_by_key(|(_, at, _)| *at);
        diff.later.sort_by_key(|(_, at, _)| *at);
        diff.only_first.sort_by_key(|(_, at)| *at);
        diff.only_second.sort_by_key(|(_, at)| *at);
        diff
    }

    /// Whether everything happened in both, at the same time.
    pub fn is_empty(&self) -> bool {
        let Self {
            earlier,
            later,
            only_first,
            only_second,
            ..
        } = self;
        earlier.is_empty() && later.is_empty() && only_first.is_empty() && only_second.is_empty()
    }
}

/// The comparison for people.
pub fn diff(first: &Run, second: &Run) -> String {
    let diff = Diff::of(first, second);
    let mut text = String::new();
    for (letter, run) in [("A", first), ("B", second)] {
        let length = human(run.end - At::START);
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{letter}  {}: {}, {length} of virtual time, seed {}",
            run.heading(),
            run.verdict(),
            run.seed
        );
    }
    let both = [("earlier in B", &diff.earlier), ("later in B", &diff.later)];
    for (title, lines) in both.into_iter().filter(|(_, lines)| !lines.is_empty()) {
        let _ = writeln!(text, "\n  {title}");
        for (what, at, then) in lines {
            let by = human((*then - *at).max(*at - *then));
            let (at, then) = (at.to_string(), then.to_string());
            let _ = writeln!(text, "    {by:>8}  {at:<18} {then:<18} {what}");
        }
    }
    let alone = [
        ("only in A", &diff.only_first),
        ("only in B", &diff.only_second),
    ];
    for (title, lines) in alone.into_iter().filter(|(_, lines)| !lines.is_empty()) {
        let _ = writeln!(text, "\n  {title}");
        for (what, at) in lines {
            let at = at.to_string();
            let _ = writeln!(text, "    {at:<18} {what}");
        }
    }
    let _ = writeln!(text, "\n  at the same time: {}", diff.same);
    text
}

/// What happens in a run, each once: the first time. Names hold no key tags, which every seed draws anew.
fn milestones(run: &Run) -> BTreeMap<String, At> {
    let mut found = BTreeMap::new();
    let mut add = |what: String, at: At| {
        let known = found.entry(what).or_insert(at);
        *known = at.min(*known);
    };
    for violation in &run.violations {
        let what = format!("{} is not {}", violation.zone, violation.property);
        let whom = &violation.quantifier;
        add(format!("{what} for {whom}: begins"), violation.from);
        if let Some(until) = violation.during.last().and_then(|span| span.until) {
            add(format!("{what} for {whom}: ends"), until);
        }
    }
    for event in &run.script {
        add(format!("script: {}", event.text), event.at);
    }
    for process in &run.processes {
        let of = format!("{} of {}", process.name, process.zone);
        for step in &process.steps {
            add(format!("{of}: {} begins", step.name), step.from);
        }
        let last = process.steps.last().and_then(|step| step.until);
        if let Some(ended) = last.filter(|_| process.is_done) {
            add(format!("{of}: done"), ended);
        }
    }
    for resolver in &run.resolvers {
        let mut bogus = resolver
            .stretches
            .iter()
            .filter(|stretch| stretch.got == Got::Bogus);
        if let Some(first) = bogus.next() {
            add(
                format!("resolver {}: first bogus", resolver.name),
                first.from,
            );
        }
    }
    for panel in picture::panels(run) {
        for group in &panel.groups {
            // Servers of one owner may be folded otherwise in the other run.
            let owner = group.title.split(' ').next().unwrap_or_default();
            for lane in &group.lanes {
                for row in &lane.rows {
                    let what = format!("{owner}: {} {}", lane.what, row.label);
                    let mut served = row
                        .pieces
                        .iter()
                        .filter(|piece| piece.state != State::Going);
                    let (first, last) = (served.clone().next(), served.next_back());
                    if let Some(first) = first.filter(|piece| piece.from > At::START) {
                        add(format!("{what} comes"), first.from);
                    }
                    if let Some(last) = last.filter(|piece| piece.until < run.end) {
                        add(format!("{what} goes"), last.until);
                    }
                }
            }
        }
    }
    found
}
