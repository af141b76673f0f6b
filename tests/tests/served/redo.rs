//! A redo is the same run, at another time: nothing but dates is different.

use counterpoint_dns::{driver::clock::Clock, name::RecordType, time::Timestamp};
use counterpoint_scenarios::run::{direction::Direction, play::play_under};
use counterpoint_simnet::{net::Net, topology::Stage};

use crate::world::{instant, show};

/// A line without the dates in it.
fn dateless(line: &str) -> String {
    let words = line.split(' ');
    let words = words.map(|word| match word.parse::<Timestamp>() {
        Ok(_) => "…",
        Err(_) => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_redo_is_the_run_up_to_its_instant() {
    for (file, at) in [
        ("library/migration.toml", "3h 10m"),
        ("library/forged-answers.toml", "2h"),
        ("library/hybrid.toml", "0s"),
    ] {
        let show = show(file, &[], Net::default());
        let whole = play_under(&show.scenario, Direction::default());
        let whole = whole.stage.world.log.into_lines();
        let now = Clock.now();
        let stage = show.at(instant(at), now);
        assert_eq!(stage.world.now().as_seconds(), now.as_seconds());
        let redone = stage.world.log.lines();
        for (redone, line) in redone.iter().zip(&whole) {
            assert_eq!(dateless(redone), dateless(line), "{file}");
        }
        let next = whole.get(redone.len()).map(String::as_str);
        let end = (show.scenario.start + instant(at)).relative_to(show.scenario.start);
        let after = next.is_none_or(|next| next > end.to_string().as_str());
        assert!(after, "{file}: {next:?} is missing");
    }
}

#[test]
fn in_another_network_the_addresses_are_others_and_nothing_else_is() {
    let file = "library/in-zone-names.toml";
    let there = show(file, &[], "127.69.0.0/16".parse().unwrap());
    let here = show(file, &[], Net::default());
    let now = Clock.now();
    let [there, here] = [there, here].map(|show| show.at(instant("3h"), now));
    let elsewhere = |line: &String| line.replace("127.69.", "127.66.");
    let moved: Vec<String> = there.world.log.lines().iter().map(elsewhere).collect();
    assert_eq!(moved, here.world.log.lines());
    let addresses = |stage: &Stage| {
        let instances = stage
            .world
            .operators
            .iter()
            .flat_map(|owner| &owner.instances);
        let served = instances.flat_map(|instance| {
            let copies = stage
                .world
                .recorders
                .keys()
                .filter_map(|zone| instance.copy(zone));
            let sets = copies.flat_map(|version| version.all());
            let sets = sets.filter(|served| served.set.rtype == RecordType::A);
            sets.map(|served| served.set.to_string())
                .collect::<Vec<_>>()
        });
        served.collect::<Vec<_>>()
    };
    let (there, here) = (addresses(&there), addresses(&here));
    assert!(
        there.iter().any(|set| set.contains("127.69.2.1")),
        "{there:?}"
    );
    let moved: Vec<String> = there.iter().map(elsewhere).collect();
    assert_eq!(moved, here);
}
