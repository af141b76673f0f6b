//! A run told as a careful colleague would. Every sentence is read off the run.

use std::{fmt::Write as _, time::Duration};

use counterpoint_dns::time::human;

use crate::{
    at::At,
    run::{Fetch, Got, Process, Run, Span, Step, Version, Violation, What, Witness, Zone},
};

/// The whole run: its verdict, and each violation.
pub fn explain(run: &Run) -> String {
    let mut text = format!("{}\n\n", run.heading());
    let length = human(run.end - At::START);
    text += &match (&run.error, run.safe) {
        (Some(error), _) => paragraph(&format!(
            "Nothing is known about this run, for it failed: {error}."
        )),
        (None, Some(true)) => paragraph(&format!(
            "This run is safe: in {length} of virtual time (seed {}) there is no instant at which a cache that \
             can exist fails, for {}, {}.",
            run.seed,
            run.profiles.join(", "),
            run.quantifier
        )),
        _ => paragraph(&format!(
            "This run is unsafe (seed {}, {length} of virtual time).",
            run.seed
        )),
    };
    if run.error.is_none() {
        text += &tightest(run)
            .map(|advice| paragraph(&advice))
            .unwrap_or_default();
        for number in 1..=run.violations.len() {
            text += &violation(run, number).unwrap_or_default();
        }
        text += &resolvers(run)
            .map(|told| paragraph(&told))
            .unwrap_or_default();
    }
    for unmet in &run.unmet {
        text += &paragraph(&format!("Not as expected: {unmet}."));
    }
    text.trim_end().to_owned() + "\n"
}

/// One violation, counted from 1; none if there are not so many.
pub fn violation(run: &Run, number: usize) -> Option<String> {
    let violation = run.violations.get(number.checked_sub(1)?)?;
    let mut text = format!("{number}. {}\n\n", headline(violation));
    match (&violation.witness, run.zone(&violation.zone)) {
        (Some(witness), Some(zone)) => {
            let teller = Teller {
                run,
                zone,
                violation,
                witness,
            };
            text += &paragraph(&teller.fetches());
            text += &paragraph(&teller.failure());
            text += &paragraph(&teller.lasting());
            text += &paragraph(&teller.remedy());
        }
        _ => text += &paragraph(&sentence(&violation.prose)),
    }
    Some(text)
}

/// As `example.test. is not secure for liberal, any-cache`.
pub fn headline(violation: &Violation) -> String {
    let Violation {
        property,
        profiles,
        quantifier,
        zone,
        decides,
        ..
    } = violation;
    let decides = if *decides { "" } else { " (reported only)" };
    let profiles = profiles.join(", ");
    format!("{zone} is not `{property}` for {profiles}, {quantifier}{decides}")
}

struct Teller<'r> {
    run: &'r Run,
    zone: &'r Zone,
    violation: &'r Violation,
    witness: &'r Witness,
}

