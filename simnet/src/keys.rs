//! The keys that one signer has for one zone: its own, with their labels, and the imported ones.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use counterpoint_dns::key::{Dnskey, SECURE_ENTRY_POINT, SigningKey, ZONE_KEY};

/// What a key is for (RFC 6781 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// Signs the zone's data.
    Zsk,
    /// Signs the DNSKEY RRset; the DS names it.
    Ksk,
    /// Both.
    Csk,
}

impl KeyKind {
    /// The DNSKEY flags of such a key.
    pub const fn flags(self) -> u16 {
        match self {
            Self::Zsk => ZONE_KEY,
            Self::Ksk | Self::Csk => ZONE_KEY | SECURE_ENTRY_POINT,
        }
    }

    /// Whether the DNSKEY RRset is signed with it.
    pub const fn signs_keys(self) -> bool {
        matches!(self, Self::Ksk | Self::Csk)
    }

    /// Whether the zone's data are signed with it.
    pub const fn signs_data(self) -> bool {
        matches!(self, Self::Zsk | Self::Csk)
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zsk => "zsk",
            Self::Ksk => "ksk",
            Self::Csk => "csk",
        })
    }
}

/// A key that this signer made.
#[derive(Clone, Debug)]
pub struct OwnKey {
    /// What it is for.
    pub kind: KeyKind,
    /// The key.
    pub key: SigningKey,
    /// Whether it makes signatures now.
    pub is_active: bool,
    /// Whether the DNSKEY RRset lists it: from the start, but for an algorithm that is to come or go.
    pub is_published: bool,
    /// Whether an update may take it out of the DNSKEY RRset.
    pub may_leave: bool,
    /// Its place in the order in which keys were made.
    pub order: u32,
}

/// All keys of one signer for one zone.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    /// Own keys by label: `zsk-1`, `ksk-1`, `csk-1`.
    pub own: BTreeMap<String, OwnKey>,
    /// Keys of other signers.
    pub foreign: BTreeSet<Dnskey>,
}

impl KeyRing {
    /// Every key that belongs into the DNSKEY RRset.
    pub fn published(&self) -> BTreeSet<&Dnskey> {
        let own = self.own.values().filter(|own| own.is_published);
        own.map(|own| own.key.public())
            .chain(&self.foreign)
            .collect()
    }

    /// The own key of this public half.
    pub fn own_of_mut(&mut self, key: &Dnskey) -> Option<&mut OwnKey> {
        self.own.values_mut().find(|own| own.key.public() == key)
    }

    /// The place of the next key in the order in which keys are made.
    pub fn next_order(&self) -> u32 {
        self.own
            .values()
            .map(|own| own.order + 1)
            .max()
            .unwrap_or(0)
    }

    /// Own keys of this kind, the oldest first.
    pub fn of_kind(&mut self, kind: KeyKind) -> Vec<(&String, &mut OwnKey)> {
        let own = self.own.iter_mut().filter(|(_, own)| own.kind == kind);
        let mut own: Vec<_> = own.collect();
        own.sort_by_key(|(_, own)| own.order);
        own
    }

    /// The own key of this public half, with its label.
    pub fn own_of(&self, key: &Dnskey) -> Option<(&String, &OwnKey)> {
        self.own.iter().find(|(_, own)| own.key.public() == key)
    }

    /// The active keys that sign what `chooses` says.
    pub fn signing(&self, chooses: impl Fn(KeyKind) -> bool) -> impl Iterator<Item = &SigningKey> {
        self.own
            .values()
            .filter(move |own| own.is_active && chooses(own.kind))
            .map(|own| &own.key)
    }
}
