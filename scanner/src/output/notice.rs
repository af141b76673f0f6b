//! Notices: one JSON object for each that somebody is to be told (RFC 10026 §5.1).
//!
//! Says who, what and why, in the terms of [`crate::notices`]; how it gets there is for the registry.

use counterpoint_dns::{name::Name, rdata::Soa, time::Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    gather::{Answer, Gathered},
    notices::{Audience, Event, about, of_change, of_request, of_scan},
    output::zone_diff,
    plan::Planned,
    state::{Arrival, ChildState},
    survey::Finding,
};

/// One notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// When.
    pub time: String,
    /// The child.
    pub child: String,
    /// The rule that has it told.
    pub rule: String,
    /// Who is told.
    pub to: Audience,
    /// What happened.
    pub what: String,
    /// Reason code of the verdict or the change, if it comes from one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// What it rests on.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub evidence: Vec<String>,
    /// What changed: RRsets in master format, `-` or `+` in front.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub diff: Vec<String>,
    /// The registrar, if the registry's data name one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub registrar: Option<String>,
    /// Mailbox of whoever runs the zone, as its SOA has it (D-09), if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rname: Option<String>,
}

impl Told {
    /// Everything that is told of an event.
    fn of(event: Event, child: &Name, now: Timestamp) -> impl Iterator<Item = Self> {
        about(event).map(move |notice| Self {
            time: now.to_string(),
            child: child.to_string(),
            rule: notice.id.into(),
            to: notice.to,
            what: notice.what.into(),
            reason: None,
            evidence: Vec::new(),
            diff: Vec::new(),
            registrar: None,
            rname: None,
        })
    }

    /// The child's name.
    pub fn name(&self) -> Name {
        // It was written from a name.
        counterpoint_dns::name::parse_name(&self.child).unwrap_or_default()
    }
}

/// What a scan has people told. Moves on in `state` whose the DS RRset is, and what was told of it;
/// `met_before` says whether the child was looked at before.
pub fn after_scan(
    finding: &Finding,
    state: &mut ChildState,
    met_before: bool,
    now: Timestamp,
) -> Vec<Told> {
    let gathered = &finding.gathered;
    let child = gathered.child();
    let mut all = Vec::new();
    let ds = gathered.delegation.ds.as_ref();
    let begins = !state.has_ds() || state.origin.by_hand;
    let events: Vec<Event> = match state.ds_shows(ds, met_before) {
        None => Vec::new(),
        Some(Arrival::Elsewhere) => vec![Event::ChangedElsewhere, Event::DsChanged],
        Some(Arrival::AsAsked) => of_request(begins, ds.is_none()).collect(),
    };
    for event in events {
        all.extend(Told::of(event, child, now));
    }
    let verdicts = [&finding.ds, &finding.csync];
    let verdicts = Vec::from_iter(verdicts.into_iter().flatten());
    for (event, verdict) in of_scan(&verdicts, was_whole(gathered), state, now) {
        all.extend(Told::of(event, child, now).map(|told| Told {
            reason: Some(verdict.reason.into()),
            evidence: verdict.evidence.clone(),
            ..told
        }));
    }
    let rname = rname(gathered);
    for told in &mut all {
        told.registrar.clone_from(&gathered.facts.registrar);
        told.rname.clone_from(&rname);
    }
    all
}

/// What a change that was made has people told; `by_hand` says whether another channel had made what
/// was there before.
pub fn after_change(
    planned: &Planned,
    by_hand: bool,
    registrar: Option<&str>,
    now: Timestamp,
) -> Vec<Told> {
    let events = of_change(&planned.change, by_hand).into_iter();
    let told = events.flat_map(|event| Told::of(event, &planned.change.child, now));
    told.map(|told| Told {
        reason: Some(planned.reason.clone()),
        diff: zone_diff::lines(&planned.change),
        registrar: registrar.map(Into::into),
        ..told
    })
    .collect()
}

/// The lines of a file.
pub fn lines(all: &[Told]) -> String {
    // Plain data: to JSON it cannot fail.
    let line = |told: &Told| serde_json::to_string(told).unwrap_or_default() + "\n";
    all.iter().map(line).collect()
}

/// Whether every server that has an address was asked for something.
fn was_whole(gathered: &Gathered) -> bool {
    let mut servers = gathered.servers.iter();
    servers.all(|server| {
        let mut asked = [&server.cds, &server.cdnskey, &server.csync].into_iter();
        server.address.is_none() || asked.any(|answer| *answer != Answer::NotAsked)
    })
}

/// The mailbox that the first server names.
fn rname(gathered: &Gathered) -> Option<String> {
    let soas = gathered.servers.iter().filter_map(|server| {
        let sequence = server.sequence.as_ref();
        let read = sequence.and_then(|sequence| sequence.soa_before.present());
        server.soa.present().or(read)
    });
    let mut soas = soas.flat_map(|signed| &signed.set.data);
    soas.find_map(Soa::parse).map(|soa| soa.rname.to_string())
}
