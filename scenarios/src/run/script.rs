//! Carries out the events of a scenario: by hand in the world, or through the controller.

use counterpoint_controller::{Command, RolledKey, SignerName};
use counterpoint_dns::{
    agent::{AskId, Note, Output, Transport},
    key::DIGEST_SHA256,
    message::Question,
    name::{Name, RecordType, parse_name},
    notify::notify as dns_notify,
};
use counterpoint_simnet::{
    by_hand,
    keys::KeyKind,
    topology::{OWNER, PARENT, Stage},
};

use super::{cast::Cast, plan};
use crate::scenario::{self, CdsType, Event, Keys, Model, Notified, Scenario, What};

/// The message id of a NOTIFY by hand.
const NOTIFY_ID: u16 = 9_859;

/// What an event led to.
#[derive(Debug, Default)]
pub struct Done {
    /// What the controller had to say.
    pub notes: Vec<Note>,
    /// What a person should know.
    pub warning: Option<String>,
}

/// Carries out `event`.
pub fn perform(scenario: &Scenario, event: &Event, stage: &mut Stage, cast: &mut Cast) -> Done {
    let zone = &event.zone;
    let now = stage.world.now();
    let text = format!(
        "{} {}",
        if event.what.has_zone() {
            zone.to_string()
        } else {
            String::new()
        },
        event.what.name()
    );
    stage.world.log.line(now, "script", "event", text.trim());
    match &event.what {
        What::ControllerCrash { .. } | What::ControllerStop {} => {
            cast.stop_controller(&mut stage.world);
            return Done::default();
        }
        What::ControllerStart {} => {
            return Done {
                notes: cast.start_controller(scenario, stage),
                warning: None,
            };
        }
        What::Notify { signer, rtype } => {
            notify(scenario, zone, signer.as_deref(), *rtype, stage);
            return Done::default();
        }
        What::ScanNow {} => {
            cast.scan_now(&mut stage.world);
            return Done::default();
        }
        _ => {}
    }
    match &event.what {
        // From now on the zone may be insecure: somebody wants it so.
        What::GoInsecure {} => {
            if let Some(recorder) = stage.world.recorders.get_mut(zone) {
                recorder.must_be_secure(scenario.start, now);
            }
        }
        // A signer that has stopped serves again, if its leave is run back.
        What::Cancel {} => {
            for signer in cast.under_way(zone, "leave") {
                begin_serving(stage, &signer, zone);
            }
        }
        _ => {}
    }
    if let Some((command, newcomers)) = command(scenario, event) {
        for (signer, zone) in newcomers {
            begin_serving(stage, &signer, &zone);
        }
        return match cast.command(&mut stage.world, command) {
            Some(notes) => Done {
                notes,
                warning: None,
            },
            None => {
                let what = event.what.name();
                let why = format!("the controller does not run: `{what}` was not heard");
                Done {
                    notes: Vec::new(),
                    warning: Some(why),
                }
            }
        };
    }
    by_hand(scenario, event, stage);
    if matches!(event.what, What::MoveServers { .. }) && cast.controller.is_some() {
        // Who moves servers declares it.
        cast.stop_controller(&mut stage.world);
        return Done {
            notes: cast.start_controller(scenario, stage),
            warning: None,
        };
    }
    Done::default()
}

/// The signer serves the zone from now on, if it does not.
pub fn begin_serving(stage: &mut Stage, signer: &str, zone: &Name) {
    let mut plans = stage.topology.zones.iter();
    let plan = plans.find(|plan| plan.name == *zone).cloned();
    if let Some(plan) = plan.filter(|_| !stage.serves(signer, zone)) {
        stage.start_serving(signer, &plan);
    }
}

