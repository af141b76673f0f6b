//! Whose key is whose: attribution by who signs what, never by the order of asking.
//!
//! Owns the own keys of every signer, learned from it alone before it joins, or, in a group that
//! exists already, from which server signs with which key (RFC 8901 §3.2: KSKs are not copied, and
//! nobody signs with a foreign key). Once known, an attribution is kept. A key that appears at a
//! signer whose keys were known is new: a roll.

use std::collections::{BTreeMap, BTreeSet};

use counterpoint_dns::{
    key::{Dnskey, REVOKED, SigningKey},
    name::Name,
    rdata::Rdata,
};
use serde::{Deserialize, Serialize};

use crate::{
    common::{CommonKsk, owner},
    config::{Config, SignerName},
    log::Log,
    place::{Item, Owner, Places},
    process::Role,
    sabotage::Sabotage,
    store,
};

/// What a signer was seen to do with one of its own keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct OwnKey {
    #[serde(with = "store::datum")]
    key: Rdata,
    signs_dnskey: bool,
    signs_data: bool,
    /// Its signer serves it, as far as was last seen.
    is_present: bool,
    /// Its signer was seen to serve it.
    #[serde(default)]
    was_present: bool,
    /// It appeared when the signer's keys were known already.
    #[serde(default)]
    is_new: bool,
    /// A roll has replaced it, and no cache holds what it signed.
    #[serde(default)]
    is_retired: bool,
}

impl OwnKey {
    fn is_sep(&self) -> bool {
        Dnskey::parse(&self.key).is_some_and(|key| key.is_sep())
    }

    /// Whether the others' DNSKEY RRsets must go on listing it: a signer may drop a key before caches
    /// have dropped what it signed.
    fn is_needed(&self) -> bool {
        !self.is_retired && (self.is_present || self.was_present && self.signs_data)
    }
}

/// The own keys of every signer of one zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Keys {
    own: BTreeMap<SignerName, Vec<OwnKey>>,
    /// Those whose keys were all seen once.
    seen: BTreeSet<SignerName>,
    /// Keys of those who serve the zone no longer. A late instance may show them still, and whoever shows
    /// them did not make them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    departed: BTreeMap<SignerName, Departed>,
    /// All signers serve one set of keys: it is the owner's, whoever signs with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_shared: bool,
}

/// Keys of one who left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Departed(#[serde(with = "store::data")] BTreeSet<Rdata>);

/// What one signer is seen to serve and to sign with, at all its instances.
struct Sight {
    keys: BTreeSet<Rdata>,
    sign_dnskey: BTreeSet<Rdata>,
    sign_data: BTreeSet<Rdata>,
}

impl Sight {
    fn of(log: &Log, places: &Places, signer: &SignerName) -> Option<Self> {
        let mut sight = Self {
            keys: BTreeSet::new(),
            sign_dnskey: BTreeSet::new(),
            sign_data: BTreeSet::new(),
        };
        for place in places.of(&Owner::Signer(signer.clone())) {
            let dnskey = log
                .track(place, &Item::Dnskey)
                .and_then(|track| track.current());
            if let Some(version) = dnskey {
                sight.keys.extend(version.data.iter().cloned());
                sight.sign_dnskey.extend(version.signed_by.iter().cloned());
            }
            let soa = log
                .track(place, &Item::Soa)
                .and_then(|track| track.current());
            if let Some(version) = soa {
                sight.sign_data.extend(version.signed_by.iter().cloned());
            }
        }
        (!sight.keys.is_empty()).then_some(sight)
    }
}

impl Keys {
    /// Attributes what the operator declared.
    pub(crate) fn declare(&mut self, config: &Config, zone: &Name) {
        self.is_shared = config.shared_keys.contains(zone);
        let common = config.common_ksks.get(zone);
        for key in common.into_iter().flat_map(CommonKsk::public) {
            self.add(&owner(), &key.to_rdata(), false, false);
        }
        for (signer, declared) in &config.signers {
            for key in &declared.own_keys {
                self.add(signer, &key.to_rdata(), false, false);
            }
        }
    }

