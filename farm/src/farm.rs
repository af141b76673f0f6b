//! All of it together: planned, written, started; and stopped when dropped.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Write as _},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    thread,
};

use counterpoint_dns::{
    name::{Name, RecordType},
    time::Timestamp,
};

use crate::{
    Child, OperatorPlan,
    daemon::Daemon,
    ground::Ground,
    operator::Operator,
    parent::Parent,
    root::Root,
    software::{Site, Software, bind, start, unbound, write_zone, zone_file},
    zone::{self, below},
};

/// The host of the parent's server within the farm's network.
const PARENT_HOST: u8 = 1;
/// The host of the resolver.
const RESOLVER_HOST: u8 = 2;
/// The host of the root's server.
const ROOT_HOST: u8 = 3;
/// The host of the first operator's first address.
const FIRST_HOST: u8 = 11;

/// What a farm is to be.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The parent's zone.
    pub parent: Name,
    /// The operators with their children.
    pub operators: Vec<OperatorPlan>,
    /// All keys follow from it.
    pub seed: u64,
    /// When it is signed: signatures hold for a fortnight before and after.
    pub now: Timestamp,
}

/// A farm. Its servers stop and its files go when it is dropped.
#[derive(Debug)]
pub struct Farm {
    // Before the ground: servers stop before their files go.
    daemons: Vec<Daemon>,
    /// The root above the parent.
    pub root: Root,
    /// The parent.
    pub parent: Parent,
    /// The operators.
    pub operators: Vec<Operator>,
    /// The children, operator by operator.
    pub children: Vec<Child>,
    ground: Ground,
    now: Timestamp,
}

impl Farm {
    /// Takes ground and writes all zones; nothing runs yet.
    pub fn lay_out(plan: &Plan) -> io::Result<Self> {
        let ground = Ground::take()?;
        let parent = Parent::new(plan.parent.clone(), ground.address(PARENT_HOST), plan.seed);
        let root = Root::new(ground.address(ROOT_HOST), plan.seed);
        let mut hosts = FIRST_HOST..;
        let mut operators = Vec::new();
        let mut children = Vec::new();
        for (index, operator) in plan.operators.iter().enumerate() {
            let mut process = || -> Vec<Ipv4Addr> {
                let hosts = hosts.by_ref().take(operator.addresses.into());
                hosts.map(|host| ground.address(host)).collect()
            };
            let addresses = (0..operator.processes).map(|_| process()).collect();
            let zone = below(&plan.parent, &operator.label)?;
            let operator = Operator::new(operator.clone(), zone, addresses, plan.seed);
            let names: Vec<Name> = operator.hosts().into_iter().map(|(name, _)| name).collect();
            for (number, state) in operator.plan.children.iter().enumerate() {
                let label = format!("{}-{number}-{}", state.name(), operator.plan.label);
                let name = below(&plan.parent, &label)?;
                let addresses = operator.all_addresses();
                let child = Child::new(name, *state, index, &names, &addresses, plan.seed);
                children.push(child);
            }
            operators.push(operator);
        }
        let farm = Self {
            daemons: Vec::new(),
            root,
            parent,
            operators,
            children,
            ground,
            now: plan.now,
        };
        farm.write_zones()?;
        Ok(farm)
    }

    /// Lays out a farm and starts every server of its operators.
    pub fn open(plan: &Plan) -> io::Result<Self> {
        let mut farm = Self::lay_out(plan)?;
        farm.start_operators()?;
        Ok(farm)
    }

    /// The farm's directory.
    pub fn folder(&self) -> &Path {
        self.ground.folder()
    }

    /// Where drivers really find the servers, if that is not where the delegations say.
    pub fn routes(&self) -> BTreeMap<SocketAddr, SocketAddr> {
        let addresses: Vec<Ipv4Addr> = self
            .operators
            .iter()
            .flat_map(Operator::all_addresses)
            .collect();
        self.ground.routes(&addresses)
    }

    /// Where the parent's server takes transfers and updates.
    pub fn parent_address(&self) -> SocketAddr {
        (self.parent.address, self.ground.port()).into()
    }

    /// Where the resolver listens.
    pub fn resolver_address(&self) -> SocketAddr {
        (self.ground.address(RESOLVER_HOST), self.ground.port()).into()
    }

    /// The parent's zone, signed, as a file.
    pub fn parent_file(&self) -> PathBuf {
        self.folder().join("parent.zone")
    }

    /// Process ids of everything that runs.
    pub fn processes(&self) -> Vec<u32> {
        self.daemons.iter().map(Daemon::id).collect()
    }

