//! A child zone signed by two signers (RFC 8901, model 2), as data that a test can spoil.
//!
//! `alpha` and `beta` each have a KSK and a ZSK; each DNSKEY RRset holds its own KSK and both ZSKs.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use counterpoint_dns::{
    key::{Algorithm, DIGEST_SHA256, Dnskey, SECURE_ENTRY_POINT, SigningKey, ZONE_KEY},
    name::{Name, RecordType, parse_name},
    rdata::{Csync, Nsec, Rdata, Soa},
    rrset::{RrSet, SignedRrSet},
    signature::{Rrsig, Verifier},
    stream::octets,
    time::Timestamp,
};
use counterpoint_scanner::{
    ChildState, Facts, Gathered, Policy, Verdict,
    delegation::Delegation,
    gather::{Answer, Sequence, Server, Signal, Vouched},
    judge_cds, judge_csync,
};

/// When everything is judged.
pub const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

pub fn name(text: &str) -> Name {
    parse_name(text).unwrap()
}

pub fn child() -> Name {
    name("example.test.")
}

/// The key of this label: `…z` are ZSKs, `p` is of another algorithm, the others are KSKs.
pub fn key(label: &str) -> SigningKey {
    let flags = match label.ends_with('z') {
        true => ZONE_KEY,
        false => ZONE_KEY | SECURE_ENTRY_POINT,
    };
    let algorithm = match label {
        "p" => Algorithm::EcdsaP256Sha256,
        _ => Algorithm::Ed25519,
    };
    SigningKey::from_seed(algorithm, flags, octets(1, label))
}

pub fn public(label: &str) -> Dnskey {
    key(label).public().clone()
}

/// The DS or CDS data of a key, SHA-256.
pub fn ds(label: &str) -> Rdata {
    ds_with(label, DIGEST_SHA256)
}

pub fn ds_with(label: &str, digest_type: u8) -> Rdata {
    public(label).ds(&child(), digest_type).unwrap().to_rdata()
}

pub fn dnskey(label: &str) -> Rdata {
    public(label).to_rdata()
}

pub fn delete_cds() -> Rdata {
    Rdata::from_octets([0, 0, 0, 0, 0])
}

pub fn delete_cdnskey() -> Rdata {
    Rdata::from_octets([0, 0, 3, 0, 0])
}

pub fn address(text: &str) -> Rdata {
    Rdata::address(text.parse().unwrap())
}

/// What one server serves.
#[derive(Clone, Debug)]
pub struct Site {
    pub host: Name,
    pub address: SocketAddr,
    pub dead: bool,
    pub dnskeys: Vec<&'static str>,
    pub dnskey_signers: Vec<&'static str>,
    pub cds: Vec<Rdata>,
    pub cdnskey: Vec<Rdata>,
    pub cds_owner: Name,
    pub cds_signers: Vec<&'static str>,
    pub zsk: &'static str,
    pub inception: Timestamp,
    pub expiration: Timestamp,
    pub serial: u32,
    pub serial_after: u32,
    pub csync: Vec<Csync>,
    pub ns: Vec<Name>,
    pub data: BTreeMap<(Name, RecordType), Vec<Rdata>>,
    pub unsigned: Vec<RecordType>,
}

