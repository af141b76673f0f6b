//! Everything that a verdict rests on: what each server answered, and what was known before.
//!
//! Owns the data only. `run` fills it, phase by phase; judging reads it.
//! "No answer" and "there is no such record" are different things here, always.

mod glance;
pub mod phase;
pub(crate) mod run;
mod signal;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::SocketAddr,
};

use counterpoint_dns::{
    message::{Reply, ResponseCode},
    name::{Name, RecordType, is_at_or_below},
    rdata::{Csync, Soa},
    rrset::SignedRrSet,
};

pub use signal::{Signal, Vouched};

use crate::{delegation::Delegation, registry::Facts, state::ChildState};

/// What one server said to one question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Answer {
    /// It was not asked.
    #[default]
    NotAsked,
    /// It serves this RRset.
    Present(SignedRrSet),
    /// It says with authority that there is none; the proof is whatever came along.
    Absent(Vec<SignedRrSet>),
    /// It holds nothing of it, and points to this zone below.
    Referred(Name),
    /// Nothing is known of what it holds: silence, an error, an answer without authority.
    Unusable(String),
}

impl Answer {
    /// What a reply says to its question. Only an authoritative answer says anything.
    pub fn from_reply(reply: Reply) -> Self {
        let said_none = matches!(reply.rcode, ResponseCode::NoError | ResponseCode::NXDomain);
        if !said_none {
            return Self::Unusable(format!("{}", reply.rcode));
        }
        if !reply.authoritative {
            let name = reply.question.as_ref().map(|question| &question.name);
            let cut = reply.authority.iter().find(|signed| {
                signed.set.rtype == RecordType::NS
                    && name.is_some_and(|name| is_at_or_below(name, &signed.set.name))
            });
            return match cut {
                Some(cut) if reply.answer.is_empty() => Self::Referred(cut.set.name.clone()),
                _ => Self::Unusable("not authoritative".into()),
            };
        }
        // A record of the right type under a wrong name is for the rules to refuse (K-03).
        let Reply {
            question: Some(question),
            answer,
            authority,
            ..
        } = reply
        else {
            return Self::Unusable("it repeats no question".into());
        };
        let (right, other): (Vec<_>, Vec<_>) = answer
            .into_iter()
            .filter(|signed| signed.set.rtype == question.rtype)
            .partition(|signed| signed.set.name == question.name);
        match right.into_iter().chain(other).next() {
            Some(signed) => Self::Present(signed),
            None => Self::Absent(authority),
        }
    }

    /// The RRset, if there is one.
    pub fn present(&self) -> Option<&SignedRrSet> {
        match self {
            Self::Present(signed) => Some(signed),
            _ => None,
        }
    }

    /// Whether it is a received response.
    pub fn is_response(&self) -> bool {
        matches!(self, Self::Present(_) | Self::Absent(_))
    }

    /// Whether the server was asked and nothing usable came.
    pub fn is_unusable(&self) -> bool {
        matches!(self, Self::Unusable(_) | Self::Referred(_))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked => f.write_str("not asked"),
            Self::Present(signed) => write!(f, "{} records", signed.set.data.len()),
            Self::Absent(_) => f.write_str("no such record"),
            Self::Referred(zone) => write!(f, "a referral to {zone}"),
            Self::Unusable(why) => f.write_str(why),
        }
    }
}

/// One address of the delegation's nameservers, and what it answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// The nameserver names that lead to it.
    pub hosts: BTreeSet<Name>,
    /// Its address; none if a nameserver name leads nowhere.
    pub address: Option<SocketAddr>,
    /// Whether it was tried again as often as the retry schedule says.
    pub given_up: bool,
    /// CDS at the apex.
    pub cds: Answer,
    /// CDNSKEY at the apex.
    pub cdnskey: Answer,
    /// CSYNC at the apex, as the first question found it.
    pub csync: Answer,
    /// DNSKEY at the apex.
    pub dnskey: Answer,
    /// SOA at the apex.
    pub soa: Answer,
    /// The reading of RFC 7477 §3.1, if there is a CSYNC.
    pub sequence: Option<Sequence>,
}

impl Server {
    /// A server that was not asked anything yet.
    pub fn new(host: Name, address: Option<SocketAddr>) -> Self {
        Self {
            hosts: [host].into(),
            address,
            ..Self::default()
        }
    }

    /// The CSYNC as it was read in sequence, or as the first question found it: a reading that broke
    /// off before it does not undo what was said.
    pub fn csync(&self) -> &Answer {
        match &self.sequence {
            Some(sequence) if sequence.csync != Answer::NotAsked => &sequence.csync,
            _ => &self.csync,
        }
    }

