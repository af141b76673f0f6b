//! A survey of real servers, carried to a real parent: 200 children on NSD, Knot and BIND in every
//! state, a parent on BIND that takes updates and signs by itself. Afterwards the parent has what each
//! child asked for by the rules, and everything else of it is the same to the octet; Unbound agrees.

mod kit;

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream, UdpSocket},
    num::NonZeroU32,
    process::Command,
    time::Duration,
};

use counterpoint_dns::{
    driver::clock::Clock,
    message::{Question, Reply, ResponseCode, query},
    name::{Name, RecordType, parse_name},
    rdata::Rdata,
    time::Timestamp,
    tsig::TsigKey,
};
use counterpoint_farm::{
    After, Farm, OperatorPlan, Plan, Software, State, parent::TSIG_NAME, software::missing,
};
use counterpoint_scanner::{
    Config, Finding, Outcome, Policy, Survey,
    apply::{Applied, UpdateRequest, update},
    crew::{self, Orders},
};
use data_encoding::BASE64;

/// How many children there are at least.
const CHILDREN: usize = 200;

/// A record of the parent's, as text: owner, type, TTL and data.
type Records = BTreeMap<(String, String), BTreeSet<String>>;

/// The whole zone as its server transfers it, but for what every change moves: SOA, RRSIG, NSEC.
fn transfer(farm: &Farm) -> Records {
    let secret = BASE64.encode(&farm.parent.tsig_secret());
    let output = Command::new("dig")
        .arg(format!("@{}", farm.parent_address().ip()))
        .args(["-p", &farm.parent_address().port().to_string()])
        .args(["-y", &format!("hmac-sha256:{TSIG_NAME}:{secret}")])
        .args(["+onesoa", "+nocomments", "+nocmd", "+nostats", "+nosplit"])
        .args([&farm.parent.zone.to_string(), "AXFR"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut records = Records::new();
    for line in text
        .lines()
        .filter(|line| !line.starts_with(';') && !line.is_empty())
    {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [owner, ttl, _, rtype, data @ ..] = words.as_slice() else {
            panic!("not a record: {line}");
        };
        if !matches!(*rtype, "SOA" | "RRSIG" | "NSEC" | "TSIG" | "TYPE65534") {
            let at = (owner.to_lowercase(), rtype.to_string());
            let data = format!("{ttl} {}", data.join(" ").to_lowercase());
            records.entry(at).or_default().insert(data);
        }
    }
    assert!(records.len() > CHILDREN, "{text}");
    records
}

fn survey(farm: &Farm) -> Vec<Finding> {
    let mut config = Config::new(
        farm.parent.zone.clone(),
        farm.parent_address(),
        Timestamp::MAX,
    );
    config.thorough = false;
    let mut orders = Orders {
        hands: NonZeroU32::new(2).unwrap(),
        under_way_max: 100,
        options: Default::default(),
    };
    orders.options.routes = farm.routes();
    let subjects = farm.children.iter().map(|child| kit::subject(farm, child));
    // without a DS RRset ordinary validation says nothing.
    let secure = subjects.filter(|subject| subject.delegation.ds.is_some());
    let mut findings = Vec::new();
    crew::survey(
        &orders,
        secure,
        |stream| Survey::new(config.clone(), stream),
        |finding| findings.push(finding),
    )
    .unwrap();
    findings
}

/// Makes every accepted change; each must be done.
fn apply(farm: &Farm, findings: &[Finding]) {
    let name = parse_name(TSIG_NAME).unwrap();
    let key = TsigKey::hmac_sha256(name, &farm.parent.tsig_secret());
    for finding in findings {
        for verdict in finding.ds.iter().chain(&finding.csync) {
            let Some(change) = &verdict.change else {
                continue;
            };
            let update = update(&farm.parent.zone, change);
            let (request, octets) = UpdateRequest::new(7, &update, Some(&key), Clock.now());
            let answer = over_tcp(farm.parent_address(), &octets);
            let applied = request.read(&answer, Some(&key), Clock.now());
            assert_eq!(applied, Some(Applied::Done), "{change}");
        }
    }
}

fn over_tcp(to: SocketAddr, octets: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(to).unwrap();
    stream
        .write_all(&(octets.len() as u16).to_be_bytes())
        .unwrap();
    stream.write_all(octets).unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut answer = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut answer).unwrap();
    answer
}

/// What the resolver makes of a child's own data: the RCODE, and whether it vouches for them.
fn resolve(farm: &Farm, name: &Name) -> (ResponseCode, bool) {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let mut request = query(1, &Question::new(name.clone(), RecordType::TXT));
    // RD set, CD clear: the resolver is to validate.
    request[2] |= 1;
    request[3] &= !0x10;
    socket.send_to(&request, farm.resolver_address()).unwrap();
    let mut octets = [0; 4_096];
    let length = socket.recv(&mut octets).unwrap();
    let is_vouched_for = octets[3] & 0x20 != 0;
    (
        Reply::parse(&octets[..length]).unwrap().rcode,
        is_vouched_for,
    )
}

fn data_text(rtype: RecordType, ttl: u32, data: &BTreeSet<Rdata>) -> BTreeSet<String> {
    let text = |data: &Rdata| format!("{ttl} {}", data.present(rtype).to_lowercase());
    data.iter().map(text).collect()
}

/// What the parent must have now, from what it had.
fn expected(farm: &Farm, before: &Records) -> Records {
    let mut records = before.clone();
    // D-04: a changed DS RRset is short-lived at first.
    let ds_ttl = Policy::default().ds.ttl_after_change.as_secs() as u32;
    for child in farm.children.iter().filter(|child| child.state.is_secure()) {
        let child_name = child.name.to_string();
        match child.after() {
            After::Same => {}
            After::Ds(data) => {
                let at = (child_name, "DS".to_string());
                records.remove(&at);
                if !data.is_empty() {
                    records.insert(at, data_text(RecordType::DS, ds_ttl, &data));
                }
            }
            After::Delegation(sets) => {
                let suffix = format!(".{child_name}");
                records.retain(|(owner, rtype), _| {
                    !(*owner == child_name && rtype == "NS" || owner.ends_with(&suffix))
                });
                for set in sets {
                    let at = (set.name.to_string(), set.rtype.to_string());
                    records.insert(at, data_text(set.rtype, 3_600, &set.data));
                }
            }
        }
    }
    records
}

#[test]
fn the_parent_gets_what_its_children_ask_for_and_nothing_else_changes() {
    let absent = missing(&["nsd", "knotd", "named", "unbound", "dig", "setpriv", "ip"]);
    if !absent.is_empty() {
        assert!(env::var_os("CI").is_none(), "not installed: {absent:?}");
        eprintln!("SKIPPED: not installed: {absent:?}");
        return;
    }
    let pair = |software: Software| {
        let states = software.states();
        let share = CHILDREN.div_ceil(Software::ALL.len());
        let children = states.iter().copied().cycle().take(share).collect();
        OperatorPlan::pair(software.program(), software, children)
    };
    let mut farm = Farm::open(&Plan {
        parent: parse_name("farm.").unwrap(),
        operators: Software::ALL.map(pair).to_vec(),
        seed: 1,
        now: Clock.now(),
    })
    .unwrap();
    farm.start_parent().unwrap();
    assert!(farm.children.len() >= CHILDREN);

    let before = transfer(&farm);
    let findings = survey(&farm);
    let secure = farm.children.iter().filter(|child| child.state.is_secure());
    assert_eq!(findings.len(), secure.count());
    apply(&farm, &findings);
    let after = transfer(&farm);
    let expected = expected(&farm, &before);
    for (at, data) in &expected {
        assert_eq!(
            after.get(at),
            Some(data),
            "{at:?}, before {:?}",
            before.get(at)
        );
    }
    for at in after.keys() {
        assert!(expected.contains_key(at), "{at:?} should not be there");
    }
    assert_ne!(before, after);

    let _resolver = farm.start_resolver().unwrap();
    for child in &farm.children {
        let is_signed = child.state.is_secure() && child.state != State::Delete;
        let right = match child.state {
            State::Expired => (ResponseCode::ServFail, false),
            _ => (ResponseCode::NoError, is_signed),
        };
        assert_eq!(resolve(&farm, &child.name), right, "{}", child.name);
    }

    let verdicts = findings
        .iter()
        .flat_map(|finding| finding.ds.iter().chain(&finding.csync));
    let accepted = verdicts.filter(|verdict| verdict.outcome == Outcome::Accept);
    println!(
        "{} children, {} changes",
        farm.children.len(),
        accepted.count()
    );
}
