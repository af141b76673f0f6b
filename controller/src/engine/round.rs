//! A round of observation: ask everything that a row names, wait for every answer, then decide.

use std::collections::BTreeSet;

use counterpoint_dns::{exchange::Outcome, message::Question, rrset::SignedRrSet, time::Timestamp};

use super::{Engine, Phase};
use crate::{
    io::{Io, Look, Purpose, Tag},
    log::Unknown,
    observation,
    place::{Item, Owner, Place, parent_places, signer_places},
    store,
};

/// One answer, not yet in the log.
#[derive(Debug)]
struct Got {
    at: Timestamp,
    place: Place,
    item: Item,
    shown: Result<SignedRrSet, Unknown>,
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
        let addresses = |name: &_| io.book.addresses(io.config, name);
        for signer in signers {
            if let Some(places) = signer_places(io.config, &signer, &addresses) {
                self.places.insert(io.config, Owner::Signer(signer), places);
            }
        }
        if let Some(places) = parent_places(&io.book.parent_ns(io.config), &addresses) {
            self.places.insert(io.config, Owner::Parent, places);
        }
    }

    /// Looks at what the current row names.
    pub(super) fn observe(&mut self, io: &mut Io<'_>) {
        self.locate(io);
        let Some(index) = self.current() else {
            self.phase = Phase::Idle;
            return;
        };
        let row = self.row(io.config, index);
        let looks = row.map(|row| self.case(io.config, index).looks(row.goal));
        self.ask(io, looks.unwrap_or_default());
    }

    /// Looks at the zone for the first time: history begins now.
    pub(super) fn survey(&mut self, io: &mut Io<'_>) {
        self.surveyed = true;
        let mut looks: BTreeSet<(Owner, Item)> = BTreeSet::new();
        for signer in self.members(io.config) {
            for item in [Item::Dnskey, Item::Soa, Item::Ns] {
                looks.insert((Owner::Signer(signer.clone()), item));
            }
        }
        looks.insert((Owner::Parent, Item::Ds));
        looks.insert((Owner::Parent, Item::Delegation));
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
        for (item, shown) in observation::read(&self.zone, &item, &question, outcome) {
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
        for got in got {
            let max_ttl = match &got.place.owner {
                Owner::Parent => io.config.parent.max_ttl,
                Owner::Signer(name) => {
                    let signer = io.config.signers.get(name);
                    signer.map_or(io.config.parent.max_ttl, |signer| signer.max_ttl)
                }
            };
            let news = self
                .log
                .observe(got.at, &got.place, &got.item, got.shown, max_ttl);
            if news {
                let zone = self.zone.to_string();
                let record = self.log.record(&zone, &got.place, &got.item);
                record.into_iter().for_each(|record| io.persist(record));
            }
        }
        let mut signers = self.members(io.config);
        if let Some(index) = self.current() {
            signers.extend(self.processes[index].everybody());
        }
        if self.keys.learn(&self.log, &self.places, &signers) {
            io.persist(store::record(format!("keys/{}", self.zone), &self.keys));
        }
        self.proceed(io);
    }
}
