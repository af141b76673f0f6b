//! The faults of a scenario, brought into its world: trouble with messages, servers out of order or out
//! of date, clocks that are off.

use std::net::IpAddr;

use counterpoint_dns::{message::ResponseCode, time::Timestamp};
use counterpoint_simnet::{
    clock::Skew,
    network::{self, Trouble},
    topology::{PARENT, Stage},
    world::{Edge, World},
};

use super::{models, plan, play::Failure};
use crate::{
    explore::bound,
    scenario::{self, Fault, FaultKind, Rcode, Scenario, Target},
};

/// Brings every fault into the world but those of clocks, which whoever plays the scenario sets.
pub fn inject(scenario: &Scenario, world: &mut World) {
    for fault in &scenario.faults {
        let (from, until) = window(scenario, fault);
        if let Some(trouble) = trouble(fault.kind) {
            for (host, other) in pairs(scenario, world, &fault.target) {
                world.add_fault(network::Fault {
                    from,
                    until,
                    host,
                    other,
                    trouble,
                });
            }
        }
        for (operator, instance, edge) in edges(scenario, world, fault) {
            world.add_edge(operator, instance, edge, from, until);
        }
    }
}

/// The first instant of a fault, and the first after it.
pub fn window(scenario: &Scenario, fault: &Fault) -> (Timestamp, Timestamp) {
    let start = scenario.start;
    let until = fault.until.map_or(Timestamp::MAX, |until| start + until);
    (start + fault.from, until)
}

/// How far off a clock is by a setting.
pub fn skew(skew: scenario::time::Skew) -> Skew {
    match skew.is_behind {
        true => Skew::behind(skew.by),
        false => Skew::ahead(skew.by),
    }
}

/// Whether a signer answers nobody now, by a fault of all of it.
pub fn is_silent(scenario: &Scenario, signer: &str, now: Timestamp) -> bool {
    let target = Target::Signer(signer.to_owned());
    let mut faults = scenario.faults.iter();
    faults.any(|fault| {
        let (from, until) = window(scenario, fault);
        let is_away = silences(fault.kind) && fault.target == target;
        is_away && (from..until).contains(&now)
    })
}

/// Whether it may keep whoever holds common keys from signing.
pub fn may_stop_a_holder(scenario: &Scenario, fault: &Fault) -> bool {
    match &fault.target {
        Target::Hsm => true,
        Target::Signer(signer) if silences(fault.kind) => {
            let mut zones = scenario.zones.iter();
            zones.any(|zone| models::holder(zone) == Some(signer))
        }
        _ => false,
    }
}

/// Whether a resolver that got Bogus has a reason that no oracle knows: somebody lied to it, or it is
/// wrong about the time.
pub fn explains(scenario: &Scenario, failure: &Failure) -> bool {
    let resolver = Target::Resolver(scenario.resolvers[failure.resolver].name.clone());
    let mut faults = scenario.faults.iter();
    faults.any(|fault| {
        let (from, until) = window(scenario, fault);
        let (concerns, until) = match fault.kind {
            // What was heard then is kept for a while.
            FaultKind::ClockSkew(_) => {
                let is_its_own = fault.target == resolver;
                (is_its_own, until + bound::longest_ttl(scenario))
            }
            // What a forger's data say of servers and TTLs may lead astray for ever.
            FaultKind::Forge => (true, Timestamp::MAX),
            _ => (false, until),
        };
        concerns && (from..until).contains(&failure.answered)
    })
}

/// Whether a server with such a fault answers nobody. One that forges, truncates or is slow does answer,
/// and somebody who is not lied to gets the truth.
fn silences(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::Dead | FaultKind::Partition | FaultKind::Rcode(_)
    )
}

/// What a fault is to the instances that it means.
fn edges(scenario: &Scenario, world: &World, fault: &Fault) -> Vec<(usize, usize, Edge)> {
    let edge = match (fault.kind, &fault.target) {
        // From its own primary: new versions do not come.
        (FaultKind::Partition, Target::Between(a, b)) => {
            return [(a, b), (b, a)]
                .into_iter()
                .filter(|(one, other)| is_own(one, other))
                .flat_map(|(one, _)| instances(world, one))
                .map(|(operator, instance)| (operator, instance, Edge::Stale))
                .collect();
        }
        (FaultKind::Partition, Target::Instance(..) | Target::ParentInstance(_)) => {
            Some(Edge::Partition)
        }
        (kind, _) if silences(kind) => Some(Edge::Outage),
        (FaultKind::Stale, _) => Some(Edge::Stale),
        (FaultKind::Replay(of), _) => Some(Edge::Replay(scenario.start + of)),
        _ => None,
    };
    let Some(edge) = edge else {
        return Vec::new();
    };
    let meant = instances(world, &fault.target).into_iter();
    meant
        .map(|(operator, instance)| (operator, instance, edge))
        .collect()
}

