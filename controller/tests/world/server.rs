//! The servers: a signer with two instances, the second of which lags, and a parent that scans.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use counterpoint_dns::{
    agent::Transport,
    key::{Dnskey, SigningKey},
    message::{Question, ResponseCode, decode, encode, records, signature_record},
    name::{Name, RecordType, signalling_name},
    rdata::{Csync, Rdata, Soa, serial_lt},
    rrset::RrSet,
    signature::Rrsig,
    time::Timestamp,
    tsig::{TsigKey, check_request, refuse},
    update::{Change, Prerequisite, Update},
};
use hickory_proto::op::{Message, OpCode};

use super::{DAY, apex, key, name, zone};

type Sets = BTreeMap<(Name, RecordType), RrSet>;

/// One version of a zone, and when an instance began to serve it.
#[derive(Clone)]
struct Copy {
    from: Timestamp,
    sets: Sets,
}

/// One signer: keys, contents, instances.
pub struct Site {
    pub name: String,
    pub ns: Vec<Name>,
    pub addresses: Vec<IpAddr>,
    pub serving: bool,
    /// Keys that sign DNSKEY, CDS and CDNSKEY.
    pub ksks: Vec<SigningKey>,
    /// Keys that sign everything else.
    pub zsks: Vec<SigningKey>,
    /// Types whose updates it accepts and drops.
    pub drops: BTreeSet<RecordType>,
    /// Types whose updates it refuses.
    pub refuses: BTreeSet<RecordType>,
    /// How long the second instance lags.
    pub lag: Duration,
    /// The zone at its primary.
    pub sets: Sets,
    pub updates: u32,
    /// The zones that it takes updates of.
    pub zones: BTreeSet<Name>,
    tsig: TsigKey,
    /// What each instance serves, older versions first.
    copies: Vec<Copy>,
}

impl Site {
    pub fn new(signer: &str, net: u8, ns: &[Name], tsig: TsigKey) -> Self {
        let ksks = vec![key(signer, "ksk", true)];
        let zsks = vec![key(signer, "zsk", false)];
        let mut site = Self {
            name: signer.into(),
            ns: ns.to_vec(),
            addresses: vec![[192, 0, 2, net].into(), [192, 0, 2, net + 1].into()],
            serving: true,
            ksks,
            zsks,
            drops: BTreeSet::new(),
            refuses: BTreeSet::new(),
            lag: Duration::from_secs(20),
            sets: Sets::new(),
            updates: 0,
            zones: [zone()].into(),
            tsig,
            copies: Vec::new(),
        };
        let soa = Soa {
            mname: ns[0].clone(),
            rname: name("hostmaster.test."),
            serial: 1,
            refresh: 3_600,
            retry: 600,
            expire: 86_400,
            minimum: 900,
        };
        site.put(apex(RecordType::SOA, 3_600, [soa.to_rdata()]));
        site.put(apex(RecordType::NS, 3_600, ns.iter().map(Rdata::name)));
        site.publish_keys();
        site.publish(Timestamp::MIN);
        site
    }

    /// Makes its DNSKEY RRset of its own keys alone.
    pub fn publish_keys(&mut self) {
        let keys = self.ksks.iter().chain(&self.zsks);
        let data: Vec<Rdata> = keys.map(|key| key.public().to_rdata()).collect();
        self.put(apex(RecordType::DNSKEY, 3_600, data));
    }

    /// Puts an RRset into the zone; an empty one takes it out.
    pub fn put(&mut self, set: RrSet) {
        let key = (set.name.clone(), set.rtype);
        match set.data.is_empty() {
            true => self.sets.remove(&key),
            false => self.sets.insert(key, set),
        };
    }

    /// The data at the apex.
    pub fn data(&self, rtype: RecordType) -> BTreeSet<Rdata> {
        let set = self.sets.get(&(zone(), rtype));
        set.map(|set| set.data.clone()).unwrap_or_default()
    }

    /// Makes the zone as it is now visible.
    pub fn publish(&mut self, now: Timestamp) {
        if let Some(set) = self.sets.get_mut(&(zone(), RecordType::SOA))
            && let Some(mut soa) = set.data.iter().find_map(Soa::parse)
        {
            soa.serial += 1;
            set.data = [soa.to_rdata()].into();
        }
        self.copies.push(Copy {
            from: now,
            sets: self.sets.clone(),
        });
    }

    fn copy(&self, now: Timestamp, address: IpAddr) -> &Copy {
        let lag = if address == self.addresses[0] {
            Duration::ZERO
        } else {
            self.lag
        };
        let mut copies = self.copies.iter().rev();
        let current = copies.find(|copy| copy.from + lag <= now);
        current.unwrap_or(&self.copies[0])
    }

