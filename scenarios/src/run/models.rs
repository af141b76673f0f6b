//! Deployment models: from what a scenario says of a zone to where the world keeps it and who has its keys.

use counterpoint_simnet::topology::{OWNER, Source, Stage, Timers};

use crate::scenario::{Model, Scenario, Zone};

/// Where the signers of a zone have it from.
pub fn source(zone: &Zone) -> Option<Source> {
    let is_kept = matches!(zone.model, Model::ServeOnly | Model::Hybrid | Model::Inline);
    is_kept.then(|| Source {
        by: zone.primary.clone().unwrap_or_else(|| OWNER.into()),
        is_unsigned: zone.model == Model::Inline,
    })
}

/// Whether all who serve a zone serve one set of keys, so that the controller has none to exchange.
pub fn shares_keys(zone: &Zone) -> bool {
    matches!(zone.model, Model::ServeOnly | Model::Hybrid | Model::Three)
}

/// The timers of its SOA record.
pub fn timers(zone: &Zone) -> Timers {
    let seconds = |span: std::time::Duration| u32::try_from(span.as_secs()).unwrap_or(u32::MAX);
    Timers {
        refresh: seconds(zone.soa.refresh),
        retry: seconds(zone.soa.retry),
        expire: seconds(zone.soa.expire),
    }
}

/// Nobody who shares keys makes signatures, or everybody does again.
pub fn stop_hsm(scenario: &Scenario, stage: &mut Stage, is_out: bool) {
    let now = stage.world.now();
    let state = if is_out { "begins" } else { "ends" };
    stage
        .world
        .log
        .line(now, "hsm", "fault", &format!("Outage {state}"));
    let sharing = scenario
        .zones
        .iter()
        .filter(|zone| zone.model == Model::Three);
    for zone in sharing {
        for signer in &scenario.signers {
            stage.freeze(&signer.name, &zone.name, is_out);
            stage.publish(&signer.name, &zone.name);
        }
    }
}
