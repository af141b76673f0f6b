//! What a resolver is told at birth: where it begins, what it trusts, whose NS it follows, when it
//! validates, and how long it holds things.

use std::{net::IpAddr, time::Duration};

use crate::{message::Bounds, rdata::Ds, validate::Policy};

/// Whose NS RRset a resolver follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum View {
    /// The delegation's, until its TTL ends; the child's own NS RRset never replaces it.
    ParentCentric,
    /// The child's own, asked for after the referral, and from then on refreshed from the child by
    /// every answer that carries it. The delegation is only the way in.
    ChildCentric,
    /// The child's own, which it asks for again before it runs out, whether anybody asks or not: the
    /// parent is not asked again while the child answers.
    Sticky,
}

/// When a resolver validates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Validation {
    /// Each entry once, when it is fetched. If it fails, other servers are tried; what is cached is
    /// not judged again.
    AtFetch,
    /// The iterative part stores everything for its TTL as with CD=1; a validator in front judges
    /// each question from what is cached, and never asks another server because of a failure.
    BehindCache,
    /// Never: everything is insecure.
    Off,
}

/// Which server of several is asked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Selection {
    /// Any of them, at random.
    Random,
    /// The one that was fastest so far, those not yet known before it; now and then another one.
    Fastest,
}

/// When an answer from the cache is asked for again, so that it does not run out: while less is left
/// than either says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Prefetch {
    /// Percent of its life; 0: never by share.
    pub percent: u8,
    /// Seconds; 0: never by time.
    pub left: u32,
    /// What lives shorter than so many seconds is left alone.
    pub eligible: u32,
}

/// The configuration of a resolver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Addresses of the root's servers.
    pub roots: Vec<IpAddr>,
    /// DS records of the root's keys. Empty: nothing is secure.
    pub trust_anchor: Vec<Ds>,
    /// Whose NS RRset is followed.
    pub view: View,
    /// When it validates.
    pub validation: Validation,
    /// Which algorithms and digests count, and how strictly.
    pub policy: Policy,
    /// No TTL counts for more than this, seconds.
    pub ttl_max: Option<u32>,
    /// No TTL counts for less than this, seconds.
    pub ttl_min: u32,
    /// No denial counts for more than this, seconds (RFC 2308 §5).
    pub negative_ttl_max: Option<u32>,
    /// How long after its end an answer is still given if no server gives a new one, seconds
    /// (RFC 8767); 0: never. Only what was judged when it came.
    pub stale: u32,
    /// When answers are asked for ahead of time.
    pub prefetch: Prefetch,
    /// Whether NSEC records that came with other denials deny names too (RFC 8198).
    pub aggressive: bool,
    /// Whether NSEC3 records do as well, if NSEC records do.
    pub aggressive_nsec3: bool,
    /// Which server is asked first.
    pub selection: Selection,
    /// How many servers are asked one question before giving up.
    pub servers_tries: usize,
    /// How many of them may give something bogus before it is believed to be so.
    pub bogus_tries: usize,
    /// How long one question may take; none: for ever.
    pub patience: Option<Duration>,
    /// How long it is remembered that a question failed, seconds (RFC 9520); 0: not at all.
    pub failure_ttl: u32,
    /// The same for one whose answer was bogus (RFC 4035 §4.7).
    pub bogus_ttl: u32,
    /// How much an RRset may hold; a server that gives more gives no answer.
    pub bounds: Bounds,
    /// The port on which servers listen.
    pub port: u16,
    /// Whether servers are asked over IPv6 too.
    pub v6: bool,
}

impl Config {
    /// A resolver that begins at `roots` and trusts `trust_anchor`: parent-centric, validating at
    /// fetch, TTLs as they come.
    pub fn new(roots: Vec<IpAddr>, trust_anchor: Vec<Ds>) -> Self {
        Self {
            roots,
            trust_anchor,
            view: View::ParentCentric,
            validation: Validation::AtFetch,
            policy: Policy::default(),
            ttl_max: None,
            ttl_min: 0,
            negative_ttl_max: None,
            stale: 0,
            prefetch: Prefetch::default(),
            aggressive: false,
            aggressive_nsec3: true,
            selection: Selection::Random,
            servers_tries: 8,
            bogus_tries: usize::MAX,
            patience: None,
            failure_ttl: 0,
            bogus_ttl: 0,
            bounds: Bounds::NONE,
            port: 53,
            v6: false,
        }
    }

    /// The same with this view.
    pub fn view(mut self, view: View) -> Self {
        self.view = view;
        self
    }

    /// The same with this validation.
    pub fn validation(mut self, validation: Validation) -> Self {
        self.validation = validation;
        self
    }

    /// A TTL between the floor and the cap. The floor wins, even over an expiring signature.
    pub(super) fn clamp(&self, ttl: u32) -> u32 {
        ttl.min(self.ttl_max.unwrap_or(u32::MAX)).max(self.ttl_min)
    }
}
