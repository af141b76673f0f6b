//! Validators as data: what they support, how strict they are, which NS RRsets they follow.
//!
//! Owns [`Profile`]. Refuses to know histories: a profile is the same for every zone.

use std::{collections::BTreeSet, time::Duration};

use super::history::{History, Version};
pub use crate::validate::DigestChoice;
use crate::validate::Tolerance;

/// Which signatures a validator asks for when several algorithms are in use (RFC 6840 §5.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strictness {
    /// Any one valid path will do, as RFC 6840 §5.11 asks.
    Liberal,
    /// Every supported algorithm of the DS RRset must sign (algorithm downgrade protection).
    StrictDs,
    /// Every supported algorithm of the DNSKEY RRset must sign (RFC 4035 §2.2, read as a rule for validators).
    StrictDnskey,
}

/// Which NS RRsets lead a cache to servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NsView {
    /// Only the delegation at the parent.
    ParentCentric,
    /// The delegation, and the apex NS RRset of the zone itself. The set of all sticky caches is
    /// the same: one that never asks the parent again is among the child-centric ones.
    ChildCentric,
}

/// A kind of validating cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// What reports call it.
    pub name: String,
    /// DNSSEC algorithm numbers that it supports.
    pub algorithms: BTreeSet<u8>,
    /// DS digest types that it supports.
    pub digests: BTreeSet<u8>,
    /// Which signatures it asks for.
    pub strictness: Strictness,
    /// Which DS records it believes.
    pub digest_choice: DigestChoice,
    /// Which NS RRsets it follows.
    pub ns: NsView,
    /// Longest time that it keeps anything. Bounds one resolver only: a cache in front of it may
    /// not clamp.
    pub ttl_cap: Option<Duration>,
    /// Shortest time that it keeps anything.
    pub ttl_floor: Duration,
    /// How far signatures may be off.
    pub tolerance: Tolerance,
    /// How long it remembers that an answer was bogus: so much longer may the consequences of a
    /// violation last.
    pub bogus_kept: Duration,
    /// The same of a question that no server answered.
    pub failure_kept: Duration,
}

/// The longest that RFC 9520 §3.2 lets a resolver remember a failure.
const FAILURE_KEPT_MOST: Duration = Duration::from_secs(300);

impl Profile {
    /// Accepts any valid path, follows NS of both sides, supports what RFC 8624 §3 lets a validator support.
    pub fn liberal() -> Self {
        Self {
            name: "liberal".into(),
            algorithms: BTreeSet::from([5, 7, 8, 10, 13, 14, 15, 16]),
            digests: BTreeSet::from([1, 2, 4]),
            strictness: Strictness::Liberal,
            digest_choice: DigestChoice::Any,
            ns: NsView::ChildCentric,
            ttl_cap: None,
            ttl_floor: Duration::ZERO,
            tolerance: Tolerance::default(),
            bogus_kept: FAILURE_KEPT_MOST,
            failure_kept: FAILURE_KEPT_MOST,
        }
    }

    /// Wants a signature of every algorithm in the DS RRset.
    pub fn strict_ds() -> Self {
        Self {
            name: "strict-ds".into(),
            strictness: Strictness::StrictDs,
            ..Self::liberal()
        }
    }

    /// Wants a signature of every algorithm in the DNSKEY RRset.
    pub fn strict_dnskey() -> Self {
        Self {
            name: "strict-dnskey".into(),
            strictness: Strictness::StrictDnskey,
            ..Self::liberal()
        }
    }

    /// A liberal validator that supports these algorithms alone.
    pub fn only(algorithms: &[u8]) -> Self {
        let numbers: Vec<String> = algorithms.iter().map(u8::to_string).collect();
        Self {
            name: format!("only-{}", numbers.join("-")),
            algorithms: algorithms.iter().copied().collect(),
            ..Self::liberal()
        }
    }

    /// The same validator with another view of NS.
    pub fn viewed(mut self, ns: NsView) -> Self {
        self.ns = ns;
        if ns == NsView::ParentCentric {
            self.name.push_str(" parent-centric");
        }
        self
    }

    /// The history as it looks to a validator that puts up with clocks that are off: every signature
    /// holds for longer. `None` if it does not.
    pub(super) fn seen(&self, history: &History) -> Option<History> {
        fn widen<C>(versions: &mut [Version<C>], tolerance: &Tolerance) {
            for signature in versions.iter_mut().flat_map(|v| &mut v.signatures) {
                let (from, until) = tolerance.widened(signature.inception, signature.expiration);
                (signature.inception, signature.expiration) = (from, until);
            }
        }
        if !self.tolerance.is_lenient() {
            return None;
        }
        let mut seen = history.clone();
        widen(&mut seen.ds, &self.tolerance);
        widen(&mut seen.dnskey, &self.tolerance);
        widen(&mut seen.answers, &self.tolerance);
        Some(seen)
    }

    /// How long a cache in front of such a validator may keep an RRset of this TTL.
    pub(super) fn kept_by_any_cache(&self, ttl: Duration) -> Duration {
        ttl.max(self.ttl_floor)
    }

    /// How long the validator itself may keep an RRset of this TTL, signatures aside.
    pub(super) fn kept_by_one_resolver(&self, ttl: Duration) -> Duration {
        ttl.min(self.ttl_cap.unwrap_or(Duration::MAX))
            .max(self.ttl_floor)
    }
}
