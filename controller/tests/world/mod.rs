//! A world small enough to read in one sitting: signers and a parent that answer wire questions from
//! memory, a parent that acts on signals, and one controller. It is no judge: the simulator is.

#![allow(dead_code, reason = "each test binary uses a part")]

pub mod server;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use counterpoint_controller::{
    Command, Config, Controller, DdnsAccess, Interface, Limits, Signer, SignerName, Zone as Served,
};
use counterpoint_dns::{
    agent::{Agent as _, AskId, Input, Note, Output, Record, Transport},
    key::{Algorithm, Dnskey, SECURE_ENTRY_POINT, SigningKey, ZONE_KEY},
    name::{Name, RecordType, parse_name},
    rdata::Rdata,
    rrset::RrSet,
    stream::stream,
    time::Timestamp,
    tsig::TsigKey,
};

pub use server::{Parent, Site};

pub const HOUR: Duration = Duration::from_secs(3_600);
pub const DAY: Duration = Duration::from_secs(86_400);

/// Every name in these tests is one.
pub fn name(text: &str) -> Name {
    parse_name(text).unwrap()
}

/// The zone of these tests.
pub fn zone() -> Name {
    name("example.test.")
}

/// What happens at an instant.
enum Event {
    Deliver(AskId, SocketAddr, Transport, Vec<u8>),
    Parent,
}

/// Signers, a parent, a controller, and the time.
pub struct World {
    pub now: Timestamp,
    pub config: Config,
    pub sites: BTreeMap<String, Site>,
    pub parent: Parent,
    pub controller: Option<Controller>,
    pub store: BTreeMap<String, String>,
    pub notes: Vec<(Timestamp, Note)>,
    /// Outputs carried out so far.
    pub outputs: u64,
    /// The controller is killed before it carries out this output, and restored.
    pub kill_at: Option<u64>,
    /// Addresses that do not answer.
    pub silent: BTreeSet<IpAddr>,
    /// Signers whose server is stopped when they are released.
    pub stops_when_released: bool,
    queue: BTreeMap<(Timestamp, u64), Event>,
    sequence: u64,
    restarts: u64,
}

impl World {
    /// `alpha` serves the zone, `beta` serves it for itself alone.
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// The same with another configuration.
    pub fn with(adapt: impl FnOnce(&mut Config)) -> Self {
        let start = Timestamp::from_seconds(1_767_225_600);
        let mut config = Config::new(name("test."));
        config.parent.ns = vec![name("a.test."), name("b.test.")];
        config.parent.max_ttl = HOUR;
        config
            .addresses
            .insert(name("a.test."), vec![[192, 0, 2, 1].into()]);
        config
            .addresses
            .insert(name("b.test."), vec![[192, 0, 2, 2].into()]);
        let mut sites = BTreeMap::new();
        for (number, signer) in ["alpha", "beta", "gamma"].into_iter().enumerate() {
            let net = 10 * (number as u8 + 1);
            let ns = [1, 2].map(|host| name(&format!("ns{host}.{signer}.test.")));
            for (host, ns) in ns.iter().enumerate() {
                let address: IpAddr = [192, 0, 2, net + host as u8].into();
                config.addresses.insert(ns.clone(), vec![address]);
            }
            let primary = SocketAddr::new([192, 0, 2, net].into(), 53);
            let tsig = TsigKey::hmac_sha256(name(&format!("{signer}.")), signer.as_bytes());
            config.signers.insert(
                SignerName::from(signer),
                Signer {
                    ns: ns.to_vec(),
                    in_zone_addresses: BTreeMap::new(),
                    interface: Interface::Ddns(DdnsAccess {
                        primary,
                        via: Transport::Tcp,
                        tsig: tsig.clone(),
                    }),
                    limits: Limits::default(),
                    signal_zones: Default::default(),
                    own_keys: Vec::new(),
                    csk: None,
                    max_ttl: HOUR,
                },
            );
            sites.insert(signer.to_string(), Site::new(signer, net, &ns, tsig));
        }
        let alpha: BTreeSet<SignerName> = [SignerName::from("alpha")].into();
        config.zones.insert(zone(), Served::Signers(alpha));
        adapt(&mut config);
        let parent = Parent::of(&sites["alpha"]);
        let mut world = Self {
            now: start,
            config,
            sites,
            parent,
            controller: None,
            store: BTreeMap::new(),
            notes: Vec::new(),
            outputs: 0,
            kill_at: None,
            silent: BTreeSet::new(),
            stops_when_released: true,
            queue: BTreeMap::new(),
            sequence: 0,
            restarts: 0,
        };
        world.at(start + Duration::from_secs(600), Event::Parent);
        world
    }

    /// Starts the controller, from what was persisted.
    pub fn start(&mut self) {
        let records = self.store.iter().map(|(key, value)| Record {
            key: key.clone(),
            value: value.clone(),
        });
        let records: Vec<Record> = records.collect();
        let chance = stream(7, &format!("controller/{}", self.restarts));
        self.restarts += 1;
        self.controller = Some(Controller::restore(self.config.clone(), chance, records));
        self.queue.retain(|_, event| matches!(event, Event::Parent));
        self.drain();
    }

    /// Tells the controller to do something.
    pub fn command(&mut self, command: Command) {
        if self.controller.is_none() {
            self.start();
        }
        let controller = self.controller.as_mut().unwrap();
        controller.handle(self.now, Input::Command(command));
        self.drain();
    }

    /// `signer` joins.
    pub fn join(&mut self, signer: &str) {
        self.command(Command::Join {
            zone: zone(),
            signer: signer.into(),
        });
    }

