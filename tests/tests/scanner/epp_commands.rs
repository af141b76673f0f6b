//! Changes by EPP, without the tool: documents that their schemas accept, the commands of a change, a
//! registry that carries them out, and answers that are none.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::IpAddr,
    path::Path,
    process::Command as Process,
};

use counterpoint_dns::{
    key::{Algorithm, DIGEST_SHA256, Dnskey, SECURE_ENTRY_POINT, SigningKey, ZONE_KEY},
    name::RecordType,
    rdata::{Ds, Rdata},
    rrset::RrSet,
};
use counterpoint_farm::software::is_able;
use counterpoint_scanner::{
    apply::Sent,
    epp::{
        answer::{answer, greeting},
        client::{self, Connection, Papers},
        command::{self, Command, Removed, Secured},
        delegated::{Delegated, Interface, Unfit},
        series::carry_out,
        session::Session,
    },
    verdict::{Change, Replacement},
};
use counterpoint_tests::registry::{Domain, Instead, PASSWORD, Registry, Store, USER};

use crate::kit::name;

const CHILD: &str = "one.test.";

/// What `xmllint` has against a document.
pub fn complaints(document: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("command.xml");
    fs::write(&file, document).unwrap();
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/epp/epp.xsd");
    let checked = Process::new("xmllint")
        .args(["--noout", "--nonet", "--schema"])
        .args([&schema, &file])
        .output()
        .unwrap();
    match checked.status.success() {
        true => String::new(),
        false => String::from_utf8(checked.stderr).unwrap() + document,
    }
}

fn key(seed: u8) -> Dnskey {
    let flags = ZONE_KEY | SECURE_ENTRY_POINT;
    let key = SigningKey::from_seed(Algorithm::EcdsaP256Sha256, flags, [seed; 32]);
    key.public().clone()
}

fn ds(seed: u8) -> Ds {
    key(seed).ds(&name(CHILD), DIGEST_SHA256).unwrap()
}

fn ds_change(seen: &[u8], wanted: &[u8], ttl: u32) -> Change {
    let set = |seeds: &[u8], ttl| {
        let data = seeds.iter().map(|seed| ds(*seed).to_rdata());
        RrSet::new(name(CHILD), RecordType::DS, ttl, data)
    };
    let seen = (!seen.is_empty()).then(|| set(seen, 3_600));
    Change {
        child: name(CHILD),
        sets: vec![Replacement::of(seen.as_ref(), set(wanted, ttl))],
    }
}

/// `(host, addresses)` of a delegation, as RRsets.
fn ns_change(seen: &[(&str, &[&str])], wanted: &[(&str, &[&str])]) -> Change {
    let ns = |hosts: &[(&str, &[&str])]| {
        let hosts = hosts.iter().map(|(host, _)| Rdata::name(&name(host)));
        RrSet::new(name(CHILD), RecordType::NS, 3_600, hosts)
    };
    let glue = |hosts: &[(&str, &[&str])]| {
        let mut sets: BTreeMap<(String, RecordType), RrSet> = BTreeMap::new();
        for (host, addresses) in hosts {
            for address in *addresses {
                let address: IpAddr = address.parse().unwrap();
                let rtype = if address.is_ipv4() {
                    RecordType::A
                } else {
                    RecordType::AAAA
                };
                let set = RrSet::new(name(host), rtype, 3_600, []);
                let set = sets.entry((host.to_string(), rtype)).or_insert(set);
                set.data.insert(Rdata::address(address));
            }
        }
        sets
    };
    let (before, after) = (glue(seen), glue(wanted));
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).cloned().collect();
    let sets = keys.into_iter().map(|(host, rtype)| {
        let at = (host.clone(), rtype);
        let nothing = RrSet::new(name(&host), rtype, 3_600, []);
        let wanted = after.get(&at).cloned().unwrap_or(nothing);
        Replacement::of(before.get(&at), wanted)
    });
    let first = Replacement::of(Some(&ns(seen)), ns(wanted));
    Change {
        child: name(CHILD),
        sets: [first].into_iter().chain(sets).collect(),
    }
}

/// The commands of a change, as their titles; every document is valid, and the way back leads back.
fn titles(change: &Change, interface: Interface<'_>) -> Vec<String> {
    let mut seen = Delegated::seen_by(change);
    if interface != Interface::Ds {
        seen.secured = Secured::Keys([key(1)].into());
    }
    let wanted = seen.after(change, interface, true).unwrap();
    for (from, to) in [(&seen, &wanted), (&wanted, &seen)] {
        for command in from.commands(&name(CHILD), to) {
            assert_eq!(complaints(&command.document("CP-1")), "");
        }
    }
    assert_eq!(wanted.commands(&name(CHILD), &wanted), []);
    let commands = seen.commands(&name(CHILD), &wanted);
    commands.iter().map(Command::title).collect()
}

