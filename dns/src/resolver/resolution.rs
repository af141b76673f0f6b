//! What a resolver is asked to do, and what it says in the end.

use std::{collections::BTreeSet, fmt, net::IpAddr};

use crate::{
    message::{Question, ResponseCode},
    rrset::SignedRrSet,
};

/// What a resolver can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Resolve a question; the resolution carries the ticket.
    Resolve {
        /// The caller's own number for it.
        ticket: u64,
        /// What is asked.
        question: Question,
    },
    /// Forget everything cached.
    Flush,
    /// While not empty: of any server set that contains pinned addresses, only those are asked.
    /// For replaying a schedule.
    Pin(BTreeSet<IpAddr>),
}

/// How a resolution ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// A chain of trust leads to it.
    Secure,
    /// It is proven that none does, or nothing is validated.
    Insecure,
    /// Servers answered, and what they said does not chain: which link, and whose answer.
    Bogus(String),
    /// No usable answer: silence, refusal, lameness, a loop or a limit. Never a matter of keys.
    Failed(String),
}

impl Status {
    /// Whether it is [`Status::Bogus`].
    pub fn is_bogus(&self) -> bool {
        matches!(self, Self::Bogus(_))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secure => f.write_str("secure"),
            Self::Insecure => f.write_str("insecure"),
            Self::Bogus(why) => write!(f, "bogus: {why}"),
            Self::Failed(why) => write!(f, "failed: {why}"),
        }
    }
}

/// The end of one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// The number under which it was asked.
    pub ticket: u64,
    /// What was asked.
    pub question: Question,
    /// How it ended.
    pub status: Status,
    /// The response code; SERVFAIL where it is bogus or failed.
    pub rcode: ResponseCode,
    /// The RRset, at the end of any CNAME chain, its TTL counted down. None where there is none.
    pub answer: Option<SignedRrSet>,
    /// The server that gave the answer, or the bogus one.
    pub from: Option<IpAddr>,
    /// Some server gave something bogus on the way, and another one made up for it.
    pub masked_by_retry: bool,
    /// No server was asked.
    pub cached: bool,
    /// It failed before, and nobody was asked again (RFC 9520).
    pub remembered: bool,
}
