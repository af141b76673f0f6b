//! Whether what the parent shows of a child is the parent's word: DS and its denial, by the parent's keys.
//!
//! Owns what becomes of an answer that is not authentic: it is unknown. How the keys are found, from the
//! trust anchor down, is the resolver's affair; NS and glue of a delegation nobody signs (RFC 4035 §2.2).

use counterpoint_dns::{
    exchange::Outcome,
    key::Dnskey,
    message::Question,
    name::Name,
    time::Timestamp,
    validate::{by_keys, denial::authenticated, shared::SharedVerifier},
};

use crate::{log::Unknown, observation::Shown, place::Item};

/// What is known of the parent's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// There is no trust anchor, or no chain from it to the parent: what the parent says must do.
    Blind,
    /// They were not found, or are bogus.
    Unknown(String),
    /// These, by a chain from the trust anchor.
    Keys(Vec<Dnskey>),
}

impl Trust {
    /// Takes for unknown what is said of a DS RRset and not authentic.
    pub(crate) fn check(
        &self,
        parent: &Name,
        question: &Question,
        outcome: &Outcome,
        shown: Shown,
        now: Timestamp,
        verifier: &SharedVerifier,
    ) -> Shown {
        let (Item::Ds, Ok(signed)) = &shown else {
            return shown;
        };
        let why = match (self, outcome) {
            (Self::Blind, _) => return shown,
            (Self::Unknown(why), _) => {
                let why = format!("it cannot be validated: the keys of {parent}, {why}");
                return (Item::Ds, Err(Unknown::Silent(why)));
            }
            (Self::Keys(keys), Outcome::Reply(reply)) => {
                let mut verifier = verifier.lock();
                let proven = match signed.set.data.is_empty() {
                    false => by_keys(parent, keys, signed, now, &mut verifier)
                        .map(drop)
                        .map_err(|why| why.to_string()),
                    true => authenticated(parent, keys, &reply.authority, now, &mut verifier)
                        .and_then(|denial| denial.no_ds(&question.name))
                        .map_err(|why| why.to_string()),
                };
                match proven {
                    Ok(()) => return shown,
                    Err(why) => why,
                }
            }
            (Self::Keys(_), _) => "no answer".into(),
        };
        (Item::Ds, Err(Unknown::Bogus(why)))
    }
}

#[cfg(test)]
mod tests {
    use counterpoint_dns::{
        key::{Algorithm, DIGEST_SHA256, SECURE_ENTRY_POINT, SigningKey, ZONE_KEY},
        message::{Reply, ResponseCode},
        name::{RecordType, parse_name},
        rdata::{Nsec, Rdata},
        rrset::{RrSet, SignedRrSet},
        signature::Rrsig,
    };

    use super::*;

    fn name(text: &str) -> Name {
        parse_name(text).unwrap()
    }

    fn key(seed: u8) -> SigningKey {
        let flags = ZONE_KEY | SECURE_ENTRY_POINT;
        SigningKey::from_seed(Algorithm::Ed25519, flags, [seed; 32])
    }

    fn signed(by: &SigningKey, rtype: RecordType, data: Rdata) -> SignedRrSet {
        let set = RrSet::new(name("example.test."), rtype, 300, [data]);
        let (from, until) = (Timestamp::from_seconds(0), Timestamp::from_seconds(1_000));
        let rrsig = Rrsig::sign(&set, by, &name("test."), from, until);
        SignedRrSet {
            set,
            signatures: vec![rrsig],
        }
    }

    /// What `trust` makes of an answer with `ds`, or a denial by `nsec`, at this second.
    fn checked(trust: &Trust, ds: Option<SignedRrSet>, nsec: SignedRrSet, at: i64) -> Shown {
        let question = Question::new(name("example.test."), RecordType::DS);
        let none = SignedRrSet {
            set: RrSet::new(question.name.clone(), RecordType::DS, 300, []),
            signatures: Vec::new(),
        };
        let reply = Reply {
            id: 1,
            rcode: ResponseCode::NoError,
            authoritative: true,
            truncated: false,
            question: Some(question.clone()),
            answer: ds.iter().cloned().collect(),
            authority: vec![nsec],
            additional: Vec::new(),
        };
        let shown = (Item::Ds, Ok(ds.unwrap_or(none)));
        trust.check(
            &name("test."),
            &question,
            &Outcome::Reply(reply),
            shown,
            Timestamp::from_seconds(at),
            &SharedVerifier::default(),
        )
    }

    #[test]
    fn what_the_parents_keys_did_not_sign_is_unknown() {
        let (own, other) = (key(1), key(2));
        let trust = Trust::Keys(vec![own.public().clone()]);
        let ds = |by| {
            let data = own.public().ds(&name("example.test."), DIGEST_SHA256);
            signed(by, RecordType::DS, data.unwrap().to_rdata())
        };
        let nsec = |by, types: &[RecordType]| {
            let next = name("f.test.");
            let types = types.to_vec();
            signed(by, RecordType::NSEC, Nsec { next, types }.to_rdata())
        };
        let delegation = &[RecordType::NS, RecordType::RRSIG, RecordType::NSEC][..];
        let secure = &[RecordType::NS, RecordType::DS][..];
        let is_known = |trust, ds, nsec, at| checked(trust, ds, nsec, at).1.is_ok();
        let none = || nsec(&own, delegation);
        assert!(is_known(&trust, Some(ds(&own)), none(), 500));
        assert!(is_known(&trust, None, none(), 500));
        for (ds, nsec, at, what) in [
            (Some(ds(&other)), none(), 500, "a stranger signed it"),
            (Some(ds(&own)), none(), 2_000, "its signature has expired"),
            (None, nsec(&other, delegation), 500, "a stranger denies it"),
            (None, nsec(&own, secure), 500, "the denial lists DS"),
            (None, ds(&own), 500, "nothing denies it"),
        ] {
            let (_, shown) = checked(&trust, ds, nsec, at);
            assert!(matches!(shown, Err(Unknown::Bogus(_))), "{what}: {shown:?}");
        }
        let lost = Trust::Unknown("no answer".into());
        assert!(!is_known(&lost, Some(ds(&own)), none(), 500));
        assert!(is_known(&Trust::Blind, Some(ds(&other)), none(), 500));
    }
}
