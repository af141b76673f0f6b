//! Whole migrations, join then leave, over drawn TTLs, lags and delays: with all waits, and with each
//! wait cut alone.
//!
//! Owns the ranges of the draws and the table of cuts. What is safe, the oracle says.

mod model;

use std::time::Duration;

use counterpoint_dns::{
    name::{Name, RecordType, parse_name},
    stream::{Stream, stream},
};
use rand::RngExt as _;

use crate::{
    outcome::Outcome,
    pool,
    run::run,
    scenario::{
        ControllerSabotage::{self as Cut, *},
        Event, Profile, Range, Record, Safety, ScannerSabotage, Scenario, Signer, Ttl, Verdict,
        What, Zone,
    },
};

/// TTLs, seconds.
const TTLS: [u32; 5] = [30, 300, 3_600, 21_600, 86_400];
/// Longest lag of an instance, seconds.
const LAGS: [u64; 4] = [0, 5, 60, 600];
/// Time between the parent's scans, and the longest from its verdict to its publication: together at
/// most an hour.
const PARENT_DELAY_MAX: Duration = Duration::from_secs(1_800);
/// When the signer joins; the other leaves right behind.
const JOIN_AT: Duration = Duration::from_secs(2 * 3_600);
/// A TTL is lowered at most this long before the join.
const LOWERED_BEFORE_MAX: u64 = 3_600;

/// How many violated migrations are named.
const SEEDS_MAX: usize = 5;

/// One row of the table: a controller with this defect.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What the table calls it.
    pub name: &'static str,
    /// The waits that are cut.
    pub cuts: &'static [Cut],
    /// A parent that does not notice that the servers disagree: else it would never act.
    pub naive_parent: bool,
    /// Violations on a paper model with constant TTLs, percent.
    pub paper: u32,
}

/// All rows.
pub const ROWS: [Row; 7] = [
    Row {
        name: "all waits",
        cuts: &[],
        naive_parent: false,
        paper: 0,
    },
    Row {
        name: "no DNSKEY-Wait",
        cuts: &[SkipDnskeyWait],
        naive_parent: false,
        paper: 38,
    },
    Row {
        name: "no DS-Wait",
        cuts: &[SkipDsWait],
        naive_parent: false,
        paper: 43,
    },
    Row {
        name: "no data-wait",
        cuts: &[SkipDataWait],
        naive_parent: false,
        paper: 75,
    },
    Row {
        name: "no wait for the leaver's DNSKEY TTL",
        cuts: &[SkipLeaverDnskeyWait],
        naive_parent: false,
        paper: 76,
    },
    Row {
        name: "no NS-Wait, the leaver goes on answering",
        cuts: &[SkipNsWait, LeaverNeverStops],
        naive_parent: false,
        paper: 99,
    },
    Row {
        name: "a leaver that names itself and never stops",
        cuts: &[NsAtRemainingOnly, LeaverNeverStops],
        naive_parent: true,
        paper: 100,
    },
];

/// Whether TTLs stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ttls {
    /// Constant.
    Constant,
    /// One of them was lowered shortly before the join.
    OneLowered,
}

/// What became of many draws.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Migrations played.
    pub runs: usize,
    /// Migrations in which some cache could have failed.
    pub violated: usize,
    /// Migrations that came to their end.
    pub finished: usize,
    /// Migrations with constant TTLs of which the model on paper says what the oracle says.
    pub predicted: usize,
    /// Seeds of the first few that were violated.
    pub seeds: Vec<u64>,
}

impl Tally {
    /// Violations in percent.
    pub fn percent(&self) -> f64 {
        100.0 * self.violated as f64 / self.runs.max(1) as f64
    }
}

