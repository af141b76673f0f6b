//! One operator: its servers, and the zone in which its nameservers have their names.

use std::net::{IpAddr, Ipv4Addr};

use counterpoint_dns::{
    key::{Algorithm, DIGEST_SHA256, SECURE_ENTRY_POINT, SigningKey, ZONE_KEY},
    name::{Name, RecordType},
    rrset::{RrSet, SignedRrSet},
    stream::octets,
    time::Timestamp,
};

use crate::{
    Child, Software, State,
    child::{ns_and_glue, soa},
    zone::{Denial, Signing, TTL, Zone},
};

/// What an operator is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorPlan {
    /// Its label below the parent.
    pub label: String,
    /// What serves its zones.
    pub software: Software,
    /// How many processes, each with zones of its own.
    pub processes: u8,
    /// At how many addresses each process listens.
    pub addresses: u8,
    /// What its children publish.
    pub children: Vec<State>,
}

impl OperatorPlan {
    /// Two servers, each a process of its own with one address.
    pub fn pair(label: &str, software: Software, children: Vec<State>) -> Self {
        Self {
            label: label.into(),
            software,
            processes: 2,
            addresses: 1,
            children,
        }
    }
}

/// An operator with its names and addresses.
#[derive(Clone, Debug)]
pub struct Operator {
    /// What it was to be.
    pub plan: OperatorPlan,
    /// Its own zone, in which the nameservers have their names.
    pub zone: Name,
    /// The addresses, process by process.
    pub addresses: Vec<Vec<Ipv4Addr>>,
    seed: u64,
}

impl Operator {
    /// An operator whose servers have these addresses.
    pub fn new(plan: OperatorPlan, zone: Name, addresses: Vec<Vec<Ipv4Addr>>, seed: u64) -> Self {
        Self {
            plan,
            zone,
            addresses,
            seed,
        }
    }

    /// All of its addresses.
    pub fn all_addresses(&self) -> Vec<Ipv4Addr> {
        self.addresses.iter().flatten().copied().collect()
    }

    /// Its nameservers, one name an address.
    pub fn hosts(&self) -> Vec<(Name, Vec<IpAddr>)> {
        let addresses = self.addresses.iter().flatten().enumerate();
        addresses
            .map(|(at, address)| {
                let label = format!("ns{}", at + 1);
                let host = self.zone.prepend_label(label);
                let host = host.unwrap_or_else(|_| self.zone.clone());
                (host, vec![IpAddr::V4(*address)])
            })
            .collect()
    }

    fn key(&self, what: &str, flags: u16) -> SigningKey {
        let seed = octets(self.seed, &format!("{} {what}", self.zone));
        SigningKey::from_seed(Algorithm::EcdsaP256Sha256, flags, seed)
    }

    fn ksk(&self) -> SigningKey {
        self.key("ksk", ZONE_KEY | SECURE_ENTRY_POINT)
    }

    /// What the parent has of its own zone.
    pub fn delegation(&self) -> Vec<RrSet> {
        let mut sets = ns_and_glue(&self.zone, &self.hosts());
        let ds = self.ksk().public().ds(&self.zone, DIGEST_SHA256);
        let ds = ds.map(|ds| ds.to_rdata());
        sets.push(RrSet::new(self.zone.clone(), RecordType::DS, TTL, ds));
        sets
    }

    /// Its own zone: the nameservers' addresses, and under each name what its children signal
    /// (RFC 9615 §2).
    pub fn zone(&self, children: &[Child], now: Timestamp) -> Vec<SignedRrSet> {
        let mut zone = Zone::new(self.zone.clone(), TTL);
        zone.add(&self.zone, RecordType::SOA, [soa(&self.zone)]);
        let hosts = self.hosts();
        for set in ns_and_glue(&self.zone, &hosts) {
            zone.add_set(&set);
        }
        let signalled = |child: &&Child| child.state == State::Signalled;
        for child in children.iter().filter(signalled) {
            for (host, _) in &hosts {
                // Names of a farm are short: theirs and ours together fit.
                let Ok(at) = signal_name(&child.name, host) else {
                    continue;
                };
                for set in child.signals(0) {
                    zone.add(&at, set.rtype, set.data);
                }
            }
        }
        let day = std::time::Duration::from_secs(86_400);
        zone.signed(&Signing {
            ksks: vec![self.ksk()],
            zsks: vec![self.key("zsk", ZONE_KEY)],
            inception: now.before(14 * day),
            expiration: now + 14 * day,
            denial: Denial::Nsec,
        })
    }
}

/// `_dsboot.CHILD._signal.HOST` (RFC 9615 §2).
fn signal_name(child: &Name, host: &Name) -> Result<Name, counterpoint_dns::name::BadName> {
    let text = format!("_dsboot.{child}_signal.{host}");
    counterpoint_dns::name::parse_name(&text)
}
