//! deSEC's web interface (desec.readthedocs.io): RRsets as JSON, a token in a field, limits.
//!
//! Of DNSKEY, CDS and CDNSKEY the interface holds only what is published *beside* deSEC's own records;
//! so the apex is read first, and what is served and not held there is left alone. What is held and not
//! served has changed since: nothing is written then. All RRsets of a zone go in one request, which
//! deSEC carries out as a whole or not at all.

use std::{collections::BTreeSet, time::Duration};

use counterpoint_dns::{
    name::{Name, RecordType},
    rdata::Rdata,
    time::Timestamp,
    web::{self, Method, Secret},
};
use serde::{Deserialize, Serialize};

use super::{Answer, Change, Message, Next, Receipt, Request, Updater, Written};
use crate::config::DesecAccess;

/// The types of which deSEC publishes records of its own beside those that it is given.
const AUTOMATIC: [RecordType; 3] = [RecordType::DNSKEY, RecordType::CDS, RecordType::CDNSKEY];
/// Pages of the apex that are read; it has a handful of RRsets, and a page holds 500.
const PAGES_MAX: u8 = 8;
/// How long it is left in peace if it does not say: its shortest limit that matters is of a minute.
const PAUSE: Duration = Duration::from_secs(60);
/// Nobody is believed to want more than its longest limit.
const PAUSE_MAX: Duration = Duration::from_secs(86_400);
/// Longer reasons are cut.
const REASON_CHARS_MAX: usize = 300;

/// deSEC's web interface.
pub(crate) struct Desec(DesecAccess);

/// How far a write has come.
#[derive(Clone, Debug)]
pub(crate) enum Stage {
    /// A page of the apex was asked for.
    Read {
        /// What is to be written afterwards.
        changes: Vec<Change>,
        /// The pages before.
        held: BTreeSet<(RecordType, Rdata)>,
        /// Pages that may still follow.
        left: u8,
    },
    /// The change itself was sent.
    Wrote {
        /// Name and type of each RRset, in the order of the request.
        what: Vec<String>,
    },
}

/// An RRset, as the interface shows and takes it.
#[derive(Debug, Serialize, Deserialize)]
struct Shown {
    subname: String,
    #[serde(rename = "type")]
    rtype: String,
    ttl: u32,
    records: Vec<String>,
}

impl Desec {
    /// The updater of this signer.
    pub(crate) fn new(access: &DesecAccess) -> Self {
        Self(access.clone())
    }

    fn rrsets(&self, zone: &Name) -> String {
        let root = self.0.url.trim_end_matches('/');
        let zone = zone.to_string();
        format!("{root}/domains/{}/rrsets/", zone.trim_end_matches('.'))
    }

    fn ask(&self, method: Method, url: String, body: String, stage: Stage) -> Request {
        let request = web::Request {
            method,
            url,
            authorization: Secret::new(format!("Token {}", self.0.token.reveal())),
            body,
            ca: self.0.ca.clone(),
        };
        Request {
            message: Message::Web(request),
            receipt: Receipt::Desec(stage),
        }
    }

    /// Takes a page of the apex; after the last one, writes.
    fn read(
        &self,
        zone: &Name,
        changes: &[Change],
        mut held: BTreeSet<(RecordType, Rdata)>,
        left: u8,
        answer: &web::Answer,
    ) -> Next {
        let refused = |why: &str| Next::Done(Written::Refused(why.into()));
        let Ok(page) = serde_json::from_str::<Vec<Shown>>(&answer.body) else {
            return refused("its answer is no list of RRsets: is the URL that of its interface?");
        };
        for shown in page.iter().filter(|shown| shown.subname.is_empty()) {
            let Ok(rtype) = shown.rtype.parse() else {
                continue;
            };
            let records = shown.records.iter();
            let data = records.filter_map(|text| Rdata::from_text(rtype, text));
            held.extend(data.map(|data| (rtype, data)));
        }
        let changes = changes.to_vec();
        match next_page(answer) {
            None => self.write(zone, &changes, &held),
            // The token must go nowhere else.
            Some(url) if !url.starts_with(&self.rrsets(zone)) => {
                refused("it continues its list of RRsets elsewhere")
            }
            Some(_) if left == 0 => refused("its list of the RRsets of the apex does not end"),
            Some(url) => {
                let left = left - 1;
                let stage = Stage::Read {
                    changes,
                    held,
                    left,
                };
                Next::Ask(Box::new(self.ask(
                    Method::Get,
                    url.into(),
                    String::new(),
                    stage,
                )))
            }
        }
    }

