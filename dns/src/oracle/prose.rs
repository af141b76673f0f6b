//! A violation told as a careful colleague would.
//!
//! Owns the wording. Decides nothing.

use std::fmt::Write;

use super::{
    history::{History, InstanceId, KeyId, Signature},
    judgement::{Property, Quantifier, Violation},
    witness::{Fetch, Fetched, Reason, Witness},
};
use crate::time::{Timestamp, human};

impl Violation {
    /// Tells what fails, how it comes about and how much too early it was; instants are relative to
    /// `start`.
    pub fn prose(&self, history: &History, start: Timestamp) -> String {
        let what = match self.property {
            Property::Secure => "is Bogus for",
            Property::NeverInsecure => "is taken for unsigned by",
            Property::Reachable => "has no server that answers, for",
            Property::NoFalseDenial => "lacks a name that is there, for",
        };
        let whom = match self.quantifier {
            Quantifier::AnyCache => "a cache",
            Quantifier::OneResolver => "one resolver",
        };
        let mut text = format!(
            "{} {what} {whom} (profile {}) from {}",
            self.zone,
            self.profile,
            instant(self.from, start)
        );
        match self.until {
            Timestamp::MAX => text.push_str(" on"),
            until => {
                let span = human(until - self.from);
                let _ = write!(text, " until {} ({span})", instant(until, start));
            }
        }
        let _ = write!(text, ": {}.", self.witness.prose(history, start));
        if let Some(advice) = self.advice(start) {
            let _ = write!(text, " {advice}");
        }
        text
    }

    /// When the newer version could have begun; `None` if no wait would have helped, for a
    /// signature ran out or one version is enough to fail, and [`Timestamp::MAX`] if the older
    /// version is still served.
    pub fn earliest_safe(&self) -> Option<Timestamp> {
        let untimely = matches!(
            self.witness.reason,
            Reason::Expired(_) | Reason::NotYetValid(_) | Reason::DsNotSigned
        );
        let waits = self.witness.later.is_some() && !self.margin.is_zero();
        (waits && !untimely && self.from > Timestamp::MIN).then(|| self.from + self.margin)
    }

    /// `17h too early: earliest safe time was T+2d03:00:00.`
    fn advice(&self, start: Timestamp) -> Option<String> {
        Some(match self.earliest_safe()? {
            Timestamp::MAX => "No wait would have helped: the earlier one is still served.".into(),
            safe => {
                let early = human(self.margin);
                let safe = instant(safe, start);
                format!("{early} too early: earliest safe time was {safe}.")
            }
        })
    }
}

impl Witness {
    /// Tells the fetches and the reason; instants are relative to `start`.
    pub fn prose(&self, history: &History, start: Timestamp) -> String {
        let mut text = String::from("it fetched ");
        if let Some(under) = &self.under {
            text.push_str(&under.prose(history, start));
            text.push_str(", by it ");
        }
        text.push_str(&self.earlier.prose(history, start));
        if let Some(later) = &self.later {
            text.push_str(" and ");
            text.push_str(&later.prose(history, start));
        }
        let _ = write!(text, ": {}", self.why(history, start));
        text
    }