impl<'r> Teller<'r> {
    fn version(&self, fetch: &Fetch) -> Option<&'r Version> {
        self.zone.versions.get(fetch.version?)
    }

    /// Who R is, and what it fetched when.
    fn fetches(&self) -> String {
        let who = match self.violation.quantifier.as_str() {
            "any-cache" => "whoever validates behind some cache",
            _ => "a validating resolver with a cache of its own",
        };
        let mut text = format!("Let R be {who}.");
        let all = [
            self.witness.under.as_ref(),
            Some(&self.witness.earlier),
            self.witness.later.as_ref(),
        ];
        for fetch in all.into_iter().flatten() {
            text += &format!(" {}", self.fetch(fetch));
        }
        text
    }

    /// One fetch: from whom, since when and until when it was served, until when it is held.
    fn fetch(&self, fetch: &Fetch) -> String {
        let mut text = format!(
            "{} it fetched {} from {}",
            sentence_at(fetch.at),
            fetch.name,
            self.zone.instance(fetch.instance)
        );
        if let Some(version) = self.version(fetch) {
            text += &match (version.from, version.until) {
                (None, None) => ", which served it all the time".into(),
                (Some(from), None) => format!(", which served it from {from} to the end"),
                (None, Some(until)) => format!(", which served it until {until}"),
                (Some(from), Some(until)) => format!(", which served it from {from} until {until}"),
            };
            let held = match version.what {
                What::Dnskey | What::Ds if !version.keys.is_empty() => self.labels(&version.keys),
                What::Ns => self.instances(&version.servers),
                What::Answers => {
                    let keys: Vec<usize> = version.signed.iter().map(|signed| signed.key).collect();
                    match keys.as_slice() {
                        [] => "no signature".into(),
                        keys => format!("a signature by {}", self.labels(keys)),
                    }
                }
                _ => String::new(),
            };
            let verb = match version.what {
                What::Dnskey => "it holds",
                What::Ds | What::Ns => "it names",
                What::Answers | What::Address => "it has",
            };
            if !held.is_empty() {
                text += &format!("; {verb} {held}");
            }
        }
        text += &match fetch.held_until {
            Some(until) => format!(". R may hold it until {until}."),
            None => ". R may hold it for ever.".into(),
        };
        text
    }

    fn labels(&self, keys: &[usize]) -> String {
        list(keys.iter().map(|&key| self.zone.key(key)))
    }

    fn instances(&self, instances: &[usize]) -> String {
        list(instances.iter().map(|&one| self.zone.instance(one)))
    }

    /// Why what was fetched does not go together, and what is missing where.
    fn failure(&self) -> String {
        let from = self.violation.from;
        let reason = match self.witness.reason.as_str() {
            "ds-not-signed" => "no signature of the parent on the DS RRset holds".into(),
            "no-key-matches-ds" => "no DS that R can use matches a key of that DNSKEY RRset".into(),
            "dnskey-not-signed-by-ds-key" => {
                "no key that a DS matches signed that DNSKEY RRset".into()
            }
            "answer-unsigned" => "the answer carries no signature".into(),
            "answer-signed-by-others" => {
                "none of the keys of the DNSKEY RRset that R holds made a valid signature on the answer".into()
            }
            "expired" => match self.witness.reason_at {
                Some(at) => format!("the last signature that fits expired at {at}"),
                None => "the last signature that fits had expired before the start".into(),
            },
            "not-yet-valid" => match self.witness.reason_at {
                Some(at) => format!("no signature that fits holds before {at}"),
                None => "no signature that fits holds yet".into(),
            },
            "algorithm-missing" => match self.witness.reason_algorithm {
                Some(number) => format!("R asks for a signature of algorithm {number}, and there is none that holds"),
                None => "R asks for a signature of an algorithm that is missing".into(),
            },
            "no-ds" => "the zone must be signed, and R holds the proof that it is not".into(),
            "all-lame" => "no server that it leads to answers with authority".into(),
            "served-everywhere" => {
                "every server of the delegation had what R holds a denial of, when it was denied".into()
            }
            other => other.replace('-', " "),
        };
        let outcome = match self.violation.property.as_str() {
            "secure" => "R gets Bogus",
            "never-insecure" => "R takes the zone for unsigned",
            "reachable" => "R finds no server",
            "no-false-denial" => "R denies a name that is there",
            _ => "R fails",
        };
        let mut text = format!("At {from} {outcome}: {reason}.");
        if self.witness.reason == "answer-signed-by-others" {
            text += &self.missing_keys();
        }
        text
    }

    /// At which servers the keys that signed the answer are not in the DNSKEY RRset.
    fn missing_keys(&self) -> String {
        let later = self.witness.later.as_ref();
        let fetches = [Some(&self.witness.earlier), later];
        let mut versions = fetches
            .into_iter()
            .flatten()
            .filter_map(|f| self.version(f));
        let Some(answer) = versions.find(|version| version.what == What::Answers) else {
            return String::new();
        };
        let from = self.violation.from;
        let mut text = String::new();
        for signed in &answer.signed {
            let all = self.zone.versions.iter();
            let lacks = all.filter(|version| {
                let is_dnskey = version.what == What::Dnskey && version.is_served(from);
                is_dnskey && !version.keys.contains(&signed.key)
            });
            let lacks: Vec<usize> = lacks.map(|version| version.instance).collect();
            let key = self.zone.key(signed.key);
            text += &match lacks.as_slice() {
                [] => format!(
                    " At that instant every server that serves the zone has {key} in its DNSKEY RRset: what R holds is older."
                ),
                lacks => format!(
                    " At that instant {key} is missing in the DNSKEY RRset of {}.",
                    self.instances(lacks)
                ),
            };
        }
        text
    }

    /// For how long.
    fn lasting(&self) -> String {
        let mut during = self.violation.during.iter();
        let mut text = match during.next() {
            Some(Span {
                from: Some(from),
                until: Some(until),
            }) => format!("That lasts until {until} ({}).", human(*until - *from)),
            Some(Span { until: None, .. }) => "That lasts beyond the end of the run.".into(),
            _ => String::new(),
        };
        match during.len() {
            0 => {}
            1 => text += " It comes again once.",
            again => text += &format!(" It comes again {again} times."),
        }
        if let Some(tail) = self.violation.tail {
            let _ = write!(
                text,
                " Where resolvers remember failures (RFC 9520), clients may feel it up to {} longer.",
                human(tail.into())
            );
        }
        text
    }

    /// What came too early, who did it, and when it would have been safe.
    fn remedy(&self) -> String {
        let Some(later) = &self.witness.later else {
            return "It takes no second fetch: what R holds is enough to fail.".into();
        };
        let (older, newer) = self.by_age(&self.witness.earlier, later);
        let mut text = self.culprit(newer);
        if let Some(margin) = self.violation.margin.map(Duration::from) {
            let safe = self.violation.from + margin;
            let _ = write!(
                text,
                " It came {} too early: from {safe} on no cache holds {} as {} served it.",
                human(margin),
                older.name,
                self.zone.instance(older.instance)
            );
        } else if self
            .version(older)
            .is_some_and(|version| version.until.is_none())
        {
            let _ = write!(
                text,
                " No wait would have helped: {} still serves {} like that when the run ends.",
                self.zone.instance(older.instance),
                older.name
            );
        }
        text.trim().into()
    }

    /// Which could be fetched first.
    fn by_age<'f>(&self, one: &'f Fetch, other: &'f Fetch) -> (&'f Fetch, &'f Fetch) {
        match self.since(other) < self.since(one) {
            true => (other, one),
            false => (one, other),
        }
    }

    /// Since when what was fetched can be fetched there without a pause; none: from the start.
    fn since(&self, fetch: &Fetch) -> Option<At> {
        let spans = self
            .version(fetch)
            .into_iter()
            .flat_map(|version| &version.fetchable);
        let mut around = spans.filter(|span| span.from.is_none_or(|from| from <= fetch.at));
        around.next_back().and_then(|span| span.from)
    }

    /// How the newer version came about, or how caches came to it.
    fn culprit(&self, newer: &Fetch) -> String {
        let (Some(version), Some(since)) = (self.version(newer), self.since(newer)) else {
            return "Both could be fetched like that from the start.".into();
        };
        let server = self.zone.instance(newer.instance);
        let name = &newer.name;
        let mut text = match version.from == Some(since) {
            false => format!(
                "The newer of the two is {name} from {server}: caches are led there since {since}"
            ),
            true => format!(
                "The newer of the two is {name} from {server}, served like that since {since}{}",
                match version.cause.as_deref() {
                    Some("update") => " after a dynamic update".into(),
                    Some("hand") => match script_before(self.run, since) {
                        Some(event) => format!(" after it was changed by hand (`{event}`)"),
                        None => " after it was changed by hand".into(),
                    },
                    Some("resigning") => " after its signatures were renewed".into(),
                    Some(cause) => format!(" ({cause})"),
                    None => String::new(),
                }
            ),
        };
        if let Some((process, step)) = step_at(self.run, &self.zone.name, since) {
            let _ = write!(
                text,
                ", while `{}` of the process `{}` was under way ({})",
                step.name, process.name, step.title
            );
        }
        text + "."
    }
}

