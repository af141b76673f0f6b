//! From a file (and `--set`s) to a [`Scenario`], or to every mistake in it.
//!
//! Text becomes a tree with places ([`tree`]); overrides are written into the tree; a reader turns
//! it into data key by key ([`reader`]); then the data are judged for sense (`lint`).

pub mod overrides;
pub mod reader;
pub mod tree;

use self::{
    reader::{Field, Reader, Report},
    tree::{Node, Place},
};
use crate::{
    diagnostic::Diagnostic,
    lint,
    scenario::{Event, Fault, Group, Head, Resolver, Scenario, Setting, Signer, Zone},
};

/// Loads a scenario from the text of a file; `path` is what diagnostics call it.
pub fn load(path: &str, text: &str) -> Result<Scenario, Vec<Diagnostic>> {
    load_with(path, text, &[])
}

/// Loads a scenario from the text of a file and overrides as `signer.beta.dnskey-ttl=12h`.
pub fn load_with(path: &str, text: &str, sets: &[String]) -> Result<Scenario, Vec<Diagnostic>> {
    let mut report = Report::new(path, text);
    let mut root = match tree::parse(text) {
        Ok(root) => root,
        Err(errors) => {
            for (message, span) in errors {
                let place = Place::new(0, span.unwrap_or(0..0));
                let mistake = report.at(place, "syntax", message);
                report.add(place, mistake.expected("not TOML"));
            }
            return Err(report.into_diagnostics());
        }
    };
    for set in sets {
        overrides::apply(&mut root, &mut report, set);
    }
    report.learn("", &root);
    let scenario = read(&root, &report);
    if let Some(scenario) = &scenario {
        lint::lint(scenario, &report);
    }
    let diagnostics = report.into_diagnostics();
    match scenario {
        Some(scenario) if diagnostics.is_empty() => Ok(scenario),
        _ => Err(diagnostics),
    }
}

/// Reads the tree; whatever was refused has its default.
fn read(root: &Node, report: &Report) -> Option<Scenario> {
    let field = Field {
        node: root,
        path: String::new(),
        report,
    };
    let mut reader = field.table()?;
    let head = Head::read_keys(&mut reader);
    let parent = reader.read("parent", Default::default());
    let scanner = reader.read("scanner", Default::default());
    let controller = reader.read("controller", Default::default());
    let judge = reader.read("judge", Default::default());
    let expect = reader.read("expect", Default::default());
    let signers = tables::<Signer>(&mut reader, "signer");
    let groups = tables::<Group>(&mut reader, "group");
    let mut zones = tables::<Zone>(&mut reader, "zone");
    for zone in &mut zones {
        let group = groups
            .iter()
            .find(|group| Some(&group.name) == zone.group.as_ref());
        if let Some(group) = group {
            zone.signers.clone_from(&group.signers);
        }
    }
    let resolvers = tables::<Resolver>(&mut reader, "resolver");
    let only = match zones.as_slice() {
        [only] => Some(&only.name),
        _ => None,
    };
    let read_event = |(index, field): (usize, Field<'_>)| Event::read(&field, index + 1, only);
    let events = fields(&mut reader, "event").into_iter().enumerate();
    let events = events.filter_map(read_event).collect();
    let faults = fields(&mut reader, "fault").into_iter().enumerate();
    let faults = faults
        .filter_map(|(index, field)| Fault::read(&field, index + 1))
        .collect();
    reader.finish();
    Some(Scenario {
        title: head.title,
        source: head.source,
        seed: head.seed,
        start: head.start,
        duration: head.duration,
        parent,
        scanner,
        controller,
        signers,
        groups,
        zones,
        judge,
        resolvers: match resolvers.as_slice() {
            [] => Resolver::usual(),
            _ => resolvers,
        },
        events,
        faults,
        expect,
    })
}

/// The elements of the list of tables `[[key]]`.
fn fields<'a>(reader: &mut Reader<'a>, key: &'static str) -> Vec<Field<'a>> {
    reader
        .field(key)
        .and_then(|field| field.items(&format!("a list of tables, as `[[{key}]]`")))
        .unwrap_or_default()
}

/// The list of tables `[[key]]`, read; one that was refused has its defaults, to keep the numbers.
fn tables<T: Setting + Default>(reader: &mut Reader<'_>, key: &'static str) -> Vec<T> {
    fields(reader, key)
        .iter()
        .map(|field| T::read(field).unwrap_or_default())
        .collect()
}
