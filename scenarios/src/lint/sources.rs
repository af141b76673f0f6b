//! Zones that somebody keeps for the others, or that have one set of keys: what their signers and events
//! can be. Each refusal says why the model does not have it, and what to do instead.

use counterpoint_simnet::topology::OWNER;

use super::Lints;
use crate::{
    run::models,
    scenario::{Algorithm, Denial, Event, Interface, KeyLayout, Model, Target, What, Zone},
};

pub(super) fn lint(lints: &Lints<'_>) {
    for (index, zone) in lints.scenario.zones.iter().enumerate() {
        let path = format!("zone.{}", index + 1);
        primary(lints, &path, zone);
        holder(lints, &path, zone);
        dynamic(lints, &path, zone);
        signers(lints, zone);
    }
    one_source(lints);
    for event in &lints.scenario.events {
        let is_about = |zone: &&Zone| match &event.what {
            What::GroupRemove { group, .. } => zone.group.as_ref() == Some(group),
            _ => zone.name == event.zone,
        };
        if let Some(zone) = lints.scenario.zones.iter().find(is_about) {
            of_event(lints, zone, event);
        }
    }
    for fault in &lints.scenario.faults {
        if fault.target == Target::Hsm {
            hsm(lints, &format!("fault.{}", fault.number), fault.kind.name());
        }
    }
}

/// Whether `name` is the owner, and the owner keeps this zone.
pub(super) fn is_the_keeper(zone: &Zone, name: &str) -> bool {
    models::source(zone).is_some_and(|source| source.by == name)
}

/// Who keeps it fits the model.
fn primary(lints: &Lints<'_>, path: &str, zone: &Zone) {
    let path = format!("{path}.primary");
    let fail = |message: &str, why: &str| {
        lints.fail(&path, "wrong-primary", message, |d| d.expected(why));
    };
    let signers = first_signers(lints, zone);
    match (zone.model, zone.primary.as_deref()) {
        (Model::One | Model::Two | Model::Three, Some(_)) => fail(
            "every signer of this model is given the zone",
            "leave `primary` out, or take `serve-only`, `hybrid` or `inline`",
        ),
        (Model::ServeOnly | Model::Inline, Some(by)) if by != OWNER => fail(
            "the owner keeps a zone of this model",
            "expected `owner`; where a signer signs for others the model is `hybrid`",
        ),
        (Model::Hybrid, Some(by)) if signers.iter().any(|signer| signer == by) => {}
        (Model::Hybrid, _) => fail(
            "one of the signers keeps a zone of this model",
            "expected the name of one that serves it at the start",
        ),
        _ => {}
    }
}

/// Who holds the common keys, where there are any.
fn holder(lints: &Lints<'_>, path: &str, zone: &Zone) {
    let (path, holder) = (format!("{path}.ksk-holder"), &zone.ksk_holder);
    let fail = |message: &str, why: &str| {
        lints.fail(&path, "wrong-holder", message, |d| d.expected(why));
    };
    match zone.model {
        _ if holder == OWNER => {}
        Model::One | Model::Three if first_signers(lints, zone).contains(holder) => {}
        Model::One | Model::Three => fail(
            &format!("`{holder}` does not serve the zone at the start"),
            "expected `owner`, or a signer that serves it at the start",
        ),
        _ => fail(
            "signers of this model have no keys in common",
            "leave `ksk-holder` out, or take `model = \"1\"` or `\"3\"`",
        ),
    }
}

/// Answers that depend on who asks, or when, are made where they are given.
fn dynamic(lints: &Lints<'_>, path: &str, zone: &Zone) {
    if !zone.dynamic.is_empty() && models::source(zone).is_some() {
        lints.fail(
            &format!("{path}.dynamic"),
            "not-in-this-model",
            "a zone transfer carries neither several answers nor the rule that chooses among them",
            |d| {
                d.expected("draft-huque-dnsop-multi-provider-dnssec §2.1")
                    .suggest("let each signer have the rule: model 1, 2 or 3")
            },
        );
    }
}

fn first_signers<'a>(lints: &'a Lints<'_>, zone: &'a Zone) -> &'a [String] {
    let group = zone.group.as_ref();
    let group = group.and_then(|name| lints.scenario.group(name));
    group.map_or(&zone.signers, |group| &group.signers)
}

