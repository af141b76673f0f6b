//! Signers, groups and zones: the declarations are listed, shown, and edited in their file.

use std::ops::Bound;

use counterpoint_dns::name::Name;
use serde::Serialize;
use serde_json::Value;

use super::{
    Answer, Call, Failure,
    processes::current,
    resources::{
        DesecText, Edited, Group, GroupText, NewZone, Page, Signer, SignerText, TsigText, Zone,
        ZoneText,
    },
    secrets::Files,
    show,
};
use crate::{
    Interface, ProcessReport, Signer as Declared, SignerName, Zone as Served,
    declarations::{BadDeclaration, Edit, Field},
    keeper::Keeper,
    setup::{Setup, a_zone},
};

type Fields = Vec<(&'static str, Field)>;

/// More entries are not given at once, over the network.
const LIMIT_MAX: usize = 1_000;
/// So many, if nobody says how many.
const LIMIT: usize = 100;

pub(super) fn signer_list(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let signers = &keeper.setup.declared.config.signers;
    let after = call
        .query
        .get("after")
        .map(|text| SignerName::from(text.as_str()));
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let signers = signers.range((from, Bound::Unbounded));
    let signers = signers.map(|(name, signer)| a_signer(name, signer));
    list(page(call, signers, |signer| signer.name.clone())?)
}

pub(super) fn signer_show(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let name = keeper.setup.signer(call.place("signer"))?;
    let signer = &keeper.setup.declared.config.signers[&name];
    one(&a_signer(&name, signer))
}

pub(super) fn signer_add(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let signer: SignerText = call.read()?;
    let name = named(signer.name.as_deref())?.to_string();
    let mut files = Files::default();
    let fields = signer_fields(keeper, call, &name, signer, &mut files)?;
    let answer = edit(keeper, "signer", &name, &Edit::Add(fields))?;
    files.keep();
    Ok(answer)
}

pub(super) fn signer_update(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let name = keeper.setup.signer(call.place("signer"))?.to_string();
    let signer: SignerText = call.read()?;
    unchanged(signer.name.as_deref(), &name)?;
    let mut files = Files::default();
    let fields = signer_fields(keeper, call, &name, signer, &mut files)?;
    let answer = edit(keeper, "signer", &name, &Edit::Update(fields))?;
    files.keep();
    Ok(answer)
}

pub(super) fn signer_remove(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let name = keeper.setup.signer(call.place("signer"))?.to_string();
    edit(keeper, "signer", &name, &Edit::Remove)
}

pub(super) fn group_list(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let groups = &keeper.setup.declared.config.groups;
    let from = call.query.get("after").cloned();
    let from = from.map_or(Bound::Unbounded, Bound::Excluded);
    let groups = groups.range((from, Bound::Unbounded));
    let groups = groups.map(|(name, _)| a_group(&keeper.setup, name));
    list(page(call, groups, |group| group.name.clone())?)
}

pub(super) fn group_show(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    one(&a_group(&keeper.setup, a_group_name(&keeper.setup, call)?))
}

pub(super) fn group_add(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let group: GroupText = call.read()?;
    let name = named(group.name.as_deref())?.to_string();
    let fields = vec![("signers", Field::Texts(group.signers))];
    edit(keeper, "group", &name, &Edit::Add(fields))
}

pub(super) fn group_update(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let name = a_group_name(&keeper.setup, call)?.to_string();
    let group: GroupText = call.read()?;
    unchanged(group.name.as_deref(), &name)?;
    let fields = vec![("signers", Field::Texts(group.signers))];
    edit(keeper, "group", &name, &Edit::Update(fields))
}

pub(super) fn group_remove(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let name = a_group_name(&keeper.setup, call)?.to_string();
    edit(keeper, "group", &name, &Edit::Remove)
}

pub(super) fn zone_list(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let reports = keeper.controller()?.report();
    let current = current(&reports);
    let asked = |name: &str| call.query.get(name).map(String::as_str);
    let after = asked("after").map(a_zone).transpose()?;
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let state = asked("state");
    super::processes::known_state(state, true)?;
    let group = asked("group");
    if let Some(group) =
        group.filter(|group| !keeper.setup.declared.config.groups.contains_key(*group))
    {
        return Err(keeper.setup.unknown("group", group));
    }
    let signer = asked("signer")
        .map(|text| keeper.setup.signer(text))
        .transpose()?;
    let mode = asked("mode").map(a_mode).transpose()?;
    let part = asked("q").map(str::to_lowercase);
    let (declared, controller) = keeper.both()?;
    let config = &declared.config;
    let zones = config
        .zones
        .range::<Name, _>((from.as_ref(), Bound::Unbounded));
    let zones = zones.filter(|(name, served)| {
        let is_manual = config.manual.contains(*name);
        let stands = current.get(*name).map(|report| report.outcome.to_string());
        part.as_ref()
            .is_none_or(|part| name.to_string().to_lowercase().contains(part))
            && group.is_none_or(|group| matches!(served, Served::Group(known) if known == group))
            && mode.is_none_or(|mode| (mode == "manual") == is_manual)
            && match state {
                None => true,
                Some("rest") => stands.is_none(),
                Some("open") => stands.is_some(),
                state => stands.as_deref() == state,
            }
            && signer
                .as_ref()
                .is_none_or(|who| controller.members(name).contains(who))
    });
    let zones = zones.map(|(name, _)| {
        a_zone_resource(
            declared,
            controller.members(name),
            name,
            current.get(name).copied(),
        )
    });
    list(page(call, zones, |zone| zone.name.clone())?)
}

pub(super) fn zone_show(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let zone = keeper.setup.zone(call.place("zone"))?;
    let reports = keeper.controller()?.report();
    let members = keeper.controller()?.members(&zone);
    let current = current(&reports);
    one(&a_zone_resource(
        &keeper.setup.declared,
        members,
        &zone,
        current.get(&zone).copied(),
    ))
}

pub(super) fn zone_add(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let zone: NewZone = call.read()?;
    let mut fields = Fields::new();
    fields.extend(zone.group.map(|group| ("group", Field::Text(group))));
    fields.extend(
        zone.signers
            .map(|signers| ("signers", Field::Texts(signers))),
    );
    if let Some(mode) = zone.mode {
        fields.push(("mode", Field::Text(a_mode(&mode)?.into())));
    }
    edit(keeper, "zone", &zone.name, &Edit::Add(fields))
}

pub(super) fn zone_update(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let name = keeper.setup.zone(call.place("zone"))?.to_string();
    let zone: ZoneText = call.read()?;
    let mut fields = Fields::new();
    if let Some(mode) = zone.mode {
        fields.push(("mode", Field::Text(a_mode(&mode)?.into())));
    }
    if let Some(meta) = zone.meta {
        fields.push((
            "meta",
            match meta.is_empty() {
                true => Field::Absent,
                false => Field::Words(meta.into_iter().collect()),
            },
        ));
    }
    edit(keeper, "zone", &name, &Edit::Update(fields))
}

pub(super) fn zone_remove(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let zone = keeper.setup.zone(call.place("zone"))?;
    let controller = keeper.controller()?;
    let reports = controller.report();
    if let Some(open) = current(&reports).get(&zone) {
        let why = format!(
            "{} {} of {zone} is under way; let it end, or cancel it",
            open.process, open.signer
        );
        return Err(Failure::Refused(why));
    }
    let members = texts(controller.members(&zone));
    let mut answer = edit(keeper, "zone", &zone.to_string(), &Edit::Remove)?;
    answer.text.push_str(&format!(
        "{zone} stays as it is: served by {}, each with the others' keys, all of them in DS and CDS; \
         nobody looks after it any more\n",
        members.join(", ")
    ));
    Ok(answer)
}

/// Changes the file, unless what is under way needs what would go.
pub(crate) fn edit(
    keeper: &mut Keeper,
    kind: &'static str,
    name: &str,
    edit: &Edit,
) -> Result<Answer, Failure> {
    keeper.edit(kind, name, edit)?;
    let done = match edit {
        Edit::Add(_) => "declared",
        Edit::Update(_) => "updated",
        Edit::Remove => "removed",
    };
    let file = keeper.setup.declared.path.display();
    let text = format!("{kind} {name}: {done} in {file}\n");
    Ok(Answer::fine(
        text,
        &Edited {
            kind: kind.into(),
            name: name.into(),
            done: done.into(),
        },
    ))
}

/// The keys of a signer's table that are told, in their order.
fn signer_fields(
    keeper: &Keeper,
    call: &Call,
    name: &str,
    signer: SignerText,
    files: &mut Files,
) -> Result<Fields, Failure> {
    let path = &keeper.setup.declared.path;
    let mut fields = Fields::new();
    fields.extend(signer.ns.map(|ns| ("ns", Field::Texts(ns))));
    if let Some(DesecText {
        url,
        token,
        token_file,
        ca,
        ca_file,
    }) = signer.desec
    {
        let local = call.is_local;
        let token = files.name(path, (name, "token"), token, token_file, local)?;
        let ca = files.name(path, (name, "ca"), ca, ca_file, local)?;
        let mut table = vec![("url", url)];
        table.extend(token.map(|file| ("token-file", file)));
        table.extend(ca.map(|file| ("ca-file", file)));
        fields.push(("desec", Field::Table(table)));
        let others = ["primary", "via", "tsig", "signal-zones"];
        fields.extend(others.map(|key| (key, Field::Absent)));
    }
    if let Some(primary) = signer.primary {
        fields.push(("primary", Field::Text(primary)));
        fields.push(("desec", Field::Absent));
    }
    if let Some(TsigText {
        name: key,
        algorithm,
        secret,
        secret_file,
    }) = signer.tsig
    {
        let file = files.name(path, (name, "secret"), secret, secret_file, call.is_local)?;
        let mut table = vec![("name", key)];
        table.extend(algorithm.map(|name| ("algorithm", name)));
        table.extend(file.map(|file| ("secret-file", file)));
        fields.push(("tsig", Field::Table(table)));
    }
    let words = [
        ("via", signer.via),
        ("interface", signer.interface),
        ("max-ttl", signer.max_ttl),
        ("keys", signer.keys),
    ];
    fields.extend(
        words
            .into_iter()
            .filter_map(|(key, word)| Some((key, Field::Text(word?)))),
    );
    let lists = [
        ("signal-zones", signer.signal_zones),
        ("own-keys", signer.own_keys),
    ];
    fields.extend(
        lists
            .into_iter()
            .filter_map(|(key, list)| Some((key, Field::Texts(list?)))),
    );
    if let Some(inside) = signer.in_zone_addresses {
        fields.push((
            "in-zone-addresses",
            Field::Lists(inside.into_iter().collect()),
        ));
    }
    Ok(fields)
}

/// A signer, without its secret.
fn a_signer(name: &SignerName, signer: &Declared) -> Signer {
    let keys = signer.csk.map(|csk| if csk { "csk" } else { "ksk-zsk" });
    let ddns = match &signer.interface {
        Interface::Ddns(access) | Interface::SignedRrset(access) => Some(access),
        Interface::Desec(_) => None,
    };
    Signer {
        name: name.to_string(),
        ns: texts(&signer.ns),
        interface: show::written_to(signer).0.into(),
        primary: ddns.map(|access| access.primary.to_string()),
        via: ddns.map(|access| show::via(access.via).into()),
        tsig: ddns.map(|access| access.tsig.name().to_string()),
        desec: match &signer.interface {
            Interface::Desec(access) => Some(access.url.clone()),
            _ => None,
        },
        limits: show::limits(signer),
        signal_zones: texts(&signer.signal_zones),
        max_ttl_seconds: signer.max_ttl.as_secs(),
        keys: keys.unwrap_or("learned").into(),
    }
}

fn a_group(setup: &Setup, name: &str) -> Group {
    let config = &setup.declared.config;
    let zones = config.zones.iter();
    let zones = zones.filter(|(_, zone)| matches!(zone, Served::Group(known) if known == name));
    Group {
        name: name.into(),
        signers: texts(config.groups.get(name).into_iter().flatten()),
        zones: texts(zones.map(|(zone, _)| zone)),
    }
}

fn a_group_name<'a>(setup: &Setup, call: &'a Call) -> Result<&'a str, Failure> {
    let name = call.place("group");
    match setup.declared.config.groups.contains_key(name) {
        true => Ok(name),
        false => Err(setup.unknown("group", name)),
    }
}

