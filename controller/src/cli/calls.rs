//! From the command line to calls of operations: the same for the files here and for a controller that
//! serves.

use std::collections::BTreeMap;

use super::arguments::{
    Command, Group, Interface, Keys, Mode, Model, Process, Role, Show, Signer, SignerMore, Via,
    Zone,
};
use crate::api::{
    Call,
    resources::{
        CheckIn, Copy, DesecText, GroupRequest, GroupText, Keys as Announced, NewZone, Request,
        SignerText, TsigText, ZoneText,
    },
};

/// The call that a command makes; `None`: it is no operation.
pub(super) fn of(command: &Command) -> Option<Call> {
    Some(match command {
        Command::Ping => Call::of("ping"),
        Command::Show(Show::Api) => Call::of("api-show"),
        Command::Show(Show::Updaters) => Call::of("updater-list"),
        Command::Status { watch: false } => Call::of("status"),
        Command::Observe { zone } => Call::of("zone-observe").at("zone", zone),
        Command::Plan(plan) => Call::of("zone-plan")
            .at("zone", &plan.zone)
            .with("join", plan.join.clone())
            .with("leave", plan.leave.clone())
            .with("dead", plan.dead.then_some("true")),
        Command::AuditLog { zone } => Call::of("zone-log").at("zone", zone),
        Command::Signer(signer) => of_signer(signer),
        Command::Group(group) => of_group(group),
        Command::Zone(zone) => of_zone(zone)?,
        Command::Process(process) => of_process(process),
        Command::Status { watch: true }
        | Command::Init { .. }
        | Command::Serve
        | Command::Token(_)
        | Command::Run { .. }
        | Command::Completions { .. }
        | Command::Man => return None,
    })
}

fn of_signer(signer: &Signer) -> Call {
    match signer {
        Signer::List => Call::of("signer-list"),
        Signer::Show { name } => Call::of("signer-show").at("signer", name),
        Signer::Add {
            name,
            ns,
            primary,
            tsig_name,
            secret_file,
            more,
        } => {
            let tsig = tsig_name.clone().zip(secret_file.clone());
            let text = SignerText {
                name: Some(name.clone()),
                ns: Some(ns.clone()),
                primary: primary.map(|primary| primary.to_string()),
                ..a_signer(tsig, more)
            };
            Call::of("signer-add").body(&text)
        }
        Signer::Update {
            name,
            ns,
            primary,
            tsig_name,
            secret_file,
            more,
        } => {
            let tsig = tsig_name.clone().zip(secret_file.clone());
            let text = SignerText {
                ns: some(ns),
                primary: primary.map(|primary| primary.to_string()),
                ..a_signer(tsig, more)
            };
            Call::of("signer-update").at("signer", name).body(&text)
        }
        Signer::Remove { name } => Call::of("signer-remove").at("signer", name),
        Signer::Check { name, zone } => Call::of("signer-check")
            .at("signer", name)
            .body(&CheckIn { zone: zone.clone() }),
    }
}

fn a_signer(tsig: Option<(String, String)>, more: &SignerMore) -> SignerText {
    let mut inside: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for named in &more.in_zone {
        let addresses = inside.entry(named.name.clone()).or_default();
        addresses.push(named.address.to_string());
    }
    SignerText {
        name: None,
        ns: None,
        primary: None,
        via: more
            .via
            .map(|via| if via == Via::Tcp { "tcp" } else { "udp" }.into()),
        interface: more.interface.map(|interface| match interface {
            Interface::Ddns => "ddns".into(),
            Interface::SignedRrset => "signed-rrset".into(),
        }),
        tsig: tsig.map(|(name, file)| TsigText {
            name,
            algorithm: more.tsig_algorithm.clone(),
            secret: None,
            secret_file: Some(file),
        }),
        desec: more.desec.clone().map(|url| DesecText {
            url,
            token: None,
            token_file: more.token_file.clone(),
            ca: None,
            ca_file: more.ca_file.clone(),
        }),
        signal_zones: some(&more.signal_zones),
        max_ttl: more.max_ttl.clone(),
        keys: more
            .keys
            .map(|keys| if keys == Keys::Csk { "csk" } else { "ksk-zsk" }.into()),
        own_keys: some(&more.own_key),
        in_zone_addresses: Some(inside).filter(|inside| !inside.is_empty()),
    }
}

