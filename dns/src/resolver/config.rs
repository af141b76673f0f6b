//! What a resolver is told at birth: where it begins, what it trusts, whose NS it follows, when it
//! validates, and how long it holds things.

use std::net::IpAddr;

use crate::{rdata::Ds, validate::Policy};

/// Whose NS RRset a resolver follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum View {
    /// The delegation's, until its TTL ends; the child's own NS RRset never replaces it.
    ParentCentric,
    /// The child's own, asked for after the referral, and from then on refreshed from the child by
    /// every answer that carries it. The delegation is only the way in.
    ChildCentric,
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
    /// How many servers are asked one question before giving up.
    pub servers_tries: usize,
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
            servers_tries: 8,
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
