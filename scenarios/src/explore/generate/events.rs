//! What happens in a drawn scenario: requests to the controller, what operators do beside, and, with
//! no controller, signals to the parent that nobody thought through.

use std::{collections::BTreeSet, time::Duration};

use counterpoint_dns::name::{Name, RecordType};
use rand::RngExt as _;

use super::{Drawing, LONGEST_CRASH, TTLS};
use crate::{
    explore::feature::Feature,
    scenario::{
        CdsType, CsyncFlags, Digest, Event, Fault, FaultKind, Notified, Record, Target, Ttl, What,
        time::{hours, minutes, seconds},
    },
};

impl Drawing {
    /// Requests to the controller, and what happens beside.
    pub(super) fn requests(&mut self) {
        let mut at = minutes(self.chance.random_range(1..=120));
        for index in 0..self.scenario.zones.len() {
            let zone = &self.scenario.zones[index];
            let (name, is_grouped) = (zone.name.clone(), zone.group.is_some());
            if is_grouped && index > 0 {
                break; // the group's requests are those of all its zones
            }
            let mut members: BTreeSet<String> = zone.signers.iter().cloned().collect();
            let is_alone = self.scenario.zones.len() == 1 && !is_grouped;
            if self.has(Feature::DeadLeaver) && members.len() > 1 && is_alone {
                at = self.dead_leaver(&name, &mut members, at);
            }
            let most = if self.has(Feature::Busy) { 4 } else { 2 };
            for _ in 0..self.chance.random_range(1..=most) {
                match self.about_keys(&members) {
                    Some(what) => self.push(at, &name, what),
                    None => {
                        self.request(&name, is_grouped, &mut members, at);
                        self.cancel(&name, at);
                    }
                }
                let gap = match self.has(Feature::Overlap) {
                    true => minutes(10),
                    false => self.process_span(),
                };
                at += self.up_to(gap);
                if self.has(Feature::Renewal) && self.has_common_ksk() {
                    at += self.scenario.controller.signature_validity;
                }
            }
            self.go_insecure(&name, at);
        }
        self.beside();
    }

    /// A signer falls silent for ever and is taken out.
    fn dead_leaver(
        &mut self,
        zone: &Name,
        members: &mut BTreeSet<String>,
        at: Duration,
    ) -> Duration {
        let all: Vec<String> = members.iter().cloned().collect();
        let dead = self.pick(&all);
        members.remove(&dead);
        let noticed = at + self.up_to(hours(2));
        let span = self.process_span();
        let until = match self.has(Feature::Ghost) {
            true => Some(noticed + minutes(1) + self.up_to(span)),
            false => None,
        };
        self.scenario.faults.push(Fault {
            number: 0,
            from: at,
            until,
            kind: FaultKind::Dead,
            target: Target::Signer(dead.clone()),
        });
        self.push(
            noticed,
            zone,
            What::Leave {
                signer: dead.clone(),
                dead: true,
            },
        );
        noticed + minutes(1)
    }

    pub(super) fn is_dead(&self, signer: &str) -> bool {
        let mut events = self.scenario.events.iter();
        events.any(|event| matches!(&event.what, What::Leave { signer: gone, dead: true } if gone == signer))
    }

    /// One request that makes sense after those before it.
    fn request(
        &mut self,
        zone: &Name,
        grouped: bool,
        members: &mut BTreeSet<String>,
        at: Duration,
    ) {
        let signers = self
            .scenario
            .signers
            .iter()
            .map(|signer| signer.name.clone());
        let alive: Vec<String> = signers.filter(|name| !self.is_dead(name)).collect();
        let returns = self.has(Feature::Return);
        let is_new = |name: &&String| returns || !self.left.contains(*name);
        let outside = alive
            .iter()
            .filter(|name| !members.contains(*name))
            .filter(is_new);
        let outside: Vec<String> = outside.cloned().collect();
        // Who signs for all others stays.
        let keeper = self
            .scenario
            .zone(zone)
            .and_then(|zone| zone.primary.clone());
        let inside = members.iter().filter(|name| keeper.as_ref() != Some(name));
        let inside: Vec<String> = inside.cloned().collect();
        let join = match (outside.is_empty(), members.len() > 1) {
            (true, true) => false,
            (false, false) => true,
            (false, true) => self.one_in(2),
            (true, false) => return,
        };
        let is_possible = !outside.is_empty() && !inside.is_empty();
        let replaces = self.has(Feature::Replace) && is_possible && !grouped;
        let what = if replaces && self.one_in(2) {
            let (from, to) = (self.pick(&inside), self.pick(&outside));
            members.remove(&from);
            self.left.insert(from.clone());
            members.insert(to.clone());
            What::Replace { from, to }
        } else if join {
            let signer = self.pick(&outside);
            members.insert(signer.clone());
            match grouped {
                true => What::GroupAdd {
                    group: "g1".into(),
                    signer,
                },
                false => What::Join { signer },
            }
        } else {
            let signer = self.pick(&inside);
            members.remove(&signer);
            self.left.insert(signer.clone());
            match grouped {
                true => What::GroupRemove {
                    group: "g1".into(),
                    signer,
                },
                false => What::Leave {
                    signer,
                    dead: false,
                },
            }
        };
        self.push(at, zone, what);
    }

