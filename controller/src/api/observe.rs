//! Observe: what every instance of a zone and of its parent serves now.

use std::collections::BTreeSet;

use counterpoint_dns::{key::Dnskey, rdata::Rdata};
use serde_json::json;

use super::{Answer, Call, Failure};
use crate::{
    Controller, SignerName,
    keeper::Keeper,
    log::Log,
    place::Item,
    setup::Setup,
    survey::{Sight, Sights},
};

/// Looks, and shows what it saw.
pub(super) fn run(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let zone = keeper.setup.zone(call.place("zone"))?;
    let signers = everybody(keeper.controller()?, &zone);
    let sights = keeper.setup.survey(&zone, signers)?;
    Ok(show(&keeper.setup, &sights))
}

/// Who serves a zone, or is about to.
pub(super) fn everybody(
    controller: &Controller,
    zone: &counterpoint_dns::name::Name,
) -> BTreeSet<SignerName> {
    let mut all = controller.open_signers(zone);
    all.extend(controller.members(zone));
    all
}

fn show(setup: &Setup, sights: &Sights) -> Answer {
    let mut log = Log::default();
    sights.add_to(&mut log, &setup.declared.config);
    let mut text = String::new();
    let mut json = Vec::new();
    let mut sorted: Vec<&Sight> = sights.all.iter().collect();
    sorted.sort_by(|a, b| (&a.place, &a.item).cmp(&(&b.place, &b.item)));
    let mut last = None;
    for sight in sorted {
        if last != Some(&sight.place) {
            text.push_str(&format!("{}\n", sight.place));
            last = Some(&sight.place);
        }
        let (shown, value) = match &sight.shown {
            Err(why) => (
                format!("unknown: {why}"),
                json!({ "unknown": why.to_string() }),
            ),
            Ok(signed) => {
                let set = &signed.set;
                let data: Vec<String> = set
                    .data
                    .iter()
                    .map(|d| a_record(&sight.item, d, set.rtype))
                    .collect();
                let track = log.track(&sight.place, &sight.item);
                let signed_by = track.and_then(|track| track.current());
                let tags: Vec<u16> = (signed_by.iter())
                    .flat_map(|version| version.signed_by.iter().filter_map(Dnskey::parse))
                    .map(|key| key.tag())
                    .collect();
                let by = match tags.as_slice() {
                    [] => String::new(),
                    tags => format!("  signed by {tags:?}"),
                };
                let shown = match data.as_slice() {
                    [] => "none".to_string(),
                    data => data.join(" | "),
                };
                (
                    format!("{} s  {shown}{by}", set.ttl),
                    json!({ "ttl": set.ttl, "data": data, "signed-by": tags }),
                )
            }
        };
        text.push_str(&format!("  {:12} {shown}\n", sight.item.to_string()));
        let mut entry = value;
        entry["place"] = sight.place.to_string().into();
        entry["item"] = sight.item.to_string().into();
        json.push(entry);
    }
    for lost in &sights.lost {
        text.push_str(&format!("unknown: {lost}\n"));
    }
    let is_whole = sights.lost.is_empty() && sights.all.iter().all(|sight| sight.shown.is_ok());
    Answer {
        text,
        json: json!({ "seen": json, "lost": sights.lost }),
        is_fine: is_whole,
    }
}

/// A record; of a key its tag, which is what people compare.
fn a_record(item: &Item, data: &Rdata, rtype: counterpoint_dns::name::RecordType) -> String {
    match (item, Dnskey::parse(data)) {
        (Item::Dnskey | Item::Cdnskey, Some(key)) => {
            format!("{} {} ({})", key.flags, key.algorithm, key.tag())
        }
        _ => data.present(rtype),
    }
}
