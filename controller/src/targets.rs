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
    config::{CdsAfter, SignerName},
    place::{Item, Owner},
    process::{Goal, Kind, Parental, WaitFor, What, Who},
    sabotage::Sabotage,
};

/// What an RRset must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Exactly this; nothing: absent.
    Exactly(BTreeSet<Rdata>),
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
            Self::Keys { present, absent } => present.is_subset(data) && absent.is_disjoint(data),
        }
    }

    /// What these data must become.
    pub(crate) fn applied_to(&self, data: &BTreeSet<Rdata>) -> BTreeSet<Rdata> {
        match self {
            Self::Exactly(wanted) => wanted.clone(),
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
                item,
                want,
            });
        };
        for signer in &at {
            match what {
                What::ForeignKeys => add(signer, Item::Dnskey, self.foreign_keys(signer)),
                What::Ns => add(signer, Item::Ns, Want::Exactly(self.ns_data(&after))),
                What::Cds | What::CdsAtRest => {
                    let withdraw =
                        what == What::CdsAtRest && self.config.cds_after == CdsAfter::Withdraw;
                    let (cds, cdnskey) = match withdraw {
                        true => Default::default(),
                        false => self.cds(&after),
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
                What::NoAddresses => {
                    for (item, _) in self.addresses(&self.process.who(Who::Subject)) {
                        add(signer, item, Want::Exactly(BTreeSet::new()));
                    }
                }
            }
        }
        Ok(targets)
    }

    /// The signers at which a row publishes.
    pub(crate) fn at(&self, what: What, who: Who) -> BTreeSet<SignerName> {
        let all = self.process.who(who);
        match what {
            What::Ns if self.config.has(Sabotage::NsAtRemainingOnly) && who == Who::All => {
                self.process.after()
            }
            What::Csync if self.config.has(Sabotage::CsyncAtRemainingOnly) => self.process.after(),
            What::Cds | What::CdsAtRest if self.config.has(Sabotage::OneSignerOnlyCds) => {
                all.into_iter().take(1).collect()
            }
            _ => all,
        }
    }

    /// The foreign keys of `signer` when the process is done (RFC 8901 §3.2).
    pub(crate) fn foreign_keys(&self, signer: &SignerName) -> Want {
        let after = self.process.after();
        let others = after.iter().filter(|other| *other != signer);
        let present = others
            .flat_map(|other| self.keys.exports(self.config, other))
            .collect();
        let absent = match self.process.kind {
            Kind::Leave => self.keys.of(&self.process.subject).cloned().collect(),
            Kind::Join => BTreeSet::new(),
        };
        Want::Keys { present, absent }
    }

    /// CDS and CDNSKEY of everybody's KSKs and CSKs, the same digest types for each: a validator
    /// that takes only the strongest digest of the whole DS RRset would lose the others.
    fn cds(&self, signers: &BTreeSet<SignerName>) -> (BTreeSet<Rdata>, BTreeSet<Rdata>) {
        let mut cds = BTreeSet::new();
        let mut cdnskey = BTreeSet::new();
        for signer in signers {
            let odd = self.config.has(Sabotage::MixedDigests) && *signer == self.process.subject;
            let digests = match odd {
                true => [DIGEST_SHA384].into(),
                false => self.config.digests.clone(),
            };
            for key in self.keys.entry_points(signer) {
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
                        What::ForeignKeys => vec![Item::Dnskey],
                        What::Cds | What::CdsAtRest => vec![Item::Cds, Item::Cdnskey],
                        What::Ns => vec![Item::Ns],
                        What::Csync => vec![Item::Csync, Item::Soa],
                        What::NoCsync => vec![Item::Csync],
                        What::Addresses => self.address_items(&self.process.after()),
                        What::NoAddresses => self.address_items(&self.process.who(Who::Subject)),
                    };
                    looks.extend(items.into_iter().map(|item| (signer(&name), item)));
                }
                // What the parent has when the signal goes out is what its answer is measured by.
                match what {
                    What::Cds => drop(looks.insert((Owner::Parent, Item::Ds))),
                    What::Csync => drop(looks.insert((Owner::Parent, Item::Delegation))),
                    _ => {}
                }
            }
            Goal::Watch(Parental::Ds) => drop(looks.insert((Owner::Parent, Item::Ds))),
            Goal::Watch(Parental::Delegation) => {
                looks.insert((Owner::Parent, Item::Delegation));
            }
            Goal::Wait(_) if self.config.has(Sabotage::NoRecheckAtDeadline) => {}
            Goal::Wait(waits) => waits
                .iter()
                .for_each(|wait| self.rests_on(*wait, &mut looks)),
            Goal::Release => {}
        }
        if self.probes_the_dead(goal) {
            looks.insert((signer(&self.process.subject), Item::Ns));
        }
        looks
    }

    /// Whether a dead leaver is asked whether it is dead: until no cache is led to it.
    fn probes_the_dead(&self, goal: Goal) -> bool {
        self.process.dead
            && !self.process.released
            && goal != Goal::Release
            && !self.config.has(Sabotage::DeadLeaverNotProbed)
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
                if self.process.who(Who::All).contains(&self.process.subject) {
                    // Until then it answers, with everybody's keys.
                    looks.insert((Owner::Signer(self.process.subject.clone()), Item::Dnskey));
                }
            }
            WaitFor::Ds => drop(looks.insert((Owner::Parent, Item::Ds))),
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
