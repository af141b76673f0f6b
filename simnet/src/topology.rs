//! The shape of a world, as plain data, and the world built from it in its start state: as if it had
//! been served like that for ever, with fresh signatures.

use std::{
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    time::Duration,
};

use counterpoint_dns::{
    key::{Algorithm, DIGEST_SHA256, Dnskey, SigningKey},
    name::{Name, RecordType, parse_name},
    notify::{DSYNC, Dsync, NOTIFIED},
    oracle::history::Side,
    rdata::{Ds, Rdata, Soa},
    rrset::RrSet,
    signature::Rrsig,
    stream::{octets, stream},
    time::Timestamp,
    tsig::TsigKey,
};

use crate::{
    by_hand::Keys,
    choice::{By, Choice},
    clock::Skew,
    contents::Contents,
    denial::Denial,
    habits::Habits,
    keys::{KeyKind, OwnKey},
    net::Net,
    operator::{Instance, Operator},
    primary::{INCEPTION_BACKDATE, Jitter, Primary, Pushed, Signing},
    published::Given,
    recorder::Recorder,
    world::{SERVED_BEFORE_START, World},
};
/// The name under which the parent's operator is known.
pub const PARENT: &str = "parent";
/// The name under which the owner of a zone is known, where it holds keys.
pub const OWNER: &str = "owner";
/// The name under which the root's operator is known.
pub const ROOT: &str = "root";

/// A whole world.
#[derive(Clone, Debug)]
pub struct Topology {
    /// All keys, secrets and chance come from it.
    pub seed: u64,
    /// Where the clock stands at first.
    pub start: Timestamp,
    /// The delegating zone and who serves it.
    pub parent: ParentPlan,
    /// The signers.
    pub signers: Vec<SignerPlan>,
    /// The zones that they sign.
    pub zones: Vec<ZonePlan>,
}

/// The delegating zone.
#[derive(Clone, Debug)]
pub struct ParentPlan {
    /// Its name.
    pub zone: Name,
    /// Number of instances.
    pub servers: usize,
    /// Algorithm of its keys.
    pub algorithm: Algorithm,
    /// How it denies what it does not have.
    pub denial: Denial,
    /// TTL of DS RRsets, seconds.
    pub ds_ttl: u32,
    /// TTL of delegation NS RRsets and glue, seconds.
    pub ns_ttl: u32,
    /// TTL of negative answers, seconds.
    pub negative_ttl: u32,
    /// From a change to each instance.
    pub propagation: RangeInclusive<Duration>,
    /// Where it wants NOTIFY(CDS) and NOTIFY(CSYNC), and says so (RFC 9859); `None`: nowhere.
    pub notify: Option<SocketAddr>,
}

/// Where a signer's nameserver names live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamesIn {
    /// In a child of the parent that the signer serves itself.
    Zone(Name),
    /// Inside the served zone: `ns1.alpha.example.test.`.
    ServedZone,
}

/// A signer.
#[derive(Clone, Debug)]
pub struct SignerPlan {
    /// Its name.
    pub name: String,
    /// First labels of its nameserver names, one an instance: `ns1`.
    pub hosts: Vec<String>,
    /// Where those names live.
    pub names_in: NamesIn,
    /// That child is signed, has a DS RRset and takes updates: signalling names lie there (RFC 9615).
    pub signal: bool,
    /// One key for both purposes.
    pub is_csk: bool,
    /// Algorithm of its keys.
    pub algorithm: Algorithm,
    /// How it denies what a zone does not have.
    pub denial: Denial,
    /// TTLs, seconds.
    pub dnskey_ttl: u32,
    /// TTL of apex NS RRsets.
    pub ns_ttl: u32,
    /// TTL of records that name none.
    pub default_ttl: u32,
    /// TTL of negative answers.
    pub negative_ttl: u32,
    /// How long each signature takes.
    pub signing_time: Duration,
    /// From signing to expiration.
    pub validity: Duration,
    /// Renewal this long before expiration.
    pub resign_before: Duration,
    /// Signatures made at once expire up to this much earlier, each at a time of its own.
    pub resign_jitter: Duration,
    /// From a change to each instance.
    pub propagation: RangeInclusive<Duration>,
    /// How far its clock is off.
    pub clock: Skew,
    /// What it does in its own way.
    pub habits: Habits,
}

