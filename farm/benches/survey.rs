//! How fast children are surveyed: one NSD with 2,000 signed children on two addresses, in four kinds,
//! beside what dnsperf gets out of the same server in the same run.
//!
//! `cargo bench -p counterpoint-farm --bench survey [-- ROUNDS]`. Rates and caps are off here, and only
//! here. Every round starts with an empty memo of signatures. Needs nsd and dnsperf.

#![allow(clippy::disallowed_methods, reason = "a bench measures real time")]

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    io::Write as _,
    net::Ipv4Addr,
    num::NonZeroU32,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant, SystemTime},
};

use counterpoint_dns::{
    name::{Name, parse_name},
    time::Timestamp,
};
use counterpoint_farm::{Farm, OperatorPlan, Plan, Software, State};
use counterpoint_scanner::{
    Config, Finding, Outcome, Subject, Survey,
    config::Depth,
    crew::{self, Orders, Tally, Work},
};

const CHILDREN: usize = 2_000;
const ROUNDS: usize = 5;
const UNDER_WAY_MAX: usize = 256;

mod kit;
use kit::subject;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// One kind of children: what they publish, how they are surveyed, what must be found.
struct Kind {
    name: &'static str,
    depth: Depth,
    /// At most so many questions a child; 0 for any number.
    questions_max: f64,
    /// At least so many children a second.
    rate_min: f64,
    states: fn(usize) -> State,
}

const KINDS: [Kind; 4] = [
    Kind {
        name: "full check",
        depth: Depth::Signals,
        questions_max: 0.0,
        rate_min: 1_500.0,
        states: |_| State::Everything,
    },
    Kind {
        name: "quiet",
        depth: Depth::Glance,
        questions_max: 1.3,
        rate_min: 8_000.0,
        states: |number| match number % 2 {
            0 => State::Quiet,
            _ => State::QuietNsec3,
        },
    },
    Kind {
        name: "unchanged",
        depth: Depth::Glance,
        questions_max: 2.3,
        rate_min: 0.0,
        states: |_| State::Unchanged,
    },
    Kind {
        name: "90/10",
        depth: Depth::Glance,
        questions_max: 0.0,
        rate_min: 0.0,
        states: |number| match number % 20 {
            0 => State::Unchanged,
            10 if number % 40 == 10 => State::CsyncOnly,
            10 => State::CsyncChange,
            odd if odd % 2 == 1 => State::QuietNsec3,
            _ => State::Quiet,
        },
    },
];

fn main() -> Result<()> {
    let mut words = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'));
    let rounds = words.next().map_or(Ok(ROUNDS), |word| word.parse())?;
    let only = words.next();
    for kind in &KINDS {
        if only
            .as_ref()
            .is_none_or(|only| kind.name.contains(only.as_str()))
        {
            measure(kind, rounds)?;
        }
    }
    Ok(())
}

fn measure(kind: &Kind, rounds: usize) -> Result<()> {
    let now = Timestamp::default() + SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let plan = Plan {
        parent: parse_name("farm.")?,
        operators: vec![OperatorPlan {
            label: "nsd".into(),
            software: Software::Nsd,
            processes: 1,
            addresses: 2,
            children: (0..CHILDREN).map(kind.states).collect(),
        }],
        seed: 1,
        now,
    };
    let farm = Farm::open(&plan)?;
    let subjects: Vec<Subject> = farm
        .children
        .iter()
        .map(|child| subject(&farm, child))
        .collect();
    println!("{}: {} children", kind.name, subjects.len());
    let mut rates = Vec::new();
    for round in 0..rounds {
        let round = survey(kind, &farm, &subjects, round)?;
        rates.push((round.children, round.questions));
    }
    rates.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (children, questions) = rates[rates.len() / 2];
    let reference = dnsperf(&farm)?;
    println!(
        "  median {children:.0} children/s, {questions:.0} questions/s; dnsperf {reference:.0} \
         questions/s; ratio {:.2}",
        questions / reference
    );
    if children < kind.rate_min {
        println!("  BELOW the bar of {:.0} children/s", kind.rate_min);
    }
    Ok(())
}

/// Per second.
struct Round {
    children: f64,
    questions: f64,
}

