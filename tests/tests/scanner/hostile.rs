//! Children that do their worst, each in its way, on a real server, asked by the real tool: it ends in
//! bounded time and memory, panics at none of them, has a reason for each, and the honest child among
//! them gets what it asks for.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    time::{Duration, Instant},
};

use counterpoint_dns::driver::clock::Clock;
use counterpoint_farm::{Hostile, ground::Ground, hostile::table::MISBEHAVIOURS};

use crate::kit::{name, scanner_measured};

/// How long one child may take; the policy of the test says so.
const CHILD_MAX: Duration = Duration::from_secs(20);
/// How long all of them may take together, who are asked at the same time.
const RUN_MAX: Duration = Duration::from_secs(30);
/// How much memory the tool may take, KiB.
const MEMORY_MAX: u64 = 128 << 10;

/// What becomes of each: the verdict on CDS, or on CSYNC where that is what it asks by.
const EXPECTED: [(&str, &str); 22] = [
    ("honest", "DS accept K-02 CDS_ACCEPTED"),
    ("garbage", "DS abort X-02 NO_RESPONSE"),
    ("half", "DS abort X-02 NO_RESPONSE"),
    ("loop", "DS abort X-02 NO_RESPONSE"),
    ("wrong-id", "DS abort X-02 NO_RESPONSE"),
    ("wrong-question", "DS abort X-02 NO_RESPONSE"),
    ("elsewhere", "DS abort X-02 NO_RESPONSE"),
    ("no-answer-bit", "DS abort X-02 NO_RESPONSE"),
    ("always-truncated", "DS abort X-02 NO_RESPONSE"),
    ("drips", "DS delay X-05 CHILD_OUT_OF_TIME"),
    ("hangs", "DS delay X-05 CHILD_OUT_OF_TIME"),
    ("floods", "DS abort X-02 NO_RESPONSE"),
    ("storm", "DS accept K-02 CDS_ACCEPTED"),
    ("fat", "DS abort X-07 CHILD_EXCESSIVE"),
    ("thousand-keys", "DS abort X-07 CHILD_EXCESSIVE"),
    ("thousand-signatures", "DS abort X-07 CHILD_EXCESSIVE"),
    ("key-tag-storm", "DS abort X-07 CHILD_EXCESSIVE"),
    ("small-storm", "DS abort M-01 PAIR_BROKEN"),
    ("thousand-cds", "DS abort X-07 CHILD_EXCESSIVE"),
    ("hundred-servers", "CSYNC abort X-07 CHILD_EXCESSIVE"),
    ("thousand-servers", "CSYNC abort X-07 CHILD_EXCESSIVE"),
    ("silent", "DS abort X-02 NO_RESPONSE"),
];

/// The scanner's policy: the hostile server is root as well, and refuses to be.
fn policy(servers: &[SocketAddr]) -> String {
    let all: Vec<String> = servers
        .iter()
        .map(|at| format!("\"{}\"", at.ip()))
        .collect();
    format!(
        "[resolver]\nroots = [{root}]\ntrust-anchor = [\"1 15 2 {digest}\"]\n\
         [self-test]\ngood = []\nbogus = []\n\
         [gathering]\nretry = []\nhands-max = 1\naddress-rate = 0\naddress-in-flight = 0\n\
         operator-rate = 0\noperator-in-flight = 0\nprivate-addresses = [{all}]\n\
         [bounds]\noctets-max = 250000\ntime-max = \"{seconds}s\"\n",
        root = all[0],
        all = all.join(", "),
        digest = "00".repeat(32),
        seconds = CHILD_MAX.as_secs(),
    )
}

#[test]
#[expect(clippy::disallowed_methods, reason = "bounded time is what is tested")]
fn whatever_children_do_the_tool_ends_in_time_and_has_a_reason() {
    let ground = Ground::take().unwrap();
    let hosts = (11..).take(MISBEHAVIOURS.len());
    let all: Vec<SocketAddr> = hosts
        .map(|host| (ground.address(host), ground.port()).into())
        .collect();
    let hostile = Hostile::open(&name("hostile."), &all, Clock.now()).unwrap();
    let file = |file: &str| ground.folder().join(file).display().to_string();
    fs::write(file("list"), hostile.delegations()).unwrap();
    fs::write(file("policy.toml"), policy(&all)).unwrap();
    let port = ground.port().to_string();
    let words = [
        "audit",
        "--json",
        "--list",
        &file("list"),
        "--zone",
        "hostile.",
        "--policy",
        &file("policy.toml"),
        "--state",
        &file("state"),
        "--server-port",
        &port,
        "--report",
        &file("report"),
    ];
    let began = Instant::now();
    let (code, said, peak) = scanner_measured(&words.map(String::from));
    let took = began.elapsed();
    assert_eq!(code, 0, "{said}");
    assert!(!said.contains("panicked"), "{said}");

    let verdicts = fs::read_to_string(file("report/verdicts.csv")).unwrap();
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let lines = verdicts.lines();
    let mut head = Vec::new();
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        if head.is_empty() {
            head = cells;
            continue;
        }
        let of = |column: &str| {
            let at = head.iter().position(|title| *title == column);
            at.map_or("", |at| cells[at])
        };
        let child = of("child").split('.').next().unwrap();
        let verdict = ["subject", "outcome", "rule", "reason"].map(of).join(" ");
        found.entry(child).or_default().push(verdict);
    }
    assert_eq!(
        EXPECTED.map(|(child, _)| child),
        MISBEHAVIOURS.map(|way| way.name)
    );
    let wrong: Vec<String> = EXPECTED
        .iter()
        .filter(|(child, expected)| {
            let found = found.get(child);
            !found.is_some_and(|found| found.iter().any(|verdict| verdict == expected))
        })
        .map(|(child, expected)| format!("{child}: {expected}, not {:?}", found.get(child)))
        .collect();
    assert!(wrong.is_empty(), "{}\n{verdicts}", wrong.join("\n"));

    println!("{} children, {took:?}, {peak} KiB", found.len());
    assert!(hostile.flooded() > 0, "it got rid of something");
    assert!(hostile.flooded() < 64 << 20, "{} octets", hostile.flooded());
    assert!(took < RUN_MAX, "{took:?}");
    assert!(peak < MEMORY_MAX, "{peak} KiB");
}