/// The migration of this seed.
pub fn scenario(seed: u64, row: &Row, ttls: Ttls) -> Scenario {
    let mut chance = stream(seed, "draw");
    let zone = parse_name("example.test.").unwrap_or_default();
    let mut scenario = Scenario {
        title: format!("{}, draw {seed}", row.name),
        seed,
        resolvers: Vec::new(),
        zones: vec![Zone {
            name: zone.clone(),
            signers: vec!["old".into()],
            records: Record::parse("www A 192.0.2.1").into_iter().collect(),
            ..Zone::default()
        }],
        ..Scenario::default()
    };
    scenario.judge.profiles = vec![Profile::Liberal];
    // The naive parent of one row believes whom it asks first: the one that stays.
    for name in ["new", "old"] {
        let mut signer = Signer::named(name);
        signer.dnskey_ttl = ttl(&mut chance);
        signer.ns_ttl = ttl(&mut chance);
        signer.default_ttl = ttl(&mut chance);
        signer.negative_ttl = signer.default_ttl;
        signer.propagation = lag(&mut chance);
        let all = [signer.dnskey_ttl, signer.ns_ttl, signer.default_ttl];
        signer.max_ttl = all.into_iter().max().unwrap_or(signer.max_ttl);
        scenario.signers.push(signer);
    }
    scenario.parent.ds_ttl = ttl(&mut chance);
    scenario.parent.ns_ttl = ttl(&mut chance);
    scenario.parent.propagation = lag(&mut chance);
    let delay = Range::new(Duration::ZERO, PARENT_DELAY_MAX).draw(&mut chance);
    scenario.scanner.interval = PARENT_DELAY_MAX;
    // The model on paper knows a parent that finds out by itself.
    scenario.scanner.notify = false;
    scenario.scanner.publish_delay = Range::new(Duration::ZERO, delay);
    scenario.controller.safety = Safety::Span(Duration::from_secs(1));
    scenario.controller.guard = false;
    scenario.controller.sabotage = row.cuts.to_vec();
    if row.naive_parent {
        scenario.scanner.sabotage = vec![
            ScannerSabotage::NoConsistency,
            ScannerSabotage::NoContinuity,
        ];
    }
    if ttls == Ttls::OneLowered {
        lower_one(&mut scenario, &mut chance, &zone);
    }
    let leave = What::Leave {
        signer: "old".into(),
        dead: false,
    };
    for what in [
        What::Join {
            signer: "new".into(),
        },
        leave,
    ] {
        push(&mut scenario, JOIN_AT, &zone, what);
    }
    scenario
}

fn ttl(chance: &mut Stream) -> Ttl {
    Ttl::from_seconds(TTLS[chance.random_range(0..TTLS.len())])
}

fn lag(chance: &mut Stream) -> Range {
    let most = LAGS[chance.random_range(0..LAGS.len())];
    Range::new(Duration::ZERO, Duration::from_secs(most))
}

/// One TTL of the signer that is there, or of the parent, goes down to 30 s.
fn lower_one(scenario: &mut Scenario, chance: &mut Stream, zone: &Name) {
    let (at_parent, rtype) = match chance.random_range(0..5_u8) {
        0 => (false, RecordType::DNSKEY),
        1 => (false, RecordType::NS),
        2 => (false, RecordType::A),
        3 => (true, RecordType::DS),
        _ => (true, RecordType::NS),
    };
    let before = Duration::from_secs(chance.random_range(60..=LOWERED_BEFORE_MAX));
    let lowered = Ttl::from_seconds(TTLS[0]);
    let at_signers = (!at_parent).then(|| vec!["old".into()]);
    let what = What::SetTtl {
        at_signers,
        at_parent,
        rtype,
        ttl: lowered,
    };
    push(scenario, JOIN_AT - before, zone, what);
}

fn push(scenario: &mut Scenario, at: Duration, zone: &Name, what: What) {
    let number = scenario.events.len() + 1;
    scenario.events.push(Event {
        number,
        at,
        zone: zone.clone(),
        what,
    });
}

/// Plays `runs` migrations from `first_seed` on, on `jobs` threads.
pub fn play(row: &Row, ttls: Ttls, first_seed: u64, runs: usize, jobs: usize) -> Tally {
    let seeds: Vec<u64> = (first_seed..first_seed + runs as u64).collect();
    let mut tally = Tally::default();
    let one = |seed: &u64| {
        let outcome = run(&scenario(*seed, row, ttls));
        (outcome.verdict == Verdict::Unsafe, is_finished(&outcome))
    };
    pool::in_order(&seeds, jobs, one, |seed, (is_violated, is_finished)| {
        tally.runs += 1;
        tally.finished += usize::from(is_finished);
        let is_predicted = model::predicts(*seed, row) == is_violated;
        tally.predicted += usize::from(ttls == Ttls::Constant && is_predicted);
        tally.violated += usize::from(is_violated);
        if is_violated && tally.seeds.len() < SEEDS_MAX {
            tally.seeds.push(*seed);
        }
        true
    });
    tally
}

fn is_finished(outcome: &Outcome) -> bool {
    use crate::outcome::ProcessOutcome::Done;
    outcome.processes.len() == 2
        && outcome
            .processes
            .iter()
            .all(|process| process.outcome == Done)
}
