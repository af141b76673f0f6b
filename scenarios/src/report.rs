//! From an outcome to the data of its reports: offsets instead of instants, numbers instead of references.

use std::collections::BTreeMap;

use counterpoint_dns::{
    name::Name,
    oracle::{
        self, Fetched, NsView, Reason,
        history::{History, InstanceId, KeyId, Side, Signature, Version},
        intervals::Interval,
        reach::Reach,
    },
    time::Timestamp,
};
use counterpoint_reports::{
    At, Run, SCHEMA,
    event::Event,
    run::{
        self, Fault, Fetch, Instance, Key, Outage, Process, Scripted, Seconds, Signal, Signed,
        Span, Step, Violation, What, Witness, Zone,
    },
};

use crate::{
    outcome::{self, Outcome},
    scenario::{self, Scenario, Verdict},
};

/// The data of all reports of a run.
pub fn run(scenario: &Scenario, outcome: &Outcome) -> Run {
    let start = scenario.start;
    let events = outcome.event_log.iter();
    let events: Vec<Event> = events.filter_map(|line| Event::of_line(line)).collect();
    let told = Told {
        start,
        end: At::from(outcome.virtual_time),
        causes: causes(&events),
        parent: scenario.parent.zone.to_string(),
    };
    let zones = outcome.histories.iter();
    let zones: Vec<Zone> = zones
        .map(|(name, history)| told.zone(name, history, &events))
        .collect();
    let mut violations: Vec<Violation> = outcome
        .classes()
        .into_iter()
        .map(|(violation, profiles)| told.violation(violation, &profiles, outcome))
        .collect();
    violations.sort_by_key(|violation| !violation.decides);
    let named = |what: &str, lines: &[String]| -> Vec<String> {
        let lines = lines.iter();
        lines.map(|line| format!("{what}: {line}")).collect()
    };
    Run {
        schema: SCHEMA,
        scenario: name_of(&outcome.scenario),
        title: outcome.title.clone(),
        source: scenario.source.clone(),
        seed: outcome.seed,
        start,
        end: told.end,
        safe: match outcome.internal_error {
            None => Some(outcome.verdict == Verdict::Safe),
            Some(_) => None,
        },
        unmet: outcome.unmet.iter().map(ToString::to_string).collect(),
        error: outcome.internal_error.clone(),
        parent: told.parent.clone(),
        quantifier: scenario.judge.quantifier.name().into(),
        profiles: scenario.judge.profiles.iter().map(|p| p.name()).collect(),
        signers: scenario.signers.iter().map(|s| s.name.clone()).collect(),
        zones,
        violations,
        processes: outcome.processes.iter().map(process).collect(),
        script: scripted(scenario),
        faults: scenario.faults.iter().map(fault).collect(),
        resolvers: outcome.resolvers.clone(),
        reasons: outcome.reasons.clone(),
        remarks: [
            named("outage", &outcome.outages),
            named("warning", &outcome.warnings),
            named("note", &outcome.notes),
        ]
        .concat(),
        event_log_sha256: outcome.event_log_sha256(),
    }
}

/// The name of a scenario by the file that it came from: no folder, no `.toml`.
pub fn name_of(path: &str) -> String {
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    file.strip_suffix(".toml").unwrap_or(file).into()
}

/// Why each operator published each version of a zone, in order.
type Causes = BTreeMap<(String, String), Vec<(At, String)>>;

fn causes(events: &[Event]) -> Causes {
    let mut causes = Causes::new();
    for event in events.iter().filter(|event| event.what == "publish") {
        let zone = event.text.split(' ').next().unwrap_or_default();
        let cause = event.text.rsplit("  by ").next().unwrap_or_default();
        if let Ok(at) = event.at.parse() {
            let of = (event.who.clone(), zone.to_owned());
            causes.entry(of).or_default().push((at, cause.into()));
        }
    }
    causes
}

/// What the parts of a run's data have in common.
struct Told {
    start: Timestamp,
    end: At,
    causes: Causes,
    parent: String,
}

