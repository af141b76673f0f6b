//! Requests: what is to become of a zone. They are written down; a `run` or a `serve` carries them out.

use counterpoint_dns::{agent, key::Dnskey};

use super::{
    Answer, Call, Failure,
    resources::{Asked, GroupRequest, Keys, Note, Request},
};
use crate::{
    Command, RolledKey, SignerName,
    audit::{DECLARED, OBSERVED},
    declarations::BadDeclaration,
    keeper::Keeper,
};

/// A process of one zone.
pub(super) fn of_zone(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let zone = keeper.setup.zone(call.place("zone"))?;
    let Request {
        process,
        signer,
        from,
        dead,
        key,
        algorithm,
    } = call.read()?;
    let mut given = vec![];
    given.extend(signer.is_some().then_some("signer"));
    given.extend(from.is_some().then_some("from"));
    given.extend(dead.is_some().then_some("dead"));
    given.extend(key.is_some().then_some("key"));
    given.extend(algorithm.is_some().then_some("algorithm"));
    let takes: &[&str] = match process.as_str() {
        "join" => &["signer"],
        "leave" => &["signer", "dead"],
        "replace" => &["signer", "from"],
        "roll" => &["signer", "key"],
        "roll-algorithm" => &["algorithm"],
        "go-insecure" => &[],
        _ => {
            let what = format!("there is no process `{process}` to ask for");
            let remedy = "use join, leave, replace, roll, roll-algorithm or go-insecure";
            return Err(BadDeclaration::new("process", what, remedy).into());
        }
    };
    if let Some(strange) = given.iter().find(|given| !takes.contains(given)) {
        let what = format!("it has no meaning in `{process}`");
        return Err(BadDeclaration::new(strange, what, "leave it out").into());
    }
    let who = |name: &str, signer: Option<String>| -> Result<SignerName, Failure> {
        let what = format!("`{process}` needs it");
        let missing = BadDeclaration::new(name, what, "name a signer");
        Ok(SignerName::from(signer.ok_or(missing)?.as_str()))
    };
    let command = match process.as_str() {
        "join" => Command::Join {
            zone,
            signer: who("signer", signer)?,
        },
        "leave" => Command::Leave {
            zone,
            signer: who("signer", signer)?,
            dead: dead.unwrap_or_default(),
        },
        "replace" => Command::Replace {
            zone,
            from: who("from", from)?,
            to: who("signer", signer)?,
        },
        "roll" => Command::Roll {
            zone,
            signer: who("signer", signer)?,
            key: match key.as_deref() {
                Some("zsk") => RolledKey::Zsk,
                Some("ksk") => RolledKey::Ksk,
                Some("csk") => RolledKey::Csk,
                _ => {
                    let remedy = "use zsk, ksk or csk";
                    let what = "`roll` needs to know which key";
                    return Err(BadDeclaration::new("key", what, remedy).into());
                }
            },
        },
        "roll-algorithm" => Command::RollAlgorithm {
            zone,
            to: algorithm.ok_or_else(|| {
                let what = "`roll-algorithm` needs it";
                BadDeclaration::new("algorithm", what, "give its number, as 13 or 15 (RFC 8624)")
            })?,
        },
        _ => Command::GoInsecure { zone },
    };
    ask(keeper, command)
}

/// Keys that a signer made and has not published.
pub(super) fn announce(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let zone = keeper.setup.zone(call.place("zone"))?;
    let Keys { signer, keys } = call.read()?;
    let keys = keys.iter().map(|text| {
        Dnskey::from_text(text).ok_or_else(|| {
            let what = format!("`{text}` is no DNSKEY record");
            let remedy = "write it as `257 3 13 mdsswUyr…`";
            BadDeclaration::new("keys", what, remedy).into()
        })
    });
    let keys = keys.collect::<Result<_, Failure>>()?;
    let signer = SignerName::from(signer.as_str());
    ask(keeper, Command::Announce { zone, signer, keys })
}

/// A signer joins, or leaves, every zone of a group.
pub(super) fn of_group(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let group = call.place("group").to_string();
    let GroupRequest { process, signer } = call.read()?;
    let signer = SignerName::from(signer.as_str());
    let command = match process.as_str() {
        "join" => Command::GroupAdd { group, signer },
        "leave" => Command::GroupRemove { group, signer },
        _ => {
            let what = format!("there is no process `{process}` of a group");
            return Err(BadDeclaration::new("process", what, "use join or leave").into());
        }
    };
    ask(keeper, command)
}

/// The current process runs back.
pub(super) fn cancel(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let zone = keeper.setup.zone(call.place("zone"))?;
    ask(keeper, Command::Cancel { zone })
}

/// The changes of the current step are allowed.
pub(super) fn step(keeper: &mut Keeper, call: &Call) -> Result<Answer, Failure> {
    let zone = keeper.setup.zone(call.place("zone"))?;
    ask(keeper, Command::Step { zone })
}

/// Writes a request down.
fn ask(keeper: &mut Keeper, command: Command) -> Result<Answer, Failure> {
    for signer in command.signers() {
        if signer.to_string() != crate::OWNER {
            keeper.setup.signer(&signer.to_string())?;
        }
    }
    let notes = keeper.command(command)?;
    let told = |note: &&agent::Note| ![DECLARED, OBSERVED].contains(&note.kind);
    let notes: Vec<&agent::Note> = notes.iter().filter(told).collect();
    if let Some(refused) = notes.iter().find(|note| note.kind == "refused") {
        let why = format!("{} {}", refused.subject, refused.text);
        return Err(Failure::Refused(why.trim().into()));
    }
    let mut text: String = notes.iter().map(|note| format!("{note}\n")).collect();
    text.push_str(match keeper.is_served {
        true => "written down; it is being carried out\n",
        false => "written down; `counterpoint-controller run` carries it out\n",
    });
    let notes = notes.iter().map(|note| Note {
        zone: note.zone.clone(),
        kind: note.kind.into(),
        subject: note.subject.clone(),
        text: note.text.clone(),
    });
    let notes = notes.collect();
    Ok(Answer::fine(text, &Asked { notes }))
}
