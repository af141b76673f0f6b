//! What the controller is told: signers, zones, the parent, and how careful to be. Plain data.
//!
//! Owns the defaults. Knows nothing that was observed: a declared bound (`max_ttl`) is what may be
//! believed of a server that was never seen.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    time::Duration,
};

use counterpoint_dns::{
    agent::Transport,
    key::{DIGEST_SHA256, Dnskey},
    name::Name,
    pace::Rate,
    resolver,
    tsig::TsigKey,
    web::Secret,
};
use serde::{Deserialize, Serialize};

use crate::{common::CommonKsk, place::Owner, sabotage::Sabotage};

/// A signer, as the operator calls it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SignerName(String);

impl From<&str> for SignerName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for SignerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SignerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is added to every wait: clock skew and slow instances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Safety {
    /// This share of the wait, and at least a minute.
    Share(f64),
    /// This long.
    Fixed(Duration),
}

impl Safety {
    /// The least that a share amounts to.
    const LEAST: Duration = Duration::from_secs(60);

    /// What is added to a wait of this length.
    pub fn of(self, wait: Duration) -> Duration {
        match self {
            Self::Share(share) => {
                let seconds = wait.as_secs_f64() * share.max(0.0);
                Duration::try_from_secs_f64(seconds)
                    .unwrap_or(Duration::MAX)
                    .max(Self::LEAST)
            }
            Self::Fixed(span) => span,
        }
    }
}

impl Default for Safety {
    fn default() -> Self {
        Self::Share(0.10)
    }
}

/// What becomes of CDS and CDNSKEY when a process ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CdsAfter {
    /// They stay, the union on every signer: a signer that publishes a CDS of its own key by itself
    /// cannot leave a lone one behind.
    #[default]
    Keep,
    /// They are withdrawn.
    Withdraw,
}

/// How often the parent is asked in a KSK roll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KskRoll {
    /// Once: the new key instead of the old one.
    #[default]
    Swap,
    /// Twice: the new key beside the old one, later alone.
    Double,
}

/// The delegating zone.
#[derive(Clone, Debug)]
pub struct Parent {
    /// Its name.
    pub zone: Name,
    /// Its nameservers; empty: found by the resolver.
    pub ns: Vec<Name>,
    /// No TTL of DS, NS or denial was ever longer.
    pub max_ttl: Duration,
}

/// One signer.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The nameserver names that it brings.
    pub ns: Vec<Name>,
    /// Addresses of those of its nameserver names that lie inside the zone: what A and AAAA become.
    pub in_zone_addresses: BTreeMap<Name, Vec<IpAddr>>,
    /// How it is written to.
    pub interface: Interface,
    /// How often.
    pub limits: Limits,
    /// Zones at the same primary, written by the same key, in which it vouches for a first DS RRset
    /// (RFC 9615): each at or above `_signal.<ns>` of one of its nameserver names.
    pub signal_zones: BTreeSet<Name>,
    /// Its own keys, as far as they cannot be learned from who signs what.
    pub own_keys: Vec<Dnskey>,
    /// Whether its keys sign both DNSKEY and data; learned where not declared.
    pub csk: Option<bool>,
    /// No TTL in a zone that it served was ever longer.
    pub max_ttl: Duration,
}

impl Signer {
    /// The zone in which a signalling name is written: of those that hold it, the closest one.
    pub fn signal_zone(&self, signal: &Name) -> Option<&Name> {
        let above = self.signal_zones.iter().filter(|zone| zone.zone_of(signal));
        above.max_by_key(|zone| zone.num_labels())
    }
}

/// How a signer is written to.
#[derive(Clone, Debug)]
pub enum Interface {
    /// Dynamic update (RFC 2136).
    Ddns(DdnsAccess),
    /// deSEC's web interface.
    Desec(DesecAccess),
    /// The same, with RRsets that the owner of the zone signed (RFC 8901 §2.1.1).
    SignedRrset(DdnsAccess),
}

