//! The scanner finds a CDS on real sockets and changes the DS at the parent by a signed update.

use std::time::Duration;

use counterpoint_dns::{
    driver::{
        clock::Clock,
        store::{MemoryStore, Store as _},
    },
    name::RecordType,
    resolver,
    stream::stream,
};
use counterpoint_scanner::{Config, Scanner};
use counterpoint_simnet::topology::{PARENT, Stage};

use crate::kit::{Town, name, published, run_until, stage, zone};

fn config(stage: &Stage) -> Config {
    let parent = &stage.world.operators[stage.world.operator(PARENT).unwrap()];
    let mut config = Config::new(name("test."), parent.update_address(), Clock.now());
    config.tsig = Some(parent.tsig.clone());
    config.publish_delay = Duration::ZERO..=Duration::ZERO;
    let roots = stage.root_addresses();
    config.resolver = Some(resolver::Config::new(roots, stage.trust_anchor()));
    config
}

#[tokio::test]
async fn a_cds_becomes_a_ds_by_transfer_questions_and_a_signed_update() {
    let mut stage = stage();
    let (alpha, both) = (["alpha".into()], ["alpha".into(), "beta".into()]);
    stage.import_data_keys(&zone(), "beta", &alpha);
    let types = [RecordType::CDS, RecordType::CDNSKEY];
    stage.publish_cds(&zone(), &alpha, &both, &types, false);
    stage.publish("alpha", &zone());
    let ds = |stage: &Stage| published(stage, PARENT, &name("test."), &zone(), RecordType::DS);
    let cds = published(&stage, "alpha", &zone(), &zone(), RecordType::CDS);
    assert_eq!((ds(&stage).len(), cds.len()), (1, 2));

    let scanner = Scanner::new(config(&stage), stream(1, "scanner"));
    let town = Town::open(stage).await.unwrap();
    let options = town.options();
    let run = run_until(
        scanner,
        MemoryStore::default(),
        options,
        async |_| {},
        |note| note.kind == "applied" || note.subject == "UPDATE_REFUSED",
    );
    let (stage, (scanner, store, notes)) = town.during(run).await;

    let told: Vec<(&str, &str)> = notes
        .iter()
        .map(|note| (note.kind, note.subject.as_str()))
        .collect();
    assert!(
        notes
            .iter()
            .any(|note| note.kind == "verdict" && note.text.contains("accept")),
        "{notes:#?}"
    );
    assert_eq!(
        told.last().map(|last| last.0),
        Some("applied"),
        "{notes:#?}"
    );
    assert_eq!(
        ds(&stage),
        cds,
        "the parent's primary has what the CDS asked for"
    );
    assert_eq!(scanner.pending().count(), 0);
    let records = store.records();
    assert!(
        records
            .iter()
            .any(|record| record.key.contains("example.test.")),
        "{records:?}"
    );
}
