//! Names: one for each, all of them known, zones below the parent.

use std::collections::BTreeSet;

use counterpoint_dns::name::{Name, is_at_or_below};

use super::Lints;
use crate::scenario::{Interface, NamesIn, Servers};

/// Words that mean something else where a signer's name could stand.
const RESERVED: [&str; 5] = ["parent", "scanner", "controller", "resolver", "owner"];

pub(super) fn lint(lints: &Lints<'_>) {
    let scenario = lints.scenario;
    let signers = scenario.signers.iter().map(|s| s.name.as_str());
    unique(lints, "signer", signers);
    unique(
        lints,
        "group",
        scenario.groups.iter().map(|g| g.name.as_str()),
    );
    unique(
        lints,
        "resolver",
        scenario.resolvers.iter().map(|r| r.name.as_str()),
    );
    let zones: Vec<String> = scenario
        .zones
        .iter()
        .map(|z| z.name.to_lowercase().to_string())
        .collect();
    unique(lints, "zone", zones.iter().map(String::as_str));
    signer_names(lints);
    zone_names(lints);
}

/// Every element has a name, and no two the same.
fn unique<'a>(lints: &Lints<'_>, what: &str, names: impl Iterator<Item = &'a str>) {
    let mut seen = BTreeSet::new();
    for (index, name) in names.enumerate() {
        let path = format!("{what}.{}", index + 1);
        if name.is_empty() || (what == "zone" && name == ".") {
            lints.fail(
                &format!("{path}.name"),
                "missing-name",
                format!("a {what} without a name"),
                |d| d.expected("this needs `name = …`"),
            );
        } else if !seen.insert(name.to_ascii_lowercase()) {
            lints.fail(
                &format!("{path}.name"),
                "duplicate",
                format!("two {what}s are called `{name}`"),
                |d| {
                    d.expected("this name is taken")
                        .suggest("names are how the rest of the file says which is meant")
                },
            );
        }
    }
}

/// A signer's name is one label, and its nameservers live where they can.
fn signer_names(lints: &Lints<'_>) {
    let parent = &lints.scenario.parent.zone;
    for (index, signer) in lints.scenario.signers.iter().enumerate() {
        let path = format!("signer.{}", index + 1);
        let name = signer.name.as_str();
        if !name.is_empty() && !is_label(name) {
            lints.fail(&format!("{path}.name"), "bad-signer-name", format!("`{name}` cannot be a signer's name"), |d| {
                d.expected("expected one label: at most 40 letters, digits, underscores and inner hyphens")
            });
        } else if RESERVED.contains(&name) {
            lints.fail(
                &format!("{path}.name"),
                "reserved-name",
                format!("`{name}` cannot be a signer's name"),
                |d| d.expected("this word means something else in targets of faults"),
            );
        }
        if let Some(NamesIn::Domain(domain)) = &signer.names_in
            && !is_below(domain, parent)
        {
            lints.fail(
                &format!("{path}.names-in"),
                "not-below-parent",
                format!("`{domain}` is not below the parent `{parent}`"),
                |d| d.expected("a domain of nameservers is a child of the parent"),
            );
        }
        let in_zone = matches!(signer.names_in, Some(NamesIn::Zone));
        if in_zone && lints.scenario.zones.len() > 1 {
            let path = format!("{path}.names-in");
            lints.fail(
                &path,
                "one-zone-only",
                "`names-in = \"zone\"` is other names in every zone",
                |d| {
                    d.expected(
                        "expected one zone: the controller knows one list of nameservers a signer",
                    )
                },
            );
        }
        if signer.signal && (in_zone || signer.interface == Interface::Desec) {
            let expected = match in_zone {
                true => "names inside the zone cannot vouch for it (RFC 9615 §3.2)",
                false => "signalling names are written by dynamic update",
            };
            let path = format!("{path}.signal");
            let title = format!("nobody can write signalling names of `{name}`");
            lints.fail(&path, "no-signal", title, |d| {
                d.expected(expected).suggest("leave `signal` out")
            });
        }
        if in_zone && matches!(signer.servers, Servers::Names(_)) {
            let path = format!("{path}.servers");
            lints.fail(
                &path,
                "numbered-only",
                "servers inside the zone have no names of their own",
                |d| d.expected("expected a number of servers where `names-in` is \"zone\""),
            );
        }
        if let (Servers::Names(names), false) = (
            &signer.servers,
            matches!(signer.names_in, Some(NamesIn::Zone)),
        ) {
            let domain = signer.domain(parent, parent);
            for (number, name) in names.iter().enumerate() {
                // One label below: the first label names the instance.
                if name.base_name() != domain {
                    let path = format!("{path}.servers.{}", number + 1);
                    lints.fail(
                        &path,
                        "not-in-names-in",
                        format!("the server `{name}` is not below `{domain}`"),
                        |d| {
                            d.expected("expected a name in the signer's own domain")
                                .suggest("`names-in` says which domain that is")
                        },
                    );
                }
            }
        }
    }
}

