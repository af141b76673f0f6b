//! Signals that a parent must not follow, whoever publishes them, and one that it must: each drawn scenario
//! says what the parent must be like at the end, for no cache would fail if it were otherwise.

use std::time::Duration;

use counterpoint_dns::name::{Name, RecordType};
use rand::RngExt as _;

use super::Drawing;
use crate::scenario::{
    CdsType, CsyncFlags, Digest, Fault, FaultKind, KeyKind, KeyLayout, ParentState, Range, Record,
    Target, What,
    time::{hours, minutes, seconds},
};

/// Both flags (RFC 7477 §2.1.1.2).
const BOUND: CsyncFlags = CsyncFlags(3);
/// No zone comes to have this serial in a run.
const FAR_AHEAD: u32 = 1_000_000;
/// How long a message of the scanner takes while a zone moves.
const SLOW: Duration = seconds(1);
/// From one version of a moving zone to the next: less than one reading takes.
const MOVES_EVERY: Duration = seconds(3);
/// How often a parent looks, and how long it takes, where a server is restored from a backup.
const SOON: Duration = hours(6);
/// Versions of a moving zone.
const MOVES: u32 = 20;

impl Drawing {
    /// One story that the parent must not follow, or must.
    pub(super) fn forged(&mut self) {
        let zone = self.scenario.zones[0].name.clone();
        let members = self.scenario.zones[0].signers.clone();
        let at = minutes(self.chance.random_range(30..=120));
        match self.chance.random_range(0..6_u32) {
            0 => self.by_zsk(&zone, &members[0], at),
            1 => self.malformed(&zone, at),
            2 => self.ahead(&zone, &members, at),
            3 => self.moving(&zone, &members, at),
            4 => return self.replayed(&zone, &members, at),
            _ => return self.mixed_digests(&zone, &members, at),
        }
        self.scenario.expect.parent = Some(ParentState::Untouched);
    }

    /// RFC 7344 §4.1: somebody who has the ZSK alone asks for the DS of another key.
    fn by_zsk(&mut self, zone: &Name, signer: &str, at: Duration) {
        let types = vec![CdsType::Cds, CdsType::Cdnskey];
        self.spare(
            zone,
            signer,
            at,
            types,
            vec![Digest::Sha256],
            Some(KeyKind::Zsk),
        );
    }

    /// One digest type for each key: the parent must find out one that all have (RFC 4509 §3).
    fn mixed_digests(&mut self, zone: &Name, members: &[String], at: Duration) {
        // The first signer's alone has the weaker one.
        let digests = vec![Digest::Sha256, Digest::Sha384];
        let signer = &members[members.len() - 1];
        self.spare(zone, signer, at, vec![CdsType::Cds], digests, None);
        self.scenario.expect.parent = Some(ParentState::Changed);
    }

    /// A signer has another KSK, and the DS RRset is to name it beside all others.
    fn spare(
        &mut self,
        zone: &Name,
        signer: &str,
        at: Duration,
        types: Vec<CdsType>,
        digests: Vec<Digest>,
        signed_by: Option<KeyKind>,
    ) {
        for signer in &mut self.scenario.signers {
            signer.keys = KeyLayout::KskZsk;
        }
        let spare = What::NewKey {
            signer: signer.into(),
            kind: KeyKind::Ksk,
            label: "spare".into(),
        };
        self.push(at, zone, spare);
        let wait = self.longest_ttl();
        let asked = What::PublishCds {
            at_signers: None,
            of: None,
            types,
            digests,
            delete: false,
            malformed: false,
            signed_by,
        };
        self.push(at + wait * 2, zone, asked);
    }

    /// RFC 8078 §4: a request to delete has one shape.
    fn malformed(&mut self, zone: &Name, at: Duration) {
        let asked = What::PublishCds {
            at_signers: None,
            of: None,
            types: vec![CdsType::Cds, CdsType::Cdnskey],
            digests: vec![Digest::Sha256],
            delete: true,
            malformed: true,
            signed_by: None,
        };
        self.push(at, zone, asked);
    }

    /// RFC 7477 §2.1.1.1: a CSYNC bound to a serial that the zone does not have.
    fn ahead(&mut self, zone: &Name, members: &[String], at: Duration) {
        let signers = self.fewer(members);
        self.ns(at, zone, signers);
        self.csync(at, zone, Some(FAR_AHEAD));
    }

    /// RFC 7477 §3.1: a zone that moves while it is read. Every version is read in part only, for a
    /// message of the scanner takes too long.
    fn moving(&mut self, zone: &Name, members: &[String], at: Duration) {
        for signer in &mut self.scenario.signers {
            signer.propagation = Range::default();
        }
        let signers = self.fewer(members);
        self.ns(at, zone, signers);
        self.csync(at, zone, None);
        for number in 1..=MOVES {
            let at_signers = None;
            let text = format!("www A 192.0.2.{}", 1 + number % 2);
            let records = Record::parse(&text).into_iter().collect();
            let what = What::SetRrset {
                at_signers,
                records,
            };
            self.push(at + MOVES_EVERY * number, zone, what);
        }
        let end = at + MOVES_EVERY * MOVES;
        let at_signers = None;
        self.push(end, zone, What::WithdrawCsync { at_signers });
        self.push(at + MOVES_EVERY * 3, zone, What::ScanNow {});
        self.scenario.faults.push(Fault {
            number: 0,
            from: at - minutes(1),
            until: Some(end + minutes(10)),
            kind: FaultKind::Latency(Range::exactly(SLOW)),
            target: Target::Scanner,
        });
    }

    /// RFC 7477 §3.1, RFC 9975: what was followed is withdrawn, and shown again.
    fn replayed(&mut self, zone: &Name, members: &[String], at: Duration) {
        let stays = members[0].clone();
        // What comes from the backup must not outlive its signatures.
        let scanner = &mut self.scenario.scanner;
        scanner.interval = scanner.interval.min(SOON);
        scanner.publish_delay.high = scanner.publish_delay.high.min(SOON);
        let scanner = &self.scenario.scanner;
        let lag = self.scenario.signers.iter().map(|s| s.propagation.high);
        let seen = lag.max().unwrap_or_default() + minutes(20);
        let taken = seen
            + (scanner.interval + scanner.publish_delay.high) * 3
            + self.scenario.parent.propagation.high
            + scanner.retry.iter().sum::<Duration>();
        self.csync(at, zone, None);
        let signers = vec![stays.clone()];
        self.ns(at + seen, zone, signers);
        self.csync(at + seen, zone, None);
        self.scenario.faults.push(Fault {
            number: 0,
            from: at + seen + taken,
            until: None,
            kind: FaultKind::Replay(at + seen - seconds(1)),
            target: Target::Signer(stays.clone()),
        });
        self.scenario.expect.signers = Some(vec![stays]);
    }

    /// Fewer than `members`, and not none.
    fn fewer(&mut self, members: &[String]) -> Vec<String> {
        let count = self.chance.random_range(1..members.len());
        members[..count].to_vec()
    }

    fn ns(&mut self, at: Duration, zone: &Name, signers: Vec<String>) {
        let at_signers = None;
        let what = What::SetNs {
            at_signers,
            signers,
        };
        self.push(at, zone, what);
    }

    fn csync(&mut self, at: Duration, zone: &Name, serial: Option<u32>) {
        let what = What::PublishCsync {
            at_signers: None,
            flags: BOUND,
            serial,
            types: vec![RecordType::NS, RecordType::A, RecordType::AAAA],
        };
        self.push(at, zone, what);
    }
}