impl SignerPlan {
    /// The name of its nameserver `index` for `zone`.
    pub fn host(&self, index: usize, zone: &Name) -> Name {
        let below = match &self.names_in {
            NamesIn::Zone(name) => name.clone(),
            NamesIn::ServedZone => zone
                .prepend_label(self.name.as_str())
                .unwrap_or(zone.clone()),
        };
        below
            .prepend_label(self.hosts[index].as_str())
            .unwrap_or(below)
    }

    /// All its nameserver names for `zone`.
    pub fn hosts(&self, zone: &Name) -> Vec<Name> {
        (0..self.hosts.len())
            .map(|index| self.host(index, zone))
            .collect()
    }
}

/// A zone that signers serve.
#[derive(Clone, Debug)]
pub struct ZonePlan {
    /// Its name.
    pub name: Name,
    /// Who serves it at the start.
    pub signers: Vec<String>,
    /// Whether it has a DS at the start.
    pub is_secure: bool,
    /// Whether CDS and CDNSKEY stand there from the start.
    pub has_cds: bool,
    /// The KSKs that its owner holds; `None`: each signer has its own.
    pub owner: Option<OwnerPlan>,
    /// Where its signers have it from; `None`: it is given to each of them.
    pub source: Option<Source>,
    /// Its signers sign with the same keys.
    pub shares_keys: bool,
    /// How long secondaries wait.
    pub timers: Timers,
    /// Answers among which its signers choose.
    pub choices: Vec<Choice>,
    /// What it says: owner, type and data, TTL where one is given.
    pub records: Vec<(Name, Option<u32>, RecordType, Rdata)>,
}

/// The KSKs that a zone's owner holds (RFC 8901 §2.1.1).
#[derive(Clone, Debug)]
pub struct OwnerPlan {
    /// How many: one is in use, the others wait for a roll.
    pub keys: usize,
    /// How long its signatures hold.
    pub validity: Duration,
    /// [`OWNER`], or the signer that holds them instead.
    pub holder: String,
}

/// Who keeps a zone from which others have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// [`OWNER`], or one of its signers.
    pub by: String,
    /// The others sign what they get, each with its own keys.
    pub is_unsigned: bool,
}

/// The timers of a SOA record, seconds (RFC 1035 §3.3.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// From a success to the next question.
    pub refresh: u32,
    /// From a failure to the next.
    pub retry: u32,
    /// From the last success to the end of service.
    pub expire: u32,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            refresh: 3_600,
            retry: 600,
            expire: 1_209_600,
        }
    }
}

/// A world with its plan, on which events by hand act.
pub struct Stage {
    /// The world.
    pub world: World,
    /// Its plan.
    pub topology: Topology,
    /// Where everybody is.
    pub(crate) net: Net,
    /// How the owner signs what it keeps: as the first signer would.
    pub(crate) owner: Option<SignerPlan>,
}

impl Stage {
    /// Builds the world in its start state.
    pub fn new(topology: Topology) -> Self {
        Self::within(Net::default(), topology)
    }

