//! One question in progress: what its resolution has cost and learnt so far.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use crate::{message::Question, name::Name, resolver::cache::Entry, time::Timestamp};

/// Why a fetch came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stuck {
    /// No usable answer.
    Failed(String),
    /// Nothing but bogus answers, the first of them from this server.
    Bogus(String, Option<IpAddr>),
}

/// One question in progress. It waits for at most one fetch at a time.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// The caller's number for it.
    pub ticket: u64,
    /// What is asked.
    pub question: Question,
    /// When it was asked: what is fetched from then on serves it even with a TTL of zero.
    pub started: Timestamp,
    /// Fetches that came to nothing; they are not tried again.
    pub stuck: BTreeMap<Question, Stuck>,
    /// Names that may be apexes of zones which their parent's servers serve too.
    pub probed: BTreeSet<Name>,
    /// Fetches that it waited for.
    pub fetches: usize,
    /// Some server gave something bogus, and another one made up for it.
    pub masked: bool,
    /// Nothing that was fetched before it serves it, and no server hears more labels than it needs.
    pub fresh: bool,
    /// Nobody asked: it is the resolver that wants to know, and anew.
    pub unasked: bool,
}

impl Job {
    /// A question just asked.
    pub fn new(ticket: u64, question: Question, started: Timestamp) -> Self {
        Self {
            ticket,
            question,
            started,
            stuck: BTreeMap::new(),
            probed: BTreeSet::new(),
            fetches: 0,
            masked: false,
            fresh: false,
            unasked: false,
        }
    }

    /// A question of the resolver's own, about something of which it holds an answer already.
    pub fn unasked(question: Question, started: Timestamp) -> Self {
        Self {
            unasked: true,
            ..Self::new(0, question, started)
        }
    }

    /// A question just asked that begins with an empty cache and asks the way down label by label
    /// (RFC 9156): every name above it may be an apex, until its zone says that it is none.
    pub fn fresh(ticket: u64, question: Question, started: Timestamp) -> Self {
        let above = |name: &Name| (!name.is_root()).then(|| name.base_name());
        let probed = std::iter::successors(above(&question.name), above)
            .filter(|name| !name.is_root())
            .collect();
        Self {
            probed,
            fresh: true,
            ..Self::new(ticket, question, started)
        }
    }

    /// Whether it is about something newer than this.
    pub fn wants_anew(&self, entry: &Entry) -> bool {
        self.unasked && entry.question == self.question && entry.fetched < self.started
    }

    /// The time by which the cache is read: what is fresh only serves what came since it began.
    pub fn reads_at(&self, now: Timestamp) -> Timestamp {
        if self.fresh { Timestamp::MAX } else { now }
    }
}
