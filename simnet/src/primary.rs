//! Where a zone is kept and signed: contents, keys and the version made last.
//!
//! A change becomes visible only by [`Primary::publish`], which makes the next [`Published`]: RRsets
//! that did not change keep their signatures, others get new ones, NSEC records follow the names.

use std::{
    cell::Cell,
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    time::Duration,
};

use counterpoint_dns::{
    name::{Name, RecordType},
    rdata::Soa,
    rrset::RrSet,
    stream::stream,
    time::Timestamp,
};
use rand::RngExt as _;

use crate::{
    choice::{By, Choices},
    clock::Skew,
    contents::Contents,
    denial::Denial,
    habits::{self, Habit, Habits},
    keys::{KeyKind, KeyRing},
    published::{Given, Plan, Published, Served, Sets},
};

/// RRSIGs are dated back this far, as real signers do against slow clocks.
pub const INCEPTION_BACKDATE: Duration = Duration::from_secs(3_600);

/// How a zone is signed.
#[derive(Clone, Debug)]
pub struct Signing {
    /// From signing to expiration.
    pub validity: Duration,
    /// Signatures are renewed this long before they expire.
    pub resign_before: Duration,
    /// How unevenly they expire.
    pub jitter: Jitter,
    /// TTL of the DNSKEY RRset, seconds.
    pub dnskey_ttl: u32,
    /// How far the signer's clock is off.
    pub clock: Skew,
    /// How it denies what it does not have.
    pub denial: Denial,
}

/// Signatures made at once that do not expire at once: each a little earlier than `validity` says, as
/// signers of large zones spread the work.
#[derive(Clone, Debug, Default)]
pub struct Jitter {
    /// At most so much earlier.
    pub most: Duration,
    /// Of the world.
    pub seed: u64,
    /// Whose signatures: signer and zone.
    pub actor: String,
}

impl Jitter {
    /// How much earlier the signatures on this RRset expire that are made when the clock shows `clock`.
    fn of(&self, set: &RrSet, clock: Timestamp) -> Duration {
        if self.most.is_zero() {
            return Duration::ZERO;
        }
        let actor = format!("{}/{}/{}/{clock}", self.actor, set.name, set.rtype);
        let seconds = stream(self.seed, &actor).random_range(0..=self.most.as_secs());
        Duration::from_secs(seconds)
    }
}

/// What the owner of a zone signed and pushed, to be served as it is.
#[derive(Clone, Debug, Default)]
pub struct Pushed {
    /// The DNSKEY RRset, once there was one.
    pub keys: Option<RrSet>,
    /// The signatures on RRsets of the apex, by type.
    pub signatures: BTreeMap<RecordType, Vec<Given>>,
}

/// A zone at the place where it is changed.
#[derive(Debug)]
pub struct Primary {
    /// What the zone says; DNSKEY, NSEC and SOA are made at publication.
    pub contents: Contents,
    /// The keys.
    pub keys: KeyRing,
    /// How it is signed; `None` for an unsigned zone.
    pub signing: Option<Signing>,
    /// How far back RRSIGs are dated.
    pub backdate: Duration,
    /// A frozen primary goes on serving and makes no new signature: it can publish nothing.
    pub is_frozen: bool,
    /// Which keys alone sign CDS and CDNSKEY, if somebody chose them by hand.
    pub cds_signed_by: Option<KeyKind>,
    /// What the zone's owner signed and pushed, where it holds the KSK (RFC 8901 §2.1.1); `None`: this
    /// server signs everything itself.
    pub pushed: Option<Pushed>,
    /// Answers among which it chooses, each of one name and type.
    pub choices: Vec<(By, Vec<RrSet>)>,
    /// What this server does in its own way.
    pub habits: Habits,
    zone: Name,
    soa: Soa,
    soa_ttl: u32,
    published: Option<Rc<Published>>,
    counter: Rc<Cell<u64>>,
}

impl Primary {
    /// A zone that was never published.
    pub fn new(
        contents: Contents,
        zone: Name,
        soa: Soa,
        soa_ttl: u32,
        counter: Rc<Cell<u64>>,
    ) -> Self {
        Self {
            contents,
            keys: KeyRing::default(),
            signing: None,
            backdate: INCEPTION_BACKDATE,
            is_frozen: false,
            cds_signed_by: None,
            pushed: None,
            choices: Vec::new(),
            habits: Habits::default(),
            zone,
            soa,
            soa_ttl,
            published: None,
            counter,
        }
    }