fn zone_names(lints: &Lints<'_>) {
    let scenario = lints.scenario;
    let parent = &scenario.parent.zone;
    if scenario.zones.is_empty() {
        lints.fail("zone", "missing-zone", "a scenario without a zone", |d| {
            d.suggest("add a `[[zone]]` with `name` and `signers`")
        });
    }
    if scenario.signers.is_empty() {
        lints.fail(
            "signer",
            "missing-signer",
            "a scenario without a signer",
            |d| d.suggest("add a `[[signer]]` with a `name`"),
        );
    }
    let zones: BTreeSet<Name> = scenario
        .zones
        .iter()
        .map(|zone| zone.name.to_lowercase())
        .collect();
    for (index, zone) in scenario.zones.iter().enumerate() {
        let path = format!("zone.{}", index + 1);
        let name = &zone.name;
        if name.is_root() {
            continue; // reported as nameless
        }
        if !is_below(name, parent) {
            lints.fail(
                &format!("{path}.name"),
                "not-below-parent",
                format!("the zone `{name}` is not below the parent `{parent}`"),
                |d| d.expected(format!("expected a name that ends in `{parent}`")),
            );
        }
        if let Some(outer) = zone_around(name, &zones) {
            lints.fail(
                &format!("{path}.name"),
                "nested-zone",
                format!("the zone `{name}` lies inside the zone `{outer}`"),
                |d| d.expected("every zone is a child of the parent"),
            );
        }
        let clash = scenario.signers.iter().find(|signer| {
            let inside = matches!(signer.names_in, Some(NamesIn::Zone));
            let domain = signer.domain(parent, parent);
            !inside
                && is_label(&signer.name)
                && (is_at_or_below(&domain, name) || is_at_or_below(name, &domain))
        });
        if let Some(signer) = clash {
            let domain = signer.domain(parent, parent);
            lints.fail(
                &format!("{path}.name"),
                "names-in-clash",
                format!("the nameservers of `{}` live in `{domain}`", signer.name),
                |d| {
                    d.expected("this zone would hold their names")
                        .suggest("give the signer another `names-in`, or another name")
                },
            );
        }
        if zone.group.is_none() && zone.signers.is_empty() {
            lints.fail(
                &format!("{path}.signers"),
                "no-signers",
                format!("nobody serves the zone `{name}`"),
                |d| d.expected("expected `signers = [\"…\"]` or `group = \"…\"`"),
            );
        }
        if let Some(group) = &zone.group {
            let known = scenario.groups.iter().map(|g| g.name.as_str());
            lints.must_exist(&format!("{path}.group"), "group", group, known);
            let own = format!("{path}.signers");
            if lints.report.has(&own) {
                lints.fail(
                    &own,
                    "both-group-and-signers",
                    "a zone with both `group` and `signers`",
                    |d| {
                        d.expected("the group says who serves it")
                            .suggest("remove one of the two")
                    },
                );
            }
        }
        for (number, record) in zone.records.iter().enumerate() {
            let path = format!("{path}.records.{}", number + 1);
            outside(lints, &path, record.owner_in(name), name);
        }
    }
}

/// A record's owner lies in the zone, and can exist.
pub(super) fn outside(lints: &Lints<'_>, path: &str, owner: Option<Name>, zone: &Name) {
    match owner {
        None => lints.fail(
            path,
            "name-too-long",
            "the name of this record is too long to exist",
            |d| d.expected("more than 255 octets with the zone's name"),
        ),
        Some(owner) if !is_at_or_below(&owner, zone) => {
            lints.fail(
                path,
                "out-of-zone",
                format!("`{owner}` is not in the zone `{zone}`"),
                |d| {
                    d.expected("expected a name in the zone")
                        .suggest("a name without a final dot is relative to the zone")
                },
            );
        }
        Some(_) => {}
    }
}

/// Whether a name can be a signer's: one label.
fn is_label(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=40).contains(&name.len())
        && name.chars().all(fits)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// The zone in which a name lies, its own aside.
fn zone_around<'z>(name: &Name, zones: &'z BTreeSet<Name>) -> Option<&'z Name> {
    let mut around = name.to_lowercase().base_name();
    while !around.is_root() {
        if let Some(zone) = zones.get(&around) {
            return Some(zone);
        }
        around = around.base_name();
    }
    None
}

fn is_below(name: &Name, zone: &Name) -> bool {
    name != zone && is_at_or_below(name, zone)
}
