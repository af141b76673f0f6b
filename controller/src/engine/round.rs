//! A round of observation: ask everything that a row names, wait for every answer, then decide.

use std::collections::BTreeSet;

use counterpoint_dns::{exchange::Outcome, message::Question, rrset::SignedRrSet, time::Timestamp};

use super::{BACK_OFF_MAX, Engine, Phase};
use crate::{
    audit::{DECLARED, Declared, OBSERVED, Observed},
    config::SignerName,
    io::{Io, Look, Purpose, Tag},
    log::Unknown,
    observation,
    place::{Item, Owner, Place, parent_places, signer_places},
    process::{Goal, Kind, Process},
    report::Outcome as How,
    store,
};

/// One answer, not yet in the log.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) at: Timestamp,
    pub(super) place: Place,
    pub(super) item: Item,
    pub(super) shown: Result<SignedRrSet, Unknown>,
}

/// A round under way.
#[derive(Debug)]
pub(super) struct Round {
    left: usize,
    got: Vec<Got>,
}

impl Engine {
    /// Finds everybody's instances anew.
    pub(super) fn locate(&mut self, io: &mut Io<'_>) {
        let mut signers = self.members(io.config);
        if let Some(index) = self.current() {
            signers.extend(self.processes[index].everybody());
        }
        let dead = self.dead();
        let addresses = |name: &_| io.book.addresses(io.config, name);
        for signer in signers {
            let places = signer_places(io.config, &signer, &addresses);
            let is_dead = dead.as_ref() == Some(&signer);
            let owner = Owner::Signer(signer);
            let seen = || is_dead.then(|| self.seen_of(&owner)).flatten();
            if let Some(places) = places.or_else(seen) {
                self.places.insert(io.config, owner, places);
            }
        }
        if let Some(places) = parent_places(&io.book.parent_ns(io.config), &addresses) {
            self.places.insert(io.config, Owner::Parent, places);
        }
    }

    /// Who leaves and is said to be dead.
    fn dead(&self) -> Option<SignerName> {
        let current = self.current().map(|index| &self.processes[index]);
        current.filter(|process| process.dead)?.subject.clone()
    }

    /// Where a dead signer was seen whose addresses nobody finds since the controller started: its servers
    /// may be those of its nameservers' names too. `None`: they were found, or there are none.
    fn seen_of(&self, owner: &Owner) -> Option<Vec<Place>> {
        if !self.places.of(owner).is_empty() {
            return None;
        }
        let seen = self.log.places().filter(|place| place.owner == *owner);
        let (public, hidden): (Vec<_>, Vec<_>) = seen.cloned().partition(Place::is_public);
        let seen = [public, hidden].concat();
        (!seen.is_empty()).then_some(seen)
    }

    /// Looks at what the current row names, and at least once an hour, as at rest, at everything that
    /// may change by itself.
    pub(super) fn observe(&mut self, io: &mut Io<'_>) {
        self.locate(io);
        self.surveyed = true;
        let Some(index) = self.current() else {
            let process = Process::at_rest(io.config.model(&self.zone), self.members(io.config));
            let looks = self.case_of(io.config, &process).watched();
            self.watched = io.now;
            return self.ask(io, looks);
        };
        let process = &self.processes[index];
        let case = self.case(io.config, index);
        let mut looks = BTreeSet::new();
        if let Some(row) = self.row(io.config, index) {
            let deadline = process.deadline.as_ref();
            // A wait asks nothing until its deadline, but whether the dead are dead.
            let is_early = deadline.is_some_and(|deadline| io.now < deadline.until);
            let goal = match row.goal {
                Goal::Wait(_) if is_early => Goal::Wait(&[]),
                goal => goal,
            };
            looks = case.looks(goal);
        }
        if process.outcome != How::Queued && io.now >= self.watched + BACK_OFF_MAX {
            looks.extend(case.watched());
            self.watched = io.now;
        }
        self.ask(io, looks);
    }

    fn ask(&mut self, io: &mut Io<'_>, looks: BTreeSet<(Owner, Item)>) {
        self.rounds += 1;
        self.since = io.now;
        let mut left = 0;
        for (owner, item) in looks {
            for place in self.places.of(&owner) {
                let question = Question::new(item.name(&self.zone), item.rtype());
                let what = Purpose::Look(Box::new(Look {
                    round: self.rounds,
                    place: place.clone(),
                    item: item.clone(),
                    question: question.clone(),
                }));
                let zone = self.zone.clone();
                io.ask(place, question, Tag { zone, what });
                left += 1;
            }
        }
        let got = Vec::new();
        self.phase = Phase::Observing(Round { left, got });
        if left == 0 {
            self.complete(io);
        }
    }