/// A zone, and who serves it now.
fn a_zone_resource(
    declared: &crate::declarations::Declarations,
    members: Vec<SignerName>,
    zone: &Name,
    current: Option<&ProcessReport>,
) -> Zone {
    let config = &declared.config;
    Zone {
        name: zone.to_string(),
        members: texts(members),
        group: match config.zones.get(zone) {
            Some(Served::Group(group)) => Some(group.clone()),
            _ => None,
        },
        mode: match config.manual.contains(zone) {
            true => "manual".into(),
            false => "automatic".into(),
        },
        state: current.map_or("rest".into(), |report| report.outcome.to_string()),
        process: current.map(|report| format!("{} {}", report.process, report.signer)),
        reason: current.map(|report| report.reason.clone()),
        meta: declared.meta.get(zone).cloned().unwrap_or_default(),
    }
}

/// The name of something new.
fn named(name: Option<&str>) -> Result<&str, Failure> {
    name.ok_or_else(|| {
        let what = "`name` is missing";
        BadDeclaration::new("the body", what, "say what it is to be called").into()
    })
}

/// A name does not change.
fn unchanged(name: Option<&str>, known: &str) -> Result<(), Failure> {
    match name.is_none_or(|name| name == known) {
        true => Ok(()),
        false => {
            let what = format!("`name` is another than {known}");
            Err(BadDeclaration::new("the body", what, "leave it out: names do not change").into())
        }
    }
}

