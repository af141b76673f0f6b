//! What judging comes to: an outcome, the rule that decided, the evidence, and perhaps a change.

use std::fmt;

use counterpoint_dns::{
    name::{Name, RecordType},
    rrset::RrSet,
};

use crate::state::Guards;

/// What becomes of a request. In every outcome but `Accept` the parent's RRsets stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The change is made.
    Accept,
    /// Nothing is requested, or only what is there already.
    Noop,
    /// The request is dropped and logged.
    Ignore,
    /// No change; an error is reported; the next scan tries again.
    Abort,
    /// Not yet: a server that did not answer is tried again first.
    Delay,
    /// The parent's own policy forbids it.
    Refuse,
    /// Waits for approval by other means.
    Oob,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "accept",
            Self::Noop => "noop",
            Self::Ignore => "ignore",
            Self::Abort => "abort",
            Self::Delay => "delay",
            Self::Refuse => "refuse",
            Self::Oob => "out-of-band",
        })
    }
}

/// What was decided about one kind of request of one child, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What becomes of it.
    pub outcome: Outcome,
    /// The rule that decided, as `X-09`.
    pub rule: &'static str,
    /// Stable code, as `CDS_INCONSISTENT`.
    pub reason: &'static str,
    /// What it rests on, with server names; for people.
    pub evidence: Vec<String>,
    /// What changes at the parent: some if and only if accepted.
    pub change: Option<Change>,
    /// What is remembered of the servers from now on, if accepted (K-09, C-11).
    pub guards: Guards,
}

impl Verdict {
    /// A verdict without a change.
    pub fn without_change(
        outcome: Outcome,
        rule: &'static str,
        reason: &'static str,
        evidence: Vec<String>,
    ) -> Self {
        debug_assert_ne!(outcome, Outcome::Accept, "acceptance is a change");
        Self {
            outcome,
            rule,
            reason,
            evidence,
            change: None,
            guards: Guards::default(),
        }
    }

    /// One line for the log: the rule, the outcome, the evidence.
    pub fn text(&self) -> String {
        format!(
            "{} {}: {}",
            self.rule,
            self.outcome,
            self.evidence.join("; ")
        )
    }
}

/// One RRset of the parent's, as it was when judged and as it shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// Owner name.
    pub name: Name,
    /// Type.
    pub rtype: RecordType,
    /// What was there; the change holds only if it still is.
    pub seen: Option<RrSet>,
    /// What shall be there; nothing, if its data are empty.
    pub wanted: RrSet,
}

impl Replacement {
    /// Keeps an RRset: it only must still be what was judged.
    pub fn keep(seen: &RrSet) -> Self {
        Self::of(Some(seen), seen.clone())
    }

    /// Replaces `seen` by `wanted`.
    pub fn of(seen: Option<&RrSet>, wanted: RrSet) -> Self {
        Self {
            name: wanted.name.clone(),
            rtype: wanted.rtype,
            seen: seen.cloned(),
            wanted,
        }
    }

    /// Whether it leaves everything as it is, TTL included.
    pub fn is_noop(&self) -> bool {
        match &self.seen {
            Some(seen) => *seen == self.wanted,
            None => self.wanted.data.is_empty(),
        }
    }

    /// The TTLs before and after, if nothing else changes.
    fn ttls(&self) -> Option<(u32, u32)> {
        let seen = self.seen.as_ref()?;
        (seen.data == self.wanted.data).then_some((seen.ttl, self.wanted.ttl))
    }
}

/// What changes in one delegation, all of it or nothing (C-03). RRsets that only were looked at are
/// listed as kept, so that the update holds only if they are still the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The child.
    pub child: Name,
    /// Every RRset of the delegation that the verdict rests on.
    pub sets: Vec<Replacement>,
}

impl Change {
    /// The RRsets that really change.
    pub fn changed(&self) -> impl Iterator<Item = &Replacement> {
        self.sets.iter().filter(|set| !set.is_noop())
    }

    /// What this RRset shall be, if it is part of the change.
    pub fn wanted(&self, name: &Name, rtype: RecordType) -> Option<&RrSet> {
        self.sets
            .iter()
            .find(|set| set.rtype == rtype && set.name == *name)
            .map(|set| &set.wanted)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |set: Option<&RrSet>, rtype| {
            let data: Vec<String> = set
                .iter()
                .flat_map(|set| &set.data)
                .map(|data| data.present(rtype))
                .collect();
            format!("{{{}}}", data.join(", "))
        };
        for (index, set) in self.changed().enumerate() {
            let lead = if index > 0 { "; " } else { "" };
            if let Some((seen, wanted)) = set.ttls() {
                write!(f, "{lead}{} {} TTL {seen} → {wanted}", set.name, set.rtype)?;
                continue;
            }
            let (seen, wanted) = (
                show(set.seen.as_ref(), set.rtype),
                show(Some(&set.wanted), set.rtype),
            );
            write!(f, "{lead}{} {} {seen} → {wanted}", set.name, set.rtype)?;
        }
        Ok(())
    }
}
