//! The operator's commands on real servers: 200 children on NSD, Knot and BIND in every state, below a
//! signed root, and a parent on BIND that takes updates and signs by itself. `audit` touches nothing;
//! after `plan` and `apply` the parent has what each child asked for by the rules, and everything else
//! of it is the same to the octet; Unbound agrees; and the way back leads back.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    io::Write as _,
    net::UdpSocket,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use counterpoint_dns::{
    driver::clock::Clock,
    message::{Question, Reply, ResponseCode, query},
    name::{Name, RecordType, parse_name},
    rdata::Rdata,
};
use counterpoint_farm::{
    After, Farm, OperatorPlan, Plan, Software, State,
    software::{TSIG_NAME, is_able},
    trial::desk,
};
use counterpoint_scanner::{
    Policy,
    cli::{self, Streams},
    plan::file,
};
use data_encoding::BASE64;
use serde_json::Value;

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

/// The desk of an operator in the farm's directory: policy, key, state, plans.
struct Office {
    folder: PathBuf,
    server_port: String,
}

impl Office {
    fn open(farm: &Farm) -> Self {
        Self {
            folder: desk(farm).unwrap(),
            server_port: farm.parent_address().port().to_string(),
        }
    }

    fn path(&self, file: &str) -> String {
        self.folder.join(file).display().to_string()
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.folder.join(file)).unwrap()
    }

    /// The names of its files.
    fn files(&self) -> BTreeSet<OsString> {
        let entries = fs::read_dir(&self.folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect()
    }

    /// A command of the tool, as its operator gives it: the exit code, and what it says.
    fn command(&self, words: &[&str]) -> (u8, Value) {
        let (policy, state) = (self.path("policy.toml"), self.path("state"));
        let more = [
            "--json",
            "--policy",
            &policy,
            "--server-port",
            &self.server_port,
        ];
        let state = match words {
            ["verify", ..] => vec![],
            _ => vec!["--state", &state],
        };
        let all = ["counterpoint-scanner"].iter().chain(words);
        let all = all.copied().chain(more).chain(state);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut streams = Streams {
            out: &mut out,
            err: &mut err,
            progress: false,
        };
        let code = cli::main(all.map(OsString::from), &mut streams);
        let said = serde_json::from_slice(&out);
        let said =
            said.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&err)));
        (code, said)
    }
}

/// Hands a script to `nsupdate`.
fn nsupdate(farm: &Farm, script: &str) {
    let secret = BASE64.encode(&farm.parent.tsig_secret());
    let mut child = Command::new("nsupdate")
        .args(["-y", &format!("hmac-sha256:{TSIG_NAME}:{secret}")])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let at = farm.parent_address();
    let mut input = child.stdin.take().unwrap();
    write!(input, "server {} {}\n{script}", at.ip(), at.port()).unwrap();
    drop(input);
    assert!(child.wait().unwrap().success());
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
    for child in &farm.children {
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

/// Where two zones differ, for people.
fn differences(found: &Records, expected: &Records) -> Vec<String> {
    let all: BTreeSet<_> = found.keys().chain(expected.keys()).collect();
    let different = all
        .into_iter()
        .filter(|at| found.get(at) != expected.get(at));
    different
        .map(|at| {
            format!(
                "{at:?} is {:?} and should be {:?}",
                found.get(at),
                expected.get(at)
            )
        })
        .collect()
}

#[test]
fn the_parent_gets_what_its_children_ask_for_and_nothing_else_changes() {
    if !is_able(&[
        "nsd", "knotd", "named", "unbound", "dig", "nsupdate", "setpriv", "ip",
    ]) {
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

    farm.start_root().unwrap();
    let office = Office::open(&farm);

    // The root and the trust anchor of the policy, a good name and one that is broken.
    let (code, said) = office.command(&["verify"]);
    assert_eq!((code, &said["passed"]), (0, &true.into()), "{said}");

    let before = transfer(&farm);
    let files = office.files();
    let zone_file = farm.parent_file().display().to_string();
    let (code, audit) = office.command(&["audit", "--zone-file", &zone_file]);
    assert_eq!(code, 0, "{audit}");
    for check in audit["self_test"].as_array().unwrap() {
        assert_eq!(check["passed"], true, "{check}");
    }
    assert_eq!(office.files(), files, "an audit writes nothing");

    // Without a source the policy's primary is one: this is a transfer.
    let (code, said) = office.command(&["plan", "--out", &office.path("out")]);
    let brakes = said["brakes"].as_array().unwrap();
    let brakes: BTreeSet<&str> = brakes
        .iter()
        .map(|held| held["brake"].as_str().unwrap())
        .collect();
    assert_eq!(code, 1, "{said}");
    assert_eq!(
        Vec::from_iter(brakes.clone()),
        ["changes", "deletes", "ns", "operator"],
        "half of the children would change"
    );
    let plan = file::read(&office.read("out/plan.toml")).unwrap();
    let counts = audit["counts"].as_array().unwrap().iter();
    let would_change = counts.filter(|count| count["outcome"] == "accept");
    let would_change: u64 = would_change
        .map(|count| count["count"].as_u64().unwrap())
        .sum();
    assert_eq!(would_change, plan.changes.len() as u64, "{audit}");

    let file = office.path("out/plan.toml");
    let (code, said) = office.command(&["apply", &file]);
    assert_eq!(code, 1, "{said}");
    assert_eq!(
        differences(&transfer(&farm), &before),
        [""; 0],
        "nothing yet"
    );

    let released = brakes.iter().flat_map(|brake| ["--release", brake]);
    let words: Vec<&str> = ["apply", &file].into_iter().chain(released).collect();
    let (code, said) = office.command(&words);
    assert_eq!(code, 0, "{said}");
    let after = transfer(&farm);
    let expected = expected(&farm, &before);
    assert_eq!(differences(&after, &expected), [""; 0]);
    let touched = plan
        .changes
        .values()
        .flat_map(|planned| planned.change.changed());
    let touched = touched.map(|set| (set.name.to_string(), set.rtype.to_string()));
    let touched: BTreeSet<(String, String)> = touched.collect();
    let changed = before.keys().chain(after.keys());
    let changed = changed.filter(|at| before.get(*at) != after.get(*at));
    assert_eq!(
        touched,
        changed.cloned().collect(),
        "what was planned and nothing else"
    );

    let _resolver = farm.start_resolver().unwrap();
    for child in &farm.children {
        let is_signed = match child.state {
            State::Signalled => true,
            State::Delete => false,
            state => state.is_secure(),
        };
        let right = match child.state {
            State::Expired => (ResponseCode::ServFail, false),
            _ => (ResponseCode::NoError, is_signed),
        };
        assert_eq!(resolve(&farm, &child.name), right, "{}", child.name);
    }

    nsupdate(&farm, &office.read("out/plan.toml.rollback.nsupdate"));
    let back = transfer(&farm);
    assert_eq!(differences(&back, &before), [""; 0], "the way back");
    // That the comparison can fail.
    assert!(differences(&back, &expected).len() >= plan.changes.len());
    println!(
        "{} children, {} changes, {} RRsets",
        farm.children.len(),
        plan.changes.len(),
        touched.len()
    );
}
