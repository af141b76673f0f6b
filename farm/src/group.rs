//! One zone that several real signers sign, each by itself and with keys of its own (RFC 8901 §2.1.2),
//! below a parent that signs by itself and takes updates: what a controller and a scanner work upon.
//!
//! At first the parent knows the first signer only. The judges of what comes then are resolvers that
//! hide little: one for each signer which asks nobody else, and one for all that does not try other
//! servers until an answer validates.
//!
//! It refuses to know how a zone changes hands; it says who is there and where.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use counterpoint_dns::{
    key::{Algorithm, DIGEST_SHA256, SECURE_ENTRY_POINT, SigningKey, ZONE_KEY},
    message::Question,
    name::{Name, RecordType},
    rdata::{Ds, Rdata, Soa},
    rrset::RrSet,
    stream::octets,
    time::Timestamp,
    validate::keys_of,
};

use crate::{
    ask::ask,
    child::ns_and_glue,
    daemon::Daemon,
    ground::Ground,
    parent::Parent,
    root::Root,
    software::{
        Site, Software, bind, knot, powerdns, recursor, start, unbound, write_zone, zone_file,
    },
    zone::{Zone, below},
};

/// The host of the parent's server within the network.
const PARENT_HOST: u8 = 1;
/// The host of the root's server.
const ROOT_HOST: u8 = 3;
/// The host of the resolver that asks everybody.
const RECURSOR_HOST: u8 = 5;
/// The host of the first signer.
const FIRST_HOST: u8 = 11;
/// As far from a signer is the resolver that asks nobody else.
const PINNED_HOSTS: u8 = 20;

/// What signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signing {
    /// BIND with `auto-dnssec maintain`, package `bind9`.
    Bind,
    /// Knot DNS with incremental DNSKEY management, package `knot`.
    Knot,
    /// PowerDNS with `direct-dnskey`, packages `pdns-server` and `pdns-backend-sqlite3`.
    PowerDns,
}

impl Signing {
    /// Its label below the parent, and its name in tests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bind => "bind",
            Self::Knot => "knot",
            Self::PowerDns => "powerdns",
        }
    }
}

/// Every program that a group may need.
pub const PROGRAMS: [&str; 12] = [
    "nsd",
    "named",
    "knotd",
    "pdns_server",
    "pdnsutil",
    "pdns_recursor",
    "unbound",
    "sqlite3",
    "setpriv",
    "ip",
    "kill",
    "nsupdate",
];

/// What a group is to be.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The parent's zone.
    pub parent: Name,
    /// The label of the group's zone below it.
    pub label: String,
    /// The signers; the first serves the zone, and the others have it already.
    pub signers: Vec<Signing>,
    /// Every TTL that is not the servers' own choice, seconds.
    pub ttl: u32,
    /// All keys follow from it that are not made by the servers.
    pub seed: u64,
    /// When it begins.
    pub now: Timestamp,
}

/// One signer.
#[derive(Debug)]
pub struct Signer {
    /// What it runs.
    pub software: Signing,
    /// The nameserver name that it brings.
    pub host: Name,
    /// Its address.
    pub address: Ipv4Addr,
    folder: PathBuf,
    daemon: Option<Daemon>,
}

impl Signer {
    /// Its tool, if it is PowerDNS.
    pub fn pdnsutil(&self) -> Option<powerdns::Pdnsutil> {
        (self.software == Signing::PowerDns).then(|| powerdns::Pdnsutil::of(&self.folder))
    }

    /// Stops it for good.
    pub fn stop(&mut self) {
        self.daemon = None;
    }
}

/// A group. Its servers stop and its files go when it is dropped.
#[derive(Debug)]
pub struct Group {
    /// The signers, as planned.
    pub signers: Vec<Signer>,
    // Before the ground: servers stop before their files go.
    daemons: Vec<Daemon>,
    /// The root above the parent.
    pub root: Root,
    /// The parent.
    pub parent: Parent,
    /// The zone.
    pub zone: Name,
    ground: Ground,
    plan: Plan,
}

