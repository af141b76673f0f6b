//! Caches and resolvers played from the definitions, one fetch a second.
//!
//! Second `s` stands for the instants `[s, s + 1)`. All that happens, happens on whole seconds, so
//! what holds at some instant of a second holds at all of them. An entry of TTL `t` that is fetched
//! late in second `f` is still held early in second `f + t`: so a cache holds it in the seconds
//! `f ..= f + t`.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    time::Duration,
};

use counterpoint_dns::{
    oracle::{
        DigestChoice, NsView, Profile, Property, Quantifier, Strictness,
        history::{Address, Ds, History, InstanceId, KeyId, Side, Signature, Span, Version},
    },
    time::Timestamp,
};

/// First second played: before it, nothing changes.
pub const START: i64 = -10;
/// First second not played: nothing that ends at all can be held then.
pub const END: i64 = 48;

/// A set of seconds.
pub type Seconds = BTreeSet<i64>;

/// What came out.
pub struct Played {
    pub violated: BTreeMap<(Property, Quantifier), Seconds>,
    pub outages: Seconds,
    pub warnings: BTreeMap<u32, Seconds>,
}

/// Plays a history for one profile.
pub fn play(history: &History, profile: &Profile) -> Played {
    let mut violated = BTreeMap::new();
    for quantifier in [Quantifier::AnyCache, Quantifier::OneResolver] {
        let game = Game::new(history, profile, quantifier);
        let (bogus, insecure) = match quantifier {
            Quantifier::AnyCache => (game.any_cache(), game.any_insecure()),
            Quantifier::OneResolver => (game.one_resolver(), game.one_insecure()),
        };
        violated.insert((Property::Secure, quantifier), bogus);
        violated.insert((Property::NeverInsecure, quantifier), insecure);
        let silent = game.silent().0;
        violated.insert((Property::Reachable, quantifier), silent);
    }
    let game = Game::new(history, profile, Quantifier::AnyCache);
    let (_, outages, warnings) = game.silent();
    Played {
        violated,
        outages,
        warnings,
    }
}

/// A history, a validator, and which servers can be asked in which second.
pub struct Game<'h> {
    history: &'h History,
    profile: &'h Profile,
    quantifier: Quantifier,
    reached: Vec<Seconds>,
}

impl<'h> Game<'h> {
    pub fn new(history: &'h History, profile: &'h Profile, quantifier: Quantifier) -> Self {
        let mut game = Self {
            history,
            profile,
            quantifier,
            reached: vec![Seconds::new(); history.instances.len()],
        };
        for (number, instance) in history.instances.iter().enumerate() {
            if instance.side == Side::Parent {
                game.reached[number] = (START..END).collect();
            }
        }
        // Ask whom we can, follow what they say, until nobody new turns up.
        loop {
            let before: usize = game.reached.iter().map(Seconds::len).sum();
            for version in game.followed() {
                for fetched in game.fetches(version) {
                    for second in game.holds(fetched, version.ttl) {
                        for &name in &version.content {
                            for (_, led) in game.addresses(name, second) {
                                for target in led {
                                    game.reached[target.0 as usize].insert(second);
                                }
                            }
                        }
                    }
                }
            }
            if game.reached.iter().map(Seconds::len).sum::<usize>() == before {
                return game;
            }
        }
    }

