//! The root above the parent: signed, with one delegation and nothing else.

use std::{net::Ipv4Addr, time::Duration};

use counterpoint_dns::{
    key::{Algorithm, DIGEST_SHA256, SECURE_ENTRY_POINT, SigningKey, ZONE_KEY},
    name::{Name, RecordType},
    rdata::Ds,
    rrset::SignedRrSet,
    stream::octets,
    time::Timestamp,
};

use crate::{
    child::{ns_and_glue, soa},
    parent::Parent,
    zone::{Denial, Signing, TTL, Zone},
};

/// The root of a farm.
#[derive(Clone, Debug)]
pub struct Root {
    /// Its only server.
    pub address: Ipv4Addr,
    seed: u64,
}

impl Root {
    /// A root at this address.
    pub fn new(address: Ipv4Addr, seed: u64) -> Self {
        Self { address, seed }
    }

    fn key(&self, what: &str, flags: u16) -> SigningKey {
        let seed = octets(self.seed, &format!("root {what}"));
        SigningKey::from_seed(Algorithm::EcdsaP256Sha256, flags, seed)
    }

    fn ksk(&self) -> SigningKey {
        self.key("ksk", ZONE_KEY | SECURE_ENTRY_POINT)
    }

    /// What validators trust that begin at the root.
    pub fn trust_anchor(&self) -> Option<Ds> {
        self.ksk().public().ds(&Name::root(), DIGEST_SHA256)
    }

    /// Its zone, which delegates the parent's.
    pub fn zone(&self, parent: &Parent, now: Timestamp) -> Vec<SignedRrSet> {
        let apex = Name::root();
        let mut zone = Zone::new(apex.clone(), TTL);
        zone.add(&apex, RecordType::SOA, [soa(&apex)]);
        let host = apex.prepend_label("root-server");
        let host = host.unwrap_or_else(|_| apex.clone());
        for set in ns_and_glue(&apex, &[(host, vec![self.address.into()])]) {
            zone.add_set(&set);
        }
        for set in ns_and_glue(
            &parent.zone,
            &[(parent.host(), vec![parent.address.into()])],
        ) {
            zone.add_set(&set);
        }
        let ds = parent.trust_anchor().map(|ds| ds.to_rdata());
        zone.add(&parent.zone, RecordType::DS, ds);
        let fortnight = Duration::from_secs(14 * 86_400);
        zone.signed(&Signing {
            ksks: vec![self.ksk()],
            zsks: vec![self.key("zsk", ZONE_KEY)],
            inception: now.before(fortnight),
            expiration: now + fortnight,
            denial: Denial::Nsec,
        })
    }
}
