//! The controller that tells and the daemon that is told, both on real sockets: what a join publishes is
//! scanned at once.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use counterpoint_controller::{
    Command, Config, Controller, DdnsAccess, Interface, Limits, Signer, SignerName, Zone,
};
use counterpoint_dns::{
    agent::{Note, Transport},
    driver::{agent::Driver, clock::Clock, store::MemoryStore},
    resolver,
    stream::stream,
    time::Timestamp,
};
use counterpoint_simnet::topology::Stage;
use tokio::{sync::mpsc, time::sleep};

use crate::{
    daemon::{Daemon, equip},
    kit::{Office, Town, ds_of, name, stage_that_says},
};

const CHILD: &str = "one.test.";
const CHILDREN: [&str; 2] = [CHILD, "quiet.test."];
/// Those, and those of alpha's and beta's names.
const ALL: u64 = 4;
/// From the last server that serves the CDS to the scan.
const SOON: Duration = Duration::from_secs(1);
/// Where the parent says that it listens; the daemon really listens elsewhere.
const KNOWN_AS: ([u8; 4], u16) = ([127, 66, 200, 1], 5_359);

fn config(stage: &Stage) -> Config {
    let mut config = Config::new(name("test."));
    config.poll = Duration::from_millis(100);
    let roots = stage.root_addresses();
    config.resolver = Some(resolver::Config::new(roots, stage.trust_anchor()));
    for plan in &stage.topology.signers {
        let operator = &stage.world.operators[stage.world.operator(&plan.name).unwrap()];
        let interface = Interface::Ddns(DdnsAccess {
            primary: operator.update_address(),
            via: Transport::Tcp,
            tsig: operator.tsig.clone(),
        });
        let signer = Signer {
            ns: plan.hosts(&name(CHILD)),
            in_zone_addresses: BTreeMap::new(),
            interface,
            limits: Limits::default(),
            signal_zones: Default::default(),
            own_keys: Vec::new(),
            csk: Some(false),
            max_ttl: Config::MAX_TTL,
        };
        let called = SignerName::from(plan.name.as_str());
        config.signers.insert(called, signer);
    }
    let members = Zone::Signers([SignerName::from("alpha")].into());
    config.zones.insert(name(CHILD), members);
    config
}

/// N-07, N-10: the controller finds by DSYNC whom to tell, and what its join publishes is scanned at once,
/// by a daemon that would look a day later; a parent that says nothing is not told, and does not look.
#[tokio::test]
async fn n_10_what_a_join_publishes_is_scanned_within_a_second() {
    let known_as = SocketAddr::from(KNOWN_AS);
    for dsync in [Some(known_as), None] {
        let stage = stage_that_says(&CHILDREN, dsync);
        let office = Office::new(&stage);
        equip(&office, &stage, "");
        let controller = Controller::new(config(&stage), stream(1, "controller"));
        let mut town = Town::open(stage).await;
        let daemon = Daemon::start(&mut town, &office, &["--apply"]).await;
        town.answering(daemon.reaches("scans_total", "scan", ALL))
            .await;

        let mut options = town.options();
        options.routes.insert(known_as, daemon.notify);
        let (sender, mut notes) = mpsc::unbounded_channel();
        let hear = move |_: Timestamp, note: Note| {
            println!("{note}");
            let _ = sender.send((Clock.now(), note));
        };
        let (driver, handle) = Driver::new(controller, MemoryStore::default(), hear, options);
        let story = async {
            let join = Command::Join {
                zone: name(CHILD),
                signer: "beta".into(),
            };
            handle.command(join).await.unwrap();
            // Every server was seen to serve the CDS, and the join waits for the parent.
            let published = loop {
                let (at, note) = notes.recv().await.expect("the controller runs");
                assert_ne!(note.kind, "blocked", "{note}");
                if note.kind == "step" && note.subject == "join/4" {
                    break at;
                }
            };
            if dsync.is_some() {
                daemon.reaches("scans_total", "notify", 1).await;
                let scanned = Clock.now().since(published);
                daemon.reaches("changes_total", "\"applied\"", 1).await;
                let changed = Clock.now().since(published);
                println!("scanned {scanned:?} after the CDS was everywhere, changed {changed:?}");
                assert!(scanned < SOON, "{scanned:?}");
            } else {
                sleep(2 * SOON).await;
                assert_eq!(daemon.metric("notify_total", "").await, 0);
            }
            handle.stop().await.unwrap();
        };
        let both = async { tokio::join!(driver.run(), story).0 };
        town.answering(both).await.unwrap();
        let there = if dsync.is_some() { 2 } else { 1 };
        assert_eq!(ds_of(&town.stage, CHILD).len(), there);
        assert_eq!(town.answering(daemon.stop()).await, 0);
    }
}
