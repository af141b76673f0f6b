//! One decision about one child, as it is logged, shown and reported: time, what triggered it, by which
//! channel, who was asked, what was verified, what came of it (RFC 10026 §5.2).

use std::collections::BTreeMap;

use counterpoint_dns::{
    key::Dnskey,
    name::{Name, RecordType},
    rdata::{Csync, Soa},
    rrset::{RrSet, SignedRrSet},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::trail::{Step, trail};
use crate::{
    gather::{Answer, Gathered, Server},
    judge::{self, Rule},
    plan::{Kind, Planned, text::present},
    survey::Finding,
    verdict::{Outcome, Verdict},
};

/// What a verdict is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Subject {
    /// CDS and CDNSKEY: the DS RRset.
    Ds,
    /// CSYNC: NS RRset and glue.
    Csync,
}

impl Subject {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ds => "DS",
            Self::Csync => "CSYNC",
        }
    }
}

/// One server and what it said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Its names and address.
    pub server: String,
    /// By type: records in presentation form, or why there are none.
    pub answers: BTreeMap<String, Vec<String>>,
}

/// One verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// What it is about.
    pub subject: Subject,
    /// What becomes of the request.
    pub outcome: String,
    /// The rule that decided.
    pub rule: String,
    /// Its reason code.
    pub reason: String,
    /// What it rests on.
    pub evidence: Vec<String>,
    /// Each rule's verdict.
    pub verifications: Vec<Step>,
    /// The kind of change, if one was accepted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub change: Option<String>,
    /// What changes: RRsets in master format, `-` or `+` in front.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub diff: Vec<String>,
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// When.
    pub time: String,
    /// The child.
    pub child: String,
    /// How it came to be looked at: `scan`, `apply`, `explain`.
    pub channel: String,
    /// The DS RRset at the parent.
    pub ds: Vec<String>,
    /// The NS RRset at the parent.
    pub ns: Vec<String>,
    /// What the child publishes, all servers together: CDS, CDNSKEY, CSYNC.
    pub trigger: BTreeMap<String, Vec<String>>,
    /// Who was asked, and what they said.
    pub servers: Vec<Asked>,
    /// The verdicts.
    pub verdicts: Vec<Judged>,
}

/// The rules that a verdict went through, in their order.
fn rules(subject: Subject, finding: &Finding, verdict: &Verdict) -> Vec<&'static Rule> {
    let is_health = judge::HEALTH_RULES
        .iter()
        .any(|rule| rule.reason == verdict.reason);
    let tables: Vec<&[Rule]> = match (subject, &finding.gathered.delegation.ds) {
        // These come where nothing is asked for, and are about what is there.
        (Subject::Ds, _) if is_health => vec![&judge::HEALTH_RULES],
        (Subject::Ds, _) if verdict.reason == judge::TTL_RESTORED.reason => Vec::new(),
        (Subject::Ds, Some(_)) => {
            vec![
                &judge::REQUEST_RULES,
                &judge::ACCESS_RULES,
                &judge::CHAIN_RULES,
            ]
        }
        (Subject::Ds, None) => {
            vec![
                &judge::REQUEST_RULES,
                &judge::ACCESS_RULES,
                &judge::INITIAL_RULES,
            ]
        }
        (Subject::Csync, _) => vec![&judge::CSYNC_RULES, &judge::PATIENCE],
    };
    tables.into_iter().flatten().collect()
}

impl Decision {
    /// The decision that a finding is. `is_off` says which rules are switched off.
    pub fn new(
        finding: &Finding,
        channel: &str,
        now: Timestamp,
        is_off: &impl Fn(&Rule) -> bool,
    ) -> Self {
        let gathered = &finding.gathered;
        let delegation = &gathered.delegation;
        let verdicts = [(Subject::Ds, &finding.ds), (Subject::Csync, &finding.csync)];
        let verdicts = verdicts.into_iter().filter_map(|(subject, verdict)| {
            Some(judged(subject, finding, verdict.as_ref()?, is_off))
        });
        Self {
            time: now.to_string(),
            child: gathered.child().to_string(),
            channel: channel.into(),
            ds: delegation.ds.as_ref().map(lines).unwrap_or_default(),
            ns: lines(&delegation.ns),
            trigger: trigger(gathered),
            servers: gathered
                .servers
                .iter()
                .chain(&gathered.added)
                .map(asked)
                .collect(),
            verdicts: verdicts.collect(),
        }
    }

