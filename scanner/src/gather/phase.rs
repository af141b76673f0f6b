//! The phases of a child's scan: what each asks, and which comes next.
//!
//! Addresses → glance → signals → reading → keys → new addresses → new servers; for a first DS RRset
//! addresses → glance → signals → keys → vouching. A child that asks for nothing new costs one or two
//! questions to one server and ends there; a deeper scan does not glance, and asks every address
//! for CDS, CDNSKEY and CSYNC.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
};

use counterpoint_dns::{
    agent::Transport,
    message::Question,
    name::{Name, RecordType},
};

use super::{Answer, Gathered, Sequence, Server};
use crate::{
    config::Sabotage,
    delegation::Delegation,
    judge::{Proposal, is_in_bailiwick},
    policy::Policy,
};

/// The port on which nameservers listen.
pub const PORT: u16 = 53;

/// Where a scan of a child is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Finds every address of every nameserver name of the delegation.
    Addresses,
    /// One question after the other to one of them, until it is clear whether to ask all.
    Glance,
    /// CDS, CDNSKEY and CSYNC from each of them.
    Signals,
    /// SOA, CSYNC, data, SOA, from each server that has a CSYNC (C-09, C-10).
    Reading,
    /// DNSKEY from each of them, and SOA where no reading has it: there is something to judge.
    Keys,
    /// CDS and CDNSKEY under each signalling name, by fresh questions of the resolver.
    Vouching,
    /// Finds the addresses of the nameservers that a CSYNC brings.
    NewAddresses,
    /// DNSKEY and SOA from each of these (X-17, M-01).
    NewServers,
    /// Everything is there.
    Done,
}

/// One of the servers of a [`Gathered`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Of the delegation as it is.
    Current(usize),
    /// Of the delegation as a CSYNC wants it.
    Added(usize),
}

/// Which answer of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    /// CDS.
    Cds,
    /// CDNSKEY.
    Cdnskey,
    /// CSYNC, as first asked for.
    Csync,
    /// DNSKEY.
    Dnskey,
    /// SOA.
    Soa,
    /// The reading's first SOA.
    SoaBefore,
    /// The reading's CSYNC.
    ReadCsync,
    /// The reading's NS.
    Ns,
    /// The reading's addresses of a nameserver name.
    Address(Name, RecordType),
    /// The reading's last SOA.
    SoaAfter,
}

impl Slot {
    /// The question that fills it.
    pub fn question(&self, child: &Name) -> Question {
        let rtype = match self {
            Self::Cds => RecordType::CDS,
            Self::Cdnskey => RecordType::CDNSKEY,
            Self::Csync | Self::ReadCsync => RecordType::CSYNC,
            Self::Dnskey => RecordType::DNSKEY,
            Self::Soa | Self::SoaBefore | Self::SoaAfter => RecordType::SOA,
            Self::Ns => RecordType::NS,
            Self::Address(host, rtype) => return Question::new(host.clone(), *rtype),
        };
        Question::new(child.clone(), rtype)
    }

    /// C-10: a reading stays on streams; the rest begins with datagrams.
    pub fn transport(&self) -> Transport {
        match self {
            Self::Cds | Self::Cdnskey | Self::Csync | Self::Dnskey | Self::Soa => Transport::Udp,
            _ => Transport::Tcp,
        }
    }

    /// What is in its place in a server; nothing for the slots of a reading.
    pub fn seen<'a>(&self, server: &'a Server) -> Option<&'a Answer> {
        match self {
            Self::Cds => Some(&server.cds),
            Self::Cdnskey => Some(&server.cdnskey),
            Self::Csync => Some(&server.csync),
            Self::Dnskey => Some(&server.dnskey),
            Self::Soa => Some(&server.soa),
            _ => None,
        }
    }

    /// Its place in a server.
    pub fn of<'a>(&self, server: &'a mut Server) -> &'a mut Answer {
        match self {
            Self::Cds => &mut server.cds,
            Self::Cdnskey => &mut server.cdnskey,
            Self::Csync => &mut server.csync,
            Self::Dnskey => &mut server.dnskey,
            Self::Soa => &mut server.soa,
            slot => {
                let sequence = server.sequence.get_or_insert_default();
                match slot {
                    Self::SoaBefore => &mut sequence.soa_before,
                    Self::ReadCsync => &mut sequence.csync,
                    Self::Ns => &mut sequence.ns,
                    Self::Address(host, rtype) => sequence
                        .addresses
                        .entry((host.clone(), *rtype))
                        .or_default(),
                    _ => &mut sequence.soa_after,
                }
            }
        }
    }
}

/// Addresses in the parent's zone, however they are held.
pub trait ZoneAddresses: std::fmt::Debug + Send + Sync {
    /// All addresses of a name.
    fn addresses_of(&self, name: &Name) -> BTreeSet<IpAddr>;
}

