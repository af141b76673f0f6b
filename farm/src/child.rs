//! One child: its keys, its zone as each of its servers has it, its delegation before and after.

use std::{collections::BTreeSet, net::IpAddr, net::Ipv4Addr, time::Duration};

use counterpoint_dns::{
    key::{Algorithm, DIGEST_SHA256, SECURE_ENTRY_POINT, SigningKey, ZONE_KEY},
    name::{Name, RecordType},
    rdata::{Csync, Rdata, Soa},
    rrset::{RrSet, SignedRrSet},
    stream::octets,
    time::Timestamp,
};

use crate::{
    State,
    zone::{Denial, Signing, TTL, Zone},
};

/// Serial of every child.
const SERIAL: u32 = 2_026_010_100;
/// How far signatures reach back and forward.
const VALIDITY: Duration = Duration::from_secs(14 * 86_400);

/// What the parent should have when every rule was followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    /// What it has now, to the octet.
    Same,
    /// This DS RRset; an empty one is none.
    Ds(BTreeSet<Rdata>),
    /// The delegation as the child has it: NS, and glue.
    Delegation(Vec<RrSet>),
}

/// A child of the farm's parent.
#[derive(Clone, Debug)]
pub struct Child {
    /// Its name.
    pub name: Name,
    /// What it publishes.
    pub state: State,
    /// The operator that serves it: its place in the plan.
    pub operator: usize,
    /// The nameserver names of the delegation, with addresses if these are glue of its own.
    pub hosts: Vec<(Name, Vec<IpAddr>)>,
    /// The nameserver names and addresses that it has itself.
    own_hosts: Vec<(Name, Vec<IpAddr>)>,
    seed: u64,
}

impl Child {
    /// A child that is served under `hosts`, at `addresses`.
    pub fn new(
        name: Name,
        state: State,
        operator: usize,
        hosts: &[Name],
        addresses: &[Ipv4Addr],
        seed: u64,
    ) -> Self {
        let out = || {
            hosts
                .iter()
                .map(|host| (host.clone(), Vec::new()))
                .collect()
        };
        let (mut before, mut own): (Vec<_>, Vec<_>) = (out(), out());
        if state == State::CsyncChange {
            // ns1 stays; ns2 leaves; ns3, at the same server, comes and has an AAAA as well.
            let named = |label: &str| name.prepend_label(label).unwrap_or_else(|_| name.clone());
            let at = |which: usize| addresses.get(which % addresses.len().max(1)).copied();
            let v4 = |which| at(which).map(IpAddr::V4);
            // A mapped address is asked over IPv4: nothing leaves 127.0.0.0/8.
            let v6 = |which| at(which).map(|v4| IpAddr::V6(v4.to_ipv6_mapped()));
            let ns1 = (named("ns1"), Vec::from_iter(v4(0)));
            before = vec![ns1.clone(), (named("ns2"), Vec::from_iter(v4(1)))];
            own = vec![
                ns1,
                (named("ns3"), v4(1).into_iter().chain(v6(1)).collect()),
            ];
        }
        Self {
            name,
            state,
            operator,
            hosts: before,
            own_hosts: own,
            seed,
        }
    }

    fn key(&self, what: &str, flags: u16) -> SigningKey {
        let seed = octets(self.seed, &format!("{} {what}", self.name));
        SigningKey::from_seed(Algorithm::EcdsaP256Sha256, flags, seed)
    }

    /// The key that the DS RRset names now.
    pub fn old_key(&self) -> SigningKey {
        self.key("ksk old", ZONE_KEY | SECURE_ENTRY_POINT)
    }

    /// The key that a rollover leads to.
    pub fn new_key(&self) -> SigningKey {
        self.key("ksk new", ZONE_KEY | SECURE_ENTRY_POINT)
    }

    fn ds(&self, key: &SigningKey) -> Option<Rdata> {
        let ds = key.public().ds(&self.name, DIGEST_SHA256);
        ds.map(|ds| ds.to_rdata())
    }

    /// What the parent has of it now: NS, DS, and glue of its own.
    pub fn delegation(&self) -> Vec<RrSet> {
        let mut sets = ns_and_glue(&self.name, &self.hosts);
        if self.state.is_secure() {
            let ds = self.ds(&self.old_key());
            sets.push(RrSet::new(self.name.clone(), RecordType::DS, TTL, ds));
        }
        sets
    }

    /// What the parent should have of it once a scanner was there that bootstraps by RFC 9615.
    pub fn after(&self) -> After {
        let new = || self.ds(&self.new_key()).into_iter().collect();
        let old = || self.ds(&self.old_key()).into_iter().collect();
        match self.state {
            State::Rollover | State::CdsOnly | State::CdnskeyOnly | State::Everything => {
                After::Ds(new())
            }
            State::Signalled => After::Ds(old()),
            State::Delete => After::Ds(BTreeSet::new()),
            State::CsyncChange => After::Delegation(ns_and_glue(&self.name, &self.own_hosts)),
            _ => After::Same,
        }
    }