fn of_group(group: &Group) -> Call {
    let request = |process: &str, signer: &str| GroupRequest {
        process: process.into(),
        signer: signer.into(),
    };
    let ask = |name: &str| Call::of("group-ask").at("group", name);
    match group {
        Group::List => Call::of("group-list"),
        Group::Show { name } => Call::of("group-show").at("group", name),
        Group::Add { name, signers } => Call::of("group-add").body(&GroupText {
            name: Some(name.clone()),
            signers: signers.clone(),
        }),
        Group::Update { name, signers } => {
            Call::of("group-update").at("group", name).body(&GroupText {
                name: None,
                signers: signers.clone(),
            })
        }
        Group::Remove { name } => Call::of("group-remove").at("group", name),
        Group::Join { name, signer } => ask(name).body(&request("join", signer)),
        Group::Leave { name, signer } => ask(name).body(&request("leave", signer)),
    }
}

fn of_zone(zone: &Zone) -> Option<Call> {
    let ask = |name: &str| Call::of("zone-ask").at("zone", name);
    let request = |process: &str, signer: Option<&String>| Request {
        process: process.into(),
        signer: signer.cloned(),
        from: None,
        dead: None,
        key: None,
        algorithm: None,
    };
    Some(match zone {
        Zone::List { state } => Call::of("zone-list").with("state", state.clone()),
        Zone::Show { name } => Call::of("zone-show").at("zone", name),
        Zone::Add {
            name,
            signers,
            group,
            mode,
        } => Call::of("zone-add").body(&NewZone {
            name: name.clone(),
            signers: some(signers),
            group: group.clone(),
            mode: mode.map(a_mode),
        }),
        Zone::Update {
            name,
            mode,
            meta,
            no_meta,
        } => {
            let noted = meta
                .iter()
                .map(|noted| (noted.key.clone(), noted.text.clone()));
            let noted: BTreeMap<String, String> = noted.collect();
            Call::of("zone-update").at("zone", name).body(&ZoneText {
                mode: mode.map(a_mode),
                meta: Some(noted).filter(|noted| *no_meta || !noted.is_empty()),
            })
        }
        Zone::Remove { name } => Call::of("zone-remove").at("zone", name),
        Zone::Join { name, signer } => ask(name).body(&request("join", Some(signer))),
        Zone::Leave { name, signer, dead } => ask(name).body(&Request {
            dead: Some(*dead),
            ..request("leave", Some(signer))
        }),
        Zone::Replace { name, from, to } => ask(name).body(&Request {
            from: Some(from.clone()),
            ..request("replace", Some(to))
        }),
        Zone::Roll { name, signer, key } => ask(name).body(&Request {
            key: Some(
                match key {
                    Role::Zsk => "zsk",
                    Role::Ksk => "ksk",
                    Role::Csk => "csk",
                }
                .into(),
            ),
            ..request("roll", Some(signer))
        }),
        Zone::RollAlgorithm { name, to } => ask(name).body(&Request {
            algorithm: Some(*to),
            ..request("roll-algorithm", None)
        }),
        Zone::GoInsecure { name } => ask(name).body(&request("go-insecure", None)),
        Zone::Announce { name, signer, keys } => {
            Call::of("zone-announce").at("zone", name).body(&Announced {
                signer: signer.clone(),
                keys: keys.clone(),
            })
        }
        Zone::GetRrsets {
            name,
            rtype,
            owner,
            signer,
        } => Call::of("zone-rrsets")
            .at("zone", name)
            .with("type", Some(rtype.clone()))
            .with("name", owner.clone())
            .with("signer", signer.clone()),
        Zone::CopyRrset {
            name,
            from,
            to,
            rtype,
            owner,
        } => Call::of("zone-copy").at("zone", name).body(&Copy {
            from: from.clone(),
            to: to.clone(),
            name: owner.clone(),
            rtype: rtype.clone(),
        }),
        Zone::NewKsk { .. } => return None,
    })
}

fn of_process(process: &Process) -> Call {
    match process {
        Process::List => Call::of("process-list"),
        Process::Check => Call::of("process-check"),
        Process::Show { zone } => Call::of("zone-processes").at("zone", zone),
        Process::Cancel { zone } => Call::of("zone-cancel").at("zone", zone),
        Process::Step { zone } => Call::of("zone-step").at("zone", zone),
        Process::Graph { process, model, .. } => {
            let call = match process {
                Some(process) => Call::of("graph-show").at("process", process),
                None => Call::of("graph-list"),
            };
            call.with(
                "model",
                Some(match model {
                    Model::Common => "1",
                    Model::Own => "2",
                    Model::Shared => "shared",
                }),
            )
        }
    }
}

fn a_mode(mode: Mode) -> String {
    match mode {
        Mode::Automatic => "automatic".into(),
        Mode::Manual => "manual".into(),
    }
}

/// A list that was told.
fn some(list: &[String]) -> Option<Vec<String>> {
    Some(list.to_vec()).filter(|list| !list.is_empty())
}