impl Group {
    /// Starts everything: the signers with keys of their own, the parent with the first one's DS.
    /// `PermissionDenied` if nobody may listen on port 53 here.
    pub fn open(plan: &Plan) -> io::Result<Self> {
        let ground = Ground::take()?;
        if !ground.is_privileged() {
            let why = "a group needs port 53, where resolvers look for servers: run as root";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        let parent = Parent::new(plan.parent.clone(), ground.address(PARENT_HOST), plan.seed);
        let mut group = Self {
            signers: Vec::new(),
            daemons: Vec::new(),
            root: Root::new(ground.address(ROOT_HOST), plan.seed),
            zone: below(&plan.parent, &plan.label)?,
            parent,
            ground,
            plan: plan.clone(),
        };
        for (software, host) in plan.signers.iter().zip(FIRST_HOST..) {
            let signer = group.start_signer(*software, host)?;
            group.signers.push(signer);
        }
        group.start_parent()?;
        group.start_root()?;
        Ok(group)
    }

    /// The secret of the TSIG key that every server takes, hmac-sha256.
    pub fn tsig_secret(&self) -> [u8; 32] {
        self.parent.tsig_secret()
    }

    /// Where a server at this address listens.
    pub fn at(&self, address: Ipv4Addr) -> SocketAddr {
        (address, self.ground.port()).into()
    }

    /// The DS records of a signer's own KSKs, as it publishes them now.
    pub fn ds_of(&self, signer: usize) -> io::Result<Vec<Ds>> {
        let signer = self.signers.get(signer);
        let signer = signer.ok_or_else(|| io::Error::other("there is no such signer"))?;
        let question = Question::new(self.zone.clone(), RecordType::DNSKEY);
        let answer = ask(self.at(signer.address), &question)?;
        let keys = answer
            .reply
            .answer_for(&question)
            .map(keys_of)
            .unwrap_or_default();
        let ksks = keys
            .iter()
            .filter(|key| key.flags & SECURE_ENTRY_POINT != 0);
        let ds: Vec<Ds> = ksks
            .filter_map(|key| key.ds(&self.zone, DIGEST_SHA256))
            .collect();
        match ds.is_empty() {
            true => Err(io::Error::other(format!("{} has no KSK", signer.host))),
            false => Ok(ds),
        }
    }

    /// Starts a resolver that asks nobody but this signer for the zone; returns where it listens.
    pub fn start_pinned(&self, signer: usize) -> io::Result<(Daemon, SocketAddr)> {
        let signer = self.signers.get(signer);
        let signer = signer.ok_or_else(|| io::Error::other("there is no such signer"))?;
        let [.., host] = signer.address.octets();
        let site = self.site(
            &format!("pinned-{}", signer.software.name()),
            self.ground.address(host + PINNED_HOSTS),
            Vec::new(),
        )?;
        let anchor = self.parent.trust_anchor();
        let anchor = anchor.ok_or_else(|| io::Error::other("the parent has no trust anchor"))?;
        let stubs = [
            (self.parent.zone.clone(), self.parent.address),
            (self.zone.clone(), signer.address),
        ];
        let config = unbound::config(&site, &(self.parent.zone.clone(), anchor), &stubs);
        let daemon = start("unbound", &config, &unbound::arguments(), &site.folder)?;
        self.resolving(daemon, &site)
    }

    /// Starts a resolver that asks everybody, from the root down; returns where it listens.
    pub fn start_recursor(&self) -> io::Result<(Daemon, SocketAddr)> {
        let site = self.site("recursor", self.ground.address(RECURSOR_HOST), Vec::new())?;
        let daemon = recursor::start(&site, &self.root)?;
        self.resolving(daemon, &site)
    }

    fn resolving(&self, mut daemon: Daemon, site: &Site) -> io::Result<(Daemon, SocketAddr)> {
        let address = site.addresses.first().copied();
        let at = self.at(address.unwrap_or(Ipv4Addr::LOCALHOST));
        daemon.wait_for(at, &self.parent.zone, RecordType::SOA)?;
        Ok((daemon, at))
    }

    fn site(&self, folder: &str, address: Ipv4Addr, zones: Vec<Name>) -> io::Result<Site> {
        Ok(Site {
            folder: self.ground.subfolder(folder)?,
            addresses: vec![address],
            port: self.ground.port(),
            zones,
        })
    }

    fn start_signer(&mut self, software: Signing, host: u8) -> io::Result<Signer> {
        let address = self.ground.address(host);
        let name = below(&self.plan.parent, software.name())?;
        let site = self.site(software.name(), address, vec![self.zone.clone()])?;
        fs::write(zone_file(&site.folder, &self.zone), self.zone_file(&name))?;
        let (secret, ttl) = (self.tsig_secret(), self.plan.ttl);
        let mut daemon = match software {
            Signing::Bind => {
                self.ground.put_on_interface(address)?;
                self.write_keys(&site)?;
                let config = bind::signer_config(&site, &secret);
                start("named", &config, &bind::arguments(), &site.folder)?
            }
            Signing::Knot => {
                // Knot keeps its keys there, and makes no folders.
                fs::create_dir_all(site.folder.join("db"))?;
                let config = knot::signer_config(&site, &secret, ttl);
                start("knotd", &config, &knot::arguments(), &site.folder)?
            }
            Signing::PowerDns => powerdns::start_signer(&site, &secret, ttl)?,
        };
        daemon.wait_for(self.at(address), &self.zone, RecordType::DNSKEY)?;
        Ok(Signer {
            software,
            host: name,
            address,
            folder: site.folder,
            daemon: Some(daemon),
        })
    }

    /// BIND has its keys from us.
    fn write_keys(&self, site: &Site) -> io::Result<()> {
        let folder = site.folder.join("keys");
        fs::create_dir_all(&folder)?;
        for (what, flags) in [("ksk", ZONE_KEY | SECURE_ENTRY_POINT), ("zsk", ZONE_KEY)] {
            let secret = octets(self.plan.seed, &format!("{} {what}", self.zone));
            let key = SigningKey::from_seed(Algorithm::EcdsaP256Sha256, flags, secret);
            bind::write_key(&folder, &self.zone, key.public(), &secret, self.plan.ttl)?;
        }
        Ok(())
    }

    /// The zone as the signer whose nameserver is `host` has it before it signs, as people write it:
    /// PowerDNS takes octets (RFC 3597) of no type that it knows.
    fn zone_file(&self, host: &Name) -> String {
        let (zone, ttl) = (&self.zone, self.plan.ttl);
        format!(
            "$ORIGIN {zone}
$TTL {ttl}
@ SOA primary hostmaster 1 86400 3600 2592000 {ttl}
@ NS {host}
@ TXT group
www A 192.0.2.80
mail A 192.0.2.25
"
        )
    }

    /// Signs itself; knows the first signer.
    fn start_parent(&mut self) -> io::Result<()> {
        let address = self.parent.address;
        self.ground.put_on_interface(address)?;
        let site = self.site("parent", address, vec![self.parent.zone.clone()])?;
        let keys = self.ground.subfolder("parent/keys")?;
        self.parent.write_keys(&keys, self.plan.ttl)?;
        let mut zone = Zone::new(self.parent.zone.clone(), self.plan.ttl);
        let apex = self.parent.zone.clone();
        zone.add(&apex, RecordType::SOA, [self.soa()]);
        let mut sets = ns_and_glue(&apex, &[(self.parent.host(), vec![address.into()])]);
        for signer in &self.signers {
            let at = Rdata::address(signer.address.into());
            sets.push(RrSet::new(
                signer.host.clone(),
                RecordType::A,
                self.plan.ttl,
                [at],
            ));
        }
        for set in &sets {
            zone.add_set(set);
        }
        if let Some(first) = self.signers.first() {
            zone.add(&self.zone, RecordType::NS, [Rdata::name(&first.host)]);
        }
        let ds = self.ds_of(0)?;
        zone.add(&self.zone, RecordType::DS, ds.iter().map(Ds::to_rdata));
        write_zone(
            &site.folder,
            &apex,
            &self.parent.signed(&zone, self.plan.now),
        )?;
        let config = bind::signer_config(&site, &self.tsig_secret());
        let mut daemon = start("named", &config, &bind::arguments(), &site.folder)?;
        daemon.wait_for(self.at(address), &apex, RecordType::DNSKEY)?;
        self.daemons.push(daemon);
        Ok(())
    }

    fn start_root(&mut self) -> io::Result<()> {
        let site = self.site("root", self.root.address, vec![Name::root()])?;
        let sets = self.root.zone(&self.parent, self.plan.now);
        write_zone(&site.folder, &Name::root(), &sets)?;
        let mut daemon = site.start(Software::Nsd)?;
        daemon.wait_for(self.at(self.root.address), &Name::root(), RecordType::SOA)?;
        self.daemons.push(daemon);
        Ok(())
    }

    fn soa(&self) -> Rdata {
        Soa {
            mname: self.parent.host(),
            rname: self.parent.host(),
            serial: 1,
            refresh: 86_400,
            retry: 3_600,
            expire: 30 * 86_400,
            minimum: self.plan.ttl,
        }
        .to_rdata()
    }
}
