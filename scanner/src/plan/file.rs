//! The text of a plan: TOML, the same for the same plan to the octet, one block a change in canonical
//! order, one record a line. So two plans can be compared with `diff`.

use std::{collections::BTreeMap, fmt, fmt::Write as _};

use counterpoint_dns::{
    name::{Name, RecordType, parse_name},
    rrset::RrSet,
    time::Timestamp,
};
use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::{
    Basis, Plan, Planned,
    text::{parse, present},
};
use crate::verdict::{Change, Replacement};

/// The format's version.
const VERSION: u32 = 1;
/// How the line begins that carries the hash of all other lines.
const HASH_LINE: &str = "sha256 = ";

/// Why a text is no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoPlan {
    /// It was changed after it was written.
    Edited,
    /// It cannot be read.
    Unreadable(String),
}

impl fmt::Display for NoPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edited => f.write_str(
                "its SHA-256 is not that of its text: it was edited or cut off; make a new plan",
            ),
            Self::Unreadable(why) => write!(f, "it is no plan: {why}"),
        }
    }
}

impl std::error::Error for NoPlan {}

/// Writes a plan.
pub fn write(plan: &Plan) -> String {
    let mut body = String::new();
    // Writing to a string cannot fail.
    let _ = write_body(&mut body, plan);
    let (head, rest) = body.split_once('\n').unwrap_or((&body, ""));
    format!("{head}\n{HASH_LINE}{}\n{rest}", quoted(&hash(&body)))
}

/// Reads a plan.
pub fn read(text: &str) -> Result<Plan, NoPlan> {
    let mut hashes = Vec::new();
    let mut body = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match line.strip_prefix(HASH_LINE) {
            Some(value) => hashes.push(value.trim().trim_matches('"').to_string()),
            None => body.push_str(line),
        }
    }
    let unreadable = |why: &dyn fmt::Display| NoPlan::Unreadable(why.to_string());
    match hashes.as_slice() {
        [] => return Err(unreadable(&"it has no line `sha256 = …`")),
        [said] if *said == hash(&body) => {}
        _ => return Err(NoPlan::Edited),
    }
    let raw: Raw = toml::from_str(&body).map_err(|error| unreadable(&error.message()))?;
    raw.check().map_err(|why| unreadable(&why))
}

/// SHA-256 of a text, in hexadecimal.
pub fn hash(text: &str) -> String {
    HEXLOWER.encode(digest(&SHA256, text.as_bytes()).as_ref())
}

fn write_body(out: &mut String, plan: &Plan) -> fmt::Result {
    let Plan {
        zone,
        created,
        expires,
        basis,
        changes,
    } = plan;
    writeln!(
        out,
        "# A plan of counterpoint-scanner: read it, compare it, apply it; an edited one is refused."
    )?;
    writeln!(out, "version = {VERSION}")?;
    writeln!(out, "zone = {}", quoted(&zone.to_string()))?;
    writeln!(out, "created = {}", quoted(&created.to_string()))?;
    writeln!(out, "expires = {}", quoted(&expires.to_string()))?;
    writeln!(out, "changes = {}", changes.len())?;
    writeln!(out, "\n[basis]")?;
    writeln!(out, "source = {}", quoted(&basis.source))?;
    if let Some(serial) = basis.serial {
        writeln!(out, "serial = {serial}")?;
    }
    writeln!(out, "delegations = {}", basis.delegations)?;
    writeln!(out, "policy = {}", quoted(&basis.policy))?;
    writeln!(out, "resolver = {}", quoted(&basis.resolver))?;
    for planned in changes.values() {
        Block::of(planned).write(out)?;
    }
    Ok(())
}

fn records(set: &RrSet) -> Vec<String> {
    let data = set.data.iter();
    data.map(|data| present(set.rtype, data)).collect()
}

fn write_list(out: &mut String, key: &str, items: &[String]) -> fmt::Result {
    if items.is_empty() {
        return writeln!(out, "{key} = []");
    }
    writeln!(out, "{key} = [")?;
    for item in items {
        writeln!(out, "    {},", quoted(item))?;
    }
    writeln!(out, "]")
}

/// Text from outside stays on its line.
fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control(), " ")
}

