//! Zones: their content, and how one server has them, signed or not.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use counterpoint_dns::{
    message::{Question, ResponseCode},
    name::{Name, RecordType},
    rdata::{Ds, Nsec, Rdata, Soa},
    rrset::{RrSet, SignedRrSet},
    signature::Rrsig,
    time::Timestamp,
};
use hickory_proto::op::Message;

use super::{Signer, name, put};

/// The unsigned content of a zone.
#[derive(Clone)]
pub struct Zone {
    pub apex: Name,
    pub sets: BTreeMap<(Name, RecordType), RrSet>,
}

impl Zone {
    /// A zone with a SOA (minimum 300) and these servers.
    pub fn new(apex: &str, servers: &[&str]) -> Self {
        let mut zone = Self {
            apex: name(apex),
            sets: BTreeMap::new(),
        };
        let soa = Soa {
            mname: name(servers[0]),
            rname: name("hostmaster.test."),
            serial: 1,
            refresh: 3600,
            retry: 600,
            expire: 86_400,
            minimum: 300,
        };
        zone.add(apex, RecordType::SOA, 3600, soa.to_rdata());
        zone.with_ns(apex, servers)
    }

    /// Adds one record.
    pub fn add(&mut self, owner: &str, rtype: RecordType, ttl: u32, data: Rdata) {
        let owner = name(owner);
        let fresh = || RrSet::new(owner.clone(), rtype, ttl, []);
        let set = self.sets.entry((owner.clone(), rtype));
        set.or_insert_with(fresh).data.insert(data);
    }

    /// The same with an NS RRset of TTL 3600: its own at the apex, a delegation elsewhere.
    pub fn with_ns(mut self, owner: &str, servers: &[&str]) -> Self {
        self.sets.remove(&(name(owner), RecordType::NS));
        for server in servers {
            self.add(owner, RecordType::NS, 3600, Rdata::name(&name(server)));
        }
        self
    }

    /// The same with an address of TTL 600.
    pub fn with_a(mut self, owner: &str, address: IpAddr) -> Self {
        self.add(owner, RecordType::A, 600, Rdata::address(address));
        self
    }

    /// The same with a DS record of TTL 3600.
    pub fn with_ds(mut self, owner: &str, ds: Ds) -> Self {
        self.add(owner, RecordType::DS, 3600, ds.to_rdata());
        self
    }

    /// The same with an alias of TTL 600.
    pub fn with_cname(mut self, owner: &str, target: &str) -> Self {
        self.add(owner, RecordType::CNAME, 600, Rdata::name(&name(target)));
        self
    }

    /// The same with the keys of these signers in its DNSKEY RRset, TTL 3600.
    pub fn with_keys(mut self, signers: &[&Signer]) -> Self {
        for key in signers.iter().flat_map(|signer| [&signer.ksk, &signer.zsk]) {
            let apex = self.apex.to_string();
            self.add(&apex, RecordType::DNSKEY, 3600, key.public().to_rdata());
        }
        self
    }

    /// As served without signatures.
    pub fn unsigned(&self) -> Served {
        Served::new(self, None)
    }

    /// As served by `signer`, valid from an hour before `now` for `days`.
    pub fn signed(&self, signer: &Signer, now: Timestamp, days: i64) -> Served {
        let from = Timestamp::from_seconds(now.as_seconds() - 3600);
        let until = Timestamp::from_seconds(now.as_seconds() + days * 86_400);
        Served::new(self, Some((signer, from, until)))
    }
}

/// A zone as one server has it.
#[derive(Clone)]
pub struct Served {
    pub apex: Name,
    pub sets: BTreeMap<(Name, RecordType), SignedRrSet>,
    cuts: BTreeSet<Name>,
    signed: bool,
}

