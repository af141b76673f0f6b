//! Who holds the KSKs: what signers and events of a zone of model 1 can be.

use super::Lints;
use crate::scenario::{Event, Interface, KeyLayout, Model, Quirk, What, Zone};
use counterpoint_simnet::topology::OWNER;

pub(super) fn lint(lints: &Lints<'_>) {
    let scenario = lints.scenario;
    let common = |zone: &&Zone| zone.model == Model::One;
    let group = |zone: &Zone| {
        let group = zone.group.as_ref().and_then(|name| scenario.group(name));
        group.map_or_else(|| zone.signers.clone(), |group| group.signers.clone())
    };
    for zone in scenario.zones.iter().filter(common) {
        let mut signers = group(zone);
        let joins = scenario
            .events
            .iter()
            .filter(|event| event.zone == zone.name || matches!(event.what, What::GroupAdd { .. }));
        signers.extend(joins.filter_map(|event| newcomer(event).cloned()));
        for (index, signer) in scenario.signers.iter().enumerate() {
            if signers.contains(&signer.name) {
                let path = format!("signer.{}", index + 1);
                fits(lints, &path, signer.interface, signer.keys);
            }
        }
    }
    for (index, signer) in scenario.signers.iter().enumerate() {
        for (number, quirk) in signer.quirks.iter().enumerate() {
            let path = format!("signer.{}.quirks.{}", index + 1, number + 1);
            habit(lints, &path, signer.interface, *quirk);
        }
    }
    for event in &scenario.events {
        let zone = scenario.zones.iter().find(|zone| zone.name == event.zone);
        if let Some(zone) = zone.filter(common) {
            of_model_1(lints, event, &zone.ksk_holder);
        }
    }
}

pub(super) fn newcomer(event: &Event) -> Option<&String> {
    match &event.what {
        What::Join { signer } | What::GroupAdd { signer, .. } | What::StartServing { signer } => {
            Some(signer)
        }
        What::Replace { to, .. } => Some(to),
        _ => None,
    }
}

/// A signer of model 1 has no KSK, and takes what the owner signed.
fn fits(lints: &Lints<'_>, path: &str, interface: Interface, keys: KeyLayout) {
    if interface != Interface::SignedRrset {
        lints.fail(
            &format!("{path}.interface"),
            "wrong-interface",
            "a signer of a zone of model 1 takes what the owner signed",
            |d| d.expected("expected `interface = \"signed-rrset\"`"),
        );
    }
    if keys == KeyLayout::Csk {
        lints.fail(
            &format!("{path}.keys"),
            "wrong-keys",
            "a signer of a zone of model 1 has a ZSK alone",
            |d| d.expected("the owner holds the KSK; leave `keys` out"),
        );
    }
}

/// A habit shows only where a signer can have it.
fn habit(lints: &Lints<'_>, path: &str, interface: Interface, quirk: Quirk) {
    let of_updates = [
        Quirk::DropsForeignDnskey,
        Quirk::DropsForeignKsk,
        Quirk::RefusesCds,
        Quirk::OneTtl,
    ];
    let shows = match interface {
        Interface::Ddns | Interface::None => quirk != Quirk::OtherToken,
        Interface::Desec => !of_updates.contains(&quirk),
        Interface::SignedRrset => quirk == Quirk::KeyTagTwin,
    };
    if !shows {
        lints.fail(
            path,
            "no-such-habit",
            format!("`{quirk}` does nothing with `interface = \"{interface}\"`"),
            |d| d.expected("remove it, or choose another `interface`"),
        );
    }
}

/// Whether the KSK that rolls is the owner's.
pub(super) fn is_the_owners(lints: &Lints<'_>, event: &Event, signer: &str) -> bool {
    let mut zones = lints.scenario.zones.iter();
    let zone = zones.find(|zone| zone.name == event.zone);
    let is_common = zone.is_some_and(|zone| zone.model == Model::One);
    is_common && signer == OWNER && matches!(event.what, What::RollKsk { .. })
}

/// What can happen in a zone of model 1.
fn of_model_1(lints: &Lints<'_>, event: &Event, holder: &str) {
    let path = format!("event.{}", event.number);
    match &event.what {
        What::RollKsk { signer } if signer != holder => lints.fail(
            &format!("{path}.signer"),
            "wrong-owner",
            format!("`{holder}` holds the common KSK of this zone"),
            |d| d.expected(format!("expected `signer = \"{holder}\"`")),
        ),
        What::RollCsk { .. }
        | What::RollAlgorithm { .. }
        | What::ImportDnskey { .. }
        | What::RemoveDnskey { .. }
        | What::PublishCds { .. } => lints.fail(
            &format!("{path}.do"),
            "not-in-this-model",
            format!("there is no `{}` in a zone of model 1", event.what.name()),
            |d| d.expected("whoever holds the common KSK says what its signed RRsets are"),
        ),
        _ => {}
    }
}
