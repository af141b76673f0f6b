//! Whose servers a zone has: the delegation's or the child's own, and where they are.
//!
//! The part of a walk that goes down. Knows nothing of what servers say or whether they answer.

use std::{net::IpAddr, sync::Arc};

use crate::{
    message::Question,
    name::{Name, RecordType},
    resolver::{
        cache::{Cut, Entry, Held},
        config::View,
        reading::names_of,
        walk::{Stop, Walk},
    },
};

impl Walk<'_> {
    /// The child's own NS RRset, if it counts and is held.
    pub(super) fn child_ns(&self, zone: &Name) -> Option<Arc<Entry>> {
        if self.config.view == View::ParentCentric || zone.is_root() {
            return None;
        }
        let question = Question::new(zone.clone(), RecordType::NS);
        let entry = self.cache.answer(&question, self.now, self.job.started)?;
        let is_apex = entry.zone == *zone && matches!(entry.held, Held::Answer(..));
        is_apex.then_some(entry)
    }

    /// Has the child asked for its NS RRset where it is not held, or in the last tenth of its life.
    pub(super) fn refresh_servers(&mut self, question: &Question, zone: &Name) -> Result<(), Stop> {
        let ns = Question::new(zone.clone(), RecordType::NS);
        let part_of_it =
            question.name == *zone && matches!(question.rtype, RecordType::NS | RecordType::DNSKEY);
        if zone.is_root() || part_of_it || self.path.contains(zone) {
            return Ok(());
        }
        if let Some(entry) = self.child_ns(zone) {
            let life = entry.expires - entry.fetched;
            if entry.fetched >= self.job.started || entry.left(self.now) > life / 10 {
                return Ok(());
            }
        } else if self.cache.answer(&ns, self.now, self.job.started).is_some() {
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
        if self.path.contains(zone) {
            return Err(Stop::failed(format!(
                "to find the servers of {zone} one would have to ask them"
            )));
        }
        let cut = self.cut(zone);
        let names = match (self.child_ns(zone), &cut) {
            (Some(entry), _) => match &entry.held {
                Held::Answer(ns, _) => names_of(ns),
                _ => Vec::new(),
            },
            (None, Some(cut)) => cut.names.clone(),
            (None, None) => Vec::new(),
        };
        self.path.push(zone.clone());
        let found = self.addresses(&names, cut.as_deref());
        self.path.pop();
        let mut servers = found?;
        if servers.is_empty()
            && self.child_ns(zone).is_some()
            && let Some(cut) = cut
        {
            self.path.push(zone.clone());
            let found = self.addresses(&cut.names, Some(&cut));
            self.path.pop();
            servers = found?;
        }
        servers.sort_unstable();
        servers.dedup();
        Ok(servers)
    }

    pub(super) fn addresses(
        &mut self,
        names: &[Name],
        cut: Option<&Cut>,
    ) -> Result<Vec<IpAddr>, Stop> {
        let types: &[RecordType] = match self.config.v6 {
            true => &[RecordType::A, RecordType::AAAA],
            false => &[RecordType::A],
        };
        let mut addresses = Vec::new();
        for name in names {
            if let Some(glue) = cut.and_then(|cut| cut.glue.get(name)) {
                let speaks = |address: &&IpAddr| self.config.v6 || address.is_ipv4();
                addresses.extend(glue.iter().filter(speaks));
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
