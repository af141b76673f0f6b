//! A second monitor, that a person can check by reading: the rules of Schaeffer, Overeinder and Mekking,
//! "Flexible and Robust Key Rollover in DNSSEC" (SATIN 2012), lifted to several signers.
//!
//! - *chain*: for every live signer, each DS RRset that caches hold names a key that is in, and signs, every
//!   DNSKEY RRset that caches hold from that signer.
//! - *exchange*: for every ordered pair of live signers, each answer that caches hold from the first is signed
//!   by a key that is in every DNSKEY RRset that caches hold from the second.
//!
//! A signer is live while an NS RRset in some cache leads to it: so its NS may appear only when both rules
//! hold, and a foreign ZSK may leave only when its signer's NS is in no cache. Where it differs from the
//! oracle, and why, `docs/oracle.md` says: it asks for one key for all DNSKEY RRsets, and forgets what was
//! fetched from a signer that is live no more.

use std::collections::BTreeSet;

use super::{
    any_cache::held,
    history::{History, KeyId, Signature, Version},
    holds::{Class, validity},
    intervals::{Interval, Intervals},
    judgement::Quantifier,
    profile::Profile,
    scene::Scene,
};
use crate::time::Timestamp;

/// Which rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Every DS RRset leads to every DNSKEY RRset of the signer by a key of its own.
    Chain,
    /// What the signer signs verifies by every DNSKEY RRset of the other.
    Exchange,
}

/// A rule that does not hold for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Which.
    pub rule: Rule,
    /// For this signer.
    pub signer: String,
    /// And this one, whose DNSKEY RRset is meant.
    pub other: String,
    /// When.
    pub during: Intervals,
}

/// The breaches that begin in `[from, until)`, for liberal validators behind any caches.
pub fn lifted(history: &History, from: Timestamp, until: Timestamp) -> Vec<Breach> {
    let profile = Profile::liberal();
    let monitor = Monitor::new(history, &profile);
    let range = Interval::new(from, until);
    let mut breaches = Vec::new();
    let mut note = |rule, signer: &str, other: &str, during: Intervals| {
        let begins = |span: &Interval| range.contains(span.from);
        let during: Intervals = during.iter().filter(begins).collect();
        if !during.is_empty() {
            breaches.push(Breach {
                rule,
                signer: signer.into(),
                other: other.into(),
                during,
            });
        }
    };
    for signer in &monitor.signers {
        note(Rule::Chain, signer, signer, monitor.unchained(signer));
        for other in &monitor.signers {
            let during = monitor.unexchanged(signer, other);
            note(Rule::Exchange, signer, other, during);
        }
    }
    breaches
}

struct Monitor<'h> {
    scene: Scene<'h>,
    signers: BTreeSet<&'h str>,
    /// When a usable DS RRset is held.
    secure: Intervals,
}

impl<'h> Monitor<'h> {
    fn new(history: &'h History, profile: &'h Profile) -> Self {
        let scene = Scene::new(history, profile, Quantifier::AnyCache);
        let ds_held = held(&scene, &scene.ds);
        let usable = scene.usable_ds().flat_map(|(ds, ..)| ds_held[ds].iter());
        let children = history.dnskey.iter().map(|version| version.instance);
        Self {
            signers: children
                .map(|instance| signer(history, instance.0))
                .collect(),
            secure: usable.collect(),
            scene,
        }
    }

    /// When some cache is led to a server of this signer.
    fn live(&self, name: &str) -> Intervals {
        let history = self.scene.history;
        let instances = history.instances.iter().enumerate();
        let own = instances.filter(|(index, _)| signer(history, *index as u32) == name);
        own.flat_map(|(index, _)| {
            let id = super::history::InstanceId(index as u32);
            self.scene.reach.at(id).iter().collect::<Vec<_>>()
        })
        .collect()
    }

    /// When a class is held that was fetched from this signer.
    fn held_from<C>(&self, name: &str, class: &Class<'h, C>, all: &[Version<C>]) -> Intervals {
        let own = class.sources.iter().filter(|source| {
            let version = &all[source.version];
            signer(self.scene.history, version.instance.0) == name
        });
        own.map(|source| source.fetchable.kept(self.scene.kept(source.ttl)))
            .collect()
    }

    /// When a key is not in some DNSKEY RRset held from this signer; `signing`: or does not sign it.
    fn absent(&self, key: KeyId, name: &str, signing: bool) -> Intervals {
        let history = self.scene.history;
        let is_usable = history
            .keys
            .get(key.0 as usize)
            .is_some_and(|key| key.usable);
        let mut absent = Intervals::none();
        for class in &self.scene.keys {
            let held = self.held_from(name, class, &history.dnskey);
            let is_in = is_usable && class.version.content.contains(&key);
            let good = match (is_in, signing) {
                (false, _) => Intervals::none(),
                (true, false) => held.clone(),
                (true, true) => by(&class.version.signatures, key),
            };
            absent = absent.join(&held.minus(&good));
        }
        absent
    }

    fn unchained(&self, name: &str) -> Intervals {
        let ds_held = held(&self.scene, &self.scene.ds);
        let live = self.live(name);
        let keys_held: Intervals = {
            let classes = self.scene.keys.iter();
            let all = &self.scene.history.dnskey;
            let held = classes
                .flat_map(|class| self.held_from(name, class, all).iter().collect::<Vec<_>>());
            held.collect()
        };
        let mut unchained = Intervals::none();
        for (number, class, _) in self.scene.usable_ds() {
            let keys = class.version.content.iter().filter_map(|ds| ds.key);
            let keys: BTreeSet<KeyId> = keys.collect();
            let absent = keys.into_iter().map(|key| self.absent(key, name, true));
            let none_fits = absent.fold(keys_held.clone(), |all, one| all.meet(&one));
            unchained = unchained.join(&none_fits.meet(&ds_held[number]).meet(&live));
        }
        unchained
    }

    fn unexchanged(&self, name: &str, other: &str) -> Intervals {
        let both = self.live(name).meet(&self.live(other)).meet(&self.secure);
        let mut unexchanged = Intervals::none();
        for class in &self.scene.answers {
            let held = self.held_from(name, class, &self.scene.history.answers);
            let held = held.meet(&both);
            if held.is_empty() {
                continue;
            }
            let signatures = &class.version.signatures;
            let keys: BTreeSet<KeyId> = signatures.iter().map(|one| one.key).collect();
            let unfit = keys.into_iter().map(|key| {
                let expired = held.minus(&by(signatures, key));
                self.absent(key, other, false).join(&expired)
            });
            let none_fits = unfit.fold(held.clone(), |all, one| all.meet(&one));
            unexchanged = unexchanged.join(&none_fits);
        }
        unexchanged
    }
}

/// When a signature by `key` holds.
fn by(signatures: &[Signature], key: KeyId) -> Intervals {
    let own = signatures.iter().filter(|signature| signature.key == key);
    own.map(validity).collect()
}

/// Whose instance it is: what stands before the slash.
fn signer(history: &History, instance: u32) -> &str {
    let instance = history.instances.get(instance as usize);
    let name = instance.map_or("", |instance| instance.name.as_str());
    name.split('/').next().unwrap_or_default()
}