    /// The zone's name.
    pub fn zone(&self) -> &Name {
        &self.zone
    }

    /// The version made last.
    pub fn published(&self) -> Option<&Rc<Published>> {
        self.published.as_ref()
    }

    /// The serial of the version made last.
    pub fn serial(&self) -> u32 {
        self.soa.serial
    }

    /// Makes the next serial the one after this: the zone goes on where another primary stopped.
    pub fn follow(&mut self, serial: u32) {
        self.soa.serial = serial.wrapping_add(1);
    }

    /// Makes the next version if anything changed or any signature is due for renewal.
    pub fn publish(&mut self, now: Timestamp) -> Option<Rc<Published>> {
        if self.is_frozen {
            return None;
        }
        habits::settle(self);
        let mut sets = self.build(now);
        let last = self.published.as_ref();
        let changed = last.map(|last| differing(&sets, &last.sets));
        if changed.as_ref().is_some_and(BTreeSet::is_empty) {
            return None;
        }
        let before = self.soa.serial;
        if last.is_some() {
            self.soa.serial = self.soa.serial.wrapping_add(1);
        }
        let soa = self.served(&self.soa_set(), now);
        sets.entry(self.zone.clone())
            .or_default()
            .insert(RecordType::SOA, soa);
        let denial = self.signing.as_ref().map(|signing| signing.denial.clone());
        let mut published = Published::new(self.zone.clone(), self.soa.serial, sets)
            .denying(denial.unwrap_or_default())
            .choosing(self.chosen(now));
        if let Some(mut changed) = changed {
            changed.insert(self.zone.clone());
            published = published.after(before, changed);
        }
        let published = Rc::new(published);
        self.published = Some(Rc::clone(&published));
        Some(published)
    }

    /// When the next signature is due for renewal.
    pub fn next_resign(&self) -> Option<Timestamp> {
        let signing = self.signing.as_ref()?;
        let plans = self
            .published
            .as_ref()?
            .everything()
            .flat_map(|served| &served.plans);
        let due = plans.map(|plan| plan.expiration.before(signing.resign_before));
        due.min().map(|due| signing.clock.when(due))
    }

    /// Every answer among which it chooses, as it will be served.
    fn chosen(&self, now: Timestamp) -> Choices {
        let mut chosen = Choices::new();
        for (by, answers) in &self.choices {
            let Some(first) = answers.first() else {
                continue;
            };
            // Only a set that is served as such has an earlier self: the first.
            let served = answers.iter().map(|set| self.served(set, now)).collect();
            chosen.insert((first.name.clone(), first.rtype), (*by, served));
        }
        chosen
    }

    fn soa_set(&self) -> RrSet {
        let data = [self.soa.to_rdata()];
        RrSet::new(self.zone.clone(), RecordType::SOA, self.soa_ttl, data)
    }

    fn build(&self, now: Timestamp) -> Sets {
        let mut sets = Sets::new();
        let mut put = |served: Rc<Served>| {
            let types = sets.entry(served.set.name.clone()).or_default();
            types.insert(served.set.rtype, served);
        };
        for set in self.contents.sets() {
            put(self.served(set, now));
        }
        put(self.served(&self.soa_set(), now));
        if let Some(signing) = &self.signing {
            let dnskey = self.dnskey(signing.dnskey_ttl);
            if !dnskey.data.is_empty() {
                put(self.served(&dnskey, now));
            }
            let ttl = self.soa.minimum.min(self.soa_ttl);
            for set in signing.denial.chain(&self.contents, &self.zone, ttl) {
                put(self.served(&set, now));
            }
        }
        sets
    }

    /// The DNSKEY RRset: as it was pushed, else of the keys that are here.
    pub fn dnskey(&self, ttl: u32) -> RrSet {
        let pushed = self.pushed.as_ref().and_then(|pushed| pushed.keys.clone());
        pushed.unwrap_or_else(|| {
            let keys = self.keys.published().into_iter().map(|key| key.to_rdata());
            RrSet::new(self.zone.clone(), RecordType::DNSKEY, ttl, keys)
        })
    }

