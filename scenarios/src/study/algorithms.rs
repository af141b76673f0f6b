//! Signers with different algorithms: the open question of draft-huque-dnsop-multi-provider-dnssec §3.

use super::{Bench, Study, Table, TableOf, table::fares};
use crate::{
    run::run,
    scenario::{Algorithm, Profile, ResolverProfile},
};

/// The study.
pub const STUDY: Study = Study {
    name: "algorithms",
    tables: &[
        TableOf {
            name: "profiles",
            is_cheap: true,
            make: profiles,
        },
        TableOf {
            name: "resolvers",
            is_cheap: true,
            make: resolvers,
        },
    ],
};

/// The scenario files.
pub const FILES: [&str; 3] = ["permanent", "join", "leave"];

/// Makes the two algorithms one: the control.
const SAME: &str = "signer.beta.algorithm=ed25519";

fn profiles(bench: &Bench) -> Result<Table, String> {
    let all = [
        Profile::Liberal,
        Profile::StrictDs,
        Profile::StrictDnskey,
        Profile::Only(vec![Algorithm::Ed25519]),
        Profile::Only(vec![Algorithm::Ecdsap256sha256]),
        Profile::Named(ResolverProfile::Unbound),
    ];
    let mut table = Table::of(
        ["profile"]
            .into_iter()
            .chain(FILES)
            .chain(["one algorithm, all three"]),
    );
    table.rows = all.iter().map(|profile| vec![profile.name()]).collect();
    let mut controls = vec![Vec::new(); all.len()];
    for sets in [&[][..], &[SAME.to_owned()]] {
        for file in FILES {
            let mut scenario = bench.scenario(&format!("{}/{file}.toml", STUDY.name), sets)?;
            scenario.judge.profiles = all.to_vec();
            let outcome = run(&scenario);
            for ((row, control), profile) in table.rows.iter_mut().zip(&mut controls).zip(&all) {
                let cell = fares(&outcome, &profile.name());
                match sets {
                    [] => row.push(cell),
                    _ => control.push(cell),
                }
            }
        }
    }
    for (row, mut control) in table.rows.iter_mut().zip(controls) {
        control.dedup();
        row.push(control.join("; "));
    }
    Ok(table)
}

/// What resolvers that ask another server when an answer does not validate get in the end.
fn resolvers(bench: &Bench) -> Result<Table, String> {
    let scenario = bench.scenario(&format!("{}/permanent.toml", STUDY.name), &[])?;
    let outcome = run(&scenario);
    let mut table = Table::of(["resolver", "what its clients got in two days"]);
    let lines = outcome
        .notes
        .iter()
        .filter_map(|note| note.split_once(": "));
    table.rows = lines
        .map(|(name, got)| vec![name.to_owned(), got.to_owned()])
        .collect();
    Ok(table)
}
