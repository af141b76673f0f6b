//! The farm's children as subjects of a survey.

use std::collections::{BTreeMap, BTreeSet};

use counterpoint_dns::{
    name::{Name, RecordType},
    rrset::RrSet,
};
use counterpoint_farm::{Child, Farm};
use counterpoint_scanner::{ChildState, Facts, Subject, delegation::Delegation};

/// A child as its parent knows it, surveyed for the first time.
pub fn subject(farm: &Farm, child: &Child) -> Subject {
    let sets = child.delegation();
    let operator = &farm.operators[child.operator];
    let of = |rtype| sets.iter().find(|set| set.rtype == rtype).cloned();
    let ns = of(RecordType::NS).unwrap();
    let hosts: BTreeSet<Name> = ns.data.iter().filter_map(|data| data.as_name()).collect();
    let theirs = operator.delegation();
    let is_glue = |set: &&RrSet| {
        matches!(set.rtype, RecordType::A | RecordType::AAAA) && hosts.contains(&set.name)
    };
    let glue = sets.iter().chain(&theirs).filter(is_glue);
    let glue: BTreeMap<_, _> = glue
        .map(|set| ((set.name.clone(), set.rtype), set.clone()))
        .collect();
    Subject {
        delegation: Delegation {
            child: child.name.clone(),
            ds: of(RecordType::DS),
            shared: theirs.iter().map(|set| set.name.clone()).collect(),
            ns,
            glue,
        },
        state: ChildState::default(),
        facts: Facts::default(),
        report_to: None,
        given_up: BTreeSet::new(),
    }
}
