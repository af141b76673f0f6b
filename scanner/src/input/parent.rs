//! Everything that is kept of the parent's zone: its delegations and the addresses in it.
//!
//! Made for millions of delegations: names are keys, nameserver names are numbers, record data are
//! octets. A [`Delegation`] is built when it is asked for.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use counterpoint_dns::{
    name::{Name, RecordType},
    rdata::Rdata,
    rrset::RrSet,
};

use super::key::{key_of, name_of};
use crate::{delegation::Delegation, gather::phase::ZoneAddresses};

/// How many oddities are told with their names; the rest is counted.
const ODDITIES_MAX: usize = 20;

/// One nameserver name, by number.
type Host = u32;

#[derive(Clone, Debug, Default)]
struct Held {
    ns_ttl: u32,
    ds_ttl: u32,
    ns: Vec<Host>,
    /// Each DS record's data, preceded by its length in one octet.
    ds: Vec<u8>,
}

#[derive(Clone, Debug, Default)]
struct Addresses {
    v4_ttl: u32,
    v6_ttl: u32,
    v4: Vec<Ipv4Addr>,
    v6: Vec<Ipv6Addr>,
}

/// What the parent delegates.
#[derive(Clone, Debug)]
pub struct Parent {
    zone: Name,
    serial: Option<u32>,
    delegations: BTreeMap<Box<[u8]>, Held>,
    hosts: BTreeMap<Arc<[u8]>, Host>,
    host_keys: Vec<Arc<[u8]>>,
    /// How many delegations name each host.
    users: Vec<u32>,
    addresses: BTreeMap<Host, Addresses>,
    oddities: Vec<String>,
    oddities_count: u64,
}

impl Parent {
    /// A zone of which nothing is known yet.
    pub fn new(zone: Name) -> Self {
        Self {
            zone,
            serial: None,
            delegations: BTreeMap::new(),
            hosts: BTreeMap::new(),
            host_keys: Vec::new(),
            users: Vec::new(),
            addresses: BTreeMap::new(),
            oddities: Vec::new(),
            oddities_count: 0,
        }
    }

    /// The zone.
    pub fn zone(&self) -> &Name {
        &self.zone
    }

    /// Serial of its SOA, if that was read.
    pub fn serial(&self) -> Option<u32> {
        self.serial
    }

    /// Notes the SOA's serial.
    pub fn set_serial(&mut self, serial: u32) {
        self.serial = Some(serial);
    }

    /// How many delegations there are.
    pub fn len(&self) -> usize {
        self.delegations.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.delegations.is_empty()
    }

    /// What in the zone is odd but does no harm here, and how often such things were found.
    pub fn oddities(&self) -> (&[String], u64) {
        (&self.oddities, self.oddities_count)
    }

    /// Takes an NS record of a delegation.
    pub fn add_ns(&mut self, owner: Box<[u8]>, ttl: u32, host: &[u8]) {
        let host = self.host(host);
        let held = self.delegations.entry(owner).or_default();
        held.ns_ttl = lowest(held.ns_ttl, ttl, held.ns.is_empty());
        if !held.ns.contains(&host) {
            held.ns.push(host);
        }
    }

    /// Takes a DS record's data. Data longer than 255 octets are no digest of anything.
    pub fn add_ds(&mut self, owner: Box<[u8]>, ttl: u32, data: &[u8]) {
        let Ok(length) = u8::try_from(data.len()) else {
            self.note_oddity(|| format!("{} DS: longer than any digest", name_of(&owner)));
            return;
        };
        let held = self.delegations.entry(owner).or_default();
        held.ds_ttl = lowest(held.ds_ttl, ttl, held.ds.is_empty());
        held.ds.reserve_exact(data.len() + 1);
        held.ds.push(length);
        held.ds.extend_from_slice(data);
    }

