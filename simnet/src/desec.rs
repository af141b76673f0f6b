//! A signer's web interface in the shape of deSEC's: a token, RRsets as JSON, limits, a least TTL.
//!
//! Owns what it is asked, in deSEC's order: token, limits, domain, contents. Of DNSKEY, CDS and CDNSKEY
//! it shows only what it was given beside the signer's own; and whatever it is given, the signer's own
//! are published: CDS with SHA-256 and SHA-384, as deSEC does.

use std::collections::{BTreeMap, BTreeSet};

use counterpoint_dns::{
    key::{DIGEST_SHA256, DIGEST_SHA384, Dnskey},
    name::{Name, RecordType},
    pace::{Pace, Rate},
    rdata::Rdata,
    rrset::RrSet,
    time::Timestamp,
    web::{Answer, Method, Request, Secret},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::primary::Primary;

/// Where the interface begins, behind the address.
pub const ROOT: &str = "/api/v1";

/// A web interface in the shape of deSEC's.
#[derive(Debug)]
pub struct Desec {
    /// Who may use it.
    pub token: Secret,
    /// How often it may be read.
    pub reads: Vec<Rate>,
    /// How often a zone may be changed.
    pub changes: Vec<Rate>,
    /// The least TTL of what is given, seconds.
    pub minimum_ttl: u32,
    /// How often it was asked too often.
    pub throttled: u64,
    given: BTreeMap<(Name, RecordType), BTreeSet<Rdata>>,
    read: Pace,
    changed: BTreeMap<Name, Pace>,
}

/// An RRset, as it is shown and taken.
#[derive(Serialize, Deserialize)]
struct Shown {
    #[serde(default)]
    subname: String,
    #[serde(rename = "type")]
    rtype: String,
    ttl: u32,
    records: Vec<String>,
}

impl Desec {
    /// The types that it takes.
    const TYPES: [RecordType; 7] = [
        RecordType::A,
        RecordType::AAAA,
        RecordType::NS,
        RecordType::DNSKEY,
        RecordType::CDS,
        RecordType::CDNSKEY,
        RecordType::CSYNC,
    ];

    /// With these limits, and the least TTL of an hour.
    pub fn new(token: Secret, reads: Vec<Rate>, changes: Vec<Rate>) -> Self {
        Self {
            token,
            reads,
            changes,
            minimum_ttl: 3_600,
            throttled: 0,
            given: BTreeMap::new(),
            read: Pace::default(),
            changed: BTreeMap::new(),
        }
    }

    /// What it answers, and the zone that it changed.
    pub fn respond(
        &mut self,
        now: Timestamp,
        request: &Request,
        primaries: &mut BTreeMap<Name, Primary>,
    ) -> (Answer, Option<Name>) {
        let detail = |status, text: &str| {
            (
                Answer::new(status, json!({ "detail": text }).to_string()),
                None,
            )
        };
        if request.authorization.reveal() != format!("Token {}", self.token.reveal()) {
            return detail(401, "Invalid token.");
        }
        let Some(zone) = domain(&request.url) else {
            return detail(404, "Not found.");
        };
        if let Some(answer) = self.throttle(now, request.method, &zone) {
            return (answer, None);
        }
        let Some(primary) = primaries.get_mut(&zone) else {
            return detail(404, "Not found.");
        };
        match request.method {
            Method::Get => (Answer::new(200, self.list(primary)), None),
            Method::Patch if primary.is_frozen => {
                detail(500, "Internal Server Error. We're on it!")
            }
            Method::Patch => match self.checked(&zone, &request.body) {
                Err(errors) => (Answer::new(400, errors), None),
                Ok(sets) => {
                    sets.into_iter().for_each(|set| self.give(primary, set));
                    (Answer::new(200, request.body.clone()), Some(zone))
                }
            },
        }
    }

    /// Publishes the signer's own signals, as it always does.
    pub fn adopt(&self, primary: &mut Primary) {
        for rtype in [RecordType::CDS, RecordType::CDNSKEY] {
            let apex = primary.zone().clone();
            self.give_signals(primary, RrSet::new(apex, rtype, self.minimum_ttl, []));
        }
    }

    fn throttle(&mut self, now: Timestamp, method: Method, zone: &Name) -> Option<Answer> {
        let (pace, rates) = match method {
            Method::Get => (&mut self.read, &self.reads),
            Method::Patch => (self.changed.entry(zone.clone()).or_default(), &self.changes),
        };
        let next = pace.next(rates, now);
        if next <= now {
            pace.take(rates, now);
            return None;
        }
        self.throttled += 1;
        let wait = next.since(now);
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let text = format!("Request was throttled. Expected available in {seconds} seconds.");
        let mut answer = Answer::new(429, json!({ "detail": text }).to_string());
        answer
            .fields
            .push(("retry-after".into(), seconds.to_string()));
        Some(answer)
    }

    /// What it holds at the apex.
    fn list(&self, primary: &Primary) -> String {
        let apex = primary.zone();
        let shown = Self::TYPES.iter().filter_map(|rtype| {
            let data = match *rtype {
                RecordType::DNSKEY => primary.keys.foreign.iter().map(Dnskey::to_rdata).collect(),
                RecordType::CDS | RecordType::CDNSKEY => self
                    .given
                    .get(&(apex.clone(), *rtype))
                    .cloned()
                    .unwrap_or_default(),
                _ => primary
                    .contents
                    .get(apex, *rtype)
                    .map(|set| set.data.clone())
                    .unwrap_or_default(),
            };
            (!data.is_empty()).then(|| Shown {
                subname: String::new(),
                rtype: rtype.to_string(),
                ttl: self.minimum_ttl,
                records: data.iter().map(|data| data.present(*rtype)).collect(),
            })
        });
        json!(shown.collect::<Vec<_>>()).to_string()
    }

    /// The RRsets of a request, or what is wrong with each.
    fn checked(&self, zone: &Name, body: &str) -> Result<Vec<RrSet>, String> {
        let shown: Vec<Shown> = serde_json::from_str(body).map_err(|error| {
            json!({ "detail": format!("JSON parse error - {error}") }).to_string()
        })?;
        let read: Vec<Result<RrSet, serde_json::Value>> =
            shown.iter().map(|shown| self.read(zone, shown)).collect();
        if read.iter().all(Result::is_ok) {
            return Ok(read.into_iter().flatten().collect());
        }
        let errors: Vec<_> = read
            .into_iter()
            .map(|read| read.err().unwrap_or(json!({})))
            .collect();
        Err(json!(errors).to_string())
    }

    fn read(&self, zone: &Name, shown: &Shown) -> Result<RrSet, serde_json::Value> {
        let rtype = shown
            .rtype
            .parse()
            .ok()
            .filter(|rtype| Self::TYPES.contains(rtype));
        let Some(rtype) = rtype else {
            let text = format!(
                "You cannot tinker with the {} RR set. It is managed automatically.",
                shown.rtype
            );
            return Err(json!({ "type": [text] }));
        };
        if shown.ttl < self.minimum_ttl {
            let text = format!(
                "Ensure this value is greater than or equal to {}.",
                self.minimum_ttl
            );
            return Err(json!({ "ttl": [text] }));
        }
        let mut labels = shown
            .subname
            .split('.')
            .filter(|label| !label.is_empty())
            .rev();
        let name = labels.try_fold(zone.clone(), |name, label| name.prepend_label(label));
        let name = name.map_err(|error| json!({ "subname": [error.to_string()] }))?;
        let data = shown.records.iter().map(|text| {
            let wrong = || json!({ "non_field_errors": [format!("Record content for type {rtype} malformed: {text}")] });
            Rdata::from_text(rtype, text).ok_or_else(wrong)
        });
        let data = data.collect::<Result<Vec<_>, _>>()?;
        Ok(RrSet::new(name, rtype, shown.ttl, data))
    }

    fn give(&mut self, primary: &mut Primary, set: RrSet) {
        let key = (set.name.clone(), set.rtype);
        match set.rtype {
            RecordType::DNSKEY => {
                let keys = set.data.iter().filter_map(Dnskey::parse);
                let foreign = keys.filter(|key| primary.keys.own_of(key).is_none());
                primary.keys.foreign = foreign.collect();
            }
            RecordType::CDS | RecordType::CDNSKEY => {
                self.given.insert(key, set.data.clone());
                self.give_signals(primary, set);
            }
            _ if set.data.is_empty() => primary.contents.remove(&set.name, set.rtype),
            _ => primary.contents.put(set),
        }
    }

    /// Signals that are given, beside the signer's own.
    fn give_signals(&self, primary: &mut Primary, mut set: RrSet) {
        let apex = primary.zone().clone();
        let own = primary.keys.own.values().filter(|own| own.is_published);
        let own = own.map(|own| own.key.public()).filter(|key| key.is_sep());
        for key in own {
            match set.rtype {
                RecordType::CDS => {
                    let digests = [DIGEST_SHA256, DIGEST_SHA384].into_iter();
                    let ds = digests.filter_map(|digest| key.ds(&apex, digest));
                    set.data.extend(ds.map(|ds| ds.to_rdata()));
                }
                _ => drop(set.data.insert(key.to_rdata())),
            }
        }
        match set.data.is_empty() {
            true => primary.contents.remove(&set.name, set.rtype),
            false => primary.contents.put(set),
        }
    }
}

/// `…/domains/example.test/rrsets/?…`
fn domain(url: &str) -> Option<Name> {
    let (_, rest) = url.split_once(ROOT)?;
    let rest = rest.strip_prefix("/domains/")?;
    let (domain, rest) = rest.split_once('/')?;
    let is_whole = matches!(rest.split('?').next(), Some("rrsets/"));
    let name = counterpoint_dns::name::parse_name(&format!("{domain}.")).ok()?;
    is_whole.then_some(name)
}