fn a_mode(text: &str) -> Result<&'static str, Failure> {
    match text {
        "automatic" => Ok("automatic"),
        "manual" => Ok("manual"),
        _ => {
            let what = format!("`{text}` is no mode");
            Err(BadDeclaration::new("mode", what, "use `automatic` or `manual`").into())
        }
    }
}

fn texts<T: ToString>(all: impl IntoIterator<Item = T>) -> Vec<String> {
    all.into_iter().map(|one| one.to_string()).collect()
}

/// The entries that were asked for; all of them, for who is at the machine and does not say how many.
pub(super) fn page<T>(
    call: &Call,
    mut all: impl Iterator<Item = T>,
    name: impl Fn(&T) -> String,
) -> Result<Page<T>, Failure> {
    let limit = match call.query.get("limit") {
        None if call.is_local => usize::MAX,
        None => LIMIT,
        Some(text) => {
            let number = text
                .parse()
                .ok()
                .filter(|limit| (1..=LIMIT_MAX).contains(limit));
            number.ok_or_else(|| {
                let what = format!("`{text}` is no number of entries");
                BadDeclaration::new("limit", what, format!("use 1 to {LIMIT_MAX}"))
            })?
        }
    };
    let items: Vec<T> = all.by_ref().take(limit).collect();
    let is_last = items.len() < limit || all.next().is_none();
    let next = items.last().filter(|_| !is_last).map(name);
    Ok(Page { items, next })
}