    /// The same with every server in this network.
    pub fn within(net: Net, topology: Topology) -> Self {
        let parent_zone = topology.parent.zone.clone();
        let world = World::new(topology.seed, topology.start, parent_zone.clone());
        let mut stage = Self {
            world,
            topology,
            net,
            owner: None,
        };
        if !parent_zone.is_root() {
            stage.add_operator(ROOT, 1, RangeInclusive::new(Duration::ZERO, Duration::ZERO));
        }
        let servers = stage.topology.parent.servers;
        stage.add_operator(PARENT, servers, stage.topology.parent.propagation.clone());
        for signer in stage.topology.signers.clone() {
            stage.add_operator(&signer.name, signer.hosts.len(), signer.propagation.clone());
        }
        stage.add_owner();
        stage.add_recorders();
        for zone in stage.topology.zones.clone() {
            stage.put_zone(&zone);
            stage.put_start_state(&zone);
        }
        stage.add_parent();
        if !parent_zone.is_root() {
            stage.add_root();
        }
        stage.add_name_zones();
        let installed: Vec<(usize, Name)> = stage
            .world
            .operators
            .iter()
            .enumerate()
            .flat_map(|(index, owner)| {
                owner
                    .primaries
                    .keys()
                    .map(move |zone| (index, zone.clone()))
            })
            .collect();
        for (operator, zone) in installed {
            stage.world.install(operator, &zone);
        }
        stage.add_secondaries();
        stage
    }

    /// The DS set of the root, or of whatever zone is at the top: what resolvers trust.
    pub fn trust_anchor(&self) -> Vec<Ds> {
        let top = Name::root();
        let operator = &self.world.operators[0];
        let Some(primary) = operator.primaries.get(&top) else {
            return Vec::new();
        };
        ksks(primary)
            .iter()
            .filter_map(|key| key.ds(&top, DIGEST_SHA256))
            .collect()
    }

    /// The addresses of the root's instances.
    pub fn root_addresses(&self) -> Vec<IpAddr> {
        self.world.operators[0]
            .instances
            .iter()
            .map(|instance| instance.address)
            .collect()
    }

    /// The address of the instance that reports call `name`.
    pub fn address(&self, name: &str) -> Option<IpAddr> {
        let mut all = self
            .world
            .operators
            .iter()
            .flat_map(|operator| &operator.instances);
        all.find(|instance| instance.name == name)
            .map(|instance| instance.address)
    }

    /// The plan of a signer.
    pub fn signer(&self, name: &str) -> Option<&SignerPlan> {
        let mut signers = self.topology.signers.iter();
        signers
            .find(|signer| signer.name == name)
            .or_else(|| self.owner.as_ref().filter(|_| name == OWNER))
    }

    /// The NS data of these signers for `zone`.
    pub fn hosts_of(&self, signers: &[String], zone: &Name) -> Vec<Name> {
        let plans = signers.iter().filter_map(|name| self.signer(name));
        plans.flat_map(|plan| plan.hosts(zone)).collect()
    }

    /// Addresses of the nameserver names of these signers that lie inside `zone`.
    pub fn in_zone_addresses(&self, signers: &[String], zone: &Name) -> Vec<(Name, IpAddr)> {
        let mut found = Vec::new();
        for name in signers {
            let Some(plan) = self
                .signer(name)
                .filter(|p| p.names_in == NamesIn::ServedZone)
            else {
                continue;
            };
            let Some(operator) = self.world.operator(name) else {
                continue;
            };
            let instances = self.world.operators[operator].instances.iter();
            for instance in instances.filter(|instance| !instance.is_left) {
                found.push((plan.host(instance.number, zone), instance.address));
            }
        }
        found
    }

    pub(crate) fn add_operator(
        &mut self,
        name: &str,
        servers: usize,
        propagation: RangeInclusive<Duration>,
    ) {
        let seed = self.topology.seed;
        let index = self.world.operators.len();
        let plan = self
            .topology
            .signers
            .iter()
            .find(|signer| signer.name == name);
        let instances = (0..servers).map(|number| {
            let (short, host) = match plan {
                Some(plan) => (plan.hosts[number].clone(), plan.host(number, &Name::root())),
                None => (
                    (number + 1).to_string(),
                    self.infrastructure_host(name, number),
                ),
            };
            Instance::new(
                format!("{name}/{short}"),
                host,
                self.net.instance(index, number),
                number,
            )
        });
        let key_name = parse_name(&format!("update.{name}.key.")).unwrap_or_else(|_| Name::root());
        let operator = Operator {
            name: name.into(),
            instances: instances.collect(),
            primaries: Default::default(),
            primary_address: self.net.primary(index),
            tsig: TsigKey::hmac_sha256(key_name, &octets(seed, &format!("{name}/tsig"))),
            web: None,
            is_open: true,
            propagation,
            clock: plan.map_or(Skew::NONE, |plan| plan.clock),
            signing_time: plan.map_or(Duration::ZERO, |plan| plan.signing_time),
            busy_until: self.topology.start,
            stream: stream(seed, &format!("{name}/propagation")),
            touched: Vec::new(),
            transfers: 0,
            updates: 0,
            repeated: 0,
        };
        self.world.add_operator(operator);
    }