impl Site {
    fn new(host: &str, address: &str, keys: &[&'static str], ksk: &'static str) -> Self {
        Self {
            host: name(host),
            address: format!("{address}:53").parse().unwrap(),
            dead: false,
            dnskeys: keys.to_vec(),
            dnskey_signers: vec![ksk],
            cds: Vec::new(),
            cdnskey: Vec::new(),
            cds_owner: child(),
            cds_signers: vec![ksk],
            zsk: if ksk == "a" { "az" } else { "bz" },
            inception: NOW.before(Duration::from_secs(86_400)),
            expiration: NOW + Duration::from_secs(86_400),
            serial: 10,
            serial_after: 10,
            csync: Vec::new(),
            ns: vec![name("ns1.alpha.test."), name("ns1.beta.test.")],
            data: BTreeMap::new(),
            unsigned: Vec::new(),
        }
    }

    pub fn sign(&self, set: RrSet, signers: &[&'static str]) -> SignedRrSet {
        let signatures = signers
            .iter()
            .filter(|_| !self.unsigned.contains(&set.rtype))
            .map(|label| {
                let (from, until) = (self.inception, self.expiration);
                Rrsig::sign(&set, &key(label), &child(), from, until)
            })
            .collect();
        SignedRrSet { set, signatures }
    }

    fn soa(&self, serial: u32) -> Rdata {
        let soa = Soa {
            mname: self.host.clone(),
            rname: self.host.clone(),
            serial,
            refresh: 3600,
            retry: 600,
            expire: 86400,
            minimum: 300,
        };
        soa.to_rdata()
    }

    /// The RRset that it serves; `late` after the data of a reading.
    pub fn serves(&self, owner: &Name, rtype: RecordType, late: bool) -> Option<SignedRrSet> {
        let apex = |data: Vec<Rdata>| RrSet::new(child(), rtype, 300, data);
        let (set, signers) = match rtype {
            _ if *owner != child() => {
                let data = self.data.get(&(owner.clone(), rtype))?.clone();
                (RrSet::new(owner.clone(), rtype, 300, data), vec![self.zsk])
            }
            RecordType::DNSKEY => {
                let keys = self.dnskeys.iter().map(|label| dnskey(label)).collect();
                (apex(keys), self.dnskey_signers.clone())
            }
            RecordType::CDS | RecordType::CDNSKEY => {
                let data = match rtype {
                    RecordType::CDS => &self.cds,
                    _ => &self.cdnskey,
                };
                let mut set = apex(data.clone());
                set.name = self.cds_owner.clone();
                (set, self.cds_signers.clone())
            }
            RecordType::SOA => {
                let serial = if late { self.serial_after } else { self.serial };
                (apex(vec![self.soa(serial)]), vec![self.zsk])
            }
            RecordType::NS => (
                apex(self.ns.iter().map(Rdata::name).collect()),
                vec![self.zsk],
            ),
            RecordType::CSYNC => (
                apex(self.csync.iter().map(Csync::to_rdata).collect()),
                vec![self.zsk],
            ),
            _ => return None,
        };
        (!set.data.is_empty()).then(|| self.sign(set, &signers))
    }

    /// The proof that a type is not there.
    pub fn denial(&self, owner: &Name) -> Vec<SignedRrSet> {
        let at_owner = self.data.keys().filter(|(host, _)| host == owner);
        let mut types: Vec<RecordType> = at_owner.map(|(_, rtype)| *rtype).collect();
        types.extend([RecordType::NSEC, RecordType::RRSIG]);
        let next = child();
        let nsec = Nsec { next, types }.to_rdata();
        let set = RrSet::new(owner.clone(), RecordType::NSEC, 300, [nsec]);
        vec![self.sign(set, &[self.zsk])]
    }

    pub fn answer(&self, owner: &Name, rtype: RecordType, late: bool) -> Answer {
        if self.dead {
            return Answer::Unusable("no answer".into());
        }
        match self.serves(owner, rtype, late) {
            Some(signed) => Answer::Present(signed),
            None => Answer::Absent(self.denial(owner)),
        }
    }

    fn server(&self) -> Server {
        let apex = |rtype| self.answer(&child(), rtype, false);
        let mut server = Server::new(self.host.clone(), Some(self.address));
        server.cds = apex(RecordType::CDS);
        server.cdnskey = apex(RecordType::CDNSKEY);
        server.csync = apex(RecordType::CSYNC);
        server.dnskey = apex(RecordType::DNSKEY);
        server.soa = apex(RecordType::SOA);
        server.sequence = self.sequence();
        server
    }

    fn sequence(&self) -> Option<Sequence> {
        let csync = self.answer(&child(), RecordType::CSYNC, false);
        csync.present()?;
        let types = self.csync.first()?.types.clone();
        let mut sequence = Sequence {
            soa_before: self.answer(&child(), RecordType::SOA, false),
            csync,
            soa_after: self.answer(&child(), RecordType::SOA, true),
            ..Sequence::default()
        };
        if types.contains(&RecordType::NS) {
            sequence.ns = self.answer(&child(), RecordType::NS, false);
        }
        let within = self.ns.iter().filter(|host| child().zone_of(host));
        for host in within {
            for rtype in [RecordType::A, RecordType::AAAA] {
                if types.contains(&rtype) {
                    let answer = self.answer(host, rtype, false);
                    sequence.addresses.insert((host.clone(), rtype), answer);
                }
            }
        }
        Some(sequence)
    }
}

/// Everything that a verdict rests on, before it is gathered.
#[derive(Clone, Debug)]
pub struct Case {
    pub ds: Vec<Rdata>,
    pub parent_ns: Vec<Name>,
    pub glue: BTreeMap<(Name, RecordType), Vec<Rdata>>,
    pub sites: Vec<Site>,
    pub added: Vec<Site>,
    pub given_up: bool,
    /// By nameserver name outside the child.
    pub signals: Vec<Signal>,
    pub vantage_points: u32,
    pub state: ChildState,
    pub facts: Facts,
    pub policy: Policy,
}

impl Case {
    /// Nothing is requested.
    pub fn quiet() -> Self {
        Self {
            ds: vec![ds("a"), ds("b")],
            parent_ns: vec![name("ns1.alpha.test."), name("ns1.beta.test.")],
            glue: BTreeMap::new(),
            sites: vec![
                Site::new("ns1.alpha.test.", "192.0.2.1", &["a", "n", "az", "bz"], "a"),
                Site::new("ns1.beta.test.", "192.0.2.2", &["b", "az", "bz"], "b"),
            ],
            added: Vec::new(),
            given_up: false,
            signals: Vec::new(),
            vantage_points: 1,
            state: ChildState::default(),
            facts: Facts::default(),
            policy: Policy::default(),
        }
    }

    /// Both ask for the keys `a`, `b` and `n`, the new KSK of alpha.
    pub fn rollover() -> Self {
        let mut case = Self::quiet();
        case.request(&["a", "b", "n"]);
        case
    }

    /// There is no DS RRset; both ask for the keys `a` and `b`, and their operators vouch for it.
    pub fn bootstrap() -> Self {
        let mut case = Self::quiet();
        case.ds.clear();
        case.request(&["a", "b"]);
        case.vouched()
    }

    /// Under each signalling name stands what the first server says.
    pub fn vouched(mut self) -> Self {
        let of = |rtype, data: &[Rdata], host: &Name, owner: Option<&Name>| match owner {
            Some(owner) if !data.is_empty() => {
                let set = RrSet::new(owner.clone(), rtype, 300, data.iter().cloned());
                let (from, until) = (self.sites[0].inception, self.sites[0].expiration);
                let rrsig = Rrsig::sign(&set, &key("operator"), &host.base_name(), from, until);
                let signatures = vec![rrsig];
                Vouched::Present(SignedRrSet { set, signatures })
            }
            _ => Vouched::Absent,
        };
        let site = &self.sites[0];
        let mut signals = Signal::of(&self.delegation());
        for signal in &mut signals {
            let owner = signal.name.as_ref();
            let cds = of(RecordType::CDS, &site.cds, &signal.host, owner);
            signal.cdnskey = of(RecordType::CDNSKEY, &site.cdnskey, &signal.host, owner);
            signal.cds = cds;
        }
        self.signals = signals;
        self
    }

    /// Both ask for these keys.
    pub fn request(&mut self, labels: &[&str]) {
        for site in &mut self.sites {
            site.cds = labels.iter().map(|label| ds(label)).collect();
            site.cdnskey = labels.iter().map(|label| dnskey(label)).collect();
        }
    }

    /// Both ask for deletion.
    pub fn deletion() -> Self {
        let mut case = Self::quiet();
        for site in &mut case.sites {
            site.cds = vec![delete_cds()];
            site.cdnskey = vec![delete_cdnskey()];
        }
        case
    }

    /// Both ask for one more nameserver, `ns1.example.test.`, with its addresses.
    pub fn synchronisation() -> Self {
        let mut case = Self::quiet();
        let host = name("ns1.example.test.");
        for site in &mut case.sites {
            site.csync = vec![Csync {
                serial: 9,
                flags: Csync::IMMEDIATE | Csync::SOA_MINIMUM,
                types: vec![RecordType::NS, RecordType::A, RecordType::AAAA],
            }];
            site.ns.push(host.clone());
            let mut put = |rtype, text: &str| {
                site.data.insert((host.clone(), rtype), vec![address(text)]);
            };
            put(RecordType::A, "192.0.2.3");
            put(RecordType::AAAA, "2001:db8::3");
        }
        let mut added = case.sites[0].clone();
        added.host = host;
        added.address = "192.0.2.3:53".parse().unwrap();
        added.csync = Vec::new();
        case.added = vec![added];
        case
    }

    pub fn each(mut self, spoil: impl Fn(&mut Site)) -> Self {
        self.sites.iter_mut().for_each(spoil);
        self
    }

    pub fn delegation(&self) -> Delegation {
        let set = |rtype, data: &[Rdata]| RrSet::new(child(), rtype, 7200, data.iter().cloned());
        let ns: Vec<Rdata> = self.parent_ns.iter().map(Rdata::name).collect();
        let glue = self.glue.iter().map(|((host, rtype), data)| {
            let set = RrSet::new(host.clone(), *rtype, 5400, data.iter().cloned());
            ((host.clone(), *rtype), set)
        });
        Delegation {
            child: child(),
            ns: set(RecordType::NS, &ns),
            ds: (!self.ds.is_empty()).then(|| set(RecordType::DS, &self.ds)),
            glue: glue.collect(),
            shared: Default::default(),
        }
    }

    pub fn gathered(&self) -> Gathered {
        let mut gathered = Gathered::new(self.delegation(), self.state.clone(), self.facts.clone());
        gathered.servers = self.sites.iter().map(Site::server).collect();
        for server in &mut gathered.servers {
            server.given_up = self.given_up;
        }
        gathered.signals.clone_from(&self.signals);
        gathered.vantage_points = self.vantage_points;
        gathered.added = self.added.iter().map(Site::server).collect();
        gathered
    }

    pub fn judge_cds(&self) -> Verdict {
        judge_cds(
            &self.gathered(),
            &self.policy,
            NOW,
            &mut Verifier::default(),
        )
    }

    pub fn judge_csync(&self) -> Verdict {
        judge_csync(
            &self.gathered(),
            &self.policy,
            NOW,
            &mut Verifier::default(),
        )
    }
}