impl ZoneAddresses for BTreeMap<Name, BTreeSet<IpAddr>> {
    fn addresses_of(&self, name: &Name) -> BTreeSet<IpAddr> {
        self.get(name).cloned().unwrap_or_default()
    }
}

/// Everything known about where nameserver names lead, besides the delegation's own glue.
#[derive(Clone, Copy, Debug)]
pub struct AddressBook<'a> {
    /// Addresses in the parent's zone.
    pub zone: &'a dyn ZoneAddresses,
    /// Addresses in the configuration.
    pub configured: &'a BTreeMap<Name, BTreeSet<IpAddr>>,
    /// Addresses that the resolver found.
    pub resolved: &'a BTreeMap<Name, BTreeSet<IpAddr>>,
}

impl AddressBook<'_> {
    /// all of them, wherever they are known from.
    pub fn of(&self, host: &Name) -> BTreeSet<IpAddr> {
        let known = [self.configured, self.resolved].into_iter();
        let known = known.filter_map(|known| known.get(host)).flatten().copied();
        self.zone
            .addresses_of(host)
            .into_iter()
            .chain(known)
            .collect()
    }
}

/// One server an address, one a name that leads nowhere.
pub fn servers<'a>(hosts: impl IntoIterator<Item = (&'a Name, BTreeSet<IpAddr>)>) -> Vec<Server> {
    let mut by_address: BTreeMap<SocketAddr, Server> = BTreeMap::new();
    let mut nowhere = Vec::new();
    for (host, addresses) in hosts {
        if addresses.is_empty() {
            nowhere.push(Server::new(host.clone(), None));
        }
        for address in addresses {
            let at = SocketAddr::new(address, PORT);
            by_address
                .entry(at)
                .or_insert_with(|| Server::new(host.clone(), Some(at)))
                .hosts
                .insert(host.clone());
        }
    }
    by_address.into_values().chain(nowhere).collect()
}

/// The nameserver names whose addresses are asked: all of them.
pub fn hosts_to_ask(delegation: &Delegation, policy: &Policy) -> BTreeSet<Name> {
    let mut hosts = delegation.hosts();
    if policy.has(Sabotage::FirstNsOnly) {
        hosts = hosts.into_iter().take(1).collect();
    }
    hosts
}

/// What a server is asked for signals.
pub fn signal_slots(policy: &Policy, is_secure: bool) -> impl Iterator<Item = Slot> {
    let cds = policy.cds.then_some([Slot::Cds, Slot::Cdnskey]);
    // C-02: of an insecure child no CSYNC can be used.
    let csync = (policy.csync.enabled && is_secure).then_some(Slot::Csync);
    cds.into_iter().flatten().chain(csync)
}

/// Whether any server has a CSYNC.
pub fn has_csync(gathered: &Gathered) -> bool {
    let mut servers = gathered.servers.iter();
    servers.any(|server| server.csync.present().is_some())
}

/// What the first readable CSYNC asks for, if that is a change.
pub fn proposal(gathered: &Gathered, policy: &Policy) -> Option<Proposal> {
    let mut sequences = gathered
        .servers
        .iter()
        .filter_map(|server| server.sequence.as_ref());
    sequences
        .find_map(|sequence| Proposal::read(&gathered.delegation, sequence, policy))
        .filter(|proposal| !proposal.sets.iter().all(|set| set.is_noop()))
}

/// The next question of a reading; nothing if it is complete, or broke off.
pub fn next_to_read(delegation: &Delegation, sequence: &Sequence, policy: &Policy) -> Option<Slot> {
    if sequence.broke_off() {
        return None;
    }
    let is_open = |answer: &Answer| matches!(answer, Answer::NotAsked);
    if is_open(&sequence.soa_before) {
        return Some(Slot::SoaBefore);
    }
    if is_open(&sequence.csync) {
        return Some(Slot::ReadCsync);
    }
    // C-26: without a CSYNC there is nothing to read on for.
    let csync = sequence.record()?;
    // C-21: NS before addresses.
    if csync.types.contains(&RecordType::NS) && is_open(&sequence.ns) {
        return Some(Slot::Ns);
    }
    let hosts = crate::judge::hosts(delegation, &csync, sequence).unwrap_or_default();
    for host in hosts {
        // C-22: addresses of other names are not the child's to give.
        if !is_in_bailiwick(policy, &delegation.child, &host) {
            continue;
        }
        for rtype in [RecordType::A, RecordType::AAAA] {
            let key = (host.clone(), rtype);
            if csync.types.contains(&rtype) && sequence.addresses.get(&key).is_none_or(is_open) {
                return Some(Slot::Address(key.0, rtype));
            }
        }
    }
    is_open(&sequence.soa_after).then_some(Slot::SoaAfter)
}
