//! One validator's verdict on a pair: does this DS vouch for that DNSKEY RRset, and that DNSKEY
//! RRset for this answer?
//!
//! Owns the relations A (DS × DNSKEY, RFC 4035 §5.2) and B (DNSKEY × answer, RFC 4035 §5.3) for a
//! [`Profile`], and why they fail. Knows nothing of caches: it is told when a pair is together.

use std::collections::BTreeSet;

use super::{
    history::{Answer, Ds, History, KeyId, Signature},
    holds::{Class, any_valid, validity},
    intervals::{Interval, Intervals},
    profile::{DigestChoice, Profile, Strictness},
    witness::Reason,
};
use crate::{time::Timestamp, validate::digest_strength};

/// The algorithms of which each must sign an answer; empty asks for any one signature.
pub(super) type Required = BTreeSet<u8>;

/// A DS RRset as a validator reads it.
#[derive(Debug)]
pub(super) struct DsView {
    /// The key of each DS that the validator believes, with the algorithm.
    links: Vec<(Option<KeyId>, u8)>,
    /// The algorithms of those.
    algorithms: BTreeSet<u8>,
    /// When the parent's own signature holds.
    pub signed: Intervals,
}

/// A DNSKEY RRset as a validator reads it.
#[derive(Debug)]
pub(super) struct KeyView<'h> {
    /// Zone keys that are not revoked and have a supported algorithm.
    keys: Vec<(KeyId, u8)>,
    /// The algorithms of those.
    algorithms: BTreeSet<u8>,
    signatures: &'h [Signature],
}

/// What one profile makes of DS, DNSKEY and answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain<'h> {
    history: &'h History,
    profile: &'h Profile,
}

impl<'h> Chain<'h> {
    /// The validator of this profile, for this zone.
    pub fn new(history: &'h History, profile: &'h Profile) -> Self {
        Self { history, profile }
    }

    /// Reads a DS RRset; `None` if it has no DS that the validator can use (RFC 4035 §5.2: Insecure).
    pub fn read_ds(&self, class: &Class<'h, Vec<Ds>>) -> Option<DsView> {
        let supported = |ds: &&Ds| {
            self.profile.algorithms.contains(&ds.algorithm)
                && self.profile.digests.contains(&ds.digest_type)
        };
        let supported: Vec<&Ds> = class.version.content.iter().filter(supported).collect();
        let strongest = supported
            .iter()
            .map(|ds| digest_strength(ds.digest_type))
            .max()?;
        let sha2 = supported.iter().any(|ds| matches!(ds.digest_type, 2 | 4));
        let believed = |ds: &&&Ds| match self.profile.digest_choice {
            DigestChoice::Any => true,
            DigestChoice::NoSha1BesideSha2 => !(sha2 && ds.digest_type == 1),
            DigestChoice::StrongestOnly => digest_strength(ds.digest_type) == strongest,
        };
        let links: Vec<(Option<KeyId>, u8)> = supported
            .iter()
            .filter(believed)
            .map(|ds| (ds.key, ds.algorithm))
            .collect();
        debug_assert!(!links.is_empty(), "a choice among some digests leaves one");
        Some(DsView {
            algorithms: links.iter().map(|&(_, algorithm)| algorithm).collect(),
            links,
            signed: any_valid(&class.version.signatures),
        })
    }

