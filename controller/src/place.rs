//! Where things are served, and what can be asked there.
//!
//! Owns *instance* as the controller means it: one server address of a signer or of the parent. A
//! primary that no NS name leads to is asked and written, but no cache ever sees it.

use std::{collections::BTreeMap, fmt, net::SocketAddr};

use counterpoint_dns::name::{Name, RecordType};
use serde::{Deserialize, Serialize};

use crate::{
    config::{Config, SignerName},
    sabotage::Sabotage,
    store,
};

/// The port of every public instance.
const DNS_PORT: u16 = 53;

/// Who runs an instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Owner {
    /// The parent.
    Parent,
    /// A signer.
    Signer(SignerName),
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parent => f.write_str("parent"),
            Self::Signer(name) => name.fmt(f),
        }
    }
}

/// One server address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place {
    /// Who runs it.
    pub owner: Owner,
    // Before the name, because telling addresses apart is cheaper than telling names apart.
    /// Its address.
    pub address: SocketAddr,
    /// The NS name that leads to it; `None` for a hidden primary.
    pub ns: Option<NsName>,
}

/// A name that serialises.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct NsName(#[serde(with = "store::name")] pub Name);

impl Place {
    /// Whether caches can ask it.
    pub(crate) fn is_public(&self) -> bool {
        self.ns.is_some()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.ns {
            Some(NsName(name)) => write!(f, "{}/{name}/{}", self.owner, self.address.ip()),
            None => write!(f, "{}/primary/{}", self.owner, self.address),
        }
    }
}

/// What is observed at an instance: one RRset.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Item {
    /// The zone's DNSKEY RRset.
    Dnskey,
    /// The zone's own NS RRset.
    Ns,
    /// CDS (RFC 7344 §3.1).
    Cds,
    /// CDNSKEY (RFC 7344 §3.2).
    Cdnskey,
    /// CSYNC (RFC 7477).
    Csync,
    /// SOA: its serial, and with which keys data are signed.
    Soa,
    /// A or AAAA of a nameserver name inside the zone; glue, at the parent.
    Address(
        #[serde(with = "store::name")] Name,
        #[serde(with = "store::rtype")] RecordType,
    ),
    /// CDS or CDNSKEY under a signalling name (RFC 9615 §3.1).
    Signal(
        #[serde(with = "store::name")] Name,
        #[serde(with = "store::rtype")] RecordType,
    ),
    /// DS, at the parent.
    Ds,
    /// The delegation's NS RRset, at the parent.
    Delegation,
}

impl Item {
    /// The types of addresses.
    pub(crate) const ADDRESS_TYPES: [RecordType; 2] = [RecordType::A, RecordType::AAAA];

    /// Whether it is watched while a group is at rest.
    pub(crate) fn is_watched(&self) -> bool {
        matches!(
            self,
            Self::Dnskey | Self::Soa | Self::Ns | Self::Ds | Self::Delegation
        )
    }

    /// The type that is asked for.
    pub(crate) fn rtype(&self) -> RecordType {
        match self {
            Self::Dnskey => RecordType::DNSKEY,
            Self::Ns | Self::Delegation => RecordType::NS,
            Self::Cds => RecordType::CDS,
            Self::Cdnskey => RecordType::CDNSKEY,
            Self::Csync => RecordType::CSYNC,
            Self::Soa => RecordType::SOA,
            Self::Address(_, rtype) | Self::Signal(_, rtype) => *rtype,
            Self::Ds => RecordType::DS,
        }
    }

    /// The name that is asked for.
    pub(crate) fn name(&self, zone: &Name) -> Name {
        match self {
            Self::Address(name, _) | Self::Signal(name, _) => name.clone(),
            _ => zone.clone(),
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delegation => f.write_str("delegation"),
            Self::Address(name, rtype) | Self::Signal(name, rtype) => write!(f, "{name} {rtype}"),
            _ => self.rtype().fmt(f),
        }
    }
}

