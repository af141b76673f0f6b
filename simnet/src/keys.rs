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
    /// Whether it makes signatures now. A key is published from the start until it is dropped.
    pub is_active: bool,
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
        self.own
            .values()
            .map(|own| own.key.public())
            .chain(&self.foreign)
            .collect()
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
