//! References: every signer, zone, group, server and resolver that is mentioned exists.

use std::collections::BTreeSet;

use super::{Lints, model::is_the_owners, names::outside, sources::is_the_keeper};
use crate::scenario::{Target, What};

/// Whoever is mentioned exists.
pub(super) fn lint(lints: &Lints<'_>) {
    let scenario = lints.scenario;
    let lists = scenario
        .groups
        .iter()
        .enumerate()
        .map(|(index, group)| (format!("group.{}.signers", index + 1), &group.signers))
        .chain(
            scenario
                .zones
                .iter()
                .enumerate()
                .filter(|(_, zone)| zone.group.is_none())
                .map(|(index, zone)| (format!("zone.{}.signers", index + 1), &zone.signers)),
        );
    for (path, signers) in lists {
        signer_list(lints, &path, signers);
    }
    for event in &scenario.events {
        let path = format!("event.{}", event.number);
        for (key, signers) in event.what.signer_lists() {
            signer_list(lints, &format!("{path}.{key}"), signers);
        }
        for (key, signer) in event.what.signers() {
            let mut zones = scenario.zones.iter();
            let zone = zones.find(|zone| zone.name == event.zone);
            let keeps = zone.is_some_and(|zone| is_the_keeper(zone, signer));
            if keeps && !event.what.is_process() || is_the_owners(lints, event, signer) {
                continue;
            }
            lints.must_be_signer(&format!("{path}.{key}"), signer);
        }
        if let What::GroupAdd { group, .. } | What::GroupRemove { group, .. } = &event.what {
            let known = scenario.groups.iter().map(|g| g.name.as_str());
            lints.must_exist(&format!("{path}.group"), "group", group, known);
        }
        if event.what.has_zone() {
            lints.must_be_zone(&format!("{path}.zone"), &event.zone);
        }
        if let What::SetRrset { records, .. } = &event.what {
            for (number, record) in records.iter().enumerate() {
                let path = format!("{path}.records.{}", number + 1);
                outside(lints, &path, record.owner_in(&event.zone), &event.zone);
            }
        }
    }
    for fault in &scenario.faults {
        target(
            lints,
            &format!("fault.{}.target", fault.number),
            &fault.target,
        );
    }
}

/// Known signers, none of them twice.
fn signer_list(lints: &Lints<'_>, path: &str, signers: &[String]) {
    let mut seen = BTreeSet::new();
    for (index, signer) in signers.iter().enumerate() {
        let path = format!("{path}.{}", index + 1);
        lints.must_be_signer(&path, signer);
        if !seen.insert(signer) {
            lints.fail(
                &path,
                "mentioned-twice",
                format!("`{signer}` is mentioned twice"),
                |d| d.expected("once is enough"),
            );
        }
    }
}

/// A target exists, down to its number.
fn target(lints: &Lints<'_>, path: &str, target: &Target) {
    let scenario = lints.scenario;
    let number = |what: &str, number: u32, count: usize| {
        if number as usize > count {
            lints.fail(
                path,
                "unknown-instance",
                format!("{what} has no server {number}"),
                |d| d.expected(format!("it has {count}")),
            );
        }
    };
    match target {
        Target::Signer(name) if scenario.zones.iter().any(|zone| is_the_keeper(zone, name)) => {}
        Target::Signer(name) => lints.must_be_signer(path, name),
        Target::Instance(name, instance) => {
            lints.must_be_signer(path, name);
            if let Some(signer) = scenario.signer(name) {
                number(&format!("`{name}`"), *instance, signer.servers.count());
            }
        }
        Target::ParentInstance(instance) => {
            number("the parent", *instance, scenario.parent.servers as usize)
        }
        Target::Resolver(name) => {
            let known = scenario.resolvers.iter().map(|r| r.name.as_str());
            lints.must_exist(path, "resolver", name, known);
        }
        Target::Between(a, b) => {
            self::target(lints, path, a);
            self::target(lints, path, b);
        }
        Target::Scanner if !scenario.scanner.enabled => {
            lints.fail(path, "no-scanner", "there is no scanner", |d| {
                d.expected("`scanner.enabled` is false")
            })
        }
        Target::Controller if !scenario.controller.enabled => {
            lints.fail(path, "no-controller", "there is no controller", |d| {
                d.expected("`controller.enabled` is false")
            })
        }
        Target::Parent | Target::Scanner | Target::Controller | Target::Hsm => {}
    }
}
