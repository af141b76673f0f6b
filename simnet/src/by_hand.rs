//! What an operator with a shell does to signers and parent, with or without a controller.
//!
//! Each function changes primaries; [`Stage::publish`] makes the change visible.

use std::time::Duration;

use counterpoint_dns::{
    key::{DIGEST_SHA256, Dnskey},
    name::{Name, RecordType},
    rdata::{Csync, Ds, Rdata},
    rrset::RrSet,
};

use crate::{
    keys::KeyKind,
    primary::Primary,
    secondary::OF_THE_SIGNER,
    topology::{PARENT, Stage, ZonePlan, address_set, ksks},
};

/// Which of a signer's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keys {
    /// Every own key of this kind.
    Kind(KeyKind),
    /// Every own key.
    All,
    /// The own key of this label.
    Label(String),
}

/// What CDS and CDNSKEY ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A DS RRset of the KSKs (CSKs) of these signers.
    Keys {
        /// Whose.
        of: Vec<String>,
        /// The digest type of each CDS, in turn; the last, of all the rest.
        digests: Vec<u8>,
    },
    /// No DS RRset (RFC 8078 §4).
    Delete,
    /// The same in a shape that no RFC gives it.
    MalformedDelete,
}

/// The digest of a delete request is one zero octet (RFC 8078 §4).
const DELETE_CDS: [u8; 5] = [0, 0, 0, 0, 0];
const DELETE_CDNSKEY: [u8; 5] = [0, 0, 3, 0, 0];
/// A digest type, and the flags of a KSK, where RFC 8078 §4 wants zeros.
const MALFORMED_CDS: [u8; 5] = [0, 0, 0, 2, 0];
const MALFORMED_CDNSKEY: [u8; 5] = [1, 1, 3, 0, 0];

/// The data of a CDS and of a CDNSKEY RRset with one record each.
fn alone(cds: [u8; 5], cdnskey: [u8; 5]) -> (Vec<Rdata>, Vec<Rdata>) {
    (
        vec![Rdata::from_octets(cds)],
        vec![Rdata::from_octets(cdnskey)],
    )
}

impl Stage {
    /// Makes visible what changed in `zone` at `operator`.
    pub fn publish(&mut self, operator: &str, zone: &Name) {
        let keeper = self.keeper(operator, zone);
        if let Some(index) = self.world.operator(&keeper) {
            self.world.publish(index, zone, "hand");
        }
    }

    /// The signer serves the zone from now on; nobody names it yet.
    pub fn start_serving(&mut self, signer: &str, zone: &ZonePlan) {
        if !self.serves(signer, &zone.name) {
            if !zone.is_secondary(signer) {
                self.new_zone(signer, zone);
            }
            self.attach(signer, zone, false);
        }
        self.publish(signer, &zone.name);
    }

    /// The signer answers REFUSED from now on.
    pub fn stop_serving(&mut self, signer: &str, zone: &Name) {
        if let Some(index) = self.world.operator(signer) {
            let was_secondary = self.world.remove_secondary(index, zone);
            let kept = self.world.operators[index].primaries.remove(zone);
            if was_secondary || kept.is_some() {
                self.world.distribute(index, zone, None);
            }
        }
    }

    /// Whether the signer keeps the zone.
    pub fn serves(&self, signer: &str, zone: &Name) -> bool {
        let index = self.world.operator(signer);
        index.is_some_and(|index| {
            self.world.operators[index].primaries.contains_key(zone)
                || self.world.is_secondary(index, zone)
        })
    }

    /// The signer goes on serving and makes no new signature, or makes them again.
    pub fn freeze(&mut self, signer: &str, zone: &Name, is_frozen: bool) {
        if let Some(primary) = self.primary(signer, zone) {
            primary.is_frozen = is_frozen;
        }
    }

    /// Signs with this key instead of the others of its kind.
    pub fn sign_with(&mut self, signer: &str, zone: &Name, label: &str) {
        let Some(primary) = self.primary(signer, zone) else {
            return;
        };
        let Some(kind) = primary.keys.own.get(label).map(|own| own.kind) else {
            return;
        };
        for (other, own) in &mut primary.keys.own {
            if own.kind == kind {
                own.is_active = other == label;
            }
        }
    }

