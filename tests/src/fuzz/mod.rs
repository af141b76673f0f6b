//! What a fuzzer calls: each parser that strangers or files reach, as a plain function of octets.
//!
//! A parser must end with a value or an error, and what it reads and writes again must read as the same.
//! `cargo test` runs each on its corpus and on seeded mutations of it; `fuzz/` at the root hands the
//! same functions to libFuzzer.

mod mutate;

use std::{fs, io, path::PathBuf};

use counterpoint_dns::{
    message::{Bounds, Reply, decode},
    name::{Name, parse_name, read_name},
    notify::{notify_answered, read_notify},
    update::Update,
};
use counterpoint_scanner::{
    Policy,
    epp::{answer, frame},
    input::{Registry, list, tsig_file, zone_file},
    plan::{Plan, file},
    verdict::Change,
};
use counterpoint_scenarios::load::load;

pub use mutate::Mutator;

/// One parser.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of its corpus.
    pub name: &'static str,
    /// Reads octets; panics if something is wrong with how it does.
    pub read: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 10] = [
    Target {
        name: "message",
        read: message,
    },
    Target {
        name: "zone-file",
        read: zone,
    },
    Target {
        name: "plan",
        read: plan,
    },
    Target {
        name: "list",
        read: delegations,
    },
    Target {
        name: "registry-export",
        read: export,
    },
    Target {
        name: "tsig-key",
        read: |octets| drop(tsig_file::parse(&text(octets))),
    },
    Target {
        name: "policy",
        read: policy,
    },
    Target {
        name: "epp",
        read: registry,
    },
    Target {
        name: "name",
        read: name,
    },
    Target {
        name: "scenario",
        read: scenario,
    },
];

/// Reads octets by the target of this name, for `fuzz/`.
///
/// # Panics
///
/// If there is no such target, or something is wrong with how it reads.
pub fn run(name: &str, octets: &[u8]) {
    let target = Target::named(name);
    let target = target.unwrap_or_else(|| panic!("no target is called {name}"));
    (target.read)(octets);
}

impl Target {
    /// The target of this name.
    pub fn named(name: &str) -> Option<Self> {
        TARGETS.into_iter().find(|target| target.name == name)
    }

    /// The inputs that it begins from, in the order of their file names.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    pub fn corpus(&self) -> io::Result<Vec<Vec<u8>>> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("data/fuzz")
            .join(self.name);
        let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
        let mut paths: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
        paths.sort();
        paths.into_iter().map(fs::read).collect()
    }
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

fn parent() -> Name {
    parse_name("test.").unwrap_or_default()
}

/// A message as a survey, a scanner and a server read it.
fn message(octets: &[u8]) {
    if let Ok(reply) = Reply::parse(octets) {
        let _ = Bounds::NONE.excess(&reply);
        for signed in [&reply.answer, &reply.authority, &reply.additional]
            .into_iter()
            .flatten()
        {
            for data in &signed.set.data {
                let _ = data.present(signed.set.rtype);
            }
        }
    }
    if let Ok(message) = decode(octets) {
        let _ = Update::from_message(&message);
    }
    let _ = read_notify(octets);
    let _ = notify_answered(7, octets);
}

fn name(octets: &[u8]) {
    if let Some((name, after)) = read_name(octets, 0) {
        assert!(after <= octets.len());
        let shown = name.to_string();
        assert_eq!(parse_name(&shown), Ok(name), "{shown}");
    }
    if let Ok(name) = parse_name(&text(octets)) {
        assert_eq!(parse_name(&name.to_string()), Ok(name));
    }
}

fn zone(octets: &[u8]) {
    drop(zone_file::read_from("zone", octets, None));
}

fn delegations(octets: &[u8]) {
    drop(list::read("list", octets, &parent()));
}

fn export(octets: &[u8]) {
    drop(Registry::read("export", octets));
}

/// With a wrong hash it would not be read any further: the right one is put there.
fn plan(octets: &[u8]) {
    let text = text(octets);
    let _ = file::read(&text);
    let lines = text.split_inclusive('\n');
    let body: String = lines
        .filter(|line| !line.starts_with("sha256 = "))
        .collect();
    let hashed = format!("sha256 = \"{}\"\n{body}", file::hash(&body));
    let Ok(plan) = file::read(&hashed) else {
        return;
    };
    // Evidence is written as plain lines: what changes must be the same, and written again the same text.
    let written = file::write(&plan);
    match file::read(&written) {
        Ok(again) => {
            let changes = |plan: &Plan| -> Vec<Change> {
                let planned = plan.changes.values();
                planned.map(|planned| planned.change.clone()).collect()
            };
            assert_eq!(changes(&again), changes(&plan), "{hashed}");
            assert_eq!(file::write(&again), written, "{hashed}");
        }
        Err(no_plan) => panic!("{no_plan}: {written}"),
    }
}

fn policy(octets: &[u8]) {
    if let Ok(policy) = Policy::from_toml("policy", &text(octets)) {
        let written = policy.to_toml();
        assert_eq!(
            Policy::from_toml("written", &written),
            Ok(policy),
            "{written}"
        );
    }
}

fn registry(octets: &[u8]) {
    let _ = frame::read(&mut &*octets);
    let text = text(octets);
    let _ = answer::greeting(&text);
    let _ = answer::answer(&text);
}

fn scenario(octets: &[u8]) {
    drop(load("scenario", &text(octets)));
}