    /// Takes an address record.
    pub fn add_address(&mut self, owner: &[u8], ttl: u32, address: IpAddr) {
        let host = self.host(owner);
        let known = self.addresses.entry(host).or_default();
        match address {
            IpAddr::V4(v4) => {
                known.v4_ttl = lowest(known.v4_ttl, ttl, known.v4.is_empty());
                known.v4.push(v4);
            }
            IpAddr::V6(v6) => {
                known.v6_ttl = lowest(known.v6_ttl, ttl, known.v6.is_empty());
                known.v6.push(v6);
            }
        }
    }

    /// Ends the reading: what is below another delegation is hidden by it, and goes.
    pub fn finish(mut self) -> Self {
        let mut odd: Vec<String> = Vec::new();
        let mut count = 0;
        let mut note = |what: &dyn Fn() -> String| {
            count += 1;
            if odd.len() < ODDITIES_MAX {
                odd.push(what());
            }
        };
        let mut above: Option<Box<[u8]>> = None;
        self.delegations.retain(|key, held| {
            if held.ns.is_empty() {
                note(&|| format!("{} has a DS RRset and no NS RRset", name_of(key)));
                return false;
            }
            // Text is the only form of a name in files and stores, and some octets have none there.
            if !key.iter().all(|octet| matches!(octet, 0 | b'!'..=b'~')) {
                note(&|| {
                    format!(
                        "{} has octets that are not printable: not scanned",
                        name_of(key)
                    )
                });
                return false;
            }
            if let Some(above) = above.as_ref().filter(|above| key.starts_with(above)) {
                note(&|| {
                    format!(
                        "{} lies below the delegation {}",
                        name_of(key),
                        name_of(above)
                    )
                });
                return false;
            }
            above = Some(key.clone());
            held.ns.shrink_to_fit();
            true
        });
        self.oddities.extend(odd);
        self.oddities_count += count;
        self.users = vec![0; self.host_keys.len()];
        for held in self.delegations.values() {
            for host in &held.ns {
                if let Some(users) = self.users.get_mut(*host as usize) {
                    *users += 1;
                }
            }
        }
        self
    }

    /// The delegation of a child.
    pub fn delegation(&self, child: &Name) -> Option<Delegation> {
        let (key, held) = self.delegations.get_key_value(&*key_of(child))?;
        Some(self.build(key, held))
    }

    /// Whether the parent delegates this name.
    pub fn delegates(&self, child: &Name) -> bool {
        self.delegations.contains_key(&*key_of(child))
    }

    /// All delegations, in canonical order.
    pub fn delegations(&self) -> impl Iterator<Item = Delegation> {
        let all = self.delegations.iter();
        all.map(|(key, held)| self.build(key, held))
    }

    /// The children, in canonical order.
    pub fn children(&self) -> impl Iterator<Item = Name> {
        self.delegations.keys().map(|key| name_of(key))
    }

    /// How many children each operator has, of these: the domain that its nameserver names are in.
    pub fn zones_of(&self, operators: &BTreeSet<Name>) -> BTreeMap<Name, u64> {
        let keys: BTreeMap<Box<[u8]>, &Name> =
            operators.iter().map(|name| (key_of(name), name)).collect();
        // By host first: a million delegations name few hosts.
        let operator_of = |key: &Arc<[u8]>| {
            let parent = key.get(..key.len().saturating_sub(1))?;
            let end = parent
                .iter()
                .rposition(|octet| *octet == 0)
                .map_or(0, |zero| zero + 1);
            keys.get(&key[..end]).copied()
        };
        let by_host: Vec<Option<&Name>> = self.host_keys.iter().map(operator_of).collect();
        let mut zones: BTreeMap<Name, u64> = BTreeMap::new();
        for held in self.delegations.values() {
            let hosts = held
                .ns
                .iter()
                .filter_map(|host| *by_host.get(*host as usize)?);
            for operator in BTreeSet::from_iter(hosts) {
                *zones.entry(operator.clone()).or_default() += 1;
            }
        }
        zones
    }

