//! From versions to pieces: how each thing that an RRset contains stands, by arithmetic on sets of instants.
//!
//! Until when a version may be cached is in the run; what is coming, everywhere or going follows.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use counterpoint_dns::{
    oracle::intervals::{Interval, Intervals},
    time::Timestamp,
};

use super::{Group, Lane, Piece, Row, State, fold};
use crate::{
    at::At,
    run::{Run, Span, Version, What, Zone},
};

/// Something that an RRset contains.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    Key(usize),
    Owner(String),
    Server(usize),
    /// An answer without signature, or a DS that names no key, or no DS at all.
    Odd(&'static str),
}

/// What a version contains.
fn items(zone: &Zone, version: &Version) -> BTreeSet<Item> {
    let keys = |keys: &[usize]| keys.iter().copied().map(Item::Key).collect::<BTreeSet<_>>();
    match version.what {
        What::Ds if version.keys.is_empty() && version.keyless == 0 => [Item::Odd("no DS")].into(),
        What::Ds if version.keyless > 0 => {
            let mut items = keys(&version.keys);
            items.insert(Item::Odd("of no key"));
            items
        }
        What::Ds | What::Dnskey => keys(&version.keys),
        What::Ns => {
            let owner = |&server: &usize| zone.instances.get(server).map(|one| one.owner.clone());
            let owners = version.servers.iter().filter_map(owner);
            owners.map(Item::Owner).collect()
        }
        What::Answers if version.signed.is_empty() => [Item::Odd("unsigned")].into(),
        What::Answers => version
            .signed
            .iter()
            .map(|signed| Item::Key(signed.key))
            .collect(),
        What::Address => version.servers.iter().copied().map(Item::Server).collect(),
    }
}

/// More servers than that are counted.
const NAMED_MAX: usize = 5;

/// Paints one zone.
pub(super) struct Painter<'r> {
    /// The run.
    pub run: &'r Run,
    /// The zone.
    pub zone: &'r Zone,
}

fn interval(span: &Span) -> Interval {
    let from = span.from.map_or(Timestamp::MIN, At::stamp);
    let until = span.until.map_or(Timestamp::MAX, At::stamp);
    Interval::new(from, until)
}

fn served(version: &Version) -> Interval {
    interval(&Span {
        from: version.from,
        until: version.until,
    })
}

fn fetchable(version: &Version) -> Intervals {
    version.fetchable.iter().map(interval).collect()
}

/// When a cache may hold a version.
fn cached(version: &Version) -> Intervals {
    let ttl = Duration::from_secs(version.ttl);
    version
        .fetchable
        .iter()
        .map(|span| interval(span).kept(ttl))
        .collect()
}

/// All instants of these sets.
fn joined(sets: impl Iterator<Item = Intervals>) -> Intervals {
    sets.flat_map(|set| set.iter().collect::<Vec<_>>())
        .collect()
}

