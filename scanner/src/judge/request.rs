//! What CDS and CDNSKEY ask for: sets of keys, not sets of octets (RFC 9975 §3.1).
//!
//! Owns the reading of the records: which keys they name, whether they ask for deletion, and what DS
//! RRset follows. Knows nothing of signatures.

use std::collections::{BTreeMap, BTreeSet};

use counterpoint_dns::{
    key::{DIGEST_SHA256, Dnskey},
    name::Name,
    rdata::Ds,
    rrset::RrSet,
};

use crate::{
    config::Sabotage,
    gather::{Answer, Gathered},
    policy::Policy,
};

/// Which key a record names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyId {
    /// A key that somebody published.
    Key(Dnskey),
    /// A key known by an eligible digest only: a standby key, as a rule (B-03).
    Digest(Ds),
    /// A key known by a digest that must not go into a DS RRset.
    Obscure(Ds),
}

impl KeyId {
    /// Its key tag.
    pub fn tag(&self) -> u16 {
        match self {
            Self::Key(key) => key.tag(),
            Self::Digest(ds) | Self::Obscure(ds) => ds.tag,
        }
    }
}

/// What one RRset of one server asks for; everything empty if there is no such RRset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Some record has algorithm 0.
    pub delete: bool,
    /// Some record has algorithm 0, and it is not exactly one record of exactly the delete shape.
    pub malformed: bool,
    /// Some record cannot be read, or is no key that could sign.
    pub unreadable: bool,
    /// The keys.
    pub keys: BTreeSet<KeyId>,
    /// Those of them that are named by an eligible digest, or in full.
    pub eligible: BTreeSet<KeyId>,
}

impl Wish {
    /// Whether the RRset is there.
    pub fn is_present(&self) -> bool {
        self.delete || self.unreadable || !self.keys.is_empty()
    }

    /// The same request, whatever the form.
    pub fn agrees_with(&self, other: &Self) -> bool {
        (self.delete, self.unreadable, &self.keys) == (other.delete, other.unreadable, &other.keys)
    }

    /// the same keys by CDS and by CDNSKEY, where only eligible digests count.
    pub fn matches(&self, other: &Self) -> bool {
        (self.delete, self.unreadable, &self.eligible)
            == (other.delete, other.unreadable, &other.eligible)
    }

    /// For people: the key tags.
    pub fn show(&self) -> String {
        if !self.is_present() {
            return "none".into();
        }
        let tags: Vec<String> = self.keys.iter().map(|key| key.tag().to_string()).collect();
        let delete = if self.delete { "delete " } else { "" };
        format!("{delete}{{{}}}", tags.join(", "))
    }
}

/// What one server asks for; nothing where it gave no response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// By CDS.
    pub cds: Option<Wish>,
    /// By CDNSKEY.
    pub cdnskey: Option<Wish>,
}

impl Asked {
    /// The wishes that were received.
    pub fn wishes(&self) -> impl Iterator<Item = &Wish> {
        self.cds.iter().chain(&self.cdnskey)
    }
}

/// What the child asks for, over all servers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// By server, in the order of [`Gathered::servers`].
    pub asked: Vec<Asked>,
    /// The DS RRset that would follow.
    pub wanted: Wanted,
}

/// The DS RRset that follows from a wish.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Its records; none for a delete request.
    pub ds: BTreeSet<Ds>,
    /// Keys for which no eligible digest can be had.
    pub without_digest: Vec<KeyId>,
    /// Every key has an eligible digest, but no type is common to all (K-15).
    pub no_common_type: bool,
}

impl Request {
    /// Reads what the servers of a child publish.
    pub fn read(gathered: &Gathered, policy: &Policy) -> Self {
        let child = gathered.child();
        let pool = pool(gathered);
        let reader = Reader {
            child,
            pool: &pool,
            eligible: &policy.ds.digests,
        };
        let read = |answer: &Answer, reading: &dyn Fn(&RrSet) -> Wish| match answer {
            Answer::Present(signed) => Some(reading(&signed.set)),
            Answer::Absent(_) => Some(Wish::default()),
            Answer::NotAsked | Answer::Referred(_) | Answer::Unusable(_) => None,
        };
        let asked: Vec<Asked> = gathered
            .servers
            .iter()
            .map(|server| Asked {
                cds: read(&server.cds, &|set| reader.cds(set)),
                cdnskey: read(&server.cdnskey, &|set| reader.cdnskey(set)),
            })
            .collect();
        let published: BTreeSet<Ds> = gathered
            .servers
            .iter()
            .filter_map(|server| server.cds.present())
            .flat_map(|signed| signed.set.data.iter().filter_map(Ds::parse))
            .collect();
        // K-08: CDS is our default; CDNSKEY where there is none. Once consistent, all are the same.
        let leading = asked
            .iter()
            .filter_map(|asked| asked.cds.as_ref())
            .chain(asked.iter().filter_map(|asked| asked.cdnskey.as_ref()))
            .find(|wish| wish.is_present());
        let mut wanted =
            leading.map_or_else(Wanted::default, |wish| reader.wanted(wish, &published));
        if policy.has(Sabotage::CopiesCds) && !wanted.ds.is_empty() && !published.is_empty() {
            wanted.ds = published;
        }
        Self { asked, wanted }
    }
}

/// Every key that some server publishes, by tag and algorithm.
type Pool = BTreeMap<(u16, u8), BTreeSet<Dnskey>>;

