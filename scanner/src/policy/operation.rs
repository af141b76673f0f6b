//! The sections of a policy that say where things are and how a run goes, not what is accepted.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::span;

/// The keys of the root zone as IANA publishes them (root-anchors.xml): KSK-2017 and KSK-2024.
pub const IANA_ANCHORS: [&str; 2] = [
    "20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
    "38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
];

/// The IPv4 addresses of the root servers, a to m (named.root).
pub const IANA_ROOTS: [[u8; 4]; 13] = [
    [198, 41, 0, 4],
    [170, 247, 170, 2],
    [192, 33, 4, 12],
    [199, 7, 91, 13],
    [192, 203, 230, 10],
    [192, 5, 5, 241],
    [192, 112, 36, 4],
    [198, 97, 190, 53],
    [192, 36, 148, 17],
    [192, 58, 128, 30],
    [193, 0, 14, 129],
    [199, 7, 83, 42],
    [202, 12, 27, 33],
];

/// `[parent]`: the delegating zone and its primary. Options of a command come before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct ParentPlace {
    /// The zone; without one, the zone of the input's SOA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The primary that takes updates, with its port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<SocketAddr>,
    /// The file of the TSIG key for transfers and updates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tsig_key: Option<String>,
}

/// `[resolver]`: our own iterative, validating resolver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct ResolverPlace {
    /// Addresses of the root servers.
    pub roots: Vec<IpAddr>,
    /// DS records of the root's keys, in presentation form.
    pub trust_anchor: Vec<String>,
    /// Whether servers are asked over IPv6 too.
    pub ipv6: bool,
}

impl Default for ResolverPlace {
    fn default() -> Self {
        Self {
            roots: IANA_ROOTS.map(IpAddr::from).to_vec(),
            trust_anchor: IANA_ANCHORS.map(String::from).to_vec(),
            ipv6: false,
        }
    }
}

/// `[plan]`: plans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Planning {
    /// For how long a plan may be applied.
    #[serde(with = "span")]
    pub valid: Duration,
}

impl Default for Planning {
    fn default() -> Self {
        Self {
            valid: Duration::from_secs(86_400),
        }
    }
}

/// `[self-test]`: what must hold of resolver and clock before a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct SelfTest {
    /// Names whose SOA must be secure.
    pub good: BTreeSet<String>,
    /// Names whose SOA must be bogus.
    pub bogus: BTreeSet<String>,
}

impl Default for SelfTest {
    fn default() -> Self {
        Self {
            good: [".".into()].into(),
            bogus: ["dnssec-failed.org.".into()].into(),
        }
    }
}