    /// Attributes keys that a signer made and has not published. Whether any is news.
    pub(crate) fn announce(&mut self, signer: &SignerName, keys: &[Dnskey]) -> bool {
        let mut news = false;
        for key in keys.iter().map(Dnskey::to_rdata) {
            let is_known = self.of(signer).any(|own| *own == key);
            if !is_known && self.may_be_of(signer, &key) {
                self.add(signer, &key, false, false);
                news = true;
                for own in self.own.get_mut(signer).into_iter().flatten() {
                    own.is_present &= own.key != key;
                }
            }
        }
        news
    }

    /// Attributes what can be, among these signers. Whether anything is new.
    pub(crate) fn learn(
        &mut self,
        log: &Log,
        places: &Places,
        signers: &BTreeSet<SignerName>,
    ) -> bool {
        let before = self.clone();
        let sights: BTreeMap<&SignerName, Sight> = signers
            .iter()
            .filter_map(|signer| Some((signer, Sight::of(log, places, signer)?)))
            .collect();
        for (signer, sight) in &sights {
            for (key, signs_dnskey) in sight
                .sign_dnskey
                .iter()
                .map(|key| (key, true))
                .chain(sight.sign_data.iter().map(|key| (key, false)))
            {
                if self.may_be_of(signer, key) {
                    self.add(signer, key, signs_dnskey, !signs_dnskey);
                }
            }
        }
        // A key that signs nowhere and stands at one signer alone is that one's, kept for later.
        // To say *alone* every other signer must have been seen.
        if sights.len() == signers.len() {
            for (signer, sight) in &sights {
                for key in &sight.keys {
                    let elsewhere = sights
                        .iter()
                        .any(|(other, sight)| other != signer && sight.keys.contains(key));
                    if !elsewhere && self.may_be_of(signer, key) {
                        self.add(signer, key, false, false);
                    }
                }
            }
        }
        if self.is_shared {
            for key in sights.values().flat_map(|sight| &sight.keys) {
                self.add(&owner(), key, false, false);
            }
            for own in self.own.get_mut(&owner()).into_iter().flatten() {
                own.is_present = sights.values().any(|sight| sight.keys.contains(&own.key));
            }
        }
        for own in self.own.get_mut(&owner()).into_iter().flatten() {
            own.was_present |= sights.values().any(|sight| sight.keys.contains(&own.key));
        }
        for (signer, sight) in &sights {
            let is_known = self.seen.contains(*signer);
            let known = before.list(signer);
            for own in self.own.get_mut(*signer).into_iter().flatten() {
                own.is_present = sight.keys.contains(&own.key);
                own.was_present |= own.is_present;
                own.is_new |= is_known && !known.iter().any(|known| known.key == own.key);
                // Who leaves and comes back may sign with a key that a roll had replaced.
                own.is_retired &= !sight.sign_data.contains(&own.key);
            }
        }
        if sights.len() == signers.len() {
            self.seen.extend(signers.iter().cloned());
        }
        *self != before
    }

    /// The KSK that the owner of the zone uses, and those that it has for later: the first of those
    /// `declared` that is not retired, and has been seen where any of them has.
    pub(crate) fn common(&self, declared: &[SigningKey]) -> (Option<Rdata>, Vec<Rdata>) {
        let owned = self.list(&owner());
        let usable = |key: &&SigningKey| {
            let data = key.public().to_rdata();
            !owned.iter().any(|own| own.key == data && own.is_retired)
        };
        let was_seen = |key: &Rdata| {
            let mut owned = owned.iter();
            owned.any(|own| own.key == *key && own.was_present)
        };
        let keys = declared.iter().filter(usable);
        let keys: Vec<Rdata> = keys.map(|key| key.public().to_rdata()).collect();
        let at = keys.iter().position(was_seen).unwrap_or(0);
        let later = keys.get(at + 1..).unwrap_or_default().to_vec();
        (keys.get(at).cloned(), later)
    }

