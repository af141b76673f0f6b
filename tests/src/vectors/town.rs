//! Everything that answers in a case: root, parent, signalling zones, and the child's servers.
//!
//! Owns addresses, the parent's side of the delegation, and the journal of what was asked.

mod beyond;
mod side;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
};

use counterpoint_dns::{
    agent::{Peer, Server as _, Transport},
    message::{Question, decode},
    name::{Name, RecordType, parse_name},
    rdata::{Ds, Rdata},
    rrset::RrSet,
    time::Timestamp,
    tsig::TsigKey,
};

use super::{
    authority::Authority,
    keys::Keys,
    layer::{self, Layer, Over as _},
    site::{Around, Site},
};

/// The child of every case.
pub const CHILD: &str = "example.test.";
/// Its parent.
pub const PARENT: &str = "test.";
/// When every case begins: 2026-01-01T00:00:00Z.
pub const BEGIN: Timestamp = Timestamp::from_seconds(1_767_225_600);
/// The port of every server.
const PORT: u16 = 53;
/// TTL of the delegation where nothing else is said, seconds: no other default is the same.
const PARENT_TTL: u32 = 7_200;

/// The parent's zone as data: what must stay as it is.
pub type Snapshot = BTreeMap<(Name, RecordType), RrSet>;

/// One question that reached a server of the child.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// The server's label.
    pub server: String,
    /// What.
    pub question: Question,
    /// How.
    pub via: Transport,
}

/// All servers.
#[derive(Debug)]
pub struct Town {
    child: Name,
    keys: Keys,
    hosts: BTreeMap<String, Name>,
    addresses: BTreeMap<String, SocketAddr>,
    /// Root, parent, then signalling zones.
    authorities: Vec<Authority>,
    sites: BTreeMap<String, Site>,
    /// Whose turn it is at an address that several servers share (anycast).
    turns: BTreeMap<SocketAddr, usize>,
    begin: Timestamp,
    /// What was asked.
    pub journal: BTreeSet<Asked>,
}

fn name(text: &str) -> Name {
    parse_name(text).expect("a name of this file")
}

fn infrastructure(last: u8) -> IpAddr {
    [203, 0, 113, last].into()
}

/// Who may transfer and update the parent's zone.
pub fn tsig() -> TsigKey {
    TsigKey::hmac_sha256(name("scanner."), b"a secret of the vectors")
}

impl Town {
    /// The root's address.
    pub fn root() -> IpAddr {
        infrastructure(1)
    }

    /// The address of the parent's primary.
    pub fn primary() -> SocketAddr {
        SocketAddr::new(infrastructure(3), PORT)
    }

    /// Builds everything that a case says about its beginning.
    pub fn new(words: &Layer) -> Result<Self, String> {
        Self::at(BEGIN, words)
    }

    /// The same for a case that begins at another time.
    pub fn at(begin: Timestamp, words: &Layer) -> Result<Self, String> {
        let mut town = Self {
            child: name(CHILD),
            keys: Keys::new(&words.keys)?,
            hosts: BTreeMap::new(),
            addresses: BTreeMap::new(),
            authorities: Vec::new(),
            sites: BTreeMap::new(),
            turns: BTreeMap::new(),
            begin,
            journal: BTreeSet::new(),
        };
        for (label, place) in &words.servers {
            let Some(place) = place.as_deref().filter(|place| !place.is_empty()) else {
                continue;
            };
            let bad = || format!("servers.{label} = `{place}`: write `HOST ADDRESS`");
            let (host, address) = place.split_once(' ').ok_or_else(bad)?;
            let host = parse_name(host).map_err(|error| error.to_string())?;
            let address: IpAddr = address.parse().map_err(|_| bad())?;
            town.hosts.insert(label.clone(), host);
            town.addresses
                .insert(label.clone(), SocketAddr::new(address, PORT));
        }
        town.build_sites(words)?;
        town.build_authorities(words)?;
        let mut side = words.parent.clone();
        let all = || town.hosts.keys().cloned().collect();
        side.ns = Some(side.ns.unwrap_or_else(all));
        for label in town.hosts.keys() {
            let address = town.addresses[label].ip().to_string();
            let is_below = town.child.zone_of(&town.hosts[label]);
            let is_named = side.ns.as_ref().is_some_and(|ns| ns.contains(label));
            if is_below && is_named && !words.parent.glue.contains_key(label) {
                let glue = side.glue.entry(label.clone()).or_default();
                glue.get_or_insert_default().push(address);
            }
        }
        town.edit_parent(&side, &words.parent.ttl)?;
        Ok(town)
    }