    /// Name servers of the root and the parent live in `nic` below the parent, or below the root.
    fn infrastructure_host(&self, operator: &str, number: usize) -> Name {
        let parent = &self.topology.parent.zone;
        let below = match operator {
            ROOT => Name::root(),
            _ => parent.clone(),
        };
        let label = if operator == ROOT {
            "root-servers"
        } else {
            "nic"
        };
        let zone = below.prepend_label(label).unwrap_or(below);
        zone.prepend_label(format!("ns{}", number + 1))
            .unwrap_or(zone)
    }

    fn add_recorders(&mut self) {
        let parent_hosts: Vec<(String, Name, IpAddr)> = self
            .world
            .operator(PARENT)
            .map(|index| &self.world.operators[index].instances)
            .into_iter()
            .flatten()
            .map(|instance| {
                (
                    instance.name.clone(),
                    instance.host.clone(),
                    instance.address,
                )
            })
            .collect();
        for zone in &self.topology.zones {
            let mut recorder = Recorder::new(zone.name.clone());
            for (name, host, address) in &parent_hosts {
                recorder.instance(name, host, Side::Parent, *address);
            }
            for signer in &self.topology.signers {
                for (index, short) in signer.hosts.iter().enumerate() {
                    let name = format!("{}/{short}", signer.name);
                    let host = signer.host(index, &zone.name);
                    let operator = self.world.operator(&signer.name).unwrap_or_default();
                    let address = self.net.instance(operator, index);
                    recorder.instance(&name, &host, Side::Child, address);
                }
            }
            if zone.is_secure {
                recorder.must_be_secure(self.topology.start, Timestamp::MAX);
            }
            self.world.recorders.insert(zone.name.clone(), recorder);
        }
    }

    /// A zone at a signer: its records, own keys, NS = its own names only. Published by the caller.
    pub fn new_zone(&mut self, signer: &str, zone: &ZonePlan) {
        let Some(plan) = self.signer(signer).cloned() else {
            return;
        };
        let Some(operator) = self.world.operator(signer) else {
            return;
        };
        let apex = zone.name.clone();
        let mut contents = Contents::new(apex.clone());
        let hosts = plan.hosts(&apex).into_iter();
        let ns = hosts.map(|host| Rdata::name(&host));
        contents.put(RrSet::new(apex.clone(), RecordType::NS, plan.ns_ttl, ns));
        for (owner, ttl, rtype, data) in &zone.records {
            let ttl = ttl.unwrap_or(plan.default_ttl);
            let mut set = RrSet::new(owner.clone(), *rtype, ttl, [data.clone()]);
            if let Some(present) = contents.get(owner, *rtype) {
                set.data.extend(present.data.iter().cloned());
            }
            contents.put(set);
        }
        // The first of several answers stands for all where the name is spoken of.
        let choices: Vec<(By, Vec<RrSet>)> = zone
            .choices
            .iter()
            .map(|choice| {
                let set = |(owner, ttl, rtype, data): &(Name, Option<u32>, RecordType, Rdata)| {
                    let ttl = ttl.unwrap_or(plan.default_ttl);
                    RrSet::new(owner.clone(), *rtype, ttl, [data.clone()])
                };
                (choice.by, choice.answers.iter().map(set).collect())
            })
            .collect();
        for (_, answers) in &choices {
            answers
                .first()
                .into_iter()
                .for_each(|first| contents.put(first.clone()));
        }
        for (host, address) in self.in_zone_addresses(&[signer.into()], &apex) {
            contents.put(address_set(&host, plan.default_ttl, address));
        }
        // Signers count independently.
        let serial = 1_000 * (operator as u32);
        let soa = Soa {
            refresh: zone.timers.refresh,
            retry: zone.timers.retry,
            expire: zone.timers.expire,
            ..soa(&apex, plan.host(0, &apex), serial, plan.negative_ttl)
        };
        let counter = self.world.signature_counter.clone();
        let mut primary = Primary::new(contents, apex.clone(), soa, plan.default_ttl, counter);
        let is_unsigned = zone.keeps_unsigned(signer);
        primary.signing = (!is_unsigned).then(|| Signing {
            validity: plan.validity,
            resign_before: plan.resign_before,
            jitter: Jitter {
                most: plan.resign_jitter,
                seed: self.topology.seed,
                actor: format!("{signer}/{apex}/jitter"),
            },
            dnskey_ttl: plan.dnskey_ttl,
            clock: self.world.operators[operator].clock,
            denial: plan.denial.clone(),
        });
        primary.choices = choices;
        primary.habits = plan.habits.clone();
        primary.pushed = zone.owner.as_ref().map(|_| Pushed::default());
        self.world.operators[operator]
            .primaries
            .insert(apex.clone(), primary);
        let kinds: &[KeyKind] = match (&zone.owner, plan.is_csk) {
            _ if is_unsigned => &[],
            (Some(_), _) => &[KeyKind::Zsk],
            (None, true) => &[KeyKind::Csk],
            (None, false) => &[KeyKind::Ksk, KeyKind::Zsk],
        };
        for kind in kinds {
            self.make_key(signer, &apex, *kind, &format!("{kind}-1"), true);
        }
    }

