//! Signers, groups and zones: the declarations are listed, shown, and edited in their file.

use std::{collections::BTreeMap, net::SocketAddr};

use counterpoint_dns::{agent::Transport, name::Name};
use serde_json::{Value, json};

use super::{
    Failure, Outcome,
    arguments::{self, Common, Group, Keys, Mode, Signer, SignerMore, Via, Zone},
    setup::Setup,
};
use crate::{
    Controller, Interface, Limits, Signer as Declared, SignerName, Zone as Served,
    declarations::{Edit, Field},
};

type Fields = Vec<(&'static str, Field)>;

/// Carries out a command about signers.
pub fn signer(common: &Common, command: Signer) -> Result<Outcome, Failure> {
    match command {
        Signer::List => {
            let setup = Setup::load(common)?;
            let signers = setup.declared.config.signers.iter();
            list(signers.map(|(name, signer)| a_signer(name, signer)))
        }
        Signer::Show { name } => {
            let setup = Setup::load(common)?;
            let name = setup.signer(&name)?;
            list([a_signer(&name, &setup.declared.config.signers[&name])])
        }
        Signer::Add {
            name,
            ns,
            primary,
            tsig_name,
            secret_file,
            more,
        } => {
            let mut fields = vec![("ns", Field::Texts(ns))];
            fields.extend(written_to(primary, tsig_name.zip(secret_file), &more));
            fields.extend(optional(&more));
            edit(common, "signer", &name, &Edit::Add(fields))
        }
        Signer::Update {
            name,
            ns,
            primary,
            tsig_name,
            secret_file,
            more,
        } => {
            let mut fields = Fields::new();
            if !ns.is_empty() {
                fields.push(("ns", Field::Texts(ns)));
            }
            fields.extend(written_to(primary, tsig_name.zip(secret_file), &more));
            fields.extend(optional(&more));
            edit(common, "signer", &name, &Edit::Update(fields))
        }
        Signer::Remove { name } => edit(common, "signer", &name, &Edit::Remove),
        Signer::Check { name, zone } => super::check::run(common, &name, &zone),
    }
}

/// Carries out a command about groups.
pub fn group(common: &Common, command: Group) -> Result<Outcome, Failure> {
    let setup = Setup::load(common)?;
    let groups = &setup.declared.config.groups;
    let members = |signers| vec![("signers", Field::Texts(signers))];
    match command {
        Group::List => list(groups.iter().map(|(name, signers)| {
            let signers: Vec<String> = signers.iter().map(ToString::to_string).collect();
            (name.clone(), json!({ "signers": signers }))
        })),
        Group::Show { name } => {
            let signers = groups
                .get(&name)
                .ok_or_else(|| setup.unknown("group", &name))?;
            let signers: Vec<String> = signers.iter().map(ToString::to_string).collect();
            let zones = setup.declared.config.zones.iter();
            let zones = zones.filter(|(_, zone)| **zone == Served::Group(name.clone()));
            let zones: Vec<String> = zones.map(|(zone, _)| zone.to_string()).collect();
            list([(name, json!({ "signers": signers, "zones": zones }))])
        }
        Group::Add { name, signers } => edit(common, "group", &name, &Edit::Add(members(signers))),
        Group::Update { name, signers } => {
            edit(common, "group", &name, &Edit::Update(members(signers)))
        }
        Group::Remove { name } => edit(common, "group", &name, &Edit::Remove),
        Group::Join { name, signer } => super::request::group(common, &name, &signer, true),
        Group::Leave { name, signer } => super::request::group(common, &name, &signer, false),
    }
}

/// Carries out a command about the declarations of zones.
pub fn zone(common: &Common, command: Zone) -> Result<Outcome, Failure> {
    match command {
        Zone::Show { name } => {
            let setup = Setup::load(common)?;
            let zone = setup.zone(&name)?;
            let controller = setup.remembered()?;
            list([a_zone(&setup, &controller, &zone)])
        }
        Zone::Add {
            name,
            signers,
            group,
            mode,
        } => {
            let mut fields = match group {
                Some(group) => vec![("group", Field::Text(group))],
                None => vec![("signers", Field::Texts(signers))],
            };
            fields.extend(mode.map(a_mode));
            edit(common, "zone", &name, &Edit::Add(fields))
        }
        Zone::Update { name, mode } => {
            edit(common, "zone", &name, &Edit::Update(vec![a_mode(mode)]))
        }
        Zone::NewKsk {
            name,
            file,
            algorithm,
        } => super::ksk::make(common, &name, &file, &algorithm),
        Zone::Remove { name } => {
            let setup = Setup::load(common)?;
            let zone = setup.zone(&name)?;
            let controller = setup.remembered()?;
            let reports = controller.report();
            let mut open = reports.iter().filter(|r| r.zone == zone);
            if let Some(open) = open.find(|report| !report.outcome.is_final()) {
                let why = format!(
                    "{} {} of {zone} is under way; let it end, or cancel it",
                    open.process, open.signer
                );
                return Err(Failure::Refused(why));
            }
            let members: Vec<String> = (controller.members(&zone).iter())
                .map(ToString::to_string)
                .collect();
            let mut outcome = edit(common, "zone", &name, &Edit::Remove)?;
            outcome.text.push_str(&format!(
                "{zone} stays as it is: served by {}, each with the others' keys, all of them in DS and CDS; \
                 nobody looks after it any more\n",
                members.join(", ")
            ));
            Ok(outcome)
        }
        _ => {
            let setup = Setup::load(common)?;
            let controller = setup.remembered()?;
            let zones = setup.declared.config.zones.keys();
            list(zones.map(|zone| a_zone(&setup, &controller, zone)))
        }
    }
}

/// Changes the file, unless what is under way needs what would go.
pub(super) fn edit(
    common: &Common,
    kind: &str,
    name: &str,
    edit: &Edit,
) -> Result<Outcome, Failure> {
    let edited = edit.of(&common.config, kind, name)?;
    let setup = Setup {
        declared: edited.declarations.clone(),
        options: Default::default(),
    };
    setup.remembered()?;
    edited.write()?;
    let done = match edit {
        Edit::Add(_) => "declared",
        Edit::Update(_) => "updated",
        Edit::Remove => "removed",
    };
    let text = format!("{kind} {name}: {done} in {}\n", common.config.display());
    Ok(Outcome::ok(
        text,
        json!({ "kind": kind, "name": name, "done": done }),
    ))
}

/// How it is written to, as far as that is told; one way replaces the other.
fn written_to(
    primary: Option<SocketAddr>,
    key: Option<(String, String)>,
    more: &SignerMore,
) -> Fields {
    let mut fields = Fields::new();
    if let (Some(url), Some(token)) = (&more.desec, &more.token_file) {
        let mut table = vec![("url", url.clone()), ("token-file", token.clone())];
        table.extend(more.ca_file.clone().map(|file| ("ca-file", file)));
        fields.push(("desec", Field::Table(table)));
        let others = ["primary", "via", "tsig", "signal-zones"];
        fields.extend(others.map(|key| (key, Field::Absent)));
    }
    if let Some(primary) = primary {
        fields.push(("primary", Field::Text(primary.to_string())));
        fields.push(("desec", Field::Absent));
    }
    if let Some((key, file)) = key {
        fields.push(("tsig", tsig(key, file, more)));
    }
    fields
}

fn tsig(key: String, file: String, more: &SignerMore) -> Field {
    let mut table = vec![("name", key)];
    table.extend(more.tsig_algorithm.clone().map(|name| ("algorithm", name)));
    table.push(("secret-file", file));
    Field::Table(table)
}

fn optional(more: &SignerMore) -> Fields {
    let mut fields = Fields::new();
    let word = |text: &str| Field::Text(text.into());
    if let Some(via) = more.via {
        fields.push(("via", word(if via == Via::Tcp { "tcp" } else { "udp" })));
    }
    if let Some(interface) = more.interface {
        let signed = interface == arguments::Interface::SignedRrset;
        let interface = if signed { "signed-rrset" } else { "ddns" };
        fields.push(("interface", word(interface)));
    }
    if !more.signal_zones.is_empty() {
        let zones = Field::Texts(more.signal_zones.clone());
        fields.push(("signal-zones", zones));
    }
    if let Some(span) = &more.max_ttl {
        fields.push(("max-ttl", word(span)));
    }
    if let Some(keys) = more.keys {
        let keys = if keys == Keys::Csk { "csk" } else { "ksk-zsk" };
        fields.push(("keys", word(keys)));
    }
    if !more.own_key.is_empty() {
        fields.push(("own-keys", Field::Texts(more.own_key.clone())));
    }
    let mut inside: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for named in &more.in_zone {
        let addresses = inside.entry(named.name.clone()).or_default();
        addresses.push(named.address.to_string());
    }
    if !inside.is_empty() {
        let lists = Field::Lists(inside.into_iter().collect());
        fields.push(("in-zone-addresses", lists));
    }
    fields
}

fn a_mode(mode: Mode) -> (&'static str, Field) {
    let mode = match mode {
        Mode::Automatic => "automatic",
        Mode::Manual => "manual",
    };
    ("mode", Field::Text(mode.into()))
}

/// A signer, without its secret.
fn a_signer(name: &SignerName, signer: &Declared) -> (String, Value) {
    let ns: Vec<String> = signer.ns.iter().map(ToString::to_string).collect();
    let keys = signer.csk.map(|csk| if csk { "csk" } else { "ksk-zsk" });
    let mut about = json!({
        "ns": ns,
        "max-ttl-seconds": signer.max_ttl.as_secs(),
        "keys": keys.unwrap_or("learned"),
    });
    match &signer.interface {
        Interface::Ddns(access) | Interface::SignedRrset(access) => {
            about["interface"] = match &signer.interface {
                Interface::SignedRrset(_) => "signed-rrset",
                _ => "ddns",
            }
            .into();
            about["primary"] = access.primary.to_string().into();
            about["via"] = if access.via == Transport::Udp {
                "udp"
            } else {
                "tcp"
            }
            .into();
            about["tsig"] = access.tsig.name().to_string().into();
        }
        Interface::Desec(access) => about["desec"] = access.url.as_str().into(),
    }
    if !signer.signal_zones.is_empty() {
        let zones = signer.signal_zones.iter().map(ToString::to_string);
        about["signal-zones"] = zones.collect::<Vec<_>>().into();
    }
    if signer.limits != Limits::default() {
        about["limits"] = signer.limits.to_string().into();
    }
    (name.to_string(), about)
}

/// A zone, and who serves it now.
fn a_zone(setup: &Setup, controller: &Controller, zone: &Name) -> (String, Value) {
    let config = &setup.declared.config;
    let members = controller.members(zone);
    let members: Vec<String> = members.iter().map(ToString::to_string).collect();
    let manual = config.manual.contains(zone);
    let mut about = json!({
        "members": members,
        "mode": if manual { "manual" } else { "automatic" },
    });
    if let Some(Served::Group(group)) = config.zones.get(zone) {
        about["group"] = group.as_str().into();
    }
    (zone.to_string(), about)
}

/// Entities, one a line.
fn list(all: impl IntoIterator<Item = (String, Value)>) -> Result<Outcome, Failure> {
    let mut text = String::new();
    let mut json = serde_json::Map::new();
    for (name, about) in all {
        text.push_str(&name);
        for (key, value) in about.as_object().into_iter().flatten() {
            text.push_str(&format!("  {key} {}", plain(value)));
        }
        text.push('\n');
        json.insert(name, about);
    }
    if json.is_empty() {
        text.push_str("none\n");
    }
    Ok(Outcome::ok(text, json.into()))
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(plain).collect::<Vec<_>>().join(","),
        value => value.to_string(),
    }
}
