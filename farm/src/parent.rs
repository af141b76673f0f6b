//! The parent: its zone, its keys as files that BIND takes, and who may change it.

use std::{io, path::Path, time::Duration};

use counterpoint_dns::{
    key::{Algorithm, DIGEST_SHA256, SECURE_ENTRY_POINT, SigningKey, ZONE_KEY},
    name::{Name, RecordType},
    rdata::Ds,
    rrset::SignedRrSet,
    stream::octets,
    time::Timestamp,
};

use crate::{
    Child,
    child::{ns_and_glue, soa},
    operator::Operator,
    software::bind,
    zone::{Denial, Signing, TTL, Zone},
};

/// The parent of a farm.
#[derive(Clone, Debug)]
pub struct Parent {
    /// Its zone.
    pub zone: Name,
    /// Its only server.
    pub address: std::net::Ipv4Addr,
    seed: u64,
}

impl Parent {
    /// A parent at this address.
    pub fn new(zone: Name, address: std::net::Ipv4Addr, seed: u64) -> Self {
        Self {
            zone,
            address,
            seed,
        }
    }

    /// The name of its server.
    pub fn host(&self) -> Name {
        let host = self.zone.prepend_label("ns");
        host.unwrap_or_else(|_| self.zone.clone())
    }

    /// The secret of the TSIG key, hmac-sha256.
    pub fn tsig_secret(&self) -> [u8; 32] {
        octets(self.seed, "tsig")
    }

    fn seed_of(&self, what: &str) -> [u8; 32] {
        octets(self.seed, &format!("{} {what}", self.zone))
    }

    fn key(&self, what: &str, flags: u16) -> SigningKey {
        SigningKey::from_seed(Algorithm::EcdsaP256Sha256, flags, self.seed_of(what))
    }

    fn ksk(&self) -> SigningKey {
        self.key("ksk", ZONE_KEY | SECURE_ENTRY_POINT)
    }

    fn zsk(&self) -> SigningKey {
        self.key("zsk", ZONE_KEY)
    }

    /// What validators trust.
    pub fn trust_anchor(&self) -> Option<Ds> {
        self.ksk().public().ds(&self.zone, DIGEST_SHA256)
    }

    /// Its records.
    pub fn zone(&self, operators: &[Operator], children: &[Child]) -> Zone {
        let mut zone = Zone::new(self.zone.clone(), TTL);
        zone.add(&self.zone, RecordType::SOA, [soa(&self.zone)]);
        for set in ns_and_glue(&self.zone, &[(self.host(), vec![self.address.into()])]) {
            zone.add_set(&set);
        }
        let theirs = operators.iter().flat_map(Operator::delegation);
        for set in theirs.chain(children.iter().flat_map(Child::delegation)) {
            zone.add_set(&set);
        }
        zone
    }

    /// Its records, signed by its own keys.
    pub fn signed(&self, zone: &Zone, now: Timestamp) -> Vec<SignedRrSet> {
        let fortnight = Duration::from_secs(14 * 86_400);
        zone.signed(&Signing {
            ksks: vec![self.ksk()],
            zsks: vec![self.zsk()],
            inception: now.before(fortnight),
            expiration: now + fortnight,
            denial: Denial::Nsec,
        })
    }

    /// Writes its keys as files that BIND takes; their DNSKEY RRset has this TTL in seconds.
    pub fn write_keys(&self, folder: &Path, ttl: u32) -> io::Result<()> {
        for (what, key) in [("ksk", self.ksk()), ("zsk", self.zsk())] {
            bind::write_key(folder, &self.zone, key.public(), &self.seed_of(what), ttl)?;
        }
        Ok(())
    }
}
