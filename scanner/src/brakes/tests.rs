//! Each brake by itself: just within its limit, and just beyond.

use super::*;
use crate::{
    plan::{Basis, Kind},
    verdict::Change,
};
use counterpoint_dns::{rdata::Rdata, time::Timestamp};

fn name(text: &str) -> Name {
    parse_name(text).unwrap()
}

/// One change of this kind, of a child at this operator.
fn planned(number: u64, kind: Kind, operator: &str) -> (Name, Planned) {
    let child = name(&format!("child-{number}.test."));
    let set = |rtype, data: &[Rdata]| RrSet::new(child.clone(), rtype, 60, data.iter().cloned());
    let ds = |octet: u8| Rdata::from_octets([0, octet, 13, 2, octet]);
    let ns = |host: &str| Rdata::name(&name(&format!("{host}.{operator}")));
    let seen_ns = set(RecordType::NS, &[ns("ns1"), ns("ns2")]);
    let seen_ds = set(RecordType::DS, &[ds(1)]);
    let mut sets = vec![match kind {
        Kind::Ns => Replacement::of(Some(&seen_ns), set(RecordType::NS, &[ns("ns3")])),
        _ => Replacement::keep(&seen_ns),
    }];
    match kind {
        Kind::DsDelete => sets.push(Replacement::of(Some(&seen_ds), set(RecordType::DS, &[]))),
        Kind::DsUpdate => sets.push(Replacement::of(
            Some(&seen_ds),
            set(RecordType::DS, &[ds(2)]),
        )),
        Kind::DsBootstrap => sets.push(Replacement::of(None, set(RecordType::DS, &[ds(2)]))),
        Kind::Ns | Kind::Glue => {}
    }
    let planned = Planned {
        rule: "K-02".into(),
        reason: "CDS_ACCEPTED".into(),
        evidence: Vec::new(),
        change: Change {
            child: child.clone(),
            sets,
        },
    };
    (child, planned)
}

fn plan(changes: impl IntoIterator<Item = (Name, Planned)>) -> Plan {
    Plan {
        zone: name("test."),
        created: Timestamp::from_seconds(0),
        expires: Timestamp::from_seconds(1),
        basis: Basis {
            source: String::new(),
            serial: None,
            delegations: 0,
            policy: String::new(),
            resolver: String::new(),
        },
        changes: changes.into_iter().collect(),
    }
}

fn changes(count: u64, kind: Kind) -> Plan {
    plan((0..count).map(|number| planned(number, kind, "operator.example.")))
}

fn counts(delegations: u64) -> Counts {
    Counts {
        delegations,
        // So many that their share is not the limit.
        zones_of_operator: [(name("operator.example."), 1_000_000)].into(),
        ..Counts::default()
    }
}

fn policy(brakes: Brakes) -> Policy {
    Policy {
        brakes,
        ..Policy::default()
    }
}

fn held(plan: &Plan, policy: &Policy, counts: &Counts) -> Vec<&'static str> {
    let held = brakes(plan, policy, counts);
    for braked in &held {
        assert!(!braked.what.is_empty() && !braked.remedy.is_empty());
        assert!(BRAKES.contains(&braked.brake));
        let releases = braked
            .remedy
            .contains(&format!("--release {}", braked.brake));
        assert_ne!(releases, FIXED.contains(&braked.brake), "{}", braked.remedy);
    }
    held.into_iter().map(|braked| braked.brake).collect()
}

#[test]
fn numbers_of_changes_absolute_and_by_share() {
    let limits = policy(Brakes {
        changes_max: 30,
        changes_per_mille: 20,
        deletes_max: 20,
        deletes_per_mille: 10,
        ns_max: 12,
        ns_per_mille: 10,
        operator_per_mille: 1_000_000,
        share_from: 5,
        ..Brakes::default()
    });
    for (kind, delegations, allowed, brake) in [
        // The absolute limit of all changes, their share, and what a small zone may always have.
        (Kind::DsUpdate, 1_000_000, 30, "changes"),
        (Kind::DsBootstrap, 1_000, 20, "changes"),
        (Kind::DsUpdate, 10, 5, "changes"),
        (Kind::DsDelete, 1_000_000, 20, "deletes"),
        (Kind::DsDelete, 1_500, 15, "deletes"),
        (Kind::Ns, 1_000_000, 12, "ns"),
        (Kind::Ns, 1_100, 11, "ns"),
    ] {
        let counts = counts(delegations);
        let nothing: [&str; 0] = [];
        assert_eq!(
            held(&changes(allowed, kind), &limits, &counts),
            nothing,
            "{kind:?}"
        );
        let beyond = held(&changes(allowed + 1, kind), &limits, &counts);
        assert_eq!(beyond, [brake], "{kind:?} {delegations}");
    }
}

#[test]
fn one_operators_share() {
    let limits = policy(Brakes::default());
    for (changed, zones, expected) in [
        (11, 55, vec![]),
        (11, 54, vec!["operator"]),
        (10, 20, vec![]),
        (11, 0, vec!["operator"]),
    ] {
        let mut counts = counts(1_000_000);
        counts
            .zones_of_operator
            .insert(name("operator.example."), zones);
        counts.zones_of_operator.insert(name("other.example."), 1);
        let plan = changes(changed, Kind::DsUpdate);
        assert_eq!(
            held(&plan, &limits, &counts),
            expected,
            "{changed} of {zones}"
        );
    }
}

#[test]
fn an_input_that_shrank() {
    let limits = policy(Brakes::default());
    for (now, before, expected) in [
        (95, Some(100), vec![]),
        (94, Some(100), vec!["shrunk-input"]),
        (0, Some(100), vec!["shrunk-input"]),
        (200, Some(100), vec![]),
        (0, None, vec![]),
    ] {
        let counts = Counts {
            delegations_before: before,
            ..counts(now)
        };
        assert_eq!(
            held(&plan([]), &limits, &counts),
            expected,
            "{now} {before:?}"
        );
    }
}

#[test]
fn protected_names_and_the_kill_file() {
    let limits = Policy {
        protected: ["CHILD-0.test".into(), "unchanged.test.".into()].into(),
        ..Policy::default()
    };
    let one = changes(1, Kind::DsUpdate);
    assert_eq!(held(&one, &limits, &counts(100)), ["protected"]);
    let other = plan([planned(1, Kind::DsUpdate, "operator.example.")]);
    assert_eq!(held(&other, &limits, &counts(100)), [""; 0]);
    let killed = Counts {
        kill_file: Some("/run/stop".into()),
        ..counts(100)
    };
    assert_eq!(held(&other, &limits, &killed), ["kill-file"]);
}

#[test]
fn half_an_operators_children_asking_for_removal_is_held_back() {
    let mut counts = counts(10_000);
    counts
        .zones_of_operator
        .insert(name("operator.example."), 400);
    let mass = changes(200, Kind::DsDelete);
    assert_eq!(
        held(&mass, &Policy::default(), &counts),
        ["deletes", "operator"]
    );
}
