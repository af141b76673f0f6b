//! One version of a zone as its primary made it: immutable, shared by every instance that has it.
//!
//! Signatures are planned when the version is made, and computed when somebody first asks for them;
//! who signs what and for how long is known without them.

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use counterpoint_dns::{
    agent::Transport,
    key::{Dnskey, SigningKey},
    message::encode_apart,
    name::{Name, RecordType},
    rrset::RrSet,
    signature::Rrsig,
    time::Timestamp,
};

use crate::{
    answer::transfer,
    choice::{Asker, Choices, choose},
    contents::cut_above,
    denial::Denial,
};

/// A signature to be made: whose, and for how long.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The key.
    pub key: SigningKey,
    /// First second of validity.
    pub inception: Timestamp,
    /// Last second of validity.
    pub expiration: Timestamp,
}

impl Plan {
    /// What the oracle and the log know of it.
    pub fn facts(&self) -> (&Dnskey, Timestamp, Timestamp) {
        (self.key.public(), self.inception, self.expiration)
    }
}

/// A signature that somebody else made, served as it was pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The key that made it.
    pub key: Dnskey,
    /// The signature.
    pub rrsig: Rrsig,
    /// First second of validity.
    pub inception: Timestamp,
    /// Last second of validity.
    pub expiration: Timestamp,
}

/// An RRset as served.
#[derive(Debug)]
pub struct Served {
    /// The RRset.
    pub set: RrSet,
    /// The signatures that go with it; none for glue, delegations and unsigned zones.
    pub plans: Vec<Plan>,
    /// Signatures that were pushed with it, instead of any of this server's own.
    pub given: Vec<Given>,
    zone: Name,
    made: OnceCell<Vec<Rrsig>>,
    counter: Rc<Cell<u64>>,
}

impl Served {
    /// An RRset with planned signatures; each signature really made is counted in `counter`.
    pub fn new(set: RrSet, plans: Vec<Plan>, zone: Name, counter: Rc<Cell<u64>>) -> Self {
        Self {
            set,
            plans,
            given: Vec::new(),
            zone,
            made: OnceCell::new(),
            counter,
        }
    }

    /// An RRset that came with its signatures.
    pub fn given(set: RrSet, given: Vec<Given>, zone: Name, counter: Rc<Cell<u64>>) -> Self {
        let made = OnceCell::from(
            given
                .iter()
                .map(|one| one.rrsig.clone())
                .collect::<Vec<_>>(),
        );
        Self {
            given,
            made,
            ..Self::new(set, Vec::new(), zone, counter)
        }
    }

    /// What the oracle and the log know of its signatures: whose, and for how long.
    pub fn facts(&self) -> impl Iterator<Item = (&Dnskey, Timestamp, Timestamp)> {
        let given = self.given.iter();
        let given = given.map(|one| (&one.key, one.inception, one.expiration));
        self.plans.iter().map(Plan::facts).chain(given)
    }

    /// Where its signatures are counted.
    pub(crate) fn counter(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.counter)
    }

    /// The signatures.
    pub fn signatures(&self) -> &[Rrsig] {
        self.made.get_or_init(|| {
            self.counter
                .set(self.counter.get() + self.plans.len() as u64);
            let sign = |plan: &Plan| {
                Rrsig::sign(
                    &self.set,
                    &plan.key,
                    &self.zone,
                    plan.inception,
                    plan.expiration,
                )
            };
            self.plans.iter().map(sign).collect()
        })
    }
}

/// RRsets by name and type.
pub type Sets = BTreeMap<Name, BTreeMap<RecordType, Rc<Served>>>;

/// How many answers over one transport a version remembers.
const ANSWERS_MAX: usize = 1 << 16;

/// Answers by request, both without their ids.
type Answers = BTreeMap<Vec<u8>, Vec<u8>>;

/// One version of a zone.
#[derive(Debug)]
pub struct Published {
    /// The zone.
    pub zone: Name,
    /// Its serial.
    pub serial: u32,
    /// Its RRsets, NSEC and DNSKEY included.
    pub sets: Sets,
    /// How it denies what it does not have.
    pub denial: Denial,
    /// Answers among which it chooses when somebody asks.
    choices: Choices,
    /// The serial of the version before, and the names at which this one differs.
    news: Option<(u32, BTreeSet<Name>)>,
    transfer: OnceCell<Vec<Vec<u8>>>,
    /// Answers that were made from it.
    answers: RefCell<BTreeMap<Transport, Answers>>,
}

impl Published {
    /// A version of `zone`.
    pub fn new(zone: Name, serial: u32, sets: Sets) -> Self {
        Self {
            zone,
            serial,
            sets,
            denial: Denial::default(),
            choices: Choices::new(),
            news: None,
            transfer: OnceCell::new(),
            answers: RefCell::default(),
        }
    }

