//! A delegation as a registry has it, and the commands that lead from one to another.
//!
//! EPP has no transaction over several objects. The order is such that whatever was done when it breaks
//! off is safe: hosts and addresses come, then the domain changes as one, then what nobody needs goes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::IpAddr,
};

use counterpoint_dns::{
    key::Dnskey,
    name::{Name, RecordType, is_at_or_below},
    rdata::Ds,
    rrset::RrSet,
};

use super::command::{Command, DomainUpdate, HostUpdate, Removed, Secured};
use crate::verdict::{Change, Replacement};

/// A delegation, as objects of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegated {
    /// The nameservers of the domain.
    pub ns: BTreeSet<Name>,
    /// What secures it.
    pub secured: Secured,
    /// The TTLs of its RRsets by type, seconds, as far as they are known.
    pub ttls: BTreeMap<String, u32>,
    /// The hosts that there are, of those that matter, with their addresses.
    pub hosts: BTreeMap<Name, BTreeSet<IpAddr>>,
}

/// Why a change cannot be carried to this registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The registry keeps the other kind of what secures a domain.
    OtherInterface,
    /// No key is known of which this DS record is made.
    NoKey(u16),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherInterface => f.write_str(
                "the registry has keys where DS records are to be written, or the reverse: \
                 set `epp.interface` to what it keeps",
            ),
            Self::NoKey(tag) => write!(
                f,
                "the registry wants keys, and the child shows none for the DS record of tag {tag}"
            ),
        }
    }
}

impl std::error::Error for Unfit {}

/// What secures a domain at a registry (RFC 5910 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interface<'a> {
    /// DS records.
    Ds,
    /// Keys; these are known.
    Keys(&'a BTreeSet<Dnskey>),
}

impl Delegated {
    /// What a change has seen, for documents that are made without asking a registry.
    pub fn seen_by(change: &Change) -> Self {
        let mut seen = Self {
            ns: BTreeSet::new(),
            secured: Secured::Ds(BTreeSet::new()),
            ttls: BTreeMap::new(),
            hosts: BTreeMap::new(),
        };
        for set in change.sets.iter().filter_map(|set| set.seen.as_ref()) {
            match set.rtype {
                RecordType::NS => {
                    seen.ns = names(set);
                    for host in names(set) {
                        seen.hosts.entry(host).or_default();
                    }
                }
                RecordType::DS => seen.secured = Secured::Ds(ds_of(set)),
                _ => {
                    let addresses = seen.hosts.entry(set.name.clone()).or_default();
                    addresses.extend(set.data.iter().filter_map(|data| data.as_address()));
                    continue;
                }
            }
            seen.ttls.insert(set.rtype.to_string(), set.ttl);
        }
        seen
    }

    /// The same after a change. `sets_ttls` says whether the registry sets TTLs by request.
    pub fn after(
        &self,
        change: &Change,
        interface: Interface<'_>,
        sets_ttls: bool,
    ) -> Result<Self, Unfit> {
        let mut after = self.clone();
        for Replacement { wanted, .. } in change.changed() {
            match wanted.rtype {
                RecordType::NS => {
                    after.ns = names(wanted);
                    for host in names(wanted) {
                        after.hosts.entry(host).or_default();
                    }
                }
                RecordType::DS => after.secured = self.secured_by(change, wanted, interface)?,
                rtype => {
                    let addresses = after.hosts.entry(wanted.name.clone()).or_default();
                    addresses.retain(|at| at.is_ipv4() != (rtype == RecordType::A));
                    addresses.extend(wanted.data.iter().filter_map(|data| data.as_address()));
                    continue;
                }
            }
            if sets_ttls && !wanted.data.is_empty() {
                after.ttls.insert(wanted.rtype.to_string(), wanted.ttl);
            }
        }
        let Self { ns, hosts, .. } = &mut after;
        // A host of the child's own that nobody is delegated to any more goes with its last address.
        hosts.retain(|host, addresses| {
            ns.contains(host)
                || !addresses.is_empty()
                || !is_at_or_below(host, &change.child)
                || self.hosts.get(host).is_some_and(BTreeSet::is_empty)
        });
        Ok(after)
    }

    fn secured_by(
        &self,
        change: &Change,
        wanted: &RrSet,
        interface: Interface<'_>,
    ) -> Result<Secured, Unfit> {
        let ds = ds_of(wanted);
        let is_other = |found: &Secured| match found {
            Secured::Ds(_) => interface != Interface::Ds,
            Secured::Keys(_) => interface == Interface::Ds,
        };
        if !self.secured.is_empty() && is_other(&self.secured) {
            return Err(Unfit::OtherInterface);
        }
        let Interface::Keys(known) = interface else {
            return Ok(Secured::Ds(ds));
        };
        let mut all = known.clone();
        if let Secured::Keys(there) = &self.secured {
            all.extend(there.iter().cloned());
        }
        let key_of = |ds: &Ds| {
            let key = all.iter().find(|key| key.matches(&change.child, ds));
            key.cloned().ok_or(Unfit::NoKey(ds.tag))
        };
        Ok(Secured::Keys(
            ds.iter().map(key_of).collect::<Result<_, _>>()?,
        ))
    }

