//! Requests: what is to become of a zone. They are written down; `run` carries them out.

use counterpoint_dns::{
    agent::{Agent as _, Input, Note, Output},
    driver::store::Store as _,
    key::Dnskey,
    name::{Name, parse_name},
};
use serde_json::json;

use super::{
    Failure, Outcome,
    arguments::{Common, Role, Zone},
    setup::{Setup, now},
};
use crate::{
    Command, RolledKey, SignerName,
    audit::{DECLARED, OBSERVED},
    declarations::BadDeclaration,
};

/// The request that a command of `zone` makes; `None`: it is about the declaration.
pub fn of_zone(zone: &Zone) -> Result<Option<Command>, Failure> {
    let signer = |name: &str| SignerName::from(name);
    Ok(Some(match zone {
        Zone::Join { name, signer: who } => Command::Join {
            zone: a_zone(name)?,
            signer: signer(who),
        },
        Zone::Leave {
            name,
            signer: who,
            dead,
        } => Command::Leave {
            zone: a_zone(name)?,
            signer: signer(who),
            dead: *dead,
        },
        Zone::Replace { name, from, to } => Command::Replace {
            zone: a_zone(name)?,
            from: signer(from),
            to: signer(to),
        },
        Zone::Roll {
            name,
            signer: who,
            key,
        } => Command::Roll {
            zone: a_zone(name)?,
            signer: signer(who),
            key: match key {
                Role::Zsk => RolledKey::Zsk,
                Role::Ksk => RolledKey::Ksk,
                Role::Csk => RolledKey::Csk,
            },
        },
        Zone::RollAlgorithm { name, to } => Command::RollAlgorithm {
            zone: a_zone(name)?,
            to: *to,
        },
        Zone::Announce {
            name,
            signer: who,
            keys,
        } => Command::Announce {
            zone: a_zone(name)?,
            signer: signer(who),
            keys: (keys.iter())
                .map(|text| {
                    Dnskey::from_text(text).ok_or_else(|| {
                        let what = format!("`{text}` is no DNSKEY record");
                        let remedy = "write it as `257 3 13 mdsswUyr…`";
                        BadDeclaration::new("--key", what, remedy).into()
                    })
                })
                .collect::<Result<_, Failure>>()?,
        },
        Zone::GoInsecure { name } => Command::GoInsecure {
            zone: a_zone(name)?,
        },
        Zone::List
        | Zone::Show { .. }
        | Zone::Add { .. }
        | Zone::Update { .. }
        | Zone::NewKsk { .. }
        | Zone::Remove { .. } => return Ok(None),
    }))
}

/// A name on the command line.
pub fn a_zone(text: &str) -> Result<Name, Failure> {
    let name = parse_name(text);
    name.map_err(|error| BadDeclaration::new("ZONE", error, "name a zone").into())
}

/// A signer joins, or leaves, every zone of a group.
pub fn group(common: &Common, group: &str, signer: &str, joins: bool) -> Result<Outcome, Failure> {
    let (group, signer) = (group.to_string(), SignerName::from(signer));
    run(
        common,
        match joins {
            true => Command::GroupAdd { group, signer },
            false => Command::GroupRemove { group, signer },
        },
    )
}

/// Writes a request down.
pub fn run(common: &Common, command: Command) -> Result<Outcome, Failure> {
    let setup = Setup::load(common)?;
    if let Some(zone) = command.zone() {
        setup.zone(&zone.to_string())?;
    }
    for signer in command.signers() {
        setup.signer(&signer.to_string())?;
    }
    let mut store = setup.store()?;
    let mut controller = setup.controller(&store)?;
    let now = now();
    controller.handle(now, Input::Command(command));
    let (mut records, mut notes) = (Vec::new(), Vec::new());
    while let Some(output) = controller.poll(now) {
        match output {
            Output::Persist(record) => records.push(record),
            Output::Note(note) => notes.push(note),
            // As if it were killed before it asked anything: `run` goes on from here.
            Output::Ask { .. } | Output::Web { .. } => {}
        }
    }
    store.keep(now, &records, &notes)?;
    let told = |note: &&Note| ![DECLARED, OBSERVED].contains(&note.kind);
    let notes: Vec<&Note> = notes.iter().filter(told).collect();
    if let Some(refused) = notes.iter().find(|note| note.kind == "refused") {
        return Err(Failure::Refused(format!(
            "{} {}",
            refused.subject, refused.text
        )));
    }
    let mut text: String = notes.iter().map(|note| format!("{note}\n")).collect();
    text.push_str("written down; `counterpoint-controller run` carries it out\n");
    let json = notes.iter().map(|note| {
        json!({ "zone": note.zone, "kind": note.kind, "subject": note.subject, "text": note.text })
    });
    let json: Vec<_> = json.collect();
    Ok(Outcome::ok(text, json!({ "notes": json })))
}
