//! A world of two signers behind sockets, and agents that are run against it until something is told.

use std::{collections::BTreeMap, io, net::SocketAddr, time::Duration};

use counterpoint_dns::{
    agent::{Agent, Note},
    driver::{
        agent::{Driver, Handle, Options},
        clock::Clock,
        server::{Desk, Listener},
        store::Store,
    },
    key::{Algorithm, Dnskey},
    name::{Name, RecordType, parse_name},
    rdata::Rdata,
};
use counterpoint_simnet::topology::{NamesIn, ParentPlan, SignerPlan, Stage, Topology, ZonePlan};
use tokio::{sync::mpsc, time::timeout};

/// The port that agents believe servers to listen on.
pub const DNS_PORT: u16 = 53;
/// A test that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(20);

/// A name.
pub fn name(text: &str) -> Name {
    parse_name(text).unwrap()
}

/// The zone that the signers serve.
pub fn zone() -> Name {
    name("example.test.")
}

fn signer(label: &str) -> SignerPlan {
    SignerPlan {
        name: label.into(),
        hosts: vec!["ns1".into(), "ns2".into()],
        names_in: NamesIn::Zone(name(&format!("{label}.test."))),
        signal: false,
        is_csk: false,
        algorithm: Algorithm::Ed25519,
        denial: Default::default(),
        dnskey_ttl: 3_600,
        ns_ttl: 3_600,
        default_ttl: 3_600,
        negative_ttl: 900,
        signing_time: Duration::ZERO,
        validity: Duration::from_secs(14 * 86_400),
        resign_before: Duration::from_secs(3 * 86_400),
        resign_jitter: Duration::ZERO,
        clock: counterpoint_simnet::clock::Skew::NONE,
        habits: Default::default(),
        propagation: Duration::ZERO..=Duration::ZERO,
    }
}

/// A world that begins now: alpha serves the zone; beta keeps it too, but nobody knows yet.
pub fn stage() -> Stage {
    let mut stage = Stage::new(Topology {
        seed: 66,
        start: Clock.now(),
        parent: ParentPlan {
            zone: name("test."),
            servers: 2,
            algorithm: Algorithm::Ed25519,
            denial: Default::default(),
            ds_ttl: 3_600,
            ns_ttl: 86_400,
            negative_ttl: 900,
            propagation: Duration::ZERO..=Duration::ZERO,
            notify: None,
        },
        signers: vec![signer("alpha"), signer("beta")],
        zones: vec![ZonePlan {
            name: zone(),
            signers: vec!["alpha".into()],
            is_secure: true,
            has_cds: false,
            owner: None,
            source: None,
            shares_keys: false,
            timers: Default::default(),
            choices: Vec::new(),
            records: vec![(
                name("www.example.test."),
                None,
                RecordType::A,
                Rdata::address([192, 0, 2, 1].into()),
            )],
        }],
    });
    let plan = stage.topology.zones[0].clone();
    stage.start_serving("beta", &plan);
    stage
}

/// The data of an RRset in what an operator's primary published last.
pub fn published(
    stage: &Stage,
    operator: &str,
    at: &Name,
    owner: &Name,
    rtype: RecordType,
) -> Vec<Rdata> {
    let index = stage.world.operator(operator).unwrap();
    let version = stage.world.operators[index].primaries[at].published();
    let served = version.and_then(|version| version.get(owner, rtype));
    served
        .into_iter()
        .flat_map(|served| served.set.data.iter().cloned())
        .collect()
}

/// The keys in the zone's DNSKEY RRset as each instance of a signer serves it.
pub fn served_keys(stage: &Stage, signer: &str) -> Vec<Vec<Dnskey>> {
    let index = stage.world.operator(signer).unwrap();
    let keys = |set: &Rdata| Dnskey::parse(set);
    let instances = stage.world.operators[index].instances.iter();
    instances
        .map(|instance| {
            let copy = instance.copy(&zone()).unwrap();
            let set = &copy.apex(RecordType::DNSKEY).unwrap().set;
            set.data.iter().filter_map(keys).collect()
        })
        .collect()
}

/// A world behind sockets.
pub struct Town {
    /// The world.
    pub stage: Stage,
    /// Where each server really listens.
    pub routes: BTreeMap<SocketAddr, SocketAddr>,
    desk: Desk,
    listeners: Vec<Listener>,
}

impl Town {
    /// Opens every server of the world.
    pub async fn open(stage: Stage) -> io::Result<Self> {
        let mut town = Self {
            routes: BTreeMap::new(),
            desk: Desk::default(),
            listeners: Vec::new(),
            stage,
        };
        for address in town.stage.world.addresses() {
            let listener = town.desk.listen(SocketAddr::new(address, 0)).await?;
            let known_as = SocketAddr::new(address, DNS_PORT);
            town.routes.insert(known_as, listener.address());
            town.listeners.push(listener);
        }
        Ok(town)
    }

    /// What drivers must know.
    pub fn options(&self) -> Options {
        Options {
            routes: self.routes.clone(),
            ..Options::default()
        }
    }

    /// Where the server that is known under this address really listens.
    pub fn route(&self, known_as: SocketAddr) -> SocketAddr {
        self.routes[&known_as]
    }

    /// Lets the world answer until `story` has come to its end, then closes every socket.
    pub async fn during<T>(mut self, story: impl Future<Output = T>) -> (Stage, T) {
        let Self { stage, desk, .. } = &mut self;
        let serving = async {
            loop {
                let inquiry = desk.next().await;
                let world = &mut stage.world;
                let now = Clock.now();
                let seated = world.step::<()>(now);
                assert_eq!(seated, None, "nobody is seated in it");
                world.rest_until(now);
                let (to, from, via) = (inquiry.to.ip(), inquiry.from, inquiry.via);
                let answer = world.serve(to, from, via, &inquiry.request);
                inquiry.answer(answer);
            }
        };
        let told = tokio::select! {
            () = serving => unreachable!("the world goes on for ever"),
            told = timeout(LIMIT, story) => told.expect("the story ends in time"),
        };
        for listener in self.listeners {
            listener.close().await.unwrap();
        }
        // Whatever was on its way to the instances arrives.
        let seated = self.stage.world.step::<()>(Clock.now());
        assert_eq!(seated, None, "nobody is seated in it");
        (self.stage, told)
    }
}

/// Runs an agent from `begin` until a note is told that `is_last` picks. Gives back agent, store and
/// notes.
pub async fn run_until<A: Agent, S: Store>(
    agent: A,
    store: S,
    options: Options,
    begin: impl AsyncFnOnce(&Handle<A::Command>),
    is_last: impl Fn(&Note) -> bool,
) -> (A, S, Vec<Note>) {
    let (sender, mut notes) = mpsc::unbounded_channel();
    let hear = move |at, note| {
        // Shown if the test fails.
        println!("{at} {note}");
        sender.send(note).unwrap();
    };
    let (driver, handle) = Driver::new(agent, store, hear, options);
    let watch = async {
        begin(&handle).await;
        let mut heard = Vec::new();
        while let Some(note) = notes.recv().await {
            let is_last = is_last(&note);
            heard.push(note);
            if is_last {
                break;
            }
        }
        handle.stop().await.unwrap();
        while let Some(note) = notes.recv().await {
            heard.push(note);
        }
        heard
    };
    let (ran, heard) = tokio::join!(driver.run(), watch);
    let (agent, store) = ran.unwrap();
    (agent, store, heard)
}