    /// What happens while the controller works.
    fn beside(&mut self) {
        let first = self
            .scenario
            .events
            .iter()
            .map(|event| event.at)
            .min()
            .unwrap_or_default();
        let zone = self.scenario.zones[0].name.clone();
        if self.has(Feature::Crash) {
            for _ in 0..self.chance.random_range(1..=3_u32) {
                let at = self.during(first);
                let lasting = self.pick(&[seconds(1), minutes(1), minutes(10), LONGEST_CRASH]);
                match self.one_in(3) {
                    true => {
                        self.push(at, &Name::root(), What::ControllerStop {});
                        self.push(at + lasting, &Name::root(), What::ControllerStart {});
                    }
                    false => self.push(at, &Name::root(), What::ControllerCrash { lasting }),
                }
            }
        }
        if self.has(Feature::ScanNow) {
            let at = self.during(first);
            self.push(at, &zone, What::ScanNow {});
            let (at, rtype) = (self.during(first), self.pick(Notified::ALL));
            if self.scenario.scanner.notify {
                let signer = None;
                self.push(at, &zone, What::Notify { signer, rtype });
            }
        }
        if self.has(Feature::Records) {
            let at = self.during(first);
            let records = Record::parse("www A 192.0.2.2").into_iter().collect();
            self.push(
                at,
                &zone,
                What::SetRrset {
                    at_signers: None,
                    records,
                },
            );
        }
        if self.has(Feature::ChangedTtl) {
            for _ in 0..self.chance.random_range(1..=2_u32) {
                self.changed_ttl(&zone, first);
            }
        }
    }

    /// A TTL is lowered, or raised as far as was declared.
    fn changed_ttl(&mut self, zone: &Name, first: Duration) {
        // Half of them shortly before the first request: what was served then is still held.
        let (at, drawn) = match self.one_in(2) {
            true => (first - self.up_to(first), self.pick(&TTLS[..4])),
            false => (self.during(first), self.pick(&TTLS)),
        };
        let (rtype, at_parent) = self.pick(&[
            // What every process changes: twice as often.
            (RecordType::DNSKEY, false),
            (RecordType::DNSKEY, false),
            (RecordType::NS, false),
            (RecordType::A, false),
            (RecordType::DS, true),
            (RecordType::NS, true),
        ]);
        let signers = self.scenario.zones[0].signers.clone();
        let signer = self.pick(&signers);
        let parent = &self.scenario.parent;
        let most = match at_parent {
            true => parent.ds_ttl.max(parent.ns_ttl),
            false => self
                .scenario
                .signer(&signer)
                .map_or(Ttl::from_seconds(1), |s| s.max_ttl),
        };
        let ttl = Ttl::from_seconds(drawn).min(most);
        let at_signers = (!at_parent).then(|| vec![signer]);
        self.push(
            at,
            zone,
            What::SetTtl {
                at_signers,
                at_parent,
                rtype,
                ttl,
            },
        );
    }

    /// An instant at which a process that begins at `first` probably runs.
    fn during(&mut self, first: Duration) -> Duration {
        let span = self.process_span();
        first + self.up_to(span)
    }

    /// Signals without a controller: of CDS or of CSYNC, not of both, for together they can ask for
    /// what no parent can know to be too early. The keys and the data of all signers stay right.
    pub(super) fn signals(&mut self) {
        let zone = self.scenario.zones[0].name.clone();
        let members = self.scenario.zones[0].signers.clone();
        let is_cds = self.one_in(2);
        let mut at = minutes(self.chance.random_range(1..=60));
        for _ in 0..self.chance.random_range(1..=5_u32) {
            let at_signers = self.some(&members);
            let some = self.some(&members).unwrap_or_else(|| members.clone());
            let what = match (is_cds, self.chance.random_range(0..5_u32)) {
                (true, 0) => What::WithdrawCds { at_signers },
                // Everybody together may ask for that.
                (true, 1) => What::PublishCds {
                    at_signers: Some(members[..members.len() - 1].to_vec()),
                    of: None,
                    types: vec![CdsType::Cds, CdsType::Cdnskey],
                    digests: vec![Digest::Sha256],
                    delete: true,
                    malformed: false,
                    signed_by: None,
                },
                (true, n) => What::PublishCds {
                    at_signers,
                    of: Some(some),
                    types: match n {
                        2 => vec![CdsType::Cds],
                        _ => vec![CdsType::Cds, CdsType::Cdnskey],
                    },
                    digests: vec![Digest::Sha256],
                    delete: false,
                    malformed: false,
                    signed_by: None,
                },
                (false, 0) => What::WithdrawCsync { at_signers },
                (false, 1 | 2) => What::SetNs {
                    at_signers,
                    signers: some,
                },
                (false, n) => What::PublishCsync {
                    at_signers,
                    flags: CsyncFlags(self.pick(&[0, 1, 2, 3, 3, 3])),
                    serial: if n == 3 {
                        None
                    } else {
                        Some(self.pick(&[0, 1, u32::MAX]))
                    },
                    types: vec![RecordType::NS, RecordType::A, RecordType::AAAA],
                },
            };
            self.push(at, &zone, what);
            let gap = self.scenario.scanner.interval * 3;
            at += self.up_to(gap);
        }
    }

    /// Some of `members`; none: all, as a file that says nothing.
    fn some(&mut self, members: &[String]) -> Option<Vec<String>> {
        let chosen: Vec<String> = members.iter().filter(|_| self.one_in(2)).cloned().collect();
        Some(chosen).filter(|chosen| !chosen.is_empty() && chosen.len() < members.len())
    }

    pub(super) fn push(&mut self, at: Duration, zone: &Name, what: What) {
        let zone = if what.has_zone() {
            zone.clone()
        } else {
            Name::root()
        };
        self.scenario.events.push(Event {
            number: 0,
            at,
            zone,
            what,
        });
    }
}