    /// Makes a key of `signer` for `zone`; the same seed, signer, zone and label give the same key.
    pub fn make_key(
        &mut self,
        signer: &str,
        zone: &Name,
        kind: KeyKind,
        label: &str,
        is_active: bool,
    ) {
        if let Some(algorithm) = self.signer(signer).map(|plan| plan.algorithm) {
            self.make_key_of(algorithm, signer, zone, kind, label, is_active);
        }
    }

    /// The same in another algorithm than the signer began with.
    pub fn make_key_of(
        &mut self,
        algorithm: Algorithm,
        signer: &str,
        zone: &Name,
        kind: KeyKind,
        label: &str,
        is_active: bool,
    ) {
        let signer = self.keeper(signer, zone);
        let Some(operator) = self.world.operator(&signer) else {
            return;
        };
        let holder = self.holder_of_keys(&signer, zone);
        let key = self.key_of(algorithm, &holder, zone, kind, label);
        if let Some(recorder) = self.world.recorders.get_mut(zone) {
            let tag = key.public().tag();
            recorder.key(key.public(), format!("{holder} {label} ({tag})"));
        }
        if let Some(primary) = self.world.operators[operator].primaries.get_mut(zone) {
            let order = primary.keys.next_order();
            primary.keys.own.insert(
                label.into(),
                OwnKey {
                    kind,
                    key,
                    is_active,
                    is_published: true,
                    may_leave: false,
                    order,
                },
            );
        }
    }

    /// Several signers serve the zone as model 2 of RFC 8901 wants it: NS the union, foreign ZSKs
    /// imported, and the union of CDS where it is kept.
    fn put_start_state(&mut self, zone: &ZonePlan) {
        let signers = zone.signers.clone();
        self.set_ns(&zone.name, &signers, &signers);
        if zone.owner.is_some() {
            return self.push_start_state(zone);
        }
        if zone.serves_one_set() {
            return self.put_cds(zone);
        }
        for from in &signers {
            let others: Vec<String> = signers
                .iter()
                .filter(|other| *other != from)
                .cloned()
                .collect();
            self.import_data_keys(&zone.name, from, &others);
        }
        self.put_cds(zone);
    }

    /// The union of CDS where it is kept.
    fn put_cds(&mut self, zone: &ZonePlan) {
        if zone.has_cds {
            let both = [RecordType::CDS, RecordType::CDNSKEY];
            self.publish_cds(&zone.name, &zone.signers, &zone.signers, &both, false);
        }
    }

