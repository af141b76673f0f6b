//! What is remembered between runs and within one, in the store: states of children, verdicts, silent
//! servers, the run under way.
//!
//! Keys: `child/NAME` (the state), `verdict/NAME` (the last verdicts, and by which run), `silent/NAME`
//! (servers that did not answer), `planned/NAME` (a change that the run has found), `intent/NAME` (an
//! update that is being sent), `applied/NAME` (the plan by which the child was changed last, and how),
//! `notice/NAME` (who is still to be told of that), `run`, `input` (how large the last input was).

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use counterpoint_dns::{
    agent::Record,
    driver::sqlite::{Entry, SqliteStore},
    name::Name,
    time::Timestamp,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Failure, survey_all::lock};
use crate::{
    output::{
        Decision,
        decision::Judged,
        notice::{self, Told},
    },
    patience::Silence,
    plan::{Planned, file::Block},
    policy::Policy,
    schedule::Next,
    state::ChildState,
    survey::Finding,
    verdict::Outcome,
};

/// How many findings are made durable at once.
const BATCH: usize = 200;

/// The run under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Names it: when it began, and what it is.
    pub id: String,
    /// `plan` or `apply`.
    pub command: String,
    /// The words of its command line.
    pub words: Vec<String>,
    /// The directory in which those words hold.
    pub directory: String,
    /// When it began.
    pub began: Timestamp,
}

/// The last verdicts on a child.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastVerdict {
    /// By which run.
    pub run: String,
    /// When.
    pub time: Timestamp,
    /// Subject, outcome and reason code of each.
    pub said: Vec<(String, String, String)>,
    /// When `watch` scans the child next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
}

/// A record of JSON.
pub fn record(kind: &str, name: impl std::fmt::Display, value: &impl Serialize) -> Record {
    Record {
        key: format!("{kind}{name}"),
        // Plain data with text keys: to JSON it cannot fail.
        value: serde_json::to_string(value).unwrap_or_default(),
    }
}

/// The absence of a record.
pub fn no_record(kind: &str, name: impl std::fmt::Display) -> Record {
    Record {
        key: format!("{kind}{name}"),
        value: String::new(),
    }
}

/// The value under a key, read back.
pub fn value<T: DeserializeOwned>(store: &SqliteStore, key: &str) -> Result<Option<T>, Failure> {
    let Some(text) = store.value(key)? else {
        return Ok(None);
    };
    let read = serde_json::from_str(&text);
    read.map(Some).map_err(|error| {
        let path = store.path().display();
        Failure::BadInput(format!("the store {path}: the record {key} cannot be read: {error}\n  help: export the state, correct or remove that line, import it into a new file"))
    })
}

/// What is remembered of a child.
pub fn state_of(store: &SqliteStore, child: &Name) -> Result<ChildState, Failure> {
    Ok(value(store, &format!("child/{child}"))?.unwrap_or_default())
}

/// The servers of a child that were silent for the whole schedule.
pub fn given_up(
    store: &SqliteStore,
    child: &Name,
    schedule: &[Duration],
    now: Timestamp,
) -> Result<BTreeSet<String>, Failure> {
    let silence: Option<Silence> = value(store, &format!("silent/{child}"))?;
    Ok(silence.map_or_else(BTreeSet::new, |silence| silence.given_up(schedule, now)))
}

/// Whether an earlier run has looked at a child.
pub fn met_before(store: &SqliteStore, child: &Name) -> Result<bool, Failure> {
    Ok(store.value(&format!("verdict/{child}"))?.is_some())
}

/// What a finding means for the state of its child, and who is told of it.
pub fn after_scan(
    finding: &Finding,
    met_before: bool,
    policy: &Policy,
    now: Timestamp,
) -> (ChildState, Vec<Told>) {
    let mut state = finding.gathered.state.clone();
    let told = notice::after_scan(finding, &mut state, met_before, now);
    state.ds_is(finding.gathered.delegation.ds.is_some(), now);
    finding.remember(&mut state, policy, now);
    let accepted = finding
        .ds
        .as_ref()
        .and_then(|verdict| verdict.change.as_ref());
    if let Some(change) = accepted {
        state.planned(change);
    }
    (state, told)
}

/// Writes what a run finds, in batches, each of which is one transaction.
pub struct Recorder<'a> {
    store: &'a Mutex<SqliteStore>,
    run: String,
    policy: Policy,
    records: Vec<Record>,
    entries: Vec<Entry>,
    /// The children of what is not yet written.
    unwritten: BTreeSet<Name>,
    findings: usize,
}

impl<'a> Recorder<'a> {
    /// For this run, under this policy.
    pub fn new(store: &'a Mutex<SqliteStore>, run: &str, policy: &Policy) -> Self {
        Self {
            store,
            run: run.into(),
            policy: policy.clone(),
            records: Vec::new(),
            entries: Vec::new(),
            unwritten: BTreeSet::new(),
            findings: 0,
        }
    }

