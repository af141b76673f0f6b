//! What survives a restart: what was accepted from each server, and changes that are not yet made.
//!
//! Owns the records' keys and text. A record that cannot be read is left out, not guessed: a lost
//! guard or pending change only costs another scan.

use std::{collections::BTreeMap, fmt::Write as _, net::SocketAddr};

use counterpoint_dns::{
    agent::Record,
    name::{Name, RecordType, parse_name},
    rdata::Rdata,
    rrset::RrSet,
    time::Timestamp,
};

use crate::verdict::{Change, Replacement};

/// What was last accepted from one server (K-09, C-11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// Inception of the signature on the CDS RRset.
    pub cds: Option<u32>,
    /// Inception of the signature on the CDNSKEY RRset.
    pub cdnskey: Option<u32>,
    /// Serial by which the last CSYNC was processed: the SOA's, or the CSYNC's own.
    pub csync: Option<u32>,
}

impl Guard {
    /// Takes what is newer from `other`.
    fn merge(&mut self, other: &Self) {
        self.cds = other.cds.or(self.cds);
        self.cdnskey = other.cdnskey.or(self.cdnskey);
        self.csync = other.csync.or(self.csync);
    }
}

/// The guards of one child, by server.
pub type Guards = BTreeMap<SocketAddr, Guard>;

/// Adds what a verdict accepted.
pub fn merge(guards: &mut Guards, accepted: &Guards) {
    for (server, guard) in accepted {
        guards.entry(*server).or_default().merge(guard);
    }
}

/// An accepted change that waits for its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// When it is made.
    pub due: Timestamp,
    /// The rule that accepted it.
    pub rule: String,
    /// What it changes.
    pub change: Change,
}

/// The state of all children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// What was accepted.
    pub guards: BTreeMap<Name, Guards>,
    /// What waits.
    pub pending: BTreeMap<Name, Pending>,
}

impl Memory {
    /// Reads what was persisted; unreadable records are left out.
    pub fn restore(records: impl IntoIterator<Item = Record>) -> Self {
        let mut memory = Self::default();
        for Record { key, value } in records {
            let Some((kind, child)) = key.split_once('/') else {
                continue;
            };
            let Ok(child) = parse_name(child) else {
                continue;
            };
            match kind {
                "guard" => {
                    let guards: Guards = value.lines().filter_map(parse_guard).collect();
                    memory.guards.insert(child, guards);
                }
                "pending" => {
                    if let Some(pending) = parse_pending(&child, &value) {
                        memory.pending.insert(child, pending);
                    }
                }
                _ => {}
            }
        }
        memory
    }

    /// The record of a child's guards.
    pub fn guard_record(&self, child: &Name) -> Record {
        let mut value = String::new();
        let show = |number: Option<u32>| number.map_or("-".into(), |number| number.to_string());
        for (server, guard) in self.guards.get(child).into_iter().flatten() {
            let (cds, cdnskey, csync) = (show(guard.cds), show(guard.cdnskey), show(guard.csync));
            // Writing to a string cannot fail.
            let _ = writeln!(value, "{server} {cds} {cdnskey} {csync}");
        }
        Record {
            key: format!("guard/{child}"),
            value,
        }
    }

    /// The record of a child's pending change; empty if there is none.
    pub fn pending_record(&self, child: &Name) -> Record {
        let mut value = String::new();
        if let Some(pending) = self.pending.get(child) {
            let _ = writeln!(value, "{} {}", pending.due.as_nanos(), pending.rule);
            for set in &pending.change.sets {
                let (seen, wanted) = (show_set(set.seen.as_ref()), show_set(Some(&set.wanted)));
                let rtype = u16::from(set.rtype);
                let _ = writeln!(value, "{} {rtype} {seen} {wanted}", set.name.to_ascii());
            }
        }
        Record {
            key: format!("pending/{child}"),
            value,
        }
    }
}