#[test]
fn every_command_is_as_its_schema_says() {
    if !is_able(&["xmllint"]) {
        return;
    }
    let commands = [
        Command::Login {
            user: USER.into(),
            password: PASSWORD.into(),
            extensions: vec![command::SEC_DNS, command::TTL],
        },
        Command::Logout,
        Command::Poll,
        Command::Acknowledge("12 & 3".into()),
        Command::DomainInfo(name(CHILD), true),
        Command::DomainInfo(name(CHILD), false),
        Command::HostInfo(name("ns1.one.test.")),
        Command::HostCreate(name("ns1.one.test."), BTreeSet::new()),
        Command::HostDelete(name("ns1.one.test.")),
    ];
    assert_eq!(complaints(&command::hello()), "");
    for command in commands {
        assert_eq!(complaints(&command.document("CP-1")), "");
        assert!(!command.title().contains(PASSWORD));
    }
    // That it can fail.
    let misordered = command::hello().replace("hello", "greeting");
    assert!(!complaints(&misordered).is_empty());
}

#[test]
fn a_change_is_as_few_commands_as_can_be_in_a_safe_order() {
    if !is_able(&["xmllint"]) {
        return;
    }
    let update = format!("domain:update {}", CHILD.trim_end_matches('.'));
    for (seen, wanted) in [
        (&[1][..], &[2][..]),
        (&[1], &[1, 2]),
        (&[1, 2], &[]),
        (&[], &[1]),
    ] {
        assert_eq!(
            titles(&ds_change(seen, wanted, 600), Interface::Ds),
            [&*update]
        );
    }
    let keys = [key(1), key(2)].into();
    let change = ds_change(&[1], &[2], 600);
    assert_eq!(titles(&change, Interface::Keys(&keys)), [&*update]);

    // One host of the child's own goes, one comes, one outside comes.
    let change = ns_change(
        &[
            ("ns1.one.test.", &["192.0.2.1"]),
            ("ns2.one.test.", &["192.0.2.2"]),
        ],
        &[
            ("ns1.one.test.", &["192.0.2.1", "2001:db8::1"]),
            ("ns3.one.test.", &["192.0.2.3"]),
            ("ns.example.net.", &[]),
        ],
    );
    let expected = [
        "host:create ns.example.net",
        "host:update ns1.one.test",
        "host:create ns3.one.test",
        &*update,
        "host:delete ns2.one.test",
    ];
    let mut found = titles(&change, Interface::Ds);
    assert_eq!(found.len(), expected.len(), "{found:?}");
    let domain = found.iter().position(|title| *title == update).unwrap();
    assert_eq!(
        found.split_off(domain),
        expected[3..],
        "what nobody needs goes last"
    );
    let before: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    assert_eq!(before, expected[..3].iter().copied().collect());
}

#[test]
fn what_goes_is_named_and_all_goes_only_where_nothing_stays() {
    let update = |change: &Change| {
        let seen = Delegated::seen_by(change);
        let wanted = seen.after(change, Interface::Ds, false).unwrap();
        match seen.commands(&name(CHILD), &wanted).pop() {
            Some(Command::DomainUpdate(update)) => update,
            other => panic!("{other:?}"),
        }
    };
    let roll = update(&ds_change(&[1, 3], &[2, 3], 600));
    let (old, new) = (Secured::Ds([ds(1)].into()), Secured::Ds([ds(2)].into()));
    assert_eq!(
        (roll.remove, roll.add),
        (Some(Removed::These(old)), Some(new))
    );
    assert!(roll.ttls.is_empty(), "this registry sets none");
    let gone = update(&ds_change(&[1, 3], &[], 600));
    assert_eq!((gone.remove, gone.add), (Some(Removed::All), None));
}

#[test]
fn the_two_kinds_never_meet_and_a_key_that_nobody_shows_is_not_made_up() {
    let change = ds_change(&[1], &[2], 600);
    let mut seen = Delegated::seen_by(&change);
    let keys = [key(1), key(2)].into();
    let refused = seen.after(&change, Interface::Keys(&keys), false);
    assert_eq!(refused, Err(Unfit::OtherInterface));
    seen.secured = Secured::Keys([key(1)].into());
    let refused = seen.after(&change, Interface::Ds, false);
    assert_eq!(refused, Err(Unfit::OtherInterface));
    let few = [key(3)].into();
    let refused = seen.after(&change, Interface::Keys(&few), false);
    assert_eq!(refused, Err(Unfit::NoKey(ds(2).tag)));
}