/// The step of a zone's process that was under way.
fn step_at<'r>(run: &'r Run, zone: &str, at: At) -> Option<(&'r Process, &'r Step)> {
    let all = run.processes.iter().filter(|process| process.zone == zone);
    let mut steps = all.flat_map(|process| process.steps.iter().map(move |step| (process, step)));
    steps.find(|(_, step)| step.from <= at && step.until.is_none_or(|until| at < until))
}

/// The last thing that the scenario had happen until then.
fn script_before(run: &Run, at: At) -> Option<&str> {
    let mut before = run.script.iter().filter(|event| event.at <= at);
    before.next_back().map(|event| event.text.as_str())
}

/// The step with the least slack.
fn tightest(run: &Run) -> Option<String> {
    let steps = run
        .processes
        .iter()
        .flat_map(|p| p.steps.iter().map(move |step| (p, step)));
    let slacks =
        steps.filter_map(|(process, step)| Some((Duration::from(step.slack?), process, step)));
    let (slack, process, step) = slacks.min_by_key(|(slack, ..)| *slack)?;
    Some(match slack.is_zero() {
        true => format!(
            "What follows step `{}` of the process `{}` came at the earliest safe instant or before.",
            step.name, process.name
        ),
        false => format!(
            "The closest call of its processes: what follows step `{}` of `{}` could have come {} earlier, and not more.",
            step.name,
            process.name,
            human(slack)
        ),
    })
}