    /// The signatures that were pushed with this RRset.
    fn given(&self, set: &RrSet) -> Option<&Vec<Given>> {
        let pushed = self.pushed.as_ref().filter(|_| set.name == self.zone)?;
        pushed.signatures.get(&set.rtype)
    }

    /// The RRset as it will be served: as before if neither it nor its signers changed and no
    /// signature is due, else with new signatures.
    fn served(&self, set: &RrSet, now: Timestamp) -> Rc<Served> {
        let before = self
            .published
            .as_ref()
            .and_then(|last| last.get(&set.name, set.rtype));
        if let Some(given) = self.given(set) {
            return match before {
                Some(before) if before.set == *set && before.given == *given => Rc::clone(before),
                _ => Rc::new(Served::given(
                    set.clone(),
                    given.clone(),
                    self.zone.clone(),
                    self.counter.clone(),
                )),
            };
        }
        let Some(signing) = self
            .signing
            .as_ref()
            .filter(|_| self.contents.is_authoritative(set))
        else {
            return match before {
                Some(before) if before.set == *set => Rc::clone(before),
                _ => Rc::new(Served::new(
                    set.clone(),
                    vec![],
                    self.zone.clone(),
                    self.counter.clone(),
                )),
            };
        };
        let keys: Vec<_> = match set.rtype {
            // Where nothing was pushed yet, the ZSK signs what a KSK should.
            RecordType::DNSKEY if self.pushed.is_some() => self.keys.signing(|_| true).collect(),
            RecordType::DNSKEY => self.keys.signing(|kind| kind.signs_keys()).collect(),
            // The parent wants the KSK's signature here (RFC 7344 §4.1); ordinary validators, any.
            RecordType::CDS | RecordType::CDNSKEY => {
                let ksk_only = self.habits.has(Habit::CdsKskOnly);
                let is_chosen = |kind: KeyKind| {
                    self.cds_signed_by.is_none_or(|only| only == kind)
                        && (kind.signs_keys() || !ksk_only)
                };
                self.keys.signing(is_chosen).collect()
            }
            _ => self.keys.signing(|kind| kind.signs_data()).collect(),
        };
        let clock = signing.clock.shows(now);
        if let Some(before) = before
            && before.set == *set
            && before.given.is_empty()
            && before.plans.len() == keys.len()
            && before.plans.iter().zip(&keys).all(|(plan, key)| {
                plan.key.public() == key.public()
                    && plan.expiration.before(signing.resign_before) > clock
            })
        {
            return Rc::clone(before);
        }
        let lasting = signing
            .validity
            .saturating_sub(signing.jitter.of(set, clock));
        let plan = |key: &&counterpoint_dns::key::SigningKey| Plan {
            key: (*key).clone(),
            inception: clock.before(self.backdate),
            expiration: clock + lasting,
        };
        let plans = keys.iter().map(plan).collect();
        Rc::new(Served::new(
            set.clone(),
            plans,
            self.zone.clone(),
            self.counter.clone(),
        ))
    }
}

/// The names at which two versions differ.
fn differing(one: &Sets, other: &Sets) -> BTreeSet<Name> {
    let mut changed = BTreeSet::new();
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    loop {
        let (name, order) = match (one.peek().copied(), other.peek().copied()) {
            (Some((_, sets)), Some((_, others))) if is_same(sets, others) => {
                one.next();
                other.next();
                continue;
            }
            (Some((name, _)), Some((other, _))) => (name.min(other), name.cmp(other)),
            (Some((name, _)), None) => (name, Ordering::Less),
            (None, Some((name, _))) => (name, Ordering::Greater),
            (None, None) => return changed,
        };
        changed.insert(name.clone());
        if order != Ordering::Greater {
            one.next();
        }
        if order != Ordering::Less {
            other.next();
        }
    }
}

type OfName = BTreeMap<RecordType, Rc<Served>>;

fn is_same(one: &OfName, other: &OfName) -> bool {
    let pointers = other.values().map(Rc::as_ptr);
    one.values().map(Rc::as_ptr).eq(pointers)
}