/// The instances of everybody concerned, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    by_owner: BTreeMap<Owner, Vec<Place>>,
    /// Public ones that are known, and never asked.
    unasked: Vec<Place>,
}

impl Places {
    /// Takes one owner's instances, the public ones first.
    pub(crate) fn insert(&mut self, config: &Config, owner: Owner, mut places: Vec<Place>) {
        if config.has(Sabotage::FirstInstanceIsEnough) {
            let others = places.split_off(1.min(places.len()));
            let (public, hidden): (Vec<_>, Vec<_>) = others.into_iter().partition(Place::is_public);
            places.extend(hidden);
            self.unasked.retain(|place| place.owner != owner);
            self.unasked.extend(public);
        }
        self.by_owner.insert(owner, places);
    }

    /// Every instance of `owner`, its primary included.
    pub(crate) fn of(&self, owner: &Owner) -> &[Place] {
        self.by_owner.get(owner).map_or(&[], Vec::as_slice)
    }

    /// Everybody's instances.
    #[cfg(feature = "tool")]
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Owner, &Vec<Place>)> {
        self.by_owner.iter()
    }

    /// Every instance of anybody that caches can ask, asked here or not.
    pub(crate) fn reachable(&self) -> impl Iterator<Item = &Place> {
        let asked = self.by_owner.values().flatten();
        asked.chain(&self.unasked).filter(|place| place.is_public())
    }

    /// The instances of `owner` that caches can ask.
    pub(crate) fn public(&self, owner: &Owner) -> impl Iterator<Item = &Place> {
        self.of(owner).iter().filter(|place| place.is_public())
    }

    /// Where this signer is written.
    pub(crate) fn primary(&self, config: &Config, signer: &SignerName) -> Option<&Place> {
        let address = config.signers.get(signer)?.interface.primary()?;
        let mut all = self.of(&Owner::Signer(signer.clone())).iter();
        all.find(|place| place.address == address)
    }

    /// Every instance that this name leads to.
    pub(crate) fn named<'a, 'n>(
        &'a self,
        name: &'n Name,
    ) -> impl Iterator<Item = &'a Place> + use<'a, 'n> {
        let all = self.by_owner.values().flatten().chain(&self.unasked);
        all.filter(move |place| place.ns.as_ref().is_some_and(|ns| ns.0 == *name))
    }
}

/// The instances of `signer`, if the addresses of all its names are known through `addresses`.
pub(crate) fn signer_places(
    config: &Config,
    signer: &SignerName,
    addresses: &impl Fn(&Name) -> Option<Vec<std::net::IpAddr>>,
) -> Option<Vec<Place>> {
    let declared = config.signers.get(signer)?;
    let owner = Owner::Signer(signer.clone());
    let mut places = Vec::new();
    for name in &declared.ns {
        let found = match declared.in_zone_addresses.get(name) {
            Some(declared) => declared.clone(),
            None => addresses(name)?,
        };
        places.extend(found.into_iter().map(|address| Place {
            owner: owner.clone(),
            ns: Some(NsName(name.clone())),
            address: SocketAddr::new(address, DNS_PORT),
        }));
    }
    if let Some(address) = declared.interface.primary()
        && !places.iter().any(|place| place.address == address)
    {
        places.push(Place {
            owner,
            ns: None,
            address,
        });
    }
    Some(places)
}

/// The parent's instances, if the addresses of all its names are known.
pub(crate) fn parent_places(
    names: &[Name],
    addresses: &impl Fn(&Name) -> Option<Vec<std::net::IpAddr>>,
) -> Option<Vec<Place>> {
    let mut places = Vec::new();
    for name in names {
        places.extend(addresses(name)?.into_iter().map(|address| Place {
            owner: Owner::Parent,
            ns: Some(NsName(name.clone())),
            address: SocketAddr::new(address, DNS_PORT),
        }));
    }
    (!places.is_empty()).then_some(places)
}