    /// `signer` leaves.
    pub fn leave(&mut self, signer: &str, dead: bool) {
        self.command(Command::Leave {
            zone: zone(),
            signer: signer.into(),
            dead,
        });
    }

    /// Lets `span` pass.
    pub fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while self.step(end) {}
        self.now = end;
    }

    /// Runs until every process has ended, at most this long. Whether they have.
    pub fn finish(&mut self, within: Duration) -> bool {
        let end = self.now + within;
        while !self.is_done() {
            if !self.step(end) {
                return false;
            }
        }
        true
    }

    fn is_done(&self) -> bool {
        let reports = self
            .controller
            .as_ref()
            .map(Controller::report)
            .unwrap_or_default();
        reports.iter().all(|report| report.outcome.is_final())
    }

    /// The last outcome and reason.
    pub fn outcome(&self) -> (counterpoint_controller::Outcome, String) {
        let reports = self.controller.as_ref().unwrap().report();
        let last = reports.last().unwrap();
        (last.outcome, last.reason.clone())
    }

    /// When the first note of this kind and subject came, relative to `from`.
    pub fn noted(&self, kind: &str, subject: &str) -> Option<Timestamp> {
        let mut notes = self.notes.iter();
        let found = notes.find(|(_, note)| note.kind == kind && note.subject == subject);
        found.map(|(at, _)| *at)
    }

    /// One event, if one is due until `end`.
    fn step(&mut self, end: Timestamp) -> bool {
        let wake = self
            .controller
            .as_ref()
            .and_then(|controller| controller.wake_at());
        let next = self.queue.keys().next().copied();
        let wakes_first = wake.filter(|wake| next.is_none_or(|(at, _)| *wake < at));
        if let Some(wake) = wakes_first {
            if wake > end {
                return false;
            }
            self.now = self.now.max(wake);
            let controller = self.controller.as_mut().unwrap();
            controller.handle(self.now, Input::Wake);
            self.drain();
            return true;
        }
        let Some(key) = next.filter(|(at, _)| *at <= end) else {
            return false;
        };
        let event = self.queue.remove(&key).unwrap();
        self.now = self.now.max(key.0);
        match event {
            Event::Parent => {
                self.parent.act(self.now, &self.sites);
                self.at(self.now + Duration::from_secs(600), Event::Parent);
            }
            Event::Deliver(id, to, via, bytes) => {
                let answer = self.respond(to, via, &bytes);
                let input = match answer {
                    Some(bytes) => Input::Answer { id, bytes },
                    None => Input::Failure { id },
                };
                if let Some(controller) = self.controller.as_mut() {
                    controller.handle(self.now, input);
                    self.drain();
                }
            }
        }
        true
    }

    fn respond(&mut self, to: SocketAddr, via: Transport, bytes: &[u8]) -> Option<Vec<u8>> {
        if self.silent.contains(&to.ip()) {
            return None;
        }
        if self.parent.addresses.contains(&to.ip()) {
            return self.parent.respond(self.now, to.ip(), via, bytes);
        }
        let mut sites = self.sites.values_mut();
        let site = sites.find(|site| site.addresses.contains(&to.ip()))?;
        site.respond(self.now, to.ip(), via, bytes)
    }

    fn at(&mut self, at: Timestamp, event: Event) {
        self.queue.insert((at, self.sequence), event);
        self.sequence += 1;
    }

    /// Carries out what the controller wants, or kills it instead.
    fn drain(&mut self) {
        loop {
            let Some(output) = self.controller.as_mut().and_then(|c| c.poll(self.now)) else {
                return;
            };
            self.outputs += 1;
            if self.kill_at == Some(self.outputs) {
                self.kill_at = None;
                self.now += Duration::from_secs(30);
                return self.start();
            }
            match output {
                Output::Persist(record) => {
                    self.store.insert(record.key, record.value);
                }
                Output::Ask { id, to, via, bytes } => {
                    let at = self.now + Duration::from_millis(20);
                    self.at(at, Event::Deliver(id, to, via, bytes));
                }
                Output::Web { request, .. } => panic!("nobody has a web interface: {request:?}"),
                Output::Note(note) => {
                    if note.kind == "released" && self.stops_when_released {
                        self.sites.get_mut(&note.subject).unwrap().serving = false;
                    }
                    self.notes.push((self.now, note));
                }
            }
        }
    }

    /// Every note, one line each.
    pub fn story(&self) -> String {
        let start = Timestamp::from_seconds(1_767_225_600);
        let line = |(at, note): &(Timestamp, Note)| format!("{} {note}\n", at.relative_to(start));
        self.notes.iter().map(line).collect()
    }
}

/// A key of one signer.
pub fn key(signer: &str, label: &str, sep: bool) -> SigningKey {
    let flags = ZONE_KEY | if sep { SECURE_ENTRY_POINT } else { 0 };
    let seed = counterpoint_dns::stream::octets(1, &format!("{signer}/{label}"));
    SigningKey::from_seed(Algorithm::Ed25519, flags, seed)
}

/// The data of these keys.
pub fn data<'a>(keys: impl IntoIterator<Item = &'a Dnskey>) -> BTreeSet<Rdata> {
    keys.into_iter().map(Dnskey::to_rdata).collect()
}

/// An RRset at the apex.
pub fn apex(rtype: RecordType, ttl: u32, data: impl IntoIterator<Item = Rdata>) -> RrSet {
    RrSet::new(zone(), rtype, ttl, data)
}
