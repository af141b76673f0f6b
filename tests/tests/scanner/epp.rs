//! The tool against a registry that keeps domains, looks at every frame, and does not always do what it
//! is told.

use std::{collections::BTreeSet, process::Command as Process};

use counterpoint_dns::{
    key::{DIGEST_SHA256, Dnskey},
    name::RecordType,
    rdata::{Ds, Rdata},
};
use counterpoint_farm::software::is_able;
use counterpoint_scanner::epp::command;
use counterpoint_simnet::topology::Stage;
use counterpoint_tests::registry::{Domain, Instead, Message, PASSWORD, Registry, Store, USER};
use data_encoding::BASE64;

use crate::{
    epp_commands::complaints,
    kit::{Office, Town, ask_for_both, name, rrset, stage},
};

const CHILD: &str = "one.test.";

/// The registry of this world, which has what its parent has.
fn registry(stage: &Stage, secures: fn(&Stage) -> Domain) -> Registry {
    let mut domain = secures(stage);
    let ns = rrset(stage, CHILD, RecordType::NS);
    let ns = ns.iter().filter_map(|data| data.as_name());
    domain.ns = ns.map(|host| command::plain(&host)).collect();
    let message = |id: &str, ended| Message {
        id: id.into(),
        text: "A message".into(),
        ended,
    };
    let mut store = Store {
        messages: [
            message("m1", None),
            message("m2", Some(("one.test".into(), true))),
        ]
        .into(),
        ..Store::default()
    };
    store.domains.insert("one.test".into(), domain);
    Registry::open(store).unwrap()
}

fn ds_texts(data: &[Rdata]) -> BTreeSet<String> {
    data.iter()
        .map(|data| data.present(RecordType::DS))
        .collect()
}

fn with_ds(stage: &Stage) -> Domain {
    Domain {
        ds: ds_texts(&rrset(stage, CHILD, RecordType::DS)),
        ..Domain::default()
    }
}

/// A town with a plan for its child, and an office that knows the registry.
struct Trial {
    town: Town,
    office: Office,
    registry: Registry,
    /// The DS records that are wanted.
    wanted: BTreeSet<String>,
}

impl Trial {
    async fn open(secures: fn(&Stage) -> Domain, interface: &str) -> Self {
        let mut stage = stage(&[CHILD]);
        ask_for_both(&mut stage, CHILD);
        let office = Office::new(&stage);
        let registry = registry(&stage, secures);
        office.write("ca.pem", registry.certificate());
        office.write("password", &format!("{PASSWORD}\n"));
        let chmod = |mode: &str| {
            let path = office.path("password");
            let done = Process::new("chmod").args([mode, &path]).status();
            assert!(done.unwrap().success());
        };
        chmod("600");
        let epp = format!(
            "[epp]\nserver = \"{}\"\nuser = \"{USER}\"\npassword-file = \"{}\"\n\
             authorities = \"{}\"\ninterface = \"{interface}\"\n",
            registry.server(),
            office.path("password"),
            office.path("ca.pem"),
        );
        let policy = office.policy(&stage, &epp);
        office.write("policy.toml", &policy);
        let mut town = Town::open(stage).await;
        let (state, out) = (office.path("state"), office.path("out"));
        let plan = town.words(&office, &["plan", "--state", &state, "--out", &out]);
        let (code, out, err) = town.run(plan).await;
        assert_eq!(code, 0, "{err}{out}");
        let plan = counterpoint_scanner::plan::file::read(&office.read("out/plan.toml")).unwrap();
        let change = &plan.changes[&name(CHILD)].change;
        let wanted = change.wanted(&name(CHILD), RecordType::DS).unwrap();
        let wanted = ds_texts(&Vec::from_iter(wanted.data.clone()));
        Self {
            town,
            office,
            registry,
            wanted,
        }
    }