    /// Removes an own key.
    pub fn drop_key(&mut self, signer: &str, zone: &Name, label: &str) {
        if let Some(primary) = self.primary(signer, zone) {
            primary.keys.own.remove(label);
        }
    }

    /// The public halves of `from`'s own keys.
    pub fn own_keys(&mut self, from: &str, zone: &Name, which: &Keys) -> Vec<Dnskey> {
        let Some(primary) = self.primary(from, zone) else {
            return Vec::new();
        };
        let own = primary.keys.own.iter().filter(|(label, own)| match which {
            Keys::Kind(kind) => own.kind == *kind,
            Keys::All => true,
            Keys::Label(wanted) => *label == wanted,
        });
        own.map(|(_, own)| own.key.public().clone()).collect()
    }

    /// Imports keys of `from` at other signers.
    pub fn import_dnskey(&mut self, zone: &Name, from: &str, at: &[String], which: &Keys) {
        let keys = self.own_keys(from, zone, which);
        for signer in at {
            if let Some(primary) = self.primary(signer, zone) {
                primary.keys.foreign.extend(keys.iter().cloned());
            }
        }
    }

    /// What model 2 exchanges: every key that signs data (RFC 8901 §2.1.2).
    pub fn import_data_keys(&mut self, zone: &Name, from: &str, at: &[String]) {
        for kind in [KeyKind::Zsk, KeyKind::Csk] {
            self.import_dnskey(zone, from, at, &Keys::Kind(kind));
        }
    }

    /// Removes imported keys of `from` at other signers.
    pub fn remove_dnskey(&mut self, zone: &Name, from: &str, at: &[String], which: &Keys) {
        let keys = self.own_keys(from, zone, which);
        for signer in at {
            if let Some(primary) = self.primary(signer, zone) {
                primary.keys.foreign.retain(|key| !keys.contains(key));
            }
        }
    }

    /// Publishes CDS and CDNSKEY of these signers' KSKs (CSKs), or the request to delete.
    pub fn publish_cds(
        &mut self,
        zone: &Name,
        at: &[String],
        of: &[String],
        types: &[RecordType],
        delete: bool,
    ) {
        let asked = match delete {
            true => Asked::Delete,
            false => Asked::Keys {
                of: of.to_vec(),
                digests: vec![DIGEST_SHA256],
            },
        };
        self.ask_parent(zone, at, &asked, types, None);
    }

    /// Publishes CDS and CDNSKEY, signed by the keys of `signed_by` alone; none: by all that sign.
    pub fn ask_parent(
        &mut self,
        zone: &Name,
        at: &[String],
        asked: &Asked,
        types: &[RecordType],
        signed_by: Option<KeyKind>,
    ) {
        let (cds, cdnskey) = match asked {
            Asked::Keys { of, digests } => {
                let keys = self.ksks_of(of, zone);
                let last = digests.last().copied().unwrap_or(DIGEST_SHA256);
                let digests = digests.iter().copied().chain(std::iter::repeat(last));
                let ds = keys
                    .iter()
                    .zip(digests)
                    .filter_map(|(key, digest)| key.ds(zone, digest));
                let cds: Vec<Rdata> = ds.map(|ds| Ds::to_rdata(&ds)).collect();
                (cds, keys.iter().map(Dnskey::to_rdata).collect())
            }
            Asked::Delete => alone(DELETE_CDS, DELETE_CDNSKEY),
            Asked::MalformedDelete => alone(MALFORMED_CDS, MALFORMED_CDNSKEY),
        };
        for signer in at {
            let ttl = self.signer(signer).map_or(3_600, |plan| plan.default_ttl);
            let Some(primary) = self.primary(signer, zone) else {
                continue;
            };
            primary.cds_signed_by = signed_by;
            for (rtype, data) in [(RecordType::CDS, &cds), (RecordType::CDNSKEY, &cdnskey)] {
                if types.contains(&rtype) {
                    primary
                        .contents
                        .put(RrSet::new(zone.clone(), rtype, ttl, data.clone()));
                }
            }
        }
    }

