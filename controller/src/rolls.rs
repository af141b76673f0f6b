//! What key rolls wait for, from the observation log alone.
//!
//! Owns which keys a roll is about. That a signer signs nothing with a key is read off its SOA, whose
//! signature every signer renews with each version.

use std::collections::BTreeSet;

use counterpoint_dns::{rdata::Rdata, time::Timestamp};

use crate::{
    case::Case,
    config::SignerName,
    deadlines::{Lacking, Over, WITHOUT_NEW_KEYS},
    log::Version,
    place::{Item, Owner},
    process::{Role, What},
    sabotage::Sabotage,
    targets::Want,
};

impl Case<'_> {
    /// Who rolls.
    fn roller(&self) -> Result<(&SignerName, Role), Lacking> {
        let roller = self.process.subject.as_ref().zip(self.process.role());
        roller.ok_or_else(|| Lacking {
            brought_about_by: None,
            why: "nobody rolls".into(),
        })
    }

    /// The keys that replace the old ones, as far as the subject serves them.
    pub(crate) fn new_keys(&self) -> BTreeSet<Rdata> {
        let Ok((signer, role)) = self.roller() else {
            return BTreeSet::new();
        };
        if self.common().is_some() {
            return self.announced_keys(signer, role);
        }
        let served = self.keys.served(self.config, signer, role);
        served.difference(&self.process.old).cloned().collect()
    }

    /// Whether a DNSKEY RRset of the subject has the new keys; those that a DS is to name must sign it.
    pub(crate) fn has_new_keys(&self, version: &Version) -> bool {
        let new = self.new_keys();
        let signs = self.process.role() != Some(Role::Zsk);
        !new.is_empty()
            && new.is_subset(&version.data)
            && (!signs || !new.is_disjoint(&version.signed_by))
    }

    /// Whether an answer of the subject is signed, and not by a key that is to go.
    pub(crate) fn is_signed_anew(&self, version: &Version) -> bool {
        !version.signed_by.is_empty() && version.signed_by.is_disjoint(&self.process.old)
    }

    /// Whether an answer of `signer` is signed with the new algorithm.
    pub(crate) fn is_signed_also(&self, signer: &SignerName, version: &Version) -> bool {
        let Some(algorithm) = self.process.algorithm else {
            return false;
        };
        let new = self
            .keys
            .of_algorithm(self.config, signer, algorithm, false);
        !new.is_disjoint(&version.signed_by)
    }

    /// What the DNSKEY RRset of `signer` is in an algorithm roll: its own keys of the new algorithm,
    /// and the others' that sign data.
    pub(crate) fn keys_of_algorithm(&self, signer: &SignerName, what: What) -> Want {
        let mut present = BTreeSet::new();
        for other in self.process.after() {
            let is_own = other == *signer;
            if is_own && what == What::NewAlgorithmOfOthers {
                continue;
            }
            let algorithm = self.process.algorithm.into_iter();
            present.extend(algorithm.flat_map(|algorithm| {
                self.keys
                    .of_algorithm(self.config, &other, algorithm, is_own)
            }));
        }
        let absent = match what {
            What::OldAlgorithmOut => self.process.old.clone(),
            _ => BTreeSet::new(),
        };
        Want::Keys { present, absent }
    }

    /// Until no cache holds a DNSKEY RRset of the subject without its new key.
    pub(crate) fn own_dnskey_wait(&self) -> Over {
        let (signer, _) = self.roller()?;
        let owner = Owner::Signer(signer.clone());
        let took = self.took_over(&owner, &Item::Dnskey, None, |version| {
            self.has_new_keys(version)
        })?;
        let over = self.unless_skipped(took.deadline(self.config));
        Ok((over, WITHOUT_NEW_KEYS.into()))
    }

    /// Until no cache holds a DNSKEY RRset that an algorithm roll has replaced.
    pub(crate) fn algorithm_wait(&self, what: What) -> Over {
        let mut whole = Timestamp::MIN;
        for signer in self.process.after() {
            let want = self.keys_of_algorithm(&signer, what);
            let owner = Owner::Signer(signer);
            let took = self.took_over(&owner, &Item::Dnskey, what, |version| {
                want.holds(&version.data)
            })?;
            whole = whole.max(took.deadline(self.config));
        }
        let why = "caches may hold a DNSKEY RRset of the other algorithm";
        Ok((self.unless_skipped(whole), why.into()))
    }

    /// Everything that the subject signed with its old key: bounded by declaration.
    pub(crate) fn rolled_data_wait(&self) -> Over {
        let (signer, role) = self.roller()?;
        let owner = Owner::Signer(signer.clone());
        let took = self.took_over(&owner, &Item::Soa, None, |version| {
            self.is_signed_anew(version)
        })?;
        let longest = self.signer_max_ttl(signer);
        let over = match self.config.has(Sabotage::SkipDataWait) {
            true => took.begun,
            false => took.begun + longest + self.config.safety.of(longest),
        };
        let old = role.name();
        Ok((
            over,
            format!("caches may hold answers that the old {old} of {signer} signed"),
        ))
    }

    /// Everything that anybody signed with the old algorithm alone.
    pub(crate) fn group_data_wait(&self) -> Over {
        let mut whole = Timestamp::MIN;
        for signer in self.process.after() {
            let owner = Owner::Signer(signer.clone());
            let took = self.took_over(&owner, &Item::Soa, None, |version| {
                self.is_signed_also(&signer, version)
            })?;
            let longest = self.signer_max_ttl(&signer);
            whole = whole.max(match self.config.has(Sabotage::SkipDataWait) {
                true => took.begun,
                false => took.begun + longest + self.config.safety.of(longest),
            });
        }
        let why = "caches may hold answers that the new algorithm does not sign";
        Ok((whole, why.into()))
    }
}