/// Whether `one` is an instance of `other`.
fn is_own(one: &Target, other: &Target) -> bool {
    match (one, other) {
        (Target::Instance(name, _), Target::Signer(signer)) => name == signer,
        (Target::ParentInstance(_), Target::Parent) => true,
        _ => false,
    }
}

/// Trouble with messages, as the network knows it; `None` for faults of another kind.
fn trouble(kind: FaultKind) -> Option<Trouble> {
    Some(match kind {
        FaultKind::Dead => Trouble::Dead,
        FaultKind::Partition => Trouble::Partition,
        FaultKind::Loss(rate) => Trouble::Loss(f64::from(rate.per_million) / 1e6),
        FaultKind::Latency(by) => Trouble::Latency(by.low, by.high),
        FaultKind::Reorder => Trouble::Reorder,
        FaultKind::Duplicate => Trouble::Duplicate,
        FaultKind::Rcode(is) => Trouble::Rcode(match is {
            Rcode::FormErr => ResponseCode::FormErr,
            Rcode::ServFail => ResponseCode::ServFail,
            Rcode::NotImp => ResponseCode::NotImp,
            Rcode::Refused => ResponseCode::Refused,
            Rcode::NotAuth => ResponseCode::NotAuth,
        }),
        FaultKind::Truncate => Trouble::Truncate,
        FaultKind::Forge => Trouble::Forge,
        FaultKind::ClockSkew(_) | FaultKind::Stale | FaultKind::Replay(_) => return None,
    })
}

/// The hosts that a target means, with whom they have trouble; `None`: with everybody.
fn pairs(scenario: &Scenario, world: &World, target: &Target) -> Vec<(IpAddr, Option<IpAddr>)> {
    match target {
        Target::Between(a, b) => {
            let b = addresses(scenario, world, b);
            let with = |a: IpAddr| b.iter().map(move |b| (a, Some(*b)));
            let a = addresses(scenario, world, a);
            a.into_iter().flat_map(with).collect()
        }
        target => {
            let all = addresses(scenario, world, target).into_iter();
            all.map(|host| (host, None)).collect()
        }
    }
}

/// The operators whose clocks a target means.
pub fn operators(stage: &Stage, target: &Target) -> Option<usize> {
    match target {
        Target::Signer(name) => stage.world.operator(name),
        Target::Parent => stage.world.operator(PARENT),
        _ => None,
    }
}

/// The instances that a target means: operator and instance.
fn instances(world: &World, target: &Target) -> Vec<(usize, usize)> {
    let of = |name: &str, number: Option<u32>| -> Vec<(usize, usize)> {
        let Some(operator) = world.operator(name) else {
            return Vec::new();
        };
        let all = 0..world.operators[operator].instances.len();
        let chosen = all.filter(|index| number.is_none_or(|n| n as usize == index + 1));
        chosen.map(|index| (operator, index)).collect()
    };
    match target {
        Target::Signer(name) => of(name, None),
        Target::Instance(name, number) => of(name, Some(*number)),
        Target::Parent => of(PARENT, None),
        Target::ParentInstance(number) => of(PARENT, Some(*number)),
        _ => Vec::new(),
    }
}

/// The addresses that a target means.
pub(crate) fn addresses(scenario: &Scenario, world: &World, target: &Target) -> Vec<IpAddr> {
    match target {
        Target::Scanner => vec![plan::SCANNER_ADDRESS],
        Target::Controller => vec![plan::CONTROLLER_ADDRESS],
        Target::Resolver(name) => {
            let named = scenario
                .resolvers
                .iter()
                .enumerate()
                .filter(|(_, r)| r.name == *name);
            named
                .map(|(number, _)| plan::resolver_address(number))
                .collect()
        }
        servers => {
            let instance = |(operator, instance): (usize, usize)| {
                world.operators[operator].instances[instance].address
            };
            let mut found: Vec<IpAddr> = instances(world, servers)
                .into_iter()
                .map(instance)
                .collect();
            // A signer that is down as a whole takes no updates either.
            if let Target::Signer(name) = servers {
                let operator = world.operator(name);
                found.extend(operator.map(|index| world.operators[index].primary_address));
            } else if *servers == Target::Parent {
                let operator = world.operator(PARENT);
                found.extend(operator.map(|index| world.operators[index].primary_address));
            }
            found
        }
    }
}
