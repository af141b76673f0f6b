//! The KSK that all signers of a zone have in common, and its owner holds (RFC 8901 §2.1.1, model 1).
//!
//! Owns which KSKs stand in the one DNSKEY RRset, who signs what, and when that must be signed again.
//! Knows neither where the keys are kept nor how signed RRsets are pushed.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use counterpoint_dns::{
    key::{Dnskey, SigningKey},
    rdata::Rdata,
    rrset::RrSet,
    signature::Rrsig,
    time::Timestamp,
};

use crate::{
    case::Case,
    config::{Model, SignerName},
    log::{Track, Version},
    place::{Item, Owner},
    process::{Kind, Role, What, Who},
    sabotage::Sabotage,
    targets::{Target, Want},
    updater::Change,
};

/// RRSIGs are dated back this far, against slow clocks.
const INCEPTION_BACKDATE: Duration = Duration::from_secs(3_600);

/// The owner among those who have keys. No signer may be called so.
pub const OWNER: &str = "owner";

/// The name under which the owner's keys are known.
pub(crate) fn owner() -> SignerName {
    OWNER.into()
}

/// The KSKs of a zone that its owner holds.
#[derive(Clone, Debug)]
pub struct CommonKsk {
    /// The oldest first: one is in use, later ones wait for a roll.
    pub keys: Vec<SigningKey>,
    /// From signing to expiration.
    pub validity: Duration,
    /// What was signed is signed again this long before it expires. Everybody is looked at once an
    /// hour.
    pub renew_before: Duration,
    /// The signer whose machine signs with them; none: the owner's own.
    pub holder: Option<SignerName>,
    /// That machine makes no signatures now.
    pub is_out: bool,
}

impl CommonKsk {
    /// How long signatures hold where nobody declared it: 14 days.
    pub const VALIDITY: Duration = Duration::from_secs(14 * 86_400);
    /// How long before their end they are renewed where nobody declared it: 7 days.
    pub const RENEW_BEFORE: Duration = Duration::from_secs(7 * 86_400);

    /// These keys, all else by default.
    pub fn new(keys: Vec<SigningKey>) -> Self {
        Self {
            keys,
            validity: Self::VALIDITY,
            renew_before: Self::RENEW_BEFORE,
            holder: None,
            is_out: false,
        }
    }

    /// Their public halves.
    pub(crate) fn public(&self) -> impl Iterator<Item = &Dnskey> {
        self.keys.iter().map(SigningKey::public)
    }
}

/// RRsets at the apex that the owner signs: DNSKEY, and what the parent believes the KSK alone
/// (RFC 7344 §4.1).
pub(crate) const SIGNED_BY_OWNER: [Item; 3] = [Item::Dnskey, Item::Cds, Item::Cdnskey];