    /// The KSKs that the owner of a zone holds, the oldest first; the same seed gives the same keys.
    pub fn owner_keys(&self, zone: &Name) -> Vec<SigningKey> {
        let mut zones = self.topology.zones.iter();
        let plan = zones.find(|plan| plan.name == *zone);
        let Some((plan, owner)) = plan.and_then(|plan| Some((plan, plan.owner.as_ref()?))) else {
            return Vec::new();
        };
        let signer = plan.signers.first().and_then(|name| self.signer(name));
        let algorithm = signer.map_or(Algorithm::Ed25519, |signer| signer.algorithm);
        let key = |number: usize| {
            let seed = octets(self.topology.seed, &format!("{OWNER}/{zone}/ksk-{number}"));
            SigningKey::from_seed(algorithm, KeyKind::Ksk.flags(), seed)
        };
        (1..=owner.keys).map(key).collect()
    }

    /// Everybody serves one DNSKEY RRset, signed by the owner, as model 1 of RFC 8901 wants it.
    fn push_start_state(&mut self, zone: &ZonePlan) {
        let Some(owner) = &zone.owner else {
            return;
        };
        let keys = self.owner_keys(&zone.name);
        if let Some(recorder) = self.world.recorders.get_mut(&zone.name) {
            for (index, key) in keys.iter().enumerate() {
                let (number, tag) = (index + 1, key.public().tag());
                let holder = &owner.holder;
                recorder.key(key.public(), format!("{holder} ksk-{number} ({tag})"));
            }
        }
        let Some(ksk) = keys.first() else {
            return;
        };
        let mut dnskey = vec![ksk.public().to_rdata()];
        for signer in &zone.signers {
            let zsks = self.own_keys(signer, &zone.name, &Keys::Kind(KeyKind::Zsk));
            dnskey.extend(zsks.iter().map(Dnskey::to_rdata));
        }
        let ds = ksk.public().ds(&zone.name, DIGEST_SHA256);
        let cds: Vec<Rdata> = ds.iter().map(Ds::to_rdata).collect();
        let cdnskey = vec![ksk.public().to_rdata()];
        let now = self.topology.start;
        let inception = now.before(SERVED_BEFORE_START).before(INCEPTION_BACKDATE);
        let expiration = now + owner.validity;
        for signer in &zone.signers {
            let ttl = self
                .signer(signer)
                .map(|plan| (plan.dnskey_ttl, plan.default_ttl));
            let Some((primary, ttl)) = self.primary(signer, &zone.name).zip(ttl) else {
                continue;
            };
            let mut pushed = Pushed::default();
            for (rtype, data, ttl) in [
                (RecordType::DNSKEY, &dnskey, ttl.0),
                (RecordType::CDS, &cds, ttl.1),
                (RecordType::CDNSKEY, &cdnskey, ttl.1),
            ] {
                let set = RrSet::new(zone.name.clone(), rtype, ttl, data.clone());
                let given = Given {
                    key: ksk.public().clone(),
                    rrsig: Rrsig::sign(&set, ksk, &zone.name, inception, expiration),
                    inception,
                    expiration,
                };
                match rtype {
                    RecordType::DNSKEY => pushed.keys = Some(set),
                    _ if !zone.has_cds => continue,
                    _ => primary.contents.put(set),
                }
                pushed.signatures.insert(rtype, vec![given]);
            }
            primary.pushed = Some(pushed);
        }
    }

    fn add_parent(&mut self) {
        let Some(operator) = self.world.operator(PARENT) else {
            return;
        };
        let plan = self.topology.parent.clone();
        let mut contents = self.infrastructure(PARENT, &plan.zone, plan.ns_ttl);
        if let Some(endpoint) = plan.notify {
            put_dsync(&mut contents, &plan, endpoint);
        }
        self.infrastructure_zone(operator, plan.zone.clone(), contents, plan.algorithm, &plan);
        for zone in self.topology.zones.clone() {
            self.set_parent_ns(&zone.name, &zone.signers);
            if zone.is_secure {
                self.set_ds(&zone.name, &zone.signers, &[DIGEST_SHA256]);
            }
        }
    }