#[test]
fn answers_that_are_none_are_errors() {
    let epp =
        |inside: &str| format!("<epp xmlns=\"urn:ietf:params:xml:ns:epp-1.0\">{inside}</epp>");
    let deep = "<a>".repeat(100_000);
    let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbbbbbb\"><!ENTITY c \"&b;&b;&b;\">]><a>&c;</a>";
    let both = "<dsData><keyTag>1</keyTag><alg>13</alg><digestType>2</digestType><digest>00</digest>\
                </dsData><keyData><flags>257</flags><protocol>3</protocol><alg>13</alg>\
                <pubKey>AAAA</pubKey></keyData>";
    let info = |secured: &str| {
        epp(&format!(
            "<response><result code=\"1000\"/><resData>\
             <infData xmlns=\"urn:ietf:params:xml:ns:domain-1.0\"><name>one.test</name></infData>\
             </resData><extension><infData xmlns=\"urn:ietf:params:xml:ns:secDNS-1.1\">{secured}\
             </infData></extension></response>"
        ))
    };
    assert!(answer(&info("")).is_ok());
    for (document, why) in [
        (String::new(), ""),
        ("<epp/>".into(), "root"),
        (deep, "in one another"),
        (bomb.into(), ""),
        (epp(&"<b/>".repeat(30_000)), ""),
        (epp("<response/>"), "no result"),
        (epp("<response><result/></response>"), "no code"),
        (
            epp("<response><result code=\"70000\"/></response>"),
            "no code",
        ),
        (info(both), "beside"),
        (info("<dsData><keyTag>70000</keyTag></dsData>"), "keyTag"),
        (info("<keyData><pubKey>!</pubKey></keyData>"), "a key"),
    ] {
        let error = answer(&document).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert!(greeting(&document).is_err());
    }
}

/// A registry that has what a change has seen, and a session with it.
fn talk(change: &Change) -> (Registry, Session<Connection>) {
    let seen = Delegated::seen_by(change);
    let plain = command::plain;
    let mut store = Store::default();
    for (host, addresses) in &seen.hosts {
        let addresses = addresses.iter().map(ToString::to_string);
        store.hosts.insert(plain(host), addresses.collect());
    }
    let domain = Domain {
        ns: seen.ns.iter().map(plain).collect(),
        ..Domain::default()
    };
    store.domains.insert(plain(&name(CHILD)), domain);
    let registry = Registry::open(store).unwrap();
    let papers = Papers {
        authorities: Some(registry.certificate().into()),
        own: None,
    };
    let connection = client::connect(&registry.server(), &papers).unwrap();
    let session = Session::open(connection, "CP-test", USER, PASSWORD, false).unwrap();
    (registry, session)
}

/// One host goes, one gets another address, one comes, and one outside.
fn move_of_servers() -> Change {
    ns_change(
        &[
            ("ns1.one.test.", &["192.0.2.1"]),
            ("ns2.one.test.", &["192.0.2.2"]),
        ],
        &[
            ("ns1.one.test.", &["192.0.2.9", "2001:db8::1"]),
            ("ns3.one.test.", &["192.0.2.3"]),
            ("ns.example.net.", &[]),
        ],
    )
}

#[test]
fn a_move_of_servers_leads_there_and_back() {
    let change = move_of_servers();
    let (registry, mut session) = talk(&change);
    let seen = Delegated::seen_by(&change);
    let wanted = seen.after(&change, Interface::Ds, false).unwrap();
    let kept = |registry: &Registry| {
        let store = registry.store();
        (store.domains.clone(), store.hosts.clone())
    };
    let before = kept(&registry);
    let there = seen.commands(&name(CHILD), &wanted);
    assert_eq!(carry_out(&mut session, &there), Sent::Done);
    let (domains, hosts) = kept(&registry);
    let ns = ["ns.example.net", "ns1.one.test", "ns3.one.test"].map(String::from);
    assert_eq!(domains["one.test"].ns, ns.into());
    let addresses = ["192.0.2.9", "2001:db8::1"].map(String::from);
    assert_eq!(hosts["ns1.one.test"], addresses.into());
    assert!(!hosts.contains_key("ns2.one.test"));
    let back = wanted.commands(&name(CHILD), &seen);
    assert_eq!(carry_out(&mut session, &back), Sent::Done);
    assert_eq!(kept(&registry), before);
}

#[test]
fn what_came_before_a_domain_that_is_refused_is_taken_back() {
    let change = move_of_servers();
    let (registry, mut session) = talk(&change);
    let seen = Delegated::seen_by(&change);
    let wanted = seen.after(&change, Interface::Ds, false).unwrap();
    let before = registry.store().hosts.clone();
    registry.store().next_update = Some(Instead::Code(2306));
    let commands = seen.commands(&name(CHILD), &wanted);
    let sent = carry_out(&mut session, &commands);
    assert!(
        matches!(&sent, Sent::Refused(why) if why.contains("2306")),
        "{sent:?}"
    );
    assert!(
        registry
            .store()
            .commands
            .iter()
            .any(|sent| sent.contains("host:create"))
    );
    assert_eq!(registry.store().hosts, before);
}
