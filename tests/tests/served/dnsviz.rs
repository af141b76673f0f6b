//! DNSViz looks at a safe world: what it finds is what several signers mean, and nothing else.

use std::{collections::BTreeSet, fs, path::Path};

use counterpoint_dns::{message::Question, name::Name, name::RecordType};
use counterpoint_farm::ask::ask;
use counterpoint_tests::dnsviz::dnsviz;
use serde_json::Value;

use crate::{
    is_able,
    world::{Served, instant, show},
};

/// Every finding: its code, and whose record it is about.
fn findings(value: &Value, about: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let id = fields.get("id").and_then(Value::as_str);
            if let Some(code) = fields.get("code").and_then(Value::as_str) {
                found.insert(format!("{about}: {code}"));
            }
            for (key, value) in fields {
                let about = match (id, key.as_str()) {
                    (Some(id), _) => format!("{about}/{id}"),
                    (None, "errors" | "warnings") => about.into(),
                    (None, key) => format!("{about}/{key}"),
                };
                findings(value, &about, found);
            }
        }
        Value::Array(values) => values
            .iter()
            .for_each(|value| findings(value, about, found)),
        _ => {}
    }
}

#[test]
fn it_finds_nothing_in_a_safe_world_that_is_not_explained() {
    if !is_able(&["dnsviz"]) {
        return;
    }
    let instants = ["30m", "2h 45m", "10h"].map(instant);
    let net = "127.69.0.0/16".parse().unwrap();
    let served = Served::open(show("library/migration.toml", &[], net), &instants);
    let root = served.show.root();
    let (host, address) = &root.servers[0];
    let folder = tempfile::tempdir().unwrap();
    let keys = Question::new(Name::root(), RecordType::DNSKEY);
    let reply = ask((*address, 53).into(), &keys).unwrap().reply;
    let keys = reply.answer_for(&keys).unwrap().set.to_string();
    fs::write(folder.path().join("root.keys"), keys + "\n").unwrap();
    let hint = format!(".:{}={address}", host.to_string().trim_end_matches('.'));
    let look = || {
        let probe = [
            "probe",
            "-4",
            "-A",
            "-a",
            ".",
            "-x",
            &hint,
            "-o",
            "probe.json",
            "example.test",
        ];
        dnsviz(folder.path(), &probe);
        let grok = [
            "grok",
            "-l",
            "warning",
            "-t",
            "root.keys",
            "-P",
            "-r",
            "probe.json",
        ];
        let said = dnsviz(folder.path(), &grok).stdout;
        let mut found = BTreeSet::new();
        if !said.is_empty() {
            findings(&serde_json::from_slice(&said).unwrap(), "", &mut found);
        }
        found.into_iter().collect::<Vec<_>>()
    };
    // That the probe went all the way, and grok judged it.
    let status = |folder: &Path| {
        let grok = [
            "grok",
            "-l",
            "info",
            "-t",
            "root.keys",
            "-P",
            "-r",
            "probe.json",
        ];
        String::from_utf8(dnsviz(folder, &grok).stdout).unwrap()
    };
    assert_eq!(look(), Vec::<String>::new(), "one signer");
    assert!(status(folder.path()).contains("\"SECURE\""));
    served.turn();
    assert_eq!(
        look(),
        [
            // The parent is about to follow the child.
            "/example.test./delegation: NS_NAME_NOT_IN_CHILD",
            // Each signer keeps its KSK to itself (RFC 8901, model 2).
            "/example.test./dnskey/15/15288: DNSKEY_MISSING_FROM_SERVERS",
            "/example.test./dnskey/15/50004: DNSKEY_MISSING_FROM_SERVERS",
        ],
        "two signers, one about to leave"
    );
    served.turn();
    assert_eq!(look(), Vec::<String>::new(), "the other signer");
    assert!(status(folder.path()).contains("\"SECURE\""));
}