    /// The reason, after the colon.
    fn why(&self, history: &History, start: Timestamp) -> String {
        let later = self.later.as_ref().unwrap_or(&self.earlier);
        let signed = match signatures(history, later) {
            [] => String::new(),
            signatures => {
                let keys: Vec<KeyId> = signatures.iter().map(|s| s.key).collect();
                format!(" (it is signed by {})", labels(history, &keys))
            }
        };
        match &self.reason {
            Reason::DsNotSigned => "no signature of the parent on the DS RRset holds".into(),
            Reason::NoKeyMatchesDs => {
                "no usable DS matches a key of that DNSKEY RRset".to_owned() + &keys(history, self)
            }
            Reason::DnskeyNotSignedByDsKey => {
                format!("no key that a DS matches signed that DNSKEY RRset{signed}")
            }
            Reason::AnswerUnsigned => "the answer is not signed".into(),
            Reason::AnswerSignedByOthers(by) => format!(
                "no key of that DNSKEY RRset made a valid signature on the answer (signed by {})",
                labels(history, by)
            ),
            Reason::Expired(at) => {
                format!(
                    "the last fitting signature expired at {}",
                    instant(*at, start)
                )
            }
            Reason::NotYetValid(from) => {
                format!(
                    "no fitting signature holds before {}",
                    instant(*from, start)
                )
            }
            Reason::AlgorithmMissing(algorithm) => {
                format!(
                    "no signature of algorithm {algorithm} holds, which this validator requires"
                )
            }
            Reason::ServedEverywhere => {
                "every server of the delegation had it when it was denied".into()
            }
            Reason::NoDs => "the zone must be signed".into(),
            Reason::AllLame if self.later.is_some() => "nobody answers there any more".into(),
            Reason::AllLame => match history.ns.get(self.earlier.version) {
                Some(ns) if !ns.content.is_empty() => {
                    let names: Vec<&str> = ns.content.iter().map(|&i| name(history, i)).collect();
                    format!("none of its servers answers ({})", names.join(", "))
                }
                _ => "it leads to no server".into(),
            },
        }
    }
}

impl Fetch {
    /// Tells one fetch; instants are relative to `start`.
    pub fn prose(&self, history: &History, start: Timestamp) -> String {
        let what = match &self.what {
            Fetched::Ds if proves_none(history, self) => "the proof that there is no DS",
            Fetched::Ds => "the DS RRset",
            Fetched::Dnskey => "the DNSKEY RRset",
            Fetched::Answer(example) => example,
            Fetched::Ns => "the NS RRset",
            Fetched::Address(of) => &format!("the address of {of}"),
            Fetched::Denial(what) => &format!("NSEC records that deny {what}"),
        };
        let held = match self.held_until {
            Timestamp::MAX => "for ever".into(),
            until => format!("until {}", instant(until, start)),
        };
        format!(
            "{what} from {} at {} (holds it {held})",
            name(history, self.instance),
            instant(self.at, start)
        )
    }
}

/// An instant as an offset.
fn instant(at: Timestamp, start: Timestamp) -> String {
    match at {
        Timestamp::MIN => "the very beginning".into(),
        at => at.relative_to(start).to_string(),
    }
}

/// What an instance is called.
fn name(history: &History, instance: InstanceId) -> &str {
    let known = history.instances.get(instance.0 as usize);
    known.map_or("an unknown server", |instance| &instance.name)
}

/// What keys are called.
fn labels(history: &History, keys: &[KeyId]) -> String {
    let label = |&KeyId(key): &KeyId| match history.keys.get(key as usize) {
        Some(key) => key.label.clone(),
        None => "an unknown key".into(),
    };
    let labels: Vec<String> = keys.iter().map(label).collect();
    labels.join(", ")
}

/// The keys that the DNSKEY RRset of a witness holds.
fn keys(history: &History, witness: &Witness) -> String {
    let fetches = [Some(&witness.earlier), witness.later.as_ref()];
    let mut fetches = fetches.into_iter().flatten();
    let fetch = fetches.find(|fetch| fetch.what == Fetched::Dnskey);
    match fetch.and_then(|fetch| history.dnskey.get(fetch.version)) {
        Some(version) => format!(" (it holds {})", labels(history, &version.content)),
        None => String::new(),
    }
}

/// Whether what was fetched is the authenticated "no DS".
fn proves_none(history: &History, fetch: &Fetch) -> bool {
    let version = history.ds.get(fetch.version);
    version.is_some_and(|version| version.content.is_empty())
}

/// The signatures on a DNSKEY RRset that was fetched.
fn signatures<'h>(history: &'h History, fetch: &Fetch) -> &'h [Signature] {
    let signatures = match fetch.what {
        Fetched::Dnskey => history.dnskey.get(fetch.version).map(|v| &v.signatures),
        Fetched::Ds
        | Fetched::Answer(_)
        | Fetched::Ns
        | Fetched::Address(_)
        | Fetched::Denial(_) => None,
    };
    signatures.map_or(&[], |signatures| signatures)
}