    /// Reads a DNSKEY RRset.
    pub fn read_keys(&self, class: &Class<'h, Vec<KeyId>>) -> KeyView<'h> {
        let keys: Vec<(KeyId, u8)> = class
            .version
            .content
            .iter()
            .filter_map(|&id| Some((id, self.history.keys.get(id.0 as usize)?)))
            .filter(|(_, key)| key.usable && self.profile.algorithms.contains(&key.algorithm))
            .map(|(id, key)| (id, key.algorithm))
            .collect();
        KeyView {
            algorithms: keys.iter().map(|&(_, algorithm)| algorithm).collect(),
            keys,
            signatures: &class.version.signatures,
        }
    }

    /// What this validator asks of answers once it came in by this DS RRset.
    pub fn required(&self, ds: &DsView) -> Required {
        match self.profile.strictness {
            Strictness::StrictDs => ds.algorithms.clone(),
            Strictness::Liberal | Strictness::StrictDnskey => Required::new(),
        }
    }

    /// The instants of `span` at which the DS RRset does not vouch for the DNSKEY RRset; whether
    /// the DS RRset is itself signed is [`DsView::signed`].
    pub fn keys_fail(&self, ds: &DsView, keys: &KeyView<'_>, span: Interval) -> Intervals {
        let by = |matches: &dyn Fn(KeyId, u8) -> bool| {
            gaps(span, keys.signatures, |id| {
                keys.algorithm(id)
                    .is_some_and(|algorithm| matches(id, algorithm))
            })
        };
        match self.profile.strictness {
            Strictness::Liberal => by(&|id, algorithm| ds.links_to(id, algorithm)),
            Strictness::StrictDs => join(ds.algorithms.iter().map(|&wanted| {
                by(&|id, algorithm| algorithm == wanted && ds.links_to(id, algorithm))
            })),
            Strictness::StrictDnskey => {
                let linked = by(&|id, algorithm| ds.links_to(id, algorithm));
                let each = keys.algorithms.iter();
                join(each.map(|&wanted| by(&|_, algorithm| algorithm == wanted))).join(&linked)
            }
        }
    }

    /// The signatures by which the DS RRset vouches for the DNSKEY RRset.
    pub fn vouching<'k>(
        &self,
        ds: &'k DsView,
        keys: &'k KeyView<'h>,
    ) -> impl Iterator<Item = &'h Signature> + use<'h, 'k> {
        keys.signatures.iter().filter(|signature| {
            keys.algorithm(signature.key)
                .is_some_and(|algorithm| ds.links_to(signature.key, algorithm))
        })
    }

    /// The instants of `span` at which the DNSKEY RRset does not verify the answer.
    pub fn answer_fails(
        &self,
        required: &Required,
        keys: &KeyView<'_>,
        answer: &Class<'_, Answer>,
        span: Interval,
    ) -> Intervals {
        let by = |wanted: Option<u8>| {
            gaps(span, &answer.version.signatures, |id| {
                keys.algorithm(id)
                    .is_some_and(|algorithm| wanted.is_none_or(|wanted| wanted == algorithm))
            })
        };
        match self.profile.strictness {
            Strictness::Liberal => by(None),
            Strictness::StrictDs if required.is_empty() => by(None),
            Strictness::StrictDs => join(required.iter().map(|&wanted| by(Some(wanted)))),
            Strictness::StrictDnskey if keys.algorithms.is_empty() => by(None),
            Strictness::StrictDnskey => {
                join(keys.algorithms.iter().map(|&wanted| by(Some(wanted))))
            }
        }
    }

    /// Why the DS RRset does not vouch for the DNSKEY RRset at this instant.
    pub fn why_keys_fail(&self, ds: &DsView, keys: &KeyView<'_>, at: Timestamp) -> Reason {
        let held = |&(key, algorithm): &(Option<KeyId>, u8)| {
            key.is_some_and(|key| keys.algorithm(key) == Some(algorithm))
        };
        if !ds.links.iter().any(held) {
            return Reason::NoKeyMatchesDs;
        }
        let linked = |signature: &&Signature| {
            let algorithm = keys.algorithm(signature.key);
            algorithm.is_some_and(|algorithm| ds.links_to(signature.key, algorithm))
        };
        let by_linked: Vec<&Signature> = keys.signatures.iter().filter(linked).collect();
        untimely(&by_linked, at).unwrap_or_else(|| {
            let wanted = match self.profile.strictness {
                Strictness::StrictDnskey => &keys.algorithms,
                Strictness::StrictDs | Strictness::Liberal => &ds.algorithms,
            };
            missing(wanted, keys, keys.signatures, at)
                .map_or(Reason::DnskeyNotSignedByDsKey, Reason::AlgorithmMissing)
        })
    }

    /// Why the DNSKEY RRset does not verify the answer at this instant.
    pub fn why_answer_fails(
        &self,
        required: &Required,
        keys: &KeyView<'_>,
        answer: &Class<'_, Answer>,
        at: Timestamp,
    ) -> Reason {
        let signatures = &answer.version.signatures;
        if signatures.is_empty() {
            return Reason::AnswerUnsigned;
        }
        let by_held = |signature: &&Signature| keys.algorithm(signature.key).is_some();
        let by_held: Vec<&Signature> = signatures.iter().filter(by_held).collect();
        if by_held.is_empty() {
            return Reason::AnswerSignedByOthers(signatures.iter().map(|s| s.key).collect());
        }
        untimely(&by_held, at).unwrap_or_else(|| {
            let wanted = match self.profile.strictness {
                Strictness::StrictDnskey => &keys.algorithms,
                Strictness::StrictDs | Strictness::Liberal => required,
            };
            missing(wanted, keys, signatures, at).map_or_else(
                || Reason::AnswerSignedByOthers(signatures.iter().map(|s| s.key).collect()),
                Reason::AlgorithmMissing,
            )
        })
    }
}

impl DsView {
    /// Whether a believed DS matches this key.
    fn links_to(&self, key: KeyId, algorithm: u8) -> bool {
        self.links.contains(&(Some(key), algorithm))
    }
}

impl KeyView<'_> {
    /// The algorithm of a key, if the RRset holds it in a usable form.
    fn algorithm(&self, key: KeyId) -> Option<u8> {
        let held = self.keys.iter().find(|&&(id, _)| id == key);
        held.map(|&(_, algorithm)| algorithm)
    }
}

/// The instants of `span` at which no signature by a matching key holds.
fn gaps(span: Interval, signatures: &[Signature], by: impl Fn(KeyId) -> bool) -> Intervals {
    let matching = || signatures.iter().filter(|signature| by(signature.key));
    if matching().any(|signature| validity(signature).covers(span)) {
        return Intervals::none();
    }
    Intervals::from(span).minus(&matching().map(validity).collect())
}

/// The instants in any of the sets.
fn join(sets: impl Iterator<Item = Intervals>) -> Intervals {
    sets.reduce(|all, set| all.join(&set)).unwrap_or_default()
}

/// If none of these signatures holds now: whether one has expired, or is yet to begin.
fn untimely(signatures: &[&Signature], at: Timestamp) -> Option<Reason> {
    if signatures.iter().any(|s| validity(s).contains(at)) {
        return None;
    }
    let expired = signatures
        .iter()
        .map(|s| s.expiration)
        .filter(|&expiration| expiration < at);
    let awaited = signatures
        .iter()
        .map(|s| s.inception)
        .filter(|&inception| inception > at);
    expired
        .max()
        .map(Reason::Expired)
        .or_else(|| awaited.min().map(Reason::NotYetValid))
}

/// The first wanted algorithm without a signature that holds now.
fn missing(
    wanted: &BTreeSet<u8>,
    keys: &KeyView<'_>,
    signatures: &[Signature],
    at: Timestamp,
) -> Option<u8> {
    let signs = |&algorithm: &u8| {
        signatures.iter().any(|signature| {
            keys.algorithm(signature.key) == Some(algorithm) && validity(signature).contains(at)
        })
    };
    wanted.iter().copied().find(|algorithm| !signs(algorithm))
}
