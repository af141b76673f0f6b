//! Limits: what a world can hold.

use super::Lints;

pub(super) fn lint(lints: &Lints<'_>) {
    let scenario = lints.scenario;
    let counts = [
        ("signer", scenario.signers.len(), 16),
        ("group", scenario.groups.len(), 1_000),
        ("zone", scenario.zones.len(), 10_000),
        ("resolver", scenario.resolvers.len(), 64),
        ("event", scenario.events.len(), 10_000),
        ("fault", scenario.faults.len(), 1_000),
    ];
    for (what, count, most) in counts {
        if count > most {
            lints.fail(
                what,
                "too-many",
                format!("{count} {what}s are more than a world can hold"),
                |d| d.expected(format!("at most {most}")),
            );
        }
    }
    servers(lints, "parent.servers", scenario.parent.servers as usize);
    for (index, signer) in scenario.signers.iter().enumerate() {
        servers(
            lints,
            &format!("signer.{}.servers", index + 1),
            signer.servers.count(),
        );
    }
    for (index, zone) in scenario.zones.iter().enumerate() {
        if zone.records.len() > 10_000 {
            let path = format!("zone.{}.records", index + 1);
            lints.fail(
                &path,
                "too-many",
                format!(
                    "{} records are more than a zone can hold",
                    zone.records.len()
                ),
                |d| d.expected("at most 10000"),
            );
        }
    }
    if scenario.judge.profiles.is_empty() {
        lints.fail(
            "judge.profiles",
            "no-judge",
            "no profile is left to judge",
            |d| d.expected("expected at least one profile, as `[\"liberal\"]`"),
        );
    }
}

fn servers(lints: &Lints<'_>, path: &str, count: usize) {
    if count == 0 || count > 64 {
        lints.fail(
            path,
            "servers-out-of-range",
            format!("{count} servers"),
            |d| d.expected("expected 1 to 64"),
        );
    }
}
