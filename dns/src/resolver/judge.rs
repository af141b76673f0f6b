//! Judging one thing held: do its signatures and proofs chain to what is trusted about its zone?
//!
//! A function of data and `now`. Knows neither caches nor servers.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    key::Dnskey,
    message::Question,
    name::{Name, RecordType},
    rdata::Ds,
    resolver::cache::{Entry, Held},
    rrset::SignedRrSet,
    signature::Verifier,
    time::Timestamp,
    validate::{
        Broken, Policy, by_algorithms, by_keys_within,
        denial::{Denial, Unproven, authenticated_within},
        dnskey_by_ds, keys_of,
    },
};

/// What validation found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A chain of trust leads to it, with signatures that hold until then.
    Secure(Timestamp),
    /// None has to.
    Insecure,
    /// One has to, and does not.
    Bogus(String),
}

/// What is trusted about a zone.
#[derive(Clone, Debug)]
pub(super) enum Trust {
    /// Nothing has to be signed.
    Insecure,
    /// Keys that these DS records match sign the DNSKEY RRset; the number names the DS entry.
    Ds(Arc<[Ds]>, u64),
    /// The keys in this DNSKEY entry sign the zone's data, for a strict validator one of each of
    /// these algorithms.
    Keys(Arc<Entry>, BTreeSet<u8>),
    /// The chain is broken further up.
    Bogus(String),
}

impl Trust {
    /// A number that changes whenever what is trusted does.
    pub fn number(&self) -> u64 {
        match self {
            Self::Insecure | Self::Bogus(_) => 0,
            Self::Ds(_, number) => *number,
            Self::Keys(entry, _) => entry.id,
        }
    }
}

/// Judges what is held in answer to `question`, as data of `zone`, of which `trust` is known.
pub(super) fn judge(
    question: &Question,
    held: &Held,
    zone: &Name,
    trust: &Trust,
    policy: &Policy,
    now: Timestamp,
    verifier: &mut Verifier,
) -> Verdict {
    let verdict = match (trust, held) {
        (Trust::Insecure, _) => return Verdict::Insecure,
        (Trust::Bogus(why), _) => return Verdict::Bogus(why.clone()),
        (Trust::Ds(ds, _), Held::Answer(dnskey, _)) => {
            anchored(zone, ds, dnskey, policy, now, verifier).map(Some)
        }
        (Trust::Ds(..), _) => Err("there is no DNSKEY RRset, but a DS RRset".into()),
        (Trust::Keys(entry, algorithms), _) => {
            let keys = match &entry.held {
                Held::Answer(signed, _) => keys_of(signed),
                _ => Vec::new(),
            };
            let mut zone = Zone {
                zone,
                keys: &keys,
                algorithms,
                policy,
                now,
                verifier,
            };
            let from = entry.from;
            zone.holds(question, held)
                .map_err(|why| format!("{why} (by the DNSKEY RRset from {from})"))
        }
    };
    match verdict {
        Ok(Some(until)) => Verdict::Secure(until),
        Ok(None) => Verdict::Insecure,
        Err(why) => Verdict::Bogus(why),
    }
}

/// A DNSKEY RRset under its DS RRset.
fn anchored(
    zone: &Name,
    ds: &[Ds],
    dnskey: &SignedRrSet,
    policy: &Policy,
    now: Timestamp,
    verifier: &mut Verifier,
) -> Result<Timestamp, String> {
    let text = |why: Broken| why.to_string();
    if policy.every_ds_algorithm || policy.every_dnskey_algorithm {
        dnskey_by_ds(zone, ds, dnskey, policy, now, verifier).map_err(text)?;
    }
    let anchored: Vec<Dnskey> = keys_of(dnskey)
        .into_iter()
        .filter(|key| policy.usable(ds).any(|ds| key.matches(zone, ds)))
        .collect();
    if anchored.is_empty() {
        return Err(text(Broken::NoKeyForDs));
    }
    let tolerance = &policy.tolerance;
    let rrsig = by_keys_within(tolerance, zone, &anchored, dnskey, now, verifier).map_err(text)?;
    Ok(tolerance.validity(rrsig, now).1)
}

/// A zone whose keys are known.
struct Zone<'a> {
    zone: &'a Name,
    keys: &'a [Dnskey],
    algorithms: &'a BTreeSet<u8>,
    policy: &'a Policy,
    now: Timestamp,
    verifier: &'a mut Verifier,
}

impl Zone<'_> {
    /// Until when it holds, or why it does not; no time, if it is insecure.
    fn holds(&mut self, question: &Question, held: &Held) -> Result<Option<Timestamp>, String> {
        match held {
            Held::Answer(signed, proof) | Held::Alias(signed, proof, _) => {
                self.positive(signed, proof).map(Some)
            }
            Held::NoData(proof) => self.negative(proof, |denial| denial.no_data(question)),
            Held::NoName(proof) => self.negative(proof, |denial| denial.no_name(&question.name)),
        }
    }

    fn positive(
        &mut self,
        signed: &SignedRrSet,
        proof: &[SignedRrSet],
    ) -> Result<Timestamp, String> {
        let (until, labels) = self.signed(signed)?;
        if labels >= signed.set.name.num_labels() {
            return Ok(until);
        }
        let from_wildcard = |why: String| format!("it was made from a wildcard, but {why}");
        let denial = self.denial(proof).map_err(from_wildcard)?;
        let proven = denial.expansion(&signed.set.name, labels);
        proven.map_err(|why| from_wildcard(why.to_string()))?;
        Ok(until.min(denial.until()))
    }

    fn negative(
        &mut self,
        proof: &[SignedRrSet],
        proves: impl Fn(&Denial) -> Result<(), Unproven>,
    ) -> Result<Option<Timestamp>, String> {
        let denial = self.denial(proof)?;
        match proves(&denial) {
            Ok(()) => {}
            // RFC 5155 §9.2: the name is not there, or it is an unsigned delegation.
            Err(Unproven::OptOut(_)) => return Ok(None),
            Err(why) => return Err(why.to_string()),
        }
        let mut until = denial.until();
        // The SOA decides for how long the denial is believed, so it must be authentic too.
        for soa in proof
            .iter()
            .filter(|signed| signed.set.rtype == RecordType::SOA)
        {
            let (holds, _) = self.signed(soa).map_err(|why| format!("its SOA: {why}"))?;
            until = until.min(holds);
        }
        Ok(Some(until))
    }

    /// Until when the signature holds, and over how many labels it was made.
    fn signed(&mut self, signed: &SignedRrSet) -> Result<(Timestamp, u8), String> {
        let tolerance = &self.policy.tolerance;
        let (zone, keys, now) = (self.zone, self.keys, self.now);
        let found = by_keys_within(tolerance, zone, keys, signed, now, self.verifier);
        let rrsig = found.map_err(|why| why.to_string())?;
        by_algorithms(
            self.policy,
            self.zone,
            self.keys,
            self.algorithms,
            signed,
            self.now,
            self.verifier,
        )
        .map_err(|why| why.to_string())?;
        Ok((tolerance.validity(rrsig, now).1, rrsig.labels))
    }

    fn denial(&mut self, proof: &[SignedRrSet]) -> Result<Denial, String> {
        let tolerance = &self.policy.tolerance;
        let (zone, keys, now) = (self.zone, self.keys, self.now);
        authenticated_within(tolerance, zone, keys, proof, now, self.verifier)
            .map_err(|why| why.to_string())
    }
}
