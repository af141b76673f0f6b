//! From a scenario to what the world, the controller, the scanner and the resolvers are told.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use counterpoint_controller as controller;
use counterpoint_dns::{
    agent::Transport,
    key::{self, DIGEST_SHA256, DIGEST_SHA384},
    name::{Name, RecordType},
    rdata::Rdata,
    resolver,
    time::Timestamp,
    web::Secret,
};
use counterpoint_scanner as scanner;
use counterpoint_simnet::{
    desec::{self, Desec},
    habits::{Habit, Habits},
    operator::Operator,
    topology::{self, OwnerPlan, PARENT, ParentPlan, SignerPlan, Stage, Topology, ZonePlan},
    world::World,
};

use super::{denial::denial, faults, models};
use crate::scenario::{
    self, Bootstrap, CdsAfter, Continuity, Event, Interface, KeyLayout, KskRoll, Model, NamesIn,
    Quirk, Range, Safety, Scenario, Servers, Signer, What, Zone,
};

/// Where the controller speaks from.
pub const CONTROLLER_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 66, 200, 1));
/// Where the scanner speaks from.
pub const SCANNER_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 66, 200, 2));

/// Where the scanner takes NOTIFY, if it does.
pub fn notify_address(scenario: &Scenario) -> Option<SocketAddr> {
    let table = &scenario.scanner;
    let listens = table.enabled && table.notify;
    listens.then_some(SocketAddr::new(SCANNER_ADDRESS, NOTIFY_PORT))
}

/// The port of that.
const NOTIFY_PORT: u16 = 5359;

/// Where the resolver of this number speaks from.
pub fn resolver_address(number: usize) -> IpAddr {
    Ipv4Addr::new(127, 66, 201, number as u8 + 1).into()
}

/// The world of a scenario.
pub fn topology(scenario: &Scenario) -> Topology {
    let parent = &scenario.parent;
    Topology {
        seed: scenario.seed,
        start: scenario.start,
        parent: ParentPlan {
            zone: parent.zone.clone(),
            servers: parent.servers as usize,
            algorithm: algorithm(parent.algorithm),
            denial: denial(parent.denial, &scenario::Nsec3::default()),
            ds_ttl: parent.ds_ttl.seconds(),
            ns_ttl: parent.ns_ttl.seconds(),
            negative_ttl: parent.negative_ttl.seconds(),
            propagation: span(parent.propagation),
            notify: notify_address(scenario),
        },
        signers: scenario
            .signers
            .iter()
            .map(|signer| signer_plan(scenario, signer))
            .collect(),
        zones: scenario
            .zones
            .iter()
            .map(|zone| zone_plan(scenario, zone))
            .collect(),
    }
}

/// Those that serve a zone at the start.
pub fn first_signers(scenario: &Scenario, zone: &Zone) -> Vec<String> {
    match zone.group.as_ref().and_then(|group| scenario.group(group)) {
        Some(group) => group.signers.clone(),
        None => zone.signers.clone(),
    }
}

/// The plan of a zone of the scenario.
pub fn zone_plan(scenario: &Scenario, zone: &Zone) -> ZonePlan {
    let keeps_cds = scenario.controller.enabled && scenario.controller.cds_after == CdsAfter::Keep;
    ZonePlan {
        name: zone.name.clone(),
        signers: first_signers(scenario, zone),
        is_secure: zone.secure,
        has_cds: keeps_cds,
        owner: (zone.model == Model::One).then(|| OwnerPlan {
            keys: 1 + ksk_rolls(scenario, zone),
            validity: scenario.controller.signature_validity,
            holder: zone.ksk_holder.clone(),
        }),
        source: models::source(zone),
        shares_keys: zone.model == Model::Three,
        timers: models::timers(zone),
        choices: models::choices(zone),
        records: records(&zone.records, &zone.name),
    }
}

