//! The sections of a policy that say where things are and how a run goes, not what is accepted.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use counterpoint_dns::resolver::iana;
use serde::{Deserialize, Serialize};

use super::span;

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
            roots: iana::ROOTS.to_vec(),
            trust_anchor: iana::ANCHORS.map(String::from).to_vec(),
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
