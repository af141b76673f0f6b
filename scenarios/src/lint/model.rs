//! Who holds the KSKs: what signers and events of a zone of model 1 can be.

use super::Lints;
use crate::scenario::{Event, Interface, KeyLayout, Model, What, Zone};
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
    for event in &scenario.events {
        let zone = scenario.zones.iter().find(|zone| zone.name == event.zone);
        if zone.filter(common).is_some() {
            of_model_1(lints, event);
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

/// Whether the KSK that rolls is the owner's.
pub(super) fn is_the_owners(lints: &Lints<'_>, event: &Event, signer: &str) -> bool {
    let mut zones = lints.scenario.zones.iter();
    let zone = zones.find(|zone| zone.name == event.zone);
    let is_common = zone.is_some_and(|zone| zone.model == Model::One);
    is_common && signer == OWNER && matches!(event.what, What::RollKsk { .. })
}

/// What can happen in a zone of model 1.
fn of_model_1(lints: &Lints<'_>, event: &Event) {
    let path = format!("event.{}", event.number);
    match &event.what {
        What::RollKsk { signer } if signer != OWNER => lints.fail(
            &format!("{path}.signer"),
            "wrong-owner",
            "the owner of a zone of model 1 holds its KSK",
            |d| d.expected(format!("expected `signer = \"{OWNER}\"`")),
        ),
        What::RollCsk { .. }
        | What::RollAlgorithm { .. }
        | What::ImportDnskey { .. }
        | What::RemoveDnskey { .. }
        | What::PublishCds { .. } => lints.fail(
            &format!("{path}.do"),
            "unsupported",
            format!(
                "not supported yet: `{}` in a zone of model 1",
                event.what.name()
            ),
            |d| d.expected("the owner alone says what its signed RRsets are"),
        ),
        _ => {}
    }
}