impl Told {
    /// An instant of the run or after; none: before it, or never.
    fn at(&self, at: Timestamp) -> Option<At> {
        At::of(at, self.start).filter(|at| *at >= At::START)
    }

    fn span(&self, during: Interval) -> Span {
        Span {
            from: self.at(during.from),
            until: self.at(during.until),
        }
    }

    fn zone(&self, name: &Name, history: &History, events: &[Event]) -> Zone {
        let instances: Vec<Instance> = history
            .instances
            .iter()
            .map(|instance| Instance {
                name: instance.name.clone(),
                owner: first_word(&instance.name, '/'),
                is_parent: instance.side == Side::Parent,
            })
            .collect();
        let versions = self.versions(name, history, &instances);
        let outages = history.outages.iter().map(|span| Outage {
            instance: index(span.instance),
            span: self.span(Interval::new(span.from, span.until)),
        });
        Zone {
            name: name.to_string(),
            keys: keys(history),
            signals: signals(name, &instances, events),
            outages: outages.collect(),
            versions,
            instances,
        }
    }

    /// In the order of [`position`].
    fn versions(
        &self,
        name: &Name,
        history: &History,
        instances: &[Instance],
    ) -> Vec<run::Version> {
        // Every cache that can exist: those that follow NS of both sides, and keep for the whole TTL.
        let reach = Reach::of(history, NsView::ChildCentric, |ttl| ttl);
        let mut all = Vec::new();
        for version in &history.ds {
            let content = version.content.iter();
            let keys = content.clone().filter_map(|ds| ds.key).map(number);
            all.push(run::Version {
                keys: keys.collect(),
                keyless: content.filter(|ds| ds.key.is_none()).count(),
                ..self.version(What::Ds, version, &reach)
            });
        }
        for version in &history.dnskey {
            all.push(run::Version {
                keys: version.content.iter().copied().map(number).collect(),
                ..self.version(What::Dnskey, version, &reach)
            });
        }
        for version in &history.ns {
            all.push(run::Version {
                servers: version.content.iter().copied().map(index).collect(),
                ..self.version(What::Ns, version, &reach)
            });
        }
        for version in &history.answers {
            all.push(run::Version {
                example: Some(version.content.example.clone()),
                ..self.version(What::Answers, version, &reach)
            });
        }
        for version in &history.addresses {
            let of = instances.get(index(version.content.of));
            let leads_to = version.content.leads_to.iter();
            all.push(run::Version {
                servers: leads_to.copied().map(index).collect(),
                example: of.map(|of| of.name.clone()),
                ..self.version(What::Address, version, &reach)
            });
        }
        for version in &mut all {
            let Some(from) = version.from else { continue };
            let owner = &instances[version.instance];
            let zone = match owner.is_parent {
                true => self.parent.clone(),
                false => name.to_string(),
            };
            let published = self.causes.get(&(owner.owner.clone(), zone));
            let before = published.iter().flat_map(|all| all.iter());
            let last = before.take_while(|(at, _)| *at <= from).last();
            version.cause = last.map(|(_, cause)| cause.clone());
        }
        all
    }

    fn version<C>(&self, what: What, version: &Version<C>, reach: &Reach) -> run::Version {
        let fetchable: Vec<Interval> = reach.fetchable(version).collect();
        let cached = fetchable.iter().map(|span| span.until + version.ttl);
        let signed = |signature: &Signature| Signed {
            key: number(signature.key),
            from: self.at(signature.inception),
            until: self.at(signature.expiration),
        };
        run::Version {
            what,
            instance: index(version.instance),
            from: self.at(version.from),
            until: self.at(version.until),
            ttl: version.ttl.as_secs(),
            cached_until: cached.max().and_then(|until| self.at(until)),
            fetchable: fetchable.into_iter().map(|span| self.span(span)).collect(),
            keys: Vec::new(),
            keyless: 0,
            servers: Vec::new(),
            example: None,
            signed: version.signatures.iter().map(signed).collect(),
            cause: None,
        }
    }

