//! What a CSYNC asks for (RFC 7477 §3.2): the delegation as it would be.
//!
//! Owns what is copied and what is left alone: only types whose bit is set (C-18), glue only for
//! names within the child (C-17, C-22), NS before addresses (C-21).

use std::collections::BTreeSet;

use counterpoint_dns::{
    name::{Name, RecordType, is_at_or_below},
    rdata::Csync,
    rrset::RrSet,
};

use crate::{
    config::Sabotage, delegation::Delegation, gather::Sequence, policy::Policy,
    verdict::Replacement,
};

/// The delegation that a CSYNC asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The CSYNC.
    pub csync: Csync,
    /// The nameserver names that the delegation would have.
    pub hosts: BTreeSet<Name>,
    /// Every RRset of the delegation, as it is and as it would be.
    pub sets: Vec<Replacement>,
}

impl Proposal {
    /// What this server's reading asks for; nothing if its CSYNC or NS cannot be read.
    pub fn read(delegation: &Delegation, sequence: &Sequence, policy: &Policy) -> Option<Self> {
        let csync = sequence.record()?;
        let hosts = hosts(delegation, &csync, sequence)?;
        let mut sets: Vec<Replacement> = delegation.ds.iter().map(Replacement::keep).collect();
        sets.push(if csync.types.contains(&RecordType::NS) {
            let data = sequence.ns.present()?.set.data.iter().cloned();
            let ttl = delegation.ns.ttl;
            let wanted = RrSet::new(delegation.child.clone(), RecordType::NS, ttl, data);
            Replacement::of(Some(&delegation.ns), wanted)
        } else {
            Replacement::keep(&delegation.ns)
        });
        let mut names: BTreeSet<Name> = delegation.hosts();
        names.extend(hosts.iter().cloned());
        for name in names {
            for rtype in [RecordType::A, RecordType::AAAA] {
                let seen = delegation.glue.get(&(name.clone(), rtype));
                let is_asked = csync.types.contains(&rtype)
                    && is_in_bailiwick(policy, &delegation.child, &name);
                let wanted = match (is_asked, hosts.contains(&name)) {
                    (true, true) => sequence
                        .addresses
                        .get(&(name.clone(), rtype))
                        .and_then(|answer| answer.present())
                        .map(|signed| &signed.set),
                    // Its nameserver is gone. What another delegation uses as well stays.
                    (true, false) if !delegation.shared.contains(&name) => None,
                    _ => seen,
                };
                let ttl = seen.map_or(policy.csync.glue_ttl, |set| set.ttl);
                let data = wanted.into_iter().flat_map(|set| set.data.iter().cloned());
                let wanted = RrSet::new(name.clone(), rtype, ttl, data);
                if seen.is_some() || !wanted.data.is_empty() {
                    sets.push(Replacement::of(seen, wanted));
                }
            }
        }
        Some(Self { csync, hosts, sets })
    }

    /// The glue that `host` would have.
    pub fn glue_of(&self, host: &Name) -> impl Iterator<Item = std::net::IpAddr> {
        self.sets
            .iter()
            .filter(move |set| super::case::is_address(set.rtype) && set.name == *host)
            .flat_map(|set| set.wanted.data.iter().filter_map(|data| data.as_address()))
    }
}

/// C-21: with the NS bit the child's NS RRset, without it the parent's.
pub fn hosts(
    delegation: &Delegation,
    csync: &Csync,
    sequence: &Sequence,
) -> Option<BTreeSet<Name>> {
    if !csync.types.contains(&RecordType::NS) {
        return Some(delegation.hosts());
    }
    let ns = &sequence.ns.present()?.set;
    Some(ns.data.iter().filter_map(|data| data.as_name()).collect())
}

/// Whether a nameserver name lies within the child (C-17): by labels, not by letters.
pub fn is_in_bailiwick(policy: &Policy, child: &Name, host: &Name) -> bool {
    if policy.has(Sabotage::SuffixBailiwick) {
        let text = |name: &Name| name.to_string().to_ascii_lowercase();
        return text(host).ends_with(&text(child));
    }
    is_at_or_below(host, child)
}