/// The command to the controller, and who must begin to serve which zone for it.
fn command(scenario: &Scenario, event: &Event) -> Option<(Command, Vec<(String, Name)>)> {
    let zone = event.zone.clone();
    let name = |signer: &String| SignerName::from(signer.as_str());
    Some(match &event.what {
        What::Join { signer } => (
            Command::Join {
                zone: zone.clone(),
                signer: name(signer),
            },
            vec![(signer.clone(), zone)],
        ),
        What::Leave { signer, dead } => (
            Command::Leave {
                zone,
                signer: name(signer),
                dead: *dead,
            },
            vec![],
        ),
        What::Replace { from, to } => (
            Command::Replace {
                zone: zone.clone(),
                from: name(from),
                to: name(to),
            },
            vec![(to.clone(), zone)],
        ),
        What::GroupAdd { group, signer } => {
            let zones = scenario
                .zones
                .iter()
                .filter(|zone| zone.group.as_ref() == Some(group));
            let newcomers = zones
                .map(|zone| (signer.clone(), zone.name.clone()))
                .collect();
            (
                Command::GroupAdd {
                    group: group.clone(),
                    signer: name(signer),
                },
                newcomers,
            )
        }
        What::GroupRemove { group, signer } => (
            Command::GroupRemove {
                group: group.clone(),
                signer: name(signer),
            },
            vec![],
        ),
        What::RollZsk { signer } => roll(zone, signer, RolledKey::Zsk),
        What::RollKsk { signer } => {
            let plan = scenario.zone(&zone);
            let is_common =
                plan.is_some_and(|plan| plan.model == Model::One && plan.ksk_holder == *signer);
            let whose = if is_common { OWNER } else { signer };
            roll(zone, whose, RolledKey::Ksk)
        }
        What::RollCsk { signer } => roll(zone, signer, RolledKey::Csk),
        What::RollAlgorithm { to } => {
            let to = to.number();
            (Command::RollAlgorithm { zone, to }, vec![])
        }
        What::GoInsecure {} => (Command::GoInsecure { zone }, vec![]),
        What::Cancel {} => (Command::Cancel { zone }, vec![]),
        _ => return None,
    })
}

fn roll(zone: Name, signer: &str, key: RolledKey) -> (Command, Vec<(String, Name)>) {
    let signer = SignerName::from(signer);
    (Command::Roll { zone, signer, key }, vec![])
}

/// A signer does what the controller asks for in a note; what the controller must be told then.
pub fn take_turn(scenario: &Scenario, note: &Note, stage: &mut Stage) -> Option<Command> {
    let signer = note.subject.as_str();
    let zone = parse_name(&note.zone).ok()?;
    let kinds = [KeyKind::Zsk, KeyKind::Ksk, KeyKind::Csk];
    let kind = kinds
        .into_iter()
        .find(|kind| note.kind.ends_with(&kind.to_string()));
    let mut told = None;
    match (note.kind, kind) {
        (turn, Some(kind)) if turn.starts_with("new-") => {
            stage.begin_roll(signer, &zone, kind);
            // What the owner of the zone is to publish, it must be told.
            if !stage.owner_keys(&zone).is_empty() {
                let keys = stage.own_keys(signer, &zone, &by_hand::Keys::Kind(kind));
                told = Some(Command::Announce {
                    zone: zone.clone(),
                    signer: signer.into(),
                    keys,
                });
            }
        }
        (turn, Some(kind)) if turn.starts_with("sign-with-new-") => {
            stage.sign_with_newest(signer, &zone, kind);
        }
        (turn, Some(kind)) if turn.starts_with("drop-old-") || turn.starts_with("discard-old-") => {
            stage.drop_replaced(signer, &zone, kind);
        }
        ("sign-also", _) => {
            let now = stage.world.now();
            let mut events = scenario.events_by_time().into_iter().rev();
            let to = events.find_map(|event| match event.what {
                What::RollAlgorithm { to } if event.zone == zone => {
                    Some(to).filter(|_| scenario.start + event.at <= now)
                }
                _ => None,
            });
            let keys = stage.prepare_algorithm(signer, &zone, plan::algorithm(to?));
            told = Some(Command::Announce {
                zone: zone.clone(),
                signer: signer.into(),
                keys,
            });
        }
        ("retire-old", _) => stage.retire_algorithms(signer, &zone),
        ("drop-old-algorithm", _) => stage.drop_retired(signer, &zone),
        ("unsign", _) => stage.unsign(signer, &zone),
        _ => return None,
    }
    let now = stage.world.now();
    stage.world.log.line(now, signer, "turn", note.kind);
    stage.publish(signer, &zone);
    told
}

