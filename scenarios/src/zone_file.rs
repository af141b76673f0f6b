//! A zone as some server had it at some instant of a run, as a master file with its signatures.

use std::{fmt::Write as _, time::Duration};

use counterpoint_dns::{
    name::{Name, RecordType},
    rrset::RrSet,
};
use counterpoint_simnet::published::{Published, Served};

use crate::{run::play, scenario::Scenario};

/// Plays `scenario` up to `instant` (none: its end), and prints the zone `of` (none: the only one) as
/// `server` has it then. Why that cannot be, in words.
pub fn at(
    scenario: &Scenario,
    instant: Option<Duration>,
    server: &str,
    of: Option<&Name>,
) -> Result<String, String> {
    let scenario = Scenario {
        duration: instant.or(scenario.duration),
        ..scenario.clone()
    };
    let world = play::play(&scenario).stage.world;
    let instances = world.operators.iter().flat_map(|owner| &owner.instances);
    let instances: Vec<_> = instances.collect();
    let Some(instance) = instances.iter().find(|instance| instance.name == server) else {
        let names: Vec<&str> = instances.iter().map(|one| one.name.as_str()).collect();
        return Err(format!(
            "there is no server `{server}`; name one of {}",
            names.join(", ")
        ));
    };
    let root = Name::root();
    let known = scenario.zones.iter().map(|zone| &zone.name);
    let known: Vec<&Name> = known.chain([&scenario.parent.zone, &root]).collect();
    let has = known.into_iter().filter_map(|name| instance.copy(name));
    let has: Vec<_> = has
        .filter(|zone| of.is_none_or(|of| *of == zone.zone))
        .collect();
    let when = (world.now()).relative_to(scenario.start);
    match has.as_slice() {
        [] => Err(format!("{server} does not serve such a zone at {when}")),
        [zone] if zone.apex(RecordType::SOA).is_none() => {
            Err(format!("{server} has no whole zone at {when}"))
        }
        [zone] => Ok(format!(
            "; {} at {server}, {when} ({})\n{}",
            zone.zone,
            world.now(),
            file(zone)
        )),
        several => {
            let names: Vec<String> = several.iter().map(|zone| zone.zone.to_string()).collect();
            Err(format!(
                "{server} serves {}; name one with --of",
                names.join(", ")
            ))
        }
    }
}

/// The SOA record first, as transfers have it.
fn file(zone: &Published) -> String {
    let mut text = String::new();
    let soa = zone.apex(RecordType::SOA);
    let others = zone
        .all()
        .filter(|served| served.set.rtype != RecordType::SOA || served.set.name != zone.zone);
    for served in soa.into_iter().chain(others) {
        text += &records(served);
    }
    text
}

fn records(served: &Served) -> String {
    let RrSet { name, ttl, .. } = &served.set;
    let mut text = format!("{}\n", served.set);
    for rrsig in served.signatures() {
        let data = rrsig.to_rdata().present(RecordType::RRSIG);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name} {ttl} IN RRSIG {data}");
    }
    text
}