    /// Writes everything, unless something has changed since it was seen.
    fn write(&self, zone: &Name, changes: &[Change], held: &BTreeSet<(RecordType, Rdata)>) -> Next {
        let mut shown = Vec::new();
        let mut what = Vec::new();
        for change in changes {
            let (name, rtype) = (&change.wanted.name, change.wanted.rtype);
            let is_apex = name == zone;
            let given = held.iter().filter(|(of, _)| is_apex && *of == rtype);
            let given: BTreeSet<&Rdata> = given.map(|(_, data)| data).collect();
            let seen: BTreeSet<&Rdata> = change.seen.data.iter().collect();
            let is_automatic = AUTOMATIC.contains(&rtype);
            let is_as_seen = match is_automatic {
                true => given.is_subset(&seen),
                false => given == seen || !is_apex,
            };
            if !is_as_seen && !change.is_unconditional {
                return Next::Done(Written::Unmet);
            }
            let is_its_own =
                |data: &&Rdata| is_automatic && seen.contains(data) && !given.contains(data);
            let records = change.wanted.data.iter().filter(|data| !is_its_own(data));
            let records: Vec<String> = records.map(|data| data.present(rtype)).collect();
            let Some(subname) = subname(name, zone) else {
                let why = format!("{name} is not in {zone}");
                return Next::Done(Written::Refused(why));
            };
            what.push(format!("{name} {rtype}"));
            shown.push(Shown {
                subname,
                rtype: rtype.to_string(),
                ttl: change.wanted.ttl.max(self.0.minimum_ttl),
                records,
            });
        }
        match serde_json::to_string(&shown) {
            Ok(body) => {
                let stage = Stage::Wrote { what };
                let request = self.ask(Method::Patch, self.rrsets(zone), body, stage);
                Next::Ask(Box::new(request))
            }
            Err(error) => Next::Done(Written::Refused(error.to_string())),
        }
    }
}

impl Updater for Desec {
    fn request(&self, zone: &Name, changes: &[Change], _id: u16, _now: Timestamp) -> Request {
        let stage = Stage::Read {
            changes: changes.to_vec(),
            held: BTreeSet::new(),
            left: PAGES_MAX,
        };
        let url = format!("{}?subname=&cursor=", self.rrsets(zone));
        self.ask(Method::Get, url, String::new(), stage)
    }

    fn next(&self, zone: &Name, receipt: &Receipt, answer: &Answer<'_>, _now: Timestamp) -> Next {
        let (Receipt::Desec(stage), Answer::Web(answer)) = (receipt, answer) else {
            return Next::Done(Written::Silent);
        };
        let what = match stage {
            Stage::Read { .. } => &[],
            Stage::Wrote { what } => what.as_slice(),
        };
        if let Some(written) = failed(zone, answer, what) {
            return Next::Done(written);
        }
        match stage {
            Stage::Read {
                changes,
                held,
                left,
            } => self.read(zone, changes, held.clone(), *left, answer),
            Stage::Wrote { .. } => Next::Done(Written::Accepted),
        }
    }
}

/// The labels of `name` above `zone`.
fn subname(name: &Name, zone: &Name) -> Option<String> {
    let labels = name.num_labels().checked_sub(zone.num_labels())?;
    if !zone.zone_of(name) {
        return None;
    }
    let labels = name.iter().take(labels.into());
    let labels: Vec<_> = labels.map(String::from_utf8_lossy).collect();
    Some(labels.join(".").to_ascii_lowercase())
}

/// `Link: <URL>; rel="next"` (RFC 8288).
fn next_page(answer: &web::Answer) -> Option<&str> {
    let links = answer.field("link")?.split(',');
    let mut next = links.filter_map(|link| {
        let (url, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        parameters.contains("rel=\"next\"").then_some(url)
    });
    next.next()
}

/// What an answer that is no success says.
fn failed(zone: &Name, answer: &web::Answer, what: &[String]) -> Option<Written> {
    let said = || reason(&answer.body, what);
    let why = match answer.status {
        200..=299 => return None,
        429 => {
            let seconds = answer
                .field("retry-after")
                .and_then(|text| text.trim().parse().ok());
            let pause = seconds.map_or(PAUSE, Duration::from_secs);
            return Some(Written::Later(
                pause.clamp(Duration::from_secs(1), PAUSE_MAX),
            ));
        }
        // Its own trouble, or another change of the same zone at the same time: later.
        409 | 500..=599 => return Some(Written::Silent),
        401 => format!("it does not know the token (401, {})", said()),
        403 => format!("the token may not do that (403, {})", said()),
        404 => format!("the token's account has no domain {zone} (404, {})", said()),
        status => format!("it answers {status}: {}", said()),
    };
    Some(Written::Refused(why))
}

/// What the body of an error says: one object, or one for each RRset in the order of the request.
fn reason(body: &str, what: &[String]) -> String {
    let text = match serde_json::from_str(body) {
        Ok(serde_json::Value::Array(all)) => {
            let wrong = all
                .iter()
                .enumerate()
                .filter(|(_, error)| error.as_object().is_some_and(|fields| !fields.is_empty()));
            let each = wrong.map(|(index, error)| {
                let what = what.get(index).map_or("an RRset", String::as_str);
                format!("{what}: {}", plain(error))
            });
            each.collect::<Vec<_>>().join("; ")
        }
        Ok(value) => plain(&value),
        Err(_) => "no reason that can be read".into(),
    };
    let is_shown = |c: &char| !c.is_control();
    text.chars()
        .filter(is_shown)
        .take(REASON_CHARS_MAX)
        .collect()
}

/// JSON without its signs: what it says.
fn plain(value: &serde_json::Value) -> String {
    use serde_json::Value;
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(plain).collect::<Vec<_>>().join(" "),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| match key.as_str() {
                "detail" | "non_field_errors" => plain(value),
                key => format!("{key}: {}", plain(value)),
            });
            fields.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