    fn violation(
        &self,
        violation: &outcome::Violation,
        profiles: &[&str],
        outcome: &Outcome,
    ) -> Violation {
        let history = outcome.histories.get(&violation.zone);
        let proof = violation.proof.as_deref().zip(history);
        let during = match proof {
            Some((proof, _)) => proof.during.iter().map(|span| self.span(span)).collect(),
            None => vec![Span {
                from: Some(violation.from.into()),
                until: violation.until.map(At::from),
            }],
        };
        // What outlasts the run is not seen to end.
        let open = |span: Span| Span {
            until: span.until.filter(|until| *until < self.end),
            ..span
        };
        Violation {
            property: violation.property.name().into(),
            profiles: profiles.iter().map(|&profile| profile.into()).collect(),
            quantifier: violation.quantifier.name().into(),
            zone: violation.zone.to_string(),
            from: violation.from.into(),
            during: during.into_iter().map(open).collect(),
            prose: violation.witness.clone(),
            witness: proof.map(|(proof, history)| self.witness(proof, history)),
            margin: proof.and_then(|(proof, _)| {
                let safe = proof.earliest_safe()?;
                (safe < Timestamp::MAX).then(|| Seconds::from(proof.margin))
            }),
            tail: violation.tail.map(Seconds::from),
            decides: violation.decides,
        }
    }

    fn witness(&self, proof: &oracle::Violation, history: &History) -> Witness {
        let witness = &proof.witness;
        let fetch = |fetch: &oracle::Fetch| self.fetch(fetch, history);
        Witness {
            under: witness.under.as_ref().map(fetch),
            earlier: fetch(&witness.earlier),
            later: witness.later.as_ref().map(fetch),
            reason: match &witness.reason {
                Reason::DsNotSigned => "ds-not-signed",
                Reason::NoKeyMatchesDs => "no-key-matches-ds",
                Reason::DnskeyNotSignedByDsKey => "dnskey-not-signed-by-ds-key",
                Reason::AnswerUnsigned => "answer-unsigned",
                Reason::AnswerSignedByOthers(_) => "answer-signed-by-others",
                Reason::Expired(_) => "expired",
                Reason::NotYetValid(_) => "not-yet-valid",
                Reason::AlgorithmMissing(_) => "algorithm-missing",
                Reason::NoDs => "no-ds",
                Reason::AllLame => "all-lame",
                Reason::ServedEverywhere => "served-everywhere",
            }
            .into(),
            reason_at: match witness.reason {
                Reason::Expired(at) | Reason::NotYetValid(at) => self.at(at),
                _ => None,
            },
            reason_algorithm: match witness.reason {
                Reason::AlgorithmMissing(algorithm) => Some(algorithm),
                _ => None,
            },
        }
    }

    fn fetch(&self, fetch: &oracle::Fetch, history: &History) -> Fetch {
        let is_none = || {
            let ds = history.ds.get(fetch.version);
            ds.is_some_and(|version| version.content.is_empty())
        };
        Fetch {
            name: match &fetch.what {
                Fetched::Ds if is_none() => "the proof that there is no DS".into(),
                Fetched::Ds => "the DS RRset".into(),
                Fetched::Dnskey => "the DNSKEY RRset".into(),
                Fetched::Ns => "the NS RRset".into(),
                Fetched::Answer(example) => example.clone(),
                Fetched::Address(of) => format!("the address of {of}"),
                Fetched::Denial(what) => format!("NSEC records that deny {what}"),
            },
            instance: index(fetch.instance),
            version: position(fetch, history),
            at: At::of(fetch.at, self.start).unwrap_or_default(),
            held_until: self.at(fetch.held_until),
        }
    }
}

