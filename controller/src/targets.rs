//! What a row wants each signer to publish, as exact sets; and what must be asked to know.
//!
//! Owns the contents. Knows neither when they may be written nor how.

use std::collections::BTreeSet;

use counterpoint_dns::{
    key::DIGEST_SHA384,
    name::RecordType,
    rdata::{Csync, Rdata},
};

use crate::{
    case::Case,
    common::SIGNED_BY_OWNER,
    config::{CdsAfter, SignerName},
    engine::BACK_OFF_MAX,
    place::{Item, Owner, Place},
    process::{Goal, Kind, Parental, Turn, WaitFor, What, Who},
    sabotage::Sabotage,
    signals,
};

/// What an RRset must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Exactly this; nothing: absent.
    Exactly(BTreeSet<Rdata>),
    /// This at least.
    AtLeast(BTreeSet<Rdata>),
    /// A DNSKEY RRset with these foreign keys and without those; own keys are their signer's affair.
    Keys {
        /// To be there.
        present: BTreeSet<Rdata>,
        /// Not to be there.
        absent: BTreeSet<Rdata>,
    },
}

impl Want {
    /// Whether these data are as wanted.
    pub(crate) fn holds(&self, data: &BTreeSet<Rdata>) -> bool {
        match self {
            Self::Exactly(wanted) => wanted == data,
            Self::AtLeast(wanted) => wanted.is_subset(data),
            Self::Keys { present, absent } => present.is_subset(data) && absent.is_disjoint(data),
        }
    }

    /// What these data must become.
    pub(crate) fn applied_to(&self, data: &BTreeSet<Rdata>) -> BTreeSet<Rdata> {
        match self {
            Self::Exactly(wanted) => wanted.clone(),
            Self::AtLeast(wanted) => wanted | data,
            Self::Keys { present, absent } => data
                .union(present)
                .filter(|key| !absent.contains(key))
                .cloned()
                .collect(),
        }
    }
}

/// One RRset at one signer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// At whom.
    pub signer: SignerName,
    /// Which.
    pub item: Item,
    /// Its content.
    pub want: Want,
    /// The keys of the zone's owner that must have signed it; none: its signer signs it.
    pub signed_by: BTreeSet<Rdata>,
}