/// A string on one line (TOML 1.0).
fn quoted(text: &str) -> String {
    toml::Value::String(text.into()).to_string()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    version: u32,
    zone: String,
    created: String,
    expires: String,
    changes: usize,
    basis: RawBasis,
    #[serde(default)]
    change: Vec<Block>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBasis {
    source: String,
    serial: Option<u32>,
    delegations: u64,
    policy: String,
    resolver: String,
}

/// One change as text: a block of the file, or a record of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    child: String,
    rule: String,
    reason: String,
    evidence: Vec<String>,
    rrset: Vec<SetText>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct SetText {
    name: String,
    r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen_ttl: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<Vec<String>>,
    wanted_ttl: u32,
    wanted: Vec<String>,
}

impl Block {
    /// Whether another is about the same data, for whatever reason.
    pub fn is_same(&self, other: &Self) -> bool {
        self.child == other.child && self.rrset == other.rrset
    }

    /// A change as text: what changes first, then what must stay, by type and name.
    pub fn of(planned: &Planned) -> Self {
        let mut sets = Vec::from_iter(&planned.change.sets);
        sets.sort_by_key(|set| (set.is_noop(), set.rtype, &set.name));
        let text = |set: &Replacement| SetText {
            name: set.name.to_string(),
            r#type: set.rtype.to_string(),
            seen_ttl: set.seen.as_ref().map(|seen| seen.ttl),
            seen: set.seen.as_ref().map(records),
            wanted_ttl: set.wanted.ttl,
            wanted: records(&set.wanted),
        };
        Self {
            child: planned.change.child.to_string(),
            rule: planned.rule.clone(),
            reason: planned.reason.clone(),
            evidence: planned.evidence.iter().map(|line| one_line(line)).collect(),
            rrset: sets.into_iter().map(text).collect(),
        }
    }

    /// The change, with the child that it is of.
    pub fn check(self) -> Result<(Name, Planned), String> {
        let child = name(&self.child)?;
        let sets = self.rrset.into_iter().map(SetText::check);
        let planned = Planned {
            rule: self.rule,
            reason: self.reason,
            evidence: self.evidence,
            change: Change {
                child: child.clone(),
                sets: sets.collect::<Result<_, String>>()?,
            },
        };
        Ok((child, planned))
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "\n[[change]]")?;
        writeln!(out, "child = {}", quoted(&self.child))?;
        writeln!(out, "rule = {}", quoted(&self.rule))?;
        writeln!(out, "reason = {}", quoted(&self.reason))?;
        write_list(out, "evidence", &self.evidence)?;
        for set in &self.rrset {
            writeln!(out, "[[change.rrset]]")?;
            writeln!(out, "name = {}", quoted(&set.name))?;
            writeln!(out, "type = {}", quoted(&set.r#type))?;
            if let (Some(seen), Some(ttl)) = (&set.seen, set.seen_ttl) {
                writeln!(out, "seen-ttl = {ttl}")?;
                write_list(out, "seen", seen)?;
            }
            writeln!(out, "wanted-ttl = {}", set.wanted_ttl)?;
            write_list(out, "wanted", &set.wanted)?;
        }
        Ok(())
    }
}

impl Raw {
    fn check(self) -> Result<Plan, String> {
        if self.version != VERSION {
            return Err(format!(
                "version {} of the format, and this release knows {VERSION}",
                self.version
            ));
        }
        if self.changes != self.change.len() {
            return Err(format!(
                "{} changes announced, {} there",
                self.changes,
                self.change.len()
            ));
        }
        let zone = name(&self.zone)?;
        let mut changes = BTreeMap::new();
        for change in self.change {
            let (child, planned) = change.check()?;
            if !zone.zone_of(&child) || child == zone {
                return Err(format!("{child} is not below {zone}"));
            }
            if changes.insert(child.clone(), planned).is_some() {
                return Err(format!("{child} is there twice"));
            }
        }
        let RawBasis {
            source,
            serial,
            delegations,
            policy,
            resolver,
        } = self.basis;
        Ok(Plan {
            zone,
            created: time(&self.created)?,
            expires: time(&self.expires)?,
            basis: Basis {
                source,
                serial,
                delegations,
                policy,
                resolver,
            },
            changes,
        })
    }
}

impl SetText {
    fn check(self) -> Result<Replacement, String> {
        let name = name(&self.name)?;
        let known = super::text::TYPES.into_iter();
        let rtype = known
            .into_iter()
            .find(|rtype| rtype.to_string() == self.r#type)
            .ok_or_else(|| format!("{} is no type of a delegation", self.r#type))?;
        let seen = match (self.seen, self.seen_ttl) {
            (Some(seen), Some(ttl)) => Some(set(&name, rtype, ttl, &seen)?),
            (None, None) => None,
            _ => {
                return Err(format!(
                    "{name} {rtype}: `seen` and `seen-ttl` belong together"
                ));
            }
        };
        let wanted = set(&name, rtype, self.wanted_ttl, &self.wanted)?;
        Ok(Replacement {
            name,
            rtype,
            seen,
            wanted,
        })
    }
}

fn set(name: &Name, rtype: RecordType, ttl: u32, data: &[String]) -> Result<RrSet, String> {
    let mut set = RrSet::new(name.clone(), rtype, ttl, []);
    for text in data {
        let data = parse(rtype, text).ok_or_else(|| format!("{name}: `{text}` is no {rtype}"))?;
        set.data.insert(data);
    }
    Ok(set)
}

fn name(text: &str) -> Result<Name, String> {
    parse_name(text).map_err(|error| error.to_string())
}

/// RFC 3339, to the nanosecond.
pub fn time(text: &str) -> Result<Timestamp, String> {
    let time: jiff::Timestamp = text
        .parse()
        .map_err(|error| format!("`{text}` is no time: {error}"))?;
    let nanos = i64::try_from(time.as_nanosecond());
    nanos
        .map(Timestamp::from_nanos)
        .map_err(|_| format!("`{text}` is beyond what can be counted"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpoint_dns::rdata::Rdata;
    use std::time::Duration;

    fn plan() -> Plan {
        let child = parse_name("example.test.").unwrap();
        let ds = |octet: u8| Rdata::from_octets([0, octet, 13, 2, octet]);
        let set =
            |rtype, data: &[Rdata]| RrSet::new(child.clone(), rtype, 3_600, data.iter().cloned());
        let host = parse_name("ns1.example.test.").unwrap();
        let glue = RrSet::new(host.clone(), RecordType::AAAA, 60, []);
        let ns = set(RecordType::NS, &[Rdata::name(&host)]);
        let change = Change {
            child: child.clone(),
            sets: vec![
                Replacement::keep(&ns),
                Replacement::of(
                    Some(&set(RecordType::DS, &[ds(1)])),
                    set(RecordType::DS, &[ds(1), ds(2)]),
                ),
                Replacement::of(None, glue),
            ],
        };
        let planned = Planned {
            rule: "K-02".into(),
            reason: "CDS_ACCEPTED".into(),
            evidence: vec!["\"quoted\" \\ and more".into()],
            change,
        };
        let created = Timestamp::from_nanos(1_767_225_600_123_456_789);
        Plan {
            zone: parse_name("test.").unwrap(),
            created,
            expires: created + Duration::from_secs(86_400),
            basis: Basis {
                source: "test.zone".into(),
                serial: Some(7),
                delegations: 1,
                policy: "00".into(),
                resolver: "own".into(),
            },
            changes: [(child, planned)].into(),
        }
    }

    #[test]
    fn a_plan_is_read_back_and_written_the_same() {
        let text = write(&plan());
        let read = read(&text).unwrap();
        assert_eq!(write(&read), text);
        let mut expected = plan();
        for planned in expected.changes.values_mut() {
            planned
                .change
                .sets
                .sort_by_key(|set| (set.is_noop(), set.rtype, set.name.clone()));
        }
        assert_eq!(read, expected);
    }

    #[test]
    fn whatever_is_edited_is_found() {
        let text = write(&plan());
        for (from, to) in [
            ("1 13 2 01", "1 13 2 02"),
            ("3600", "60"),
            ("expires = \"2026-01-02", "expires = \"2036-01-02"),
            ("K-02", "K-03"),
            ("version = 1\n", "version = 1\n\n"),
        ] {
            let edited = text.replacen(from, to, 1);
            assert_ne!(edited, text, "{from}");
            assert_eq!(read(&edited), Err(NoPlan::Edited), "{from}");
        }
        let cut = &text[..text.len() / 2];
        assert_eq!(read(cut), Err(NoPlan::Edited));
        let doubled = text.replacen("version", "sha256 = \"00\"\nversion", 1);
        assert_eq!(read(&doubled), Err(NoPlan::Edited));
        assert!(matches!(read("no plan"), Err(NoPlan::Unreadable(_))));
    }

    #[test]
    fn a_sound_hash_does_not_make_a_plan() {
        let good = write(&plan());
        for (from, to, why) in [
            ("version = 1", "version = 2", "version 2"),
            (
                "child = \"example.test.\"",
                "child = \"other.\"",
                "not below",
            ),
            ("changes = 1", "changes = 2", "2 changes announced"),
            ("type = \"DS\"", "type = \"TXT\"", "no type of a delegation"),
            ("1 13 2 01", "0 0 0 00", "is no DS"),
            ("rule = ", "surprise = ", "unknown field"),
        ] {
            let mut body: String = good.replacen(from, to, 1);
            body = body
                .split_inclusive('\n')
                .filter(|line| !line.starts_with(HASH_LINE))
                .collect();
            let text = format!("{body}{HASH_LINE}\"{}\"\n", hash(&body));
            let error = read(&text).unwrap_err().to_string();
            assert!(error.contains(why), "{from}: {error}");
        }
    }
}