    /// Whether an RRset is there, as the registry would publish it. A TTL counts if it is known.
    pub fn publishes(&self, child: &Name, set: &RrSet) -> bool {
        match set.rtype {
            RecordType::NS => self.ns == names(set),
            RecordType::DS => match &self.secured {
                Secured::Ds(there) => *there == ds_of(set),
                Secured::Keys(keys) => {
                    let wanted = ds_of(set);
                    let types: BTreeSet<u8> = wanted.iter().map(|ds| ds.digest_type).collect();
                    let made = keys.iter().flat_map(|key| {
                        let of_type = |digest_type: &u8| key.ds(child, *digest_type);
                        types.iter().filter_map(of_type).collect::<Vec<_>>()
                    });
                    wanted.is_empty() == keys.is_empty() && made.collect::<BTreeSet<_>>() == wanted
                }
            },
            rtype => {
                let there = self.hosts.get(&set.name).into_iter().flatten();
                let there = there.filter(|at| at.is_ipv4() == (rtype == RecordType::A));
                let wanted = set.data.iter().filter_map(|data| data.as_address());
                there.copied().collect::<BTreeSet<_>>() == wanted.collect()
            }
        }
    }

    /// The commands that lead to `wanted`, in an order that is safe wherever it breaks off.
    pub fn commands(&self, child: &Name, wanted: &Self) -> Vec<Command> {
        let mut commands = Vec::new();
        let mut late = Vec::new();
        for (host, addresses) in &wanted.hosts {
            let Some(there) = self.hosts.get(host) else {
                commands.push(Command::HostCreate(host.clone(), addresses.clone()));
                continue;
            };
            let part = |add: BTreeSet<IpAddr>, remove: BTreeSet<IpAddr>| {
                let is_needed = !add.is_empty() || !remove.is_empty();
                let name = host.clone();
                is_needed.then_some(Command::HostUpdate(HostUpdate { name, add, remove }))
            };
            let come: BTreeSet<IpAddr> = addresses.difference(there).copied().collect();
            let go: BTreeSet<IpAddr> = there.difference(addresses).copied().collect();
            match wanted.ns.contains(host) {
                // In one command: it is never without address.
                true => commands.extend(part(come, go)),
                false => {
                    commands.extend(part(come, BTreeSet::new()));
                    late.extend(part(BTreeSet::new(), go));
                }
            }
        }
        commands.extend(self.domain_update(child, wanted));
        commands.extend(late);
        let gone = self.hosts.keys();
        let gone = gone.filter(|host| !wanted.hosts.contains_key(host));
        commands.extend(gone.cloned().map(Command::HostDelete));
        commands
    }

    fn domain_update(&self, child: &Name, wanted: &Self) -> Option<Command> {
        let (remove, add) = differences(&self.secured, &wanted.secured);
        let ttls = wanted.ttls.iter();
        let ttls = ttls.filter(|(rtype, ttl)| self.ttls.get(*rtype) != Some(ttl));
        let update = DomainUpdate {
            name: child.clone(),
            add_ns: wanted.ns.difference(&self.ns).cloned().collect(),
            remove_ns: self.ns.difference(&wanted.ns).cloned().collect(),
            remove,
            add,
            ttls: ttls.map(|(rtype, ttl)| (rtype.clone(), *ttl)).collect(),
        };
        let is_needed = !update.add_ns.is_empty()
            || !update.remove_ns.is_empty()
            || update.remove.is_some()
            || update.add.is_some()
            || !update.ttls.is_empty();
        is_needed.then_some(Command::DomainUpdate(update))
    }
}

/// What goes and what comes. All of it goes at once only where nothing is to stay: what is named must be
/// there, so that a change holds only if the registry has what was seen.
fn differences(there: &Secured, wanted: &Secured) -> (Option<Removed>, Option<Secured>) {
    if wanted.is_empty() {
        return ((!there.is_empty()).then_some(Removed::All), None);
    }
    let (go, come) = match (there, wanted) {
        (Secured::Ds(there), Secured::Ds(wanted)) => (
            Secured::Ds(there.difference(wanted).cloned().collect()),
            Secured::Ds(wanted.difference(there).cloned().collect()),
        ),
        (Secured::Keys(there), Secured::Keys(wanted)) => (
            Secured::Keys(there.difference(wanted).cloned().collect()),
            Secured::Keys(wanted.difference(there).cloned().collect()),
        ),
        // One of them is empty: two kinds are never beside one another.
        (there, wanted) => (there.clone(), wanted.clone()),
    };
    let some = |secured: Secured| (!secured.is_empty()).then_some(secured);
    (some(go).map(Removed::These), some(come))
}

fn names(set: &RrSet) -> BTreeSet<Name> {
    let names = set.data.iter().filter_map(|data| data.as_name());
    names.map(|name| name.to_lowercase()).collect()
}

fn ds_of(set: &RrSet) -> BTreeSet<Ds> {
    set.data.iter().filter_map(Ds::parse).collect()
}