    pub fn respond(
        &mut self,
        now: Timestamp,
        at: IpAddr,
        _via: Transport,
        bytes: &[u8],
    ) -> Option<Vec<u8>> {
        let request = decode(bytes).unwrap();
        if request.op_code == OpCode::Update {
            return Some(self.update(now, bytes, &request));
        }
        let mut answer = Message::response(request.id, OpCode::Query);
        answer.queries.clone_from(&request.queries);
        let query = &request.queries[0];
        if !self.serving {
            answer.metadata.response_code = ResponseCode::Refused;
            return Some(encode(&answer));
        }
        answer.metadata.authoritative = true;
        let copy = self.copy(now, at);
        let found = copy.sets.get(&(query.name().into(), query.query_type()));
        let soa = || copy.sets.get(&(zone(), RecordType::SOA)).unwrap();
        let (set, section) = match found {
            Some(set) => (set, &mut answer.answers),
            None => (soa(), &mut answer.authorities),
        };
        section.extend(records(set));
        section.extend(
            self.sign(now, set)
                .iter()
                .map(|rrsig| signature_record(set, rrsig)),
        );
        Some(encode(&answer))
    }

    fn sign(&self, now: Timestamp, set: &RrSet) -> Vec<Rrsig> {
        let by_ksk = [RecordType::DNSKEY, RecordType::CDS, RecordType::CDNSKEY];
        let keys = if by_ksk.contains(&set.rtype) {
            &self.ksks
        } else {
            &self.zsks
        };
        let (from, until) = (now.before(DAY), now + 14 * DAY);
        keys.iter()
            .map(|key| Rrsig::sign(set, key, &zone(), from, until))
            .collect()
    }

    fn update(&mut self, now: Timestamp, bytes: &[u8], request: &Message) -> Vec<u8> {
        let tsig = self.tsig.clone();
        let checked = match check_request([&tsig], bytes, now) {
            Ok(checked) => checked,
            Err(fault) => return refuse(request, &fault, now),
        };
        self.updates += 1;
        let update = Update::from_message(&checked.message).unwrap();
        let mut answer = Message::response(request.id, OpCode::Update);
        answer.metadata.response_code = self.apply(now, &update);
        checked.sign_answer(answer, now)
    }

    fn apply(&mut self, now: Timestamp, update: &Update) -> ResponseCode {
        let get = |sets: &Sets, name: &Name, rtype| {
            let set = sets.get(&(name.clone(), rtype));
            set.map(|set: &RrSet| set.data.clone()).unwrap_or_default()
        };
        for prerequisite in &update.prerequisites {
            let holds = match prerequisite {
                Prerequisite::Is(set) => get(&self.sets, &set.name, set.rtype) == set.data,
                Prerequisite::Absent(name, rtype) => get(&self.sets, name, *rtype).is_empty(),
            };
            if !holds {
                return ResponseCode::NXRRSet;
            }
        }
        let types = update.changes.iter().map(|change| match change {
            Change::Add(set) | Change::Remove(set) => set.rtype,
            Change::Clear(_, rtype) => *rtype,
        });
        let types: BTreeSet<RecordType> = types.collect();
        // RFC 2136 §3.4.1: an update is of the zone that it says, and a name belongs to the closest one.
        let mut names = update.changes.iter().map(Change::name);
        let is_elsewhere = |name: &Name| {
            let above = self.zones.iter().filter(|zone| zone.zone_of(name));
            above.max_by_key(|zone| zone.num_labels()) != Some(&update.zone)
        };
        if names.any(is_elsewhere) {
            return ResponseCode::NotZone;
        }
        if !types.is_disjoint(&self.refuses) {
            return ResponseCode::Refused;
        }
        let clears_keys = |change: &Change| matches!(change, Change::Clear(_, RecordType::DNSKEY));
        assert!(
            !update.changes.iter().any(clears_keys),
            "never the whole DNSKEY RRset"
        );
        for change in &update.changes {
            match change {
                Change::Add(set) | Change::Remove(set) if self.drops.contains(&set.rtype) => {}
                Change::Add(set) => {
                    let mut whole = set.clone();
                    whole.data.extend(get(&self.sets, &set.name, set.rtype));
                    self.put(whole);
                }
                Change::Remove(set) => {
                    let old = get(&self.sets, &set.name, set.rtype);
                    let data = old.difference(&set.data).cloned().collect();
                    self.put(RrSet {
                        data,
                        ..set.clone()
                    });
                }
                Change::Clear(name, rtype) => {
                    self.sets.remove(&(name.clone(), *rtype));
                }
            }
        }
        self.publish(now);
        ResponseCode::NoError
    }
}