/// Signers fit the model.
fn signers(lints: &Lints<'_>, zone: &Zone) {
    if !models::shares_keys(zone) {
        return;
    }
    let mut first: Option<(KeyLayout, Algorithm)> = None;
    let newcomers = lints.scenario.events.iter();
    let newcomers = newcomers.filter(|event| event.zone == zone.name);
    let newcomers = newcomers.filter_map(|event| super::model::newcomer(event));
    let serving: Vec<&String> = first_signers(lints, zone).iter().chain(newcomers).collect();
    for (index, signer) in lints.scenario.signers.iter().enumerate() {
        if !serving.contains(&&signer.name) {
            continue;
        }
        let path = format!("signer.{}", index + 1);
        if !matches!(signer.interface, Interface::Ddns | Interface::None) {
            lints.fail(
                &format!("{path}.interface"),
                "wrong-interface",
                "signers of a zone with one set of keys take dynamic updates",
                |d| d.expected("expected `ddns`"),
            );
        }
        let is_transferred = zone.model != Model::Three;
        if is_transferred && signer.denial == Denial::Compact {
            lints.fail(
                &format!("{path}.denial"),
                "needs-online-signing",
                "a zone transfer carries no answers that are made when somebody asks",
                |d| d.expected("compact denial needs the keys where it answers (RFC 9824 §1)"),
            );
        }
        let own = (signer.keys, signer.algorithm);
        if zone.model == Model::Three && *first.get_or_insert(own) != own {
            lints.fail(
                &format!("{path}.keys"),
                "wrong-keys",
                "signers that share their keys have the same kinds and the same algorithm",
                |d| d.expected("`keys` and `algorithm` as those of the first signer"),
            );
        }
    }
}

/// The controller writes to each signer in one place.
fn one_source(lints: &Lints<'_>) {
    let of = |zone: &Zone| models::source(zone).filter(|source| !source.is_unsigned);
    let mut zones = lints.scenario.zones.iter();
    let first = zones.next().map(of);
    for (index, zone) in zones.enumerate() {
        if Some(of(zone)) != first {
            lints.fail(
                &format!("zone.{}.model", index + 2),
                "mixed-sources",
                "zones that one primary keeps stand beside zones that it does not",
                |d| d.expected("put them into scenarios of their own"),
            );
        }
    }
}

/// What can happen in a zone of such a model.
fn of_event(lints: &Lints<'_>, zone: &Zone, event: &Event) {
    let path = format!("event.{}.do", event.number);
    let name = event.what.name();
    let refuse = |message: String, remedy: &str| {
        lints.fail(&path, "not-in-this-model", message, |d| d.suggest(remedy));
    };
    if !models::shares_keys(zone) {
        return;
    }
    match &event.what {
        What::RollZsk { .. }
        | What::RollKsk { .. }
        | What::RollCsk { .. }
        | What::RollAlgorithm { .. }
        | What::GoInsecure {} => refuse(
            format!(
                "`{name}`: all who serve this zone serve one set of keys, which is no signer's"
            ),
            "whoever holds the keys rolls them: `new-key`, `sign-with`, `drop-key`, `set-ds`",
        ),
        What::ImportDnskey { .. } | What::RemoveDnskey { .. } => refuse(
            format!("`{name}`: all who serve this zone serve one set of keys"),
            "there is nothing to exchange; leave it out",
        ),
        What::Leave { signer, .. }
        | What::Replace { from: signer, .. }
        | What::GroupRemove { signer, .. }
            if zone.primary.as_ref() == Some(signer) =>
        {
            refuse(
                format!("`{signer}` signs this zone for all others, and cannot leave them"),
                "let the newcomer sign as well (model 2) before this one leaves",
            );
        }
        _ => {}
    }
}

/// A fault of the HSM is that it makes no signatures.
fn hsm(lints: &Lints<'_>, path: &str, kind: &str) {
    if kind != "dead" {
        lints.fail(
            &format!("{path}.kind"),
            "no-such-trouble",
            format!("an HSM has no `{kind}`"),
            |d| d.expected("expected `dead`: it makes no signatures"),
        );
    }
    let mut zones = lints.scenario.zones.iter();
    if !zones.any(|zone| zone.model == Model::Three) {
        lints.fail(
            &format!("{path}.target"),
            "no-hsm",
            "nobody signs in an HSM that all share",
            |d| d.expected("expected a zone with `model = \"3\"`"),
        );
    }
}