    fn add_root(&mut self) {
        let Some(operator) = self.world.operator(ROOT) else {
            return;
        };
        let plan = self.topology.parent.clone();
        let mut contents = self.infrastructure(ROOT, &Name::root(), plan.ns_ttl);
        if let Some(parent) = self.world.operator(PARENT) {
            let parent = &self.world.operators[parent];
            delegate(&mut contents, &plan.zone, &parent.instances, plan.ns_ttl);
            if let Some(primary) = parent.primaries.get(&plan.zone) {
                let keys = ksks(primary);
                let ds = keys
                    .iter()
                    .filter_map(|key| key.ds(&plan.zone, DIGEST_SHA256));
                let data = ds.map(|ds| ds.to_rdata());
                contents.put(RrSet::new(
                    plan.zone.clone(),
                    RecordType::DS,
                    plan.ds_ttl,
                    data,
                ));
            }
        }
        self.infrastructure_zone(operator, Name::root(), contents, Algorithm::Ed25519, &plan);
    }

    fn infrastructure(&self, operator: &str, zone: &Name, ttl: u32) -> Contents {
        let mut contents = Contents::new(zone.clone());
        if let Some(index) = self.world.operator(operator) {
            delegate(
                &mut contents,
                zone,
                &self.world.operators[index].instances,
                ttl,
            );
        }
        contents
    }

    fn infrastructure_zone(
        &mut self,
        operator: usize,
        zone: Name,
        contents: Contents,
        algorithm: Algorithm,
        plan: &ParentPlan,
    ) {
        let owner = &mut self.world.operators[operator];
        let host = owner
            .instances
            .first()
            .map_or_else(Name::root, |first| first.host.clone());
        let counter = self.world.signature_counter.clone();
        let soa = soa(&zone, host, 1, plan.negative_ttl);
        let mut primary = Primary::new(contents, zone.clone(), soa, plan.ns_ttl, counter);
        primary.signing = Some(Signing {
            validity: Duration::from_secs(14 * 86_400),
            resign_before: Duration::from_secs(7 * 86_400),
            jitter: Jitter::default(),
            dnskey_ttl: plan.ns_ttl,
            clock: owner.clock,
            denial: plan.denial.clone(),
        });
        for kind in [KeyKind::Ksk, KeyKind::Zsk] {
            let seed = octets(
                self.topology.seed,
                &format!("{}/{zone}/{kind}-1", owner.name),
            );
            let key = SigningKey::from_seed(algorithm, kind.flags(), seed);
            for recorder in self.world.recorders.values_mut() {
                recorder.key(
                    key.public(),
                    format!("{} {kind}-1 ({})", owner.name, key.public().tag()),
                );
            }
            primary.keys.own.insert(
                format!("{kind}-1"),
                OwnKey {
                    kind,
                    key,
                    is_active: true,
                    is_published: true,
                    may_leave: false,
                    order: 0,
                },
            );
        }
        owner.primaries.insert(zone, primary);
    }

