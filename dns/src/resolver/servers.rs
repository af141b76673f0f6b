//! Whose servers a zone has: the delegation's or the child's own, and where they are.
//!
//! The part of a walk that goes down. Knows nothing of what servers say or whether they answer.

use std::{net::IpAddr, sync::Arc};

use crate::{
    message::Question,
    name::{Name, RecordType},
    resolver::{
        cache::{Cut, Held},
        walk::{Stop, Walk},
    },
};

impl Walk<'_> {
    /// What the zone says of its servers; nothing of the kind is held in the parent-centric view.
    pub(super) fn own(&self, zone: &Name) -> Option<Arc<Cut>> {
        self.cache.own(zone, self.read_at(), self.job.started)
    }

    /// Has the child asked for its NS RRset where it is not held, or in the last tenth of its life.
    pub(super) fn refresh_servers(&mut self, question: &Question, zone: &Name) -> Result<(), Stop> {
        let ns = Question::new(zone.clone(), RecordType::NS);
        let part_of_it =
            question.name == *zone && matches!(question.rtype, RecordType::NS | RecordType::DNSKEY);
        if zone.is_root() || part_of_it || self.path.contains(zone) {
            return Ok(());
        }
        if let Some(own) = self.own(zone) {
            let (life, left) = (own.expires - own.fetched, own.expires - self.now);
            if own.fetched >= self.job.started || left > life / 10 {
                return Ok(());
            }
        } else if self
            .cache
            .answer(&ns, self.read_at(), self.job.started)
            .is_some()
        {
            return Ok(()); // the child denies its own NS RRset: the delegation has to do
        }
        if self.job.stuck.contains_key(&ns) {
            return Ok(());
        }
        let trust = self.trust_at_fetch(&ns, zone)?;
        let servers = self.servers(zone)?;
        if servers.is_empty() {
            return Ok(());
        }
        Err(Stop::Need(Box::new(self.need(
            &ns,
            zone.clone(),
            servers,
            trust,
        ))))
    }

    /// The addresses of the servers of `zone`, all that can be had.
    pub(super) fn servers(&mut self, zone: &Name) -> Result<Vec<IpAddr>, Stop> {
        if zone.is_root() {
            return Ok(self.config.roots.clone());
        }
        let (own, cut) = (self.own(zone), self.cut(zone));
        let found_at = cut.as_ref().and_then(|cut| cut.found_at);
        let sources = || own.iter().chain(&cut);
        let mut servers = Vec::new();
        if self.path.contains(zone) {
            // Servers whose addresses are known can say where the others are.
            let at = self.read_at();
            let known = sources().flat_map(|cut| {
                let names = cut.names.iter();
                names.filter_map(move |name| cut.addresses(name, at))
            });
            servers.extend(known.flatten().copied());
            servers.extend(found_at);
            if servers.is_empty() {
                return Err(Stop::failed(format!(
                    "to find the servers of {zone} one would have to ask them"
                )));
            }
        }
        for source in sources() {
            if servers.is_empty() {
                self.path.push(zone.clone());
                let found = self.addresses(source);
                self.path.pop();
                servers = found?;
            }
        }
        if servers.is_empty() {
            servers.extend(found_at);
        }
        servers.retain(|address| self.config.v6 || address.is_ipv4());
        servers.sort_unstable();
        servers.dedup();
        Ok(servers)
    }

    /// The addresses of the servers that `cut` names, all that can be had.
    fn addresses(&mut self, cut: &Cut) -> Result<Vec<IpAddr>, Stop> {
        let types: &[RecordType] = match self.config.v6 {
            true => &[RecordType::A, RecordType::AAAA],
            false => &[RecordType::A],
        };
        let mut addresses = Vec::new();
        for name in &cut.names {
            if let Some(glue) = cut.addresses(name, self.read_at()) {
                addresses.extend(glue);
                continue;
            }
            for rtype in types {
                match self.obtain(&Question::new(name.clone(), *rtype)) {
                    Ok(entry) => {
                        if let Held::Answer(signed, _) = &entry.held {
                            let data = signed.set.data.iter();
                            addresses.extend(data.filter_map(|data| data.as_address()));
                        }
                    }
                    Err(need @ Stop::Need(_)) => return Err(need),
                    Err(Stop::Stuck(_)) => {} // the other names may do
                }
            }
        }
        Ok(addresses)
    }
}