    /// The keys in this role that `signer` has, published or not, without those that were replaced.
    pub(crate) fn kept(&self, config: &Config, signer: &SignerName, role: Role) -> BTreeSet<Rdata> {
        let own = self.list(signer).iter().filter(|own| !own.is_retired);
        own.filter(|own| self.role(config, signer, own) == role)
            .map(|own| own.key.clone())
            .collect()
    }

    /// The roles in which `signer` was seen to begin a roll.
    pub(crate) fn rolls(&self, config: &Config, signer: &SignerName) -> BTreeSet<Role> {
        let new = self.present(signer).filter(|own| own.is_new);
        new.map(|own| self.role(config, signer, own)).collect()
    }

    /// The keys that a roll in this role replaces.
    pub(crate) fn replaced(
        &self,
        config: &Config,
        signer: &SignerName,
        role: Role,
    ) -> BTreeSet<Rdata> {
        let own = self.list(signer).iter();
        let old = own.filter(|own| own.is_needed() && !own.is_new);
        old.filter(|own| self.role(config, signer, own) == role)
            .map(|own| own.key.clone())
            .collect()
    }

    /// The keys in this role that `signer` serves.
    pub(crate) fn served(
        &self,
        config: &Config,
        signer: &SignerName,
        role: Role,
    ) -> BTreeSet<Rdata> {
        let own = self.present(signer);
        own.filter(|own| self.role(config, signer, own) == role)
            .map(|own| own.key.clone())
            .collect()
    }

    /// A roll at `signer` is over: the `old` keys are gone, and those that it brought are new no
    /// longer.
    pub(crate) fn settle(
        &mut self,
        signer: &SignerName,
        old: &BTreeSet<Rdata>,
        brought: &BTreeSet<Rdata>,
    ) {
        for own in self.own.get_mut(signer).into_iter().flatten() {
            own.is_retired |= old.contains(&own.key);
            own.is_new &= !brought.contains(&own.key);
        }
    }

    /// `signer` serves the zone no longer: what it serves when it comes back is no roll.
    pub(crate) fn forget(&mut self, signer: &SignerName) {
        let own = self.own.remove(signer).unwrap_or_default();
        let departed = self.departed.entry(signer.clone()).or_default();
        departed.0.extend(own.into_iter().map(|own| own.key));
        self.seen.remove(signer);
    }

    /// The own keys of `signer` in this algorithm, published or not: those that sign data, or all.
    pub(crate) fn of_algorithm(
        &self,
        config: &Config,
        signer: &SignerName,
        algorithm: u8,
        all: bool,
    ) -> BTreeSet<Rdata> {
        let own = self.list(signer).iter();
        let of_it = own.filter(|own| {
            Dnskey::parse(&own.key).is_some_and(|key| key.algorithm == algorithm)
                && (all || self.role(config, signer, own) != Role::Ksk)
        });
        of_it.map(|own| own.key.clone()).collect()
    }

    /// Whether the keys of `signer` were seen.
    pub(crate) fn is_seen(&self, signer: &SignerName) -> bool {
        self.seen.contains(signer)
    }

    /// Every key of every signer, published or not.
    pub(crate) fn every(&self) -> impl Iterator<Item = &Rdata> {
        self.own.values().flatten().map(|own| &own.key)
    }

    fn role(&self, config: &Config, signer: &SignerName, own: &OwnKey) -> Role {
        match own.is_sep() {
            false => Role::Zsk,
            true if self.is_csk(config, signer) => Role::Csk,
            true => Role::Ksk,
        }
    }

    /// Keys that `signer` serves and nobody is known to own.
    pub(crate) fn unattributed(
        &self,
        log: &Log,
        places: &Places,
        signer: &SignerName,
    ) -> Vec<Rdata> {
        let sight = Sight::of(log, places, signer);
        let keys = sight.into_iter().flat_map(|sight| sight.keys);
        keys.filter(|key| self.owner(key).is_none()).collect()
    }

    /// Keys with which `signer` signs although they are another's.
    pub(crate) fn borrowed(&self, log: &Log, places: &Places, signer: &SignerName) -> Vec<Rdata> {
        let Some(sight) = Sight::of(log, places, signer) else {
            return Vec::new();
        };
        let signing = sight.sign_dnskey.union(&sight.sign_data);
        signing
            .filter(|key| {
                self.owner(key)
                    .is_some_and(|of| of != signer && *of != owner())
            })
            .cloned()
            .collect()
    }