impl Served {
    fn new(zone: &Zone, by: Option<(&Signer, Timestamp, Timestamp)>) -> Self {
        let apex = &zone.apex;
        let is_cut =
            |(owner, rtype): &&(Name, RecordType)| *rtype == RecordType::NS && owner != apex;
        let cuts: BTreeSet<Name> = zone
            .sets
            .keys()
            .filter(is_cut)
            .map(|key| key.0.clone())
            .collect();
        let below_cut = |owner: &Name| cuts.iter().any(|cut| cut != owner && cut.zone_of(owner));
        let mut sets = zone.sets.clone();
        if by.is_some() {
            let owners: BTreeSet<&Name> = zone
                .sets
                .keys()
                .map(|key| &key.0)
                .filter(|owner| !below_cut(owner))
                .collect();
            let owners: Vec<&Name> = owners.into_iter().collect();
            for (index, owner) in owners.iter().enumerate() {
                let next = owners[(index + 1) % owners.len()].clone();
                let mut types: Vec<RecordType> = zone
                    .sets
                    .keys()
                    .filter(|key| key.0 == **owner)
                    .map(|key| key.1)
                    .collect();
                if cuts.contains(owner) {
                    types.retain(|rtype| matches!(rtype, RecordType::NS | RecordType::DS));
                }
                types.extend([RecordType::NSEC, RecordType::RRSIG]);
                let data = Nsec { next, types }.to_rdata();
                let set = RrSet::new((*owner).clone(), RecordType::NSEC, 300, [data]);
                sets.insert(((*owner).clone(), RecordType::NSEC), set);
            }
        }
        let sign = |set: RrSet| {
            let at_cut =
                cuts.contains(&set.name) && !matches!(set.rtype, RecordType::DS | RecordType::NSEC);
            let signatures = match by {
                Some((signer, from, until)) if !at_cut && !below_cut(&set.name) => {
                    let key = match set.rtype {
                        RecordType::DNSKEY | RecordType::CDS | RecordType::CDNSKEY => &signer.ksk,
                        _ => &signer.zsk,
                    };
                    vec![Rrsig::sign(&set, key, apex, from, until)]
                }
                _ => Vec::new(),
            };
            SignedRrSet { set, signatures }
        };
        Self {
            apex: apex.clone(),
            sets: sets
                .into_iter()
                .map(|(key, set)| (key, sign(set)))
                .collect(),
            signed: by.is_some(),
            cuts,
        }
    }

    fn get(&self, owner: &Name, rtype: RecordType) -> Option<&SignedRrSet> {
        self.sets.get(&(owner.clone(), rtype))
    }

    /// The NSEC record at `name`, or else the one that covers it.
    fn nsec(&self, name: &Name) -> Option<&SignedRrSet> {
        let nsecs = self
            .sets
            .iter()
            .filter(|((owner, rtype), _)| *rtype == RecordType::NSEC && owner <= name);
        nsecs
            .max_by_key(|((owner, _), _)| owner.clone())
            .map(|(_, signed)| signed)
    }

    fn exists(&self, name: &Name) -> bool {
        self.sets.keys().any(|(owner, _)| name.zone_of(owner))
    }

    /// Fills in the answer.
    pub fn respond(&self, question: &Question, message: &mut Message) {
        let Question { name, rtype } = question;
        let cut = self
            .cuts
            .iter()
            .find(|cut| cut.zone_of(name) && !(*rtype == RecordType::DS && *cut == name));
        if let Some(cut) = cut {
            return self.refer(cut, message);
        }
        message.metadata.authoritative = true;
        if let Some(signed) = self
            .get(name, *rtype)
            .or_else(|| self.get(name, RecordType::CNAME))
        {
            put(&mut message.answers, signed);
            if *rtype == RecordType::NS {
                self.add_addresses(signed, message);
            }
            return;
        }
        if self.exists(name) {
            return self.deny(&[name], message);
        }
        let mut encloser = name.base_name();
        while !self.exists(&encloser) {
            encloser = encloser.base_name();
        }
        let wildcard = encloser.prepend_label("*").unwrap();
        if let Some(signed) = self
            .get(&wildcard, *rtype)
            .or_else(|| self.get(&wildcard, RecordType::CNAME))
        {
            let mut expanded = signed.clone();
            expanded.set.name = name.clone();
            put(&mut message.answers, &expanded);
            self.nsec(name)
                .into_iter()
                .for_each(|nsec| put(&mut message.authorities, nsec));
            return;
        }
        if !self.exists(&wildcard) {
            message.metadata.response_code = ResponseCode::NXDomain;
        }
        self.deny(&[name, &wildcard], message);
    }

    fn refer(&self, cut: &Name, message: &mut Message) {
        let ns = self.get(cut, RecordType::NS).unwrap();
        put(&mut message.authorities, ns);
        if let Some(ds) = self.get(cut, RecordType::DS) {
            put(&mut message.authorities, ds);
        } else if self.signed {
            self.nsec(cut)
                .into_iter()
                .for_each(|nsec| put(&mut message.authorities, nsec));
        }
        self.add_addresses(ns, message);
    }

    /// RFC 1034 §4.3.2, step 6.
    fn add_addresses(&self, ns: &SignedRrSet, message: &mut Message) {
        for server in ns.set.data.iter().filter_map(Rdata::as_name) {
            let glue = self.get(&server, RecordType::A);
            glue.into_iter()
                .for_each(|glue| put(&mut message.additionals, glue));
        }
    }

    fn deny(&self, names: &[&Name], message: &mut Message) {
        put(
            &mut message.authorities,
            self.get(&self.apex, RecordType::SOA).unwrap(),
        );
        let proofs: BTreeMap<&Name, &SignedRrSet> = names
            .iter()
            .filter_map(|name| self.nsec(name))
            .map(|signed| (&signed.set.name, signed))
            .collect();
        proofs
            .values()
            .for_each(|signed| put(&mut message.authorities, signed));
    }
}