    /// Takes one answer.
    pub(crate) fn looked(&mut self, io: &mut Io<'_>, look: Look, outcome: &Outcome) {
        let Look {
            round,
            place,
            item,
            question,
        } = look;
        if round != self.rounds {
            return;
        }
        let Phase::Observing(under_way) = &mut self.phase else {
            return;
        };
        for shown in observation::read(&self.zone, &item, &question, outcome) {
            let checked = io.book.check(io.config, &question, outcome, shown, io.now);
            let (item, shown) = checked;
            under_way.got.push(Got {
                at: io.now,
                place: place.clone(),
                item,
                shown,
            });
        }
        under_way.left = under_way.left.saturating_sub(1);
        if under_way.left == 0 {
            self.complete(io);
        }
    }

    /// Every answer is there: write down what is new, and decide.
    fn complete(&mut self, io: &mut Io<'_>) {
        let phase = std::mem::replace(&mut self.phase, Phase::Idle);
        let Phase::Observing(Round { mut got, .. }) = phase else {
            return;
        };
        // Keys first: signatures are told apart by the keys that are known.
        got.sort_by_key(|got| got.item != Item::Dnskey);
        let mut any_news = false;
        let mut observed = Observed {
            since: self.since,
            news: Vec::new(),
            same: Vec::new(),
            dead: self.dead(),
        };
        for Got {
            at,
            place,
            item,
            shown,
        } in got
        {
            let is_repeated = shown
                .as_ref()
                .is_ok_and(|signed| self.log.repeats(at, &place, &item, signed));
            let news = !is_repeated && {
                let shown = self.authentic(&place, &item, shown);
                let max_ttl = io.config.max_ttl(&place.owner);
                self.log.observe(at, &place, &item, shown, max_ttl)
            };
            any_news |= news;
            if (io.config.audit || news)
                && let Some(track) = self.log.track(&place, &item)
            {
                if io.config.audit {
                    observed.add(at, &place, &item, track, news);
                }
                if news && let Some(Unknown::Bogus(why)) = &track.unknown {
                    let subject = format!("{place} {item}");
                    io.note(&self.zone, "warning", subject, format!("bogus: {why}"));
                }
            }
        }
        if any_news || self.log.is_outdated() {
            let records = self.log.records(&self.zone);
            records.for_each(|record| io.persist(record));
        }
        if io.config.audit && (any_news || self.current().is_some()) {
            self.audit(io, &observed);
        }
        let mut signers = self.members(io.config);
        if let Some(index) = self.current() {
            signers.extend(self.processes[index].everybody());
        }
        if self.keys.learn(&self.log, &self.places, &signers) {
            io.persist(store::record(format!("keys/{}", self.zone), &self.keys));
        }
        if self.current().is_none() {
            // What is still the same was so without a gap, however often the controller restarts.
            let key = format!("watched/{}", self.zone);
            io.persist(store::record(key, &self.watched.as_nanos()));
            self.polls *= u32::from(!any_news);
        }
        self.detect(io);
        self.proceed(io);
    }

    /// Tells what a round showed, for the audit log.
    fn audit(&mut self, io: &mut Io<'_>, observed: &Observed) {
        let declared = Declared::of(io.config, self.log.places().map(|place| &place.owner));
        if self.declared.as_ref() != Some(&declared) {
            // Plain data with text keys: to JSON it cannot fail.
            let text = serde_json::to_string(&declared).unwrap_or_default();
            io.note(&self.zone, DECLARED, String::new(), text);
            self.declared = Some(declared);
        }
        let index = self.current();
        let row = index.and_then(|index| Some((index, self.row(io.config, index)?)));
        let subject = row.map_or_else(
            || Kind::Rest.name().into(),
            |(index, row)| format!("{}/{}", self.processes[index].kind.name(), row.step),
        );
        // Plain data with text keys: to JSON it cannot fail.
        let text = serde_json::to_string(observed).unwrap_or_default();
        io.note(&self.zone, OBSERVED, subject, text);
    }
}