/// The parent: two instances that agree, and a scanner of a few lines.
pub struct Parent {
    pub addresses: Vec<IpAddr>,
    pub ds: BTreeSet<Rdata>,
    pub ns: BTreeSet<Rdata>,
    pub ds_ttl: u32,
    pub ns_ttl: u32,
    /// It ignores signals.
    pub is_asleep: bool,
    /// It asks one instance of each signer.
    pub is_lazy: bool,
    /// A first DS RRset needs signals for every nameserver of the delegation (RFC 9615).
    pub wants_signals: bool,
}

impl Parent {
    pub fn of(site: &Site) -> Self {
        let ds = |key: &SigningKey| key.public().ds(&zone(), 2).unwrap().to_rdata();
        Self {
            addresses: vec![[192, 0, 2, 1].into(), [192, 0, 2, 2].into()],
            ds: site.ksks.iter().map(ds).collect(),
            ns: site.ns.iter().map(Rdata::name).collect(),
            ds_ttl: 3_600,
            ns_ttl: 3_600,
            is_asleep: false,
            is_lazy: false,
            wants_signals: false,
        }
    }

    /// Does what all delegated signers ask for alike.
    pub fn act(&mut self, now: Timestamp, sites: &BTreeMap<String, Site>) {
        if self.is_asleep {
            return;
        }
        let is_delegated =
            |site: &&Site| site.ns.iter().any(|ns| self.ns.contains(&Rdata::name(ns)));
        let delegated: Vec<&Site> = sites
            .values()
            .filter(|site| site.serving)
            .filter(is_delegated)
            .collect();
        let copies = |rtype: RecordType| -> BTreeSet<BTreeSet<Rdata>> {
            let each = delegated.iter().flat_map(|site| {
                let asked = if self.is_lazy { 1 } else { usize::MAX };
                site.addresses.iter().take(asked).map(|address| {
                    let set = site.copy(now, *address).sets.get(&(zone(), rtype));
                    set.map(|set| set.data.clone()).unwrap_or_default()
                })
            });
            each.collect()
        };
        let cds = copies(RecordType::CDS);
        let is_first = self.ds.is_empty() && self.wants_signals;
        let is_vouched = |site: &&Site| {
            site.ns.iter().all(|ns| {
                let name = signalling_name(&zone(), ns).unwrap();
                [RecordType::CDS, RecordType::CDNSKEY]
                    .into_iter()
                    .all(|rtype| {
                        let signal = site.sets.get(&(name.clone(), rtype));
                        signal.is_some_and(|set| set.data == site.data(rtype))
                    })
            })
        };
        if let (1, Some(cds)) = (cds.len(), cds.first())
            && !cds.is_empty()
            && (!is_first || delegated.iter().all(is_vouched))
        {
            self.ds = cds.clone();
        }
        let is_immediate = |site: &&&Site| {
            let soa = site
                .data(RecordType::SOA)
                .iter()
                .find_map(Soa::parse)
                .unwrap();
            let csync = site.data(RecordType::CSYNC);
            let csync = csync.iter().find_map(Csync::parse);
            csync.is_some_and(|csync| csync.flags == 3 && !serial_lt(soa.serial, csync.serial))
        };
        let ns = copies(RecordType::NS);
        let all = delegated.iter().filter(is_immediate).count() == delegated.len();
        if let (true, 1, Some(ns)) = (all, ns.len(), ns.first()) {
            self.ns = ns.clone();
        }
    }

    fn soa(&self) -> RrSet {
        let soa = Soa {
            mname: name("a.test."),
            rname: name("hostmaster.test."),
            serial: 1,
            refresh: 3_600,
            retry: 600,
            expire: 86_400,
            minimum: 900,
        };
        RrSet::new(name("test."), RecordType::SOA, 3_600, [soa.to_rdata()])
    }

    pub fn respond(
        &mut self,
        _now: Timestamp,
        _at: IpAddr,
        _via: Transport,
        bytes: &[u8],
    ) -> Option<Vec<u8>> {
        let request = decode(bytes).unwrap();
        let mut answer = Message::response(request.id, OpCode::Query);
        answer.queries.clone_from(&request.queries);
        let query = &request.queries[0];
        let question = Question::new(query.name().into(), query.query_type());
        let ds = apex(RecordType::DS, self.ds_ttl, self.ds.iter().cloned());
        let ns = apex(RecordType::NS, self.ns_ttl, self.ns.iter().cloned());
        match question.rtype {
            RecordType::DS => {
                answer.metadata.authoritative = true;
                answer.answers.extend(records(&ds));
                if self.ds.is_empty() {
                    answer.authorities.extend(records(&self.soa()));
                }
            }
            _ => answer.authorities.extend(records(&ns)),
        }
        Some(encode(&answer))
    }
}

/// The DS data of these keys.
pub fn ds_of<'a>(keys: impl IntoIterator<Item = &'a Dnskey>) -> BTreeSet<Rdata> {
    let ds = |key: &Dnskey| key.ds(&zone(), 2).unwrap().to_rdata();
    keys.into_iter().map(ds).collect()
}
