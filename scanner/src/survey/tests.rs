use counterpoint_dns::{name::parse_name, rdata::Rdata, rrset::RrSet, stream::stream};

use super::*;

const START: Timestamp = Timestamp::from_seconds(1_000);

fn name(text: &str) -> Name {
    parse_name(text).unwrap()
}

/// A child with a nameserver of each of these names, each with an address of its own.
fn subject(child: &str, hosts: &[&str]) -> Subject {
    let hosts: Vec<Name> = hosts.iter().map(|host| name(host)).collect();
    let ns = RrSet::new(
        name(child),
        RecordType::NS,
        60,
        hosts.iter().map(Rdata::name),
    );
    let glue = hosts.iter().zip(1..).map(|(host, last)| {
        let address = Rdata::address([192, 88, 99, last].into());
        let set = RrSet::new(host.clone(), RecordType::A, 60, [address]);
        ((host.clone(), RecordType::A), set)
    });
    Subject {
        delegation: Delegation {
            child: name(child),
            ns,
            ds: None,
            glue: glue.collect(),
            shared: BTreeSet::new(),
        },
        state: ChildState::default(),
        facts: Facts::default(),
        report_to: None,
        given_up: BTreeSet::new(),
    }
}

fn asked_at_once(hosts: &[&str], limits: Limits) -> usize {
    let config = Config::new(name("test."), ([192, 88, 99, 9], 53).into(), START);
    let mut survey = Survey::new(config, stream(1, "survey")).paced(limits);
    survey.begin(subject("child.test.", hosts), START);
    std::iter::from_fn(|| survey.poll(START)).count()
}

#[test]
fn the_servers_of_one_operator_share_its_limit_whatever_their_addresses() {
    let limits = Limits {
        operator_in_flight: 1,
        ..Limits::default()
    };
    let (one, two) = (
        ["ns1.operator.test.", "NS2.Operator.test."],
        ["ns1.operator.test.", "ns1.other.test."],
    );
    assert_eq!(asked_at_once(&one, Limits::default()), 4);
    assert_eq!(asked_at_once(&one, limits.clone()), 1);
    assert_eq!(asked_at_once(&two, limits), 2);
}