impl Painter<'_> {
    /// Parent, signers, caches.
    pub fn groups(&self) -> Vec<Group> {
        let mut groups = Vec::new();
        let owners = self.zone.instances.iter().map(|instance| &instance.owner);
        let owners: BTreeSet<&String> = owners.collect();
        let rank = |owner: &&&String| {
            let is_parent = owner.as_str() == "parent";
            let signer = self.run.signers.iter().position(|signer| signer == **owner);
            (!is_parent, signer)
        };
        let mut owners: Vec<&&String> = owners.iter().collect();
        owners.sort_by_key(rank);
        for owner in owners {
            let folded = fold::folded(self.run, self.zone, owner);
            let is_one = folded.len() == 1;
            for instances in folded {
                groups.extend(self.group(owner, instances, is_one));
            }
        }
        groups.push(self.caches());
        groups
    }

    fn group(&self, owner: &str, instances: Vec<usize>, is_one: bool) -> Option<Group> {
        let first = *instances.first()?;
        let lanes: Vec<Lane> = [
            What::Ds,
            What::Ns,
            What::Address,
            What::Dnskey,
            What::Answers,
        ]
        .into_iter()
        .filter_map(|what| self.lane(what, &instances))
        .collect();
        let short = |&instance: &usize| {
            let name = self.zone.instance(instance);
            name.split_once('/')
                .map_or(name, |(_, short)| short)
                .to_owned()
        };
        let names: Vec<String> = instances.iter().map(short).collect();
        let names = match names.len() {
            ..=NAMED_MAX => names.join(" "),
            count => format!("{count} servers"),
        };
        let own = self
            .zone
            .signals
            .iter()
            .filter(|signal| signal.instance == first);
        let outages = self
            .zone
            .outages
            .iter()
            .filter(|outage| outage.instance == first);
        let outages: Intervals = outages.map(|outage| interval(&outage.span)).collect();
        let title = match owner {
            "parent" => format!("{} (parent)", self.run.parent),
            owner => owner.into(),
        };
        (!lanes.is_empty()).then(|| Group {
            title: if is_one {
                title
            } else {
                format!("{title} {names}")
            },
            note: if is_one { names } else { String::new() },
            lanes,
            signals: own
                .map(|s| (s.at, format!("{} {}", s.what, s.content)))
                .collect(),
            outages: self.pieces(&outages, State::Unreached),
        })
    }

    fn versions(&self, what: What, instances: &[usize]) -> Vec<&Version> {
        let all = self.zone.versions.iter();
        all.filter(|version| version.what == what && instances.contains(&version.instance))
            .collect()
    }

    fn lane(&self, what: What, instances: &[usize]) -> Option<Lane> {
        let versions = self.versions(what, instances);
        let contents: BTreeSet<BTreeSet<Item>> = versions
            .iter()
            .map(|version| items(self.zone, version))
            .collect();
        // Addresses that never change tell nothing.
        if versions.is_empty() || what == What::Address && contents.len() < 2 {
            return None;
        }
        let all: BTreeSet<Item> = contents.into_iter().flatten().collect();
        let owner = self.zone.instances.get(*instances.first()?)?.owner.as_str();
        let mut rows: Vec<(bool, Row)> = Vec::new();
        for item in all {
            let with = |version: &&&Version| items(self.zone, version).contains(&item);
            let having: Vec<&Version> = versions.iter().filter(with).copied().collect();
            let lacking: Vec<&Version> = match what {
                // Every answer has signers of its own; an address has its name.
                What::Answers | What::Address => Vec::new(),
                _ => versions
                    .iter()
                    .filter(|version| !with(version))
                    .copied()
                    .collect(),
            };
            let mut row = self.row(&item);
            row.pieces = self.states(&item, &having, &lacking, &versions);
            if let (What::Dnskey, Item::Key(key)) = (what, &item) {
                row.ds = self.named_by_ds(*key);
            }
            if !row.pieces.is_empty() {
                rows.push((self.owner_of(&item) != Some(owner), row));
            }
        }
        rows.sort_by_key(|(is_foreign, _)| *is_foreign);
        let rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).collect();
        (!rows.is_empty()).then(|| Lane {
            what: what.name(),
            instances: instances.to_vec(),
            rows,
        })
    }

    fn owner_of(&self, item: &Item) -> Option<&str> {
        match item {
            Item::Key(key) => self.zone.keys.get(*key).map(|key| key.owner.as_str()),
            Item::Owner(owner) => self
                .run
                .signers
                .iter()
                .find(|s| *s == owner)
                .map(String::as_str),
            Item::Server(server) => self
                .zone
                .instances
                .get(*server)
                .map(|one| one.owner.as_str()),
            Item::Odd(_) => None,
        }
    }

    fn row(&self, item: &Item) -> Row {
        let (label, aside) = match item {
            Item::Key(key) => {
                let label = self.zone.key(*key);
                label
                    .split_once(" (")
                    .map_or((label, ""), |(name, tag)| (name, tag.trim_end_matches(')')))
            }
            Item::Owner(owner) => (owner.as_str(), ""),
            Item::Server(server) => (self.zone.instance(*server), ""),
            Item::Odd(what) => (*what, ""),
        };
        let owner = self.owner_of(item);
        Row {
            label: label.into(),
            aside: aside.into(),
            owner: self
                .run
                .signers
                .iter()
                .position(|signer| Some(signer.as_str()) == owner),
            pieces: Vec::new(),
            ds: Vec::new(),
        }
    }

    /// How an item stands at some instances: in these versions, not in those.
    fn states(
        &self,
        item: &Item,
        having: &[&Version],
        lacking: &[&Version],
        all: &[&Version],
    ) -> Vec<Piece> {
        let present: Intervals = having.iter().map(|version| served(version)).collect();
        let known = joined(all.iter().map(|version| fetchable(version)));
        let held = joined(having.iter().map(|version| cached(version)));
        let without = joined(lacking.iter().map(|version| cached(version)));
        let expired = joined(having.iter().map(|version| expired(item, version)));
        let fresh = present.minus(&expired);
        let reached = fresh.meet(&known);
        let sets = [
            (fresh.minus(&known), State::Unreached),
            (reached.meet(&without), State::Coming),
            (reached.minus(&without), State::Everywhere),
            (held.minus(&present), State::Going),
            (expired, State::Expired),
        ];
        let pieces = sets
            .iter()
            .flat_map(|(set, state)| self.pieces(set, *state));
        let mut pieces: Vec<Piece> = pieces.collect();
        pieces.sort_by_key(|piece| (piece.from, piece.until));
        pieces
    }

    fn pieces(&self, set: &Intervals, state: State) -> Vec<Piece> {
        let run = Interval::new(Timestamp::default(), self.run.end.stamp());
        let within = set.within(run);
        within
            .map(|span| Piece {
                from: At::of_stamp(span.from),
                until: At::of_stamp(span.until),
                state,
            })
            .filter(|piece| piece.from < piece.until)
            .collect()
    }

    fn parents(&self) -> Vec<usize> {
        let all = self.zone.instances.iter().enumerate();
        all.filter(|(_, one)| one.is_parent)
            .map(|(number, _)| number)
            .collect()
    }

    fn named_by_ds(&self, key: usize) -> Vec<Piece> {
        let versions = self.versions(What::Ds, &self.parents());
        let (having, lacking): (Vec<&Version>, Vec<&Version>) = versions
            .iter()
            .partition(|version| version.keys.contains(&key));
        self.states(&Item::Key(key), &having, &lacking, &versions)
    }

    /// What caches may hold: everywhere, if every version that one may hold contains it.
    fn caches(&self) -> Group {
        let all: Vec<usize> = (0..self.zone.instances.len()).collect();
        let signs = self.versions(What::Answers, &all);
        let signs: BTreeSet<usize> = signs
            .iter()
            .flat_map(|version| &version.signed)
            .map(|signed| signed.key)
            .collect();
        let lane = |what: What| -> Option<Lane> {
            let versions = self.versions(what, &all);
            let mut contents: BTreeMap<Item, Vec<&Version>> = BTreeMap::new();
            for version in &versions {
                for item in items(self.zone, version) {
                    contents.entry(item).or_default().push(version);
                }
            }
            let rows = contents.into_iter().filter_map(|(item, having)| {
                let is_shown = match (what, &item) {
                    (What::Dnskey, Item::Key(key)) => signs.contains(key),
                    _ => true,
                };
                let held = joined(having.iter().map(|version| cached(version)));
                let lacks = |version: &&&Version| !items(self.zone, version).contains(&item);
                let lacking = match what {
                    What::Answers => Intervals::none(),
                    _ => joined(versions.iter().filter(lacks).map(|version| cached(version))),
                };
                let mut pieces = self.pieces(&held.minus(&lacking), State::Everywhere);
                pieces.extend(self.pieces(&held.meet(&lacking), State::Coming));
                pieces.sort_by_key(|piece| piece.from);
                (is_shown && !pieces.is_empty()).then(|| Row {
                    pieces,
                    ..self.row(&item)
                })
            });
            let rows: Vec<Row> = rows.collect();
            (!rows.is_empty()).then(|| Lane {
                what: what.name(),
                instances: Vec::new(),
                rows,
            })
        };
        let lanes = [What::Ds, What::Ns, What::Dnskey, What::Answers];
        Group {
            title: "caches".into(),
            note: "light: in some only".into(),
            lanes: lanes.into_iter().filter_map(lane).collect(),
            signals: Vec::new(),
            outages: Vec::new(),
        }
    }
}

/// When a version was served with an expired signature by this key, and with no other by it.
fn expired(item: &Item, version: &Version) -> Intervals {
    let Item::Key(key) = item else {
        return Intervals::none();
    };
    let own = version.signed.iter().filter(|signed| signed.key == *key);
    if version.what == What::Ds {
        return Intervals::none();
    }
    // The last second counts (RFC 4035 §5.3.1).
    let last = own
        .map(|signed| signed.until.map_or(Timestamp::MAX, At::stamp))
        .max();
    match last {
        Some(last) if last < Timestamp::MAX => {
            let after = last + Duration::from_secs(1);
            let rest = Interval::new(after, Timestamp::MAX).meet(served(version));
            if rest.is_empty() {
                Intervals::none()
            } else {
                rest.into()
            }
        }
        _ => Intervals::none(),
    }
}