/// How often the common KSK of a zone rolls.
fn ksk_rolls(scenario: &Scenario, zone: &Zone) -> usize {
    let events = scenario
        .events
        .iter()
        .filter(|event| event.zone == zone.name);
    let holder = &zone.ksk_holder;
    let rolls =
        |event: &&Event| matches!(&event.what, What::RollKsk { signer } if signer == holder);
    events.filter(rolls).count()
}

/// Records as the world takes them.
pub fn records(
    records: &[scenario::Record],
    zone: &Name,
) -> Vec<(Name, Option<u32>, RecordType, Rdata)> {
    let record = |record: &scenario::Record| {
        let ttl = record.ttl.map(scenario::Ttl::seconds);
        Some((
            record.owner_in(zone)?,
            ttl,
            record.rtype(),
            record.rdata_in(zone)?,
        ))
    };
    records.iter().filter_map(record).collect()
}

fn signer_plan(scenario: &Scenario, signer: &Signer) -> SignerPlan {
    let names_in = match &signer.names_in {
        Some(NamesIn::Zone) => topology::NamesIn::ServedZone,
        _ => topology::NamesIn::Zone(signer.domain(&scenario.parent.zone, &Name::root())),
    };
    let hosts = match &signer.servers {
        Servers::Count(count) => (1..=*count).map(|number| format!("ns{number}")).collect(),
        Servers::Names(names) => names.iter().map(first_label).collect(),
    };
    SignerPlan {
        name: signer.name.clone(),
        hosts,
        names_in,
        signal: signer.signal,
        is_csk: signer.keys == KeyLayout::Csk,
        algorithm: algorithm(signer.algorithm),
        denial: denial(signer.denial, &signer.nsec3),
        dnskey_ttl: signer.dnskey_ttl.seconds(),
        ns_ttl: signer.ns_ttl.seconds(),
        default_ttl: signer.default_ttl.seconds(),
        negative_ttl: signer.negative_ttl.seconds(),
        signing_time: signer.hsm.latency,
        validity: signer.signature_validity,
        resign_before: signer.resign_before,
        resign_jitter: signer.resign_jitter,
        propagation: span(signer.propagation),
        clock: faults::skew(signer.clock_skew),
        habits: habits(signer),
    }
}

/// What the world's signer does in its own way.
fn habits(signer: &Signer) -> Habits {
    let habit = |quirk: &Quirk| {
        Some(match quirk {
            Quirk::DropsForeignDnskey => Habit::DropsForeignDnskey,
            Quirk::DropsForeignKsk => Habit::DropsForeignKsk,
            Quirk::CapsTtl => Habit::CapsTtl,
            Quirk::OmitsCdnskey => Habit::OmitsCdnskey,
            Quirk::RefusesCds => Habit::RefusesCds,
            Quirk::OwnCds => Habit::OwnCds,
            Quirk::CdsKskOnly => Habit::CdsKskOnly,
            Quirk::KeyTagTwin => Habit::KeyTagTwin,
            Quirk::OneTtl => Habit::OneTtl,
            // Of its web interface: see `give_interfaces`.
            Quirk::OtherToken => return None,
        })
    };
    Habits {
        all: signer.quirks.iter().filter_map(habit).collect(),
        ttl_cap: signer.default_ttl.seconds(),
    }
}

fn first_label(name: &Name) -> String {
    let label = name.iter().next().unwrap_or_default();
    String::from_utf8_lossy(label).into_owned()
}

/// The loader refuses algorithms that the world cannot sign with.
pub fn algorithm(algorithm: scenario::Algorithm) -> key::Algorithm {
    algorithm.to_key().unwrap_or(key::Algorithm::Ed25519)
}

/// A range as the world draws it.
pub fn span(range: Range) -> std::ops::RangeInclusive<Duration> {
    range.low..=range.high
}

/// What every agent's own resolver is told.
pub fn agent_resolver(stage: &Stage) -> resolver::Config {
    resolver::Config::new(stage.root_addresses(), stage.trust_anchor())
}