    /// Whether some question to it, perhaps each, has no response.
    pub fn is_silent(&self) -> bool {
        let asked = [
            &self.cds,
            &self.cdnskey,
            &self.csync,
            &self.dnskey,
            &self.soa,
        ];
        self.address.is_none() || asked.into_iter().any(Answer::is_unusable) || self.broke_off()
    }

    /// Whether it said nothing at all of what it is asked for.
    pub fn said_nothing(&self) -> bool {
        let asked = [&self.cds, &self.cdnskey, &self.csync];
        !asked.into_iter().any(Answer::is_response)
    }

    /// Whether what it did not say may yet be said: it is not to be held against it now.
    pub fn may_yet_say(&self, answer: &Answer) -> bool {
        self.said_nothing() || answer.is_unusable() && !self.given_up
    }

    /// Whether its reading ended before its end.
    pub fn broke_off(&self) -> bool {
        self.sequence.as_ref().is_some_and(Sequence::broke_off)
    }
}

/// The server's names and address, as evidence shows them.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, host) in self.hosts.iter().enumerate() {
            write!(f, "{}{host}", if index > 0 { "+" } else { "" })?;
        }
        match self.address {
            Some(address) => write!(f, "/{}", address.ip()),
            None => f.write_str("/no address"),
        }
    }
}

/// SOA, CSYNC, data, SOA: read from one server in this order (C-09).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sequence {
    /// SOA before everything else.
    pub soa_before: Answer,
    /// CSYNC.
    pub csync: Answer,
    /// NS, if the CSYNC says so.
    pub ns: Answer,
    /// Addresses of nameserver names within the child, if the CSYNC says so.
    pub addresses: BTreeMap<(Name, RecordType), Answer>,
    /// SOA after everything else.
    pub soa_after: Answer,
}

impl Sequence {
    /// The CSYNC record, if there is exactly one that can be read.
    pub fn record(&self) -> Option<Csync> {
        csync_of(&self.csync)
    }

    /// Whether a question of it has no response.
    pub fn broke_off(&self) -> bool {
        let apex = [&self.soa_before, &self.csync, &self.ns, &self.soa_after];
        let mut all = apex.into_iter().chain(self.addresses.values());
        all.any(Answer::is_unusable)
    }

    /// The serials before and after.
    pub fn serials(&self) -> (Option<u32>, Option<u32>) {
        (serial_of(&self.soa_before), serial_of(&self.soa_after))
    }
}

/// The only record of a CSYNC RRset.
pub fn csync_of(answer: &Answer) -> Option<Csync> {
    let data = &answer.present()?.set.data;
    match data.len() {
        1 => data.first().and_then(Csync::parse),
        _ => None,
    }
}

/// The serial of an SOA RRset.
pub fn serial_of(answer: &Answer) -> Option<u32> {
    let signed = answer.present()?;
    signed
        .set
        .data
        .first()
        .and_then(Soa::parse)
        .map(|soa| soa.serial)
}

/// All of it, for one child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gathered {
    /// The delegation as the parent has it.
    pub delegation: Delegation,
    /// Every address of every nameserver name of the delegation.
    pub servers: Vec<Server>,
    /// Every address of the NS RRset that a CSYNC asks for and that is not among `servers`.
    pub added: Vec<Server>,
    /// What stands under the signalling names (RFC 9615), if that was looked for.
    pub signals: Vec<Signal>,
    /// From how many places the same was seen (B-13).
    pub vantage_points: u32,
    /// What is known from earlier scans.
    pub state: ChildState,
    /// What the registry knows.
    pub facts: Facts,
}

impl Gathered {
    /// Nothing asked yet.
    pub fn new(delegation: Delegation, state: ChildState, facts: Facts) -> Self {
        Self {
            delegation,
            servers: Vec::new(),
            added: Vec::new(),
            signals: Vec::new(),
            vantage_points: 1,
            state,
            facts,
        }
    }

    /// The child.
    pub fn child(&self) -> &Name {
        &self.delegation.child
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpoint_dns::{message::Question, name::parse_name};

    #[test]
    fn only_an_authoritative_answer_says_anything() {
        let name = parse_name("example.test.").unwrap();
        let reply = |rcode, authoritative| Reply {
            id: 1,
            rcode,
            authoritative,
            truncated: false,
            question: Some(Question::new(name.clone(), RecordType::CDS)),
            answer: Vec::new(),
            authority: Vec::new(),
            additional: Vec::new(),
        };
        for (rcode, authoritative, is_response) in [
            (ResponseCode::NoError, true, true),
            (ResponseCode::NXDomain, true, true),
            (ResponseCode::NoError, false, false),
            (ResponseCode::ServFail, true, false),
            (ResponseCode::Refused, false, false),
        ] {
            let answer = Answer::from_reply(reply(rcode, authoritative));
            assert_eq!(answer.is_response(), is_response, "{rcode} {authoritative}");
        }
    }
}
