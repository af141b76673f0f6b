//! The tables of a declarations file, key by key, with their defaults.
//!
//! Values are read as the scenario language spells them. What one value alone can be wrong about is
//! found here; what does not go together is found by `check`.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
    time::Duration,
};

use counterpoint_dns::{
    key::Dnskey,
    name::{Name, parse_name},
    pace::Rate,
    rdata::Ds,
    resolver::iana,
};
use serde::{Deserialize, Deserializer, de};
use toml::Spanned;

use super::span;
use crate::{
    common::CommonKsk,
    config::{CdsAfter, Config, DesecAccess, KskRoll, Safety},
};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct File {
    /// Where the controller remembers, relative to this file.
    #[serde(default = "store")]
    pub store: PathBuf,
    #[serde(default)]
    pub controller: ControllerTable,
    pub parent: ParentTable,
    #[serde(default)]
    pub resolver: ResolverTable,
    /// Addresses of nameserver names, instead of what the resolver would find.
    #[serde(default)]
    pub addresses: BTreeMap<NameText, Vec<IpAddr>>,
    #[serde(default)]
    pub signer: Vec<SignerTable>,
    #[serde(default)]
    pub group: Vec<GroupTable>,
    #[serde(default)]
    pub zone: Vec<ZoneTable>,
    /// How it is asked over the network.
    pub serve: Option<ServeTable>,
    /// Who may ask.
    #[serde(default)]
    pub token: Vec<TokenTable>,
}

fn store() -> PathBuf {
    "counterpoint-controller.state".into()
}

/// What zones at rest may cost together, unless something else is declared.
const QUESTIONS_PER_SECOND: NonZeroU32 = NonZeroU32::new(100).unwrap();

/// `[controller]`: how it goes about its work.
#[derive(Debug, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ControllerTable {
    #[serde(with = "span")]
    pub poll: Duration,
    pub questions_per_second: NonZeroU32,
    #[serde(with = "span::safety")]
    pub safety: Safety,
    #[serde(with = "span")]
    pub parent_settle: Duration,
    pub cds_after: CdsAfterText,
    pub ksk_roll: KskRollText,
    pub digests: Spanned<Vec<u8>>,
    pub guard: bool,
}

impl Default for ControllerTable {
    fn default() -> Self {
        let config = Config::new(Name::root());
        Self {
            poll: config.poll,
            questions_per_second: QUESTIONS_PER_SECOND,
            safety: config.safety,
            parent_settle: config.parent_settle,
            cds_after: CdsAfterText::Keep,
            ksk_roll: KskRollText::Swap,
            digests: Spanned::new(0..0, config.digests.into_iter().collect()),
            guard: config.guard,
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum CdsAfterText {
    Keep,
    Withdraw,
}

impl From<CdsAfterText> for CdsAfter {
    fn from(text: CdsAfterText) -> Self {
        match text {
            CdsAfterText::Keep => Self::Keep,
            CdsAfterText::Withdraw => Self::Withdraw,
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum KskRollText {
    Swap,
    Double,
}

impl From<KskRollText> for KskRoll {
    fn from(text: KskRollText) -> Self {
        match text {
            KskRollText::Swap => Self::Swap,
            KskRollText::Double => Self::Double,
        }
    }
}

/// `[parent]`: the delegating zone.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ParentTable {
    pub zone: NameText,
    /// Its nameservers; empty: found by the resolver.
    #[serde(default)]
    pub ns: Vec<NameText>,
    #[serde(default = "max_ttl", with = "span")]
    pub max_ttl: Duration,
}

fn max_ttl() -> Duration {
    Config::MAX_TTL
}

/// `[resolver]`: our own iterative, validating resolver.
#[derive(Debug, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ResolverTable {
    pub roots: Vec<IpAddr>,
    /// DS records of the root's keys.
    pub trust_anchor: Vec<DsText>,
    pub ipv6: bool,
}

impl Default for ResolverTable {
    fn default() -> Self {
        let anchors = iana::ANCHORS.iter();
        Self {
            roots: iana::ROOTS.to_vec(),
            trust_anchor: anchors
                .filter_map(|text| Ds::from_text(text).map(DsText))
                .collect(),
            ipv6: false,
        }
    }
}

/// `[[signer]]`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct SignerTable {
    pub name: Spanned<String>,
    /// The nameserver names that it brings.
    pub ns: Spanned<Vec<NameText>>,
    /// Where dynamic updates go.
    pub primary: Option<SocketAddr>,
    #[serde(default)]
    pub via: ViaText,
    /// The key of dynamic updates.
    pub tsig: Option<Spanned<TsigTable>>,
    /// How updates are written: plain, or with what the owner of the zone signed.
    #[serde(default)]
    pub interface: InterfaceText,
    /// Or deSEC's web interface.
    pub desec: Option<Spanned<DesecTable>>,
    /// How often it may be written to.
    pub limits: Option<LimitsTable>,
    /// Zones at the same primary in which it vouches for a first DS RRset.
    pub signal_zones: Option<Spanned<Vec<NameText>>>,
    #[serde(default = "max_ttl", with = "span")]
    pub max_ttl: Duration,
    /// Which keys it has; learned where not declared.
    pub keys: Option<KeysText>,
    /// Its own keys, as far as they cannot be learned from who signs what.
    #[serde(default)]
    pub own_keys: Vec<DnskeyText>,
    /// Addresses of those of its nameserver names that lie inside the zone.
    #[serde(default)]
    pub in_zone_addresses: BTreeMap<NameText, Vec<IpAddr>>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ViaText {
    #[default]
    Tcp,
    Udp,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum InterfaceText {
    #[default]
    Ddns,
    SignedRrset,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum KeysText {
    KskZsk,
    Csk,
}

/// `tsig = { … }`: the secret that a signer shares with the controller. Never shown.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct TsigTable {
    pub name: NameText,
    #[serde(default = "algorithm")]
    pub algorithm: String,
    /// In base64.
    pub secret: Option<String>,
    /// A file with the secret in base64, relative to this file.
    pub secret_file: Option<PathBuf>,
}

impl std::fmt::Debug for TsigTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TsigTable({})", self.name.0)
    }
}

/// `desec = { … }`: deSEC's web interface.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct DesecTable {
    #[serde(default = "desec_url")]
    pub url: String,
    /// A file with the token, relative to this file.
    pub token_file: PathBuf,
    /// A file with the only certificates that are trusted, in PEM.
    pub ca_file: Option<PathBuf>,
    #[serde(default = "minimum_ttl", with = "span")]
    pub minimum_ttl: Duration,
}

fn desec_url() -> String {
    DesecAccess::URL.into()
}

fn minimum_ttl() -> Duration {
    Duration::from_secs(DesecAccess::MINIMUM_TTL.into())
}

/// `limits = { … }`: rates as `15/min`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct LimitsTable {
    /// Requests about any zone.
    #[serde(default)]
    pub requests: Vec<RateText>,
    /// Changes of one zone.
    #[serde(default)]
    pub changes: Vec<RateText>,
}

/// A rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct RateText(pub Rate);

fn algorithm() -> String {
    "hmac-sha256".into()
}

/// `[[group]]`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct GroupTable {
    pub name: Spanned<String>,
    pub signers: Spanned<Vec<Spanned<String>>>,
}