    /// Whether nothing was asked for and nothing is wrong: most children, most days.
    pub fn is_quiet(&self) -> bool {
        self.verdicts
            .iter()
            .all(|judged| judged.outcome == Outcome::Noop.to_string())
    }

    /// The child's name.
    pub fn name(&self) -> Name {
        // It was written from a name.
        counterpoint_dns::name::parse_name(&self.child).unwrap_or_default()
    }
}

fn judged(
    subject: Subject,
    finding: &Finding,
    verdict: &Verdict,
    is_off: &impl Fn(&Rule) -> bool,
) -> Judged {
    let planned = Planned::of(verdict);
    Judged {
        subject,
        outcome: verdict.outcome.to_string(),
        rule: verdict.rule.into(),
        reason: verdict.reason.into(),
        evidence: verdict.evidence.clone(),
        verifications: trail(rules(subject, finding, verdict), verdict, is_off),
        change: planned
            .as_ref()
            .map(|planned| planned.kind().name().to_string()),
        diff: planned
            .iter()
            .flat_map(|planned| super::zone_diff::lines(&planned.change))
            .collect(),
    }
}

impl Judged {
    /// The kind of change, if one was accepted.
    pub fn kind(&self) -> Option<Kind> {
        let name = self.change.as_deref()?;
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

fn trigger(gathered: &Gathered) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for server in &gathered.servers {
        for answer in [&server.cds, &server.cdnskey, server.csync()] {
            let Some(signed) = answer.present() else {
                continue;
            };
            let known = all.entry(signed.set.rtype.to_string()).or_default();
            for line in lines(&signed.set) {
                if !known.contains(&line) {
                    known.push(line);
                }
            }
        }
    }
    all
}

fn asked(server: &Server) -> Asked {
    let mut answers = BTreeMap::new();
    let mut say = |rtype: &str, answer: &Answer| {
        if *answer != Answer::NotAsked {
            answers.insert(rtype.to_string(), told(answer));
        }
    };
    say("CDS", &server.cds);
    say("CDNSKEY", &server.cdnskey);
    say("CSYNC", server.csync());
    say("DNSKEY", &server.dnskey);
    say("SOA", &server.soa);
    if let Some(sequence) = &server.sequence {
        say("SOA before", &sequence.soa_before);
        say("NS", &sequence.ns);
        for ((host, rtype), answer) in &sequence.addresses {
            say(&format!("{host} {rtype}"), answer);
        }
        say("SOA after", &sequence.soa_after);
    }
    Asked {
        server: server.to_string(),
        answers,
    }
}

/// What an answer says: records and who signed them, or why there are none.
fn told(answer: &Answer) -> Vec<String> {
    match answer {
        Answer::Present(signed) => {
            let mut told = lines(&signed.set);
            told.extend(signatures(signed));
            told
        }
        other => vec![format!("({other})")],
    }
}

fn signatures(signed: &SignedRrSet) -> Option<String> {
    let by: Vec<String> = signed
        .signatures
        .iter()
        .map(|rrsig| {
            let near = Timestamp::from_seconds(i64::from(rrsig.inception));
            let expiration = Timestamp::from_rrsig_seconds(rrsig.expiration, near);
            format!(
                "{} (algorithm {}) until {expiration}",
                rrsig.tag, rrsig.algorithm
            )
        })
        .collect();
    match by.is_empty() {
        true => Some("(not signed)".into()),
        false => Some(format!("(signed by {})", by.join(", "))),
    }
}

/// Records in presentation form; keys by tag, since nobody reads the rest.
fn lines(set: &RrSet) -> Vec<String> {
    let line = |data| match set.rtype {
        RecordType::DNSKEY | RecordType::CDNSKEY => match Dnskey::parse(data) {
            Some(key) if key.algorithm != 0 => {
                format!("{} {} key {}", key.flags, key.algorithm, key.tag())
            }
            _ => data.present(set.rtype),
        },
        RecordType::SOA => match Soa::parse(data) {
            Some(soa) => format!("serial {}", soa.serial),
            None => data.present(set.rtype),
        },
        RecordType::CSYNC => match Csync::parse(data) {
            Some(csync) => {
                let types: Vec<String> =
                    csync.types.iter().map(|rtype| rtype.to_string()).collect();
                format!("{} {} {}", csync.serial, csync.flags, types.join(" "))
            }
            None => data.present(set.rtype),
        },
        rtype => present(rtype, data),
    };
    set.data.iter().map(line).collect()
}
