//! A world at some instant as DNSViz sees it: what its `probe` would have written, had it asked then.
//!
//! Every server of the chain from the root to the zone is asked over TCP; `dnsviz grok` and `graph` take the
//! answers as they take those of a probe, at the instant at which they were given.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use counterpoint_dns::{
    agent::Transport,
    message::{Question, query},
    name::{Name, RecordType, parse_name},
    rdata::Rdata,
};
use counterpoint_simnet::{operator::Instance, topology::Stage, world::World};
use data_encoding::BASE64;
use serde_json::{Map, Value, json};

use crate::{run::play, scenario::Scenario};

/// Who asks.
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// The name that no zone has.
const MISSING: &str = "does-not-exist";
/// The version of the format (`dnsviz.analysis.DNS_RAW_VERSION`).
const VERSION: f64 = 1.2;
/// What DNSViz calls the wait for nobody.
const TIMEOUT: &str = "TIMEOUT";
/// DO, as DNSViz writes the flags of EDNS.
const DO: u32 = 0x8000;
/// The octet of a query in which CD is.
const FLAGS_LOW: usize = 3;

/// Nameserver names of a zone, each with its addresses.
type Servers = BTreeMap<String, BTreeSet<IpAddr>>;

/// Plays `scenario` up to `instant` (none: its end), and asks for every judged zone.
pub fn at(scenario: &Scenario, instant: Option<Duration>) -> String {
    let scenario = Scenario {
        duration: instant.or(scenario.duration),
        ..scenario.clone()
    };
    let mut stage = play::play(&scenario).stage;
    let root = Name::root();
    let mut chain = vec![(root.clone(), None)];
    if !scenario.parent.zone.is_root() {
        chain.push((scenario.parent.zone.clone(), Some(root)));
    }
    let parent = &scenario.parent.zone;
    let zones = scenario.zones.iter();
    chain.extend(zones.map(|zone| (zone.name.clone(), Some(parent.clone()))));
    let (mut all, mut known) = (Map::new(), BTreeMap::<&Name, Servers>::new());
    for (zone, parent) in &chain {
        let own = servers(&stage, zone, parent.as_ref());
        let above = parent
            .as_ref()
            .and_then(|parent| Some((parent, known.get(parent)?)));
        all.insert(zone.to_string(), asked(&mut stage.world, zone, &own, above));
        known.insert(zone, own);
    }
    let names: Vec<String> = scenario
        .zones
        .iter()
        .map(|zone| zone.name.to_string())
        .collect();
    all.insert(
        "_meta._dnsviz.".into(),
        json!({ "version": VERSION, "names": names }),
    );
    Value::Object(all).to_string() + "\n"
}

/// The servers that the delegation names, and those that these name.
fn servers(stage: &Stage, zone: &Name, parent: Option<&Name>) -> Servers {
    let operators = &stage.world.operators;
    let all: Vec<(Name, &Instance)> = operators
        .iter()
        .flat_map(|owner| {
            let plan = stage.signer(&owner.name);
            let hosts = plan.map(|plan| plan.hosts(zone)).unwrap_or_default();
            let host = move |instance: &Instance| {
                let inside = hosts.get(instance.number).cloned();
                inside.unwrap_or_else(|| instance.host.clone())
            };
            owner
                .instances
                .iter()
                .map(move |instance| (host(instance), instance))
        })
        .collect();
    let names = |instance: &Instance, of: &Name| -> Vec<Name> {
        let served = instance
            .copy(of)
            .and_then(|version| version.get(zone, RecordType::NS));
        let data = served.into_iter().flat_map(|served| &served.set.data);
        data.filter_map(Rdata::as_name).collect()
    };
    let above = parent.unwrap_or(zone);
    let delegated: BTreeSet<Name> = all.iter().flat_map(|(_, one)| names(one, above)).collect();
    let reached = all.iter().filter(|(host, _)| delegated.contains(host));
    let mut named: BTreeSet<Name> = reached.flat_map(|(_, one)| names(one, zone)).collect();
    named.extend(delegated);
    let mut servers = Servers::new();
    for (host, instance) in all.iter().filter(|(host, _)| named.contains(host)) {
        servers
            .entry(host.to_string())
            .or_default()
            .insert(instance.address);
    }
    servers
}

/// One zone: its servers' answers, and what those of its parent say of it.
fn asked(world: &mut World, zone: &Name, own: &Servers, above: Option<(&Name, &Servers)>) -> Value {
    use RecordType as R;
    let time = world.now().to_string().replace('T', " ");
    let time = format!("{} UTC", time.split(['.', 'Z']).next().unwrap_or_default());
    let missing = parse_name(&match zone.is_root() {
        true => format!("{MISSING}."),
        false => format!("{MISSING}.{zone}"),
    });
    let mut queries = Vec::new();
    let mut ask = |world: &mut World, servers: &Servers, name: &Name, rtype: R| {
        queries.push(one(world, servers, name, rtype));
    };
    let mut told = json!({
        "type": "authoritative", "stub": false, "analysis_start": time, "analysis_end": time,
        "clients_ipv4": [CLIENT], "clients_ipv6": [], "explicit_delegation": above.is_none(),
        "auth_ns_ip_mapping": own,
    });
    if let Some((parent, servers)) = above {
        told["parent"] = json!(parent.to_string());
        told["referral_rdtype"] = json!("NS");
        told["auth_rdtype"] = json!("A");
        told["nxrrset_name"] = json!(zone.to_string());
        told["nxrrset_rdtype"] = json!("CNAME");
        for rtype in [R::NS, R::DS] {
            ask(world, servers, zone, rtype);
        }
        for rtype in [R::A, R::CNAME] {
            ask(world, own, zone, rtype);
        }
        if let Ok(missing) = &missing {
            told["nxdomain_name"] = json!(missing.to_string());
            told["nxdomain_rdtype"] = json!("A");
            ask(world, own, missing, R::A);
        }
    }
    for rtype in [R::NS, R::SOA, R::DNSKEY] {
        ask(world, own, zone, rtype);
    }
    told["queries"] = Value::Array(queries);
    told
}

/// One question to all of these servers.
fn one(world: &mut World, servers: &Servers, name: &Name, rtype: RecordType) -> Value {
    let mut request = query(0, &Question::new(name.clone(), rtype));
    // The servers do not validate: CD means nothing to them, and DNSViz does not set it.
    request[FLAGS_LOW] = 0;
    let mut responses = Map::new();
    for address in servers.values().flatten() {
        let from = SocketAddr::new(CLIENT, 0);
        let answer = world.serve_outsider(*address, from, Transport::Tcp, &request);
        let response = match answer {
            Some(answer) => json!({
                "message": BASE64.encode(&answer), "msg_size": answer.len(), "time_elapsed": 0, "history": [],
            }),
            None => json!({ "message": null, "error": TIMEOUT, "time_elapsed": 0, "history": [] }),
        };
        responses.insert(address.to_string(), json!({ CLIENT.to_string(): response }));
    }
    json!({
        "qname": name.to_string(), "qclass": "IN", "qtype": rtype.to_string(),
        "options": {
            "flags": 0, "edns_version": 0, "edns_max_udp_payload": 4096, "edns_flags": DO, "edns_options": [],
            "tcp": true,
        },
        "responses": responses,
    })
}
