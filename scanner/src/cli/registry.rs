//! The registry: what its database has of a delegation, and changes of it, by EPP.
//!
//! EPP has no prerequisites. What is there is asked for just before it is changed, and what goes is
//! named, so that a change fails where it is not there. The way back is written before anything is sent.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
};

use counterpoint_dns::{
    key::Dnskey,
    name::{Name, RecordType},
    rrset::RrSet,
    stream::Stream,
    validate::keys_of,
};
use rand::RngExt as _;
use serde_json::json;

use super::{Failure, plan::write_durably, primary::Has};
use crate::{
    apply::Sent,
    epp::{
        answer::Waiting,
        client::{self, Connection, Papers},
        code::Meaning,
        command::Command,
        delegated::{Delegated, Interface},
        series::carry_out,
        session::{Session, Trouble},
    },
    input::{BadInput, secret},
    output::epp,
    plan::text::present,
    policy::{EppPlace, Policy, Secures},
    survey::Finding,
    verdict::{Change, Replacement},
};

/// How many messages are taken at a time.
const MESSAGES_MAX: usize = 1_000;

/// A session with the registry.
pub struct Registry<'a> {
    session: Session<Connection>,
    place: &'a EppPlace,
    /// Where the ways back are written.
    rollback: PathBuf,
}

impl<'a> Registry<'a> {
    /// Connects and logs in, as the policy says.
    pub fn open(policy: &'a Policy, rollback: &Path, mut stream: Stream) -> Result<Self, Failure> {
        let place = &policy.epp;
        check(policy)?;
        let password = secret::read_line(Path::new(&place.password_file))?;
        let text = |path: &str| {
            fs::read_to_string(path)
                .map_err(|error| BadInput::new(path, error, "name a PEM file that can be read"))
        };
        let papers = Papers {
            authorities: match place.authorities.is_empty() {
                true => None,
                false => Some(text(&place.authorities)?),
            },
            own: match place.certificate.is_empty() {
                true => None,
                false => Some((
                    text(&place.certificate)?,
                    secret::read(Path::new(&place.key))?,
                )),
            },
        };
        let failed = |why: &dyn std::fmt::Display| {
            Failure::Refused(format!("the registry at {}: {why}", place.server))
        };
        let connection = client::connect(&place.server, &papers);
        let connection = connection.map_err(|error| failed(&error))?;
        let prefix = format!("CP-{:016x}", stream.random::<u64>());
        let session = Session::open(connection, &prefix, &place.user, &password, place.ttl);
        Ok(Self {
            session: session.map_err(|trouble| failed(&trouble))?,
            place,
            rollback: rollback.into(),
        })
    }

    /// What it calls itself.
    pub fn name(&self) -> &str {
        self.session.server()
    }

    /// Takes the messages that wait, each acknowledged once it is durable in this file.
    pub fn take_messages(&mut self, to: &Path) -> Result<usize, Failure> {
        let failed = |trouble: Trouble| Failure::Refused(format!("poll: {trouble}"));
        let mut file = OpenOptions::new().create(true).append(true).open(to)?;
        for taken in 0..MESSAGES_MAX {
            let answer = self.session.ask(&Command::Poll).map_err(failed)?;
            let Some(message) = answer.message.filter(|message| !message.id.is_empty()) else {
                return Ok(taken);
            };
            let Waiting {
                id,
                queued,
                text,
                ended,
                ..
            } = &message;
            let line = json!({ "id": id, "queued": queued, "text": text, "ended": ended });
            writeln!(file, "{line}")?;
            file.sync_all()?;
            let ack = Command::Acknowledge(id.clone());
            let answer = self.session.ask(&ack).map_err(failed)?;
            if answer.meaning() != Meaning::Done {
                return Err(Failure::Refused(format!("{}: {answer}", ack.title())));
            }
        }
        Ok(MESSAGES_MAX)
    }

    /// What the registry has of a change.
    pub fn has(&mut self, change: &Change) -> Result<(Has, Vec<String>), String> {
        let there = self.look(change)?;
        let (mut is_wanted, mut differences) = (true, Vec::new());
        for set in &change.sets {
            let nothing = RrSet::new(set.name.clone(), set.rtype, 0, []);
            let seen = set.seen.as_ref().unwrap_or(&nothing);
            // Where only the TTL changes (D-04), it tells what is there.
            let is_ttl = seen.data == set.wanted.data && !set.is_noop();
            let ttl = there.ttls.get(&set.rtype.to_string());
            is_wanted &= there.publishes(&change.child, &set.wanted)
                && (!is_ttl || ttl == Some(&set.wanted.ttl));
            if !there.publishes(&change.child, seen) {
                differences.push(difference(set));
            }
        }
        let has = match (is_wanted, differences.is_empty()) {
            (true, _) => Has::Wanted,
            (false, true) => Has::Seen,
            (false, false) => Has::Other,
        };
        Ok((has, differences))
    }

