//! What is forced from outside and cannot wait for its turn: a signer's new key must be everywhere
//! before it signs, and a key that vanished must be put back before a cache misses it.
//!
//! Owns which additions run at once, inside any process and at rest. Removals never do: they queue.

use std::collections::BTreeSet;

use counterpoint_dns::rdata::Rdata;

use crate::{
    case::Case,
    config::SignerName,
    place::Item,
    process::{Kind, What, Who},
    targets::{Target, Want},
};

impl Case<'_> {
    /// Every RRset that may have to grow.
    pub(crate) fn additions(&self) -> Vec<Target> {
        let process = self.process;
        if self.common().is_some() {
            return self.renewals();
        }
        if process.kind == Kind::GoInsecure {
            return Vec::new();
        }
        let mut targets = Vec::new();
        let exchange = self.group_for(What::ForeignKeys);
        let writable: BTreeSet<SignerName> = &exchange & &process.who(Who::All);
        let gone = process.has_come_to(self.config, What::OldKeysOut)
            || process.has_come_to(self.config, What::OldAlgorithmOut);
        for signer in &writable {
            let others = exchange.iter().filter(|other| *other != signer);
            let mut keys: BTreeSet<Rdata> = others
                .flat_map(|other| self.keys.exports(self.config, other))
                .collect();
            keys.retain(|key| !gone || !process.old.contains(key));
            targets.push(Target {
                signer: signer.clone(),
                item: Item::Dnskey,
                want: Want::AtLeast(keys),
                signed_by: BTreeSet::new(),
            });
        }
        if self.adds_to_cds() {
            let (cds, cdnskey) = self.cds(&self.group_for(What::Cds), true);
            for signer in &writable {
                for (item, wanted) in [(Item::Cds, &cds), (Item::Cdnskey, &cdnskey)] {
                    let present = self.at_primary(signer, &item);
                    // Nothing published: nothing to add to.
                    if present.is_some_and(|version| !version.data.is_empty()) {
                        targets.push(Target {
                            signer: signer.clone(),
                            item,
                            want: Want::AtLeast(wanted.clone()),
                            signed_by: BTreeSet::new(),
                        });
                    }
                }
            }
        }
        targets
    }

    /// Whether a KSK that appears is added to CDS at once: where no row is about to.
    pub(crate) fn adds_to_cds(&self) -> bool {
        let process = self.process;
        match process.kind {
            Kind::Join | Kind::Leave => {
                process.row > 0 && !process.has_come_to(self.config, What::Cds)
                    || process.has_come_to(self.config, What::Ns) && process.kind == Kind::Join
            }
            Kind::RollZsk => process.row > 0,
            _ => false,
        }
    }

    /// Who has everybody's keys by now: those before the row that publishes `what`, or those after.
    pub(crate) fn group_for(&self, what: What) -> BTreeSet<SignerName> {
        match self.process.has_come_to(self.config, what) {
            true => self.process.after(),
            false => self.process.before.clone(),
        }
    }
}