/// What the controller is told.
pub fn controller_config(scenario: &Scenario, stage: &Stage) -> controller::Config {
    let table = &scenario.controller;
    let mut config = controller::Config::new(scenario.parent.zone.clone());
    config.poll = table.poll;
    config.safety = match table.safety {
        Safety::Percent(percent) => controller::Safety::Share(f64::from(percent) / 100.0),
        Safety::Span(span) => controller::Safety::Fixed(span),
    };
    config.parent_settle = scenario.parent_settle();
    config.cds_after = match table.cds_after {
        CdsAfter::Keep => controller::CdsAfter::Keep,
        CdsAfter::Withdraw => controller::CdsAfter::Withdraw,
    };
    config.ksk_roll = match table.ksk_roll {
        KskRoll::Swap => controller::KskRoll::Swap,
        KskRoll::Double => controller::KskRoll::Double,
    };
    config.guard = table.guard;
    // Both tables of names are the contract's; the loader refuses names that are not in it.
    config.sabotage = table
        .sabotage
        .iter()
        .filter_map(|s| s.name().parse().ok())
        .collect();
    let parent = &scenario.parent;
    config.parent.max_ttl = parent
        .ds_ttl
        .span()
        .max(parent.ns_ttl.span())
        .max(parent.negative_ttl.span());
    config.resolver = Some(agent_resolver(stage));
    for signer in &scenario.signers {
        let Some(plan) = stage.signer(&signer.name) else {
            continue;
        };
        let Some(operator) = stage.world.operator(&signer.name) else {
            continue;
        };
        // Where a signer serves what another keeps, changes go to that one.
        let kept = scenario
            .zones
            .iter()
            .map(|zone| stage.keeper(&signer.name, &zone.name));
        let keeper = kept.filter_map(|name| stage.world.operator(&name)).next();
        let operator = &stage.world.operators[keeper.unwrap_or(operator)];
        let ns = scenario
            .zones
            .first()
            .map(|zone| plan.hosts(&zone.name))
            .unwrap_or_default();
        let in_zone = scenario.zones.iter().flat_map(|zone| {
            stage.in_zone_addresses(std::slice::from_ref(&signer.name), &zone.name)
        });
        let in_zone_addresses = in_zone
            .map(|(host, address)| (host, vec![address]))
            .collect();
        config.signers.insert(
            controller::SignerName::from(signer.name.as_str()),
            controller::Signer {
                ns,
                in_zone_addresses,
                interface: interface(signer, operator),
                limits: limits(signer),
                signal_zones: signal_zones(plan),
                own_keys: Vec::new(),
                csk: Some(signer.keys == KeyLayout::Csk),
                max_ttl: signer.max_ttl.span(),
            },
        );
    }
    if scenario
        .signers
        .iter()
        .any(|signer| signer.interface == Interface::Desec)
    {
        // deSEC publishes CDS of its own with both, and everybody must have the same.
        config.digests = [DIGEST_SHA256, DIGEST_SHA384].into();
    }
    let members = |names: &[String]| -> BTreeSet<controller::SignerName> {
        names
            .iter()
            .map(|name| controller::SignerName::from(name.as_str()))
            .collect()
    };
    for group in &scenario.groups {
        config
            .groups
            .insert(group.name.clone(), members(&group.signers));
    }
    for zone in &scenario.zones {
        let membership = match &zone.group {
            Some(group) => controller::Zone::Group(group.clone()),
            None => controller::Zone::Signers(members(&zone.signers)),
        };
        config.zones.insert(zone.name.clone(), membership);
        if models::shares_keys(zone) {
            config.shared_keys.insert(zone.name.clone());
        }
        if zone.model == Model::One {
            let common = controller::CommonKsk {
                keys: stage.owner_keys(&zone.name),
                validity: table.signature_validity,
                renew_before: table.resign_before,
                holder: models::holder(zone).map(controller::SignerName::from),
                is_out: models::is_holder_out(scenario, zone, stage.world.now()),
            };
            config.common_ksks.insert(zone.name.clone(), common);
        }
    }
    config
}