    /// Every address that the zone has for a name.
    fn known_addresses(&self, name: &Name) -> BTreeSet<IpAddr> {
        let known = self.hosts.get(&*key_of(name));
        let known = known.and_then(|host| self.addresses.get(host));
        let known = known.into_iter();
        known
            .flat_map(|known| {
                let v4 = known.v4.iter().copied().map(IpAddr::V4);
                v4.chain(known.v6.iter().copied().map(IpAddr::V6))
            })
            .collect()
    }

    fn build(&self, key: &[u8], held: &Held) -> Delegation {
        let child = name_of(key);
        let names = held
            .ns
            .iter()
            .filter_map(|host| self.host_keys.get(*host as usize));
        let names: Vec<Rdata> = names.map(|key| Rdata::name(&name_of(key))).collect();
        let ns = RrSet::new(child.clone(), RecordType::NS, held.ns_ttl, names);
        let mut ds = Vec::new();
        let mut rest = held.ds.as_slice();
        while let Some((length, after)) = rest.split_first() {
            let Some((data, after)) = after.split_at_checked(usize::from(*length)) else {
                break;
            };
            ds.push(Rdata::from_octets(data));
            rest = after;
        }
        let ds =
            (!ds.is_empty()).then(|| RrSet::new(child.clone(), RecordType::DS, held.ds_ttl, ds));
        let below = self
            .hosts
            .range::<[u8], _>((std::ops::Bound::Included(key), std::ops::Bound::Unbounded));
        let below = below
            .take_while(|(host, _)| host.starts_with(key))
            .map(|(_, host)| *host);
        let concerned: BTreeSet<Host> = held.ns.iter().copied().chain(below).collect();
        let mut glue = BTreeMap::new();
        let mut shared = BTreeSet::new();
        for host in concerned {
            let (Some(known), Some(key)) =
                (self.addresses.get(&host), self.host_keys.get(host as usize))
            else {
                continue;
            };
            let name = name_of(key);
            let own = u32::from(held.ns.contains(&host));
            if self
                .users
                .get(host as usize)
                .is_some_and(|users| *users > own)
            {
                shared.insert(name.clone());
            }
            let v4 = known.v4.iter().copied().map(IpAddr::V4);
            let v6 = known.v6.iter().copied().map(IpAddr::V6);
            let sets: [(RecordType, u32, Vec<IpAddr>); 2] = [
                (RecordType::A, known.v4_ttl, v4.collect()),
                (RecordType::AAAA, known.v6_ttl, v6.collect()),
            ];
            for (rtype, ttl, addresses) in sets {
                if addresses.is_empty() {
                    continue;
                }
                let data = addresses.into_iter().map(Rdata::address);
                let set = RrSet::new(name.clone(), rtype, ttl, data);
                glue.insert((name.clone(), rtype), set);
            }
        }
        Delegation {
            child,
            ns,
            ds,
            glue,
            shared,
        }
    }

    fn host(&mut self, key: &[u8]) -> Host {
        if let Some(host) = self.hosts.get(key) {
            return *host;
        }
        let host = self.host_keys.len() as Host;
        let key: Arc<[u8]> = key.into();
        self.host_keys.push(key.clone());
        self.hosts.insert(key, host);
        host
    }

    fn note_oddity(&mut self, what: impl FnOnce() -> String) {
        self.oddities_count += 1;
        if self.oddities.len() < ODDITIES_MAX {
            self.oddities.push(what());
        }
    }
}

impl ZoneAddresses for Parent {
    fn addresses_of(&self, name: &Name) -> BTreeSet<IpAddr> {
        self.known_addresses(name)
    }
}

/// The TTL of an RRset whose records differ in it (RFC 2181 §5.2).
fn lowest(known: u32, ttl: u32, is_first: bool) -> u32 {
    match is_first {
        true => ttl,
        false => known.min(ttl),
    }
}