    /// Removes RRsets of these types from the apex.
    pub fn withdraw(&mut self, zone: &Name, at: &[String], types: &[RecordType]) {
        for signer in at {
            if let Some(primary) = self.primary(signer, zone) {
                types
                    .iter()
                    .for_each(|rtype| primary.contents.remove(zone, *rtype));
            }
        }
    }

    /// Publishes CSYNC; the serial is each signer's own where none is given.
    pub fn publish_csync(
        &mut self,
        zone: &Name,
        at: &[String],
        serial: Option<u32>,
        flags: u16,
        types: &[RecordType],
    ) {
        for signer in at {
            let ttl = self.signer(signer).map_or(3_600, |plan| plan.default_ttl);
            let Some(primary) = self.primary(signer, zone) else {
                continue;
            };
            let serial = serial.unwrap_or_else(|| primary.serial());
            let data = Csync {
                serial,
                flags,
                types: types.to_vec(),
            }
            .to_rdata();
            primary
                .contents
                .put(RrSet::new(zone.clone(), RecordType::CSYNC, ttl, [data]));
        }
    }

    /// NS at these signers = the nameservers of those; in-zone addresses come along.
    pub fn set_ns(&mut self, zone: &Name, at: &[String], of: &[String]) {
        let hosts = self.hosts_of(of, zone);
        let addresses = self.in_zone_addresses(of, zone);
        for signer in at {
            let Some(plan) = self.signer(signer).cloned() else {
                continue;
            };
            let Some(primary) = self.primary(signer, zone) else {
                continue;
            };
            let ttl = primary
                .contents
                .get(zone, RecordType::NS)
                .map_or(plan.ns_ttl, |ns| ns.ttl);
            let data = hosts.iter().map(Rdata::name);
            primary
                .contents
                .put(RrSet::new(zone.clone(), RecordType::NS, ttl, data));
            for (host, address) in &addresses {
                primary
                    .contents
                    .put(address_set(host, plan.default_ttl, *address));
            }
        }
    }

    /// The servers of `signer` answer at other addresses from now on, at the old ones for as long as
    /// `lasting`. The zone's address records follow wherever it is kept; the parent's glue does not.
    pub fn move_servers(&mut self, zone: &Name, signer: &str, lasting: Duration) {
        let Some(operator) = self.world.operator(signer) else {
            return;
        };
        let until = self.world.now() + lasting;
        let count = self.world.operators[operator].instances.len();
        for instance in 0..count {
            if !self.world.operators[operator].instances[instance].is_left {
                let next = self.world.operators[operator].instances.len();
                let to = self.net.instance(operator, next);
                self.world.move_instance(operator, instance, to, until);
            }
        }
        let addresses = self.in_zone_addresses(&[signer.to_owned()], zone);
        for owner in &mut self.world.operators {
            let Some(primary) = owner.primaries.get_mut(zone) else {
                continue;
            };
            for (host, address) in &addresses {
                let old = primary.contents.get(host, RecordType::A);
                if let Some(ttl) = old.map(|old| old.ttl) {
                    primary.contents.put(address_set(host, ttl, *address));
                }
            }
        }
    }

    /// The delegation's NS = the nameservers of these signers; glue follows.
    pub fn set_parent_ns(&mut self, zone: &Name, of: &[String]) {
        let hosts = self.hosts_of(of, zone);
        let addresses = self.in_zone_addresses(of, zone);
        let ttl = self.topology.parent.ns_ttl;
        let Some(parent) = self.parent() else { return };
        let old = parent.contents.get(zone, RecordType::NS).cloned();
        let ttl = old.as_ref().map_or(ttl, |ns| ns.ttl);
        for host in old
            .iter()
            .flat_map(|ns| &ns.data)
            .filter_map(Rdata::as_name)
        {
            if zone.zone_of(&host) {
                parent.contents.remove(&host, RecordType::A);
                parent.contents.remove(&host, RecordType::AAAA);
            }
        }
        let data = hosts.iter().map(Rdata::name);
        parent
            .contents
            .put(RrSet::new(zone.clone(), RecordType::NS, ttl, data));
        for (host, address) in &addresses {
            parent.contents.put(address_set(host, ttl, *address));
        }
    }