    /// CDS and CDNSKEY at its apex, as the server at this place has them.
    pub fn signals(&self, server: usize) -> Vec<RrSet> {
        let key = match (self.state, server) {
            (State::Unchanged | State::Signalled | State::Unsignalled, _) => self.old_key(),
            (State::Inconsistent, 1) => self.old_key(),
            _ => self.new_key(),
        };
        let set = |rtype, data: Option<Rdata>| RrSet::new(self.name.clone(), rtype, TTL, data);
        let cds = set(RecordType::CDS, self.ds(&key));
        let cdnskey = set(RecordType::CDNSKEY, Some(key.public().to_rdata()));
        let octets = |octets: &[u8]| Some(Rdata::from_octets(octets));
        match self.state {
            State::Quiet
            | State::QuietNsec3
            | State::CsyncOnly
            | State::CsyncChange
            | State::Insecure => Vec::new(),
            State::CdsOnly => vec![cds],
            State::CdnskeyOnly => vec![cdnskey],
            State::Delete => vec![
                set(RecordType::CDS, octets(&[0, 0, 0, 0, 0])),
                set(RecordType::CDNSKEY, octets(&[0, 0, 3, 0, 0])),
            ],
            State::MalformedDelete => vec![set(RecordType::CDS, octets(&[0, 0, 0, 0, 0, 1]))],
            _ => vec![cds, cdnskey],
        }
    }

    /// Its zone as the server at this place has it.
    pub fn zone(&self, server: usize, now: Timestamp) -> Vec<SignedRrSet> {
        let mut zone = Zone::new(self.name.clone(), TTL);
        zone.add(&self.name, RecordType::SOA, [soa(&self.name)]);
        for set in ns_and_glue(&self.name, &self.own_hosts) {
            zone.add_set(&set);
        }
        let text = Rdata::from_octets([&[4][..], b"farm"].concat());
        zone.add(&self.name, RecordType::TXT, [text]);
        if let Some((host, addresses)) = self.hosts.last()
            && self.state == State::CsyncChange
        {
            // The server that leaves can still be found.
            for set in addresses_of(host, addresses) {
                zone.add_set(&set);
            }
        }
        for set in self.signals(server) {
            zone.add_set(&set);
        }
        if let Some(csync) = self.csync() {
            zone.add(&self.name, RecordType::CSYNC, [csync.to_rdata()]);
        }
        if !self.state.is_signed() {
            return zone.unsigned();
        }
        let mut sets = zone.signed(&self.signing(now));
        if self.state == State::BogusCds {
            sets.iter_mut()
                .filter(|signed| matches!(signed.set.rtype, RecordType::CDS | RecordType::CDNSKEY))
                .flat_map(|signed| &mut signed.signatures)
                .for_each(|rrsig| {
                    let broken: Vec<u8> = rrsig.signature.iter().map(|octet| !octet).collect();
                    rrsig.signature = broken.into();
                });
        }
        sets
    }

    fn csync(&self) -> Option<Csync> {
        let types = match self.state {
            State::CsyncOnly | State::Everything => vec![RecordType::NS],
            State::CsyncChange => vec![RecordType::NS, RecordType::A, RecordType::AAAA],
            _ => return None,
        };
        Some(Csync {
            serial: SERIAL,
            flags: Csync::IMMEDIATE | Csync::SOA_MINIMUM,
            types,
        })
    }

    fn signing(&self, now: Timestamp) -> Signing {
        let rolls = matches!(
            self.state,
            State::Rollover
                | State::CdsOnly
                | State::CdnskeyOnly
                | State::Everything
                | State::Inconsistent
                | State::BogusCds
                | State::Expired
        );
        let mut ksks = vec![self.old_key()];
        ksks.extend(rolls.then(|| self.new_key()));
        let now = match self.state {
            State::Expired => now.before(VALIDITY + VALIDITY),
            _ => now,
        };
        Signing {
            ksks,
            zsks: vec![self.key("zsk", ZONE_KEY)],
            inception: now.before(VALIDITY),
            expiration: now + VALIDITY,
            denial: match self.state {
                State::QuietNsec3 => Denial::Nsec3,
                _ => Denial::Nsec,
            },
        }
    }
}

/// The SOA of every zone of the farm.
pub fn soa(zone: &Name) -> Rdata {
    let named = |label: &str| zone.prepend_label(label).unwrap_or_else(|_| zone.clone());
    Soa {
        mname: named("primary"),
        rname: named("hostmaster"),
        serial: SERIAL,
        refresh: 86_400,
        retry: 3_600,
        expire: 30 * 86_400,
        minimum: 300,
    }
    .to_rdata()
}

/// The NS RRset of `zone` for these hosts, and the addresses that go with it.
pub fn ns_and_glue(zone: &Name, hosts: &[(Name, Vec<IpAddr>)]) -> Vec<RrSet> {
    let names = hosts.iter().map(|(host, _)| Rdata::name(host));
    let mut sets = vec![RrSet::new(zone.clone(), RecordType::NS, TTL, names)];
    for (host, addresses) in hosts {
        sets.extend(addresses_of(host, addresses));
    }
    sets
}

fn addresses_of(host: &Name, addresses: &[IpAddr]) -> Vec<RrSet> {
    let of = |rtype, is: fn(&IpAddr) -> bool| {
        let data = addresses.iter().copied().filter(is).map(Rdata::address);
        RrSet::new(host.clone(), rtype, TTL, data)
    };
    let v4 = of(RecordType::A, IpAddr::is_ipv4);
    let v6 = of(RecordType::AAAA, IpAddr::is_ipv6);
    let sets = [v4, v6].into_iter();
    sets.filter(|set| !set.data.is_empty()).collect()
}