    /// `apply --epp`: the exit code and what is said of the child.
    async fn apply(&mut self) -> (u8, String) {
        let (plan, state) = (self.office.path("out/plan.toml"), self.office.path("state"));
        let words = ["apply", &plan, "--epp", "--json", "--state", &state];
        let words = self.town.words(&self.office, &words);
        let (code, out, err) = self.town.run(words).await;
        assert!(self.town.made.is_empty(), "nothing by dynamic update");
        for said in [&out, &err] {
            assert!(
                !said.contains(PASSWORD) && !said.contains("secret&"),
                "{said}"
            );
        }
        for (path, octets) in self.office.everything() {
            let text = String::from_utf8_lossy(&octets);
            assert!(
                path.ends_with("password") || !text.contains(PASSWORD),
                "{path:?}"
            );
        }
        let said: serde_json::Value = serde_json::from_str(&out).unwrap();
        let change = &said["changes"][0];
        match change.is_object() {
            true => (code, format!("{} {}", change["outcome"], change["reason"])),
            false => (code, out),
        }
    }

    fn ds(&self) -> BTreeSet<String> {
        self.registry.store().domains["one.test"].ds.clone()
    }
}

#[tokio::test]
async fn a_plan_is_carried_to_the_registry_and_back() {
    if !is_able(&["xmllint"]) {
        return;
    }
    let mut trial = Trial::open(with_ds, "ds").await;
    let before = trial.ds();
    let planned = trial.office.read("out/epp/one.test-1.xml");
    assert_eq!(complaints(&planned), "");
    assert!(planned.contains("<secDNS:add>"), "{planned}");
    assert_eq!(trial.apply().await, (0, "\"applied\" \"VERIFIED\"".into()));
    assert_eq!(trial.ds(), trial.wanted);
    let (acknowledged, commands) = {
        let store = trial.registry.store();
        assert_eq!(store.complaints, [""; 0]);
        (store.acknowledged.clone(), store.commands.clone())
    };
    assert_eq!(acknowledged, ["m1", "m2"]);
    let messages = trial.office.read("out/plan.toml.messages.jsonl");
    assert!(
        messages.contains(r#""ended":["one.test",true]"#),
        "{messages}"
    );
    assert!(commands.last().unwrap().contains("logout"));
    let mut transactions = BTreeSet::new();
    for document in &commands {
        assert_eq!(complaints(document), "");
        let (_, rest) = document.split_once("<clTRID>").unwrap();
        transactions.insert(rest.split_once('<').unwrap().0);
    }
    assert_eq!(transactions.len(), commands.len(), "each has its own");

    // Again: it is there already.
    let again = trial.apply().await;
    assert_eq!(again, (0, "\"applied-before\" \"ALREADY_APPLIED\"".into()));

    let back = trial
        .office
        .read("out/plan.toml.rollback.epp/one.test-1.xml");
    assert_eq!(complaints(&back), "");
    for gone in trial.wanted.difference(&before) {
        let tag = gone.split(' ').next().unwrap();
        let (_, removed) = back.split_once("<secDNS:rem>").unwrap();
        assert!(
            removed.contains(&format!("<secDNS:keyTag>{tag}<")),
            "{back}"
        );
    }
}

#[tokio::test]
async fn a_registry_that_keeps_keys_gets_keys() {
    let mut trial = Trial::open(with_keys, "keys").await;
    assert_eq!(trial.apply().await, (0, "\"applied\" \"VERIFIED\"".into()));
    let domain = trial.registry.store().domains["one.test"].clone();
    assert!(domain.ds.is_empty());
    let made = domain.keys.iter().map(|text| {
        let words: Vec<&str> = text.split(' ').collect();
        let key = Dnskey::from_text(&words.join(" ")).unwrap();
        let ds = key.ds(&name(CHILD), DIGEST_SHA256).unwrap();
        ds.to_rdata().present(RecordType::DS)
    });
    assert_eq!(made.collect::<BTreeSet<_>>(), trial.wanted);
}

/// The keys of which the parent's DS records are made.
fn with_keys(stage: &Stage) -> Domain {
    let alpha = stage.world.operator("alpha").unwrap();
    let zone = &stage.world.operators[alpha].primaries[&name(CHILD)];
    let version = zone.published().unwrap();
    let served = version.get(&name(CHILD), RecordType::DNSKEY).unwrap();
    let there = rrset(stage, CHILD, RecordType::DS);
    let there: Vec<Ds> = there.iter().filter_map(Ds::parse).collect();
    let keys = served.set.data.iter().filter_map(Dnskey::parse);
    let keys = keys.filter(|key| there.iter().any(|ds| key.matches(&name(CHILD), ds)));
    let text = |key: Dnskey| {
        let public = BASE64.encode(&key.public);
        format!("{} {} {} {public}", key.flags, key.protocol, key.algorithm)
    };
    Domain {
        keys: keys.map(text).collect(),
        ..Domain::default()
    }
}

#[tokio::test]
async fn each_result_is_what_it_says() {
    for (instead, expected, then) in [
        (
            Instead::Code(1001),
            "\"pending\" \"UPDATE_PENDING\"",
            "\"applied\" \"VERIFIED\"",
        ),
        (
            Instead::Code(2303),
            "\"refused\" \"PRECONDITION_CHANGED\"",
            "\"applied\" \"VERIFIED\"",
        ),
        (
            Instead::Code(2304),
            "\"failed\" \"UPDATE_REFUSED\"",
            "\"applied\" \"VERIFIED\"",
        ),
        (
            Instead::Code(2400),
            "\"failed\" \"UPDATE_REFUSED\"",
            "\"applied\" \"VERIFIED\"",
        ),
        (
            Instead::Code(2502),
            "\"failed\" \"UPDATE_REFUSED\"",
            "\"applied\" \"VERIFIED\"",
        ),
        (
            Instead::Nonsense,
            "\"failed\" \"PRIMARY_SILENT\"",
            "\"applied\" \"VERIFIED\"",
        ),
        (
            Instead::OtherTransaction,
            "\"failed\" \"PRIMARY_SILENT\"",
            "\"applied\" \"VERIFIED\"",
        ),
        // What was done and not answered is done once.
        (
            Instead::DoAndHangUp,
            "\"failed\" \"PRIMARY_SILENT\"",
            "\"applied-before\" \"ALREADY_THERE\"",
        ),
    ] {
        let mut trial = Trial::open(with_ds, "ds").await;
        trial.registry.store().next_update = Some(instead);
        assert_eq!(trial.apply().await, (1, expected.into()), "{instead:?}");
        assert_eq!(trial.apply().await, (0, then.into()), "{instead:?}");
        assert_eq!(trial.ds(), trial.wanted, "{instead:?}");
    }
}

#[tokio::test]
async fn what_the_registry_has_otherwise_is_left_alone() {
    let mut trial = Trial::open(with_ds, "ds").await;
    let other = BTreeSet::from(["1 13 2 AB".to_string()]);
    let domain = |trial: &Trial, change: &dyn Fn(&mut Domain)| {
        change(trial.registry.store().domains.get_mut("one.test").unwrap());
    };
    domain(&trial, &|domain| domain.ds.clone_from(&other));
    let refused = (1, "\"refused\" \"PRECONDITION_CHANGED\"".to_string());
    assert_eq!(trial.apply().await, refused);
    assert_eq!(trial.ds(), other);
    domain(&trial, &|domain| {
        domain.status.insert("pendingUpdate".into());
    });
    let (code, said) = trial.apply().await;
    assert_eq!((code, said.as_str()), (1, "\"failed\" \"PRIMARY_SILENT\""));
}

#[tokio::test]
async fn nobody_talks_to_a_registry_that_is_not_the_one() {
    let mut trial = Trial::open(with_ds, "ds").await;
    let policy = trial.office.read("policy.toml");
    let other = Registry::open(Store::default()).unwrap();
    for (file, text, mode, code, why) in [
        ("ca.pem", other.certificate(), "644", 1, "certificate"),
        ("password", "wrong-one\n", "600", 1, "2200"),
        ("password", "wrong-one\n", "644", 2, "chmod 600"),
        ("password", "\n", "600", 2, "first line"),
    ] {
        let before = trial.office.read(file);
        trial.office.write(file, text);
        let path = trial.office.path(file);
        Process::new("chmod").args([mode, &path]).status().unwrap();
        let (found, said) = trial.apply().await;
        assert_eq!(found, code, "{said}");
        assert!(said.contains(why), "{said}");
        assert!(!said.contains("wrong-one"), "{said}");
        trial.office.write(file, &before);
        Process::new("chmod").args(["600", &path]).status().unwrap();
    }
    // A registry that sets no TTLs cannot follow a policy that changes them.
    let changes = policy.replace("ttl-after-change = \"0s\"", "ttl-after-change = \"10m\"");
    trial.office.write("policy.toml", &changes);
    let (code, said) = trial.apply().await;
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("epp.ttl"), "{said}");
}
