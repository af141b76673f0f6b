//! The automation draft (draft-ietf-dnsop-dnssec-automation-04) taken literally.

use std::time::Duration;

use super::{
    Bench, Study, Table, TableOf,
    table::{ends, fares, percent},
};
use crate::{
    outcome::{Outcome, Process, ProcessOutcome},
    pool,
    rehearsal::{STORIES, calm},
    run::run,
    scenario::{
        CdsType,
        ControllerSabotage::{self as Defect, *},
        Digest, Event, KeyKind, Profile, Quantifier, Range, ScannerSabotage, Scenario, What,
    },
};

/// The study.
pub const STUDY: Study = Study {
    name: "automation-draft",
    tables: &[
        TableOf {
            name: "counterexamples",
            is_cheap: true,
            make: counterexamples,
        },
        TableOf {
            name: "draws",
            is_cheap: false,
            make: draws,
        },
    ],
};

const PROFILES: [Profile; 3] = [Profile::Liberal, Profile::StrictDs, Profile::StrictDnskey];

/// The scenario files, in the order of the draft.
pub const FILES: [&str; 16] = [
    "join",
    "join-after-ttl-lowered",
    "join-second-parent-server",
    "join-csk",
    "leave-stuck",
    "leave-dnskey-held",
    "leave-answers-held",
    "roll-zsk",
    "roll-ksk",
    "roll-ksk-new-cds-alone",
    "roll-csk",
    "roll-algorithm",
    "roll-algorithm-answers-held",
    "roll-algorithm-ds-too-soon",
    "roll-algorithm-old-keys-out",
    "roll-algorithm-keys-first",
];

fn counterexamples(bench: &Bench) -> Result<Table, String> {
    let names = PROFILES.iter().map(Profile::name);
    let mut table = Table::of(
        ["scenario", "process"]
            .map(String::from)
            .into_iter()
            .chain(names),
    );
    for file in FILES {
        let mut scenario = bench.scenario(&format!("{}/{file}.toml", STUDY.name), &[])?;
        scenario.judge.profiles = PROFILES.into();
        let outcome = run(&scenario);
        let mut row = vec![file.to_owned(), ends(&outcome)];
        row.extend(PROFILES.iter().map(|one| fares(&outcome, &one.name())));
        table.rows.push(row);
    }
    Ok(table)
}

/// How many worlds are drawn for a row.
const DRAWS: u64 = 100;

/// The defects that make a leave the draft's.
const LEAVE: &[Defect] = &[
    NsAtRemainingOnly,
    CsyncAtRemainingOnly,
    SkipLeaverDnskeyWait,
    SkipDataWait,
    DropForeignZskWithDs,
];

/// One process over drawn worlds.
struct Row {
    name: &'static str,
    story: &'static str,
    defects: &'static [Defect],
    /// Whether the parent looks at the first server alone.
    is_lax: bool,
}

const fn row(name: &'static str, story: &'static str, defects: &'static [Defect]) -> Row {
    Row {
        name,
        story,
        defects,
        is_lax: false,
    }
}

const ROWS: [Row; 8] = [
    row("join", "join", &[]),
    row(
        "join, DS-Wait from the parent's first server",
        "join",
        &[FirstInstanceIsEnough],
    ),
    row("leave, the parent follows RFC 9975", "leave", LEAVE),
    Row {
        is_lax: true,
        ..row("leave, the parent asks one server", "leave", LEAVE)
    },
    row("ZSK roll", "roll-zsk", &[SkipDataWait]),
    row(BY_HAND, "roll-ksk", &[]),
    row("CSK roll", "roll-csk", &[SkipDataWait]),
    row(
        "algorithm roll",
        "roll-algorithm",
        &[DraftAlgorithmRoll, SkipDataWait],
    ),
];

/// The row whose process is played by hand: no defect has the draft's order.
const BY_HAND: &str = "KSK roll, by hand";