    /// What the child's servers serve from now on, and what changed at the parent by hand.
    pub fn change(&mut self, words: &Layer, by_hand: &layer::ParentSide) -> Result<(), String> {
        self.build_sites(words)?;
        if !words.signal.is_empty() {
            let (parent, serial) = (self.parent(), self.authorities[1].primary.serial());
            self.build_authorities(words)?;
            let primary = &mut self.authorities[1].primary;
            primary.follow(serial);
            parent
                .into_values()
                .for_each(|set| primary.contents.put(set));
        }
        self.edit_parent(by_hand, &words.parent.ttl)
    }

    fn build_sites(&mut self, words: &Layer) -> Result<(), String> {
        if let Some(label) = words
            .on
            .keys()
            .find(|label| !self.hosts.contains_key(*label))
        {
            return Err(format!("on.{label}: there is no such server"));
        }
        let below: Vec<RrSet> = self.address_sets(|host, child| child.zone_of(host));
        let around = Around {
            child: &self.child,
            keys: &self.keys,
            hosts: &self.hosts,
            addresses: &below,
            begin: self.begin,
        };
        let mut sites = BTreeMap::new();
        for label in self.hosts.keys() {
            let mut own = words
                .on
                .get(label)
                .cloned()
                .unwrap_or_default()
                .over(&words.zone);
            let parents = words.parent.ns.clone();
            own.ns = own
                .ns
                .or(parents)
                .or_else(|| Some(self.hosts.keys().cloned().collect()));
            let site = Site::new(&own, &around).map_err(|error| format!("{label}: {error}"))?;
            sites.insert(label.clone(), site);
        }
        self.sites = sites;
        Ok(())
    }

    /// The addresses of the nameserver names that `chooses` takes, given the child's name.
    fn address_sets(&self, chooses: impl Fn(&Name, &Name) -> bool) -> Vec<RrSet> {
        let mut sets: BTreeMap<(Name, RecordType), RrSet> = BTreeMap::new();
        for (label, host) in &self.hosts {
            if !chooses(host, &self.child) {
                continue;
            }
            let address = self.addresses[label].ip();
            let rtype = match address.is_ipv4() {
                true => RecordType::A,
                false => RecordType::AAAA,
            };
            let empty = || RrSet::new(host.clone(), rtype, PARENT_TTL / 2, []);
            let set = sets.entry((host.clone(), rtype)).or_insert_with(empty);
            set.data.insert(Rdata::address(address));
        }
        sets.into_values().collect()
    }

    /// The parent's zone as it is now.
    pub fn parent(&self) -> Snapshot {
        let sets = self.authorities[1].primary.contents.sets();
        sets.map(|set| ((set.name.clone(), set.rtype), set.clone()))
            .collect()
    }

    /// What a resolver trusts.
    pub fn trust_anchor(&self) -> Vec<Ds> {
        self.authorities[0].ds()
    }

    /// When the case begins.
    pub fn begin(&self) -> Timestamp {
        self.begin
    }

    /// The child.
    pub fn child(&self) -> &Name {
        &self.child
    }

    /// Every address at which somebody answers.
    pub fn addresses(&self) -> BTreeSet<SocketAddr> {
        let zones = self
            .authorities
            .iter()
            .map(|zone| SocketAddr::new(zone.address, PORT));
        let sites = self.addresses.values().copied();
        sites.chain(zones).chain([Self::primary()]).collect()
    }

    /// What the server at `to` answers.
    pub fn respond(
        &mut self,
        now: Timestamp,
        to: SocketAddr,
        from: Peer,
        via: Transport,
        request: &[u8],
    ) -> Option<Vec<u8>> {
        if to == Self::primary() {
            return self.authorities[1].respond(now, from, via, request);
        }
        if let Some(zone) = self
            .authorities
            .iter_mut()
            .find(|zone| zone.address == to.ip())
        {
            return zone.respond(now, from, via, request);
        }
        let here = self.addresses.iter().filter(|(_, address)| **address == to);
        let here: Vec<&String> = here.map(|(label, _)| label).collect();
        let turn = self.turns.entry(to).or_default();
        let label = (*here.get(*turn % here.len().max(1))?).clone();
        *turn += 1;
        if let Some(query) = decode(request).ok()?.queries.first() {
            let question = Question::new(query.name().into(), query.query_type());
            self.journal.insert(Asked {
                server: label.clone(),
                question,
                via,
            });
        }
        self.sites.get_mut(&label)?.respond(now, from, via, request)
    }
}
