//! Deployment models: from what a scenario says of a zone to where the world keeps it and who has its keys.

use counterpoint_dns::time::Timestamp;
use counterpoint_simnet::{
    choice::{self, Choice},
    topology::{OWNER, Source, Stage, Timers},
};

use super::{faults, plan};
use crate::scenario::{By, Dynamic, Fault, Model, Scenario, Target, What, Zone};

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

/// The answers among which its signers choose.
pub fn choices(zone: &Zone) -> Vec<Choice> {
    let choice = |dynamic: &Dynamic| Choice {
        by: match dynamic.by {
            By::Resolver => choice::By::Asker,
            By::Time => choice::By::Time,
        },
        answers: plan::records(&dynamic.answers, &zone.name),
    };
    zone.dynamic.iter().map(choice).collect()
}

/// The signer that holds the common keys of a zone; none: its owner does, or there are none.
pub fn holder(zone: &Zone) -> Option<&str> {
    let holder = Some(zone.ksk_holder.as_str());
    holder.filter(|holder| *holder != OWNER && matches!(zone.model, Model::One | Model::Three))
}

/// Whether whoever holds the common keys of a zone makes no signatures at `now`: its machine is out, the
/// signer answers nobody, or somebody told it to stop.
pub fn is_holder_out(scenario: &Scenario, zone: &Zone, now: Timestamp) -> bool {
    let is_out = |fault: &Fault| {
        let (from, until) = faults::window(scenario, fault);
        fault.target == Target::Hsm && (from..until).contains(&now)
    };
    let of_hsm = zone.model == Model::Three && scenario.faults.iter().any(is_out);
    of_hsm
        || holder(zone).is_some_and(|holder| {
            let mut events = scenario.events_by_time();
            events.retain(|event| event.zone == zone.name && scenario.start + event.at <= now);
            let told = events.iter().rev().find_map(|event| match &event.what {
                What::StopSigning { signer } if signer == holder => Some(true),
                What::StartSigning { signer } if signer == holder => Some(false),
                _ => None,
            });
            told.unwrap_or(false) || faults::is_silent(scenario, holder, now)
        })
}

/// Nobody who shares the keys of `zone` makes signatures, or everybody does again.
pub fn stop_hsm(scenario: &Scenario, stage: &mut Stage, zone: &Zone, is_out: bool) {
    for signer in &scenario.signers {
        stage.freeze(&signer.name, &zone.name, is_out);
        stage.publish(&signer.name, &zone.name);
    }
}
