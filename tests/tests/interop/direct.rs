//! Runs controller and scanner on their real drivers, and does what they leave to people.

use std::{collections::BTreeMap, time::Duration};

use counterpoint_controller::{
    Command, Config as ControllerConfig, Controller, DdnsAccess, Interface, Limits, RolledKey,
    Safety, Signer, SignerName, Zone,
    audit::{AuditLog, Line},
};
use counterpoint_dns::{
    agent::{Note, Transport},
    driver::{
        agent::{Driver, Options},
        clock::Clock,
        store::MemoryStore,
    },
    name::parse_name,
    resolver,
    stream::stream,
    tsig::TsigKey,
};
use counterpoint_farm::{Group, Signing, software::TSIG_NAME};
use counterpoint_scanner::{Config as ScannerConfig, Scanner};
use counterpoint_scenarios::{
    audit::{Judged, judged},
    outcome::Style,
    scenario::Profile,
};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use crate::{TTL, judges::Judges};

/// The whole story takes a minute and a half; more than this is a hang.
const LIMIT: Duration = Duration::from_secs(300);
/// A scan of the parent's agent begins this long after the one before it.
const SCAN: Duration = Duration::from_secs(1);

fn tsig(group: &Group) -> TsigKey {
    TsigKey::hmac_sha256(parse_name(TSIG_NAME).unwrap(), &group.tsig_secret())
}

fn controller(group: &Group) -> ControllerConfig {
    let ttl = Duration::from_secs(TTL.into());
    let mut config = ControllerConfig::new(group.parent.zone.clone());
    config.poll = Duration::from_millis(250);
    config.safety = Safety::Fixed(Duration::from_secs(1));
    config.parent_settle = 3 * SCAN;
    config.audit = true;
    config.resolver = Some(resolving(group));
    config.parent.ns = vec![group.parent.host()];
    config.parent.max_ttl = ttl;
    let parent = [group.parent.address.into()].into();
    config.addresses.insert(group.parent.host(), parent);
    for signer in &group.signers {
        let at = vec![signer.address.into()];
        config.addresses.insert(signer.host.clone(), at);
        config.signers.insert(
            SignerName::from(signer.software.name()),
            Signer {
                ns: vec![signer.host.clone()],
                in_zone_addresses: BTreeMap::new(),
                interface: Interface::Ddns(DdnsAccess {
                    primary: group.at(signer.address),
                    via: Transport::Tcp,
                    tsig: tsig(group),
                }),
                limits: Limits::default(),
                signal_zones: Default::default(),
                own_keys: Vec::new(),
                csk: Some(false),
                max_ttl: ttl,
            },
        );
    }
    let first = SignerName::from(group.signers[0].software.name());
    config
        .zones
        .insert(group.zone.clone(), Zone::Signers([first].into()));
    config
}

fn scanner(group: &Group) -> ScannerConfig {
    let parent = &group.parent;
    let mut config = ScannerConfig::new(parent.zone.clone(), group.at(parent.address), Clock.now());
    config.tsig = Some(tsig(group));
    config.interval = SCAN;
    config.publish_delay = Duration::ZERO..=Duration::ZERO;
    config.resolver = Some(resolving(group));
    config
}

/// From the root down, and trusting it.
fn resolving(group: &Group) -> resolver::Config {
    let roots = vec![group.root.address.into()];
    let anchor = vec![group.root.trust_anchor().unwrap()];
    resolver::Config::new(roots, anchor)
}

/// What became of it.
pub struct Ended {
    /// Everything that the controller told.
    pub notes: Vec<Note>,
    /// The scanner's word on everything that it did.
    pub scanned: Vec<Note>,
    /// What the oracle says of the controller's audit log.
    pub judged: Judged,
}

/// What the oracle says of an audit log, as it is written and read.
fn judge(log: &[Line]) -> Judged {
    let lines = log.iter().map(Line::to_json);
    let text: String = lines.map(|line| line + "\n").collect();
    let log = AuditLog::read(&mut text.as_bytes()).unwrap().unwrap();
    let mut zones = judged(&log, &[Profile::Liberal, Profile::StrictDs]);
    assert_eq!(zones.len(), 1);
    let judged = zones.remove(0);
    println!("{}", judged.to_text(Style::new(false)));
    judged
}

/// Has a controller that nobody lets write look at the first two signers, who serve the zone, for this long.
pub async fn watch(group: &Group, long: Duration) -> Judged {
    let mut config = controller(group);
    let stranger = TsigKey::hmac_sha256(parse_name("stranger.").unwrap(), &[0; 32]);
    let members = config.signers.iter_mut();
    let members = members.map(|(name, signer)| {
        if let Interface::Ddns(access) = &mut signer.interface {
            access.tsig = stranger.clone();
        }
        name.clone()
    });
    let zone = Zone::Signers(members.collect());
    config.zones.insert(group.zone.clone(), zone);
    let mut log = Vec::new();
    let hear = |at, note: Note| log.push(Line::of(at, &note));
    let agent = Controller::new(config, stream(1, "controller"));
    let (agent, orders) = Driver::new(agent, MemoryStore::default(), hear, Options::default());
    let stop = async {
        sleep(long).await;
        orders.stop().await
    };
    let (ran, stopped) = tokio::join!(agent.run(), stop);
    ran.unwrap();
    stopped.unwrap();
    judge(&log)
}