/// `[[zone]]`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ZoneTable {
    pub name: Spanned<NameText>,
    /// Who serves it when the controller first hears of it.
    pub signers: Option<Spanned<Vec<Spanned<String>>>>,
    /// Or the group that does.
    pub group: Option<Spanned<String>>,
    #[serde(default)]
    pub mode: ModeText,
    /// The files of the KSKs that its owner holds, the oldest first: model 1 of RFC 8901.
    pub ksks: Option<Spanned<Vec<PathBuf>>>,
    /// How long what those sign holds.
    #[serde(default = "validity", with = "span")]
    pub signature_validity: Duration,
    /// How long before its end it is signed again.
    #[serde(default = "renew_before", with = "span")]
    pub resign_before: Duration,
    /// What its operator notes about it.
    #[serde(default)]
    pub meta: BTreeMap<String, String>,
}

/// `[serve]`: how the controller is asked over the network.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ServeTable {
    #[serde(default = "listen")]
    pub listen: Vec<SocketAddr>,
    /// Its certificate, and those above it, in PEM; relative to this file.
    pub certificate: PathBuf,
    /// The key of that, in PEM.
    pub key: PathBuf,
    /// The authorities of which every caller must show a certificate, in PEM.
    pub client_ca: Option<PathBuf>,
    /// What is shown without a token.
    #[serde(default)]
    pub anonymous: AnonymousText,
}

fn listen() -> Vec<SocketAddr> {
    vec![SocketAddr::from(([127, 0, 0, 1], 8_453))]
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum AnonymousText {
    #[default]
    Read,
    Nothing,
}

/// `[[token]]`: who may ask for what. The token itself is kept nowhere.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct TokenTable {
    pub name: Spanned<String>,
    pub role: RoleText,
    /// The SHA-256 of the token, in hexadecimal.
    pub sha256: Spanned<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RoleText {
    Read,
    Operate,
    Admin,
}

fn validity() -> Duration {
    CommonKsk::VALIDITY
}

fn renew_before() -> Duration {
    CommonKsk::RENEW_BEFORE
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ModeText {
    #[default]
    Automatic,
    Manual,
}

/// A name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NameText(pub Name);

/// A DS record.
#[derive(Clone, Debug)]
pub(super) struct DsText(pub Ds);

/// A DNSKEY record.
#[derive(Clone, Debug)]
pub(super) struct DnskeyText(pub Dnskey);

/// A text, by a reader that says what it expected.
fn read<'de, D: Deserializer<'de>, T>(
    from: D,
    reader: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, D::Error> {
    reader(&String::deserialize(from)?).map_err(de::Error::custom)
}

impl<'de> Deserialize<'de> for NameText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read(from, |text| {
            let name = parse_name(text);
            name.map(Self).map_err(|error| {
                format!("`{text}` is no name ({error}): expected one as `example.`")
            })
        })
    }
}

impl<'de> Deserialize<'de> for RateText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read(from, |text| {
            Rate::parse(text).map(Self).ok_or_else(|| {
                format!(
                    "`{text}` is no rate: expected one as `15/min`, of `s`, `min`, `h` or `day`"
                )
            })
        })
    }
}

impl<'de> Deserialize<'de> for DsText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read(from, |text| {
            Ds::from_text(text).map(Self).ok_or_else(|| {
                format!("`{text}` is no DS record: expected `tag algorithm digest-type digest`")
            })
        })
    }
}

impl<'de> Deserialize<'de> for DnskeyText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read(from, |text| {
            Dnskey::from_text(text).map(Self).ok_or_else(|| {
                format!("`{text}` is no DNSKEY record: expected `flags protocol algorithm key`")
            })
        })
    }
}