    /// Who generated this key.
    pub(crate) fn owner(&self, key: &Rdata) -> Option<&SignerName> {
        let mut own = self.own.iter();
        let made = own.find(|(_, keys)| keys.iter().any(|own| own.key == *key));
        let made = made.map(|(signer, _)| signer);
        made.or_else(|| {
            let mut departed = self.departed.iter();
            let one = departed.find(|(_, keys)| keys.0.contains(key));
            one.map(|(signer, _)| signer)
        })
    }

    /// Whether nobody else is known to have made this key.
    fn may_be_of(&self, signer: &SignerName, key: &Rdata) -> bool {
        self.owner(key).is_none_or(|owner| owner == signer)
    }

    /// Every own key of `signer`.
    pub(crate) fn of(&self, signer: &SignerName) -> impl Iterator<Item = &Rdata> {
        self.list(signer).iter().map(|own| &own.key)
    }

    /// Every own key that `signer` serves.
    pub(crate) fn published(&self, signer: &SignerName) -> impl Iterator<Item = Dnskey> {
        let own = self.present(signer);
        own.filter_map(|own| Dnskey::parse(&own.key))
    }

    /// Whether `signer` signs data with keys that a DS may name.
    pub(crate) fn is_csk(&self, config: &Config, signer: &SignerName) -> bool {
        if config.has(Sabotage::CskNotExported) {
            return false;
        }
        if let Some(declared) = config.signers.get(signer).and_then(|signer| signer.csk) {
            return declared;
        }
        let mut own = self.present(signer);
        own.clone().all(OwnKey::is_sep) || own.any(|key| key.is_sep() && key.signs_data)
    }

    /// What the others must have in their DNSKEY RRsets for answers of `signer` to validate.
    pub(crate) fn exports(&self, config: &Config, signer: &SignerName) -> BTreeSet<Rdata> {
        let csk = self.is_csk(config, signer);
        let needed = self.list(signer).iter().filter(|own| own.is_needed());
        let exported = needed.filter(|own| csk || !own.is_sep());
        exported.map(|own| own.key.clone()).collect()
    }

    /// The keys of `signer` that DS records must name: its SEP keys; where it has none, those that
    /// sign its DNSKEY RRset.
    pub(crate) fn entry_points(&self, signer: &SignerName) -> Vec<Dnskey> {
        let own = self.present(signer);
        let has_sep = own.clone().any(OwnKey::is_sep);
        own.filter(|key| {
            if has_sep {
                key.is_sep()
            } else {
                key.signs_dnskey
            }
        })
        .filter_map(|key| Dnskey::parse(&key.key))
        .filter(|key| key.flags & REVOKED == 0)
        .collect()
    }

    /// The algorithms with which `signer` signs, or means to.
    pub(crate) fn algorithms(&self, signer: &SignerName) -> BTreeSet<u8> {
        let keys = self
            .present(signer)
            .filter_map(|own| Dnskey::parse(&own.key));
        keys.map(|key| key.algorithm).collect()
    }

    fn present(&self, signer: &SignerName) -> impl Iterator<Item = &OwnKey> + Clone {
        self.list(signer).iter().filter(|own| own.is_present)
    }

    fn list(&self, signer: &SignerName) -> &[OwnKey] {
        self.own.get(signer).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, signer: &SignerName, key: &Rdata, signs_dnskey: bool, signs_data: bool) {
        let signer = match self.is_shared {
            true => owner(),
            false => signer.clone(),
        };
        let own = self.own.entry(signer).or_default();
        match own.iter_mut().find(|own| own.key == *key) {
            Some(own) => {
                own.signs_dnskey |= signs_dnskey;
                own.signs_data |= signs_data;
            }
            None => own.push(OwnKey {
                key: key.clone(),
                signs_dnskey,
                signs_data,
                is_present: true,
                was_present: false,
                is_new: false,
                is_retired: false,
            }),
        }
    }
}