fn draws(bench: &Bench) -> Result<Table, String> {
    let mut header = vec!["process".to_owned(), "draws".into(), "ended".into()];
    for profile in &PROFILES {
        header.push(format!("{}: any-cache", profile.name()));
        header.push(format!("{}: one-resolver", profile.name()));
    }
    let mut table = Table::of(header);
    let seeds: Vec<u64> = (1..=DRAWS).collect();
    for row in &ROWS {
        let mut ended = 0;
        let mut violated = [[0_u64; 2]; PROFILES.len()];
        let one = |seed: &u64| scenario(row, *seed).map(|scenario| run(&scenario));
        let mut failure = None;
        pool::in_order(&seeds, bench.jobs, one, |seed, outcome| {
            match outcome {
                Some(Outcome {
                    internal_error: None,
                    ..
                }) => {}
                _ => failure = Some(format!("{}, draw {seed}: it could not be played", row.name)),
            }
            let Some(outcome) = outcome else { return false };
            ended += u64::from(outcome.processes.iter().all(is_done));
            for (profile, counts) in PROFILES.iter().zip(&mut violated) {
                for (quantifier, count) in [Quantifier::AnyCache, Quantifier::OneResolver]
                    .into_iter()
                    .zip(counts)
                {
                    *count += u64::from(is_violated(&outcome, &profile.name(), quantifier));
                }
            }
            true
        });
        if let Some(failure) = failure {
            return Err(failure);
        }
        let share = |count: u64| percent(count as f64 / DRAWS as f64);
        let mut cells = vec![row.name.to_owned(), DRAWS.to_string(), share(ended)];
        cells.extend(violated.iter().flatten().map(|count| share(*count)));
        table.rows.push(cells);
    }
    Ok(table)
}

fn is_done(process: &Process) -> bool {
    process.outcome == ProcessOutcome::Done
}

fn is_violated(outcome: &Outcome, profile: &str, quantifier: Quantifier) -> bool {
    outcome.violations.iter().any(|violation| {
        violation.profile == profile
            && violation.quantifier == quantifier
            && violation.property.decides()
    })
}

/// The process of a row in the world of this seed; `None` if there is no such story.
fn scenario(row: &Row, seed: u64) -> Option<Scenario> {
    let story = STORIES.iter().find(|story| story.name == row.story)?;
    let mut scenario = calm(story, seed);
    scenario.judge.profiles = PROFILES.into();
    scenario.controller.sabotage = row.defects.to_vec();
    if row.defects == [FirstInstanceIsEnough] {
        // The draft does count the time to the signers' secondaries.
        let at_once = Range::exactly(Duration::ZERO);
        scenario
            .signers
            .iter_mut()
            .for_each(|signer| signer.propagation = at_once);
    }
    if row.is_lax {
        scenario.scanner.sabotage = vec![
            ScannerSabotage::NoConsistency,
            ScannerSabotage::NoContinuity,
        ];
    }
    if row.defects == LEAVE && !row.is_lax {
        // It never ends: two weeks show as much as two months.
        scenario.duration = Some(Duration::from_secs(14 * 86_400));
    }
    if row.name == BY_HAND {
        roll_ksk_by_hand(&mut scenario);
    }
    Some(scenario)
}

/// The draft's KSK roll (§5.6) at beta. The parent is given all the time that it may take; then
/// DS-Wait-Time and DNSKEY-Wait-Time, and nothing for safety.
fn roll_ksk_by_hand(scenario: &mut Scenario) {
    scenario.controller.enabled = false;
    let Some(begun) = scenario.events.pop() else {
        return;
    };
    let mut push = |at: Duration, what| {
        let (number, zone) = (scenario.events.len() + 1, begun.zone.clone());
        scenario.events.push(Event {
            number,
            at,
            zone,
            what,
        });
    };
    let minute = Duration::from_secs(60);
    let lags = scenario
        .signers
        .iter()
        .map(|signer| signer.propagation.high);
    let lag = lags.max().unwrap_or_default();
    let dnskey = scenario
        .signers
        .iter()
        .map(|signer| signer.dnskey_ttl.span());
    let dnskey_wait = dnskey.max().unwrap_or_default() + lag;
    let parent = scenario.scanner.interval
        + scenario.scanner.publish_delay.high
        + scenario.parent.propagation.high;
    let ds_wait = scenario.parent.ds_ttl.span();
    let (signer, label) = (String::from("beta"), String::from("ksk-2"));
    let kind = KeyKind::Ksk;
    let publish = || What::PublishCds {
        at_signers: None,
        of: None,
        types: vec![CdsType::Cds, CdsType::Cdnskey],
        digests: vec![Digest::Sha256],
        delete: false,
        malformed: false,
        signed_by: None,
    };
    push(
        begun.at,
        What::NewKey {
            signer: signer.clone(),
            kind,
            label,
        },
    );
    push(begun.at + minute, publish());
    let over = begun.at + 2 * minute + lag + parent + ds_wait + dnskey_wait;
    push(
        over,
        What::DropKey {
            signer,
            label: "ksk-1".into(),
        },
    );
    push(over + minute, publish());
}