/// Entities, one a line.
fn list<T: Serialize>(page: Page<T>) -> Result<Answer, Failure> {
    let mut answer = Answer::fine(String::new(), &page);
    let items = answer.json["items"].as_array().into_iter().flatten();
    let text: String = items.map(line).collect();
    answer.text = or_none(text);
    Ok(answer)
}

fn one(entity: &impl Serialize) -> Result<Answer, Failure> {
    let mut answer = Answer::fine(String::new(), entity);
    answer.text = line(&answer.json);
    Ok(answer)
}

/// An entity in one line: its name, then whatever there is.
fn line(entity: &Value) -> String {
    let mut text = entity["name"].as_str().unwrap_or_default().to_string();
    for (key, value) in entity.as_object().into_iter().flatten() {
        let value = plain(value);
        if key != "name" && !value.is_empty() {
            text.push_str(&format!("  {key} {value}"));
        }
    }
    text + "\n"
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(plain).collect::<Vec<_>>().join(","),
        Value::Object(all) => {
            let pairs = all
                .iter()
                .map(|(key, value)| format!("{key}={}", plain(value)));
            pairs.collect::<Vec<_>>().join(",")
        }
        value => value.to_string(),
    }
}

/// A text, or that there is nothing.
pub(super) fn or_none(text: String) -> String {
    match text.is_empty() {
        true => "none\n".into(),
        false => text,
    }
}
