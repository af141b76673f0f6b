//! Denial by NSEC3 (RFC 5155) at a server of the child: no salt, no extra iterations, no opt-out.
//!
//! Owns the chain and which of its records prove an absence; the server puts them into its answers.

use std::{cell::Cell, collections::BTreeMap, rc::Rc};

use counterpoint_dns::{
    name::{Name, RecordType},
    nsec3::{Nsec3, SHA1, hash},
    rdata::Nsec,
    rrset::RrSet,
};
use counterpoint_simnet::published::{Plan, Served};

/// The chain of one version of a zone, by hash.
#[derive(Debug)]
pub struct Hashed(BTreeMap<Vec<u8>, Served>);

impl Hashed {
    /// The chain that says of `zone` what these NSEC records say, signed by `plans`.
    pub fn new(zone: &Name, chain: &[RrSet], plans: &[Plan]) -> Self {
        let mut types: BTreeMap<Name, Vec<RecordType>> = BTreeMap::new();
        for set in chain {
            let nsec = set.data.first().and_then(Nsec::parse);
            let mut listed = nsec.map(|nsec| nsec.types).unwrap_or_default();
            listed.retain(|rtype| *rtype != RecordType::NSEC);
            types.insert(set.name.clone(), listed);
            // Names that have no records, only descendants (RFC 5155 §7.1).
            let mut above = set.name.base_name();
            while zone.zone_of(&above) {
                types.entry(above.clone()).or_default();
                above = above.base_name();
            }
        }
        let hashes: BTreeMap<Vec<u8>, (&Name, &Vec<RecordType>)> = types
            .iter()
            .map(|(name, types)| (hash(name, 0, &[]), (name, types)))
            .collect();
        let ttl = chain.first().map_or(0, |set| set.ttl);
        let counter = Rc::new(Cell::new(0));
        let nexts = hashes.keys().cycle().skip(1);
        let mut records = BTreeMap::new();
        for ((own, (name, types)), next) in hashes.iter().zip(nexts) {
            let nsec3 = Nsec3 {
                algorithm: SHA1,
                flags: 0,
                iterations: 0,
                salt: Vec::new(),
                next: next.clone(),
                types: types.to_vec(),
            };
            // 32 letters in front of a name of ours always fit.
            if let Some(owner) = nsec3.owner(name, zone) {
                let set = RrSet::new(owner, RecordType::NSEC3, ttl, [nsec3.to_rdata()]);
                let served = Served::new(set, plans.to_vec(), zone.clone(), Rc::clone(&counter));
                records.insert(own.clone(), served);
            }
        }
        Self(records)
    }

    /// What proves that `name`, or a type at it, is not there (RFC 5155 §7.2).
    pub fn proof(&self, name: &Name) -> Vec<&Served> {
        if let Some(own) = self.at(name) {
            return vec![own];
        }
        let (mut next_closer, mut encloser) = (name.clone(), name.base_name());
        while self.at(&encloser).is_none() && !encloser.is_root() {
            next_closer = encloser.clone();
            encloser = encloser.base_name();
        }
        let wildcard = encloser.prepend_label("*").ok();
        let proof = [
            self.at(&encloser),
            self.covering(&next_closer),
            wildcard.and_then(|name| self.covering(&name)),
        ];
        let by_owner = proof.into_iter().flatten();
        let by_owner: BTreeMap<&Name, &Served> =
            by_owner.map(|served| (&served.set.name, served)).collect();
        by_owner.into_values().collect()
    }

    fn at(&self, name: &Name) -> Option<&Served> {
        self.0.get(&hash(name, 0, &[]))
    }

    /// The record of the last hash before this name's; the last of all covers what is before the first.
    fn covering(&self, name: &Name) -> Option<&Served> {
        let before = self.0.range(..hash(name, 0, &[])).next_back();
        before
            .or_else(|| self.0.last_key_value())
            .map(|(_, served)| served)
    }
}
