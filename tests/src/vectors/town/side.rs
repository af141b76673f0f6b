//! The parent's side of the delegation: from words to RRsets, and into the zone.

use std::net::IpAddr;

use counterpoint_dns::{
    name::{Name, RecordType},
    rdata::Rdata,
    rrset::RrSet,
};

use super::{PARENT_TTL, Town};
use crate::vectors::{
    layer::{self, Map, Words},
    site::{Around, ttl_of},
};

impl Town {
    /// Writes what is said into the parent's zone; of what is not said, nothing changes.
    pub(super) fn edit_parent(
        &mut self,
        side: &layer::ParentSide,
        ttls: &Map<u32>,
    ) -> Result<(), String> {
        for set in self.read_side(side, ttls)? {
            self.authorities[1].primary.contents.put(set);
        }
        Ok(())
    }

    /// The RRsets that a parent's side names; those that it names as gone are empty.
    pub fn read_side(
        &self,
        side: &layer::ParentSide,
        ttls: &Map<u32>,
    ) -> Result<Vec<RrSet>, String> {
        let around = Around {
            child: &self.child,
            keys: &self.keys,
            hosts: &self.hosts,
            addresses: &[],
            begin: self.begin,
        };
        let ttl = |rtype| ttl_of(ttls, rtype, PARENT_TTL);
        let set = |name: &Name, rtype, data| RrSet::new(name.clone(), rtype, ttl(rtype), data);
        let mut sets = Vec::new();
        let read_ds = |words: &Words| -> Result<Vec<Rdata>, String> {
            let reader = around.reader();
            words
                .iter()
                .map(|text| reader.data(RecordType::DS, text))
                .collect()
        };
        if let Some(words) = &side.ds {
            sets.push(set(&self.child, RecordType::DS, read_ds(words)?));
        }
        if let Some(words) = &side.ns {
            let hosts = words
                .iter()
                .map(|word| around.host(word).map(|host| Rdata::name(&host)));
            let hosts = hosts.collect::<Result<Vec<_>, _>>()?;
            sets.push(set(&self.child, RecordType::NS, hosts));
        }
        for (label, words) in &side.glue {
            let host = around.host(label)?;
            let (mut v4, mut v6) = (Vec::new(), Vec::new());
            for word in words.iter().flatten() {
                let address: IpAddr = word.parse().map_err(|_| format!("glue `{word}`"))?;
                if address.is_ipv4() { &mut v4 } else { &mut v6 }.push(Rdata::address(address));
            }
            sets.push(set(&host, RecordType::A, v4));
            sets.push(set(&host, RecordType::AAAA, v6));
        }
        for (at, words) in &side.records {
            sets.push(around.set(at, PARENT_TTL, words.as_deref().unwrap_or_default())?);
        }
        Ok(sets)
    }
}
