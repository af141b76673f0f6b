//! What survives a restart: the state of each child, changes that are not yet made, and those made lately.
//!
//! Owns the records' keys and text: `child/NAME` is JSON, `pending/NAME` and `lately/NAME` are lines. A record that cannot
//! be read is left out and named, never guessed: a lost state or pending change costs another scan,
//! a guessed one could cost a zone.

mod child;
mod guard;
mod hold;
mod origin;

use std::{collections::BTreeMap, fmt::Write as _};

use counterpoint_dns::{
    agent::Record,
    name::{Name, RecordType, parse_name},
    rdata::Rdata,
    rrset::RrSet,
    time::Timestamp,
};
use data_encoding::HEXLOWER_PERMISSIVE;

pub use child::{ChildState, DsSeen, Suspension, Told, TtlRestore};
pub use guard::{Guard, Guards};
pub use hold::{Candidate, FailedRuns, HoldDown, Sighting};
pub use origin::{Arrival, Origin};

use crate::verdict::{Change, Replacement};

/// An accepted change that waits for its time, or had it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// When it is made, or was.
    pub due: Timestamp,
    /// The rule that accepted it.
    pub rule: String,
    /// What it changes.
    pub change: Change,
}

/// The state of all children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// What survives of each.
    pub children: BTreeMap<Name, ChildState>,
    /// What waits.
    pub pending: BTreeMap<Name, Pending>,
    /// What was made lately, for brakes that count it.
    pub lately: BTreeMap<Name, Pending>,
    /// Keys of the records that could not be read, with the reason.
    pub unreadable: Vec<(String, String)>,
}

impl Memory {
    /// Reads what was persisted; unreadable records are left out, and listed. Records of other kinds
    /// are not its own.
    pub fn restore(records: impl IntoIterator<Item = Record>) -> Self {
        let mut memory = Self::default();
        for Record { key, value } in records {
            let Some((kind @ ("child" | "pending" | "lately"), child)) = key.split_once('/') else {
                continue;
            };
            if let Err(why) = memory.take(kind, child, &value) {
                memory.unreadable.push((key, why));
            }
        }
        memory
    }

    fn take(&mut self, kind: &str, child: &str, value: &str) -> Result<(), String> {
        let child = parse_name(child).map_err(|error| error.to_string())?;
        if kind == "child" {
            let state = serde_json::from_str(value).map_err(|error| error.to_string())?;
            self.children.insert(child, state);
            return Ok(());
        }
        let pending = parse_pending(&child, value).ok_or("it is no change")?;
        match kind {
            "pending" => self.pending.insert(child, pending),
            _ => self.lately.insert(child, pending),
        };
        Ok(())
    }

    /// What is known of a child; nothing, if it was never met.
    pub fn state(&self, child: &Name) -> ChildState {
        self.children.get(child).cloned().unwrap_or_default()
    }

    /// Moves the state of a child on; its record, if that changed anything.
    pub fn update(&mut self, child: &Name, step: impl FnOnce(&mut ChildState)) -> Option<Record> {
        let mut state = self.state(child);
        step(&mut state);
        if self.state(child) == state {
            return None;
        }
        self.children.insert(child.clone(), state);
        Some(self.child_record(child))
    }

    /// The record of a child's state; empty if nothing is known of it.
    pub fn child_record(&self, child: &Name) -> Record {
        // Plain data with names as keys: to JSON it cannot fail.
        let state = self.children.get(child);
        let value = state.and_then(|state| serde_json::to_string(state).ok());
        Record {
            key: format!("child/{child}"),
            value: value.unwrap_or_default(),
        }
    }

    /// The record of a child's pending change; empty if there is none.
    pub fn pending_record(&self, child: &Name) -> Record {
        Record {
            key: format!("pending/{child}"),
            value: show_pending(self.pending.get(child)),
        }
    }

    /// The record of a child's change that was made lately; empty if there is none.
    pub fn lately_record(&self, child: &Name) -> Record {
        Record {
            key: format!("lately/{child}"),
            value: show_pending(self.lately.get(child)),
        }
    }
}

fn show_pending(pending: Option<&Pending>) -> String {
    let mut value = String::new();
    if let Some(pending) = pending {
        let _ = writeln!(value, "{} {}", pending.due.as_nanos(), pending.rule);
        for set in &pending.change.sets {
            let (seen, wanted) = (show_set(set.seen.as_ref()), show_set(Some(&set.wanted)));
            let rtype = u16::from(set.rtype);
            let _ = writeln!(value, "{} {rtype} {seen} {wanted}", set.name);
        }
    }
    value
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
        set.data.insert(Rdata::from_octets(
            HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok()?,
        ));
    }
    Some(Some(set))
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
            hosts: [host.clone()].into(),
            cds: Some(7),
            cdnskey: None,
            csync: Some(u32::MAX),
            soa: Some(u32::MAX),
        };
        let server = "[2001:db8::1]:53".parse().unwrap();
        let at = Timestamp::from_nanos(1_767_225_600_000_000_001);
        let mut origin = Origin::default();
        origin.accepts(&set(&[address(1)]).data);
        let state = ChildState {
            guards: [(server, guard)].into(),
            candidate: Some(Candidate {
                fingerprint: "00ff".into(),
                first_seen: at,
                last_seen: at,
                counted: at,
                runs: 2,
            }),
            ds: DsSeen::Leaving,
            origin,
            suspension: Some(Suspension {
                since: at,
                why: "because".into(),
            }),
            restore: Some(TtlRestore {
                ttl: 3_600,
                not_before: at,
            }),
            told: [(
                "CONTINUITY".to_string(),
                Told {
                    first: at,
                    last: at,
                    seen: at,
                    times: 3,
                },
            )]
            .into(),
        };
        memory.children.insert(child.clone(), state);
        let pending = Pending {
            due: Timestamp::from_nanos(1_767_225_600_000_000_001),
            rule: "K-02".into(),
            change: Change {
                child: child.clone(),
                sets,
            },
        };
        memory.pending.insert(child.clone(), pending.clone());
        memory.lately.insert(child.clone(), pending);
        let odd = Record {
            key: "pending/other.test.".into(),
            value: "soon".into(),
        };
        let records = [
            memory.child_record(&child),
            odd,
            Record {
                key: "child/other.test.".into(),
                value: r#"{"ds": "present", "surprise": 1}"#.into(),
            },
            Record {
                key: "elsewhere".into(),
                value: "not its own".into(),
            },
            memory.pending_record(&child),
            memory.lately_record(&child),
        ];
        let mut restored = Memory::restore(records);
        let unreadable: Vec<String> = std::mem::take(&mut restored.unreadable)
            .into_iter()
            .map(|(key, _)| key)
            .collect();
        assert_eq!(restored, memory);
        assert_eq!(unreadable, ["pending/other.test.", "child/other.test."]);
        assert_eq!(restored.update(&child, |_| {}), None, "nothing changed");
        let record = restored.update(&child, ChildState::restored);
        assert_eq!(record, Some(restored.child_record(&child)));
    }
}