impl Case<'_> {
    /// What a publishing row wants. `Err` with the signer whose SOA serial is not known.
    pub(crate) fn targets(&self, what: What, who: Who) -> Result<Vec<Target>, SignerName> {
        let after = self.process.after();
        let at = self.at(what, who);
        let mut targets = Vec::new();
        let mut add = |signer: &SignerName, item: Item, want: Want| {
            targets.push(Target {
                signer: signer.clone(),
                signed_by: self.must_sign(&item),
                item,
                want,
            });
        };
        for signer in &at {
            match what {
                What::ForeignKeys => add(signer, Item::Dnskey, self.foreign_keys(signer)),
                What::OldKeysOut => add(signer, Item::Dnskey, self.without_old_keys(signer)),
                What::NewAlgorithm | What::NewAlgorithmOfOthers | What::OldAlgorithmOut => {
                    add(signer, Item::Dnskey, self.keys_of_algorithm(signer, what));
                }
                What::Ns => add(signer, Item::Ns, Want::Exactly(self.ns_data(&after))),
                What::Cds | What::CdsOfBoth | What::CdsAtRest | What::CdsDelete | What::NoCds => {
                    let withdraw =
                        what == What::CdsAtRest && self.config.cds_after == CdsAfter::Withdraw;
                    let (cds, cdnskey) = match what {
                        What::CdsDelete => delete_request(),
                        What::NoCds => Default::default(),
                        _ if withdraw => Default::default(),
                        _ => self.cds(&after, what == What::CdsOfBoth),
                    };
                    add(signer, Item::Cds, Want::Exactly(cds));
                    add(signer, Item::Cdnskey, Want::Exactly(cdnskey));
                }
                What::Csync => {
                    let published = self.process.csync.get(signer).copied();
                    let serial = published.or_else(|| self.serial(signer));
                    let serial = serial.ok_or_else(|| signer.clone())?;
                    add(signer, Item::Csync, Want::Exactly([csync(serial)].into()));
                }
                What::NoCsync => add(signer, Item::Csync, Want::Exactly(BTreeSet::new())),
                What::Addresses => {
                    for (item, data) in self.addresses(&after) {
                        add(signer, item, Want::Exactly(data));
                    }
                }
                What::Signals => {
                    let (cds, cdnskey) = self.cds(&after, false);
                    for item in self.signals(signer) {
                        let data = match item.rtype() {
                            RecordType::CDS => &cds,
                            _ => &cdnskey,
                        };
                        add(signer, item, Want::Exactly(data.clone()));
                    }
                }
                What::NoSignals => {
                    for item in self.published_signals(signer) {
                        add(signer, item, Want::Exactly(BTreeSet::new()));
                    }
                }
                What::NoAddresses => {
                    for (item, _) in self.addresses(&self.process.who(Who::Subject)) {
                        add(signer, item, Want::Exactly(BTreeSet::new()));
                    }
                }
            }
        }
        Ok(targets)
    }

    /// What asks the parent for it in this process.
    pub(crate) fn asked_for_by(&self, what: Parental) -> impl Iterator<Item = (What, Who)> {
        let all = what.asked_for_by().iter().copied();
        all.filter(|(what, _)| self.process.has_come_to(self.config, *what))
    }

    /// The signers at which a row publishes.
    pub(crate) fn at(&self, what: What, who: Who) -> BTreeSet<SignerName> {
        let all = self.process.who(who);
        match what {
            What::Ns if self.config.has(Sabotage::NsAtRemainingOnly) && who == Who::All => {
                self.process.after()
            }
            What::Csync if self.config.has(Sabotage::CsyncAtRemainingOnly) => self.process.after(),
            What::Cds | What::CdsOfBoth | What::CdsAtRest
                if self.config.has(Sabotage::OneSignerOnlyCds) =>
            {
                all.into_iter().take(1).collect()
            }
            _ => all,
        }
    }

    /// The foreign keys of `signer` when the process is done (RFC 8901 §3.2).
    pub(crate) fn foreign_keys(&self, signer: &SignerName) -> Want {
        let after = self.process.after();
        let others = after.iter().filter(|other| *other != signer);
        let present = match self.common() {
            Some(_) => self.common_keys(&after),
            None => others
                .flat_map(|other| self.keys.exports(self.config, other))
                .collect(),
        };
        let gone = self.process.subject.iter();
        let absent = match self.process.kind {
            Kind::Leave | Kind::CancelJoin => {
                gone.flat_map(|gone| self.keys.of(gone)).cloned().collect()
            }
            _ => BTreeSet::new(),
        };
        Want::Keys { present, absent }
    }

    /// The same without the keys that a roll replaces.
    fn without_old_keys(&self, signer: &SignerName) -> Want {
        let old = &self.process.old;
        match self.foreign_keys(signer) {
            Want::Keys { present, .. } => Want::Keys {
                present: present.difference(old).cloned().collect(),
                absent: old.clone(),
            },
            exactly => exactly,
        }
    }

    /// CDS and CDNSKEY of everybody's KSKs and CSKs, the same digest types for each: a validator
    /// that takes only the strongest digest of the whole DS RRset would lose the others.
    pub(crate) fn cds(
        &self,
        signers: &BTreeSet<SignerName>,
        both: bool,
    ) -> (BTreeSet<Rdata>, BTreeSet<Rdata>) {
        let mut cds = BTreeSet::new();
        let mut cdnskey = BTreeSet::new();
        for signer in signers {
            let odd = self.config.has(Sabotage::MixedDigests) && self.process.is_about(signer);
            let digests = match odd {
                true => [DIGEST_SHA384].into(),
                false => self.config.digests.clone(),
            };
            for key in self.entry_points([signer], both) {
                cdnskey.insert(key.to_rdata());
                let records = digests
                    .iter()
                    .filter_map(|digest| key.ds(self.zone, *digest));
                cds.extend(records.map(|ds| ds.to_rdata()));
            }
        }
        (cds, cdnskey)
    }

    /// What must be asked for a row, of whom.
    pub(crate) fn looks(&self, goal: Goal) -> BTreeSet<(Owner, Item)> {
        let mut looks = BTreeSet::new();
        let signer = |name: &SignerName| Owner::Signer(name.clone());
        match goal {
            Goal::Prerequisites => {
                for name in self.process.who(Who::All).iter() {
                    for item in [Item::Dnskey, Item::Soa, Item::Ns, Item::Cds] {
                        looks.insert((signer(name), item));
                    }
                }
                looks.insert((Owner::Parent, Item::Ds));
                looks.insert((Owner::Parent, Item::Delegation));
            }
            Goal::Publish(what, who) => {
                for name in self.process.who(who) {
                    let items = match what {
                        What::ForeignKeys
                        | What::OldKeysOut
                        | What::NewAlgorithm
                        | What::NewAlgorithmOfOthers
                        | What::OldAlgorithmOut => vec![Item::Dnskey],
                        What::Cds
                        | What::CdsOfBoth
                        | What::CdsDelete
                        | What::NoCds
                        | What::CdsAtRest => vec![Item::Cds, Item::Cdnskey],
                        What::Ns => vec![Item::Ns],
                        What::Csync => vec![Item::Csync, Item::Soa],
                        What::NoCsync => vec![Item::Csync],
                        What::Signals => signals::of(self.config, self.zone, &name),
                        What::NoSignals => self.published_signals(&name),
                        What::Addresses => self.address_items(&self.process.after()),
                        What::NoAddresses => self.address_items(&self.process.who(Who::Subject)),
                    };
                    looks.extend(items.into_iter().map(|item| (signer(&name), item)));
                }
                // What the parent has when the signal goes out is what its answer is measured by.
                match what {
                    What::Cds | What::CdsOfBoth | What::CdsDelete | What::Signals => {
                        looks.extend([(Owner::Parent, Item::Ds)]);
                    }
                    What::Csync => looks.extend([(Owner::Parent, Item::Delegation)]),
                    What::Ns if self.config.guard => looks.extend(self.grounds()),
                    _ => {}
                }
            }
            Goal::Watch(what) => {
                looks.insert(match what {
                    Parental::Ds | Parental::DsOfBoth | Parental::NoDs => (Owner::Parent, Item::Ds),
                    Parental::Delegation => (Owner::Parent, Item::Delegation),
                });
                if self.is_slow() {
                    for (what, who) in self.asked_for_by(what) {
                        looks.extend(self.looks(Goal::Publish(what, who)));
                    }
                }
            }
            Goal::Wait(_) if self.config.has(Sabotage::NoRecheckAtDeadline) => {}
            Goal::Wait(waits) => waits
                .iter()
                .for_each(|wait| self.rests_on(*wait, &mut looks)),
            Goal::Release => {}
            Goal::Turn(turn) => {
                let items: &[Item] = match turn {
                    Turn::New(_) | Turn::DropOld(_) => &[Item::Dnskey],
                    // What is signed still, just before it is asked for, is what the audit log needs.
                    Turn::SignWithNew(_) | Turn::Unsign => &[Item::Soa, Item::Dnskey],
                    Turn::SignAlso | Turn::DropOldAlgorithm => &[Item::Soa],
                    Turn::RetireOld | Turn::Discard(_) => &[],
                };
                for name in self.whose_turn() {
                    looks.extend(items.iter().map(|item| (signer(&name), item.clone())));
                }
            }
        }
        if self.probes_the_dead() {
            let owned = self.common().map_or(&[][..], |_| &SIGNED_BY_OWNER);
            if let Some(dead) = &self.process.subject {
                let items = [Item::Ns].iter().chain(owned);
                looks.extend(items.map(|item| (signer(dead), item.clone())));
            }
        }
        looks
    }

    /// What the guard rests on before caches are led elsewhere: who is trusted, and by which keys.
    fn grounds(&self) -> impl Iterator<Item = (Owner, Item)> {
        let after = self.process.after().into_iter();
        let keys = after.map(|signer| (Owner::Signer(signer), Item::Dnskey));
        keys.chain([(Owner::Parent, Item::Ds)])
    }

    /// Who must do something: who rolls, or everybody.
    pub(crate) fn whose_turn(&self) -> BTreeSet<SignerName> {
        match &self.process.subject {
            Some(subject) => [subject.clone()].into(),
            None => self.process.after(),
        }
    }

    /// What is seen at least once an hour, whatever the process is at: rolls, and keys that vanish.
    pub(crate) fn watched(&self) -> BTreeSet<(Owner, Item)> {
        let process = self.process;
        let gone = process.dead || process.released;
        let mut signers = process.everybody();
        signers.retain(|signer| !gone || !process.is_about(signer));
        let mut items = vec![Item::Dnskey, Item::Soa];
        if process.kind == Kind::Rest {
            items.push(Item::Ns);
        }
        if self.common().is_some() || self.adds_to_cds() {
            items.extend([Item::Cds, Item::Cdnskey]);
        }
        let mut looks: BTreeSet<(Owner, Item)> = BTreeSet::new();
        for signer in signers {
            let owner = Owner::Signer(signer);
            looks.extend(items.iter().map(|item| (owner.clone(), item.clone())));
        }
        if process.kind == Kind::Rest {
            looks.insert((Owner::Parent, Item::Ds));
            looks.insert((Owner::Parent, Item::Delegation));
        }
        looks
    }

    /// Whether the parent takes so long that somebody may have changed the signal meanwhile.
    pub(crate) fn is_slow(&self) -> bool {
        self.back_off >= BACK_OFF_MAX
    }

    /// Whether a dead leaver is asked whether it is dead: until no cache is led to it.
    pub(crate) fn probes_the_dead(&self) -> bool {
        self.process.dead
            && !self.process.released
            && !self.config.has(Sabotage::DeadLeaverNotProbed)
    }

    /// A dead leaver that answers, and where: caches may learn from it that it is alive.
    pub(crate) fn ghost(&self) -> Option<(&SignerName, &Place)> {
        let dead = self.process.subject.as_ref();
        let dead = dead.filter(|_| self.probes_the_dead())?;
        let owner = Owner::Signer(dead.clone());
        let answers = |place: &&Place| self.log.shown(place, &Item::Ns, self.since).is_ok();
        let place = self.places.public(&owner).find(answers)?;
        Some((dead, place))
    }

    /// What must be seen again when this wait is over.
    fn rests_on(&self, wait: WaitFor, looks: &mut BTreeSet<(Owner, Item)>) {
        let mut all = |who: Who, items: &[Item]| {
            for name in self.process.who(who) {
                let owner = Owner::Signer(name);
                looks.extend(items.iter().map(|item| (owner.clone(), item.clone())));
            }
        };
        match wait {
            WaitFor::Dnskey => all(Who::After, &[Item::Dnskey]),
            WaitFor::Addresses => {
                all(Who::After, &self.address_items(&self.process.after()));
            }
            WaitFor::Ns => {
                all(Who::All, &[Item::Ns]);
                looks.insert((Owner::Parent, Item::Delegation));
                // Until then it answers, with everybody's keys.
                let leaver = self.process.who(Who::Subject).into_iter();
                let alive = leaver.filter(|leaver| self.process.who(Who::All).contains(leaver));
                looks.extend(alive.map(|leaver| (Owner::Signer(leaver), Item::Dnskey)));
            }
            WaitFor::Ds | WaitFor::DsOfBoth | WaitFor::NoDs => {
                looks.extend([(Owner::Parent, Item::Ds)]);
            }
            WaitFor::Delegation => looks.extend([(Owner::Parent, Item::Delegation)]),
            WaitFor::OwnDnskey => all(Who::Subject, &[Item::Dnskey]),
            WaitFor::ReturnerDnskey => {
                all(Who::Subject, &[Item::Dnskey]);
                looks.insert((Owner::Parent, Item::Ds));
            }
            WaitFor::RolledData => all(Who::Subject, &[Item::Soa]),
            WaitFor::NewAlgorithm | WaitFor::OldAlgorithm => all(Who::After, &[Item::Dnskey]),
            WaitFor::GroupData => all(Who::After, &[Item::Soa]),
            WaitFor::LeaverDnskey | WaitFor::LeaverData => {}
        }
    }

    fn address_items(&self, signers: &BTreeSet<SignerName>) -> Vec<Item> {
        self.addresses(signers)
            .into_iter()
            .map(|(item, _)| item)
            .collect()
    }
}

/// The one shape of a request to remove DS (RFC 8078 §4).
fn delete_request() -> (BTreeSet<Rdata>, BTreeSet<Rdata>) {
    (
        [Rdata::from_octets([0, 0, 0, 0, 0])].into(),
        [Rdata::from_octets([0, 0, 3, 0, 0])].into(),
    )
}

/// The CSYNC record for a zone at this serial (RFC 7477 §2.1.1): act at once, not on older data, on
/// NS and glue.
fn csync(serial: u32) -> Rdata {
    Csync {
        serial,
        flags: Csync::IMMEDIATE | Csync::SOA_MINIMUM,
        types: vec![RecordType::NS, RecordType::A, RecordType::AAAA],
    }
    .to_rdata()
}
