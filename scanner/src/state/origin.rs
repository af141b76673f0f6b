//! Whose doing the DS RRset at the parent is: this scanner's, at the child's request, or another
//! channel's (RFC 10026 §5.1, D-07).
//!
//! Knows fingerprints only: what was seen last, and what is to be expected.

use std::collections::BTreeSet;

use counterpoint_dns::rdata::Rdata;
use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

/// What is known of one DS RRset, and whose it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Origin {
    /// The DS RRset as last seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<String>,
    /// The DS RRset that was accepted last, by whatever hand it is carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted: Option<String>,
    /// Whether another channel made the one that is there.
    pub by_hand: bool,
}

/// How a DS RRset came to be there that was not there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// By the child's request, whoever carried it out.
    AsAsked,
    /// By another channel.
    Elsewhere,
}

impl Origin {
    /// Nothing that need be kept.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The DS RRset is this now; `met_before` says whether the child was looked at before. Returns how
    /// it came to be, if it is new.
    pub fn sees(&mut self, ds: &BTreeSet<Rdata>, met_before: bool) -> Option<Arrival> {
        if ds.is_empty() && self.seen.is_none() {
            // Of those that never had one nothing need be remembered.
            return None;
        }
        let now = fingerprint(ds);
        let is_new = self.seen.as_ref().map_or(met_before, |seen| *seen != now);
        let is_ours = self.accepted.as_ref() == Some(&now);
        if is_ours {
            self.accepted = None;
        }
        if is_new {
            self.by_hand = !is_ours;
        }
        self.seen = Some(now);
        is_new.then_some(match is_ours {
            true => Arrival::AsAsked,
            false => Arrival::Elsewhere,
        })
    }

    /// This DS RRset was made here, and is nothing new.
    pub fn made(&mut self, ds: &BTreeSet<Rdata>) {
        *self = Self {
            seen: Some(fingerprint(ds)),
            ..Self::default()
        };
    }

    /// This DS RRset was accepted, and is to be expected.
    pub fn accepts(&mut self, ds: &BTreeSet<Rdata>) {
        self.accepted = Some(fingerprint(ds));
    }
}

/// Half of SHA-256, in hexadecimal: it tells sets apart, and proves nothing.
fn fingerprint(ds: &BTreeSet<Rdata>) -> String {
    let mut octets = Vec::new();
    for data in ds {
        octets.extend((data.octets().len() as u64).to_be_bytes());
        octets.extend(data.octets());
    }
    HEXLOWER.encode(&digest(&SHA256, &octets).as_ref()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(octets: &[u8]) -> BTreeSet<Rdata> {
        let data = octets.iter().map(|octet| Rdata::from_octets([*octet]));
        data.collect()
    }

    #[test]
    fn d_07_what_was_accepted_is_ours_and_everything_else_another_channels() {
        let mut origin = Origin::default();
        assert_eq!(
            origin.sees(&set(&[1]), false),
            None,
            "met for the first time"
        );
        assert_eq!(origin.sees(&set(&[1]), true), None);
        origin.accepts(&set(&[2]));
        assert_eq!(origin.sees(&set(&[1]), true), None, "not made yet");
        assert_eq!(origin.sees(&set(&[2]), true), Some(Arrival::AsAsked));
        assert_eq!(origin.sees(&set(&[1]), true), Some(Arrival::Elsewhere));
        assert!(origin.by_hand);
        assert_eq!(origin.sees(&set(&[1]), true), None, "told once");
        origin.accepts(&set(&[2]));
        assert_eq!(origin.sees(&set(&[2]), true), Some(Arrival::AsAsked));
        assert!(!origin.by_hand);
        origin.made(&set(&[3]));
        assert_eq!(
            origin.sees(&set(&[3]), true),
            None,
            "it was told when it was made"
        );
        assert_eq!(origin.sees(&set(&[]), true), Some(Arrival::Elsewhere));
    }

    #[test]
    fn d_07_the_first_ds_of_a_child_that_was_met_without_is_new() {
        let mut origin = Origin::default();
        assert_eq!(origin.sees(&set(&[]), false), None);
        assert!(origin.is_default(), "and costs no state");
        let arrival = origin.clone().sees(&set(&[1]), true);
        assert_eq!(arrival, Some(Arrival::Elsewhere));
        origin.accepts(&set(&[1]));
        assert_eq!(origin.sees(&set(&[1]), true), Some(Arrival::AsAsked));
    }
}
