//! What a run left behind: plain data, complete enough for every report to be made of it alone.
//!
//! Owns the schema of `run.json`. Instants are offsets from the start; where one may be absent, its
//! absence means "ever since" or "still, at the end of the run". Servers and keys are numbers into the
//! lists of their zone.

use std::{collections::BTreeMap, time::Duration};

use counterpoint_dns::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::at::At;

/// The version of the schema. A reader refuses any other.
pub const SCHEMA: u32 = 1;

/// Everything that reports know of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The scenario's name: that of its file, without folders.
    pub scenario: String,
    /// One line for people; may be empty.
    pub title: String,
    /// Provenance: RFC, issue, incident; may be empty.
    pub source: String,
    /// The seed that was used.
    pub seed: u64,
    /// The first instant, in UTC.
    pub start: Timestamp,
    /// The last instant.
    pub end: At,
    /// Whether every possible cache validates always; none after an internal error.
    pub safe: Option<bool>,
    /// What was expected and did not come, in words.
    pub unmet: Vec<String>,
    /// A failure of this software.
    pub error: Option<String>,
    /// The delegating zone.
    pub parent: String,
    /// Who decides: `any-cache` or `one-resolver`.
    pub quantifier: String,
    /// For which validators.
    pub profiles: Vec<String>,
    /// Signers, in the order of the file.
    pub signers: Vec<String>,
    /// The judged zones.
    pub zones: Vec<Zone>,
    /// Everything that is violated, the deciding ones first.
    pub violations: Vec<Violation>,
    /// The processes of the controller.
    pub processes: Vec<Process>,
    /// What the scenario had happen.
    pub script: Vec<Scripted>,
    /// What was broken.
    pub faults: Vec<Fault>,
    /// How concrete resolvers fared.
    pub resolvers: Vec<Resolver>,
    /// How often the scanner gave each reason code.
    pub reasons: BTreeMap<String, u64>,
    /// Outages by faults, warnings and notes, in prose.
    pub remarks: Vec<String>,
    /// SHA-256 of the event log.
    pub event_log_sha256: String,
}

/// A judged zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Zone {
    /// Its name.
    pub name: String,
    /// Every server address of parent and zone.
    pub instances: Vec<Instance>,
    /// Every key.
    pub keys: Vec<Key>,
    /// What was served, by whom, from when until when.
    pub versions: Vec<Version>,
    /// Requests to the parent as instances published them.
    pub signals: Vec<Signal>,
    /// When instances were out of order by faults.
    pub outages: Vec<Outage>,
}

/// One server address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// As `alpha/ns1`.
    pub name: String,
    /// Whose it is: a signer, or `parent`.
    pub owner: String,
    /// Whether it serves the delegating zone.
    pub is_parent: bool,
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// As `alpha zsk-1 (46469)`.
    pub label: String,
    /// Whose it is.
    pub owner: String,
    /// Whether a DS names it, or it signs a DNSKEY RRset, at any time.
    pub is_entry: bool,
    /// DNSSEC algorithm number.
    pub algorithm: u8,
}

impl Key {
    /// Its label without the key tag, as `alpha zsk-1`: the same for every seed.
    pub fn name(&self) -> &str {
        self.label.split(" (").next().unwrap_or(&self.label)
    }
}

/// Which RRset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum What {
    /// The delegation's DS RRset; without DS, the proof that there is none.
    #[serde(rename = "DS")]
    Ds,
    /// The delegation's, or the zone's own, NS RRset.
    #[serde(rename = "NS")]
    Ns,
    /// The DNSKEY RRset.
    #[serde(rename = "DNSKEY")]
    Dnskey,
    /// Every other RRset with the same signers and validity.
    #[serde(rename = "answers")]
    Answers,
    /// The addresses of a nameserver name inside the zone.
    #[serde(rename = "address")]
    Address,
}

impl What {
    /// As reports call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ds => "DS",
            Self::Ns => "NS",
            Self::Dnskey => "DNSKEY",
            Self::Answers => "answers",
            Self::Address => "address",
        }
    }
}

/// One instance served one content of one RRset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// Which RRset.
    pub what: What,
    /// Which instance.
    pub instance: usize,
    /// First instant.
    pub from: Option<At>,
    /// First instant after.
    pub until: Option<At>,
    /// Its TTL.
    #[serde(rename = "ttl_seconds")]
    pub ttl: u64,
    /// When some cache could fetch it: served, and its server in reach.
    pub fetchable: Vec<Span>,
    /// First instant at which no cache can hold it; none if that is never, or if none ever could.
    pub cached_until: Option<At>,
    /// The keys of a DNSKEY RRset, or those that a DS RRset names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<usize>,
    /// How many DS of a DS RRset name no key.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub keyless: usize,
    /// The instances that an NS RRset names, or that addresses lead to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<usize>,
    /// An answer that stands for all, as `www.example.test. A`; the name of an address RRset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
    /// Signatures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signed: Vec<Signed>,
    /// Why its owner published it: `update`, `resigning`, `hand`, `transfer`, `web`; none: it was there
    /// from the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First instant.
    pub from: Option<At>,
    /// First instant after.
    pub until: Option<At>,
}

/// A signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// By which key.
    pub key: usize,
    /// First second of validity.
    pub from: Option<At>,
    /// Last second of validity.
    pub until: Option<At>,
}

/// A CDS, CDNSKEY or CSYNC RRset that changed at an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// Which instance.
    pub instance: usize,
    /// When.
    pub at: At,
    /// Which RRset.
    pub what: String,
    /// What it is from then on; `none` if it is gone.
    pub content: String,
}

/// An instance was out of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// Which instance.
    pub instance: usize,
    /// When.
    #[serde(flatten)]
    pub span: Span,
}

