//! One scan: the parent's zone, then every child that is wanted, then what becomes of the verdicts.

use std::{collections::BTreeSet, sync::Arc};

use counterpoint_dns::{
    agent::{Output, Transport},
    exchange::Outcome as Came,
    name::Name,
    time::Timestamp,
};

use super::{Scanner, Tag, UPDATE_PAUSE, is_busy};
use crate::{
    delegation::{Asked, BadTransfer, ParentRequest, ParentZone},
    ledger::About,
    policy::InitialAccept,
    state::ChildState,
    survey::{Finding, Subject},
    verdict::Outcome,
};

impl Scanner {
    /// Looks at the parent's zone: at its serial, if that is all that has to be asked.
    pub(super) fn look_at_zone(&mut self, now: Timestamp) {
        self.transfer = Some(std::mem::take(&mut self.wanted));
        let what = match self.zone {
            Some(_) => Asked::Serial,
            None => Asked::All,
        };
        self.ask_parent(what, now);
    }

    fn ask_parent(&mut self, what: Asked, now: Timestamp) {
        let id = self.exchanges.message_id();
        let tsig = self.config.tsig.as_ref();
        let (request, octets) = ParentRequest::new(id, &self.config.parent, what, tsig, now);
        let to = self.config.parent_primary;
        self.exchanges
            .ask_raw(to, Transport::Tcp, octets, Tag::Parent(what, request));
    }

    pub(super) fn serial_came(&mut self, request: &ParentRequest, came: &Came, now: Timestamp) {
        let tsig = self.config.tsig.as_ref();
        match read(came, |octets| request.read_serial(octets, tsig, now)) {
            Ok(serial) => match &self.zone {
                Some(zone) if zone.serial == serial => self.scan(zone.clone(), now),
                _ => self.ask_parent(Asked::All, now),
            },
            Err(error) => self.no_zone(&error, now),
        }
    }

    pub(super) fn zone_came(&mut self, request: &ParentRequest, came: &Came, now: Timestamp) {
        let tsig = self.config.tsig.as_ref();
        match read(came, |octets| request.read(octets, tsig, now)) {
            Ok(zone) => {
                self.zone = Some(zone.clone());
                self.scan(zone, now);
            }
            Err(error) => self.no_zone(&error, now),
        }
    }

    fn no_zone(&mut self, error: &BadTransfer, now: Timestamp) {
        let wanted = self.transfer.take().unwrap_or_default();
        let (parent, text) = (&self.config.parent, error.to_string());
        let said = self
            .ledger
            .say(parent, About::Delegation, "TRANSFER_FAILED", text);
        self.outbox.extend(said);
        self.wanted.doubtful.extend(wanted.doubtful);
        // those that do not wait for the next scan anyway wait for their next turn.
        for child in wanted.some {
            self.patience.wait(&child, [].iter(), &[UPDATE_PAUSE], now);
        }
    }

    /// Begins the scan of every child that is wanted.
    fn scan(&mut self, zone: ParentZone, now: Timestamp) {
        let wanted = self.transfer.take().unwrap_or_default();
        self.ledger.settle(&self.config.parent);
        let ParentZone {
            delegations,
            addresses,
            ..
        } = zone;
        self.survey.set_zone_addresses(Arc::new(addresses));
        self.patience
            .retain(|child| delegations.contains_key(child));
        let doubtful = wanted.doubtful.iter();
        let left: BTreeSet<&Name> = doubtful
            .filter(|child| !self.settle_doubt(child, delegations.get(*child), now))
            .collect();
        for (child, delegation) in delegations {
            let waits = self.patience.waits(&child, now) && !wanted.impatient;
            let is_wanted = wanted.some.contains(&child) || wanted.all && !waits;
            let is_busy = is_busy(&self.survey, &self.memory, &child);
            if !is_wanted || is_busy || left.contains(&child) {
                if wanted.some.contains(&child) {
                    self.notified.put_back(&child);
                }
                continue;
            }
            let is_secure = delegation.ds.is_some();
            let remembered = self
                .memory
                .update(&child, |state| state.ds_is(is_secure, now));
            self.outbox.extend(remembered.map(Output::Persist));
            if !is_secure && self.config.policy.initial.accept == InitialAccept::Never {
                // K-13: nothing that the child could say would matter.
                let text = "B-01 refuse: this parent sets no first DS RRset on request".into();
                let said = self
                    .ledger
                    .say(&child, About::Delegation, "BOOTSTRAP_NEVER", text);
                self.outbox.extend(said);
                self.patience.forget(&child);
                continue;
            }
            let state = self.memory.state(&child);
            let retry = &self.config.policy.gathering.retry;
            let given_up = self.patience.given_up(&child, retry, now);
            let subject = Subject {
                delegation,
                state,
                facts: self.config.facts.get(&child).cloned().unwrap_or_default(),
                given_up,
                report_to: self.notified.report_to(&child),
            };
            self.survey.begin(subject, now);
        }
        self.take_findings(now);
    }

    /// Takes what the survey has come to by now.
    pub(super) fn take_findings(&mut self, now: Timestamp) {
        while let Some(finding) = self.survey.take_finding() {
            self.conclude(finding, now);
        }
    }

    fn conclude(&mut self, finding: Finding, now: Timestamp) {
        let step = |state: &mut ChildState| finding.remember(state, &self.config.policy, now);
        let remembered = self.memory.update(finding.gathered.child(), step);
        self.outbox.extend(remembered.map(Output::Persist));
        let Finding {
            gathered,
            ds,
            csync,
        } = finding;
        let child = gathered.child();
        let mut is_silent = false;
        for (about, verdict) in [(About::Ds, ds), (About::Csync, csync)] {
            let Some(verdict) = verdict else {
                continue;
            };
            let said = self.ledger.verdict(child, about, &verdict);
            self.outbox.extend(said);
            is_silent |= verdict.reason == "SERVER_SILENT";
            if verdict.outcome == Outcome::Accept {
                self.accept(child, verdict, now);
            }
        }
        if is_silent {
            let servers = gathered.servers.iter();
            let retry = &self.config.policy.gathering.retry;
            self.patience.wait(child, servers, retry, now);
        } else {
            self.patience.forget(child);
        }
    }
}

/// What an answer of the primary says.
fn read<T>(
    came: &Came,
    read: impl FnOnce(&[u8]) -> Result<T, BadTransfer>,
) -> Result<T, BadTransfer> {
    match came {
        Came::Raw(octets) => read(octets),
        Came::Reply(_) => Err(BadTransfer("it was not asked for like this".into())),
        Came::Unanswered(why) => Err(BadTransfer(why.to_string())),
    }
}
