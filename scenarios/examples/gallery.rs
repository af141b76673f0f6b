//! Draws the gallery anew: `cargo run -p counterpoint-scenarios --example gallery`.

use std::{error::Error, fmt::Write as _, fs, path::Path};

use counterpoint_reports::{explain, svg};
use counterpoint_scenarios::{load::load, report, run::run};

/// Files of the scenarios that come along, and what there is to be seen.
const PICTURES: [(&str, &str); 10] = [
    (
        "library/migration",
        "A move from one operator to another, done right. Nothing goes before what replaces it is in every cache.",
    ),
    (
        "library/section-4-zsk-not-exchanged",
        "The story that RFC 8901 begins with: as soon as both are named, a cache may hold the DNSKEY RRset of one and an answer of the other.",
    ),
    (
        "library/cut-ds-wait",
        "The newcomer is named while caches still hold a DS RRset without its key.",
    ),
    (
        "library/leave-dead",
        "A signer dies; it is taken out without its help.",
    ),
    (
        "library/ghost-name-servers",
        "A leaver goes on answering and naming itself: a cache that asks it again and again stays with it.",
    ),
    (
        "library/expired-signature",
        "A signer stops signing and goes on serving.",
    ),
    (
        "library/glue-too-late",
        "Servers move, and the glue follows too late.",
    ),
    (
        "museum/three-is-a-crowd",
        "Keys roll faster than a roll takes: the third comes while the second still takes over from the first.",
    ),
    (
        "museum/ksk-retired-by-the-childs-ttl",
        "The KSK goes when the child's TTL has passed; the parent's DS lives a day.",
    ),
    (
        "museum/lagging-anycast",
        "One of thirteen servers of the parent stands still for four days, and gives out the old DS RRset.",
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let gallery = root.join("../docs/gallery");
    fs::create_dir_all(&gallery)?;
    let mut page = String::from(
        "# Gallery\n\nDrawn by `cargo run -p counterpoint-scenarios --example gallery`; [reports](../reports.md) says how to read them.\n",
    );
    for (file, words) in PICTURES {
        let path = root.join(file).with_extension("toml");
        let text = fs::read_to_string(&path).map_err(|error| format!("{file}: {error}"))?;
        let scenario = load(file, &text).map_err(|mistakes| format!("{file}: {mistakes:?}"))?;
        let mut outcome = run(&scenario);
        outcome.scenario = file.into();
        let run = report::run(&scenario, &outcome);
        let name = &run.scenario;
        fs::write(gallery.join(name).with_extension("svg"), svg::svg(&run))?;
        let first = run.violations.first().map(explain::headline);
        let verdict = first.unwrap_or_else(|| "safe".into());
        writeln!(
            page,
            "\n## {}\n\n{words} (`scenarios/{file}.toml`: {verdict})\n\n![{}]({name}.svg)",
            run.heading(),
            run.heading()
        )?;
    }
    page += "\n## The page, as a browser shows it\n\n\
             Kept by `GALLERY=docs/gallery cargo test --workspace --test reports browser`, at 1280 and 390 pixels and by night.\n\n\
             ![1280 pixels](cut-ds-wait-1280.png)\n\n![390 pixels](cut-ds-wait-390.png) ![another](migration-390.png)\n\n\
             ![by night](cut-ds-wait-dark.png)\n\n\
             Others: [migration](migration-1280.png), [section 4](section-4-zsk-not-exchanged-1280.png) \
             ([narrow](section-4-zsk-not-exchanged-390.png)), [a dead signer](leave-dead-1280.png) \
             ([narrow](leave-dead-390.png)), [expired signatures](expired-signature-1280.png) \
             ([narrow](expired-signature-390.png)).\n";
    fs::write(gallery.join("README.md"), page)?;
    Ok(())
}