/// One violation of one property.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Violation {
    /// What is violated.
    pub property: String,
    /// For which validators.
    pub profiles: Vec<String>,
    /// For which caches.
    pub quantifier: String,
    /// In which zone.
    pub zone: String,
    /// First unsafe instant.
    pub from: At,
    /// Every unsafe stretch.
    pub during: Vec<Span>,
    /// How it comes about, in prose.
    pub prose: String,
    /// Who fetched what, where the oracle found it.
    pub witness: Option<Witness>,
    /// How much too early the newer version came; none if no wait would have helped.
    #[serde(rename = "margin_seconds")]
    pub margin: Option<Seconds>,
    /// How much longer failures may be remembered.
    #[serde(rename = "tail_seconds")]
    pub tail: Option<Seconds>,
    /// Whether it decides the verdict.
    pub decides: bool,
}

/// A span of time, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seconds(At);

impl From<Duration> for Seconds {
    fn from(span: Duration) -> Self {
        Self(span.into())
    }
}

impl From<Seconds> for Duration {
    fn from(seconds: Seconds) -> Self {
        seconds.0 - At::START
    }
}

/// The fetches that lead to failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Witness {
    /// The DS by which one resolver found `earlier` Secure.
    pub under: Option<Fetch>,
    /// What a cache holds when `later` comes.
    pub earlier: Fetch,
    /// What does not go with it; none if `earlier` alone is the failure.
    pub later: Option<Fetch>,
    /// Why they do not go together, in one word.
    pub reason: String,
    /// When the last fitting signature expired, or the first begins to hold, if that is the reason.
    pub reason_at: Option<At>,
    /// The algorithm whose signature is missing, if that is the reason.
    pub reason_algorithm: Option<u8>,
}

/// One RRset that came into a cache.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fetch {
    /// What, as reports call it: `the DNSKEY RRset`, `www.example.test. A`.
    pub name: String,
    /// Who was asked.
    pub instance: usize,
    /// Which version of the zone's list; none for denials.
    pub version: Option<usize>,
    /// When it was asked.
    pub at: At,
    /// First instant at which the cache does not hold it any more.
    pub held_until: Option<At>,
}

/// One process of the controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// In which zone.
    pub zone: String,
    /// As `join beta`.
    pub name: String,
    /// How it ended, in words.
    pub outcome: String,
    /// Whether it did what it was asked.
    pub is_done: bool,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// One step of a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// As `join/5`.
    pub name: String,
    /// What it comes to.
    pub title: String,
    /// When it began.
    pub from: At,
    /// When it was done.
    pub until: Option<At>,
    /// How much earlier the next effect could have come.
    #[serde(rename = "slack_seconds")]
    pub slack: Option<Seconds>,
}

/// Something that the scenario had happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scripted {
    /// When.
    pub at: At,
    /// For how long, if it lasts.
    pub until: Option<At>,
    /// What, as `join`.
    pub what: String,
    /// With its fields, as `join signer beta`.
    pub text: String,
}

/// Something that was broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Where.
    pub target: String,
    /// What.
    pub kind: String,
    /// When.
    #[serde(flatten)]
    pub span: Span,
}

/// How a concrete resolver fared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolver {
    /// Its name.
    pub name: String,
    /// What its clients got, in order; questions in a row with the same result are one.
    pub stretches: Vec<Stretch>,
}

/// What clients of a resolver got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// The first question's answer.
    pub from: At,
    /// The last question's answer.
    pub until: At,
    /// How many.
    pub count: u64,
    /// What.
    pub got: Got,
}

/// What a client got, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Got {
    /// An answer that is secure.
    Secure,
    /// The same, from another server than the first asked: that one would have failed.
    Saved,
    /// An answer that is insecure.
    Insecure,
    /// A failure: no server answered.
    Failed,
    /// A failure: the data do not validate.
    Bogus,
}

impl Got {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Secure => "secure",
            Self::Saved => "saved by another server",
            Self::Insecure => "insecure",
            Self::Bogus => "bogus",
            Self::Failed => "without an answer",
        }
    }
}

impl Run {
    /// Reads `run.json`. What is wrong with it, in words.
    pub fn read(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Any {
            schema: u32,
        }
        let any: Any = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if any.schema != SCHEMA {
            return Err(format!(
                "schema {}, and this release reads schema {SCHEMA}: play the scenario again",
                any.schema
            ));
        }
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// As it stands in `run.json`.
    pub fn to_json(&self) -> String {
        // Strings, numbers and lists always serialise.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// What stands above every report of it.
    pub fn heading(&self) -> &str {
        match self.title.as_str() {
            "" => &self.scenario,
            title => title,
        }
    }

    /// In one word.
    pub fn verdict(&self) -> &'static str {
        match self.safe {
            Some(true) => "SAFE",
            Some(false) => "UNSAFE",
            None => "FAILED",
        }
    }

    /// The zone of this name.
    pub fn zone(&self, name: &str) -> Option<&Zone> {
        self.zones.iter().find(|zone| zone.name == name)
    }
}

impl Zone {
    /// What a key is called.
    pub fn key(&self, key: usize) -> &str {
        self.keys
            .get(key)
            .map_or("an unknown key", |key| &key.label)
    }

    /// What an instance is called.
    pub fn instance(&self, instance: usize) -> &str {
        let known = self.instances.get(instance);
        known.map_or("an unknown server", |instance| &instance.name)
    }

    /// The versions of an RRset at an instance, in order.
    pub fn served(&self, what: What, instance: usize) -> impl Iterator<Item = &Version> {
        let all = self.versions.iter();
        all.filter(move |version| version.what == what && version.instance == instance)
    }
}

impl Version {
    /// Whether it was served at this instant.
    pub fn is_served(&self, at: At) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }
}