    /// The same, if it denies otherwise than by NSEC.
    pub fn denying(self, denial: Denial) -> Self {
        Self { denial, ..self }
    }

    /// The same, with answers among which it chooses.
    pub(crate) fn choosing(self, choices: Choices) -> Self {
        Self { choices, ..self }
    }

    /// Whether it chooses among answers for this name.
    pub(crate) fn chooses(&self, name: &Name) -> bool {
        self.choices.keys().any(|(owner, _)| owner == name)
    }

    /// What is served for `served` to this asker.
    pub(crate) fn chosen<'a>(&'a self, served: &'a Rc<Served>, asker: Asker) -> &'a Rc<Served> {
        if self.choices.is_empty() {
            return served;
        }
        let of = (served.set.name.clone(), served.set.rtype);
        let choice = self.choices.get(&of);
        let chosen = choice.and_then(|(by, answers)| choose(*by, answers, asker));
        chosen.unwrap_or(served)
    }

    /// All RRsets, and all answers among which it chooses.
    pub fn everything(&self) -> impl Iterator<Item = &Rc<Served>> {
        let choices = self.choices.values().flat_map(|(_, answers)| answers);
        self.all().chain(choices)
    }

    /// The same as the one after that of serial `before`, from which it differs at the names `changed`.
    pub fn after(self, before: u32, changed: BTreeSet<Name>) -> Self {
        Self {
            news: Some((before, changed)),
            ..self
        }
    }

    /// The names at which it may differ from another version: few, if that is the one before.
    pub fn changed_since<'a>(&'a self, other: &'a Self) -> BTreeSet<&'a Name> {
        match &self.news {
            Some((before, changed)) if *before == other.serial => changed.iter().collect(),
            _ => self.sets.keys().chain(other.sets.keys()).collect(),
        }
    }

    /// The messages of an AXFR answer to this message id, encoded once.
    pub fn transfer(&self, id: [u8; 2]) -> impl Iterator<Item = Vec<u8>> {
        let messages = self
            .transfer
            .get_or_init(|| transfer(self).iter().map(encode_apart).collect());
        messages
            .iter()
            .map(move |octets| [&id, &octets[2..]].concat())
    }

    /// The answer to the same question, made before: every server of the version gives the same.
    pub(crate) fn remembered(&self, via: Transport, request: &[u8]) -> Option<Vec<u8>> {
        let (id, body) = request.split_at_checked(2)?;
        let answers = self.answers.borrow();
        let answer = answers.get(&via)?.get(body)?;
        Some([id, answer].concat())
    }

    /// Keeps an answer to be given again.
    pub(crate) fn remember(&self, via: Transport, request: &[u8], answer: &[u8]) {
        if let (Some(body), Some(answer)) = (request.get(2..), answer.get(2..)) {
            let mut answers = self.answers.borrow_mut();
            let answers = answers.entry(via).or_default();
            // Strangers ask as they like: with cookies, no request is like another.
            if answers.len() < ANSWERS_MAX {
                answers.insert(body.to_vec(), answer.to_vec());
            }
        }
    }

    /// The RRset of this name and type.
    pub fn get(&self, name: &Name, rtype: RecordType) -> Option<&Rc<Served>> {
        self.sets.get(name)?.get(&rtype)
    }

    /// The RRset of this type at the apex.
    pub fn apex(&self, rtype: RecordType) -> Option<&Rc<Served>> {
        self.get(&self.zone, rtype)
    }

    /// All RRsets, in canonical order.
    pub fn all(&self) -> impl Iterator<Item = &Rc<Served>> {
        self.sets.values().flat_map(BTreeMap::values)
    }

    /// Whether the data are the same as `other`'s: what is made at publication does not count.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let made = [
            RecordType::SOA,
            RecordType::NSEC,
            RecordType::NSEC3,
            RecordType::DNSKEY,
        ];
        let data = |zone: &Self, name: &Name| -> Vec<Rc<Served>> {
            let sets = zone.sets.get(name).into_iter().flat_map(BTreeMap::values);
            sets.filter(|served| !made.contains(&served.set.rtype))
                .cloned()
                .collect()
        };
        self.changed_since(other).into_iter().all(|name| {
            let (mine, others) = (data(self, name), data(other, name));
            mine.len() == others.len()
                && mine
                    .iter()
                    .zip(&others)
                    .all(|(a, b)| Rc::ptr_eq(a, b) || a.set == b.set)
        })
    }

    /// The highest delegation at or above `name`, if there is one below the apex.
    pub fn cut_above(&self, name: &Name) -> Option<&Name> {
        cut_above(&self.zone, &self.sets, name)
    }
}