    /// Sends the commands of a change.
    pub fn send(&mut self, change: &Change, finding: &Finding) -> Sent {
        let there = match self.look(change) {
            Ok(there) => there,
            Err(why) => return Sent::Refused(why),
        };
        let keys = keys_shown(finding);
        let interface = match self.place.interface {
            Secures::Ds => Interface::Ds,
            Secures::Keys => Interface::Keys(&keys),
        };
        let wanted = match there.after(change, interface, self.place.ttl) {
            Ok(wanted) => wanted,
            Err(unfit) => return Sent::Refused(unfit.to_string()),
        };
        let child = &change.child;
        let commands = there.commands(child, &wanted);
        if commands.is_empty() {
            let why = "EPP cannot say this change: TTLs are set where `epp.ttl` is true";
            return Sent::Refused(why.into());
        }
        let back = wanted.commands(child, &there);
        if let Err(error) = self.write_back(child, &back) {
            return Sent::Stop(format!("the way back cannot be written: {error}"));
        }
        carry_out(&mut self.session, &commands)
    }

    /// The delegation as the registry has it.
    fn look(&mut self, change: &Change) -> Result<Delegated, String> {
        let info = Command::DomainInfo(change.child.clone(), self.place.ttl);
        let answer = self.ask_for(&info)?;
        let domain = answer
            .domain
            .ok_or_else(|| format!("{}: there is no domain in the answer", info.title()))?;
        if domain.name != change.child {
            return Err(format!("{}: it shows {}", info.title(), domain.name));
        }
        if domain.status.contains("pendingUpdate") {
            return Err(format!("{}: a change of it is pending", info.title()));
        }
        let ns = domain.ns.iter().map(Name::to_lowercase);
        let ns: BTreeSet<Name> = ns.collect();
        let mut names = ns.clone();
        for set in &change.sets {
            match set.rtype {
                RecordType::NS => {
                    let wanted = set.wanted.data.iter().filter_map(|data| data.as_name());
                    names.extend(wanted.map(|name| name.to_lowercase()));
                }
                RecordType::A | RecordType::AAAA => {
                    names.insert(set.name.to_lowercase());
                }
                _ => {}
            }
        }
        let is_about_hosts = change.sets.iter().any(|set| set.rtype != RecordType::DS);
        let mut hosts = BTreeMap::new();
        for name in names.into_iter().filter(|_| is_about_hosts) {
            let info = Command::HostInfo(name.clone());
            let answer = self.session.ask(&info);
            let answer = answer.map_err(|trouble| format!("{}: {trouble}", info.title()))?;
            match (answer.meaning(), &answer.host) {
                (Meaning::Done, Some(addresses)) => {
                    hosts.insert(name, addresses.clone());
                }
                (Meaning::NotAsSeen, _) => {}
                _ => return Err(format!("{}: {answer}", info.title())),
            }
        }
        Ok(Delegated {
            ns,
            secured: domain.secured,
            ttls: domain.ttls,
            hosts,
        })
    }

    fn ask_for(&mut self, command: &Command) -> Result<crate::epp::answer::Answer, String> {
        let answer = self.session.ask(command);
        let answer = answer.map_err(|trouble| format!("{}: {trouble}", command.title()))?;
        match answer.meaning() {
            Meaning::Done => Ok(answer),
            _ => Err(format!("{}: {answer}", command.title())),
        }
    }

    fn write_back(&self, child: &Name, back: &[Command]) -> Result<(), Failure> {
        fs::create_dir_all(&self.rollback)?;
        for (number, command) in (1..).zip(back) {
            let file = epp::file_of(child, number);
            let document = command.document(&format!("ROLLBACK-{number}"));
            write_durably(&self.rollback.join(file), &document)?;
        }
        Ok(())
    }

    /// Takes leave.
    pub fn close(self) {
        self.session.close();
    }
}

/// Whether the policy can be carried out by EPP.
fn check(policy: &Policy) -> Result<(), BadInput> {
    let place = &policy.epp;
    let missing = [
        ("epp.server", &place.server),
        ("epp.user", &place.user),
        ("epp.password-file", &place.password_file),
    ];
    for (key, value) in missing {
        if value.is_empty() {
            let remedy = "say it in the policy: `[epp]` names server, user and password-file";
            return Err(BadInput::new(key, "it is not said", remedy));
        }
    }
    if place.certificate.is_empty() != place.key.is_empty() {
        let what = "a certificate without its key, or the reverse";
        return Err(BadInput::new("epp.certificate", what, "name both"));
    }
    if !place.ttl && !policy.ds.ttl_after_change.is_zero() {
        let what = "the policy changes TTLs (D-04), and this registry sets none by request";
        let remedy = "set `epp.ttl = true`, or `ds.ttl-after-change = \"0s\"`";
        return Err(BadInput::new("epp.ttl", what, remedy));
    }
    Ok(())
}

/// The keys that a child shows, as CDNSKEY and DNSKEY.
fn keys_shown(finding: &Finding) -> BTreeSet<Dnskey> {
    let servers = finding.gathered.servers.iter();
    let answers = servers.flat_map(|server| [&server.cdnskey, &server.dnskey]);
    let sets = answers.filter_map(|answer| answer.present());
    sets.flat_map(keys_of).collect()
}

fn difference(set: &Replacement) -> String {
    let seen = set.seen.iter().flat_map(|seen| &seen.data);
    let seen: Vec<String> = seen.map(|data| present(set.rtype, data)).collect();
    format!(
        "the registry has another {} {} than {{{}}}",
        set.name,
        set.rtype,
        seen.join(", ")
    )
}