fn pool(gathered: &Gathered) -> Pool {
    let mut pool = Pool::new();
    for server in &gathered.servers {
        for signed in [&server.cdnskey, &server.dnskey]
            .into_iter()
            .filter_map(|answer| answer.present())
        {
            for key in signed.set.data.iter().filter_map(Dnskey::parse) {
                let at = (key.tag(), key.algorithm);
                pool.entry(at).or_default().insert(key);
            }
        }
    }
    pool
}

struct Reader<'a> {
    child: &'a Name,
    pool: &'a Pool,
    eligible: &'a BTreeSet<u8>,
}

impl Reader<'_> {
    fn cds(&self, set: &RrSet) -> Wish {
        let mut wish = Wish::default();
        let records: Vec<Option<Ds>> = set.data.iter().map(Ds::parse).collect();
        for record in &records {
            match record {
                None => wish.unreadable = true,
                Some(ds) if ds.algorithm == 0 => {
                    wish.delete = true;
                    wish.malformed |= records.len() != 1 || !ds.is_delete();
                }
                Some(ds) => {
                    let key = self.identify(ds, &records);
                    if self.eligible.contains(&ds.digest_type) {
                        wish.eligible.extend(key.clone());
                    }
                    wish.keys.extend(key);
                }
            }
        }
        wish
    }

    fn cdnskey(&self, set: &RrSet) -> Wish {
        let mut wish = Wish::default();
        for data in &set.data {
            match Dnskey::parse(data) {
                Some(key) if key.algorithm == 0 => {
                    wish.delete = true;
                    wish.malformed |= set.data.len() != 1 || !key.is_delete();
                }
                Some(key) if key.is_usable() => {
                    wish.eligible.insert(KeyId::Key(key.clone()));
                    wish.keys.insert(KeyId::Key(key));
                }
                _ => wish.unreadable = true,
            }
        }
        wish
    }

    /// Whose digest it is. One key has as many digests as there are types: the same key under the
    /// other types of the same RRset is not a second key.
    fn identify(&self, ds: &Ds, siblings: &[Option<Ds>]) -> Option<KeyId> {
        let at = (ds.tag, ds.algorithm);
        let known = self.pool.get(&at).into_iter().flatten();
        if let Some(key) = known.clone().find(|key| key.matches(self.child, ds)) {
            return Some(KeyId::Key(key.clone()));
        }
        if ds.digest_type == DIGEST_SHA256 && self.eligible.contains(&DIGEST_SHA256) {
            return Some(KeyId::Digest(ds.clone()));
        }
        let has_eligible_twin = siblings.iter().flatten().any(|other| {
            (other.tag, other.algorithm) == at
                && other.digest_type != ds.digest_type
                && self.eligible.contains(&other.digest_type)
                && (other.digest_type == DIGEST_SHA256 || !self.eligible.contains(&ds.digest_type))
        });
        if has_eligible_twin {
            return None;
        }
        Some(match self.eligible.contains(&ds.digest_type) {
            true => KeyId::Digest(ds.clone()),
            // A digest that we cannot compute of a key that we know: it still names that key.
            false => match known.clone().next() {
                Some(key) if key.ds(self.child, ds.digest_type).is_none() => {
                    KeyId::Key(key.clone())
                }
                _ => KeyId::Obscure(ds.clone()),
            },
        })
    }

    /// K-15: the same digest types for every key. Types that the child's CDS lacks are computed.
    fn wanted(&self, wish: &Wish, published: &BTreeSet<Ds>) -> Wanted {
        let digests_of = |key: &KeyId| -> BTreeMap<u8, Ds> {
            let candidates: Vec<Ds> = match key {
                KeyId::Key(key) => self
                    .eligible
                    .iter()
                    .filter_map(|digest_type| key.ds(self.child, *digest_type))
                    .collect(),
                KeyId::Digest(ds) => published
                    .iter()
                    .filter(|other| (other.tag, other.algorithm) == (ds.tag, ds.algorithm))
                    .filter(|other| self.eligible.contains(&other.digest_type))
                    .filter(|other| other.digest_type != ds.digest_type || *other == ds)
                    .cloned()
                    .collect(),
                KeyId::Obscure(_) => Vec::new(),
            };
            candidates
                .into_iter()
                .map(|ds| (ds.digest_type, ds))
                .collect()
        };
        // B-08: a delete request names no key, and so no DS.
        if wish.delete {
            return Wanted::default();
        }
        let by_key: Vec<(&KeyId, BTreeMap<u8, Ds>)> =
            wish.keys.iter().map(|key| (key, digests_of(key))).collect();
        let without_digest: Vec<KeyId> = by_key
            .iter()
            .filter(|(_, digests)| digests.is_empty())
            .map(|(key, _)| (*key).clone())
            .collect();
        let common = |digest_type: &u8| by_key.iter().all(|(_, all)| all.contains_key(digest_type));
        let seen: BTreeSet<u8> = published.iter().map(|ds| ds.digest_type).collect();
        let possible: BTreeSet<u8> = self.eligible.iter().copied().filter(common).collect();
        let asked_for: BTreeSet<u8> = possible.intersection(&seen).copied().collect();
        let types = match (asked_for.is_empty(), possible.contains(&DIGEST_SHA256)) {
            (false, _) => asked_for,
            (true, true) => [DIGEST_SHA256].into(),
            (true, false) => possible,
        };
        Wanted {
            ds: by_key
                .iter()
                .flat_map(|(_, all)| types.iter().filter_map(|digest_type| all.get(digest_type)))
                .cloned()
                .collect(),
            no_common_type: types.is_empty() && without_digest.is_empty() && !by_key.is_empty(),
            without_digest,
        }
    }
}