/// Who got Bogus, and when.
fn resolvers(run: &Run) -> Option<String> {
    let told = run.resolvers.iter().filter_map(|resolver| {
        let mut bogus = resolver.stretches.iter().filter(|s| s.got == Got::Bogus);
        let count: u64 = bogus.clone().map(|stretch| stretch.count).sum();
        let (first, last) = (bogus.clone().next()?, bogus.next_back()?);
        let times = if count == 1 {
            "once"
        } else {
            &format!("{count} times")
        };
        Some(match first.from == last.until {
            true => format!("{} got Bogus {times}, at {}", resolver.name, first.from),
            false => format!(
                "{} got Bogus {times}, first at {} and last at {}",
                resolver.name, first.from, last.until
            ),
        })
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty())
        .then(|| format!("Of the concrete resolvers of this run {}.", told.join("; ")))
}

fn sentence_at(at: At) -> String {
    match at < At::START {
        true => format!("Before the start, at {at},"),
        false => format!("At {at}"),
    }
}

fn sentence(text: &str) -> String {
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{text}{end}")
}

/// As `a, b and c`.
fn list<'t>(all: impl Iterator<Item = &'t str>) -> String {
    let mut all: Vec<&str> = all.collect();
    match all.pop() {
        None => String::new(),
        Some(only) if all.is_empty() => only.into(),
        Some(last) => format!("{} and {last}", all.join(", ")),
    }
}

/// How wide prose is.
const WIDTH: usize = 100;

/// A paragraph, wrapped and indented, with an empty line below.
fn paragraph(text: &str) -> String {
    let mut wrapped = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > WIDTH {
            wrapped.push('\n');
            column = 0;
        }
        wrapped += if column == 0 { "   " } else { " " };
        wrapped += word;
        column += width + 1;
    }
    match wrapped.is_empty() {
        true => wrapped,
        false => wrapped + "\n\n",
    }
}