/// `TTL:hex,hex`, or `-` for no RRset.
fn show_set(set: Option<&RrSet>) -> String {
    let Some(set) = set else {
        return "-".into();
    };
    let hex = |data: &Rdata| format!("{data:?}");
    let data: Vec<String> = set.data.iter().map(hex).collect();
    format!("{}:{}", set.ttl, data.join(","))
}

fn parse_set(name: &Name, rtype: RecordType, text: &str) -> Option<Option<RrSet>> {
    if text == "-" {
        return Some(None);
    }
    let (ttl, data) = text.split_once(':')?;
    let mut set = RrSet::new(name.clone(), rtype, ttl.parse().ok()?, []);
    for hex in data.split(',').filter(|hex| !hex.is_empty()) {
        set.data.insert(Rdata::from_octets(parse_hex(hex)?));
    }
    Some(Some(set))
}

fn parse_hex(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = hex
        .chars()
        .map(|digit| digit.to_digit(16).map(|value| value as u8))
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}

fn parse_guard(line: &str) -> Option<(SocketAddr, Guard)> {
    let mut words = line.split_whitespace();
    let server = words.next()?.parse().ok()?;
    let mut number = || {
        let word = words.next()?;
        match word {
            "-" => Some(None),
            _ => word.parse().ok().map(Some),
        }
    };
    let guard = Guard {
        cds: number()?,
        cdnskey: number()?,
        csync: number()?,
    };
    Some((server, guard))
}

fn parse_pending(child: &Name, value: &str) -> Option<Pending> {
    let mut lines = value.lines();
    let (due, rule) = lines.next()?.split_once(' ')?;
    let sets: Option<Vec<Replacement>> = lines
        .map(|line| {
            let mut words = line.split_whitespace();
            let name = parse_name(words.next()?).ok()?;
            let rtype = RecordType::from(words.next()?.parse::<u16>().ok()?);
            let seen = parse_set(&name, rtype, words.next()?)?;
            let wanted = parse_set(&name, rtype, words.next()?)??;
            Some(Replacement {
                name,
                rtype,
                seen,
                wanted,
            })
        })
        .collect();
    let change = Change {
        child: child.clone(),
        sets: sets?,
    };
    Some(Pending {
        due: Timestamp::from_nanos(due.parse().ok()?),
        rule: rule.into(),
        change,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_survives_its_records_and_ignores_others() {
        let child = parse_name("example.test.").unwrap();
        let host = parse_name("ns1.example.test.").unwrap();
        let address = |last: u8| Rdata::address([192, 0, 2, last].into());
        let set =
            |data: &[Rdata]| RrSet::new(host.clone(), RecordType::A, 60, data.iter().cloned());
        let sets = vec![
            Replacement::of(Some(&set(&[address(1)])), set(&[])),
            Replacement::of(None, set(&[address(2), address(3)])),
        ];
        let mut memory = Memory::default();
        let guard = Guard {
            cds: Some(7),
            cdnskey: None,
            csync: Some(u32::MAX),
        };
        let server = "[2001:db8::1]:53".parse().unwrap();
        memory
            .guards
            .insert(child.clone(), [(server, guard)].into());
        let pending = Pending {
            due: Timestamp::from_nanos(1_767_225_600_000_000_001),
            rule: "K-02".into(),
            change: Change {
                child: child.clone(),
                sets,
            },
        };
        memory.pending.insert(child.clone(), pending);
        let odd = Record {
            key: "pending/other.test.".into(),
            value: "soon".into(),
        };
        let records = [
            memory.guard_record(&child),
            odd,
            memory.pending_record(&child),
        ];
        assert_eq!(Memory::restore(records), memory);
    }

    #[test]
    fn what_is_accepted_replaces_what_was_and_leaves_the_rest() {
        let server = "192.0.2.1:53".parse().unwrap();
        let guard = |cds, csync| Guard {
            cds,
            cdnskey: None,
            csync,
        };
        let mut guards: Guards = [(server, guard(Some(1), Some(5)))].into();
        merge(&mut guards, &[(server, guard(Some(2), None))].into());
        assert_eq!(guards[&server], guard(Some(2), Some(5)));
    }
}