fn survey(kind: &Kind, farm: &Farm, subjects: &[Subject], round: usize) -> Result<Round> {
    let mut config = Config::new(
        farm.parent.zone.clone(),
        farm.parent_address(),
        Timestamp::MAX,
    );
    config.depth = kind.depth;
    let hands = std::thread::available_parallelism().map_or(1, usize::from);
    let mut orders = Orders {
        hands: NonZeroU32::new(u32::try_from(hands)?).ok_or("no core")?,
        under_way_max: UNDER_WAY_MAX,
        options: Default::default(),
    };
    orders.options.routes = farm.routes();
    let states = farm
        .children
        .iter()
        .map(|child| (&child.name, child.state))
        .collect();
    let wrong = AtomicUsize::new(0);
    let (started, own_before, server_before) = (Instant::now(), own_cpu()?, server_cpu(farm)?);
    let count = subjects.len();
    let mut subjects = subjects.iter().cloned();
    let check = |finding: Finding| {
        if !is_right(&states, &finding) {
            wrong.fetch_add(1, Ordering::Relaxed);
        }
    };
    let Tally {
        children,
        questions,
    } = crew::survey(
        &orders,
        || Work::of(subjects.next()),
        |stream| Survey::new(config.clone(), stream),
        check,
    )?;
    let took = started.elapsed();
    let (own, server) = (own_cpu()? - own_before, server_cpu(farm)? - server_before);
    let (children, questions) = (children as f64, questions as f64);
    println!(
        "  round {round}: {:.3} s, {:.0} children/s, {:.2} questions a child; CPU a child: own {:.0} µs, \
         server {:.0} µs",
        took.as_secs_f64(),
        children / took.as_secs_f64(),
        questions / children,
        own.as_secs_f64() * 1e6 / children,
        server.as_secs_f64() * 1e6 / children,
    );
    assert_eq!(children, count as f64, "nobody is forgotten");
    assert_eq!(
        wrong.into_inner(),
        0,
        "findings that are not what the child published"
    );
    assert!(
        kind.questions_max == 0.0 || questions / children <= kind.questions_max,
        "more than {} questions a child",
        kind.questions_max
    );
    Ok(Round {
        children: children / took.as_secs_f64(),
        questions: questions / took.as_secs_f64(),
    })
}

/// What a finding must say of a child in its state.
fn is_right(states: &BTreeMap<&Name, State>, finding: &Finding) -> bool {
    let child = finding.gathered.child();
    let told = |verdict: &Option<counterpoint_scanner::Verdict>| {
        verdict
            .as_ref()
            .map(|verdict| (verdict.outcome, verdict.reason))
    };
    let (ds, csync) = (told(&finding.ds), told(&finding.csync));
    let expected = match states.get(child) {
        Some(State::Everything) => [
            (Outcome::Accept, "CDS_ACCEPTED"),
            (Outcome::Noop, "CSYNC_STATUS_QUO"),
        ],
        Some(State::Quiet | State::QuietNsec3) => [
            (Outcome::Noop, "NOTHING_REQUESTED"),
            (Outcome::Noop, "CSYNC_ABSENT"),
        ],
        Some(State::Unchanged) => [
            (Outcome::Noop, "STATUS_QUO"),
            (Outcome::Noop, "CSYNC_ABSENT"),
        ],
        Some(State::CsyncOnly) => [
            (Outcome::Noop, "NOTHING_REQUESTED"),
            (Outcome::Noop, "CSYNC_STATUS_QUO"),
        ],
        Some(State::CsyncChange) => [
            (Outcome::Noop, "NOTHING_REQUESTED"),
            (Outcome::Accept, "CSYNC_ACCEPTED"),
        ],
        _ => return false,
    };
    let is_so = [ds, csync] == expected.map(Some);
    if !is_so {
        eprintln!(
            "{child}: {ds:?} {csync:?}\n{:?}\n{:?}",
            finding.ds, finding.csync
        );
    }
    is_so
}

/// Queries a second that dnsperf gets answered by the same server: CDS with DO, as a glance asks.
fn dnsperf(farm: &Farm) -> Result<f64> {
    let file = farm.folder().join("queries");
    let mut queries = fs::File::create(&file)?;
    for child in &farm.children {
        writeln!(queries, "{} CDS", child.name)?;
    }
    let address: Ipv4Addr = farm.operators[0].all_addresses()[0];
    let port = farm
        .routes()
        .values()
        .next()
        .map_or(53, |route| route.port());
    let output = Command::new("dnsperf")
        .args([
            "-s",
            &address.to_string(),
            "-p",
            &port.to_string(),
            "-D",
            "-l",
            "5",
            "-c",
            "8",
        ])
        .arg("-d")
        .arg(&file)
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let line = text
        .lines()
        .find(|line| line.contains("Queries per second"));
    let figure = line.and_then(|line| line.split_whitespace().last());
    Ok(figure.ok_or("dnsperf told no figure")?.parse()?)
}

/// CPU time of this process so far.
fn own_cpu() -> Result<Duration> {
    cpu("self")
}

/// CPU time so far of the servers and of the processes that they made.
fn server_cpu(farm: &Farm) -> Result<Duration> {
    let mut sum = Duration::ZERO;
    let mut left = farm.processes();
    while let Some(id) = left.pop() {
        sum += cpu(&id.to_string())?;
        let made = fs::read_to_string(format!("/proc/{id}/task/{id}/children"))?;
        for id in made.split_whitespace() {
            left.push(id.parse()?);
        }
    }
    Ok(sum)
}

fn cpu(process: &str) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // After the name in brackets; fields 14 and 15 of proc(5), in hundredths of a second.
    let rest = stat.rsplit(')').next().ok_or("no stat")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok(Duration::from_millis(ticks * 10))
}
