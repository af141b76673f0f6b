//! Everything that a decision may look at: one process of one zone, and what is known.
//!
//! Owns *what does this instance show*, and the rule that unknown is never equal to anything.

use std::{collections::BTreeSet, time::Duration};

use counterpoint_dns::{
    key::Dnskey,
    name::{Name, is_at_or_below},
    rdata::{Ds, Rdata},
    time::Timestamp,
};

use crate::{
    common::owner,
    config::{Config, Model, SignerName},
    keys::Keys,
    log::{Log, Unknown, Version},
    place::{Item, Owner, Place, Places},
    process::{Kind, Process},
    updater::Writes,
    waits::silence_is_consent,
};

/// One process of one zone, and what is known.
pub(crate) struct Case<'a> {
    /// What the operator declared.
    pub config: &'a Config,
    /// The zone.
    pub zone: &'a Name,
    /// What was observed.
    pub log: &'a Log,
    /// Whose key is whose.
    pub keys: &'a Keys,
    /// Everybody's instances.
    pub places: &'a Places,
    /// The process.
    pub process: &'a Process,
    /// What became of what the current row wrote.
    pub writes: &'a Writes,
    /// Answers from before do not count.
    pub since: Timestamp,
    /// How long to leave somebody else in peace.
    pub back_off: Duration,
}

/// Whether an instance shows what is wanted.
pub(crate) enum Shows {
    /// It does.
    Yes,
    /// It shows something else.
    No,
    /// Nobody knows.
    Unknown(Unknown),
}

impl Case<'_> {
    /// Whether `place` shows an `item` that is as wanted.
    pub(crate) fn shows(
        &self,
        place: &Place,
        item: &Item,
        is_wanted: impl Fn(&Version) -> bool,
    ) -> Shows {
        match self.log.shown(place, item, self.since) {
            Ok(version) if is_wanted(version) => Shows::Yes,
            Ok(_) => Shows::No,
            Err(_) if silence_is_consent(self.config) => Shows::Yes,
            Err(why) => Shows::Unknown(why),
        }
    }

    /// When an instance was last asked anything, as far as is known; of who leaves, until it may stop.
    pub(crate) fn probed(&self, place: &Place) -> Option<Timestamp> {
        let tracks = self.log.tracks().filter(|(at, _, _)| *at == place);
        let asked = tracks.filter_map(|(_, _, track)| track.asked).max();
        self.process.probed.or(asked)
    }

    /// What the primary of `signer` has of `item`; a primary that cannot be asked is taken for what
    /// all public instances agree upon.
    pub(crate) fn at_primary(&self, signer: &SignerName, item: &Item) -> Option<&Version> {
        let shown = |place: &Place| self.log.shown(place, item, self.since).ok();
        let primary = self.places.primary(self.config, signer);
        if let Some(version) = primary.and_then(shown) {
            return Some(version);
        }
        let owner = Owner::Signer(signer.clone());
        let mut all = self.places.public(&owner).map(shown);
        let first = all.next()??;
        all.all(|other| other.is_some_and(|other| other.data == first.data))
            .then_some(first)
    }

    /// The last SOA serial of the primary of `signer`.
    pub(crate) fn serial(&self, signer: &SignerName) -> Option<u32> {
        let mut places = self.places.of(&Owner::Signer(signer.clone())).iter();
        let primary = self.places.primary(self.config, signer);
        let serial = |place: &Place| {
            self.log.shown(place, &Item::Soa, self.since).ok()?;
            Some(self.log.track(place, &Item::Soa)?.soa.as_ref()?.serial)
        };
        // Where the primary cannot be asked, the instance that comes first stands for it: its zone
        // is not newer.
        primary.and_then(serial).or_else(|| places.find_map(serial))
    }

    /// The nameserver names that these signers bring.
    pub(crate) fn ns_names(&self, signers: &BTreeSet<SignerName>) -> BTreeSet<Name> {
        let declared = signers
            .iter()
            .filter_map(|name| self.config.signers.get(name));
        declared
            .flat_map(|signer| signer.ns.iter().cloned())
            .collect()
    }

    /// The NS data of these signers.
    pub(crate) fn ns_data(&self, signers: &BTreeSet<SignerName>) -> BTreeSet<Rdata> {
        self.ns_names(signers).iter().map(Rdata::name).collect()
    }

    /// Those of their names that need addresses in the zone, with what A and AAAA must be.
    pub(crate) fn addresses(&self, signers: &BTreeSet<SignerName>) -> Vec<(Item, BTreeSet<Rdata>)> {
        let mut wanted = Vec::new();
        for signer in signers
            .iter()
            .filter_map(|name| self.config.signers.get(name))
        {
            for name in signer
                .ns
                .iter()
                .filter(|name| is_at_or_below(name, self.zone))
            {
                let declared = signer.in_zone_addresses.get(name);
                let all = declared.or_else(|| self.config.addresses.get(name));
                let all: &[_] = all.map_or(&[], Vec::as_slice);
                for rtype in Item::ADDRESS_TYPES {
                    let of_type = all.iter().filter(|address| {
                        address.is_ipv4() == (rtype == counterpoint_dns::name::RecordType::A)
                    });
                    let data = of_type.map(|address| Rdata::address(*address)).collect();
                    wanted.push((Item::Address(name.clone(), rtype), data));
                }
            }
        }
        wanted
    }

    /// The KSKs and CSKs of these signers; in a roll without those that it replaces, or with `both`.
    pub(crate) fn entry_points<'s>(
        &self,
        signers: impl IntoIterator<Item = &'s SignerName>,
        both: bool,
    ) -> Vec<Dnskey> {
        if self.common().is_some() {
            return self.common_entry_points(both);
        }
        if self.process.model == Model::Shared {
            return self.keys.entry_points(&owner());
        }
        let each = signers.into_iter();
        let all = each.flat_map(|signer| self.keys.entry_points(signer));
        all.filter(|key| both || !self.process.old.contains(&key.to_rdata()))
            .collect()
    }

    /// Whether DS data name exactly everybody's KSKs and CSKs, each with the same digest types
    /// (which ones is the parent's choice), or are to the letter what is asked for. A join that is
    /// run back leaves a parent without DS as it is.
    pub(crate) fn is_wanted_ds(&self, data: &BTreeSet<Rdata>, both: bool) -> bool {
        let after = self.process.after();
        let keys = self.entry_points(&after, both);
        let Some(records) = data.iter().map(Ds::parse).collect::<Option<Vec<Ds>>>() else {
            return false;
        };
        let digests: BTreeSet<u8> = records.iter().map(|ds| ds.digest_type).collect();
        let all_known = records
            .iter()
            .all(|ds| keys.iter().any(|key| key.matches(self.zone, ds)));
        let is_even = keys.iter().all(|key| {
            digests.iter().all(|digest| {
                let mut own = records.iter().filter(|ds| ds.digest_type == *digest);
                own.any(|ds| key.matches(self.zone, ds))
            })
        });
        !keys.is_empty() && !records.is_empty() && all_known && is_even
            || *data == self.cds(&after, both).0
            || data.is_empty() && self.process.kind == Kind::CancelJoin
    }
}