impl Interface {
    /// The server that takes what is written and shows it at once, if there is one.
    pub fn primary(&self) -> Option<SocketAddr> {
        match self {
            Self::Ddns(access) | Self::SignedRrset(access) => Some(access.primary),
            Self::Desec(_) => None,
        }
    }
}

/// Where dynamic updates go, and how.
#[derive(Clone, Debug)]
pub struct DdnsAccess {
    /// Where to.
    pub primary: SocketAddr,
    /// How they travel; what is too long for a datagram goes over TCP in any case.
    pub via: Transport,
    /// The secret that the signer shares with the controller (RFC 8945).
    pub tsig: TsigKey,
}

/// Where deSEC's web interface is, and what it must be told.
#[derive(Clone, Debug)]
pub struct DesecAccess {
    /// Its root, as `https://desec.io/api/v1`.
    pub url: String,
    /// The token that may change the zones.
    pub token: Secret,
    /// The only certificates that are trusted, in PEM; `None`: those of the public authorities.
    pub ca: Option<String>,
    /// RRsets are written with at least this TTL, seconds.
    pub minimum_ttl: u32,
}

impl DesecAccess {
    /// deSEC's own interface.
    pub const URL: &str = "https://desec.io/api/v1";
    /// The least TTL that deSEC takes of ordinary users, seconds.
    pub const MINIMUM_TTL: u32 = 3_600;

    /// deSEC's own interface, with this token.
    pub fn new(token: Secret) -> Self {
        Self {
            url: Self::URL.into(),
            token,
            ca: None,
            minimum_ttl: Self::MINIMUM_TTL,
        }
    }
}

/// How often a signer may be written to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Requests about any zone.
    pub requests: Vec<Rate>,
    /// Changes of one zone; several RRsets go in one.
    pub changes: Vec<Rate>,
}

impl Limits {
    /// What deSEC publishes: `dns_api_cheap` and `user`; `dns_api_per_domain_expensive`.
    pub fn desec() -> Self {
        Self {
            requests: vec![
                Rate::new(10, 1),
                Rate::new(50, 60),
                Rate::new(2_000, 86_400),
            ],
            changes: vec![
                Rate::new(2, 1),
                Rate::new(15, 60),
                Rate::new(100, 3_600),
                Rate::new(300, 86_400),
            ],
        }
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |rates: &[Rate]| {
            let rates: Vec<String> = rates.iter().map(Rate::to_string).collect();
            match rates.is_empty() {
                true => "any number".into(),
                false => rates.join(" "),
            }
        };
        let (requests, changes) = (list(&self.requests), list(&self.changes));
        write!(f, "requests: {requests}; changes of a zone: {changes}")
    }
}

/// Who holds the KSKs of a zone (RFC 8901 §2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Model {
    /// Model 1: the owner, one for all signers.
    #[serde(rename = "1")]
    Common,
    /// Model 2: each signer its own.
    #[default]
    #[serde(rename = "2")]
    Own,
    /// Neither: all signers serve one set of keys, which somebody holds for them.
    #[serde(rename = "shared")]
    Shared,
}

/// Who serves a zone when the controller first hears of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Zone {
    /// The signers of a group.
    Group(String),
    /// These.
    Signers(BTreeSet<SignerName>),
}