impl Case<'_> {
    /// The owner's keys, if the zone follows model 1.
    pub(crate) fn common(&self) -> Option<&CommonKsk> {
        let common = self.config.common_ksks.get(self.zone);
        common.filter(|_| self.process.model == Model::Common)
    }

    /// The KSK in use; in a roll the one that replaces it.
    fn next_ksk(&self) -> Option<Rdata> {
        let (current, later) = self.keys.common(&self.common()?.keys);
        let rolls = self.process.kind == Kind::RollKsk;
        let mut all = current.into_iter().chain(later);
        match rolls && !self.process.old.is_empty() {
            true => all.find(|key| !self.process.old.contains(key)),
            false => all.next(),
        }
    }

    /// The KSK in use, and whether there is another one to take its place.
    pub(crate) fn ksk_to_replace(&self) -> Option<(Rdata, bool)> {
        let (current, later) = self.keys.common(&self.common()?.keys);
        Some((current?, !later.is_empty()))
    }

    /// The common KSKs of the one DNSKEY RRset as it is to be now; they sign it.
    pub(crate) fn common_ksks(&self) -> BTreeSet<Rdata> {
        let mut keys: BTreeSet<Rdata> = self.next_ksk().into_iter().collect();
        if self.process.kind == Kind::RollKsk {
            if !self.process.has_come_to(self.config, What::ForeignKeys) {
                keys.retain(|key| self.process.old.is_empty() || self.process.old.contains(key));
            }
            if !self.process.has_come_to(self.config, What::OldKeysOut) {
                keys.extend(self.process.old.iter().cloned());
            }
        }
        keys
    }

    /// The common KSKs that a DS is to name: in a roll the new one, or both.
    pub(crate) fn common_entry_points(&self, both: bool) -> Vec<Dnskey> {
        let mut keys: BTreeSet<Rdata> = self.next_ksk().into_iter().collect();
        if both && self.process.kind == Kind::RollKsk {
            keys.extend(self.process.old.iter().cloned());
        }
        keys.iter().filter_map(Dnskey::parse).collect()
    }

    /// The one DNSKEY RRset for these signers: their ZSKs and the common KSKs.
    pub(crate) fn common_keys(&self, signers: &BTreeSet<SignerName>) -> BTreeSet<Rdata> {
        let process = self.process;
        let exports = |signer| self.keys.exports(self.config, signer);
        let mut keys: BTreeSet<Rdata> = signers.iter().flat_map(exports).collect();
        if process.kind == Kind::RollZsk && process.has_come_to(self.config, What::ForeignKeys) {
            keys.extend(self.new_keys());
        }
        if process.has_come_to(self.config, What::OldKeysOut) {
            keys.retain(|key| !process.old.contains(key));
        }
        keys.extend(self.common_ksks());
        keys
    }

    /// What replaces the old ZSK of who rolls, announced or published.
    pub(crate) fn announced_keys(&self, signer: &SignerName, role: Role) -> BTreeSet<Rdata> {
        let kept = self.keys.kept(self.config, signer, role);
        kept.difference(&self.process.old).cloned().collect()
    }

    /// Who must have signed `item`: the owner's keys; nobody where its signer does that itself.
    pub(crate) fn must_sign(&self, item: &Item) -> BTreeSet<Rdata> {
        match self.common() {
            Some(_) if SIGNED_BY_OWNER.contains(item) => self.common_ksks(),
            _ => BTreeSet::new(),
        }
    }

    /// Whether `version` is what `target` wants, signed by whom it must be. What a common key signed
    /// that has left is not.
    pub(crate) fn meets(&self, target: &Target, version: &Version) -> bool {
        let signed = target.signed_by.is_empty() || version.data.is_empty() || {
            let declared = self.common().into_iter().flat_map(CommonKsk::public);
            let common: BTreeSet<Rdata> = declared.map(Dnskey::to_rdata).collect();
            let made: BTreeSet<Rdata> = &version.signed_by & &common;
            made == target.signed_by
        };
        signed && target.want.holds(&version.data)
    }

    /// Whether what the owner signed of `version` is to be signed again.
    pub(crate) fn is_due(&self, target: &Target, version: &Version, now: Timestamp) -> bool {
        let Some(common) = self.common().filter(|_| !version.data.is_empty()) else {
            return false;
        };
        let mut signed_by = target.signed_by.iter();
        signed_by.any(|key| {
            let expires = version.expires.get(key);
            expires.is_none_or(|expires| *expires < now + common.renew_before)
        })
    }

    /// Who would have to sign one of these changes and makes no signatures now.
    pub(crate) fn silent_holder(&self, changes: &[Change]) -> Option<String> {
        let common = self.common().filter(|common| common.is_out)?;
        let needs_it = |change: &Change| {
            SIGNED_BY_OWNER.contains(&change.item) && !change.wanted.data.is_empty()
        };
        let holder = || common.holder.as_ref().map(SignerName::to_string);
        let is_needed = changes.iter().any(needs_it);
        is_needed.then(|| holder().unwrap_or_else(|| OWNER.into()))
    }

    /// The owner's signatures over `set`.
    pub(crate) fn sign(
        &self,
        target: &Target,
        set: &RrSet,
        now: Timestamp,
    ) -> BTreeMap<Rdata, Rrsig> {
        let signs = |common: &&CommonKsk| !common.is_out && !set.data.is_empty();
        let Some(common) = self.common().filter(signs) else {
            return BTreeMap::new();
        };
        let (from, until) = (now.before(INCEPTION_BACKDATE), now + common.validity);
        let keys = common.keys.iter();
        let keys = keys.map(|key| (key.public().to_rdata(), key));
        keys.filter(|(public, _)| target.signed_by.contains(public))
            .map(|(public, key)| (public, Rrsig::sign(set, key, self.zone, from, until)))
            .collect()
    }

    /// Whether the DS RRset of every parent instance, where there is one, names a key that signs the
    /// one DNSKEY RRset: what is signed by others only would cost the zone its validity.
    pub(crate) fn is_anchored(&self) -> bool {
        let keys = self.common_ksks();
        let keys: Vec<Dnskey> = keys.iter().filter_map(Dnskey::parse).collect();
        let mut parents = self.places.public(&Owner::Parent).peekable();
        parents.peek().is_some()
            && parents.all(|place| {
                let version = self.log.track(place, &Item::Ds).and_then(Track::current);
                version.is_some_and(|version| {
                    let mut ds = version
                        .data
                        .iter()
                        .filter_map(counterpoint_dns::rdata::Ds::parse);
                    let names = |ds| keys.iter().any(|key| key.matches(self.zone, &ds));
                    version.data.is_empty() || ds.any(names)
                })
            })
    }

    /// What the owner keeps signed at every signer, whatever the process is at: at one too that is said
    /// to be dead and answers, for caches believe it.
    pub(crate) fn renewals(&self) -> Vec<Target> {
        if self.config.has(Sabotage::NoRenewal) || !self.is_anchored() {
            return Vec::new();
        }
        let group = self.group_for(What::ForeignKeys);
        let keys = self.common_keys(&group);
        let known: Vec<_> = [false, true]
            .into_iter()
            .map(|both| self.cds(&group, both))
            .collect();
        let mut targets = Vec::new();
        let mut answering = self.process.who(Who::All);
        answering.extend(self.ghost().map(|(dead, _)| dead.clone()));
        for signer in group.intersection(&answering) {
            let mut add = |item: Item, want: Want| {
                let signed_by = self.must_sign(&item);
                targets.push(Target {
                    signer: signer.clone(),
                    item,
                    want,
                    signed_by,
                });
            };
            add(Item::Dnskey, Want::AtLeast(keys.clone()));
            for item in [Item::Cds, Item::Cdnskey] {
                // Only what the owner asked for itself: a signer must not get its own wishes signed.
                let is_known = |data: &BTreeSet<Rdata>| {
                    known.iter().any(|(cds, cdnskey)| match item {
                        Item::Cds => cds == data,
                        _ => cdnskey == data,
                    })
                };
                let present = self.at_primary(signer, &item);
                if let Some(version) = present.filter(|version| is_known(&version.data)) {
                    let data = version.data.clone();
                    add(item, Want::Exactly(data));
                }
            }
        }
        targets
    }
}