    /// Each signer's nameserver names live in a child of the parent that it serves, insecure unless
    /// signalling names lie there.
    fn add_name_zones(&mut self) {
        for plan in self.topology.signers.clone() {
            let NamesIn::Zone(zone) = &plan.names_in else {
                continue;
            };
            let Some(operator) = self.world.operator(&plan.name) else {
                continue;
            };
            let ttl = self.topology.parent.ns_ttl;
            let contents = self.infrastructure(&plan.name, zone, ttl);
            let ds = match plan.signal {
                true => {
                    let parent = self.topology.parent.clone();
                    let name = zone.clone();
                    self.infrastructure_zone(operator, name, contents, plan.algorithm, &parent);
                    let primary = self.world.operators[operator].primaries.get(zone);
                    let keys = primary.map(ksks).unwrap_or_default().into_iter();
                    let ds = keys.filter_map(|key| key.ds(zone, DIGEST_SHA256));
                    ds.map(|ds| ds.to_rdata()).collect()
                }
                false => {
                    let negative_ttl = self.topology.parent.negative_ttl;
                    let soa = soa(zone, plan.host(0, zone), 1, negative_ttl);
                    let counter = self.world.signature_counter.clone();
                    let primary = Primary::new(contents, zone.clone(), soa, ttl, counter);
                    let owner = &mut self.world.operators[operator];
                    owner.primaries.insert(zone.clone(), primary);
                    Vec::new()
                }
            };
            let instances: Vec<(Name, IpAddr)> = self.world.operators[operator]
                .instances
                .iter()
                .map(|i| (i.host.clone(), i.address))
                .collect();
            let parent_zone = self.topology.parent.zone.clone();
            let parent = self.world.operator(PARENT);
            if let Some(primary) = parent
                .and_then(|parent| self.world.operators[parent].primaries.get_mut(&parent_zone))
            {
                put_delegation(&mut primary.contents, zone, &instances, ttl);
                let ds_ttl = self.topology.parent.ds_ttl;
                let ds = RrSet::new(zone.clone(), RecordType::DS, ds_ttl, ds);
                primary.contents.put(ds);
            }
        }
    }
}

/// The keys that a DS may name.
pub fn ksks(primary: &Primary) -> Vec<Dnskey> {
    let own = primary
        .keys
        .own
        .values()
        .filter(|own| own.kind.signs_keys());
    own.map(|own| own.key.public().clone()).collect()
}

/// An address record.
pub fn address_set(host: &Name, ttl: u32, address: IpAddr) -> RrSet {
    let rtype = if address.is_ipv4() {
        RecordType::A
    } else {
        RecordType::AAAA
    };
    RrSet::new(host.clone(), rtype, ttl, [Rdata::address(address)])
}

fn soa(zone: &Name, mname: Name, serial: u32, minimum: u32) -> Soa {
    let rname = zone
        .prepend_label("hostmaster")
        .unwrap_or_else(|_| zone.clone());
    Soa {
        mname,
        rname,
        serial,
        refresh: 3_600,
        retry: 600,
        expire: 1_209_600,
        minimum,
    }
}

fn delegate(contents: &mut Contents, zone: &Name, instances: &[Instance], ttl: u32) {
    let hosts: Vec<(Name, IpAddr)> = instances
        .iter()
        .map(|instance| (instance.host.clone(), instance.address))
        .collect();
    put_delegation(contents, zone, &hosts, ttl);
}

/// Where the parent wants to be told of new CDS and CSYNC RRsets, for every child (RFC 9859 §3).
fn put_dsync(contents: &mut Contents, plan: &ParentPlan, endpoint: SocketAddr) {
    let names = parse_name("*._dsync.").and_then(|all| Ok((all, parse_name("scanner.nic.")?)));
    let Ok((all, host)) = names else { return };
    let below = |name: Name| name.append_domain(&plan.zone);
    let (Ok(all), Ok(host)) = (below(all), below(host)) else {
        return;
    };
    let dsync = NOTIFIED.map(|rtype| Dsync::notify(rtype, host.clone(), endpoint.port()));
    let data = dsync.map(|dsync| dsync.to_rdata());
    contents.put(RrSet::new(all, DSYNC, plan.ns_ttl, data));
    contents.put(address_set(&host, plan.ns_ttl, endpoint.ip()));
}

/// NS of `zone` and the addresses of those hosts that lie in or below it.
fn put_delegation(contents: &mut Contents, zone: &Name, hosts: &[(Name, IpAddr)], ttl: u32) {
    let ns = hosts.iter().map(|(host, _)| Rdata::name(host));
    contents.put(RrSet::new(zone.clone(), RecordType::NS, ttl, ns));
    for (host, address) in hosts.iter().filter(|(host, _)| zone.zone_of(host)) {
        contents.put(address_set(host, ttl, *address));
    }
}