/// A signer tells the parent's scanner, from where it keeps the zone; nobody waits for the answer.
fn notify(
    scenario: &Scenario,
    zone: &Name,
    signer: Option<&str>,
    rtype: Notified,
    stage: &mut Stage,
) {
    let mut signers = scenario.signers.iter().map(|signer| signer.name.as_str());
    let sender = signer.or_else(|| signers.find(|name| stage.serves(name, zone)));
    let operator = sender.and_then(|name| stage.world.operator(name));
    let (Some(operator), Some(to)) = (operator, plan::notify_address(scenario)) else {
        return;
    };
    let rtype = match rtype {
        Notified::Cds => RecordType::CDS,
        Notified::Csync => RecordType::CSYNC,
    };
    let bytes = dns_notify(NOTIFY_ID, &Question::new(zone.clone(), rtype));
    let seat = stage
        .world
        .seat(stage.world.operators[operator].primary_address);
    let ask = Output::Ask {
        id: AskId(0),
        to,
        via: Transport::Udp,
        bytes,
    };
    stage.world.carry(seat, ask);
}

fn by_hand(scenario: &Scenario, event: &Event, stage: &mut Stage) {
    let zone = &event.zone;
    let all = || -> Vec<String> {
        let names = scenario.signers.iter().map(|signer| signer.name.clone());
        names.filter(|name| stage.serves(name, zone)).collect()
    };
    let at = |chosen: &Option<Vec<String>>| chosen.clone().unwrap_or_else(all);
    match &event.what {
        What::StartServing { signer } => {
            let plan = stage
                .topology
                .zones
                .iter()
                .find(|plan| plan.name == *zone)
                .cloned();
            if let Some(plan) = plan {
                stage.start_serving(signer, &plan);
            }
        }
        What::StopServing { signer } => stage.stop_serving(signer, zone),
        What::StartSigning { signer } => stage.freeze(signer, zone, false),
        What::StopSigning { signer } => stage.freeze(signer, zone, true),
        What::NewKey {
            signer,
            kind,
            label,
        } => {
            // As real signers do: a key that a DS is to name signs DNSKEY from the start.
            let kind = key_kind(*kind);
            stage.make_key(signer, zone, kind, label, kind.signs_keys());
        }
        What::SignWith { signer, label } => stage.sign_with(signer, zone, label),
        What::DropKey { signer, label } => stage.drop_key(signer, zone, label),
        What::ImportDnskey {
            from,
            at_signers,
            keys,
        } => {
            let at: Vec<String> = at(at_signers).into_iter().filter(|s| s != from).collect();
            stage.import_dnskey(zone, from, &at, &selection(keys));
        }
        What::RemoveDnskey {
            from,
            at_signers,
            keys,
        } => {
            let at: Vec<String> = at(at_signers).into_iter().filter(|s| s != from).collect();
            stage.remove_dnskey(zone, from, &at, &selection(keys));
        }
        What::PublishCds {
            at_signers,
            of,
            types,
            digests,
            delete,
            malformed,
            signed_by,
        } => {
            let at = at(at_signers);
            let types: Vec<RecordType> = types.iter().map(|rtype| cds_type(*rtype)).collect();
            let of = of.clone().unwrap_or_else(all);
            let asked = match (delete, malformed) {
                (false, _) => by_hand::Asked::Keys {
                    of,
                    digests: digests.iter().map(|digest| digest.number()).collect(),
                },
                (true, false) => by_hand::Asked::Delete,
                (true, true) => by_hand::Asked::MalformedDelete,
            };
            let signed_by = signed_by.map(key_kind);
            stage.ask_parent(zone, &at, &asked, &types, signed_by);
        }
        What::WithdrawCds { at_signers } => {
            let at = at(at_signers);
            stage.withdraw(zone, &at, &[RecordType::CDS, RecordType::CDNSKEY]);
        }
        What::PublishCsync {
            at_signers,
            flags,
            serial,
            types,
        } => {
            let at = at(at_signers);
            stage.publish_csync(zone, &at, *serial, flags.0, types);
        }
        What::WithdrawCsync { at_signers } => {
            let at = at(at_signers);
            stage.withdraw(zone, &at, &[RecordType::CSYNC]);
        }
        What::SetNs {
            at_signers,
            signers,
        } => {
            let at = at(at_signers);
            stage.set_ns(zone, &at, signers);
        }
        What::SetParentNs { signers } => stage.set_parent_ns(zone, signers),
        What::SetDs { of, digests } => {
            let digests: Vec<u8> = digests.iter().map(|digest| digest.number()).collect();
            stage.set_ds(zone, of, &digests);
        }
        What::ManualDs { of } => stage.set_ds(zone, of, &[DIGEST_SHA256]),
        What::MoveServers { signer, lasting } => stage.move_servers(zone, signer, *lasting),
        What::SetRrset {
            at_signers,
            records,
        } => {
            let at = at(at_signers);
            stage.set_rrsets(zone, &at, &plan::records(records, zone));
        }
        What::SetTtl {
            at_parent: true,
            rtype,
            ttl,
            ..
        } => {
            stage.set_parent_ttl(zone, *rtype, ttl.seconds());
        }
        What::SetTtl {
            at_signers,
            rtype,
            ttl,
            ..
        } => {
            let at = at(at_signers);
            stage.set_ttl(zone, &at, *rtype, ttl.seconds());
        }
        What::Join { .. }
        | What::Leave { .. }
        | What::Replace { .. }
        | What::GroupAdd { .. }
        | What::GroupRemove { .. }
        | What::RollZsk { .. }
        | What::RollKsk { .. }
        | What::RollCsk { .. }
        | What::RollAlgorithm { .. }
        | What::GoInsecure {}
        | What::Cancel {}
        | What::ControllerCrash { .. }
        | What::ControllerStop {}
        | What::ControllerStart {}
        | What::Notify { .. }
        | What::ScanNow {} => {}
    }
    let signers = scenario.signers.iter().map(|signer| signer.name.clone());
    for signer in signers.chain([OWNER.into()]) {
        stage.publish(&signer, zone);
    }
    // To look whether a large zone changed takes longer than all the rest.
    if !event.what.is_of_child_alone() {
        let parent = scenario.parent.zone.clone();
        stage.publish(PARENT, &parent);
    }
}

fn key_kind(kind: scenario::KeyKind) -> KeyKind {
    match kind {
        scenario::KeyKind::Zsk => KeyKind::Zsk,
        scenario::KeyKind::Ksk => KeyKind::Ksk,
        scenario::KeyKind::Csk => KeyKind::Csk,
    }
}

fn selection(keys: &Keys) -> by_hand::Keys {
    match keys {
        Keys::Kind(kind) => by_hand::Keys::Kind(key_kind(*kind)),
        Keys::All => by_hand::Keys::All,
        Keys::Label(label) => by_hand::Keys::Label(label.clone()),
    }
}

fn cds_type(rtype: CdsType) -> RecordType {
    match rtype {
        CdsType::Cds => RecordType::CDS,
        CdsType::Cdnskey => RecordType::CDNSKEY,
    }
}