    /// Starts every server of the operators and waits until each has its last zone.
    pub fn start_operators(&mut self) -> io::Result<()> {
        for (index, operator) in self.operators.clone().iter().enumerate() {
            for (process, addresses) in operator.addresses.iter().enumerate() {
                if operator.plan.software == Software::Bind {
                    for address in addresses {
                        self.ground.put_on_interface(*address)?;
                    }
                }
                let children = self.children.iter().filter(|child| child.operator == index);
                let names = children.map(|child| child.name.clone());
                let site = Site {
                    folder: self.site_folder(operator, process)?,
                    addresses: addresses.clone(),
                    port: self.ground.port(),
                    zones: [operator.zone.clone()].into_iter().chain(names).collect(),
                };
                let mut daemon = site.start(operator.plan.software)?;
                for address in addresses {
                    for zone in site.zones.first().into_iter().chain(site.zones.last()) {
                        daemon.wait_for((*address, site.port).into(), zone, RecordType::SOA)?;
                    }
                }
                self.daemons.push(daemon);
            }
        }
        Ok(())
    }

    /// Starts the parent's server: BIND, which signs by itself and takes updates by TSIG.
    pub fn start_parent(&mut self) -> io::Result<()> {
        let (zone, address) = (self.parent.zone.clone(), self.parent.address);
        self.ground.put_on_interface(address)?;
        let folder = self.ground.subfolder("parent")?;
        self.parent
            .write_keys(&self.ground.subfolder("parent/keys")?, zone::TTL)?;
        // Signed already, by the keys that it finds: nothing is left to wait for.
        std::fs::copy(self.parent_file(), zone_file(&folder, &zone))?;
        let site = Site {
            folder,
            addresses: vec![address],
            port: self.ground.port(),
            zones: vec![zone.clone()],
        };
        let config = bind::signer_config(&site, &self.parent.tsig_secret());
        let mut daemon = start("named", &config, &bind::arguments(), &site.folder)?;
        daemon.wait_for(self.parent_address(), &zone, RecordType::SOA)?;
        self.daemons.push(daemon);
        Ok(())
    }

    /// Starts the root's server, from which a resolver of its own finds everything.
    pub fn start_root(&mut self) -> io::Result<()> {
        let site = Site {
            folder: self.ground.subfolder("root")?,
            addresses: vec![self.root.address],
            port: self.ground.port(),
            zones: vec![Name::root()],
        };
        let sets = self.root.zone(&self.parent, self.now);
        write_zone(&site.folder, &Name::root(), &sets)?;
        let mut daemon = site.start(Software::Nsd)?;
        daemon.wait_for(
            (self.root.address, site.port).into(),
            &Name::root(),
            RecordType::SOA,
        )?;
        self.daemons.push(daemon);
        Ok(())
    }

    /// Starts a resolver with an empty cache. It is stopped when dropped, or with the farm's files.
    pub fn start_resolver(&self) -> io::Result<Daemon> {
        let site = Site {
            folder: self.ground.subfolder("unbound")?,
            addresses: vec![self.ground.address(RESOLVER_HOST)],
            port: self.ground.port(),
            zones: Vec::new(),
        };
        let anchor = self.parent.trust_anchor();
        let anchor = anchor.ok_or_else(|| io::Error::other("the parent has no trust anchor"))?;
        let zone = self.parent.zone.clone();
        let stubs = [(zone.clone(), self.parent.address)];
        let config = unbound::config(&site, &(zone, anchor), &stubs);
        let mut daemon = start("unbound", &config, &unbound::arguments(), &site.folder)?;
        daemon.wait_for(self.resolver_address(), &self.parent.zone, RecordType::SOA)?;
        Ok(daemon)
    }

    fn site_folder(&self, operator: &Operator, process: usize) -> io::Result<PathBuf> {
        let name = format!("{}-{}", operator.plan.label, process + 1);
        self.ground.subfolder(&name)
    }

    /// Signing takes most of the time: every core has a share.
    fn write_zones(&self) -> io::Result<()> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            let shares = (0..cores).map(|core| {
                scope.spawn(move || {
                    let mut share = self.children.iter().skip(core).step_by(cores);
                    share.try_for_each(|child| self.write_child(child))
                })
            });
            let shares: Vec<_> = shares.collect();
            shares.into_iter().try_for_each(|share| match share.join() {
                Ok(written) => written,
                Err(panic) => std::panic::resume_unwind(panic),
            })
        })?;
        for operator in &self.operators {
            let sets = operator.zone(&self.children_of(operator), self.now);
            for process in 0..operator.addresses.len() {
                write_zone(&self.site_folder(operator, process)?, &operator.zone, &sets)?;
            }
        }
        let parent = self.parent.zone(&self.operators, &self.children);
        let mut file = BufWriter::new(File::create(self.parent_file())?);
        zone::write(&self.parent.signed(&parent, self.now), &mut file)?;
        file.flush()
    }

    fn children_of(&self, operator: &Operator) -> Vec<Child> {
        let is_theirs = |child: &&Child| {
            let of = self.operators.get(child.operator);
            of.is_some_and(|of| of.zone == operator.zone)
        };
        self.children.iter().filter(is_theirs).cloned().collect()
    }

    fn write_child(&self, child: &Child) -> io::Result<()> {
        let Some(operator) = self.operators.get(child.operator) else {
            return Ok(());
        };
        for process in 0..operator.addresses.len() {
            let sets = child.zone(process, self.now);
            write_zone(&self.site_folder(operator, process)?, &child.name, &sets)?;
        }
        Ok(())
    }
}
