//! One scan: the parent's zone, then every child that is wanted, then the verdicts.

use std::{collections::BTreeSet, net::IpAddr};

use counterpoint_dns::{
    agent::Transport,
    exchange::Outcome as Came,
    name::Name,
    resolver::{Resolution, Resolver, Status},
    time::Timestamp,
};

use super::{Scanner, Tag, UPDATE_PAUSE, Wanted};
use crate::{
    delegation::{BadTransfer, ParentZone, TransferRequest},
    gather::{
        Answer, Gathered,
        phase::{Slot, Target},
        run::{Run, Surroundings, Want},
    },
    judge::{judge_cds, judge_csync},
    ledger::About,
    verdict::{Outcome, Verdict},
};

impl Scanner {
    fn around(&self, now: Timestamp) -> Surroundings<'_> {
        Surroundings {
            config: &self.config,
            policy: &self.policy,
            zone: &self.addresses,
            resolves: self.resolver.is_some(),
            now,
        }
    }

    pub(super) fn ask_for_zone(&mut self, now: Timestamp) {
        self.transfer = Some(std::mem::take(&mut self.wanted));
        let id = self.exchanges.message_id();
        let tsig = self.config.tsig.as_ref();
        let (request, octets) = TransferRequest::new(id, &self.config.parent, tsig, now);
        let to = self.config.parent_primary;
        self.exchanges
            .ask_raw(to, Transport::Tcp, octets, Tag::Transfer(request));
    }

    pub(super) fn zone_came(&mut self, request: &TransferRequest, came: Came, now: Timestamp) {
        let wanted = self.transfer.take().unwrap_or_default();
        let zone = match came {
            Came::Raw(octets) => {
                let tsig = self.config.tsig.as_ref();
                request.read(&octets, tsig, &mut self.last_transfer, now)
            }
            Came::Reply(_) => return,
            Came::Unanswered(why) => Err(BadTransfer(why.to_string())),
        };
        let parent = self.config.parent.clone();
        match zone {
            Ok(zone) => {
                self.ledger.settle(&parent);
                self.scan(zone, &wanted, now);
            }
            Err(error) => {
                let text = error.to_string();
                let said = self
                    .ledger
                    .say(&parent, About::Delegation, "TRANSFER_FAILED", text);
                self.outbox.extend(said);
                // those that do not wait for the next scan anyway wait for their next turn.
                for child in wanted.some {
                    self.patience.wait(&child, [].iter(), &[UPDATE_PAUSE], now);
                }
            }
        }
    }

    /// Begins the scan of every child that is wanted.
    fn scan(&mut self, zone: ParentZone, wanted: &Wanted, now: Timestamp) {
        let ParentZone {
            delegations,
            addresses,
            ..
        } = zone;
        self.addresses = addresses;
        self.patience
            .retain(|child| delegations.contains_key(child));
        let doubtful = std::mem::take(&mut self.doubtful).into_iter();
        let left: BTreeSet<Name> = doubtful
            .filter(|child| !self.settle_doubt(child, delegations.get(child)))
            .collect();
        for (child, delegation) in delegations {
            let waits = self.patience.waits(&child, now) && !wanted.impatient;
            let is_wanted = wanted.some.contains(&child) || wanted.all && !waits;
            let is_busy =
                self.runs.contains_key(&child) || self.memory.pending.contains_key(&child);
            if !is_wanted || is_busy || left.contains(&child) {
                continue;
            }
            if delegation.ds.is_none() {
                // ordinary validation says nothing about a child without a DS RRset.
                let text = "X-12 ignore: the delegation has no DS RRset".into();
                let said =
                    self.ledger
                        .say(&child, About::Delegation, "BOOTSTRAP_NOT_SUPPORTED", text);
                self.outbox.extend(said);
                self.patience.forget(&child);
                continue;
            }
            let guards = self.memory.guards.get(&child).cloned().unwrap_or_default();
            let given_up = self.patience.given_up(&child, &self.config.retry, now);
            let gathered = Gathered::new(delegation, guards);
            let (run, wants) = Run::start(gathered, given_up, self.around(now));
            self.runs.insert(child.clone(), run);
            self.pursue(&child, wants, now);
        }
    }

    /// Carries out what a run wants, and judges it once it has everything.
    fn pursue(&mut self, child: &Name, wants: Vec<Want>, now: Timestamp) {
        for want in wants {
            match want {
                Want::Ask {
                    to,
                    via,
                    question,
                    target,
                    slot,
                } => {
                    let tag = Tag::Child(child.clone(), target, slot);
                    self.exchanges.ask_via(to, via, question, tag);
                }
                Want::Resolve(question) => {
                    if let Some(resolver) = &mut self.resolver {
                        let ticket = resolver.resolve(now, question);
                        self.lookups.insert(ticket, child.clone());
                    }
                }
            }
        }
        if self.runs.get(child).is_some_and(Run::is_done)
            && let Some(run) = self.runs.remove(child)
        {
            self.conclude(child, run.gathered, now);
        }
    }

    pub(super) fn child_answered(
        &mut self,
        child: &Name,
        target: Target,
        slot: &Slot,
        came: Came,
        now: Timestamp,
    ) {
        let answer = match came {
            Came::Reply(reply) => Answer::from_reply(reply),
            Came::Raw(_) => return,
            Came::Unanswered(why) => Answer::Unusable(why.to_string()),
        };
        let Some(mut run) = self.runs.remove(child) else {
            return;
        };
        let wants = run.answered(target, slot, answer, self.around(now));
        self.runs.insert(child.clone(), run);
        self.pursue(child, wants, now);
    }

    /// Hands on what the resolver has found by now. Only what it vouches for counts.
    pub(super) fn take_resolutions(&mut self, now: Timestamp) {
        loop {
            let taken = self.resolver.as_mut().and_then(Resolver::take_resolution);
            let Some(resolution) = taken else {
                return;
            };
            let Some(child) = self.lookups.remove(&resolution.ticket) else {
                continue;
            };
            let Some(mut run) = self.runs.remove(&child) else {
                continue;
            };
            let host = resolution.question.name.clone();
            let wants = run.resolved(&host, addresses_in(&resolution), self.around(now));
            self.runs.insert(child.clone(), run);
            self.pursue(&child, wants, now);
        }
    }

    fn judge(&self, gathered: &Gathered, now: Timestamp) -> (Option<Verdict>, Option<Verdict>) {
        let (config, policy) = (&self.config, &self.policy);
        let verifier = &mut *self.verifier.lock();
        let ds = config
            .cds
            .then(|| judge_cds(gathered, policy, now, verifier));
        let csync = config
            .csync
            .then(|| judge_csync(gathered, policy, now, verifier));
        (ds, csync)
    }

    fn conclude(&mut self, child: &Name, gathered: Gathered, now: Timestamp) {
        let (ds, mut csync) = self.judge(&gathered, now);
        let accepted = |verdict: &Option<Verdict>| {
            let verdict = verdict.as_ref();
            verdict.is_some_and(|verdict| verdict.outcome == Outcome::Accept)
        };
        if accepted(&ds) && accepted(&csync) {
            // each was judged by the other's present state. One at a time.
            let why = vec!["the DS RRset changes first; to be judged again after that".into()];
            let later = Verdict::without_change(Outcome::Delay, "X-17", "DS_CHANGE_FIRST", why);
            csync = Some(later);
        }
        let mut is_silent = false;
        for (about, verdict) in [(About::Ds, ds), (About::Csync, csync)] {
            let Some(verdict) = verdict else {
                continue;
            };
            let said = self.ledger.verdict(child, about, &verdict);
            self.outbox.extend(said);
            is_silent |= verdict.rule == "X-03";
            if verdict.outcome == Outcome::Accept {
                self.accept(child, verdict, now);
            }
        }
        if is_silent {
            let servers = gathered.servers.iter();
            self.patience.wait(child, servers, &self.config.retry, now);
        } else {
            self.patience.forget(child);
        }
    }
}

/// The addresses of a resolution that is not bogus and did not fail.
fn addresses_in(resolution: &Resolution) -> Vec<IpAddr> {
    let is_good = matches!(resolution.status, Status::Secure | Status::Insecure);
    let answer = resolution.answer.iter().filter(|_| is_good);
    answer
        .flat_map(|signed| signed.set.data.iter().filter_map(|data| data.as_address()))
        .collect()
}