/// Where a fetched version stands in the zone's list: DS, DNSKEY, NS, answers, addresses.
fn position(fetch: &oracle::Fetch, history: &History) -> Option<usize> {
    let before = match fetch.what {
        Fetched::Ds => 0,
        Fetched::Dnskey => history.ds.len(),
        Fetched::Ns => history.ds.len() + history.dnskey.len(),
        Fetched::Answer(_) => history.ds.len() + history.dnskey.len() + history.ns.len(),
        Fetched::Address(_) => {
            let lists = history.ds.len() + history.dnskey.len() + history.ns.len();
            lists + history.answers.len()
        }
        Fetched::Denial(_) => return None,
    };
    Some(before + fetch.version)
}

fn index(instance: InstanceId) -> usize {
    instance.0 as usize
}

fn number(key: KeyId) -> usize {
    key.0 as usize
}

fn first_word(text: &str, end: char) -> String {
    text.split(end).next().unwrap_or(text).into()
}

fn keys(history: &History) -> Vec<Key> {
    let named = history.ds.iter().flat_map(|version| &version.content);
    let mut entries: Vec<KeyId> = named.filter_map(|ds| ds.key).collect();
    let signatures = history
        .dnskey
        .iter()
        .flat_map(|version| &version.signatures);
    entries.extend(signatures.map(|signature| signature.key));
    entries.sort_unstable();
    entries.dedup();
    let numbered = history.keys.iter().zip(0..);
    let key = |(key, id): (&oracle::history::Key, u32)| Key {
        label: key.label.clone(),
        owner: first_word(&key.label, ' '),
        is_entry: entries.binary_search(&KeyId(id)).is_ok(),
        algorithm: key.algorithm,
    };
    numbered.map(key).collect()
}

/// Changes of the RRsets by which a zone asks its parent for something.
fn signals(zone: &Name, instances: &[Instance], events: &[Event]) -> Vec<Signal> {
    let zone = zone.to_string();
    let signal = |event: &Event| {
        if !["CDS", "CDNSKEY", "CSYNC"].contains(&event.what.as_str()) {
            return None;
        }
        let (of, change) = event.text.split_once(' ')?;
        let (_, content) = change.split_once(" -> ")?;
        let mut instances = instances.iter();
        Some(Signal {
            instance: instances.position(|instance| instance.name == event.who)?,
            // What was there from the start is no news.
            at: event
                .at
                .parse()
                .ok()
                .filter(|at| *at > At::START && of == zone)?,
            what: event.what.clone(),
            content: content.into(),
        })
    };
    events.iter().filter_map(signal).collect()
}

fn process(process: &outcome::Process) -> Process {
    let step = |step: &outcome::Step| Step {
        name: step.name.clone(),
        title: step.title.into(),
        from: step.from.into(),
        until: step.until.map(At::from),
        slack: step.slack.map(Seconds::from),
    };
    Process {
        zone: process.zone.to_string(),
        name: process.process.clone(),
        outcome: process.outcome.to_string(),
        is_done: process.outcome == outcome::ProcessOutcome::Done,
        steps: process.steps.iter().map(step).collect(),
    }
}

fn scripted(scenario: &Scenario) -> Vec<Scripted> {
    let only = scenario.only_zone().map(|zone| &zone.name);
    let event = |event: &&scenario::Event| {
        let name = event.what.name();
        let fields = event.print_keys(only).into_iter();
        let fields = fields.filter(|(key, _)| !["at", "do"].contains(key));
        let text: String = fields
            .map(|(key, value)| format!(" {key} {}", value.replace('"', "")))
            .collect();
        let lasting = match &event.what {
            scenario::What::ControllerCrash { lasting } => Some(*lasting),
            _ => None,
        };
        Scripted {
            at: event.at.into(),
            until: lasting.map(|lasting| At::from(event.at + lasting)),
            what: name.into(),
            text: format!("{name}{text}"),
        }
    };
    scenario.events_by_time().iter().map(event).collect()
}

fn fault(fault: &scenario::Fault) -> Fault {
    Fault {
        target: fault.target.to_string(),
        kind: fault.kind.name().into(),
        span: Span {
            from: Some(fault.from.into()),
            until: fault.until.map(At::from),
        },
    }
}
