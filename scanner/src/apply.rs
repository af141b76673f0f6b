//! From an accepted change to the parent's zone: one dynamic update (RFC 2136) that holds only if the
//! delegation is still what was judged, and what its answer means.

use std::fmt;

use counterpoint_dns::{
    message::{ResponseCode, decode, encode},
    name::{Name, RecordType},
    rrset::RrSet,
    time::Timestamp,
    tsig::{RequestMac, TsigKey},
    update::{Change as Edit, Prerequisite, Update},
};

use crate::verdict::{Change, Replacement};

/// The update: all of `change`, if everything that it rests on is unchanged.
pub fn update(parent: &Name, change: &Change) -> Update {
    Update {
        zone: parent.clone(),
        prerequisites: change.sets.iter().map(unchanged).collect(),
        changes: change.changed().flat_map(edits).collect(),
    }
}

fn unchanged(set: &Replacement) -> Prerequisite {
    match &set.seen {
        Some(seen) if !seen.data.is_empty() => Prerequisite::Is(seen.clone()),
        _ => Prerequisite::Absent(set.name.clone(), set.rtype),
    }
}

fn edits(set: &Replacement) -> Vec<Edit> {
    let (name, rtype) = (set.name.clone(), set.rtype);
    match &set.seen {
        // A delegation is never without NS, not even between two records of one update.
        Some(seen) if rtype == RecordType::NS => {
            let but = |of: &RrSet, but: &RrSet| RrSet {
                data: of.data.difference(&but.data).cloned().collect(),
                ..of.clone()
            };
            [
                Edit::Add(but(&set.wanted, seen)),
                Edit::Remove(but(seen, &set.wanted)),
            ]
            .into_iter()
            .filter(|edit| match edit {
                Edit::Add(set) | Edit::Remove(set) => !set.data.is_empty(),
                Edit::Clear(..) => true,
            })
            .collect()
        }
        seen => {
            let clear = seen.is_some().then_some(Edit::Clear(name, rtype));
            let add = (!set.wanted.data.is_empty()).then(|| Edit::Add(set.wanted.clone()));
            clear.into_iter().chain(add).collect()
        }
    }
}

/// An update that was sent: what is needed to judge its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateRequest {
    id: u16,
    mac: Option<RequestMac>,
}

/// What became of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It was made.
    Done,
    /// The parent is not what it was when the change was judged: nothing was made.
    ParentChanged,
    /// The parent refuses it: nothing was made.
    Refused(String),
}

impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("applied"),
            Self::ParentChanged => f.write_str("the delegation is no longer what was judged"),
            Self::Refused(why) => write!(f, "the parent refused the update: {why}"),
        }
    }
}

/// What became of a change that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is made.
    Done,
    /// What it rests on is not so any more: nothing was made.
    NotAsSeen(String),
    /// It is refused: nothing was made.
    Refused(String),
    /// It was taken, and is decided later.
    Pending(String),
    /// Nobody knows whether it is made.
    Unknown(String),
    /// Nothing was made, and nothing more is to be tried.
    Stop(String),
}

impl UpdateRequest {
    /// The request, signed if there is a key, and its octets.
    pub fn new(
        id: u16,
        update: &Update,
        tsig: Option<&TsigKey>,
        now: Timestamp,
    ) -> (Self, Vec<u8>) {
        let message = update.to_message(id);
        match tsig {
            Some(key) => {
                let (octets, mac) = key.sign_request(message, now);
                let mac = Some(mac);
                (Self { id, mac }, octets)
            }
            None => (Self { id, mac: None }, encode(&message)),
        }
    }

    /// What the answer says; nothing, if it is not to be believed.
    pub fn read(&self, octets: &[u8], tsig: Option<&TsigKey>, now: Timestamp) -> Option<Applied> {
        let message = match (tsig, &self.mac) {
            (Some(key), Some(mac)) => match key.check_answer(mac, octets, now) {
                Ok(message) => message,
                Err(fault @ counterpoint_dns::tsig::TsigFault::Refused(_)) => {
                    return Some(Applied::Refused(fault.to_string()));
                }
                Err(_) => return None,
            },
            _ => decode(octets).ok()?,
        };
        if message.id != self.id {
            return None;
        }
        Some(match message.response_code {
            ResponseCode::NoError => Applied::Done,
            // RFC 2136 §3.2: some prerequisite does not hold.
            ResponseCode::NXRRSet | ResponseCode::YXRRSet | ResponseCode::NXDomain => {
                Applied::ParentChanged
            }
            other => Applied::Refused(other.to_string()),
        })
    }
}