/// Has the controller carry out `commands` one after the other, until the last one is done.
pub async fn direct(group: &mut Group, judges: &mut Judges, commands: Vec<Command>) -> Ended {
    let (sender, mut notes) = mpsc::unbounded_channel();
    let agent = Controller::new(controller(group), stream(1, "controller"));
    let mut log = Vec::new();
    let hear = |at, note: Note| {
        log.push(Line::of(at, &note));
        if !matches!(note.kind, "declared" | "observed") {
            println!("{at} {note}");
            sender.send(note).unwrap();
        }
    };
    let (agent, orders) = Driver::new(agent, MemoryStore::default(), hear, Options::default());
    let mut scanned = Vec::new();
    let parental = Scanner::new(scanner(group), stream(1, "scanner"));
    let hear = |at, note: Note| {
        println!("{at} scanner: {note}");
        scanned.push(note);
    };
    let (parental, scans) = Driver::new(parental, MemoryStore::default(), hear, Options::default());
    let acting = async {
        let mut told = Vec::new();
        for command in commands {
            orders.command(command.clone()).await.unwrap();
            loop {
                let note = notes.recv().await.unwrap();
                react(group, judges, &command, &note);
                told.push(note.clone());
                if note.kind == "done" {
                    break;
                }
            }
        }
        orders.stop().await.unwrap();
        scans.stop().await.unwrap();
        told
    };
    let all = async { tokio::join!(agent.run(), parental.run(), acting) };
    let (ran, scanner_ran, notes) = timeout(LIMIT, all).await.expect("it ends in time");
    ran.unwrap();
    scanner_ran.unwrap();
    let judged = judge(&log);
    Ended {
        notes,
        scanned,
        judged,
    }
}

/// What people do when they are told.
fn react(group: &mut Group, judges: &mut Judges, command: &Command, note: &Note) {
    let index = |name: &str| {
        let mut signers = group.signers.iter();
        signers.position(|signer| signer.software.name() == name)
    };
    match (note.kind, note.subject.as_str()) {
        ("blocked" | "refused" | "guard", _) => panic!("{note}"),
        // Soon a cache may ask it.
        ("step", "join/6") => {
            if let Command::Join { signer, .. } = command {
                let index = index(&signer.to_string()).unwrap();
                judges.admit(group, index);
            }
        }
        ("released", name) => {
            let index = index(name).unwrap();
            judges.dismiss(group.signers[index].software);
            group.signers[index].stop();
        }
        ("new-zsk" | "sign-with-new-zsk" | "drop-old-zsk", name) => {
            roll(group, index(name).unwrap(), note.kind);
        }
        _ => {}
    }
}

/// What PowerDNS's operator types.
fn roll(group: &Group, index: usize, turn: &str) {
    let tool = group.signers[index].pdnsutil().expect("it is PowerDNS");
    let zone = group.zone.to_string();
    let ids = || {
        let told = tool.run(&["list-keys", &zone]).unwrap();
        let lines = told.lines().filter(|line| line.contains(" ZSK "));
        // … ALGORITHM ID LOCATION KEYTAG
        let id = |line: &str| line.split_whitespace().rev().nth(2).unwrap().to_string();
        lines.map(id).collect::<Vec<String>>()
    };
    let published = ids();
    match (turn, &published[..]) {
        ("new-zsk", [_]) => {
            let words = [
                "add-zone-key",
                &zone,
                "zsk",
                "inactive",
                "published",
                "ecdsa256",
            ];
            tool.run(&words).unwrap();
        }
        ("sign-with-new-zsk", [old, new]) => {
            tool.run(&["activate-zone-key", &zone, new]).unwrap();
            tool.run(&["deactivate-zone-key", &zone, old]).unwrap();
        }
        ("drop-old-zsk", [old, _]) => {
            tool.run(&["remove-zone-key", &zone, old]).unwrap();
        }
        // Told twice.
        _ => println!("{turn}: done before; ZSKs {published:?}"),
    }
}

/// A signer joins.
pub fn join(group: &Group, signer: Signing) -> Command {
    Command::Join {
        zone: group.zone.clone(),
        signer: signer.name().into(),
    }
}

/// A signer leaves.
pub fn leave(group: &Group, signer: Signing) -> Command {
    Command::Leave {
        zone: group.zone.clone(),
        signer: signer.name().into(),
        dead: false,
    }
}

/// A signer's ZSK rolls.
pub fn roll_zsk(group: &Group, signer: Signing) -> Command {
    Command::Roll {
        zone: group.zone.clone(),
        signer: signer.name().into(),
        key: RolledKey::Zsk,
    }
}