    /// The store as it is without what is not yet written.
    pub fn store(&self) -> MutexGuard<'a, SqliteStore> {
        lock(self.store)
    }

    /// Counts silence by another policy from now on.
    pub fn set_policy(&mut self, policy: &Policy) {
        self.policy = policy.clone();
    }

    /// Whether something of this child is not yet written: what the store says of it is old.
    pub fn is_ahead_of(&self, child: &Name) -> bool {
        self.unwritten.contains(child)
    }

    /// Whether anything is not yet written.
    pub fn is_ahead(&self) -> bool {
        self.findings > 0
    }

    /// Whether a decision says something else than the last one.
    pub fn is_news(&self, child: &Name, decision: &Decision) -> Result<bool, Failure> {
        let known: Option<LastVerdict> = value(&self.store(), &format!("verdict/{child}"))?;
        Ok(known.is_none_or(|known| known.said != said(decision)))
    }

    /// Whether the next finding makes a batch durable.
    pub fn will_flush(&self) -> bool {
        self.findings + 1 >= BATCH
    }

    /// Takes a finding, with the state that follows from it, and with `next`, if it is a daemon's: then
    /// what was planned before is planned no more, unless its update is on its way. Returns whether a
    /// batch was made durable.
    pub fn add(
        &mut self,
        finding: &Finding,
        state: &ChildState,
        decision: &Decision,
        next: Option<Next>,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let child = finding.gathered.child();
        let is_sent = self.store().value(&format!("intent/{child}"))?.is_some();
        if next.is_some() && !is_sent {
            self.records.push(no_record("planned/", child));
        }
        self.unwritten.insert(child.clone());
        if *state != finding.gathered.state {
            self.records.push(record("child/", child, state));
        }
        for verdict in [&finding.ds, &finding.csync].into_iter().flatten() {
            if verdict.outcome == Outcome::Accept
                && !(next.is_some() && is_sent)
                && let Some(planned) = Planned::of(verdict)
            {
                self.records
                    .push(record("planned/", child, &Block::of(&planned)));
            }
        }
        let known: Option<LastVerdict> = value(&self.store(), &format!("verdict/{child}"))?;
        let last = LastVerdict {
            run: self.run.clone(),
            time: now,
            said: said(decision),
            next: next.or(known.as_ref().and_then(|known| known.next)),
        };
        let is_news = known.is_none_or(|known| known.said != last.said);
        self.records.push(record("verdict/", child, &last));
        if is_news {
            self.entries.push(entry(now, child, "decision", decision));
        }
        self.findings += 1;
        if self.findings < BATCH {
            return Ok(false);
        }
        self.flush()?;
        Ok(true)
    }

    /// Makes everything durable.
    pub fn flush(&mut self) -> Result<(), Failure> {
        lock(self.store).put_all(&self.records, &self.entries)?;
        self.records.clear();
        self.entries.clear();
        self.unwritten.clear();
        self.findings = 0;
        Ok(())
    }

    /// Counts the silence of servers; to be told before [`Recorder::add`]. When they are tried again, if
    /// the verdict waits for them.
    pub fn silence(
        &mut self,
        finding: &Finding,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Failure> {
        let child = finding.gathered.child();
        let key = format!("silent/{child}");
        let verdicts = [&finding.ds, &finding.csync].into_iter().flatten();
        let is_silent = verdicts
            .into_iter()
            .any(|verdict| verdict.reason == "SERVER_SILENT");
        let known: Option<Silence> = value(&self.store(), &key)?;
        if !is_silent {
            // Whoever is given up stays so until it speaks: the plan is applied without it as well.
            let mut servers = finding.gathered.servers.iter();
            let is_over = !servers.any(|server| server.given_up && server.is_silent());
            if known.is_some() && is_over {
                self.records.push(no_record("silent/", child));
            }
            return Ok(None);
        }
        let mut silence = known.unwrap_or_default();
        let schedule = &self.policy.gathering.retry;
        silence.count(&finding.gathered.servers, schedule, now);
        self.records.push(record("silent/", child, &silence));
        Ok(Some(silence.until))
    }
}

/// Subject, outcome and reason code of each verdict.
fn said(decision: &Decision) -> Vec<(String, String, String)> {
    let said = |judged: &Judged| {
        let subject = judged.subject.name().to_string();
        (subject, judged.outcome.clone(), judged.reason.clone())
    };
    decision.verdicts.iter().map(said).collect()
}

/// A log entry of JSON.
pub fn entry(time: Timestamp, child: &Name, kind: &str, value: &impl Serialize) -> Entry {
    Entry {
        time,
        zone: child.to_string(),
        kind: kind.into(),
        subject: String::new(),
        text: serde_json::to_string(value).unwrap_or_default(),
    }
}