    /// The DS RRset = the KSKs (CSKs) of these signers, with these digest types; none removes it.
    pub fn set_ds(&mut self, zone: &Name, of: &[String], digests: &[u8]) {
        let keys = self.ksks_of(of, zone);
        let ttl = self.topology.parent.ds_ttl;
        let Some(parent) = self.parent() else { return };
        let ttl = parent
            .contents
            .get(zone, RecordType::DS)
            .map_or(ttl, |ds| ds.ttl);
        let ds = keys
            .iter()
            .flat_map(|key| digests.iter().filter_map(|d| key.ds(zone, *d)));
        let data: Vec<Rdata> = ds.map(|ds| ds.to_rdata()).collect();
        parent
            .contents
            .put(RrSet::new(zone.clone(), RecordType::DS, ttl, data));
    }

    /// Replaces RRsets at these signers; records without a TTL take the signer's default.
    pub fn set_rrsets(
        &mut self,
        zone: &Name,
        at: &[String],
        records: &[(Name, Option<u32>, RecordType, Rdata)],
    ) {
        for signer in at {
            let ttl = self.signer(signer).map_or(3_600, |plan| plan.default_ttl);
            let Some(primary) = self.writer(signer, zone) else {
                continue;
            };
            let mut sets: Vec<RrSet> = Vec::new();
            for (owner, own_ttl, rtype, data) in records {
                let ttl = own_ttl.unwrap_or(ttl);
                match sets
                    .iter_mut()
                    .find(|set| set.name == *owner && set.rtype == *rtype)
                {
                    Some(set) => {
                        set.data.insert(data.clone());
                    }
                    None => {
                        sets.push(RrSet::new(owner.clone(), *rtype, ttl, [data.clone()]));
                    }
                }
            }
            sets.into_iter().for_each(|set| primary.contents.put(set));
        }
    }

    /// Changes the TTL of every RRset of this type at these signers.
    pub fn set_ttl(&mut self, zone: &Name, at: &[String], rtype: RecordType, ttl: u32) {
        for signer in at {
            let primary = match OF_THE_SIGNER.contains(&rtype) {
                true => self.primary(signer, zone),
                false => self.writer(signer, zone),
            };
            if let Some(primary) = primary {
                set_ttl(primary, None, rtype, ttl);
            }
        }
    }

    /// Changes the TTL of the delegation's NS or DS RRset.
    pub fn set_parent_ttl(&mut self, zone: &Name, rtype: RecordType, ttl: u32) {
        if let Some(parent) = self.parent() {
            set_ttl(parent, Some(zone), rtype, ttl);
        }
    }

    fn ksks_of(&mut self, signers: &[String], zone: &Name) -> Vec<Dnskey> {
        // The owner's KSK in use stands for every signer's.
        let mut keys: Vec<Dnskey> = self
            .owner_keys(zone)
            .into_iter()
            .take(1)
            .map(|key| key.public().clone())
            .collect();
        for signer in signers {
            keys.extend(
                self.primary(signer, zone)
                    .map(|primary| ksks(primary))
                    .unwrap_or_default(),
            );
        }
        keys
    }

    pub(crate) fn primary(&mut self, signer: &str, zone: &Name) -> Option<&mut Primary> {
        let keeper = self.keeper(signer, zone);
        let index = self.world.operator(&keeper)?;
        self.world.operators[index].primaries.get_mut(zone)
    }

    fn parent(&mut self) -> Option<&mut Primary> {
        let zone = self.topology.parent.zone.clone();
        self.primary(PARENT, &zone)
    }
}

/// At the parent: of the delegation; at a signer: of every RRset of the type.
fn set_ttl(primary: &mut Primary, at: Option<&Name>, rtype: RecordType, ttl: u32) {
    if rtype == RecordType::DNSKEY {
        if let Some(signing) = &mut primary.signing {
            signing.dnskey_ttl = ttl;
        }
        return;
    }
    for set in primary.contents.sets_mut() {
        if set.rtype == rtype && at.is_none_or(|name| set.name == *name) {
            set.ttl = ttl;
        }
    }
}
