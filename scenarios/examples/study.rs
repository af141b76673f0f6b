//! Prints the tables of a study, or writes them into its page:
//! `cargo run --release -p counterpoint-scenarios --example study -- [--write] NAME [TABLE]`.

use std::{error::Error, fs, path::Path};

use counterpoint_scenarios::study::{Bench, STUDIES, Study};

fn main() -> Result<(), Box<dyn Error>> {
    let (options, words): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .partition(|word| word.starts_with("--"));
    let names: Vec<&str> = STUDIES.iter().map(|study| study.name).collect();
    let usage = || {
        format!(
            "study [--write] NAME [TABLE]; NAME is one of {}",
            names.join(", ")
        )
    };
    let write = match options.as_slice() {
        [] => false,
        [option] if option == "--write" => true,
        _ => return Err(usage().into()),
    };
    let study = words.first().and_then(|name| Study::named(name));
    let study = study.ok_or_else(usage)?;
    let only = words.get(1);
    if let Some(name) = only
        && !study.tables.iter().any(|table| table.name == name)
    {
        return Err(format!("{} has no table `{name}`", study.name).into());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bench = Bench {
        folder: root.join("studies"),
        jobs: std::thread::available_parallelism().map_or(1, usize::from),
    };
    let page = study.page(&root.join("../docs"));
    for table in study
        .tables
        .iter()
        .filter(|table| only.is_none_or(|name| table.name == name))
    {
        let made = (table.make)(&bench)?;
        println!("{}:\n\n{made}", table.name);
        if write {
            let text = study.placed(&fs::read_to_string(&page)?, table.name, &made)?;
            fs::write(&page, text)?;
        }
    }
    Ok(())
}
