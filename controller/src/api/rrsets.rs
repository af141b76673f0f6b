//! RRsets of a zone: what each instance of its signers serves, and a copy from one signer to another.
//!
//! A copy is for what the owner of a zone puts into it. What processes bring about – keys, signals, the
//! nameservers of the apex – and what each signer makes by itself is refused.

use std::collections::BTreeSet;

use counterpoint_dns::{
    driver::chance,
    message::{Question, Reply, query},
    name::{Name, RecordType, is_at_or_below, parse_name},
};
use rand::RngExt as _;
use serde_json::json;

use super::{
    Answer, Call, Failure,
    check::{Primary, exchange},
    observe::everybody,
    resources::{Copy, Rrset},
};
use crate::{declarations::BadDeclaration, keeper::Keeper, place::Owner};

/// Types that no copy is made of.
const MANAGED: [RecordType; 9] = [
    RecordType::DNSKEY,
    RecordType::CDS,
    RecordType::CDNSKEY,
    RecordType::CSYNC,
    RecordType::SOA,
    RecordType::RRSIG,
    RecordType::NSEC,
    RecordType::NSEC3,
    RecordType::NSEC3PARAM,
];

/// What each instance serves.
pub(super) fn show(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let zone = keeper.setup.zone(call.place("zone"))?;
    let asked = |name: &str| call.query.get(name).map(String::as_str);
    let name = inside(&zone, asked("name"))?;
    let rtype = a_type(asked("type").unwrap_or_default())?;
    let signers = match asked("signer") {
        Some(signer) => [keeper.setup.signer(signer)?].into(),
        None => everybody(keeper.controller()?, &zone),
    };
    let sights = keeper.setup.survey(&zone, signers)?;
    let places: BTreeSet<_> = sights.all.iter().map(|sight| &sight.place).collect();
    let mut stream = chance::stream()?;
    let mut text = String::new();
    let mut rrsets = Vec::new();
    for place in places.iter().filter(|place| place.owner != Owner::Parent) {
        let question = Question::new(name.clone(), rtype);
        let id = stream.random();
        let at = keeper.setup.options.route(place.address);
        let came = exchange(at, &query(id, &question)).and_then(|octets| {
            let reply = Reply::parse(&octets).map_err(|error| error.to_string())?;
            match reply.answers(id, &question) && reply.authoritative {
                true => Ok(reply),
                false => Err(format!("it answers {} without authority", reply.rcode)),
            }
        });
        let set = came
            .as_ref()
            .ok()
            .and_then(|reply| reply.answer_for(&question));
        let data = set.into_iter().flat_map(|signed| &signed.set.data);
        let data: Vec<String> = data.map(|data| data.present(rtype)).collect();
        let shown = match (&came, data.as_slice()) {
            (Err(why), _) => format!("unknown: {why}"),
            (Ok(_), []) => "none".into(),
            (Ok(_), data) => data.join(" | "),
        };
        text.push_str(&format!("{place}  {shown}\n"));
        rrsets.push(Rrset {
            signer: place.owner.to_string(),
            at: place.address.to_string(),
            name: name.to_string(),
            rtype: rtype.to_string(),
            ttl: set.map(|signed| signed.set.ttl.into()),
            data,
            unknown: came.err(),
        });
    }
    for lost in &sights.lost {
        text.push_str(&format!("unknown: {lost}\n"));
    }
    let mut answer = Answer::fine(text, &rrsets);
    answer.is_fine = sights.lost.is_empty() && rrsets.iter().all(|set| set.unknown.is_none());
    Ok(answer)
}

/// Makes an RRset at one signer what it is at another.
pub(super) fn copy(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let setup = &keeper.setup;
    let zone = setup.zone(call.place("zone"))?;
    let Copy {
        from,
        to,
        name,
        rtype,
    } = call.read()?;
    let name = inside(&zone, name.as_deref())?;
    let rtype = a_type(&rtype)?;
    if MANAGED.contains(&rtype) || (rtype == RecordType::NS && name == zone) {
        let why =
            format!("{rtype} of {name} is what processes, or signers themselves, bring about");
        return Err(Failure::Refused(why));
    }
    let (from, to) = (setup.signer(&from)?, setup.signer(&to)?);
    if from == to {
        let what = format!("both are {from}");
        return Err(BadDeclaration::new("to", what, "name another signer").into());
    }
    let primary = |signer| -> Result<Primary<'_>, Failure> {
        let interface = &setup.declared.config.signers[signer].interface;
        let at = interface.primary().ok_or_else(|| {
            Failure::Refused(format!(
                "{signer} takes no dynamic updates: copy it there by hand"
            ))
        })?;
        Ok(Primary::new(
            &zone,
            signer,
            setup.options.route(at),
            interface,
        )?)
    };
    let (mut source, mut target): (Primary<'_>, Primary<'_>) = (primary(&from)?, primary(&to)?);
    let wanted = source.rrset_of(&name, rtype).map_err(Failure::Refused)?;
    if wanted.data.is_empty() {
        return Err(Failure::Refused(format!("{from} has no {rtype} of {name}")));
    }
    let there = target.rrset_of(&name, rtype).map_err(Failure::Refused)?;
    let is_news = there.data != wanted.data;
    target.write(&there, &wanted).map_err(Failure::Refused)?;
    let count = wanted.data.len();
    let text = match is_news {
        true => format!("{rtype} of {name}: {count} records of {from}, now at {to} as well\n"),
        false => format!("{rtype} of {name}: {to} has what {from} has already\n"),
    };
    let data = wanted.data.iter().map(|data| data.present(rtype));
    let json = json!({
        "from": from.to_string(),
        "to": to.to_string(),
        "name": name.to_string(),
        "rtype": rtype.to_string(),
        "data": data.collect::<Vec<_>>(),
        "is-news": is_news,
    });
    Ok(Answer::fine(text, &json))
}

/// A name in the zone; the zone's own, if none is given.
fn inside(zone: &Name, text: Option<&str>) -> Result<Name, Failure> {
    let Some(text) = text else {
        return Ok(zone.clone());
    };
    let bad = |what: String| BadDeclaration::new("name", what, format!("name one in {zone}"));
    let name = parse_name(text).map_err(|error| bad(error.to_string()))?;
    match is_at_or_below(&name, zone) {
        true => Ok(name),
        false => Err(bad(format!("{name} is not in {zone}")).into()),
    }
}

fn a_type(text: &str) -> Result<RecordType, Failure> {
    let known = text.to_ascii_uppercase().parse().ok();
    known.ok_or_else(|| {
        let what = format!("`{text}` is no type of records");
        BadDeclaration::new("type", what, "name one, as `TXT`").into()
    })
}