/// The zones in which the controller may write signalling names.
fn signal_zones(plan: &SignerPlan) -> BTreeSet<Name> {
    match &plan.names_in {
        topology::NamesIn::Zone(zone) if plan.signal => [zone.clone()].into(),
        _ => BTreeSet::new(),
    }
}

/// How the controller writes to a signer.
fn interface(signer: &Signer, operator: &Operator) -> controller::Interface {
    if signer.interface == Interface::Desec {
        let mut access = controller::DesecAccess::new(token(signer));
        access.url = format!("http://{}{}", operator.primary_address, desec::ROOT);
        return controller::Interface::Desec(access);
    }
    let access = controller::DdnsAccess {
        primary: operator.update_address(),
        via: Transport::Tcp,
        tsig: operator.tsig.clone(),
    };
    match signer.interface {
        Interface::SignedRrset => controller::Interface::SignedRrset(access),
        _ => controller::Interface::Ddns(access),
    }
}

fn limits(signer: &Signer) -> controller::Limits {
    match signer.interface {
        Interface::Desec => controller::Limits::desec(),
        _ => controller::Limits::default(),
    }
}

/// The token that the controller has.
fn token(signer: &Signer) -> Secret {
    Secret::new(format!("token-of-{}", signer.name))
}

/// Gives those signers their web interfaces that have one, and closes those that have none at all.
pub fn give_interfaces(scenario: &Scenario, world: &mut World) {
    for signer in &scenario.signers {
        if let Some(operator) = world.operator(&signer.name) {
            world.operators[operator].is_open = signer.interface != Interface::None;
        }
    }
    let all = scenario.signers.iter();
    for signer in all.filter(|signer| signer.interface == Interface::Desec) {
        let Some(operator) = world.operator(&signer.name) else {
            continue;
        };
        let published = limits(signer);
        let token = match signer.quirks.contains(&Quirk::OtherToken) {
            true => Secret::new("another"),
            false => token(signer),
        };
        let changes = match signer.limits.is_empty() {
            true => published.changes,
            false => signer.limits.clone(),
        };
        world.give_web(operator, Desec::new(token, published.requests, changes));
    }
}

/// What the scanner is told.
pub fn scanner_config(scenario: &Scenario, stage: &Stage, first: Duration) -> scanner::Config {
    let table = &scenario.scanner;
    let start: Timestamp = scenario.start;
    let operator = stage
        .world
        .operator(PARENT)
        .map(|index| &stage.world.operators[index]);
    let primary = operator.map_or_else(
        || SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
        |operator| operator.update_address(),
    );
    let mut config = scanner::Config::new(scenario.parent.zone.clone(), primary, start + first);
    config.tsig = operator.map(|operator| operator.tsig.clone());
    config.interval = table.interval;
    config.publish_delay = span(table.publish_delay);
    let policy = &mut config.policy;
    policy.cds = table.cds;
    policy.csync.enabled = table.csync;
    policy.initial.accept = match table.bootstrap {
        Bootstrap::Authenticated => scanner::policy::InitialAccept::Rfc9615,
        Bootstrap::AfterDelay => scanner::policy::InitialAccept::AfterDelay,
        Bootstrap::Never => scanner::policy::InitialAccept::Never,
    };
    policy.initial.hold_down = table.hold_down;
    // No more often than that: a hold-down lasts as long as it says.
    let spacing = table.hold_down / policy.initial.checks.max(1);
    policy.initial.check_spacing = policy.initial.check_spacing.min(spacing);
    policy.ds.ttl_after_change = table.ds_ttl_after_change;
    policy.rollover.continuity = match table.continuity {
        Continuity::Strict => scanner::Continuity::Strict,
        Continuity::OnePath => scanner::Continuity::OnePath,
    };
    policy.gathering.retry = table.retry.clone();
    policy.csync.glue_ttl = scenario.parent.ns_ttl.seconds();
    policy.sabotage = table
        .sabotage
        .iter()
        .filter_map(|s| s.name().parse().ok())
        .collect();
    config.brakes = table.brakes;
    config.resolver = Some(agent_resolver(stage));
    config
}