    fn followed(&self) -> Vec<&'h Version<Vec<InstanceId>>> {
        let ns = self.history.ns.iter();
        ns.filter(|version| self.follows(version)).collect()
    }

    fn follows<C>(&self, version: &Version<C>) -> bool {
        let source = &self.history.instances[version.instance.0 as usize];
        source.side == Side::Parent || self.profile.ns == NsView::ChildCentric
    }

    /// Where a cache may be led under this name in this second, and since when one can be.
    fn addresses(&self, name: InstanceId, second: i64) -> Vec<(i64, Vec<InstanceId>)> {
        let own = |version: &&Version<Address>| version.content.of == name;
        let mut own = self.history.addresses.iter().filter(own).peekable();
        if own.peek().is_none() {
            return vec![(START - 1, vec![name])];
        }
        let held = own.filter(|version| {
            let mut fetches = self.fetches(version).into_iter();
            let is_held = |fetched| self.holds(fetched, version.ttl).contains(&second);
            self.follows(version) && fetches.any(is_held)
        });
        let since = |version| said_since(&self.history.addresses, version);
        held.map(|version| (since(version), version.content.leads_to.clone()))
            .collect()
    }

    /// The seconds in which a version can be fetched.
    pub fn fetches<C>(&self, version: &Version<C>) -> Vec<i64> {
        let reached = &self.reached[version.instance.0 as usize];
        let outages = &self.history.outages;
        let answers =
            |second: &i64| reached.contains(second) && !in_span(outages, version.instance, *second);
        let served = whole(version.from)..whole(version.until);
        served.filter(answers).collect()
    }

    /// The seconds in which a cache holds what it fetched in `fetched`, signatures aside.
    pub fn holds(&self, fetched: i64, ttl: Duration) -> RangeInclusive<i64> {
        let mut ttl = ttl.as_secs() as i64;
        if let (Quantifier::OneResolver, Some(cap)) = (self.quantifier, self.profile.ttl_cap) {
            ttl = ttl.min(cap.as_secs() as i64);
        }
        ttl = ttl.max(self.profile.ttl_floor.as_secs() as i64);
        fetched..=(fetched + ttl).min(END - 1)
    }

    /// The same for a validator, which lets go when the signature expires.
    pub fn keeps(&self, fetched: i64, ttl: Duration, by: &Signature) -> RangeInclusive<i64> {
        let ttl_end = *self.holds(fetched, ttl).end();
        let floor = fetched + self.profile.ttl_floor.as_secs() as i64;
        fetched..=ttl_end.min(whole(by.expiration)).max(floor).min(END - 1)
    }

    /// What caches may hold in each second: indices of versions.
    fn live<C>(&self, versions: &[Version<C>]) -> BTreeMap<i64, BTreeSet<usize>> {
        let mut live: BTreeMap<i64, BTreeSet<usize>> = BTreeMap::new();
        for (number, version) in versions.iter().enumerate() {
            for fetched in self.fetches(version) {
                for second in self.holds(fetched, version.ttl) {
                    live.entry(second).or_default().insert(number);
                }
            }
        }
        live
    }

    fn any_cache(&self) -> Seconds {
        let (ds, keys) = (self.live(&self.history.ds), self.live(&self.history.dnskey));
        let answers = self.live(&self.history.answers);
        let mut bogus = Seconds::new();
        let nothing = BTreeSet::new();
        for second in START..END {
            for &d in ds.get(&second).unwrap_or(&nothing) {
                let d = &self.history.ds[d];
                if self.believed(&d.content).is_empty() {
                    continue; // Insecure.
                }
                for &k in keys.get(&second).unwrap_or(&nothing) {
                    let k = &self.history.dnskey[k];
                    let signed = d.signatures.iter().any(|s| holds_in(s, second));
                    if !signed || !self.vouches(&d.content, k, second) {
                        bogus.insert(second);
                    }
                    for &r in answers.get(&second).unwrap_or(&nothing) {
                        let r = &self.history.answers[r];
                        if !self.verifies(&d.content, k, &r.signatures, second) {
                            bogus.insert(second);
                        }
                    }
                }
            }
        }
        bogus
    }

    fn one_resolver(&self) -> Seconds {
        let history = self.history;
        let served = |second: i64, version: &Version<_>| self.fetches(version).contains(&second);
        let mut bogus = Seconds::new();
        // It has this DNSKEY RRset, by that DS RRset, until then; told once for each way to get it.
        let mut validated: BTreeSet<(usize, usize, i64, i64)> = BTreeSet::new();
        for (d_number, d) in history.ds.iter().enumerate() {
            if self.believed(&d.content).is_empty() {
                continue; // Insecure.
            }
            for fetched in self.fetches(d) {
                let by: Vec<&Signature> = d
                    .signatures
                    .iter()
                    .filter(|s| holds_in(s, fetched))
                    .collect();
                if by.is_empty() && history.dnskey.iter().any(|k| served(fetched, k)) {
                    bogus.insert(fetched);
                }
                for signature in by {
                    for second in self.keeps(fetched, d.ttl, signature) {
                        for (k_number, k) in history.dnskey.iter().enumerate() {
                            if !served(second, k) {
                                continue;
                            }
                            if !self.vouches(&d.content, k, second) {
                                bogus.insert(second);
                                continue;
                            }
                            for signature in self.vouching(&d.content, k, second) {
                                let end = *self.keeps(second, k.ttl, signature).end();
                                validated.insert((d_number, k_number, second, end));
                            }
                        }
                    }
                }
            }
        }
        for r in &history.answers {
            let fetches: Seconds = self.fetches(r).into_iter().collect();
            for &(d, k, from, end) in &validated {
                for &second in fetches.range(from..=end) {
                    let (d, k) = (&history.ds[d].content, &history.dnskey[k]);
                    if !self.verifies(d, k, &r.signatures, second) {
                        bogus.insert(second);
                    }
                }
            }
        }
        bogus
    }

    fn must_be_secure(&self, second: i64) -> bool {
        let must = self.history.must_be_secure;
        must.is_some_and(|(from, until)| whole(from) <= second && second < whole(until))
    }

    fn any_insecure(&self) -> Seconds {
        let live = self.live(&self.history.ds);
        let empty = |&d: &usize| self.history.ds[d].content.is_empty();
        let insecure = live.iter().filter(|(_, ds)| ds.iter().any(empty));
        let seconds = insecure.map(|(&second, _)| second);
        seconds
            .filter(|&second| self.must_be_secure(second))
            .collect()
    }

    fn one_insecure(&self) -> Seconds {
        let mut insecure = Seconds::new();
        for d in self.history.ds.iter().filter(|d| d.content.is_empty()) {
            for fetched in self.fetches(d) {
                for by in d.signatures.iter().filter(|s| holds_in(s, fetched)) {
                    insecure.extend(self.keeps(fetched, d.ttl, by));
                }
            }
        }
        insecure.retain(|&second| self.must_be_secure(second));
        insecure
    }

    /// Violations, outages, and lame servers beside others that answer.
    fn silent(&self) -> (Seconds, Seconds, BTreeMap<u32, Seconds>) {
        let (mut violated, mut outages) = (Seconds::new(), Seconds::new());
        let mut warnings: BTreeMap<u32, Seconds> = BTreeMap::new();
        for version in self.followed() {
            let held: Seconds = self
                .fetches(version)
                .into_iter()
                .flat_map(|fetched| self.holds(fetched, version.ttl))
                .collect();
            let named = said_since(&self.history.ns, version);
            for second in held {
                let lame = |i: &InstanceId, _: i64| in_span(&self.history.lame, *i, second);
                let out_since = |i: &InstanceId| self.out_since(*i, second);
                let silent = |i: &InstanceId, _: i64| lame(i, 0) || out_since(i).is_some();
                let blamed = |i: &InstanceId, led: i64| {
                    let began = named.max(led);
                    lame(i, 0) || out_since(i).is_some_and(|since| since < began)
                };
                let names = &version.content;
                if names.iter().all(|name| self.nobody(*name, second, silent)) {
                    if names.iter().all(|name| self.nobody(*name, second, blamed)) {
                        violated.insert(second);
                    } else {
                        outages.insert(second);
                    }
                } else {
                    let nobody = |name: &&InstanceId| self.nobody(**name, second, lame);
                    for instance in names.iter().filter(nobody) {
                        warnings.entry(instance.0).or_default().insert(second);
                    }
                }
            }
        }
        (violated, outages, warnings)
    }

    /// Whether a cache may find nobody under this name: by an address of which all is silent, or by none.
    fn nobody(
        &self,
        name: InstanceId,
        second: i64,
        silent: impl Fn(&InstanceId, i64) -> bool,
    ) -> bool {
        let addresses = self.addresses(name, second);
        let mut all = addresses.iter();
        addresses.is_empty() || all.any(|(since, led)| led.iter().all(|i| silent(i, *since)))
    }

    /// Since when an instance has been out of order without a break.
    fn out_since(&self, instance: InstanceId, second: i64) -> Option<i64> {
        let out = |second: &i64| in_span(&self.history.outages, instance, *second);
        (START..=second).rev().take_while(out).last()
    }

    /// The DS records that count.
    pub fn believed<'d>(&self, set: &'d [Ds]) -> Vec<&'d Ds> {
        let known = |ds: &&Ds| {
            let Profile {
                algorithms,
                digests,
                ..
            } = self.profile;
            algorithms.contains(&ds.algorithm) && digests.contains(&ds.digest_type)
        };
        let known: Vec<&Ds> = set.iter().filter(known).collect();
        let has = |digest: u8| known.iter().any(|ds| ds.digest_type == digest);
        let counts = |ds: &&Ds| match self.profile.digest_choice {
            DigestChoice::Any => true,
            DigestChoice::NoSha1BesideSha2 => ds.digest_type != 1 || !(has(2) || has(4)),
            DigestChoice::StrongestOnly => {
                // No profile here supports others.
                let strongest = [4, 2, 1].into_iter().find(|&digest| has(digest));
                Some(ds.digest_type) == strongest
            }
        };
        known.iter().copied().filter(counts).collect()
    }

    /// The algorithm of a key that this DNSKEY RRset holds in usable form.
    fn usable(&self, keys: &[KeyId], key: KeyId) -> Option<u8> {
        let record = &self.history.keys[key.0 as usize];
        let good = keys.contains(&key)
            && record.usable
            && self.profile.algorithms.contains(&record.algorithm);
        good.then_some(record.algorithm)
    }

    fn algorithms(&self, keys: &[KeyId]) -> BTreeSet<u8> {
        keys.iter()
            .filter_map(|&key| self.usable(keys, key))
            .collect()
    }

    /// Signatures on a DNSKEY RRset by its own keys that a DS matches.
    fn vouching<'k>(
        &self,
        ds: &[Ds],
        keys: &'k Version<Vec<KeyId>>,
        second: i64,
    ) -> Vec<&'k Signature> {
        let matched = |signature: &&Signature| {
            let algorithm = self.usable(&keys.content, signature.key);
            let believed = self.believed(ds);
            let mut ds = believed.iter();
            ds.any(|ds| ds.key == Some(signature.key) && Some(ds.algorithm) == algorithm)
        };
        let signatures = keys.signatures.iter();
        signatures
            .filter(|signature| holds_in(signature, second))
            .filter(matched)
            .collect()
    }

    /// A: does the DS RRset vouch for the DNSKEY RRset?
    pub fn vouches(&self, ds: &[Ds], keys: &Version<Vec<KeyId>>, second: i64) -> bool {
        let paths = self.vouching(ds, keys, second);
        let algorithm = |signature: &Signature| self.usable(&keys.content, signature.key);
        let by_path: BTreeSet<u8> = paths.iter().filter_map(|s| algorithm(s)).collect();
        let live = keys.signatures.iter().filter(|s| holds_in(s, second));
        let by_any: BTreeSet<u8> = live.filter_map(algorithm).collect();
        let wanted: BTreeSet<u8> = self.believed(ds).iter().map(|ds| ds.algorithm).collect();
        match self.profile.strictness {
            Strictness::Liberal => !paths.is_empty(),
            Strictness::StrictDs => wanted.is_subset(&by_path),
            Strictness::StrictDnskey => {
                !paths.is_empty() && self.algorithms(&keys.content).is_subset(&by_any)
            }
        }
    }

    /// B: does the DNSKEY RRset verify the answer?
    pub fn verifies(
        &self,
        ds: &[Ds],
        keys: &Version<Vec<KeyId>>,
        signatures: &[Signature],
        second: i64,
    ) -> bool {
        let live = signatures.iter().filter(|s| holds_in(s, second));
        let by: BTreeSet<u8> = live
            .filter_map(|signature| self.usable(&keys.content, signature.key))
            .collect();
        let wanted: BTreeSet<u8> = self.believed(ds).iter().map(|ds| ds.algorithm).collect();
        !by.is_empty()
            && match self.profile.strictness {
                Strictness::Liberal => true,
                Strictness::StrictDs => wanted.is_subset(&by),
                Strictness::StrictDnskey => self.algorithms(&keys.content).is_subset(&by),
            }
    }
}

/// RFC 4035 §5.3.1: from inception to expiration, both included.
pub fn holds_in(signature: &Signature, second: i64) -> bool {
    whole(signature.inception) <= second && second <= whole(signature.expiration)
}

/// Since when the server of this version has said the same without a break.
fn said_since<C: PartialEq>(versions: &[Version<C>], version: &Version<C>) -> i64 {
    let says = |second: &i64| {
        versions.iter().any(|one| {
            one.instance == version.instance
                && one.content == version.content
                && (whole(one.from)..whole(one.until)).contains(second)
        })
    };
    let from = whole(version.from);
    let before = (START..from).rev().take_while(says);
    before.last().unwrap_or(from)
}

fn in_span(spans: &[Span], instance: InstanceId, second: i64) -> bool {
    spans.iter().any(|span| {
        span.instance == instance && whole(span.from) <= second && second < whole(span.until)
    })
}

fn whole(at: Timestamp) -> i64 {
    at.as_seconds().clamp(START, END)
}
