//! The controller begins a join on real sockets: prerequisites, the import of keys, and the look at
//! what came of it.

use std::{collections::BTreeMap, fs, time::Duration};

use counterpoint_controller::{
    Command, Config, Controller, DdnsAccess, Interface, Limits, Signer, SignerName, Zone,
};
use counterpoint_dns::{
    agent::Transport,
    driver::store::{FileStore, Store as _},
    key::Dnskey,
    stream::stream,
};
use counterpoint_simnet::{
    by_hand::Keys,
    keys::KeyKind,
    topology::{PARENT, Stage},
};

use crate::kit::{Town, name, run_until, served_keys, stage, zone};

fn config(stage: &Stage) -> Config {
    let mut config = Config::new(name("test."));
    config.poll = Duration::from_millis(200);
    let operators = &stage.world.operators;
    for operator in operators {
        for instance in &operator.instances {
            let found = vec![instance.address];
            config.addresses.insert(instance.host.clone(), found);
        }
    }
    let parent = &operators[stage.world.operator(PARENT).unwrap()];
    let hosts = parent
        .instances
        .iter()
        .map(|instance| instance.host.clone());
    config.parent.ns = hosts.collect();
    for plan in &stage.topology.signers {
        let operator = &operators[stage.world.operator(&plan.name).unwrap()];
        let signer = Signer {
            ns: plan.hosts(&zone()),
            in_zone_addresses: BTreeMap::new(),
            interface: Interface::Ddns(DdnsAccess {
                primary: operator.update_address(),
                via: Transport::Tcp,
                tsig: operator.tsig.clone(),
            }),
            limits: Limits::default(),
            signal_zones: Default::default(),
            own_keys: Vec::new(),
            csk: Some(false),
            max_ttl: Config::MAX_TTL,
        };
        config
            .signers
            .insert(SignerName::from(plan.name.as_str()), signer);
    }
    let members = Zone::Signers([SignerName::from("alpha")].into());
    config.zones.insert(zone(), members);
    config
}

#[tokio::test]
async fn a_join_brings_the_foreign_zsks_to_both_signers() {
    let mut stage = stage();
    let mut zsks: Vec<Dnskey> = Vec::new();
    for signer in ["alpha", "beta"] {
        zsks.extend(stage.own_keys(signer, &zone(), &Keys::Kind(KeyKind::Zsk)));
    }
    assert_eq!(zsks.len(), 2);
    let config = config(&stage);
    let file = std::env::temp_dir().join(format!("counterpoint-join-{}", std::process::id()));
    let _ = fs::remove_file(&file);
    let store = FileStore::open(&file).unwrap();
    let controller = Controller::restore(config.clone(), stream(1, "controller"), store.records());

    let town = Town::open(stage).await.unwrap();
    let options = town.options();
    let join = Command::Join {
        zone: zone(),
        signer: "beta".into(),
    };
    let begin = async move |handle: &counterpoint_dns::driver::agent::Handle<Command>| {
        handle.command(join).await.unwrap();
    };
    let run = run_until(controller, store, options, begin, |note| {
        // The next step begins when every instance was seen to serve what this one wrote.
        note.subject == "join/3" || matches!(note.kind, "blocked" | "refused")
    });
    let (stage, (controller, store, notes)) = town.during(run).await;

    let steps: Vec<&str> = notes
        .iter()
        .filter(|note| note.kind == "step")
        .map(|note| note.subject.as_str())
        .collect();
    assert!(steps.ends_with(&["join/2", "join/3"]), "{notes:#?}");
    for signer in ["alpha", "beta"] {
        for keys in served_keys(&stage, signer) {
            assert!(
                zsks.iter().all(|zsk| keys.contains(zsk)),
                "{signer}: {keys:?}"
            );
            assert_eq!(keys.len(), 3, "its own two and the other's ZSK");
        }
    }

    // Another process goes on from the file where this one ended.
    drop(store);
    let records = FileStore::open(&file).unwrap().records();
    let again = Controller::restore(config, stream(2, "controller"), records);
    assert_eq!(again.report(), controller.report());
    fs::remove_file(&file).unwrap();
}
