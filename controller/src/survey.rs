//! One look at everything that a zone is made of, by nobody's process: nothing is written.
//!
//! Owns what is looked at. What it saw can be added to what an engine knows, as if the engine had looked.

use std::collections::{BTreeSet, VecDeque};

use counterpoint_dns::{
    agent::{Agent, Input, Output, Transport},
    exchange::{Exchanges, Outcome},
    message::Question,
    name::{Name, is_at_or_below},
    resolver::Resolver,
    rrset::SignedRrSet,
    stream::Stream,
    time::Timestamp,
};
use rand_chacha::rand_core::SeedableRng as _;

use crate::{
    book::Book,
    config::{Config, SignerName},
    log::{Log, Unknown},
    observation,
    place::{Item, Owner, Place, Places, parent_places, signer_places},
    signals,
};

/// What one look showed.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    /// When.
    pub at: Timestamp,
    /// Where.
    pub place: Place,
    /// What was asked for.
    pub item: Item,
    /// What was served, if that is known.
    pub shown: Result<SignedRrSet, Unknown>,
}

/// Everything that was seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sights {
    /// Each look, keys first.
    pub all: Vec<Sight>,
    /// Everybody's instances.
    pub places: Places,
    /// Whose instances were not found, and why.
    pub lost: Vec<String>,
}

/// Looks once.
pub(crate) struct Surveyor {
    config: Config,
    zone: Name,
    signers: BTreeSet<SignerName>,
    book: Book,
    exchanges: Exchanges<(Place, Item, Question)>,
    outbox: VecDeque<Output>,
    has_begun: bool,
    has_asked: bool,
    sights: Sights,
}

impl Surveyor {
    /// Looks at `zone`, at its parent's instances and those of `signers`.
    pub(crate) fn new(
        config: Config,
        zone: Name,
        signers: BTreeSet<SignerName>,
        mut stream: Stream,
    ) -> Self {
        Self {
            book: Book::new(&config, Stream::from_rng(&mut stream)),
            exchanges: Exchanges::new(stream),
            config,
            zone,
            signers,
            outbox: VecDeque::new(),
            has_begun: false,
            has_asked: false,
            sights: Sights::default(),
        }
    }

    /// Whether every answer is there.
    pub(crate) fn is_over(&self) -> bool {
        self.has_asked && self.exchanges.is_idle()
    }

    /// What was seen.
    pub(crate) fn sights(mut self) -> Sights {
        // Signatures are told apart by the keys that are known.
        self.sights
            .all
            .sort_by_key(|sight| sight.item != Item::Dnskey);
        self.sights
    }

    /// Asks everybody, as soon as their addresses are known.
    fn ask(&mut self) {
        if self.has_asked || !self.book.is_idle() {
            return;
        }
        self.has_asked = true;
        let (config, book) = (&self.config, &self.book);
        let addresses = |name: &Name| book.addresses(config, name);
        let parents = book.parent_ns(config);
        let mut owners = vec![(Owner::Parent, parent_places(&parents, &addresses))];
        for signer in &self.signers {
            let places = signer_places(config, signer, &addresses);
            owners.push((Owner::Signer(signer.clone()), places));
        }
        for (owner, places) in owners {
            let Some(places) = places else {
                let names = match &owner {
                    Owner::Parent => [parents.clone(), vec![config.parent.zone.clone()]].concat(),
                    Owner::Signer(name) => config.signers[name].ns.clone(),
                };
                let why = book.trouble(&names);
                let text = format!("the addresses of {owner}'s nameservers: {why}");
                self.sights.lost.push(text);
                continue;
            };
            let mut items = self.items(&owner);
            if let Owner::Signer(signer) = &owner {
                items.extend(signals::of(config, &self.zone, signer));
            }
            for place in &places {
                for item in &items {
                    let question = Question::new(item.name(&self.zone), item.rtype());
                    let tag = (place.clone(), item.clone(), question.clone());
                    self.exchanges
                        .ask_via(place.address, Transport::Udp, question, tag);
                }
            }
            self.sights.places.insert(config, owner, places);
        }
    }

    fn items(&self, owner: &Owner) -> Vec<Item> {
        if *owner == Owner::Parent {
            return vec![Item::Ds, Item::Delegation];
        }
        let mut items = vec![
            Item::Dnskey,
            Item::Soa,
            Item::Ns,
            Item::Cds,
            Item::Cdnskey,
            Item::Csync,
        ];
        let signers = self.signers.iter().map(|name| &self.config.signers[name]);
        let inside = signers
            .flat_map(|signer| &signer.ns)
            .filter(|name| is_at_or_below(name, &self.zone));
        for name in inside {
            let types = Item::ADDRESS_TYPES.into_iter();
            items.extend(types.map(|rtype| Item::Address(name.clone(), rtype)));
        }
        items
    }

    fn take(&mut self, now: Timestamp, came: Option<((Place, Item, Question), Outcome)>) {
        let Some(((place, item, question), outcome)) = came else {
            return;
        };
        for shown in observation::read(&self.zone, &item, &question, &outcome) {
            let (item, shown) = self
                .book
                .check(&self.config, &question, &outcome, shown, now);
            self.sights.all.push(Sight {
                at: now,
                place: place.clone(),
                item,
                shown,
            });
        }
    }
}

impl Sights {
    /// Adds what was seen to a log.
    pub(crate) fn add_to(&self, log: &mut Log, config: &Config) {
        for sight in &self.all {
            let max_ttl = config.max_ttl(&sight.place.owner);
            let (place, item, shown) = (&sight.place, &sight.item, sight.shown.clone());
            log.observe(sight.at, place, item, shown, max_ttl);
        }
    }
}

impl Agent for Surveyor {
    type Command = ();

    fn handle(&mut self, now: Timestamp, input: Input<()>) {
        match input {
            Input::Answer { id, bytes } if Resolver::owns(id) => {
                self.book.handle(now, id, Some(bytes));
            }
            Input::Failure { id } if Resolver::owns(id) => self.book.handle(now, id, None),
            Input::Answer { id, bytes } => {
                let came = self.exchanges.answered(id, bytes);
                self.take(now, came);
            }
            Input::Failure { id } => {
                let came = self.exchanges.failed(id);
                self.take(now, came);
            }
            Input::Web { .. } | Input::Wake | Input::Command(()) => {}
        }
        self.book.settle(&self.config, now);
        self.ask();
    }

    fn poll(&mut self, now: Timestamp) -> Option<Output> {
        if !self.has_begun {
            self.has_begun = true;
            self.book.refresh(&self.config, now);
            self.ask();
        }
        self.outbox
            .extend(std::iter::from_fn(|| self.book.poll(now)));
        self.outbox
            .extend(std::iter::from_fn(|| self.exchanges.poll()));
        self.outbox.pop_front()
    }

    fn wake_at(&self) -> Option<Timestamp> {
        None
    }
}