/// Everything that the operator declares.
#[derive(Clone, Debug)]
pub struct Config {
    /// Shortest interval between two looks at something that somebody else must change.
    pub poll: Duration,
    /// How many questions a second the zones at rest cost together at most; `None`: as many as they
    /// like.
    pub questions_per_second: Option<NonZeroU32>,
    /// What is added to every wait.
    pub safety: Safety,
    /// How long a withdrawn signal may still have effect: at least the parent's scan interval plus
    /// its publication delay.
    pub parent_settle: Duration,
    /// What becomes of CDS and CDNSKEY at the end.
    pub cds_after: CdsAfter,
    /// How often the parent is asked in a KSK roll.
    pub ksk_roll: KskRoll,
    /// Digest types of CDS records, the same for every key.
    pub digests: BTreeSet<u8>,
    /// Whether a change that the cache calculus refutes is refused.
    pub guard: bool,
    /// Whether what was observed is told as well: for the audit log.
    pub audit: bool,
    /// Deliberate defects.
    pub sabotage: BTreeSet<Sabotage>,
    /// The delegating zone.
    pub parent: Parent,
    /// Every signer that may be named.
    pub signers: BTreeMap<SignerName, Signer>,
    /// The zones under control.
    pub zones: BTreeMap<Name, Zone>,
    /// The owner's KSKs of those of them that follow model 1; the others follow model 2.
    pub common_ksks: BTreeMap<Name, CommonKsk>,
    /// Those of them whose signers all serve one set of keys.
    pub shared_keys: BTreeSet<Name>,
    /// Those of them where each change of a process waits until it is allowed.
    pub manual: BTreeSet<Name>,
    /// Groups of signers.
    pub groups: BTreeMap<String, BTreeSet<SignerName>>,
    /// Addresses of nameserver names, instead of what a resolver would find.
    pub addresses: BTreeMap<Name, Vec<IpAddr>>,
    /// How to find addresses that are not declared; `None`: not at all.
    pub resolver: Option<resolver::Config>,
}

impl Config {
    /// The declared bound of TTLs that nobody declared: a day.
    pub const MAX_TTL: Duration = Duration::from_secs(86_400);

    /// The defaults, for a parent.
    pub fn new(parent: Name) -> Self {
        Self {
            poll: Duration::from_secs(60),
            questions_per_second: None,
            safety: Safety::default(),
            parent_settle: Duration::from_secs(3_600),
            cds_after: CdsAfter::default(),
            ksk_roll: KskRoll::default(),
            digests: [DIGEST_SHA256].into(),
            guard: true,
            audit: false,
            sabotage: BTreeSet::new(),
            parent: Parent {
                zone: parent,
                ns: Vec::new(),
                max_ttl: Self::MAX_TTL,
            },
            signers: BTreeMap::new(),
            zones: BTreeMap::new(),
            common_ksks: BTreeMap::new(),
            shared_keys: BTreeSet::new(),
            manual: BTreeSet::new(),
            groups: BTreeMap::new(),
            addresses: BTreeMap::new(),
            resolver: None,
        }
    }

    /// Who serves `zone` before any process ran.
    pub fn first_members(&self, zone: &Name) -> BTreeSet<SignerName> {
        match self.zones.get(zone) {
            Some(Zone::Signers(signers)) => signers.clone(),
            Some(Zone::Group(group)) => self.groups.get(group).cloned().unwrap_or_default(),
            None => BTreeSet::new(),
        }
    }

    /// Who holds the KSKs of `zone`.
    pub fn model(&self, zone: &Name) -> Model {
        match self.common_ksks.contains_key(zone) {
            true => Model::Common,
            false if self.shared_keys.contains(zone) => Model::Shared,
            false => Model::Own,
        }
    }

    /// The declared bound of the TTLs of `owner`.
    pub(crate) fn max_ttl(&self, owner: &Owner) -> Duration {
        let signer = match owner {
            Owner::Parent => None,
            Owner::Signer(name) => self.signers.get(name),
        };
        signer.map_or(self.parent.max_ttl, |signer| signer.max_ttl)
    }

    /// Whether this defect is switched on.
    pub fn has(&self, sabotage: Sabotage) -> bool {
        self.sabotage.contains(&sabotage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn safety_is_a_share_and_at_least_a_minute() {
        let safety = Safety::default();
        assert_eq!(
            safety.of(Duration::from_secs(36_000)),
            Duration::from_secs(3_600)
        );
        assert_eq!(safety.of(Duration::from_secs(60)), Duration::from_secs(60));
        assert_eq!(
            Safety::Fixed(Duration::ZERO).of(Duration::MAX),
            Duration::ZERO
        );
    }
}
